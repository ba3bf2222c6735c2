// Learned time constants: what holds neighbours apart, and what a level's states last.

#include <catch2/catch.hpp>

#include <cmath>

#include "core/error.hpp"
#include "core/random.hpp"
#include "levels/separation.hpp"
#include "tests/support/categorical_rig.hpp"
#include "tests/support/probe.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index vocabulary = 6;

Word speech(Index time, Index stream) { return {some_token(static_cast<std::uint64_t>(11 + stream), time, vocabulary), 0, true}; }

/// P of three levels, r^k = 4.
double penalty(const double* log_tau) {
  double p = 0;
  for (int l = 0; l < 2; ++l) {
    const double missing = std::max(0., std::log(4.) - (log_tau[l + 1] - log_tau[l]));
    p += missing * missing / 2;
  }
  return p;
}

std::vector<std::string> flat(Index levels, const std::vector<std::string>& more) {
  std::vector<std::string> all{"learning.warm_up=0"};
  for (Index l = 0; l < levels; ++l)
    for (const char* assignment : {"tau=20", "learn_tau=1", "states=3", "initial=.5"})
      all.push_back("level." + std::to_string(l) + "." + assignment);
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// Slopes in ln h that each level has gathered over `steps` steps; tau stays what it is.
std::vector<double> gathered(const std::string& ratio, Index steps) {
  std::vector<std::string> more{"learning.rate=0", "level.1.tau=30"};
  for (Index l = 0; l < 3; ++l)
    for (const std::string& key : {"tau_apart=" + ratio, std::string("tau_apart_steps=10")})
      more.push_back("level." + std::to_string(l) + "." + key);
  CategoricalRig<double> rig("categorical", 3, 1, vocabulary, steps, speech, flat(3, more), true);
  Probe<double> probe(*rig.hierarchy, *rig.world, rig.learning.get());
  probe.start();
  for (Index t = 0; t < steps; ++t) {
    probe.begin();
    rig.hierarchy->accumulate(1, true);
    rig.hierarchy->carry(probe.step());
    rig.hierarchy->forecast(probe.step());
  }
  std::vector<double> slopes;
  for (Index l = 0; l < 3; ++l)
    rig.level(l).visit_weights([&](Weight<double>& weight) {
      if (weight.name == "log_hazard") slopes.push_back(rig.host(weight.gradient.view())[0]);
    });
  return slopes;
}

}  // namespace

TEST_CASE("separation: the slope of what neighbours miss to a factor that falls to its square root") {
  const Separation s{16, 100};
  for (const auto& tau : {std::vector<double>{10, 20, 30}, {10, 45, 170}, {30, 20, 500}}) {
    const double log_tau[] = {std::log(tau[0]), std::log(tau[1]), std::log(tau[2])};
    for (std::size_t l = 0; l < 3; ++l) {
      double up[] = {log_tau[0], log_tau[1], log_tau[2]}, down[] = {log_tau[0], log_tau[1], log_tau[2]};
      up[l] += 1e-6;
      down[l] -= 1e-6;
      const double below = l > 0 ? tau[l - 1] : 0, above = l < 2 ? tau[l + 1] : 0;
      CHECK(s.slope(below, tau[l], above, 1e4) == Approx(-(penalty(up) - penalty(down)) / 2e-6).margin(1e-8));  // k = 1/2
    }
  }
  CHECK(s.slope(0, 10, 20, 0) == Approx(-std::log(8.)));
  CHECK(s.slope(10, 20, 0, 50) == Approx(.75 * std::log(16.) - std::log(2.)));
  CHECK(s.slope(10, 20, 0, 100) == Approx(std::log(2.)));
  CHECK(s.slope(10, 20, 0, 1e9) == Approx(std::log(2.)));
  CHECK(s.slope(10, 41, 165, 100) == 0);
  CHECK(s.slope(0, 41, 0, 0) == 0);  // neighbours of which nothing is known
  CHECK(Separation{1, 100}.slope(30, 20, 10, 0) == 0);
}

TEST_CASE("separation: levels learn it beside the slope of the surprise") {
  constexpr Index steps = 12;
  const auto with = gathered("8", steps), without = gathered("1", steps);
  REQUIRE(with.size() == 3);
  const double tau[] = {20, 30, 20};
  const Separation s{8, 10};
  for (std::size_t l = 0; l < 3; ++l) {
    double sum = 0;
    for (Index t = 1; t <= steps; ++t)  // a level is a step old when it has learned from one
      sum += s.slope(l > 0 ? tau[l - 1] : 0, tau[l], l < 2 ? tau[l + 1] : 0, static_cast<double>(t));
    CHECK(std::abs(sum) > 1);
    CHECK(with[l] - without[l] == Approx(-sum).epsilon(1e-9));
    CHECK(std::abs(without[l]) > 1e-4);
  }
}

TEST_CASE("separation: equal time constants part in the order of the levels") {
  CategoricalRig<double> rig("categorical", 3, 1, vocabulary, 4000, speech, flat(3, {"learning.rate=.01"}), true);
  rig.simulation->start();
  rig.simulation->run();
  const double tau[] = {rig.level(0).time_constant(), rig.level(1).time_constant(), rig.level(2).time_constant()};
  CHECK(tau[1] / tau[0] > 2);
  CHECK(tau[2] / tau[1] > 2);
}

TEST_CASE("categorical: a dwell time is what the states of its law last") {
  CategoricalRig<double> rig("categorical", 2, 1, vocabulary, 10, speech, {"level.0.states=3", "level.0.tau=5", "level.1.states=2"});
  CHECK(rig.level(0).dwell_time() == Approx(5 / (1 - 1. / 3)));  // before anything is counted: even draws
  const std::vector<double> pi{.7, .2, .1, .1, .4, .5};
  rig.level(0).set_transition(pi);
  // The law itself, each parent as frequent as the other, drawn.
  double switches = 0;
  constexpr Index steps = 400000;
  for (std::uint32_t u = 0; u < 2; ++u) {
    std::size_t state = 0;
    for (Index t = 0; t < steps; ++t) {
      const auto at = static_cast<std::uint32_t>(t);
      if (random_uniform(1 + u, at, 0) >= 1. / 5) continue;
      const double x = random_uniform(1 + u, at, 1);
      const std::size_t next = x < pi[u * 3] ? 0 : x < pi[u * 3] + pi[u * 3 + 1] ? 1 : 2;
      switches += next != state ? 1 : 0;
      state = next;
    }
  }
  CHECK(rig.level(0).dwell_time() == Approx(2 * steps / switches).epsilon(.01));
}

TEST_CASE("categorical: a band of time constants that cannot be is refused") {
  const auto make = [](const std::vector<std::string>& lines) {
    CategoricalRig<double>("categorical", 1, 1, vocabulary, 10, speech, lines);
  };
  CHECK_THROWS_AS(make({"level.0.tau_min=9", "level.0.tau_max=8"}), ConfigError);
  CHECK_THROWS_AS(make({"level.0.learn_tau=1", "level.0.tau=5", "level.0.tau_min=9"}), ConfigError);
  CHECK_NOTHROW(make({"level.0.tau=5", "level.0.tau_min=9"}));  // of a learned tau only
}
