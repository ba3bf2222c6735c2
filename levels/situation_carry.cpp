// What persists of settling: innovation, carry, gate, memory, and the next forecast. See levels/situation.hpp for the equations.

#include <algorithm>
#include <cmath>

#include "levels/running_rate.hpp"
#include "levels/situation.hpp"

namespace strata {

namespace {
enum Purpose : std::uint32_t { activity_dropout = 2 };
constexpr double mean_rate = .01;  // of m and nu, per step
constexpr double power_floor = 1e-12;
}  // namespace

template <class T>
void SituationLevel<T>::carry(const Step<T>& step, const Upward<T>& below) {
  const Observation& o = *step.observation;
  forecasting_ = ticking_;
  innovate(step);
  carry_innovation(step);
  open_gate(step);
  if (settings_.segmentation.on) segmentation_.read(o.id, nats_, o.active, lexicon_.log_unigrams(), step.training);
  if (reads_words()) {
    device_.gather_columns(lexicon_.vectors.value, o.id, word_);
    integrate(step, word_);
  } else {
    integrate(step, below.features);
  }
  const Index ring = static_cast<Index>(ring_.size()) / streams_;
  for (Index j = 0; j < streams_; ++j) {
    const auto s = static_cast<std::size_t>(j);
    if (o.active[s] == 0) continue;
    ring_[static_cast<std::size_t>(j * ring + read_[s] % ring)] = o.id[s];
    ++read_[s];
  }
  objective_.carry(o, ticking_, ends_);
  if (settings_.forgets) forget(o);
  broad_.read(o, ends_);
}

/// Nothing is remembered across a document's end, nor handed up to be.
template <class T>
void SituationLevel<T>::forget(const Observation& o) {
  for (Index j = 0; j < streams_; ++j) {
    const auto s = static_cast<std::size_t>(j);
    if (o.active[s] == 0 || (o.boundary[s] & document_end) == 0) continue;
    device_.fill(h_.cols_at(j, 1), T(0));
    device_.fill(features_.cols_at(j, 1), T(0));
    scales_.forget(j);
    if (settings_.gate.on) gate_.restart(s);
    if (settings_.segmentation.on) segmentation_.restart(s);
    begin_[s] = read_[s];
  }
}

/// delta = e / sqrt(nu), the gain's step, and the features handed up.
template <class T>
void SituationLevel<T>::innovate(const Step<T>& step) {
  double ticks = 0;
  for (const auto t : ticking_) ticks += t;
  if (ticks == 0) return;
  if (step.training) {
    const double rate = running_rate(innovation_count_++, mean_rate);
    device_.map(Unary::square, e_, tmp_);
    device_.row_sum(static_cast<T>(rate / ticks), tmp_, tick_mask_, static_cast<T>(1 - rate), power_);
    sized_ |= step.settling;
  }
  device_.copy(power_, inverse_);
  device_.add_scalar(static_cast<T>(power_floor), inverse_);
  device_.map(Unary::sqrt, inverse_, inverse_);
  device_.map(Unary::reciprocal, inverse_, inverse_);
  device_.upload(error_gain_, factor_);
  device_.copy(e_, delta_);
  device_.scale_columns(factor_, delta_);
  device_.scale_rows(inverse_, delta_);
  if (!sized_) device_.fill(delta_, T(0));

  View<T> belief_part = new_features_.rows_at(0, units_), innovation_part = new_features_.rows_at(units_, units_);
  const double a = scales_.leak(1), r = std::sqrt((1 - a) / (1 + a));
  device_.axpby(static_cast<T>(settings_.feed_belief * r), f_, T(0), belief_part);
  device_.axpby(static_cast<T>(settings_.feed_innovation / std::sqrt(static_cast<double>(tick_))), delta_, T(0), innovation_part);
  device_.select_columns(tick_mask_, new_features_, features_);

  if (!settings_.carry || !step.training) return;
  device_.multiply(delta_, kap_used_, tmp_);
  device_.column_sum(tmp_, column_);
  device_.download(column_, host_);
  double sum = 0;
  for (std::size_t j = 0; j < host_.size(); ++j)
    if (ticking_[j] != 0) sum += static_cast<double>(elapsed_[j]) * static_cast<double>(host_[j]);
  gain_ += settings_.carry_rate * sum / static_cast<double>(step.active_count * units_);  // mean over streams, ticking or not
}

/// kap <- A kap + sqrt(1 - A^2) delta in streams that tick; nothing is carried across a document's end.
template <class T>
void SituationLevel<T>::carry_innovation(const Step<T>& step) {
  if (!settings_.carry) return;
  bool any = false;
  for (std::size_t j = 0; j < ticking_.size(); ++j) {
    host_[j] = T(1);
    host2_[j] = T(0);
    if (ticking_[j] == 0) continue;
    any = true;
    const double a = std::exp(-static_cast<double>(elapsed_[j]) / settings_.carry_time);
    const bool ends = (step.observation->boundary[j] & document_end) != 0;
    host_[j] = ends ? T(0) : static_cast<T>(a * carried_gate_[j]);
    host2_[j] = ends ? T(0) : static_cast<T>(std::sqrt(1 - a * a));
    carried_gate_[j] = 1;
  }
  if (!any) return;
  device_.upload(host_, factor_);
  device_.scale_columns(factor_, kap_);
  device_.upload(host2_, factor_);
  device_.scale_columns(factor_, delta_);
  device_.axpby(T(1), delta_, T(1), kap_);
}

template <class T>
void SituationLevel<T>::open_gate(const Step<T>& step) {
  if (!settings_.gate.on) return;
  const Observation& o = *step.observation;
  if (settings_.gate.words) {
    gate_.read_words(o.id, lexicon_.log_unigrams(), o.active);
  } else {
    for (std::size_t j = 0; j < nats_.size(); ++j) evidence_[j] = lexicon_.log_unigram(o.id[j]) + nats_[j];  // ln u - ln p_l
    gate_.read(evidence_, o.active, step.training);
  }
  for (std::size_t j = 0; j < carried_gate_.size(); ++j) carried_gate_[j] *= gate_.leak_factor(j);
}

template <class T>
void SituationLevel<T>::integrate(const Step<T>& step, ConstView<T> features) {
  device_.copy(features, inputs_now_);
  device_.add_to_rows(T(-1), mean_, inputs_now_);
  if (scales_.learned()) {
    for (std::size_t j = 0; j < host_.size(); ++j) host_[j] = static_cast<T>(gate_.leak_factor(j));
    device_.upload(host_, gate_left_);
  }
  for (int q = 0; q < 2; ++q) {
    const double a = scales_.leak(q);
    for (std::size_t j = 0; j < host_.size(); ++j) host_[j] = static_cast<T>(a * gate_.leak_factor(j));
    device_.upload(host_, decay_);
    const View<T> trace = h_.rows_at(q * inputs_, inputs_);
    if (scales_.learned()) scales_.follow(q, gate_left_, decay_, step.active, trace, inputs_now_);
    device_.leaky_integrate(decay_, static_cast<T>(std::sqrt(1 - a * a)), step.active, inputs_now_, trace);
  }
  if (!step.training || step.active_count == 0) return;
  const double rate = running_rate(mean_count_++, mean_rate);
  device_.row_sum(static_cast<T>(rate / static_cast<double>(step.active_count)), features, step.active, static_cast<T>(1 - rate), mean_);
}

template <class T>
void SituationLevel<T>::forecast(const Step<T>& step, const Downward<T>& above) {
  const bool forms = any(forecasting_);
  if (forms) {
    products_.affine(memory_in_.value, h_, bias_.value, tmp_, forecasting_);
    if (settings_.carry) device_.axpby(static_cast<T>(gain_), kap_, T(1), tmp_);
    device_.select_columns(tick_mask_, tmp_, base_);
    device_.select_columns(tick_mask_, h_, h_used_);
    scales_.hold(tick_mask_);
    device_.select_columns(tick_mask_, kap_, kap_used_);
    if (above_ > 0) {
      device_.select_columns(tick_mask_, above.activity, above_used_);
      products_.multiply(false, above_in_.value.view(), above.activity, T(1), tmp_, forecasting_);
    }
    device_.select_columns(tick_mask_, tmp_, mu_);
    if (settings_.dropout > 0) {
      const RandomKey key{step.seed, step.index, static_cast<std::uint32_t>(settings_.index), activity_dropout};
      if (step.training)
        device_.dropout_mask(settings_.dropout, key, tmp_);
      else
        device_.fill(tmp_, T(1));  // a hierarchy that stops learning keeps no unit of its last mask silent
      device_.select_columns(tick_mask_, tmp_, drop_);
    }
  }
  // Between ticks the belief is its prediction, also where this tick settled away from it.
  device_.copy(mu_, x_);
  device_.map(Unary::tanh, x_, f_);
  device_.multiply(f_, drop_, fd_);
  emit(step, above);
  expected_ = above.expected;
  broad_.leave_out(left_out_);
  if (forms) broad_.evaluate(forecasting_, ends_, {mu_.view(), h_used_.view(), above_used_.view(), expected_});
  forecasting_.assign(forecasting_.size(), 0);
}

template class SituationLevel<float>;
template class SituationLevel<double>;

}  // namespace strata
