// Gaussian levels against the Kalman filter: predictive coding at equilibrium is the filter, whatever the scheme that gets there, and how
// many sweeps each scheme takes.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/support/gaussian_chain.hpp"

using namespace strata;
using namespace strata::test;
using linear_gaussian::Chain;
using linear_gaussian::KalmanFilter;

namespace {

/// Largest difference between the model's beliefs and the filter's over `steps` steps, precisions lambda* of every step.
double worst(const Chain& chain, Index steps, const std::vector<std::string>& scheme, double size = 0) {
  const auto y = draws(chain, steps, 5);
  ChainModel model(chain, y, scheme);
  KalmanFilter filter(chain, Eigen::MatrixXd::Zero(chain.levels(), chain.levels()));
  double most = 0;
  for (const double value : y) {
    const auto& estimate = filter.observe(value);
    model.set_precision(estimate.diagonal_precision(chain));
    model.simulation->advance();
    most = std::max(most, (model.belief() - estimate.mean).cwiseAbs().maxCoeff());
    size = std::max(size, estimate.mean.cwiseAbs().maxCoeff());
  }
  CHECK(size > .3);
  return most;
}

/// Sweeps until every belief has gone all but `tolerance` of its way, at one observation after `before` exact ones; 0: more than `most`.
Index sweeps_needed(const Chain& chain, Scheme scheme, Index most, double tolerance = 1e-6) {
  constexpr Index before = 1500;
  const auto y = draws(chain, before + 1, 7);
  const auto off = [&](Index sweeps) {
    ChainModel model(chain, y, {"relaxation.scheme=exact", "relaxation.rate=1", "relaxation.tolerance=0"});
    KalmanFilter filter(chain, Eigen::MatrixXd::Zero(chain.levels(), chain.levels()));
    for (Index t = 0; t <= before; ++t) {
      const auto& estimate = filter.observe(y[static_cast<std::size_t>(t)]);
      model.set_precision(estimate.diagonal_precision(chain));
      if (t == before) {
        model.hierarchy->relaxation().settings.scheme = scheme;
        model.hierarchy->relaxation().settings.steps = sweeps;
      }
      model.simulation->advance();
    }
    const auto& e = filter.estimate();
    return (model.belief() - e.mean).cwiseQuotient(e.mean - e.predicted_mean).cwiseAbs().maxCoeff();
  };
  Index high = 1;
  while (off(high) > tolerance)
    if ((high *= 2) > most) return 0;
  Index low = high / 2;
  while (high - low > 1) {
    const Index middle = (low + high) / 2;
    (off(middle) > tolerance ? low : high) = middle;
  }
  return high;
}

}  // namespace

TEST_CASE("gaussian: predictive coding at equilibrium is the Kalman filter") {
  for (const Index levels : {1, 2, 4, 8}) {
    INFO(levels << " levels");
    const Chain chain = chain_of(levels, levels == 8 ? 3 : 8);
    CHECK(worst(chain, 300, {"relaxation.scheme=exact"}) < 1e-12);
    CHECK(worst(chain, 60, {"relaxation.scheme=serial", "relaxation.rate=1", "relaxation.tolerance=0", "relaxation.steps=200"}) < 1e-10);
    CHECK(worst(chain, 60, {"relaxation.scheme=red_black", "relaxation.rate=1", "relaxation.tolerance=0", "relaxation.steps=200"}) < 1e-10);
    CHECK(worst(chain, 60, {"relaxation.scheme=jacobi", "relaxation.rate=1", "relaxation.tolerance=0", "relaxation.steps=400"}) < 1e-10);
  }
}

TEST_CASE("gaussian: the full precision M^-1 gives the filter, other diagonals do not") {
  // min over x of (y - x_0)^2 / 2r + e' L e / 2,  e = (I - G) x - D x(t-1)
  for (const Index levels : {2, 4, 8}) {
    const Chain chain = chain_of(levels, 3);
    const Eigen::MatrixXd coupling = chain.spread().inverse();
    KalmanFilter filter(chain);
    double full = 0, diagonal = 0, inverse_diagonal = 0;
    Eigen::VectorXd last = Eigen::VectorXd::Zero(levels);
    for (const double y : draws(chain, 200, 6)) {
      const auto& e = filter.observe(y);
      const auto off = [&](const Eigen::MatrixXd& precision) {
        Eigen::MatrixXd hessian = coupling.transpose() * precision * coupling;
        Eigen::VectorXd right = coupling.transpose() * precision * chain.persistences() * last;
        hessian(0, 0) += 1 / chain.observation_noise;
        right(0) += y / chain.observation_noise;
        return (hessian.ldlt().solve(right) - e.mean).cwiseAbs().maxCoeff();
      };
      full = std::max(full, off(e.error_covariance.inverse()));
      diagonal = std::max(diagonal, off(e.diagonal_precision(chain).asDiagonal()));
      inverse_diagonal = std::max(inverse_diagonal, off(e.error_covariance.diagonal().cwiseInverse().asDiagonal()));
      last = e.mean;
    }
    CHECK(full < 1e-10);
    CHECK(diagonal < 1e-10);
    CHECK(inverse_diagonal > 1e-4);
  }
}

TEST_CASE("gaussian: one exact sweep where gradient steps need thousands") {
  // Gains of 1 tie the levels more tightly than the chain above: the further the precisions lie apart, the slower plain gradient steps.
  for (const Index levels : {2, 4, 8}) {
    Chain chain = chain_of(levels);
    chain.gain.assign(static_cast<std::size_t>(levels), 1.);
    INFO(levels << " levels");
    CHECK(sweeps_needed(chain, Scheme::exact, 1, 1e-9) == 1);  // 1e-12 of the belief itself is checked above
    const Index serial = sweeps_needed(chain, Scheme::serial, 64), jacobi = sweeps_needed(chain, Scheme::jacobi, 64);
    CHECK((serial > 1 && serial <= 8));                                    // 7
    CHECK((jacobi > serial && jacobi <= 24));                              // 14, 16, 20
    const Index gradient = sweeps_needed(chain, Scheme::gradient, 16384);  // 17, 5804 and more than that
    if (levels == 2) CHECK(gradient < 50);
    if (levels == 4) CHECK(gradient > 2000);
    if (levels == 8) CHECK(gradient == 0);
  }
}

TEST_CASE("gaussian: the exact sweep holds where precision grows downwards by 1e4 a level") {
  Chain chain{{.3, .3, .3}, {1, 1, 1}, {1, 1, 1}, 1};
  const Eigen::Vector3d precision(1e8, 1e4, 1);
  const auto belief = [&](const std::vector<std::string>& scheme) {
    ChainModel model(chain, {1.7}, scheme);
    model.set_precision(precision);
    model.simulation->advance();
    return model.belief();
  };
  const Eigen::MatrixXd coupling = chain.spread().inverse();
  Eigen::MatrixXd hessian = coupling.transpose() * precision.asDiagonal() * coupling;
  hessian(0, 0) += 1;
  const Eigen::VectorXd right = Eigen::Vector3d(1.7, 0, 0), expected = hessian.fullPivLu().solve(right);
  CHECK((belief({"relaxation.scheme=exact"}) - expected).norm() < 1e-6 * expected.norm());
  for (const char* scheme : {"serial", "jacobi", "gradient"}) {
    INFO(scheme);
    CHECK((belief({std::string("relaxation.scheme=") + scheme, "relaxation.rate=1", "relaxation.steps=1000", "relaxation.tolerance=0"}) -
           expected)
              .norm() > .1 * expected.norm());
  }
}
