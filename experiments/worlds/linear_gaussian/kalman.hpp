#pragma once
// The linear-Gaussian chain and its exact observers: Kalman filter, Rauch-Tung-Striebel smoother, steady state.
//
// Equations   x_l(t) = a_l x_l(t-1) + (1 - a_l) g_l x_{l+1}(t) + w_l,  w_l ~ N(0, q_l);   y = x_0 + v,  v ~ N(0, r)
//             G_{l,l+1} = (1 - a_l) g_l,  U = (I - G)^-1,  D = diag a:   x(t) = A x(t-1) + U w,  A = U D
//             M = D P D' + Q, P the last posterior: covariance of the prediction errors (I - G) x(t) - D x(t-1); predicted: P^- = U M U'
//             K = P^- e_0 / (P^-_00 + r);  closed loop Phi = (I - K e_0') A: two filters that read the same y approach one another by it
//             lambda*_l = U_0l / (M U_0.')_l: diagonal precisions under which predictive coding at equilibrium is this filter
//             smoother: C = P A' (P^-)^-1,  s(t) = m(t) + C (s(t+1) - m^-(t+1)),  S = P + C (S(t+1) - P^-(t+1)) C'
// Symbols     a, g, q of every level, lowest first (g of the highest unused); x, m L; P, M L x L; y, r one number
// Limit       one level: P = (b + sqrt(b^2 + 4 q r)) / 2 with b = q - r (1 - a^2), K = P / (P + r)
// Source      Kalman 1960; Rauch, Tung & Striebel 1965; Saerkkae 2013, ch. 4 and 8

#include <Eigen/Core>
#include <vector>

namespace strata::linear_gaussian {

struct Chain {
  std::vector<double> persistence, gain, noise;  ///< a, g, q of every level, lowest first
  double observation_noise = 1;                  ///< r

  Eigen::Index levels() const { return static_cast<Eigen::Index>(persistence.size()); }
  Eigen::MatrixXd persistences() const;  ///< D
  Eigen::MatrixXd spread() const;        ///< U
  Eigen::MatrixXd noises() const;        ///< Q
  Eigen::MatrixXd transition() const;    ///< A
  Eigen::MatrixXd stationary() const;    ///< long-run covariance of x; needs every |a| < 1
};

/// What is known after reading y(t), and what was known before.
struct Estimate {
  Eigen::VectorXd predicted_mean, mean;              ///< m^-, m
  Eigen::MatrixXd predicted_covariance, covariance;  ///< P^-, P
  Eigen::MatrixXd error_covariance;                  ///< M
  Eigen::VectorXd gain;                              ///< K
  double innovation = 0, innovation_variance = 0;    ///< y - m^-_0; P^-_00 + r
  double surprise = 0;                               ///< -ln N(y; m^-_0, innovation_variance), nats
  /// lambda*, one per level.
  Eigen::VectorXd diagonal_precision(const Chain& chain) const;
};

class KalmanFilter {
 public:
  /// Before the first step x is known as N(0, `covariance`); without one, as in the long run.
  explicit KalmanFilter(Chain chain);
  KalmanFilter(Chain chain, const Eigen::MatrixXd& covariance);

  void reset();
  /// Predicts a step and reads y.
  const Estimate& observe(double y);
  const Estimate& estimate() const { return estimate_; }
  const Chain& chain() const { return chain_; }
  /// Mean and variance of the next y.
  std::pair<double, double> predictive() const;

 private:
  Chain chain_;
  Eigen::MatrixXd transition_, spread_, persistences_, noises_, start_;
  Estimate estimate_;
};

struct Smoothed {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};
/// Beliefs about every step given all of them; `filtered` as KalmanFilter gave it, one entry per step.
std::vector<Smoothed> smooth(const Chain& chain, const std::vector<Estimate>& filtered);

/// Where the covariances of the filter come to rest.
struct SteadyState {
  Eigen::MatrixXd predicted_covariance, covariance;
  Eigen::VectorXd gain;
  Eigen::MatrixXd closed_loop;     ///< Phi
  std::vector<double> half_lives;  ///< ln 2 / -ln |eigenvalue of Phi|, steps, shortest first
};
SteadyState steady_state(const Chain& chain);

}  // namespace strata::linear_gaussian
