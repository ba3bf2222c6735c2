// Gradient test of the categorical kinds, whose beliefs live on a simplex. What is checked of them:
//
//   share    without eligibility: dB = -d/dB [ -sum_c x(c) ln p_c(v) ], what the others say held
//            with eligibility, one level: the sum of dB over a run is exactly minus the slope of its whole surprise in B
//            above a token level: dB = -dF/dB at the forecast, as in gradient.cpp
//            with contrast: less the running mean of the errors that reach a level, each state's part by its belief
//   hazard   one level: the sum of dln h over a run is exactly minus the slope of its whole surprise in ln h
//   belief   a sweep of size 1 moves ln x by kappa times -dF/dx, but for what keeps the sum 1
//
// Transitions are counted, not descended; tests/validation holds them against a world whose transitions are known.

#include <catch2/catch.hpp>

#include <cmath>

#include "tests/support/categorical_rig.hpp"
#include "tests/support/gradient_check.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index vocabulary = 5, length = 25;
constexpr double tolerance = 1e-6;

Word token(Index time, Index stream) { return {some_token(static_cast<std::uint64_t>(3 + stream), time, vocabulary), 0, true}; }

std::vector<std::string> lines(Index levels, const std::vector<std::string>& more) {
  const char* const initial[] = {"1", ".8", ".6"};
  std::vector<std::string> all{"learning.rate=0", "learning.warm_up=0"};
  for (Index l = 0; l < levels; ++l) {
    all.push_back("level." + std::to_string(l) + ".initial=" + initial[l]);
    all.push_back("level." + std::to_string(l) + ".tau=" + (l == 0 ? "4" : "7"));
  }
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// Surprise of one level's run, and minus its slopes as the level learns them.
struct Slopes {
  double surprise = 0, hazard = 0;
  std::vector<double> share;
};

Slopes one_level(const std::string& kind, double log_hazard, std::size_t moved, double shift) {
  auto all = lines(1, {"level.0.states=3", "level.0.learn_transition=0", "level.0.tau=" + to_text(std::exp(-log_hazard))});
  if (kind == "categorical") all.emplace_back("level.0.learn_tau=1");
  CategoricalRig<double> rig(kind, 1, 2, vocabulary, length, token, all, true);
  rig.level(0).set_transition(std::vector<double>{.6, .3, .1});
  auto share = rig.host(rig.level(0).share().value.view());
  share[moved] += shift;
  rig.set_share(0, share);
  Probe<double> probe(*rig.hierarchy, *rig.world, rig.learning.get());
  probe.start();
  Slopes slopes;
  for (Index t = 0; t < length; ++t) {
    probe.begin();
    for (const double x : rig.surprise()) slopes.surprise += x;
    rig.hierarchy->accumulate(1, true);  // gathers: a rate of 0 leaves gradients where they are
    rig.hierarchy->carry(probe.step());
    rig.hierarchy->forecast(probe.step());
  }
  rig.level(0).visit_weights([&](Weight<double>& weight) {
    if (weight.name == "share") slopes.share = rig.host(weight.gradient.view());
    if (weight.name == "log_hazard") slopes.hazard = rig.host(weight.gradient.view())[0];
  });
  return slopes;
}

}  // namespace

TEST_CASE("gradients: a categorical level's share follows the slope of its evidence", "[gradient]") {
  const std::string kind = GENERATE("categorical", "conditional");
  CategoricalRig<double> rig(kind, 3, 2, vocabulary, 100, token,
                             lines(3, {"level.0.eligibility=0", "level.1.eligibility=0", "level.2.eligibility=0"}), true);
  Probe<double> probe(*rig.hierarchy, *rig.world, rig.learning.get());
  probe.start();
  probe.run(9);
  for (int round = 0; round < 3; ++round) {
    probe.begin();
    int checked = 0;
    for (const auto& block : check_weights(probe)) {
      if (block.block == "lexicon") continue;
      INFO(kind << " " << block.block << " |dF/dW| " << block.size);
      CHECK(block.distance < tolerance);
      CHECK(block.size > 1e-3);
      ++checked;
    }
    CHECK(checked == 3);
    probe.end();
  }
}

TEST_CASE("gradients: through its past, one level learns exactly minus the slope of its surprise", "[gradient]") {
  const std::string kind = GENERATE("categorical", "conditional");
  const double log_hazard = -std::log(4.);
  const Slopes learned = one_level(kind, log_hazard, 0, 0);
  REQUIRE(learned.share.size() == static_cast<std::size_t>(3 * vocabulary));
  const double h = 1e-4;
  for (std::size_t i = 0; i < learned.share.size(); ++i) {
    const double slope = (one_level(kind, log_hazard, i, h).surprise - one_level(kind, log_hazard, i, -h).surprise) / (2 * h);
    CHECK(learned.share[i] == Approx(-slope).epsilon(1e-6).margin(1e-7));
  }
  if (kind != "categorical") return;
  const double slope = (one_level(kind, log_hazard + h, 0, 0).surprise - one_level(kind, log_hazard - h, 0, 0).surprise) / (2 * h);
  CHECK(std::abs(learned.hazard) > .01);
  CHECK(learned.hazard == Approx(-slope).epsilon(1e-6));
}

TEST_CASE("gradients: contrast takes from the share what stays wrong, and nothing at the top", "[gradient]") {
  const std::string kind = GENERATE("categorical", "conditional");
  constexpr Index levels = 3, streams = 2, states = 4;
  constexpr double contrast = 3, window = contrast * 7;  // the level above has a time constant of 7
  const auto sleepy = [](Index time, Index stream) {
    Word word = token(time, stream);
    if (stream == 1 && time % 4 == 3) word.active = false;
    return word;
  };
  std::vector<std::vector<std::vector<double>>> slopes;
  std::vector<std::vector<double>> left(levels, std::vector<double>(vocabulary * states, 0.));
  for (const bool with : {false, true}) {
    auto all = lines(levels, {});
    for (Index l = 0; l < levels; ++l) {
      const std::string level = "level." + std::to_string(l) + ".";
      all.insert(all.end(), {level + "eligibility=0", level + "learn_transition=0", level + "contrast=" + std::string(with ? "3" : "0")});
    }
    CategoricalRig<double> rig(kind, levels, streams, vocabulary, length, sleepy, all, true);
    Probe<double> probe(*rig.hierarchy, *rig.world, rig.learning.get());
    probe.start();
    std::vector<std::vector<double>> mean(levels, std::vector<double>(vocabulary * streams, 0.));
    for (Index t = 0; t < length; ++t) {
      probe.begin();
      std::vector<std::vector<double>> errors;
      for (Index l = 0; l + 1 < levels; ++l) errors.push_back(rig.host(rig.level(std::max<Index>(0, l - 1)).upward().emission_error));
      rig.hierarchy->accumulate(1, true);
      rig.hierarchy->carry(probe.step());
      for (Index l = 0; l + 1 < levels && with; ++l) {
        const auto& rho = errors[static_cast<std::size_t>(l)];
        const auto belief = rig.belief(l);
        auto& m = mean[static_cast<std::size_t>(l)];
        for (Index j = 0; j < streams; ++j) {
          if (probe.step().observation->active[static_cast<std::size_t>(j)] == 0) continue;
          for (Index v = 0; v < vocabulary; ++v) {
            double& lasting = m[static_cast<std::size_t>(j * vocabulary + v)];
            for (Index c = 0; c < states; ++c)
              left[static_cast<std::size_t>(l)][static_cast<std::size_t>(c * vocabulary + v)] +=
                  belief[static_cast<std::size_t>(j * states + c)] * lasting;
            lasting += (rho[static_cast<std::size_t>(j * vocabulary + v)] - lasting) / window;
          }
        }
      }
      rig.hierarchy->forecast(probe.step());
    }
    slopes.emplace_back();
    for (Index l = 0; l < levels; ++l) slopes.back().push_back(rig.host(rig.level(l).share().gradient.view()));
  }
  for (std::size_t l = 0; l < levels; ++l) {
    double size = 0;
    for (std::size_t i = 0; i < left[l].size(); ++i) {
      INFO(kind << " level " << l << " entry " << i);
      CHECK(slopes[0][l][i] - slopes[1][l][i] == Approx(left[l][i]).epsilon(1e-9).margin(1e-12));
      size = std::max(size, std::abs(left[l][i]));
    }
    CHECK((size > .01) == (l + 1 < levels));
  }
}

TEST_CASE("gradients: a categorical level above a token level learns -dF/dW", "[gradient]") {
  const std::string kind = GENERATE("categorical", "conditional");
  Tiny<double> tiny({"hierarchy.levels=3", "relaxation.steps=3", "relaxation.tolerance=0", "learning.rate=.02", "learning.warm_up=0",
                     "level.0.context_dropout=0", "level.1.kind=" + kind, "level.2.kind=" + kind, "level.1.tau=4", "level.2.tau=9"});
  Probe<double> probe(*tiny.hierarchy, *tiny.world, tiny.learning.get());
  probe.start();
  probe.run(12);
  for (int round = 0; round < 3; ++round) {
    probe.begin();
    for (const auto& block : check_weights(probe)) {
      INFO(kind << " " << block.block << " |dF/dW| " << block.size);
      CHECK(block.distance < tolerance);
      CHECK(block.size > 1e-6);
    }
    probe.end();
  }
}

TEST_CASE("gradients: a categorical belief moves along the mirrored slope of F", "[gradient]") {
  const std::string kind = GENERATE("categorical", "conditional");
  const double stubbornness = GENERATE(1., .5);
  std::vector<std::string> all{"hierarchy.levels=3", "relaxation.steps=1",   "relaxation.tolerance=0",
                               "learning.rate=.02",  "level.1.kind=" + kind, "level.2.kind=" + kind,
                               "level.1.initial=.8", "level.2.initial=.8",   "level.1.stubbornness=" + to_text(stubbornness),
                               "level.1.tau=4",      "level.2.tau=5"};
  Tiny<double> tiny(all);
  Device<double>& device = *tiny.device;
  Probe<double> probe(*tiny.hierarchy, *tiny.world, tiny.learning.get());
  dynamic_cast<CategoricalLevel<double>&>(tiny.hierarchy->level(1))
      .set_transition(std::vector<double>{.7, .1, .1, .1, .1, .7, .1, .1, .1, .1, .6, .2, .25, .25, .3, .2});
  probe.start();
  probe.run(9);
  probe.begin();
  Tensor<double> rate(device, 3);
  device.fill(rate, 1);
  for (Index l = 1; l < 3; ++l) {
    auto& level = dynamic_cast<CategoricalLevel<double>&>(tiny.hierarchy->level(l));
    energies(probe);
    const View<double> x = level.settling_belief();
    const auto before = values<double>(x, device);
    std::vector<double> slope(before.size());
    for (std::size_t k = 0; k < before.size(); ++k) {
      const auto at = [&](double shift) {
        auto moved = before;
        moved[k] += shift;
        device.upload(moved, x);
        level.refresh();
        return energies(probe)[k / 4];
      };
      const double h = 1e-5;
      slope[k] = (at(h) - at(-h)) / (2 * h);
    }
    device.upload(before, x);
    level.refresh();
    energies(probe);
    level.settle(tiny.hierarchy->level(l - 1).upward(), rate.view());
    const auto after = values<double>(x, device);
    const double kappa = l == 1 ? stubbornness : 1;
    for (std::size_t j = 0; j < 3; ++j) {
      double mean = 0, size = 0;
      for (std::size_t c = 4 * j; c < 4 * j + 4; ++c) mean += (std::log(after[c] / before[c]) + kappa * slope[c]) / 4;
      for (std::size_t c = 4 * j; c < 4 * j + 4; ++c) {
        CHECK(std::log(after[c] / before[c]) + kappa * slope[c] == Approx(mean).epsilon(1e-6).margin(1e-6));
        size += std::abs(std::log(after[c] / before[c]));
      }
      CHECK(size > 1e-4);
    }
    device.upload(before, x);
    level.refresh();
  }
}
