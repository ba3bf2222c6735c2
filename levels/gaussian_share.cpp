// What a Gaussian level says in the output stream, and what it hears there. See levels/gaussian.hpp for the equations.

#include "levels/gaussian.hpp"

namespace strata {

template <class T>
ConstView<T> GaussianLevel<T>::rho(const Upward<T>& below) const {
  return !lowest() ? below.emission_error : numbers() ? numbers_.rho() : tokens_.rho();
}

/// f(x) of what is handed down, and the diagonal of its derivative.
template <class T>
void GaussianLevel<T>::activate() {
  device_.copy(handed_, f_);
  if (!log_odds()) return;
  device_.log_sum_exp(handed_, column_);
  device_.add_to_columns(T(-1), column_, f_);
  device_.map(Unary::exp, f_, f_);
  device_.map(Unary::square, f_, slope_);
  device_.axpby(T(1), f_, T(-1), slope_);
}

/// out = J' g, J = df/dx at the activity: with f = q = softmax(x), q .* (g - q' g).
template <class T>
void GaussianLevel<T>::through_activity(ConstView<T> g, View<T> out) {
  if (!log_odds()) return;
  device_.multiply(f_, g, out);
  device_.column_sum(out, column_);
  device_.copy(g, out);
  device_.add_to_columns(T(-1), column_, out);
  device_.multiply(f_, out, out);
}

template <class T>
void GaussianLevel<T>::say(const Downward<T>& above) {
  activate();
  if (shares_) device_.gemm(false, false, T(1), share_out_.value.view(), f_.view(), T(0), share_);
  device_.copy(share_, stream_);
  if (above.stream.data != nullptr) device_.axpby(T(1), above.stream, T(1), stream_);
}

template <class T>
void GaussianLevel<T>::emit(const Step<T>&, const Downward<T>& above) {
  say(above);
  if (!lowest()) return;
  if (numbers())
    numbers_.emit(stream_);
  else
    tokens_.emit(stream_);
}

/// G, and what descends the loss: the same, or J G where f bends.
template <class T>
void GaussianLevel<T>::listen(const Upward<T>& below) {
  const T kappa = static_cast<T>(settings_.kappa);
  device_.fill(g_, T(0));
  if (shares_) device_.gemm(true, false, kappa, share_out_.value.view(), rho(below), T(0), g_);
  activate();
  through_activity(g_, g_loss_);
  if (lowest() || below.feedback.data == nullptr) return;
  device_.axpby(kappa, below.feedback, T(1), g_);
  if (log_odds()) device_.axpby(kappa, below.feedback, T(1), g_loss_);
}

/// Curvature of the emission in the output stream at the forecast, through U: diag U' (diag p - p p') U.
template <class T>
void GaussianLevel<T>::bend(const Step<T>& step, const Upward<T>& below) {
  if (!shares_ || (lowest() && numbers()) || !logits_) return;  // numbers: weigh
  const Observation& seen = *step.observation;
  targets_.clear();
  for (std::size_t j = 0; j < seen.id.size(); ++j)
    if (seen.active[j] != 0) targets_.push_back({seen.id[j], static_cast<std::int32_t>(j), T(1)});
  device_.axpby(T(-1), rho(below), T(0), p_);
  device_.add_entries(targets_, {}, p_);
  device_.map(Unary::square, share_out_.value, square_out_);
  device_.gemm(true, false, T(1), square_out_.view(), p_.view(), T(0), work_[0]);
  device_.gemm(true, false, T(1), share_out_.value.view(), p_.view(), T(0), work_[1]);
  device_.map(Unary::square, work_[1], work_[1]);
  device_.axpby(T(-1), work_[1], T(1), work_[0]);
  if (log_odds()) device_.multiply(work_[0], slope_, work_[0]);
  device_.axpby(static_cast<T>(settings_.kappa), work_[0], T(1), h_);
}

template <class T>
void GaussianLevel<T>::held_share(View<T> stream) {
  if (shares_) device_.gemm(false, false, T(1), share_out_.value.view(), f_held_.view(), T(1), stream);
}

template class GaussianLevel<float>;
template class GaussianLevel<double>;

}  // namespace strata
