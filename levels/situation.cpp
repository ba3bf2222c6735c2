#include "levels/situation.hpp"

#include <algorithm>
#include <cmath>

namespace strata {

namespace {
constexpr double eligibility_floor = .01;

/// Nothing is above the top to build on.
BroadSettings broad_settings(BroadSettings settings, Index above, bool sparse) {
  settings.from_above &= above > 0;
  if (sparse) settings.width = 1;
  return settings;
}
}  // namespace

template <class T>
SituationLevel<T>::SituationLevel(Device<T>& device, Lexicon<T>& lexicon, const SituationSettings& settings, Index inputs, Index above,
                                  Index depth, Index streams, Index interval, std::uint64_t seed)
    : device_(device),
      lexicon_(lexicon),
      settings_(settings),
      units_(lexicon.units()),
      inputs_(settings.token_fed ? lexicon.units() : inputs),
      above_(above),
      streams_(streams),
      tick_(settings.tick > 0 ? settings.tick : static_cast<Index>(std::ceil(settings.tau / 8))),
      nominal_scale_(static_cast<T>(1.0 / static_cast<double>(streams * interval))),
      broad_(device, lexicon, broad_settings(settings.broad, above, settings.activation_threshold > 0), 2 * inputs_, above, streams,
             interval, seed, static_cast<std::uint32_t>(settings.index)),
      gate_(settings.gate, static_cast<Index>(lexicon.log_unigrams().size()), streams),
      scales_(device, settings.time_scales, settings.tau, settings.spread, inputs_, streams),
      segmentation_(settings.segmentation, static_cast<Index>(lexicon.log_unigrams().size()), streams),
      activation_(settings.activation_threshold, tick_, streams),
      products_(device, activation_.on(), std::max({units_, 2 * inputs_, above})) {
  create_weights(depth, seed);
  create_tensors(interval);
  const auto s = static_cast<std::size_t>(streams);
  ticking_.assign(s, 0);
  left_out_.assign(s, 0);
  everyone_.assign(s, 1);
  elapsed_.assign(s, 0);
  host_.assign(s, T(0));
  host2_.assign(s, T(0));
  nats_.assign(s, 0);
  evidence_.assign(s, 0);
  error_gain_.assign(s, T(1));
  if (settings.eligibility && reads_words()) reach_ = reach_of(scales_.longest(1));
  ring_.assign(s * static_cast<std::size_t>(reach_ + lag_stride + (activation_.on() ? reach_ : 0) + tick_), 0);
  if (settings.terms)
    objective_ = Objective<T>(
        {device, units_, inputs_, streams, streams * interval, seed, static_cast<std::uint32_t>(settings.index), *settings.terms, 0},
        settings.broad.unit);
  reset_state();
}

template <class T>
void SituationLevel<T>::create_weights(Index depth, std::uint64_t seed) {
  const Index n = units_, wide = 2 * inputs_;
  const auto level = static_cast<std::uint32_t>(settings_.index);
  memory_in_ = {device_, "memory_in", n, wide};
  memory_in_.randomise(2 / std::sqrt(static_cast<double>(wide)), seed, level);
  if (above_ > 0) {
    above_in_ = {device_, "above_in", n, above_};
    above_in_.from_above = true;
    above_in_.randomise(.5 / std::sqrt(static_cast<double>(above_)), seed, level);
  }
  bias_ = {device_, "bias", n, 1, false};
  share_out_ = {device_, "share_out", n, n};
  share_out_.randomise(.3 / std::sqrt(static_cast<double>(n * (depth - 1))), seed, level);  // depth - 1 levels share the stream
}

/// Beliefs, messages and what is stashed of `interval` tokens.
template <class T>
void SituationLevel<T>::create_tensors(Index interval) {
  const Index n = units_, b = streams_, columns = streams_ * interval, wide = 2 * inputs_;
  if (above_ > 0) {
    for (auto* x : {&above_used_, &kept_above_, &feedback_}) *x = {device_, above_, b};
    stash_above_ = {device_, above_, columns};
  }
  mean_ = {device_, inputs_, 1};
  power_ = {device_, n, 1};
  inverse_ = {device_, n, 1};
  for (auto* x : {&h_, &h_used_, &eligible_}) *x = {device_, wide, b};
  for (auto* x : {&kap_, &kap_used_, &base_,    &mu_,           &x_,     &f_,      &drop_,   &fd_,      &stream_,  &share_,
                  &e_,   &error_,    &belief_,  &message_,      &drive_, &kept_x_, &kept_f_, &kept_fd_, &kept_mu_, &fd_mu_,
                  &tmp_, &delta_,    &rho_sum_, &feedback_sum_, &ek_,    &word_})
    *x = {device_, n, b};
  for (auto* x : {&features_, &new_features_}) *x = {device_, 2 * n, b};
  inputs_now_ = {device_, inputs_, b};
  for (auto* x : {&error_norm_, &new_norm_, &penalty_, &surprise_, &column_, &factor_, &tick_mask_, &decay_, &gate_left_})
    *x = {device_, b, 1};
  stash_e_ = {device_, n, columns};
  stash_h_ = {device_, wide, columns};
  for (auto* x : {&stash_rho_, &stash_fd_}) *x = {device_, n, columns};
  if (activation_.on()) rho_window_ = {device_, n, b};
  rho_ = tmp_.view();
  device_.fill(drop_, T(1));
}

/// Tokens back to where the word vectors behind the memory have next to no part in it.
template <class T>
Index SituationLevel<T>::reach_of(double tau) const {
  return static_cast<Index>(std::ceil(-tau * std::log(eligibility_floor))) * (settings_.exact_eligibility ? 8 : 1);  // 8: a weight of 1e-16
}

template <class T>
void SituationLevel<T>::reset_state() {
  for (auto& [name, x] : state_tensors()) device_.fill(*x, T(0));
  const auto s = static_cast<std::size_t>(streams_);
  count_.assign(s, 0);
  window_.assign(s, 0);
  carried_gate_.assign(s, 1);
  ends_.assign(s, 0);
  read_.assign(s, 0);
  begin_.assign(s, 0);
  std::fill(ring_.begin(), ring_.end(), 0);
  forecasting_.assign(s, 1);  // the first forecast is everybody's
  device_.fill(tick_mask_, T(1));
  device_.fill(drop_, T(1));
  stashed_ = stashed_ticks_ = 0;
  tokens_ = ticks_ = 0;
  products_.reset();
  scales_.reset();
  segmentation_.reset();
  activation_.reset();
  broad_.reset();
  objective_.reset();
  gate_.reset();
}

template <class T>
void SituationLevel<T>::observe(const Step<T>& step, const Upward<T>& below) {
  if (step.learning && step.slot == 0) scales_.derive();  // behind an update
  rho_ = below.emission_error;
  if (step.learning && activation_.on()) {
    device_.axpby(T(1), rho_, T(1), rho_window_);
  } else if (step.learning) {
    device_.copy(rho_, stash_rho_.cols_at(step.slot * streams_, streams_));
    device_.copy(fd_, stash_fd_.cols_at(step.slot * streams_, streams_));
  }
  broad_.surprise(step.observation->id, nats_);
  for (std::size_t j = 0; j < nats_.size(); ++j) host_[j] = step.observation->active[j] != 0 ? static_cast<T>(nats_[j]) : T(0);
  device_.upload(host_, surprise_);
}

/// What ended with the token, by what the level is told and by what it found.
template <class T>
void SituationLevel<T>::mark_ends(const Observation& o) {
  ends_.assign(o.boundary.begin(), o.boundary.end());
  const auto found = segmentation_.ends();
  for (std::size_t j = 0; j < found.size(); ++j)
    if (o.active[j] != 0 && found[j] != 0) ends_[j] |= found_end;
}

template <class T>
void SituationLevel<T>::fix_ticks(const Observation& o) {
  for (std::size_t j = 0; j < ticking_.size(); ++j) {
    ticking_[j] = 0;
    if (o.active[j] == 0) continue;
    ++tokens_;
    ++count_[j];
    ++window_[j];
    if (count_[j] < tick_ && (ends_[j] & (settings_.boundaries | forced_tick)) == 0) continue;
    ticking_[j] = 1;
    elapsed_[j] = window_[j];
    count_[j] = 0;
  }
}

template <class T>
void SituationLevel<T>::begin_settling(const Step<T>& step, const Upward<T>& below) {
  mark_ends(*step.observation);
  fix_ticks(*step.observation);
  rho_ = below.emission_error;
  handed_ = below.features;
  if (!this->joint()) gather_window(below);
  if (activation_.on()) choose_active(*step.observation);
  for (std::size_t j = 0; j < ticking_.size(); ++j) {
    host_[j] = static_cast<T>(ticking_[j]);
    if (ticking_[j] == 0) continue;
    window_[j] = 0;
    ++ticks_;
  }
  device_.upload(host_, tick_mask_);
  if (!this->joint()) average_window();
}

/// The window's errors so far, and as drive where this is a tick.
template <class T>
void SituationLevel<T>::gather_window(const Upward<T>& below) {
  device_.axpby(T(1), below.emission_error, T(1), rho_sum_);
  if (below.feedback.data != nullptr) device_.axpby(T(1), below.feedback, T(1), feedback_sum_);
  if (!any(ticking_)) return;
  products_.multiply(true, share_out_.back(), rho_sum_.view(), T(0), drive_, ticking_);
  device_.axpby(T(1), feedback_sum_, T(1), drive_);
}

/// Leaves out the ticks of streams whose error does not pass.
template <class T>
void SituationLevel<T>::choose_active(const Observation& o) {
  left_out_.assign(left_out_.size(), 0);
  if (!any(ticking_)) return;
  device_.map(Unary::square, drive_, tmp_);
  device_.column_sum(tmp_, column_);
  device_.download(column_, host_);
  for (std::size_t j = 0; j < ticking_.size(); ++j) {
    if (ticking_[j] == 0) continue;
    const bool passes = activation_.passes(j, std::sqrt(static_cast<double>(host_[j])), elapsed_[j]);
    if (passes || (o.boundary[j] & (document_end | forced_tick)) != 0) continue;
    ticking_[j] = 0;
    left_out_[j] = 1;
  }
}

/// The window's mean errors become the drive of this tick; sums of streams that tick start over.
template <class T>
void SituationLevel<T>::average_window() {
  if (!any(ticking_)) return device_.fill(drive_, T(0));
  for (std::size_t j = 0; j < ticking_.size(); ++j) {
    host_[j] = ticking_[j] != 0 ? static_cast<T>(1.0 / static_cast<double>(elapsed_[j])) : T(0);
    host2_[j] = ticking_[j] != 0 ? T(0) : T(1);
  }
  device_.upload(host_, factor_);
  device_.scale_columns(factor_, drive_);
  device_.upload(host2_, factor_);
  device_.scale_columns(factor_, rho_sum_);
  device_.scale_columns(factor_, feedback_sum_);
  device_.copy(fd_, fd_mu_);
}

template <class T>
void SituationLevel<T>::settle(const Upward<T>& below, ConstView<T> rate) {
  if (this->joint()) {
    products_.multiply(true, share_out_.back(), below.emission_error, T(0), drive_, settling());
    if (below.feedback.data != nullptr) device_.axpby(T(1), below.feedback, T(1), drive_);
  }
  device_.multiply(drive_, drop_, message_);
  device_.relax_step(static_cast<T>(settings_.precision), mu_, message_, rate, x_, f_);
  device_.multiply(f_, drop_, fd_);
  error_and_feedback();
}

template <class T>
void SituationLevel<T>::error_and_feedback() {
  device_.prediction_error(static_cast<T>(settings_.precision), x_, mu_, e_, column_);
  if (above_ > 0) products_.multiply(true, above_in_.back(), e_.view(), T(0), feedback_, settling());
}

template <class T>
void SituationLevel<T>::repredict(const Downward<T>& above) {
  device_.copy(above.activity, above_used_);
  device_.copy(base_, mu_);
  products_.multiply(false, above_in_.value.view(), above_used_.view(), T(1), mu_, settling());
  error_and_feedback();
}

template <class T>
void SituationLevel<T>::emit(const Step<T>&, const Downward<T>& above) {
  if (activation_.on()) {  // the stream is held between ticks
    products_.multiply(false, share_out_.value.view(), fd_.view(), T(0), tmp_, forecasting_);
    device_.select_columns(tick_mask_, tmp_, share_);
  } else {
    products_.multiply(false, share_out_.value.view(), fd_.view(), T(0), share_, everyone_);
  }
  device_.copy(share_, stream_);
  if (above.stream.data != nullptr) device_.axpby(T(1), above.stream, T(1), stream_);
}

template <class T>
void SituationLevel<T>::add_energy(View<T> energy) {
  device_.prediction_error(static_cast<T>(settings_.precision), x_, mu_, e_, energy);
  if (this->joint()) return;
  device_.copy(fd_, tmp_);
  device_.axpby(T(-1), fd_mu_, T(1), tmp_);
  device_.multiply(tmp_, drive_, tmp_);
  device_.column_sum(tmp_, column_);
  device_.axpby(T(-1), column_, T(1), energy);
}

template <class T>
void SituationLevel<T>::keep() {
  device_.copy(x_, kept_x_);
  device_.copy(f_, kept_f_);
  device_.copy(fd_, kept_fd_);
  device_.copy(mu_, kept_mu_);
  if (above_ > 0) device_.copy(above_used_, kept_above_);
}

template <class T>
void SituationLevel<T>::restore(ConstView<T> mask) {
  device_.select_columns(mask, kept_x_, x_);
  device_.select_columns(mask, kept_f_, f_);
  device_.select_columns(mask, kept_fd_, fd_);
  device_.select_columns(mask, kept_mu_, mu_);
  if (above_ > 0) device_.select_columns(mask, kept_above_, above_used_);  // learning pairs it with the error
  error_and_feedback();
}

template <class T>
void SituationLevel<T>::end_settling(const Step<T>& step) {
  device_.fill(new_norm_, T(0));
  device_.prediction_error(static_cast<T>(settings_.precision), x_, mu_, e_, new_norm_);
  device_.select_columns(tick_mask_, x_, belief_);
  device_.select_columns(tick_mask_, e_, error_);
  for (std::size_t j = 0; j < ticking_.size(); ++j) host_[j] = ticking_[j] != 0 ? static_cast<T>(elapsed_[j]) : T(0);
  device_.upload(host_, factor_);
  device_.copy(e_, ek_);
  device_.scale_columns(factor_, ek_);  // a window's error counts for each of its k tokens
  if (above_ > 0) products_.multiply(true, above_in_.back(), ek_.view(), T(0), feedback_, ticking_);
  std::vector<T>& norm = host_;
  device_.download(new_norm_, norm);
  device_.download(penalty_, host2_);
  for (std::size_t j = 0; j < norm.size(); ++j)
    if (ticking_[j] != 0) host2_[j] = norm[j];
  device_.upload(host2_, penalty_);
  // sqrt(pi) |x - mu|, as large as a full window's: a mean over k tokens is noisier by sqrt(tick / k), and a boundary is no surprise
  device_.download(error_norm_, host2_);
  for (std::size_t j = 0; j < norm.size(); ++j)
    if (ticking_[j] != 0) host2_[j] = std::sqrt(2 * norm[j] * static_cast<T>(elapsed_[j]) / static_cast<T>(tick_));
  device_.upload(host2_, error_norm_);
  if (objective_.empty()) return;
  if (reads_words()) device_.gather_columns(lexicon_.vectors.value, step.observation->id, word_);
  objective_.end_token(*step.observation, mu_, reads_words() ? word_.view() : handed_, mean_, ticking_, elapsed_);
}

template <class T>
void SituationLevel<T>::refresh() {
  device_.map(Unary::tanh, x_, f_);
  device_.multiply(f_, drop_, fd_);
  error_and_feedback();
}

template <class T>
void SituationLevel<T>::visit_weights(const std::function<void(Weight<T>&)>& visit) {
  visit(memory_in_);
  if (above_ > 0) visit(above_in_);
  visit(bias_);
  visit(share_out_);
  scales_.visit_weights(visit);
  broad_.visit_weights(visit);
  objective_.visit_weights(visit);
}

template class SituationLevel<float>;
template class SituationLevel<double>;

}  // namespace strata
