// A settled window of Gaussian value nodes is the Rauch-Tung-Striebel smoother.

#include <Eigen/Dense>
#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "levels/gaussian_window.hpp"
#include "tests/support/gaussian_chain.hpp"

using namespace strata;
using namespace strata::test;

namespace {

GaussianWindow window_of(const linear_gaussian::Chain& chain, const std::vector<double>& y) {
  std::vector<GaussianWindow::Level> levels;
  for (std::size_t l = 0; l < chain.persistence.size(); ++l) levels.push_back({chain.persistence[l], chain.gain[l], 1 / chain.noise[l]});
  return {levels, 1 / chain.observation_noise, y};
}

}  // namespace

TEST_CASE("gaussian: a settled window is the smoother") {
  for (const Index levels : {1, 2, 4, 8}) {
    INFO(levels << " levels");
    const auto chain = chain_of(levels, 2);
    const auto y = draws(chain, 40, 11);
    linear_gaussian::KalmanFilter filter(chain, Eigen::MatrixXd::Zero(levels, levels));
    std::vector<linear_gaussian::Estimate> filtered;
    for (const double value : y) filtered.push_back(filter.observe(value));
    const auto smoothed = linear_gaussian::smooth(chain, filtered);
    GaussianWindow window = window_of(chain, y);
    double energy = window.free_energy();
    for (int i = 0; i < 10; ++i) {
      window.sweep();
      CHECK(window.free_energy() < energy);
      energy = window.free_energy();
    }
    CHECK(window.settle(1e-15, 200000) < 200000);
    double off = 0, unlike_filter = 0;
    for (std::size_t t = 0; t < y.size(); ++t)
      for (Index l = 0; l < levels; ++l) {
        off = std::max(off, std::abs(window.belief(l, static_cast<Index>(t)) - smoothed[t].mean(l)));
        unlike_filter = std::max(unlike_filter, std::abs(window.belief(l, static_cast<Index>(t)) - filtered[t].mean(l)));
      }
    CHECK(off < 1e-10);
    CHECK(unlike_filter > .05);
  }
}

TEST_CASE("gaussian: a window refuses precisions that are none") {
  CHECK_THROWS_AS(GaussianWindow({{.5, 1, 0}}, 1, {1.}), ConfigError);
  CHECK_THROWS_AS(GaussianWindow({{.5, 1, 1}}, -1, {1.}), ConfigError);
}
