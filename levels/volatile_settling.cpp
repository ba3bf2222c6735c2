// The volatile level's half of a step after the observation: posterior, messages, energy, learning.

#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "core/parameter.hpp"
#include "levels/volatile.hpp"

namespace strata {

template <class T>
void VolatileLevel<T>::begin_settling(const Step<T>& step, const Upward<T>&) {
  ticking_.assign(step.observation->active.begin(), step.observation->active.end());
}

template <class T>
void VolatileLevel<T>::settle(const Upward<T>&, ConstView<T>) {
  throw ConfigError("relaxation.scheme", "",
                    "level " + std::to_string(settings_.index) + " is volatile and settles in one sweep up; take exact");
}

/// (g, h): slope and curvature of what lies below says of this level's belief, at its prior mean.
template <class T>
void VolatileLevel<T>::listen(const Upward<T>& below) {
  if (settings_.index > 0) {
    const auto flag = std::span<T>(host_).first(1);
    if (below.feedback_precision.data != nullptr && below.features.rows == 1) device_.download(below.features.cols_at(0, 1), flag);
    if (below.feedback_precision.data == nullptr || below.features.rows != 1 || (flag[0] != T(0) && flag[0] != T(1)))
      throw ConfigError(level_key(settings_.index, "kind"), "volatile", "stands at level 0 or above a volatile level");
    below_by_volatility_ = flag[0] == T(1);
    device_.copy(below.feedback, slope_);
    device_.copy(below.feedback_precision, bend_);
    return;
  }
  device_.copy(u_, slope_);
  if (settings_.binary) {
    const View<T> outcome = work_[0].view();
    device_.map(Unary::logistic, m_, outcome);
    device_.axpby(T(-1), outcome, T(1), slope_);
    device_.multiply(outcome, outcome, bend_);
    device_.axpby(T(1), outcome, T(-1), bend_);
  } else {
    const T precision = static_cast<T>(settings_.input_precision);
    device_.axpby(T(-1), m_, T(1), slope_);
    device_.axpby(precision, slope_, T(0), work_[0]);
    device_.copy(work_[0], slope_);
    device_.fill(bend_, precision);
  }
}

template <class T>
void VolatileLevel<T>::gather(const Step<T>& step, const Upward<T>& below) {
  listen(below);
  const View<T> precision = work_[0].view(), mean = work_[1].view();
  device_.copy(p_, precision);
  device_.axpby(T(1), bend_, T(1), precision);
  check(step.observation, precision, true, "posterior precision");
  const bool mean_first = settings_.mean_first && below_by_volatility_;
  device_.map(Unary::reciprocal, mean_first ? p_.view() : precision, mean);
  device_.multiply(slope_, mean, mean);
  device_.axpby(T(1), m_, T(1), mean);
  check(step.observation, mean, false, "posterior mean");
  device_.select_columns(step.active, precision, q_);
  device_.select_columns(step.active, mean, x_);
  hand_down();
  speak();
}

/// Prediction errors, and what they say of the level above. An idle stream's belief is its prior, so that it says nothing.
template <class T>
void VolatileLevel<T>::speak() {
  const View<T> off = work_[0].view(), square = work_[1].view();
  device_.copy(x_, off);
  device_.axpby(T(-1), m_, T(1), off);
  device_.multiply(p_, off, error_);
  device_.multiply(off, off, square);
  device_.map(Unary::reciprocal, q_, delta_);
  device_.axpby(T(1), square, T(1), delta_);
  device_.multiply(p_, delta_, delta_);
  device_.add_scalar(T(-1), delta_);
  device_.multiply(gamma_, delta_, drive_);
  device_.axpby(T(-.5), drive_, T(1), drive_);
  if (!coupled()) return;
  const View<T> message = work_[0].view(), bend = work_[1].view();
  device_.copy(settings_.value_coupled ? error_ : drive_, message);
  device_.scale_rows(kappa_.value, message);
  if (settings_.value_coupled) {
    device_.copy(p_, bend);
  } else {  // gamma (gamma + (2 gamma - 1) delta) / 2 = gamma (gamma / 2 + gamma delta) - gamma delta / 2
    device_.multiply(gamma_, delta_, bend);
    device_.axpby(T(.5), gamma_, T(1), bend);
    device_.multiply(gamma_, bend, bend);
    device_.axpby(T(-1), drive_, T(1), bend);
  }
  device_.scale_rows(kappa_.value, bend);
  device_.scale_rows(kappa_.value, bend);
  device_.gemm(false, false, T(1), couple_.view(), message, T(0), feedback_);
  device_.gemm(false, false, T(1), couple_.view(), bend, T(0), curvature_);
}

template <class T>
void VolatileLevel<T>::repredict(const Downward<T>& above) {
  if (!coupled()) return;
  spread(above, work_[2]);
  predict(work_[2].view(), m_now_, p_now_);
  check(nullptr, p_now_, true, "precision of the prediction");
}

template <class T>
void VolatileLevel<T>::resolve(const Step<T>&, const Downward<T>& above) {
  repredict(above);
}

/// energy += KL(belief | N(mean, 1 / precision)), nats.
template <class T>
void VolatileLevel<T>::divergence(ConstView<T> mean, ConstView<T> precision, View<T> energy) {
  const View<T> sum = work_[0].view(), part = work_[1].view();
  device_.copy(x_, sum);
  device_.axpby(T(-1), mean, T(1), sum);
  device_.multiply(sum, sum, sum);
  device_.map(Unary::reciprocal, q_, part);
  device_.axpby(T(1), part, T(1), sum);
  device_.multiply(sum, precision, sum);
  device_.map(Unary::log, q_, part);
  device_.axpby(T(1), part, T(1), sum);
  device_.map(Unary::log, precision, part);
  device_.axpby(T(-1), part, T(1), sum);
  device_.add_scalar(T(-1), sum);
  device_.column_sum(sum, column_);
  device_.axpby(T(.5), column_, T(1), energy);
}

/// energy += expectation of -ln p(u | x) under the belief, nats; binary outcomes to second order.
template <class T>
void VolatileLevel<T>::input_energy(View<T> energy) {
  const View<T> sum = work_[0].view(), part = work_[1].view();
  if (settings_.binary) {
    binary_loss(x_, column_);
    device_.axpby(T(1), column_, T(1), energy);
    device_.map(Unary::logistic, x_, part);
    device_.multiply(part, part, sum);
    device_.axpby(T(1), part, T(-1), sum);
    device_.map(Unary::reciprocal, q_, part);
    device_.multiply(part, sum, sum);
  } else {
    const T precision = static_cast<T>(settings_.input_precision);
    device_.copy(u_, part);
    device_.axpby(T(-1), x_, T(1), part);
    device_.multiply(part, part, part);
    device_.map(Unary::reciprocal, q_, sum);
    device_.axpby(precision, part, precision, sum);
    device_.add_scalar(static_cast<T>(std::log(2 * std::numbers::pi / settings_.input_precision)), sum);
  }
  device_.column_sum(sum, column_);
  device_.axpby(T(.5), column_, T(1), energy);
}

template <class T>
void VolatileLevel<T>::add_energy(View<T> energy) {
  divergence(m_now_, p_now_, energy);
  if (settings_.index == 0) input_energy(energy);
}

template <class T>
void VolatileLevel<T>::end_settling(const Step<T>& step) {
  device_.fill(free_energy_, T(0));
  add_energy(free_energy_);
  device_.multiply(free_energy_, step.active, free_energy_);
  const View<T> square = work_[0].view();
  device_.copy(x_, square);
  device_.axpby(T(-1), m_, T(1), square);
  device_.multiply(square, error_, square);
  device_.column_sum(square, error_norm_);
  device_.map(Unary::sqrt, error_norm_, error_norm_);
  if (settings_.index > 0) return;
  const View<T> rho = work_[0].view(), expected = work_[1].view();
  device_.copy(u_, rho);
  if (settings_.binary)
    device_.map(Unary::logistic, x_, expected);
  else
    device_.copy(x_, expected);
  device_.axpby(T(-1), expected, T(1), rho);
  device_.scale_columns(step.active, rho);
  const T scale = settings_.binary ? T(1) : static_cast<T>(settings_.input_precision);
  device_.axpby(scale, rho, T(0), rho_out_.rows_at(rho_out_.rows() - rho.rows, rho.rows));
  if (symbols_ > 0) device_.axpby(T(-1), rho, T(0), rho_out_.rows_at(0, 1));
}

template <class T>
void VolatileLevel<T>::carry(const Step<T>& step, const Upward<T>&) {
  device_.select_columns(step.active, x_, mu_);
  device_.select_columns(step.active, q_, pi_);
}

// ---------------------------------------------------------------- learning

template <class T>
void VolatileLevel<T>::learn(const Step<T>& step) {
  if (settings_.learn_omega) device_.row_sum(T(1), drive_, step.active, T(1), stash_omega_);
  if (!settings_.learn_kappa) return;
  device_.multiply(settings_.value_coupled ? error_ : drive_, above_held_, work_[0]);
  device_.row_sum(T(1), work_[0], step.active, T(1), stash_kappa_);
}

template <class T>
void VolatileLevel<T>::accumulate(T scale, bool learning) {
  if (learning) {
    device_.axpby(scale, stash_omega_, T(1), omega_.gradient);
    device_.axpby(scale, stash_kappa_, T(1), kappa_.gradient);
  }
  device_.fill(stash_omega_, T(0));
  device_.fill(stash_kappa_, T(0));
}

template <class T>
void VolatileLevel<T>::visit_weights(const std::function<void(Weight<T>&)>& visit) {
  if (settings_.learn_omega) visit(omega_);
  if (settings_.learn_kappa) visit(kappa_);
}

template <class T>
void VolatileLevel<T>::held_energy(ConstView<T>, View<T> energy) {
  predict(above_held_, held_m_, held_p_);
  divergence(held_m_, held_p_, energy);
}

// ---------------------------------------------------------------- archive

/// The two are part of the model whether they learn or not, under the same names.
template <class T>
void VolatileLevel<T>::archive_parameters(Archive& archive) {
  if (!settings_.learn_omega) omega_.archive_value(archive);
  if (!settings_.learn_kappa) kappa_.archive_value(archive);
}

template <class T>
void VolatileLevel<T>::archive_state(Archive& archive) {
  archive.tensor("mean", mu_);
  archive.tensor("precision", pi_);
  archive.tensor("prior_mean", m_);
  archive.tensor("prior_precision", p_);
  archive.tensor("effective_precision", gamma_);
  archive.tensor("from_above", above_held_);
  if (!archive.loading()) return;
  for (auto [from, to] : {std::pair{&m_, &x_}, {&m_, &m_now_}, {&p_, &q_}, {&p_, &p_now_}}) device_.copy(*from, *to);
  hand_down();
}

template class VolatileLevel<float>;
template class VolatileLevel<double>;

}  // namespace strata
