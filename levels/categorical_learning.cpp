// What the categorical level learns: its share of the stream, its transitions, its hazard. See levels/categorical.hpp.

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "levels/categorical.hpp"

namespace strata {

namespace {
constexpr double count_floor = .01;  // squared number of switches below which a count is not told from 0
constexpr double age_part = 1. / 3;  // of a level's age that its memory of switches spans

/// Everything a padded tensor holds, as one column. The padding is zero and stays so.
template <class T>
View<T> flat(Tensor<T>& x) {
  const View<T> v = x.view();
  return {v.data, v.ld * v.cols, 1, v.ld * v.cols};
}
}  // namespace

template <class T>
void CategoricalLevel<T>::learn(const Step<T>& step) {
  if (settings_.eligibility)
    persistence(step);
  else
    device_.fill(alpha_, T(0));
  if (exact_evidence()) {
    learn_share(step);
  } else if (speaks()) {
    if (contrasts()) device_.axpby(T(-1), lasting(step), T(1), own_rho_);
    device_.outer_product(T(1), own_rho_, states(prior_), share_error_);
  }
  if (settings_.learn_tau) learn_hazard(step);
  if (settings_.learn_transition) learn_transition(step);
  age_ += 1;
}

/// alpha = probability that a state is the one of the step before, undrawn; 1 where a stream is idle.
template <class T>
void CategoricalLevel<T>::persistence(const Step<T>& step) {
  device_.map(Unary::reciprocal, prior_, alpha_);
  retained(states(work_));
  device_.multiply(alpha_, work_, alpha_);
  if (step.active_count == place_.streams) return;
  device_.scale_columns(step.active, states(alpha_));
  device_.add_to_columns(T(-1), step.active, states(alpha_));
  device_.add_scalar(T(1), alpha_);
}

template <class T>
void CategoricalLevel<T>::retained(View<T> to) {
  device_.axpby(T(1) - static_cast<T>(hazard_), states(q_), T(0), to);
}

template <class T>
void CategoricalLevel<T>::learn_share(const Step<T>& step) {
  const Index block = share_error_.view().ld, v = place_.stream, b = place_.streams;
  device_.scale_columns(pairs(alpha_), eligible_);
  if (step.active_count != b) {
    device_.fill(active_pairs_, T(1));
    device_.scale_columns(step.active, states(active_pairs_));
    device_.scale_columns(pairs(active_pairs_), components_);
  }
  const View<T> e = eligible_, p = components_;
  entries_.clear();
  for (Index j = 0; j < b; ++j)
    for (Index c = 0; c < n_ && step.observation->active[static_cast<std::size_t>(j)] != 0; ++c)
      entries_.push_back({static_cast<std::int32_t>(c * block + step.observation->id[static_cast<std::size_t>(j)]),
                          static_cast<std::int32_t>(j * n_ + c), T(1)});
  for (Index c = 0; c < n_; ++c)  // block c of the columns of state c, in all streams
    device_.axpby(T(-1), View<T>{p.data + c * p.ld, v, b, n_ * p.ld}, T(1), View<T>{e.data + c * block + c * e.ld, v, b, n_ * e.ld});
  device_.add_entries(entries_, {}, e);
  if (contrasts()) {
    const ConstView<T> m = lasting(step);
    for (Index c = 0; c < n_; ++c) device_.axpby(T(-1), m, T(1), View<T>{e.data + c * block + c * e.ld, v, b, n_ * e.ld});
  }
  for (Index j = 0; j < b; ++j) {
    if (step.observation->active[static_cast<std::size_t>(j)] == 0) continue;
    device_.row_sum(T(1), eligible_.cols_at(j * n_, n_), pairs(x_).rows_at(j * n_, n_), T(0), flat(step_error_));
    device_.axpby(T(1), flat(step_error_), T(1), flat(share_error_));
    device_.add_to_rows(T(-1), flat(step_error_), eligible_.cols_at(j * n_, n_));
  }
}

template <class T>
void CategoricalLevel<T>::learn_hazard(const Step<T>& step) {
  device_.axpby(T(1) - static_cast<T>(hazard_), trace_, T(0), more_);
  device_.axpby(T(1), prior_, T(1), more_);
  device_.axpby(T(-1), q_, T(1), more_);
  device_.map(Unary::reciprocal, prior_, work_);
  device_.multiply(work_, x_, work_);
  device_.multiply(work_, more_, work_);
  device_.column_sum(states(work_), norm_);
  device_.multiply(norm_, step.active, norm_);
  device_.column_sum(norm_, sums_.rows_at(0, 1));
  device_.axpby(T(1), sums_.rows_at(0, 1), T(1), hazard_error_);
  device_.copy(x_, more_);
  device_.scale_columns(norm_, states(more_));
  device_.axpby(T(-1), more_, T(1), work_);
  device_.select_columns(step.active, states(work_), states(trace_));
}

/// m of the streams that read, 0 of the others, V x B; then m moves on towards rho.
template <class T>
ConstView<T> CategoricalLevel<T>::lasting(const Step<T>& step) {
  const T part = static_cast<T>(1 / std::max(1., settings_.contrast * tau_above_));
  device_.copy(lasting_, probability_);
  device_.scale_columns(step.active, probability_);
  device_.axpby(part, own_rho_, T(1), lasting_);  // idle columns of both are 0
  device_.axpby(-part, probability_, T(1), lasting_);
  return probability_;
}

/// The hazard in force, kept within its band.
template <class T>
void CategoricalLevel<T>::read_hazard() {
  T value = 0;
  device_.download(log_hazard_.value, std::span(&value, 1));
  const T within = std::clamp(value, static_cast<T>(-std::log(settings_.tau_max)), static_cast<T>(-std::log(settings_.tau_min)));
  hazard_ = std::exp(static_cast<double>(within));
  if (within != value) device_.upload(std::span<const T>(&within, 1), log_hazard_.value);
}

/// From what has been counted: where nothing has, draws are even.
template <class T>
double CategoricalLevel<T>::dwell_time() const {
  std::vector<T> counts(static_cast<std::size_t>(n_ * parents_)), laws(counts.size());
  device_.download(switches_, counts);
  device_.download(transition_, laws);
  double all = 0, same = 0;
  for (std::size_t u = 0; u < static_cast<std::size_t>(parents_); ++u) {
    double count = 0, square = 0;
    for (std::size_t c = u * static_cast<std::size_t>(n_); c < (u + 1) * static_cast<std::size_t>(n_); ++c) {
      count += static_cast<double>(counts[c]);
      square += static_cast<double>(laws[c]) * static_cast<double>(laws[c]);
    }
    all += count;
    same += count * square;
  }
  return 1 / (draw_rate() * (1 - same / all));
}

template <class T>
void CategoricalLevel<T>::redrawn(View<T> to) {
  device_.axpby(static_cast<T>(hazard_), parents(above_held_), T(0), to);
}

/// S_k <- alpha_k S_k + arrivals at k, and what the posterior makes of it into the counts of switches.
template <class T>
void CategoricalLevel<T>::learn_transition(const Step<T>& step) {
  const Index block = xi_.view().ld;
  redrawn(parents(redrawn_));
  device_.map(Unary::reciprocal, prior_, work_);
  device_.scale_columns(pairs(alpha_), switch_eligible_);
  device_.fill(xi_, T(0));
  const View<T> s = switch_eligible_;
  for (Index j = 0; j < place_.streams; ++j) {
    if (step.observation->active[static_cast<std::size_t>(j)] == 0) continue;
    device_.copy(transition_, arrivals_);
    device_.scale_columns(View<T>{redrawn_.view().data + j * parents_, parents_, 1, parents_}, arrivals_);
    device_.scale_rows(pairs(work_).rows_at(j * n_, n_), arrivals_);
    for (Index c = 0; c < n_; ++c)
      device_.axpby(T(1), arrivals_.rows_at(c, 1), T(1), View<T>{s.data + c + (j * n_ + c) * s.ld, 1, parents_, block});
    const View<T> columns = switch_eligible_.cols_at(j * n_, n_);
    device_.row_sum(T(1), columns, pairs(x_).rows_at(j * n_, n_), T(0), flat(arrivals_));
    device_.axpby(T(1), flat(arrivals_), T(1), flat(xi_));
    device_.add_to_rows(T(-1), flat(arrivals_), columns);
  }
  const double keep = 1 - 1 / (settings_.transition_memory + age_part * age_);
  device_.axpby(T(1), xi_, static_cast<T>(keep), switches_);
  normalise_transition();
}

template <class T>
void CategoricalLevel<T>::normalise_transition() {
  // Corrections of the past may leave a count below 0: a smooth positive part.
  device_.map(Unary::square, switches_, transition_);
  device_.add_scalar(static_cast<T>(count_floor), transition_);
  device_.map(Unary::sqrt, transition_, transition_);
  device_.axpby(T(1), switches_, T(1), transition_);
  device_.column_sum(transition_, column_sum_);
  device_.map(Unary::reciprocal, column_sum_, column_sum_);
  device_.scale_columns(column_sum_, transition_);
}

template <class T>
void CategoricalLevel<T>::set_transition(std::span<const T> columns) {
  device_.upload(columns, transition_);
  device_.axpby(static_cast<T>(std::max(1., settings_.transition_memory * hazard_)), transition_, T(0), switches_);
}

/// Under every parent the draws that `other` has counted whatever its parent was, as many as transition_prior says.
template <class T>
void CategoricalLevel<T>::start_from_draws(const CategoricalLevel<T>& other) {
  const auto n = static_cast<std::size_t>(n_);
  std::vector<T> counts(n * static_cast<std::size_t>(other.parents_)), start;
  device_.download(other.switches_, counts);
  std::vector<double> draws(n, 0);
  double all = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double count = std::max(static_cast<double>(counts[i]), 0.);
    draws[i % n] += count;
    all += count;
  }
  for (Index u = 0; u < parents_; ++u)
    for (const double x : draws) start.push_back(static_cast<T>(settings_.transition_prior * x / all));
  device_.upload(start, switches_);
  normalise_transition();
}

/// From a hierarchy in which levels above slept at the end: what such a level handed down was even, so that its states' laws counted alike.
template <class T>
void CategoricalLevel<T>::read_without_parent(Archive& archive, Index parents) {
  Tensor<T> laws(device_, n_, parents), counts(device_, n_, parents);
  archive.tensor("transition", laws);
  archive.tensor("switches", counts);
  device_.row_sum(T(1) / static_cast<T>(parents), laws, device_.ones(parents), T(0), transition_);
  device_.row_sum(T(1), counts, device_.ones(parents), T(0), switches_);
}

template <class T>
void CategoricalLevel<T>::inherit(CategoricalLevel<T>& other, bool same_above) {
  if (n_ != other.n_ || place_.stream != other.place_.stream || (same_above && parents_ != other.parents_))
    throw ShapeError("a level that takes over from another", std::to_string(n_) + " states", std::to_string(other.n_));
  if (speaks()) device_.copy(other.share_.value, share_.value);
  if (same_above) {
    device_.copy(other.switches_, switches_);
    device_.copy(other.transition_, transition_);
  } else {
    start_from_draws(other);
  }
  age_ = other.age_;
  device_.copy(other.log_hazard_.value, log_hazard_.value);
  hazard_ = other.hazard_;
  if (settings_.learn_tau) read_hazard();
}

template <class T>
void CategoricalLevel<T>::accumulate(T scale, bool learning) {
  if (speaks()) {
    if (learning) device_.axpby(scale, share_error_, T(1), share_.gradient);
    device_.fill(share_error_, T(0));
  }
  if (learning && settings_.learn_tau) {
    device_.axpby(scale, hazard_error_, T(1), log_hazard_.gradient);
    const double apart = settings_.separation.slope(tau_below_, 1 / hazard_, tau_above_, age_);
    device_.add_scalar(static_cast<T>(-apart), log_hazard_.gradient);  // ln h = -ln tau
  }
  device_.fill(hazard_error_, T(0));
}

template <class T>
void CategoricalLevel<T>::held_share(View<T> stream) {
  if (speaks()) device_.gemm(false, false, T(1), share_.value.view(), states(prior_), T(1), stream);
}

/// -sum_c x(c) ln p_c(v), the others' share of the stream as it was forecast. Its slope in B is the update without eligibility and contrast.
template <class T>
void CategoricalLevel<T>::held_energy(ConstView<T>, View<T> energy) {
  if (!exact_evidence()) return;  // the level whose emission it is holds the energy
  components(base_, scored_components_);
  for (Index j = 0; j < place_.streams; ++j) {
    if (entries_.empty()) return;
    const auto id = entries_[static_cast<std::size_t>(j * n_)].row;  // tokens as learn() read them; block 0 has rows 0 .. V-1
    device_.copy(ConstView<T>(scored_components_.view()).cols_at(j * n_, n_).rows_at(id, 1), View<T>{work_.view().data + j * n_, 1, n_, 1});
  }
  device_.map(Unary::log, work_, work_);
  device_.multiply(work_, x_, work_);
  device_.column_sum(states(work_), norm_);
  device_.axpby(T(-1), norm_, T(1), energy);
}

template class CategoricalLevel<float>;
template class CategoricalLevel<double>;

}  // namespace strata
