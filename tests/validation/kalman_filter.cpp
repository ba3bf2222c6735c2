// The oracle of the Gaussian levels, itself checked: against one joint Gaussian of all steps, against closed forms, against itself at rest.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <cmath>

#include "core/random.hpp"
#include "experiments/worlds/linear_gaussian/kalman.hpp"

using namespace strata;
using namespace strata::linear_gaussian;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

/// Time constants 1, r, r^2, .. of L levels; every level's innovations keep its variance near 1.
Chain chain_of(int levels, double ratio = 8) {
  Chain chain;
  for (int l = 0; l < levels; ++l) {
    const double a = std::exp(-std::pow(ratio, -l));
    chain.persistence.push_back(a);
    chain.gain.push_back(1);
    chain.noise.push_back(1 - a * a);
  }
  chain.observation_noise = .5;
  return chain;
}

std::vector<double> numbers(int count) {
  std::vector<double> y;
  for (int t = 0; t < count; ++t) y.push_back(2 * random_normal(random_base(3, static_cast<std::uint64_t>(t), 0, 9), 0, 0));
  return y;
}

}  // namespace

TEST_CASE("kalman: filter and smoother are the conditional means of one joint Gaussian") {
  constexpr int steps = 9;
  for (const int levels : {1, 2, 3}) {
    const Chain chain = chain_of(levels, 3);
    const MatrixXd a = chain.transition(), u = chain.spread(), start = chain.stationary();
    const int n = levels * steps;
    // Joint covariance of x(1..steps): x(t) = A x(t-1) + U w, x(0) ~ N(0, start).
    MatrixXd joint = MatrixXd::Zero(n, n), variance = start;
    for (int t = 0; t < steps; ++t) {
      variance = a * variance * a.transpose() + u * chain.noises() * u.transpose();
      MatrixXd block = variance;
      for (int s = t; s < steps; ++s) {
        joint.block(s * levels, t * levels, levels, levels) = block;
        joint.block(t * levels, s * levels, levels, levels) = block.transpose();
        block = (a * block).eval();
      }
    }
    const auto y = numbers(steps);
    KalmanFilter filter(chain);
    std::vector<Estimate> filtered;
    for (const double value : y) filtered.push_back(filter.observe(value));
    const auto smoothed = smooth(chain, filtered);
    for (int seen = 1; seen <= steps; ++seen) {
      MatrixXd rows(seen, n);
      VectorXd read(seen);
      for (int t = 0; t < seen; ++t) rows.row(t) = joint.row(t * levels), read(t) = y[static_cast<std::size_t>(t)];
      MatrixXd inner(seen, seen);
      for (int t = 0; t < seen; ++t) inner.col(t) = rows.col(t * levels);
      inner += chain.observation_noise * MatrixXd::Identity(seen, seen);
      const VectorXd mean = rows.transpose() * inner.ldlt().solve(read);
      const MatrixXd covariance = joint - rows.transpose() * inner.ldlt().solve(rows);
      const auto at = static_cast<std::size_t>(seen - 1);
      CHECK((filtered[at].mean - mean.segment((seen - 1) * levels, levels)).norm() < 1e-11);
      CHECK((filtered[at].covariance - covariance.block((seen - 1) * levels, (seen - 1) * levels, levels, levels)).norm() < 1e-11);
      if (seen < steps) continue;
      for (int t = 0; t < steps; ++t) {
        const auto& s = smoothed[static_cast<std::size_t>(t)];
        CHECK((s.mean - mean.segment(t * levels, levels)).norm() < 1e-11);
        CHECK((s.covariance - covariance.block(t * levels, t * levels, levels, levels)).norm() < 1e-11);
      }
    }
  }
}

TEST_CASE("kalman: one level has the closed form") {
  for (const double a : {.1, .9, .999})
    for (const double r : {.01, 1., 30.}) {
      Chain chain{{a}, {1}, {.3}, r};
      const double b = .3 - r * (1 - a * a), p = (b + std::sqrt(b * b + 4 * .3 * r)) / 2;
      const SteadyState s = steady_state(chain);
      CHECK(s.predicted_covariance(0, 0) == Approx(p).epsilon(1e-12));
      CHECK(s.gain(0) == Approx(p / (p + r)).epsilon(1e-12));
      CHECK(s.half_lives[0] == Approx(std::log(2) / -std::log((1 - p / (p + r)) * a)).epsilon(1e-12));
    }
}

TEST_CASE("kalman: the filter comes to rest at the steady state") {
  for (const int levels : {1, 2, 4}) {
    const Chain chain = chain_of(levels);
    const SteadyState s = steady_state(chain);
    KalmanFilter filter(chain, MatrixXd::Identity(levels, levels));
    for (int t = 0; t < 20000; ++t) filter.observe(0);
    CHECK((filter.estimate().predicted_covariance - s.predicted_covariance).norm() < 1e-10);
    CHECK((filter.estimate().gain - s.gain).norm() < 1e-10);
    CHECK((filter.estimate().covariance - s.covariance).norm() < 1e-10);
  }
}

TEST_CASE("kalman: what is predicted is what comes, in nats") {
  const Chain chain = chain_of(2);
  KalmanFilter filter(chain);
  for (const double y : numbers(20)) {
    const auto [mean, variance] = filter.predictive();
    const Estimate& e = filter.observe(y);
    CHECK(y - e.innovation == Approx(mean).margin(1e-12));
    CHECK(e.innovation_variance == Approx(variance).epsilon(1e-12));
    CHECK(e.surprise == Approx(.5 * (std::pow(y - mean, 2) / variance + std::log(2 * M_PI * variance))).epsilon(1e-12));
  }
}
