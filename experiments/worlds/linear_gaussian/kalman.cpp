#include "experiments/worlds/linear_gaussian/kalman.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace strata::linear_gaussian {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

VectorXd vector(const std::vector<double>& x) { return Eigen::Map<const VectorXd>(x.data(), static_cast<Index>(x.size())); }

/// Covariances stay symmetric, whatever rounding does.
MatrixXd symmetric(const MatrixXd& x) { return .5 * (x + x.transpose()); }

/// Doubles the time at every turn: X = sum_k F^k W F^k', the fixed point of X = F X F' + W.
MatrixXd lyapunov(MatrixXd f, MatrixXd w) {
  for (int turn = 0; turn < 64 && f.norm() > 0; ++turn) {
    w = symmetric(w + f * w * f.transpose());
    f = (f * f).eval();
  }
  return w;
}

/// (I - K e') P (I - K e')' + r K K': Joseph's form, positive where P is.
MatrixXd posterior(const MatrixXd& predicted, const VectorXd& gain, double r) {
  MatrixXd left = MatrixXd::Identity(predicted.rows(), predicted.rows());
  left.col(0) -= gain;
  return symmetric(left * predicted * left.transpose() + r * gain * gain.transpose());
}

}  // namespace

MatrixXd Chain::persistences() const { return vector(persistence).asDiagonal(); }
MatrixXd Chain::noises() const { return vector(noise).asDiagonal(); }

MatrixXd Chain::spread() const {
  MatrixXd coupling = MatrixXd::Identity(levels(), levels());
  for (Index l = 0; l + 1 < levels(); ++l) {
    const auto i = static_cast<std::size_t>(l);
    coupling(l, l + 1) = -(1 - persistence[i]) * gain[i];
  }
  return coupling.triangularView<Eigen::UnitUpper>().solve(MatrixXd::Identity(levels(), levels()));
}

MatrixXd Chain::transition() const { return spread() * persistences(); }

MatrixXd Chain::stationary() const {
  const MatrixXd u = spread();
  return lyapunov(transition(), u * noises() * u.transpose());
}

VectorXd Estimate::diagonal_precision(const Chain& chain) const {
  const VectorXd reach = chain.spread().row(0);
  return reach.cwiseQuotient(error_covariance * reach);
}

KalmanFilter::KalmanFilter(Chain chain) : KalmanFilter(chain, chain.stationary()) {}

KalmanFilter::KalmanFilter(Chain chain, const MatrixXd& covariance)
    : chain_(std::move(chain)),
      transition_(chain_.transition()),
      spread_(chain_.spread()),
      persistences_(chain_.persistences()),
      noises_(chain_.noises()),
      start_(covariance) {
  reset();
}

void KalmanFilter::reset() {
  estimate_ = {};
  estimate_.mean = VectorXd::Zero(chain_.levels());
  estimate_.covariance = start_;
}

const Estimate& KalmanFilter::observe(double y) {
  Estimate& e = estimate_;
  const double r = chain_.observation_noise;
  e.predicted_mean = transition_ * e.mean;
  e.error_covariance = symmetric(persistences_ * e.covariance * persistences_ + noises_);
  e.predicted_covariance = symmetric(spread_ * e.error_covariance * spread_.transpose());
  e.innovation = y - e.predicted_mean(0);
  e.innovation_variance = e.predicted_covariance(0, 0) + r;
  e.surprise = .5 * (e.innovation * e.innovation / e.innovation_variance + std::log(2 * std::numbers::pi * e.innovation_variance));
  e.gain = e.predicted_covariance.col(0) / e.innovation_variance;
  e.mean = e.predicted_mean + e.gain * e.innovation;
  e.covariance = posterior(e.predicted_covariance, e.gain, r);
  return e;
}

std::pair<double, double> KalmanFilter::predictive() const {
  const MatrixXd m = persistences_ * estimate_.covariance * persistences_ + noises_;
  const double variance = spread_.row(0) * m * spread_.row(0).transpose();
  return {transition_.row(0) * estimate_.mean, variance + chain_.observation_noise};
}

std::vector<Smoothed> smooth(const Chain& chain, const std::vector<Estimate>& filtered) {
  const MatrixXd a = chain.transition();
  std::vector<Smoothed> out(filtered.size());
  for (std::size_t t = filtered.size(); t-- > 0;) {
    const Estimate& now = filtered[t];
    out[t] = {now.mean, now.covariance};
    if (t + 1 == filtered.size()) continue;
    const Estimate& next = filtered[t + 1];
    const MatrixXd c = next.predicted_covariance.ldlt().solve(a * now.covariance).transpose();
    out[t].mean += c * (out[t + 1].mean - next.predicted_mean);
    out[t].covariance = symmetric(now.covariance + c * (out[t + 1].covariance - next.predicted_covariance) * c.transpose());
  }
  return out;
}

/// Riccati's equation by doubling: stays exact where the slowest level takes 10^5 steps to forget (Anderson & Moore 1979, ch. 6.7).
SteadyState steady_state(const Chain& chain) {
  const Index n = chain.levels();
  const MatrixXd one = MatrixXd::Identity(n, n), u = chain.spread(), a = chain.transition();
  MatrixXd alpha = a.transpose(), beta = MatrixXd::Zero(n, n), gamma = u * chain.noises() * u.transpose();
  beta(0, 0) = 1 / chain.observation_noise;
  for (int turn = 0; turn < 64; ++turn) {
    const MatrixXd inner = (one + beta * gamma).partialPivLu().solve(one);
    const MatrixXd next_alpha = alpha * inner * alpha, next_beta = beta + alpha * inner * beta * alpha.transpose(),
                   next_gamma = symmetric(gamma + alpha.transpose() * gamma * inner * alpha);
    const bool still = (next_gamma - gamma).norm() <= 1e-16 * next_gamma.norm();
    alpha = next_alpha;
    beta = symmetric(next_beta);
    gamma = next_gamma;
    if (still) break;
  }
  SteadyState s;
  s.predicted_covariance = gamma;
  s.gain = gamma.col(0) / (gamma(0, 0) + chain.observation_noise);
  s.covariance = posterior(gamma, s.gain, chain.observation_noise);
  MatrixXd left = one;
  left.col(0) -= s.gain;
  s.closed_loop = left * a;
  for (const auto& value : s.closed_loop.eigenvalues()) s.half_lives.push_back(std::numbers::ln2 / -std::log(std::abs(value)));
  std::sort(s.half_lives.begin(), s.half_lives.end());
  return s;
}

}  // namespace strata::linear_gaussian
