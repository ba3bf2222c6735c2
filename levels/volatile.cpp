#include "levels/volatile.hpp"

#include <cmath>
#include <numbers>
#include <numeric>

#include "core/error.hpp"
#include "core/parameter.hpp"

namespace strata {

namespace {

template <class T>
void set_weight(Weight<T>& weight, double value) {
  weight.value.device().fill(weight.value, static_cast<T>(value));
}

}  // namespace

template <class T>
VolatileLevel<T>::VolatileLevel(Device<T>& device, const VolatileSettings& settings, Index above, Index symbols, Index streams)
    : device_(device), settings_(settings), above_(above), symbols_(symbols), streams_(streams) {
  const Index n = settings.units, b = streams;
  omega_ = {device, "omega", n, 1, false};
  kappa_ = {device, "kappa", n, 1, false};
  set_weight(omega_, settings.omega);
  set_weight(kappa_, settings.kappa);
  for (auto* x : {&mu_, &pi_,    &m_,    &p_,     &gamma_, &above_held_, &x_,      &q_,       &m_now_,   &p_now_,   &held_m_, &held_p_,
                  &u_,  &slope_, &bend_, &error_, &delta_, &drive_,      &handed_, &clamped_, &work_[0], &work_[1], &work_[2]})
    *x = {device, n, b};
  rho_out_ = {device, symbols > 0 ? symbols : n, b};
  if (settings.index == 0) rho_ = rho_out_.view();
  if (coupled()) {
    couple_ = {device, above, n};
    std::vector<T> ones(static_cast<std::size_t>(above * n), T(above == 1 ? 1 : 0));
    for (Index i = 0; i < n && above == n; ++i) ones[static_cast<std::size_t>(i * n + i)] = T(1);
    device.upload(ones, couple_);
    feedback_ = {device, above, b};
    curvature_ = {device, above, b};
  }
  coupling_flag_ = {device, 1, b};
  device.fill(coupling_flag_, T(settings.value_coupled ? 0 : 1));
  for (auto* x : {&surprise_, &error_norm_, &free_energy_, &column_, &clamp_}) *x = {device, b, 1};
  for (auto* x : {&stash_omega_, &stash_kappa_}) *x = {device, n, 1};
  ticking_.assign(static_cast<std::size_t>(b), 0);
  host_.assign(static_cast<std::size_t>(n * b), T(0));
  reset_state();
}

template <class T>
double VolatileLevel<T>::time_constant() const {
  std::vector<T> omega(static_cast<std::size_t>(settings_.units));
  device_.download(omega_.value, omega);
  return std::exp(-std::accumulate(omega.begin(), omega.end(), 0.0) / static_cast<double>(settings_.units));
}

template <class T>
void VolatileLevel<T>::reset_state() {
  for (auto* x : {&mu_, &x_, &m_, &m_now_}) device_.fill(*x, static_cast<T>(settings_.mean));
  for (auto* x : {&pi_, &q_, &p_, &p_now_}) device_.fill(*x, static_cast<T>(settings_.precision));
  for (auto* x : {&gamma_, &above_held_, &error_, &delta_, &drive_, &rho_out_}) device_.fill(*x, T(0));
  for (auto* x : {&surprise_, &error_norm_, &free_energy_, &stash_omega_, &stash_kappa_}) device_.fill(*x, T(0));
  if (coupled()) {
    device_.fill(feedback_, T(0));
    device_.fill(curvature_, T(0));
  }
  hand_down();
}

/// Numbers that a belief may not have. Idle streams are not asked; without an observation all are.
template <class T>
void VolatileLevel<T>::check(const Observation* observation, ConstView<T> x, bool positive, const char* quantity) {
  device_.download(x, host_);
  const Index n = settings_.units;
  for (Index j = 0; j < streams_; ++j) {
    if (observation != nullptr && observation->active[static_cast<std::size_t>(j)] == 0) continue;
    for (Index i = 0; i < n; ++i) {
      const T value = host_[static_cast<std::size_t>(j * n + i)];
      if (std::isfinite(value) && (!positive || value > T(0))) continue;
      const std::string own = level_key(settings_.index);
      const std::string advice =
          settings_.index == 0
              ? "lower level.0.omega or level.0.kappa"
              : "lower level." + std::to_string(settings_.index - 1) + ".kappa or " + own + "omega" +
                    (settings_.mean_first ? ", or raise " + own + "initial_precision" : ", or set " + own + "update = ehgf");
      throw NumericalError(step_, std::to_string(settings_.index),
                           std::string(quantity) + " of unit " + std::to_string(i) + " in stream " + std::to_string(j),
                           static_cast<double>(value), advice);
    }
  }
}

// ---------------------------------------------------------------- forecast

/// What the level above says, one row per unit here.
template <class T>
void VolatileLevel<T>::spread(const Downward<T>& above, View<T> to) {
  if (coupled()) device_.gemm(true, false, T(1), couple_.view(), above.activity, T(0), to);
}

/// Prior mean and precision after the posterior (mu, pi), given what the level above says; gamma = nu p is left in work_[0].
template <class T>
void VolatileLevel<T>::predict(ConstView<T> from_above, View<T> mean, View<T> precision) {
  const View<T> nu = work_[0].view(), share = work_[1].view();
  const T lambda = static_cast<T>(settings_.autoconnection);
  device_.axpby(lambda, mu_, T(0), mean);
  device_.add_scalar(static_cast<T>(settings_.drift), mean);
  device_.fill(nu, T(0));
  if (coupled()) {
    device_.copy(from_above, share);
    device_.scale_rows(kappa_.value, share);
    device_.axpby(T(1), share, T(1), settings_.value_coupled ? mean : nu);
  }
  device_.add_to_rows(T(1), omega_.value, nu);
  device_.map(Unary::exp, nu, nu);
  device_.map(Unary::reciprocal, pi_, precision);
  device_.axpby(T(1), nu, lambda * lambda, precision);
  device_.map(Unary::reciprocal, precision, precision);
  device_.multiply(nu, precision, nu);
}

template <class T>
void VolatileLevel<T>::forecast(const Step<T>& step, const Downward<T>& above) {
  step_ = static_cast<std::int64_t>(step.index);
  spread(above, above_held_);
  predict(above_held_, m_, p_);
  device_.copy(work_[0], gamma_);
  check(nullptr, m_, false, "prediction");
  check(nullptr, p_, true, "precision of the prediction");
  for (auto [from, to] : {std::pair{&m_, &x_}, {&m_, &m_now_}, {&p_, &q_}, {&p_, &p_now_}}) device_.copy(*from, *to);
  hand_down();
}

/// What stands below may not see the belief where an experiment speaks in its place.
template <class T>
void VolatileLevel<T>::hand_down() {
  device_.copy(x_, handed_);
  if (clamping_) device_.select_columns(clamp_, clamped_, handed_);
}

template <class T>
void VolatileLevel<T>::clamp_downward(std::span<const std::uint8_t> clamped, ConstView<T> activity) {
  clamping_ = !clamped.empty();
  if (clamping_) {
    for (Index j = 0; j < streams_; ++j) host_[static_cast<std::size_t>(j)] = T(clamped[static_cast<std::size_t>(j)] != 0 ? 1 : 0);
    device_.upload(std::span<const T>(host_.data(), static_cast<std::size_t>(streams_)), clamp_);
    device_.copy(activity, clamped_);
  }
  hand_down();
}

// ---------------------------------------------------------------- observe

template <class T>
void VolatileLevel<T>::read_input(const Step<T>& step) {
  const Observation& seen = *step.observation;
  const Index n = settings_.units;
  for (Index j = 0; j < streams_; ++j)
    for (Index i = 0; i < n; ++i) {
      const auto k = static_cast<std::size_t>(j * n + i);
      const bool active = seen.active[static_cast<std::size_t>(j)] != 0;
      const double value = !active ? 0 : symbols_ > 0 ? static_cast<double>(seen.id[static_cast<std::size_t>(j)]) : seen.value[k];
      const auto where = [&] { return "channel " + std::to_string(i) + " of stream " + std::to_string(j); };
      if (!std::isfinite(value))
        throw DataError(
            "world", 0,
            "step " + std::to_string(step_) + " shows " + std::to_string(value) + " in " + where() + "; every step needs a number");
      if (settings_.binary && value != 0 && value != 1)
        throw DataError("world", 0,
                        "step " + std::to_string(step_) + " shows " + std::to_string(value) + " in " + where() +
                            ", where level.0.input = binary reads 0 or 1; set level.0.input = numbers");
      host_[k] = static_cast<T>(value);
    }
  device_.upload(host_, u_);
}

/// -ln p(u) under the forecast held, nats.
template <class T>
void VolatileLevel<T>::score(View<T> loss) {
  if (settings_.binary) return binary_loss(m_, loss);
  const View<T> variance = work_[0].view(), off = work_[1].view();
  device_.map(Unary::reciprocal, p_, variance);
  device_.add_scalar(static_cast<T>(1 / settings_.input_precision), variance);
  device_.copy(u_, off);
  device_.axpby(T(-1), m_, T(1), off);
  device_.multiply(off, off, off);
  const View<T> log_variance = work_[2].view();
  device_.map(Unary::log, variance, log_variance);
  device_.add_scalar(static_cast<T>(std::log(2 * std::numbers::pi)), log_variance);
  device_.map(Unary::reciprocal, variance, variance);
  device_.multiply(off, variance, off);
  device_.axpby(T(1), log_variance, T(1), off);
  device_.column_sum(off, loss);
  device_.axpby(T(-.5), loss, T(1), loss);
}

/// -ln sigmoid(z), z = (2u - 1) mean, as max(-z, 0) + ln(1 + e^-|z|): no odds are too long for it.
template <class T>
void VolatileLevel<T>::binary_loss(ConstView<T> mean, View<T> loss) {
  const View<T> z = work_[0].view(), size = work_[1].view(), tail = work_[2].view();
  device_.copy(u_, z);
  device_.add_scalar(T(-.5), z);
  device_.multiply(z, mean, z);
  device_.axpby(T(1), z, T(1), z);
  device_.map(Unary::square, z, size);
  device_.map(Unary::sqrt, size, size);
  device_.axpby(T(-1), size, T(0), tail);
  device_.map(Unary::exp, tail, tail);
  device_.add_scalar(T(1), tail);
  device_.map(Unary::log, tail, tail);
  device_.axpby(T(.5), size, T(1), tail);
  device_.axpby(T(-.5), z, T(1), tail);
  device_.column_sum(tail, loss);
}

template <class T>
void VolatileLevel<T>::observe(const Step<T>& step, const Upward<T>& below) {
  step_ = static_cast<std::int64_t>(step.index);
  if (settings_.index > 0) {
    rho_ = below.emission_error;
    return;
  }
  read_input(step);
  score(surprise_);
  device_.multiply(surprise_, step.active, surprise_);
}

template <class T>
void VolatileLevel<T>::score_with_stream(const Step<T>& step, ConstView<T>, View<T> loss) {
  read_input(step);
  score(loss);
}

template class VolatileLevel<float>;
template class VolatileLevel<double>;

}  // namespace strata
