// How the categorical level finds its posterior: the exact messages up and down, and the damped mirror step. See levels/categorical.hpp.

#include "levels/categorical.hpp"

namespace strata {

/// lam: what the token and the levels below say of each state, nats.
template <class T>
void CategoricalLevel<T>::gather(const Step<T>&, const Upward<T>& below) {
  chain_ = true;
  const View<T> lam = states(lam_);
  if (exact_evidence())
    device_.copy(dir_, lam_);
  else if (speaks())
    device_.gemm(true, false, T(1), share_.value.view(), below.emission_error, T(0), lam);
  else
    device_.fill(lam_, T(0));
  if (below.feedback.data != nullptr) device_.axpby(T(1), below.feedback, T(1), lam);
  if (below.feedback_precision.data != nullptr) {  // curvature P: state c lies at e_c - q-, so -P_c (1 - 2 q-_c) / 2 but for a constant
    device_.copy(below.feedback_precision, states(work_));
    device_.multiply(work_, prior_, more_);
    device_.axpby(T(1), more_, T(1), lam_);
    device_.axpby(T(-.5), work_, T(1), lam_);
  }
  limit(lam_);
  weigh_evidence(1);
  if (place_.above > 0) {
    message();
    device_.add_to_columns(T(1), shift_, parents(feedback_));
  }
  if (settings_.stubbornness != 1) weigh_evidence(static_cast<T>(settings_.stubbornness));
}

/// Evidence of one step within half the limit to either side, smoothly.
template <class T>
void CategoricalLevel<T>::limit(View<T> evidence) {
  if (settings_.evidence_limit == 0) return;
  const T k = static_cast<T>(settings_.evidence_limit / 2);
  device_.axpby(T(1) / k, evidence, T(0), evidence);
  device_.map(Unary::tanh, evidence, evidence);
  device_.axpby(k, evidence, T(0), evidence);
}

/// like_ = exp(power lam - shift), its greatest entry 1.
template <class T>
void CategoricalLevel<T>::weigh_evidence(T power) {
  device_.axpby(power, lam_, T(0), like_);
  device_.column_max(states(like_), shift_);
  device_.add_to_columns(T(-1), shift_, states(like_));
  device_.map(Unary::exp, like_, like_);
}

/// feedback_ = ln Z(u) of like_.
template <class T>
void CategoricalLevel<T>::message() {
  const T h = static_cast<T>(hazard_);
  device_.multiply(q_, like_, work_);
  device_.column_sum(states(work_), norm_);
  device_.gemm(true, false, h, transition_.view(), states(like_), T(0), parents(feedback_));
  device_.add_to_columns(T(1) - h, norm_, parents(feedback_));
  device_.map(Unary::log, feedback_, feedback_);
}

template <class T>
void CategoricalLevel<T>::resolve(const Step<T>&, const Downward<T>& above) {
  predict(above.activity, states(prior_now_), false);
  infer(above.activity);
  hand(states(x_));
}

/// x = like [(1-h) q sum_u w(u) + h Pi w], w = a / Z: sums to 1 as a does.
template <class T>
void CategoricalLevel<T>::infer(ConstView<T> above) {
  const T h = static_cast<T>(hazard_);
  const ConstView<T> a = above.data != nullptr ? above : ConstView<T>(ones_above_.view());
  device_.multiply(q_, like_, work_);
  device_.column_sum(states(work_), norm_);
  device_.gemm(true, false, h, transition_.view(), states(like_), T(0), parents(parent_weight_));
  device_.add_to_columns(T(1) - h, norm_, parents(parent_weight_));
  device_.map(Unary::reciprocal, parent_weight_, parent_weight_);
  device_.multiply(parents(parent_weight_), a, parents(parent_weight_));
  device_.column_sum(parents(parent_weight_), norm_);
  device_.copy(q_, x_);
  device_.scale_columns(norm_, states(x_));
  product(h, transition_, parents(parent_weight_), T(1) - h, states(x_));
  device_.multiply(x_, like_, x_);
  settle_rounding();
}

/// The sum is 1 but for rounding, which must not gather over steps.
template <class T>
void CategoricalLevel<T>::settle_rounding() {
  device_.add_scalar(static_cast<T>(least_probability), x_);
  device_.column_sum(states(x_), norm_);
  device_.map(Unary::reciprocal, norm_, norm_);
  device_.scale_columns(norm_, states(x_));
}

/// kappa times minus the slope, in x, of the energy below.
template <class T>
void CategoricalLevel<T>::drive(const Upward<T>& below, View<T> to) {
  if (speaks())
    device_.gemm(true, false, T(1), share_.value.view(), rho_, T(0), to);
  else
    device_.fill(to, T(0));
  if (below.feedback.data != nullptr) device_.axpby(T(1), below.feedback, T(1), to);
  limit(to);
  device_.axpby(static_cast<T>(settings_.stubbornness), to, T(0), to);
}

template <class T>
void CategoricalLevel<T>::settle(const Upward<T>& below, ConstView<T> rate) {
  chain_ = false;
  if (!lowest()) rho_ = below.emission_error;
  drive(below, states(lam_));
  device_.map(Unary::log, x_, work_);
  device_.map(Unary::log, prior_now_, more_);
  device_.axpby(T(1), more_, T(1), lam_);
  device_.axpby(T(-1), work_, T(1), lam_);
  device_.scale_columns(rate, states(lam_));
  device_.axpby(T(1), lam_, T(1), work_);
  device_.log_sum_exp(states(work_), norm_);
  device_.add_to_columns(T(-1), norm_, states(work_));
  device_.map(Unary::exp, work_, work_);
  device_.add_scalar(static_cast<T>(least_probability), work_);
  device_.select_columns(rate, states(work_), states(x_));
  hand(states(x_));
  if (place_.above > 0) slope(parents(feedback_));
}

template <class T>
void CategoricalLevel<T>::repredict(const Downward<T>& above) {
  predict(above.activity, states(prior_now_), false);
  if (place_.above > 0) slope(parents(feedback_));
}

template <class T>
void CategoricalLevel<T>::slope(View<T> to) {
  device_.map(Unary::reciprocal, prior_now_, work_);
  device_.multiply(work_, x_, work_);
  device_.gemm(true, false, static_cast<T>(hazard_ / settings_.stubbornness), transition_.view(), states(work_), T(0), to);
}

template <class T>
void CategoricalLevel<T>::emit(const Step<T>&, const Downward<T>& above) {
  speak(above);
  if (chain_ || !lowest() || !exact_evidence()) return;
  emission_.emit(stream_);
  rho_ = emission_.rho();
}

/// energy += KL(x | q-), nats.
template <class T>
void CategoricalLevel<T>::divergence(View<T> energy) {
  device_.map(Unary::log, x_, work_);
  device_.map(Unary::log, prior_now_, more_);
  device_.axpby(T(-1), more_, T(1), work_);
  device_.multiply(work_, x_, work_);
  device_.column_sum(states(work_), norm_);
  device_.axpby(T(1), norm_, T(1), energy);
}

template <class T>
void CategoricalLevel<T>::add_energy(View<T> energy) {
  device_.fill(energy_, T(0));
  divergence(energy_);
  device_.axpby(static_cast<T>(1 / settings_.stubbornness), energy_, T(0), energy_);
  if (exact_evidence() && chain_) {
    device_.multiply(x_, dir_, work_);
    device_.column_sum(states(work_), norm_);
    device_.axpby(T(-1), norm_, T(1), energy_);
    if (lowest()) device_.axpby(T(1), surprise_, T(1), energy_);
  } else if (exact_evidence() && lowest()) {
    device_.axpby(T(1), emission_.loss(), T(1), energy_);
  }
  device_.axpby(T(1), energy_, T(1), energy);
}

template <class T>
void CategoricalLevel<T>::refresh() {
  hand(states(x_));
  if (place_.above > 0) slope(parents(feedback_));
}

template <class T>
void CategoricalLevel<T>::keep() {
  device_.copy(x_, kept_x_);
  device_.copy(prior_now_, kept_prior_);
  device_.copy(handed_, kept_handed_);
  if (lowest() && exact_evidence()) emission_.keep();
}

template <class T>
void CategoricalLevel<T>::restore(ConstView<T> mask) {
  device_.select_columns(mask, states(kept_x_), states(x_));
  device_.select_columns(mask, states(kept_prior_), states(prior_now_));
  device_.select_columns(mask, states(kept_handed_), states(handed_));
  if (lowest() && exact_evidence()) emission_.restore(mask);
  if (place_.above > 0) slope(parents(feedback_));
}

template <class T>
void CategoricalLevel<T>::end_settling(const Step<T>& step) {
  device_.select_columns(step.active, states(x_), states(belief_error_));
  device_.copy(prior_, work_);
  device_.scale_columns(step.active, states(belief_error_));
  device_.scale_columns(step.active, states(work_));
  device_.axpby(T(-1), work_, T(1), belief_error_);
  device_.fill(error_norm_, T(0));
  divergence(error_norm_);
  device_.multiply(error_norm_, step.active, error_norm_);
}

template class CategoricalLevel<float>;
template class CategoricalLevel<double>;

}  // namespace strata
