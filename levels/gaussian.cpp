#include "levels/gaussian.hpp"

#include <cmath>

#include "core/error.hpp"

namespace strata {

template <class T>
GaussianLevel<T>::GaussianLevel(Device<T>& device, const GaussianSettings& settings, Index above, Index stream, Index channels, bool logits,
                                Index streams, std::uint64_t seed)
    : device_(device),
      settings_(settings),
      above_(above),
      rows_(stream),
      streams_(streams),
      logits_(logits),
      shares_(settings.share || settings.index == 0),
      numbers_mode_(channels > 0) {
  const Index n = settings.units, b = streams;
  const auto level = static_cast<std::uint32_t>(settings.index);
  if (lowest() && channels > 0)
    numbers_ = {device, channels, b, settings.noise, settings.learn_noise};
  else if (lowest())
    tokens_ = {device, stream, b};
  for (auto* x : {&memory_,   &base_,   &mu_,        &x_,         &e_,          &g_,       &h_,       &pi_,
                  &variance_, &handed_, &f_,         &f_held_,    &slope_,      &g_loss_,  &kept_x_,  &kept_mu_,
                  &belief_,   &error_,  &slope_tau_, &moved_tau_, &moved_gain_, &clamped_, &work_[0], &work_[1]})
    *x = {device, n, b};
  for (auto* x : {&share_, &stream_, &rho_held_, &rho_trace_, &p_}) *x = {device, stream, b};
  for (auto* x : {&a_, &s_, &gain_sum_, &row_}) *x = {device, n, 1};
  for (auto* x : {&column_, &error_norm_, &free_energy_, &clamp_}) *x = {device, b, 1};
  tau_sum_ = {device, 1, 1};
  time_scale_ = {device, "time_scale", 1, 1, false};
  log_gain_ = {device, "log_gain", n, 1, false};
  const auto add_identity = [&](double gain, Tensor<T>& weight) {  // where that fits
    std::vector<Entry<T>> diagonal;
    diagonal.reserve(static_cast<std::size_t>(n));
    for (std::int32_t i = 0; i < n; ++i) diagonal.push_back({i, i, static_cast<T>(gain)});
    if (weight.rows() == weight.cols() && gain != 0) device.add_entries(diagonal, {}, weight);
  };
  if (shares_) {
    share_out_ = {device, "share_out", stream, n};
    share_out_.randomise(settings.initial_sd, seed, level);
    add_identity(settings.share_gain, share_out_.value);
    square_out_ = {device, stream, n};
    share_sum_ = {device, stream, n};
  }
  if (coupled()) {
    above_in_ = {device, "above_in", n, above};
    above_in_.from_above = true;
    above_in_.randomise(settings.initial_sd / 3 / std::sqrt(static_cast<double>(n)), seed, level);
    add_identity(settings.gain, above_in_.value);
    for (auto* x : {&square_in_, &above_sum_}) *x = {device, n, above};
    said_ = {device, n, b};
    for (auto* x : {&above_used_, &above_held_, &feedback_, &feedback_precision_, &kept_above_}) *x = {device, above, b};
  }
  const auto units = static_cast<std::size_t>(n);
  pi_host_.assign(units, settings.precision);
  power_.assign(units, 1 / settings.precision);
  ticking_.assign(static_cast<std::size_t>(b), 0);
  host_.assign(std::max(units * static_cast<std::size_t>(b), static_cast<std::size_t>(b)), T(0));
  host2_ = host_;
  targets_.reserve(static_cast<std::size_t>(b));
  derive();
  reset_state();
}

template <class T>
std::vector<std::pair<const char*, Tensor<T>*>> GaussianLevel<T>::state_tensors() {
  std::vector<std::pair<const char*, Tensor<T>*>> all{{"memory", &memory_},
                                                      {"base", &base_},
                                                      {"mu", &mu_},
                                                      {"x", &x_},
                                                      {"handed", &handed_},
                                                      {"share", &share_},
                                                      {"stream", &stream_},
                                                      {"belief", &belief_},
                                                      {"error", &error_},
                                                      {"rho_trace", &rho_trace_},
                                                      {"slope_tau", &slope_tau_},
                                                      {"moved_tau", &moved_tau_},
                                                      {"moved_gain", &moved_gain_},
                                                      {"error_norm", &error_norm_},
                                                      {"free_energy", &free_energy_}};
  if (coupled()) {
    all.emplace_back("above_used", &above_used_);
    all.emplace_back("above_held", &above_held_);
    all.emplace_back("said", &said_);
    all.emplace_back("feedback", &feedback_);
    all.emplace_back("feedback_precision", &feedback_precision_);
  }
  return all;
}

template <class T>
void GaussianLevel<T>::reset_state() {
  for (auto& [name, x] : state_tensors()) device_.fill(*x, T(0));
  for (auto* x : {&e_, &rho_held_, &f_held_}) device_.fill(*x, T(0));
  for (auto* x : {&share_sum_, &above_sum_, &tau_sum_, &gain_sum_})
    if (!x->empty()) device_.fill(*x, T(0));
  if (!lowest()) return;
  if (numbers())
    numbers_.reset_state();
  else
    tokens_.reset_state();
}

template <class T>
Upward<T> GaussianLevel<T>::upward() const {
  const ConstView<T> rho = !lowest() ? rho_ : numbers() ? numbers_.rho() : tokens_.rho();
  return {rho, feedback_.view(), handed_.view(), feedback_precision_.view()};
}

template <class T>
Snapshot<T> GaussianLevel<T>::snapshot() const {
  const ConstView<T> surprise = !lowest() ? ConstView<T>{} : numbers() ? numbers_.surprise() : tokens_.surprise();
  return {mu_.view(), belief_.view(), error_.view(), error_norm_.view(), surprise, free_energy_.view(), pi_.view()};
}

// ---------------------------------------------------------------- observe

template <class T>
void GaussianLevel<T>::observe(const Step<T>& step, const Upward<T>& below) {
  seen_ = step.observation;
  if (lowest() && numbers())
    numbers_.observe(step);
  else if (lowest())
    tokens_.observe(step);
  rho_ = rho(below);
  device_.copy(rho_, rho_held_);
  activate();
  device_.copy(f_, f_held_);
}

template <class T>
void GaussianLevel<T>::begin_settling(const Step<T>& step, const Upward<T>& below) {
  ticking_.assign(step.observation->active.begin(), step.observation->active.end());
  rho_ = rho(below);
  device_.fill(g_, T(0));
  device_.fill(g_loss_, T(0));
  weigh(below);
  invert();
  if (!coupled()) return;
  device_.fill(feedback_, T(0));
  tell_curvature(pi_);
}

/// feedback_precision = (s W)^2' evidence, `evidence` n x B being what this level knows of its own prediction.
template <class T>
void GaussianLevel<T>::tell_curvature(ConstView<T> evidence) {
  device_.copy(evidence, work_[1]);
  device_.scale_rows(s_, work_[1]);
  device_.scale_rows(s_, work_[1]);
  device_.map(Unary::square, above_in_.value, square_in_);
  device_.gemm(true, false, T(1), square_in_.view(), work_[1].view(), T(0), feedback_precision_);
}

// ---------------------------------------------------------------- settling by sweeps

/// H where it does not move with the beliefs (that of tokens does: bend), and D.
template <class T>
void GaussianLevel<T>::weigh(const Upward<T>& below) {
  const T kappa = static_cast<T>(settings_.kappa);
  device_.fill(h_, T(0));
  if (lowest() && numbers()) {
    device_.map(Unary::square, share_out_.value, square_out_);
    device_.gemm(true, false, kappa, square_out_.view(), numbers_.precision(), T(0), h_);
    if (log_odds()) device_.multiply(h_, slope_, h_);
  }
  if (!lowest() && below.feedback_precision.data != nullptr) device_.axpby(kappa, below.feedback_precision, T(1), h_);
}

/// variance = 1 / D.
template <class T>
void GaussianLevel<T>::invert() {
  device_.copy(pi_, variance_);
  device_.axpby(T(1), h_, T(1), variance_);
  device_.map(Unary::reciprocal, variance_, variance_);
}

/// x += rate D^-1 [pi (mu - x) + G].
template <class T>
void GaussianLevel<T>::move(ConstView<T> rate) {
  device_.copy(mu_, work_[0]);
  device_.axpby(T(-1), x_, T(1), work_[0]);
  device_.multiply(work_[0], pi_, work_[0]);
  device_.axpby(T(1), g_, T(1), work_[0]);
  device_.multiply(work_[0], variance_, work_[0]);
  device_.scale_columns(rate, work_[0]);
  device_.axpby(T(1), work_[0], T(1), x_);
  hand_down();
  error_and_feedback();
}

template <class T>
void GaussianLevel<T>::settle(const Upward<T>& below, ConstView<T> rate) {
  listen(below);
  move(rate);
}

template <class T>
void GaussianLevel<T>::error_and_feedback() {
  device_.copy(x_, e_);
  device_.axpby(T(-1), mu_, T(1), e_);
  device_.multiply(e_, pi_, e_);
  if (!coupled()) return;
  device_.copy(e_, work_[1]);
  device_.scale_rows(s_, work_[1]);
  device_.gemm(true, false, T(1), above_in_.value.view(), work_[1].view(), T(0), feedback_);
}

/// out = s W activity.
template <class T>
void GaussianLevel<T>::from_above(ConstView<T> activity, View<T> out) {
  device_.gemm(false, false, T(1), above_in_.value.view(), activity, T(0), out);
  device_.scale_rows(s_, out);
}

template <class T>
void GaussianLevel<T>::repredict(const Downward<T>& above) {
  if (coupled()) {
    device_.copy(above.activity, above_used_);
    from_above(above_used_, work_[0]);
    device_.copy(base_, mu_);
    device_.axpby(T(1), work_[0], T(1), mu_);
  }
  error_and_feedback();
}

template <class T>
void GaussianLevel<T>::hand_down() {
  device_.copy(x_, handed_);
  if (clamping_) device_.select_columns(clamp_, clamped_, handed_);
}

template <class T>
void GaussianLevel<T>::add_energy(View<T> energy) {
  device_.copy(x_, work_[0]);
  device_.axpby(T(-1), mu_, T(1), work_[0]);
  device_.multiply(work_[0], pi_, e_);
  device_.multiply(work_[0], e_, work_[0]);
  device_.column_sum(work_[0], column_);
  device_.axpby(T(.5), column_, T(1), energy);
  if (!lowest()) return;
  if (numbers())
    numbers_.add_energy(energy);
  else
    tokens_.add_energy(energy);
}

template <class T>
void GaussianLevel<T>::keep() {
  device_.copy(x_, kept_x_);
  device_.copy(mu_, kept_mu_);
  if (coupled()) device_.copy(above_used_, kept_above_);
  if (!lowest()) return;
  if (numbers())
    numbers_.keep();
  else
    tokens_.keep();
}

template <class T>
void GaussianLevel<T>::restore(ConstView<T> mask) {
  device_.select_columns(mask, kept_x_, x_);
  device_.select_columns(mask, kept_mu_, mu_);
  if (coupled()) device_.select_columns(mask, kept_above_, above_used_);  // learning pairs it with the error
  hand_down();
  error_and_feedback();
  if (!lowest()) return;
  if (numbers())
    numbers_.restore(mask);
  else
    tokens_.restore(mask);
}

template <class T>
void GaussianLevel<T>::end_settling(const Step<T>& step) {
  error_and_feedback();
  device_.select_columns(step.active, x_, belief_);
  device_.select_columns(step.active, e_, error_);
  device_.fill(free_energy_, T(0));
  add_energy(free_energy_);
  device_.multiply(free_energy_, step.active, free_energy_);
  device_.copy(column_, error_norm_);  // sum pi (x - mu)^2, left by add_energy
  device_.map(Unary::sqrt, error_norm_, error_norm_);
}

// ---------------------------------------------------------------- the exact chain

template <class T>
void GaussianLevel<T>::settle_by_chain(bool on) {
  if (on || !shares_ || numbers() || settings_.mode != GaussianSettings::Precision::learned) return;
  throw ConfigError(
      level_key(settings_.index, "precision_mode"), "learned",
      "where a level speaks by a stream of logits, sweeps lack the curvature that it is learned from; take relaxation.scheme=exact");
}

template <class T>
void GaussianLevel<T>::gather(const Step<T>& step, const Upward<T>& below) {
  listen(below);
  weigh(below);
  bend(step, below);
  invert();
  if (!coupled()) return;
  const View<T> kept = work_[0];
  device_.multiply(pi_, variance_, kept);
  device_.multiply(kept, g_, work_[1]);
  device_.scale_rows(s_, work_[1]);
  device_.gemm(true, false, T(1), above_in_.value.view(), work_[1].view(), T(0), feedback_);
  device_.multiply(kept, h_, kept);
  tell_curvature(kept);
}

template <class T>
void GaussianLevel<T>::resolve(const Step<T>& step, const Downward<T>& above) {
  repredict(above);
  move(step.active);
}

// ---------------------------------------------------------------- carry, forecast

template <class T>
void GaussianLevel<T>::carry(const Step<T>& step, const Upward<T>&) {
  if (step.learning) trace(step);
  device_.copy(x_, work_[0]);
  if (coupled() && !leaky()) device_.gemm(false, false, T(-1), above_in_.value.view(), above_used_.view(), T(1), work_[0]);
  device_.select_columns(step.active, work_[0], memory_);
}

template <class T>
void GaussianLevel<T>::forecast(const Step<T>& step, const Downward<T>& above) {
  if (step.learning && (settings_.learn_tau || settings_.mode != GaussianSettings::Precision::fixed)) derive();
  device_.copy(memory_, base_);
  device_.scale_rows(a_, base_);
  device_.copy(base_, mu_);
  device_.copy(moved_tau_, slope_tau_);
  device_.scale_rows(a_, slope_tau_);
  device_.axpby(T(1), memory_, T(1), slope_tau_);
  if (coupled()) {
    device_.copy(above.activity, above_used_);
    device_.copy(above.activity, above_held_);
    from_above(above_used_, said_);
    device_.axpby(T(1), said_, T(1), mu_);
    if (leaky()) device_.gemm(false, false, T(-1), above_in_.value.view(), above_used_.view(), T(1), slope_tau_);
  }
  device_.copy(mu_, x_);
  device_.fill(e_, T(0));
  hand_down();
  say(above);
  if (!lowest()) return;
  if (numbers())
    numbers_.forecast(stream_);
  else
    tokens_.forecast(stream_);
}

template class GaussianLevel<float>;
template class GaussianLevel<double>;

}  // namespace strata
