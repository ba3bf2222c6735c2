// What holds for the volatile level whatever it reads: Kalman's filter in the limit, couplings, masks, saving, and what it refuses.

#include <catch2/catch.hpp>

#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "core/memory_archive.hpp"
#include "tests/support/volatile_rig.hpp"

using namespace strata;
using namespace strata::test;

namespace {

double noise(Index t, Index j, Index i) {
  return random_normal(random_base(11, static_cast<std::uint64_t>(t), 0, 1), static_cast<std::uint32_t>(j), static_cast<std::uint32_t>(i));
}

const std::vector<std::string> plain{"level.0.input_precision=4", "level.0.omega=-1.5", "level.1.omega=-3"};

std::vector<std::string> with(std::vector<std::string> lines, const std::vector<std::string>& more) {
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

template <class T>
std::vector<T> beliefs(VolatileRig<T>& rig) {
  std::vector<T> all;
  for (Index l = 0; l < rig.hierarchy->depth(); ++l)
    for (const auto& part : {rig.belief(l), rig.precision(l)}) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::string refused(const std::function<void()>& body) {
  try {
    body();
  } catch (const ConfigError& error) { return error.key; }
  return "";
}

}  // namespace

TEST_CASE("volatile: one level is the Kalman filter of its walk, and its free energy the surprise") {
  const double lambda = GENERATE(1., .9), drift = GENERATE(0., .3), r = .25, q = std::exp(-1.5);
  VolatileRig<double> rig(with({"level.0.input_precision=4", "level.0.omega=-1.5"},
                               {"level.0.autoconnection=" + to_text(lambda), "level.0.drift=" + to_text(drift)}),
                          1, 1, 1, 200, noise);
  double mean = 0, variance = 1;
  for (Index t = 0; t < 200; ++t) {
    const double prior = lambda * mean + drift, before = lambda * lambda * variance + q, total = before + r, y = noise(t, 0, 0);
    const double surprise = .5 * (std::log(2 * std::numbers::pi * total) + (y - prior) * (y - prior) / total);
    mean = prior + before / total * (y - prior);
    variance = before * r / total;
    REQUIRE(rig.simulation->advance());
    CHECK(rig.belief(0)[0] == Approx(mean).epsilon(1e-12));
    CHECK(rig.precision(0)[0] == Approx(1 / variance).epsilon(1e-12));
    CHECK(rig.host(rig.level(0).snapshot().surprise)[0] == Approx(surprise).epsilon(1e-12));
    CHECK(rig.host(rig.level(0).snapshot().free_energy)[0] == Approx(surprise).epsilon(1e-10));
  }
}

TEST_CASE("volatile: a parent of one unit hears all its children, a value parent predicts their mean") {
  const bool by_value = GENERATE(false, true);
  VolatileRig<double> rig(with(plain, {"level.0.units=2", "level.1.units=1", "level.0.kappa=.8", "level.1.update=ehgf",
                                       "level.0.coupling=" + std::string(by_value ? "value" : "volatility")}),
                          2, 1, 2, 100, noise);
  const double kappa = .8, r = 4;
  double mu[2] = {0, 0}, pi[2] = {1, 1}, top = 0, top_pi = 1;
  for (Index t = 0; t < 100; ++t) {
    const double m_top = top, p_top = 1 / (1 / top_pi + std::exp(-3.));
    double slope = 0, bend = 0;
    for (int i = 0; i < 2; ++i) {
      const double m = mu[i] + (by_value ? kappa * m_top : 0), nu = std::exp(-1.5 + (by_value ? 0 : kappa * m_top));
      const double p = 1 / (1 / pi[i] + nu), gamma = nu * p;
      pi[i] = p + r;
      mu[i] = m + r / pi[i] * (noise(t, 0, i) - m);
      const double delta = p * (1 / pi[i] + (mu[i] - m) * (mu[i] - m)) - 1;
      slope += by_value ? kappa * p * (mu[i] - m) : .5 * kappa * gamma * delta;
      bend += by_value ? kappa * kappa * p : .5 * kappa * kappa * gamma * (gamma + (2 * gamma - 1) * delta);
    }
    top_pi = p_top + bend;
    top = m_top + slope / (by_value ? top_pi : p_top);  // a value parent never moves its mean first
    REQUIRE(rig.simulation->advance());
    for (std::size_t i = 0; i < 2; ++i) CHECK(rig.belief(0)[i] == Approx(mu[i]).epsilon(1e-10).margin(1e-12));
    CHECK(rig.belief(1)[0] == Approx(top).epsilon(1e-10).margin(1e-12));
    CHECK(rig.precision(1)[0] == Approx(top_pi).epsilon(1e-10));
  }
}

TEST_CASE("volatile: streams and units go side by side, and an idle stream changes nothing") {
  const auto script = [](Index t, Index j, Index i) {
    if (j == 1 && t % 3 == 2) return std::nan("");
    return noise(j == 1 ? t - (t + 1) / 3 : t, j, i);
  };
  VolatileRig<double> together(with(plain, {"level.0.units=2", "level.1.units=2"}), 2, 3, 2, 90, script);
  together.simulation->run();
  for (Index j = 0; j < 3; ++j)
    for (Index i = 0; i < 2; ++i) {
      VolatileRig<double> alone(plain, 2, 1, 1, j == 1 ? 60 : 90, [&](Index t, Index, Index) { return noise(t, j, i); });
      alone.simulation->run();
      const auto k = static_cast<std::size_t>(j * 2 + i);
      for (Index l = 0; l < 2; ++l) {
        CHECK(together.belief(l)[k] == Approx(alone.belief(l)[0]).epsilon(1e-14));
        CHECK(together.precision(l)[k] == Approx(alone.precision(l)[0]).epsilon(1e-14));
      }
    }
  CHECK(together.belief(0)[0] != together.belief(0)[2]);
}

TEMPLATE_TEST_CASE("volatile: a saved run goes on with the same bits, on every device", "", float, double) {
  const std::string device = GENERATE("reference", "cpu");
  const auto script = [](Index t, Index j, Index i) { return j == 2 && t > 40 && t < 70 ? std::nan("") : noise(t, j, i); };
  const auto make = [&](Index first) {
    return VolatileRig<TestType>(
        with(plain, {"level.0.units=2", "level.1.units=1", "level.0.learn_omega=1", "level.1.learn_omega=1"}), 3, 5, 2, 120 - first,
        [=](Index t, Index j, Index i) { return script(t + first, j, i); }, true, device);
  };
  auto whole = make(0);
  MemoryArchive state, parameters, optimiser;
  for (int t = 0; t < 120; ++t) {
    if (t == 50) {
      whole.hierarchy->archive_state(state);
      whole.hierarchy->archive_parameters(parameters);
      whole.hierarchy->archive_optimiser(optimiser);
      whole.learning->archive(optimiser);
    }
    whole.simulation->advance();
  }
  auto resumed = make(50);
  for (auto* archive : {&state, &parameters, &optimiser}) archive->rewind();
  resumed.hierarchy->archive_state(state);
  resumed.hierarchy->archive_parameters(parameters);
  resumed.hierarchy->archive_optimiser(optimiser);
  resumed.learning->archive(optimiser);
  resumed.simulation->run();
  CHECK(beliefs(whole) == beliefs(resumed));
}

TEST_CASE("volatile: a clamped level speaks with another's voice, and is released") {
  VolatileRig<double> free(plain, 2, 2, 1, 100, noise), held(plain, 2, 2, 1, 100, noise);
  for (int t = 0; t < 10; ++t) {
    free.simulation->advance();
    held.simulation->advance();
  }
  Tensor<double> voice(*held.device, 1, 2);
  held.device->fill(voice, 2);
  const std::uint8_t clamped[] = {0, 1};
  held.level(1).clamp_downward(clamped, voice.view());
  for (int t = 0; t < 2; ++t) {
    free.simulation->advance();
    held.simulation->advance();
  }
  CHECK(held.belief(0)[0] == free.belief(0)[0]);
  CHECK(held.belief(0)[1] != free.belief(0)[1]);
  const double before = held.precision(0)[1];
  CHECK(held.host(held.level(0).prior_precision())[1] == Approx(1 / (1 / before + std::exp(-1.5 + 2.))));
  held.level(1).clamp_downward({}, {});
  held.simulation->advance();
  const double nu = std::exp(-1.5 + held.belief(1)[1]);
  CHECK(held.host(held.level(0).prior_precision())[1] == Approx(1 / (1 / held.precision(0)[1] + nu)));
}

TEST_CASE("volatile: omega is learned from a walk whose volatility is known") {
  const double truth = -2, start = -5;
  std::vector<double> walk(8, 0);
  Index last = -1;
  const auto script = [&](Index t, Index j, Index) {
    if (t != last)
      for (std::size_t s = 0; s < walk.size(); ++s) walk[s] += std::exp(truth / 2) * noise(t, static_cast<Index>(s), 0);
    last = t;
    return walk[static_cast<std::size_t>(j)] + .5 * noise(t, j, 1);
  };
  const auto run = [&](bool learns, double* omega) {
    walk.assign(8, 0);
    last = -1;
    VolatileRig<double> rig({"level.0.input_precision=4", "level.0.omega=" + to_text(start),
                             "level.0.learn_omega=" + std::string(learns ? "1" : "0"), "learning.rate=.01", "learning.warm_up=0"},
                            1, 8, 1, 3000, script, true);
    rig.simulation->run();
    rig.level(0).visit_weights([&](Weight<double>& weight) { *omega = rig.host(weight.value.view())[0]; });
    return rig.simulation->nats();
  };
  double found = start, ignored = 0;
  const double learned = run(true, &found), fixed = run(false, &ignored);
  INFO("omega " << found << ", nats " << learned << " against " << fixed);
  CHECK(found == Approx(truth).margin(.25));
  CHECK(learned < fixed - 1000);
}

TEST_CASE("volatile: long odds cost what they should, without infinities") {
  VolatileRig<float> rig({"level.0.initial_mean=200"}, 1, 2, 0, 1, [](Index, Index j, Index) { return static_cast<double>(j); });
  rig.simulation->run();
  const auto surprise = rig.host(rig.level(0).snapshot().surprise);
  CHECK(surprise[0] == Approx(200));
  CHECK(surprise[1] == Approx(0).margin(1e-6));
}

TEST_CASE("volatile: a posterior precision that is not positive is an error that says what to do") {
  const std::string update = GENERATE("classic", "ehgf");
  VolatileRig<double> rig({"level.0.omega=-13", "level.1.omega=-2", "level.1.update=" + update}, 2, 2, 1, 100,
                          [](Index t, Index j, Index) { return j == 1 && t >= 50 ? 3. : 1.; });
  try {
    rig.simulation->run();
    FAIL("no error");
  } catch (const NumericalError& error) {
    CHECK(error.step == 50);
    CHECK(error.level == "1");
    CHECK(error.quantity == "posterior precision of unit 0 in stream 1");
    CHECK(error.value <= 0);
    CHECK(error.advice.find("level.0.kappa") != std::string::npos);
    CHECK((error.advice.find("level.1.update = ehgf") != std::string::npos) == (update == "classic"));
  }
}

TEST_CASE("volatile: a volatility beyond all numbers is an error before the first step") {
  try {
    VolatileRig<float> rig({"level.0.omega=80", "level.1.initial_mean=20"}, 2, 1, 1, 1, noise);
    FAIL("no error");
  } catch (const NumericalError& error) {
    CHECK(error.level == "0");
    CHECK(error.quantity.find("precision of the prediction") == 0);
    CHECK(error.advice.find("level.0.omega") != std::string::npos);
  }
}

TEST_CASE("volatile: observations that cannot be read are data errors") {
  VolatileRig<double> rig({"level.0.units=2"}, 1, 1, 2, 1, [](Index, Index, Index i) { return i == 0 ? 1. : std::nan(""); });
  CHECK_THROWS_AS(rig.simulation->advance(), DataError);
  VolatileRig<double> binary({"level.0.input=binary"}, 1, 1, 1, 1, [](Index, Index, Index) { return .5; });
  CHECK_THROWS_WITH(binary.simulation->advance(), Catch::Contains("level.0.input = numbers"));
}

TEST_CASE("volatile: settings that do not fit are refused by name") {
  const auto build = [](std::vector<std::string> lines, Index levels, Index channels) {
    return refused([&] { VolatileRig<double>(lines, levels, 1, channels, 1, noise); });
  };
  CHECK(build({}, 2, 1).empty());
  CHECK(build({"level.0.units=2"}, 1, 1) == "level.0.units");
  CHECK(build({"level.0.units=2"}, 1, 0) == "level.0.units");
  CHECK(build({"level.0.input=numbers"}, 1, 0) == "level.0.input");
  CHECK(build({"level.0.units=3", "level.1.units=2"}, 2, 3) == "level.1.units");
  CHECK(build({"level.1.learn_kappa=1"}, 2, 1) == "level.1.learn_kappa");
  CHECK(build({"level.1.update=clasic"}, 2, 1) == "level.1.update");
  CHECK(build({"level.0.update=ehgf"}, 2, 1) == "level.0.update");
  CHECK(build({"level.0.omega=81"}, 1, 1) == "level.0.omega");
  CHECK(build({"level.0.input_precision=-1"}, 1, 1) == "level.0.input_precision");
  CHECK(build({"level.0.initial_precision=0"}, 1, 1) == "level.0.initial_precision");
  CHECK(build({"level.0.kind=token", "level.0.units=4"}, 2, 0) == "level.1.kind");
  VolatileRig<double> serial({"relaxation.scheme=serial"}, 2, 1, 1, 1, noise);
  CHECK(refused([&] { serial.simulation->advance(); }) == "relaxation.scheme");
  Configuration many;
  many.set("hierarchy.levels", "1");
  many.set("level.0.kind", "volatile");
  const auto device = make_device<double>({"reference", "auto", 0});
  CHECK(refused([&] { build_hierarchy<double>(many, *device, std::vector<double>(5, -1.6), 1, 1, 1); }) == "level.0.kind");
}
