// The innovation rule finds the Kalman gain of a linear-Gaussian unit.
//
// World    z_t = a z_{t-1} + N(0, q),  y_t = z_t + N(0, r), one per unit and stream
// Level    the situation level itself with V = 0, Mo = 1 and ct = -1/ln a; the emission error is such that settling lands on y_t, so
//          that its error is
//          the innovation y_t - mu_t, and mu_{t+1} = g kap_t is a Kalman predictor with a K = g sqrt(1 - a^2) / sqrt(P + r)
// Answer   P = (b + sqrt(b^2 + 4 q r)) / 2,  b = q - r (1 - a^2),  K = P / (P + r)

#include <catch2/catch.hpp>
#include <cmath>

#include "core/random.hpp"
#include "tests/support/level_rig.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index units = 8, streams = 16;

void set_weight(SituationLevel<double>& level, const std::string& name, const std::vector<double>& value) {
  level.visit_weights([&](Weight<double>& w) {
    if (w.name == name) w.value.device().upload(value, w.value);
  });
}

/// The Kalman gain that the level's g stands for after `steps` tokens, g averaged over the last third.
double learned_gain(double a, double q, double r, double predicted_variance, std::uint64_t seed, Index steps) {
  SituationSettings settings;
  settings.tick = 1;
  settings.dropout = 0;
  settings.carry_time = -1 / std::log(a);
  settings.carry_rate = .004;
  settings.precision = 1;
  settings.eligibility = false;
  settings.broad.weight = 0;
  LevelRig<double> rig(settings, units, 3, streams);
  set_weight(rig.level, "memory_in", std::vector<double>(units * 2 * units, 0));
  std::vector<double> identity(units * units, 0);
  for (std::size_t i = 0; i < units; ++i) identity[i * units + i] = 1;
  set_weight(rig.level, "share_out", identity);
  rig.start();
  std::vector<double> z(units * streams, 0), rho(z);
  double sum = 0, count = 0;
  for (Index t = 0; t < steps; ++t) {
    const auto mu = values<double>(rig.level.snapshot().prediction, *rig.device);
    const std::uint64_t motion = random_base(seed, static_cast<std::uint64_t>(t), 0, 0),
                        sight = random_base(seed, static_cast<std::uint64_t>(t), 0, 1);
    for (std::size_t i = 0; i < z.size(); ++i) {
      z[i] = a * z[i] + std::sqrt(q) * random_normal(motion, static_cast<std::uint32_t>(i), 0);
      const double y = z[i] + std::sqrt(r) * random_normal(sight, static_cast<std::uint32_t>(i), 0), f = std::tanh(mu[i]);
      rho[i] = (y - mu[i]) / (1 - f * f);
    }
    rig.advance(rho, true);
    if (3 * t < 2 * steps) continue;
    sum += rig.level.gain();
    count += 1;
  }
  return sum / count * std::sqrt(1 - a * a) / (a * std::sqrt(predicted_variance + r));
}

}  // namespace

TEST_CASE("carry: the gain rule reaches the Kalman gain on a linear-Gaussian unit") {
  struct Unit {
    double a, q, r;
  };
  for (const Unit u : {Unit{.9, .19, 1}, Unit{.9, .05, .5}, Unit{.97, .06, .3}})
    for (const std::uint64_t seed : {1, 2, 3}) {
      const double b = u.q - u.r * (1 - u.a * u.a), p = (b + std::sqrt(b * b + 4 * u.q * u.r)) / 2, kalman = p / (p + u.r);
      const double found = learned_gain(u.a, u.q, u.r, p, seed, 6000);
      INFO("a " << u.a << " q " << u.q << " r " << u.r << " seed " << seed << ": Kalman " << kalman << ", found " << found);
      CHECK(found == Approx(kalman).epsilon(.03));
    }
}
