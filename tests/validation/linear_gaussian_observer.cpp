// The exact observer of the linear-Gaussian world against the Kalman filter of one stream, against one joint Gaussian of all numbers, and, with
// levels forgotten, against the chain that such a forgetting is the filter of.
#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "core/random.hpp"
#include "experiments/worlds/linear_gaussian/observer.hpp"
#include "tests/support/world_source.hpp"

namespace {

using namespace strata;
using namespace strata::linear_gaussian;
using Eigen::MatrixXd;
using Eigen::VectorXd;

Chain three_levels() { return {{.6, .9, .99}, {1.3, .7, 1}, {.4, .2, .05}, .8}; }

double drawn(int stream, int step) {
  return 2 * random_normal(random_base(5, static_cast<std::uint64_t>(step), static_cast<std::uint32_t>(stream), 1), 0, 0);
}

/// Mean and variance of y(n), given y(0..n-1), from covariance(|lag|) of the numbers.
std::pair<double, double> conditional(const std::vector<double>& lag, const std::vector<double>& y) {
  const auto n = static_cast<Eigen::Index>(y.size());
  MatrixXd joint(n + 1, n + 1);
  for (Eigen::Index i = 0; i <= n; ++i)
    for (Eigen::Index j = 0; j <= n; ++j) joint(i, j) = lag[static_cast<std::size_t>(std::abs(i - j))];
  if (n == 0) return {0, joint(0, 0)};
  const VectorXd weight = joint.topLeftCorner(n, n).ldlt().solve(joint.col(n).head(n));
  return {weight.dot(Eigen::Map<const VectorXd>(y.data(), n)), joint(n, n) - weight.dot(joint.col(n).head(n))};
}

double nats(double y, double mean, double variance) {
  return .5 * ((y - mean) * (y - mean) / variance + std::log(2 * std::numbers::pi * variance));
}

}  // namespace

TEST_CASE("observer of the linear-Gaussian world: every stream has its Kalman filter, idle or not", "[linear_gaussian]") {
  for (const Chain& chain : {three_levels(), Chain{{.8}, {1}, {.36}, .1}}) {
    constexpr int streams = 4, steps = 400;
    ChainObserver observer(chain, streams);
    std::vector<KalmanFilter> filters(streams, KalmanFilter(chain));
    Observation o = test::room_for(streams);
    double worst = 0;
    for (int round = 0; round < 2; ++round) {
      for (int t = 0; t < steps; ++t) {
        o.value.resize(streams);
        for (int j = 0; j < streams; ++j) {
          const auto at = static_cast<std::size_t>(j);
          o.active[at] =
              mix(std::uint64_t{100} * static_cast<std::uint64_t>(t) + static_cast<std::uint64_t>(j)) % 3 < static_cast<std::uint64_t>(j)
                  ? 1
                  : 0;  // stream 0 sleeps, 3 never
          o.value[at] = drawn(j, t);
        }
        observer.observe(o);
        for (int j = 0; j < streams; ++j) {
          auto& filter = filters[static_cast<std::size_t>(j)];
          if (o.active[static_cast<std::size_t>(j)] == 0) {
            CHECK(observer.surprise(j) == 0);
            continue;
          }
          const auto& e = filter.observe(o.value[static_cast<std::size_t>(j)]);
          const VectorXd next = chain.transition() * e.mean;
          worst = std::max(worst, std::abs(observer.surprise(j) - e.surprise));
          for (Index l = 0; l < chain.levels(); ++l) {
            worst = std::max(worst, std::abs(observer.belief(l, j)[0] - e.mean(l)));
            worst = std::max(worst, std::abs(observer.prediction(l, j)[0] - next(l)));
          }
          const auto [mean, variance] = filter.predictive();
          worst = std::max({worst, std::abs(observer.predictive(j)[0] - mean), std::abs(observer.predictive(j)[1] - variance)});
        }
      }
      observer.reset();
      for (auto& filter : filters) filter.reset();
    }
    CHECK(worst < 1e-11);
  }
}

TEST_CASE("observer of the linear-Gaussian world: predictions are those of one joint Gaussian of all numbers", "[linear_gaussian]") {
  const Chain chain = three_levels();
  const MatrixXd a = chain.transition();
  for (Index known = 0; known <= 3; ++known) {
    INFO(known << " levels known");
    // Redrawing the forgotten levels from the long run given the known ones at every step leaves a chain of the known ones alone.
    const MatrixXd s = chain.stationary(), q = chain.spread() * chain.noises() * chain.spread().transpose();
    const Index lost = 3 - known;
    MatrixXd covariance = s.topLeftCorner(known, known), move = a.topLeftCorner(known, known), noise = q.topLeftCorner(known, known);
    if (known > 0 && lost > 0) {
      const MatrixXd b = s.bottomLeftCorner(lost, known) * s.topLeftCorner(known, known).inverse();
      const MatrixXd rest = s.bottomRightCorner(lost, lost) - b * s.topRightCorner(known, lost), up = a.topRightCorner(known, lost);
      move += up * b;
      noise += up * rest * up.transpose();
      CHECK((move * covariance * move.transpose() + noise - covariance).norm() < 1e-10);  // its own long run
    }
    std::vector<double> lag;
    for (int k = 0; k < 30; ++k) {
      lag.push_back((known > 0 ? covariance(0, 0) : k == 0 ? s(0, 0) : 0) + (k == 0 ? chain.observation_noise : 0));
      covariance = (move * covariance).eval();
    }
    ChainObserver observer(chain, 1, known);
    Observation o = test::room_for(1);
    o.active[0] = 1;
    std::vector<double> y;
    for (int t = 0; t < 30; ++t) {
      const auto [mean, variance] = conditional(lag, y);
      CHECK(observer.predictive(0)[0] == Approx(mean).margin(1e-10));
      CHECK(observer.predictive(0)[1] == Approx(variance).epsilon(1e-10));
      y.push_back(drawn(9, t));
      o.value = {y.back()};
      observer.observe(o);
      CHECK(observer.surprise(0) == Approx(nats(y.back(), mean, variance)).epsilon(1e-10));
    }
    if (known == 0) CHECK(observer.belief(2, 0)[0] == 0);
  }
}

TEST_CASE("observer of the linear-Gaussian world: knowing more levels predicts better, and all of them best", "[linear_gaussian]") {
  const auto source = test::world_source("linear_gaussian", {});
  constexpr Index streams = 64, steps = 3000;
  std::vector<std::unique_ptr<Observer>> observers;
  for (Index known = 0; known <= 4; ++known) observers.push_back(source->observer(streams, known));
  observers.push_back(source->observer(streams));
  std::vector<double> nats_of(observers.size());
  const auto world = source->open(streams, steps, 1);
  Observation o = test::room_for(streams);
  while (world->next(o))
    for (std::size_t k = 0; k < observers.size(); ++k) {
      observers[k]->observe(o);
      for (Index j = 0; j < streams; ++j) nats_of[k] += observers[k]->surprise(j) / (streams * steps);
    }
  CHECK(nats_of[5] == nats_of[4]);
  CHECK(nats_of[0] == Approx(2.190).epsilon(.02));   // .5 ln 2 pi e (S_00 + r), of streams whose highest level hardly moves
  CHECK(nats_of[4] == Approx(1.706).epsilon(.005));  // .5 ln 2 pi e (P^-_00 + r)
  CHECK(nats_of[0] - nats_of[1] > .4);
  CHECK(nats_of[1] - nats_of[2] > .01);
  CHECK(nats_of[2] - nats_of[3] > .0005);
  CHECK(nats_of[3] > nats_of[4] - 1e-4);  // the highest is worth next to nothing
}

TEST_CASE("observer of the linear-Gaussian world: a chain at rest costs no more memory, a silent level no more trouble",
          "[linear_gaussian]") {
  Schedule schedule(three_levels(), 3);
  schedule.reach(1000000);
  CHECK(schedule.entries() < 20000);
  const auto rest = steady_state(three_levels());
  for (Index l = 0; l < 3; ++l) CHECK(schedule.entry(999999)[l] == Approx(rest.gain(l)).epsilon(1e-9));
  Chain silent = three_levels();
  silent.noise = {.4, 0, 0};  // the long-run covariance of the upper ones is nothing
  for (Index known = 0; known <= 3; ++known) {
    ChainObserver observer(silent, 1, known);
    Observation o = test::room_for(1);
    o.active[0] = 1;
    o.value = {1.5};
    for (int t = 0; t < 50; ++t) observer.observe(o);
    CHECK(std::isfinite(observer.surprise(0)));
    CHECK(observer.belief(2, 0)[0] == Approx(0).margin(1e-12));
  }
}

TEST_CASE("observer of the linear-Gaussian world refuses what its world cannot have shown", "[linear_gaussian]") {
  ChainObserver observer(three_levels(), 2);
  Observation o = test::room_for(2);
  CHECK_THROWS_AS(observer.observe(o), ShapeError);
  o.value = {0, std::nan("")};
  CHECK_NOTHROW(observer.observe(o));  // idle
  o.active = {1, 1};
  CHECK_THROWS_AS(observer.observe(o), DataError);
  CHECK_THROWS_AS(observer.observe(test::room_for(3)), ShapeError);
}
