// Gradient test of the volatile level. It reads numbers or two tokens and settles in one Newton step up, so that it cannot stand in the
// hierarchies of gradient.cpp. What is checked of it:
//
//   omega   learned where learn_omega is set     domega = -dF/domega, and of one level of numbers exactly the slope of its surprise
//   kappa   learned where learn_kappa is set     dkappa = -dF/dkappa, coupled by volatility and by value
//   belief  moves by g / (p + h)                 g = -dF/dx, h = d2F/dx2 of all that lies below, at the prior mean
//
// Nothing else of it learns: input precision, drift and autoconnection stay what the configuration says.

#include <catch2/catch.hpp>

#include <cmath>

#include "tests/support/gradient_check.hpp"
#include "tests/support/volatile_rig.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr double tolerance = 1e-6;

std::vector<std::string> lines(bool by_value, Index units, bool binary) {
  return {"level.0.units=" + std::to_string(units),
          "level.0.omega=-2",
          "level.0.kappa=.7",
          "level.0.learn_omega=1",
          "level.0.learn_kappa=1",
          "level.0.input=" + std::string(binary ? "binary" : "numbers"),
          "level.0.input_precision=3",
          "level.0.coupling=" + std::string(by_value ? "value" : "volatility"),
          "level.0.autoconnection=.9",
          "level.1.initial_mean=.3",
          "level.1.omega=-3",
          "level.1.kappa=1.2",
          "level.1.learn_omega=1",
          "level.1.learn_kappa=1",
          "level.1.update=classic",
          "level.2.learn_omega=1",
          "level.2.update=classic",
          "learning.rate=.01",
          "learning.warm_up=0"};
}

NumberWorld::Script noise(bool binary) {
  return [binary](Index t, Index j, Index i) {
    const auto key = static_cast<std::uint32_t>(7 * j + i);
    const double x = random_normal(random_base(3, static_cast<std::uint64_t>(t), 0, 1), key, 0);
    return binary ? (x > .4 ? 1. : 0.) : x;
  };
}

/// Sum over streams of level l's part of F as its prior follows from `activity` above.
double energy_given(VolatileRig<double>& rig, Index l, const std::vector<double>& activity) {
  Tensor<double> above(*rig.device, rig.level(l + 1).units(), rig.hierarchy->streams()), energy(*rig.device, rig.hierarchy->streams());
  rig.device->upload(activity, above);
  rig.level(l).repredict({above.view(), {}});
  rig.level(l).add_energy(energy);
  double sum = 0;
  for (const double x : rig.host(energy.view())) sum += x;
  return sum;
}

}  // namespace

TEST_CASE("gradients: a volatile level learns -dF/domega and -dF/dkappa", "[gradient]") {
  const bool by_value = GENERATE(false, true), binary = GENERATE(false, true);
  const Index units = GENERATE(1, 2);
  VolatileRig<double> rig(lines(by_value, units, binary), 3, 3, units, 1000, noise(binary), true);
  Probe<double> probe(*rig.hierarchy, *rig.world, rig.learning.get());
  probe.start();
  probe.run(9);
  for (int round = 0; round < 3; ++round) {
    probe.begin();
    int checked = 0;
    for (const auto& block : check_weights(probe)) {
      if (block.block == "lexicon") continue;  // empty: no words here
      INFO(block.block << " |dF/dW| " << block.size << " by value " << by_value << " binary " << binary << " units " << units);
      CHECK(block.distance < tolerance);
      CHECK(block.size > 1e-6);
      ++checked;
    }
    CHECK(checked == 5);  // omega of three levels, kappa of two
    probe.end();
  }
}

TEST_CASE("gradients: what a volatile level says upwards is slope and curvature of F, and the belief moves by one Newton step",
          "[gradient]") {
  const bool by_value = GENERATE(false, true), binary = GENERATE(false, true), shared = GENERATE(false, true);
  const Index units = 2, streams = 3, above = shared ? 1 : units;
  auto all = lines(by_value, units, binary);
  all.push_back("level.1.units=" + std::to_string(above));
  VolatileRig<double> rig(all, 3, streams, units, 1000, noise(binary), true);
  Probe<double> probe(*rig.hierarchy, *rig.world, rig.learning.get());
  probe.start();
  probe.run(9);
  const auto prior = rig.host(rig.level(1).snapshot().prediction), precision = rig.host(rig.level(1).prior_precision());
  probe.begin();
  const auto slope = rig.host(rig.level(0).upward().feedback), curvature = rig.host(rig.level(0).upward().feedback_precision);
  REQUIRE(slope.size() == static_cast<std::size_t>(above * streams));
  const double h = 1e-3;
  for (std::size_t k = 0; k < slope.size(); ++k) {
    const auto at = [&](double shift) {
      auto activity = prior;
      activity[k] += shift;
      return energy_given(rig, 0, activity);
    };
    const double f0 = at(0), p1 = at(h), m1 = at(-h), p2 = at(2 * h), m2 = at(-2 * h);
    CHECK(slope[k] == Approx(-(8 * (p1 - m1) - (p2 - m2)) / (12 * h)).epsilon(1e-7).margin(1e-9));
    CHECK(curvature[k] == Approx((16 * (p1 + m1) - (p2 + m2) - 30 * f0) / (12 * h * h)).epsilon(1e-5).margin(1e-7));
    const double after = rig.host(rig.level(1).downward().activity)[k];
    CHECK(after == Approx(prior[k] + slope[k] / (precision[k] + curvature[k])).epsilon(1e-12));
  }
}

TEST_CASE("gradients: omega of one level of numbers follows the slope of its surprise", "[gradient]") {
  const auto surprise = [](double omega, double* gradient) {
    VolatileRig<double> rig(
        {"level.0.omega=" + to_text(omega), "level.0.initial_mean=.2", "level.0.initial_precision=2", "level.0.input_precision=5",
         "level.0.learn_omega=1"},
        1, 1, 1, 10, [](Index, Index, Index) { return 1.7; }, true);
    Probe<double> probe(*rig.hierarchy, *rig.world, rig.learning.get());
    probe.start();
    probe.begin();
    if (gradient != nullptr) {
      rig.hierarchy->accumulate(1, true);
      rig.level(0).visit_weights([&](Weight<double>& weight) { *gradient = rig.host(weight.gradient.view())[0]; });
    }
    return rig.host(rig.level(0).snapshot().surprise)[0];
  };
  double gradient = 0;
  surprise(-1, &gradient);
  const double h = 1e-3;
  const double slope =
      (8 * (surprise(-1 + h, nullptr) - surprise(-1 - h, nullptr)) - (surprise(-1 + 2 * h, nullptr) - surprise(-1 - 2 * h, nullptr))) /
      (12 * h);
  CHECK(std::abs(gradient) > .01);
  CHECK(gradient == Approx(-slope).epsilon(1e-8));
}
