// Gradient test of the Gaussian level where it stands lowest, on tokens and on numbers, and above a token level, in every coupling; and of
// its eligibility traces against differences of the predictive loss of a whole run. A level's units move at once, each with a size of its
// own, so that beliefs are checked here and not by check_nodes.

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "tests/support/gaussian_chain.hpp"
#include "tests/support/gradient_check.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr double tolerance = 1e-6;

Configuration three_levels(const std::string& coupling, bool share) {
  Configuration c;
  for (const char* line : {"hierarchy.levels=3", "relaxation.tolerance=0", "relaxation.steps=3", "learning.rate=.02", "learning.warm_up=0"})
    c.set_assignment(line);
  for (const char* l : {"0", "1", "2"}) {
    const std::string level = "level." + std::string(l) + ".";
    for (const std::string& line :
         std::vector<std::string>{"kind=gaussian", "units=4", "coupling=" + coupling, "precision_mode=fixed", "eligibility=off",
                                  "learn_noise=off", "noise=.7", "tau=5", "spread=2", "precision=3", share ? "share=on" : "share=off"})
      c.set_assignment(level + line);
  }
  return c;
}

/// What a level whose value is log odds moves along, pi (mu - x) + G, as the gradient has it: pi (mu - x) + J G, J of the softmax at x.
void bend(Level<double>& level, const Device<double>& device, const std::vector<std::vector<double>>& x,
          std::vector<std::vector<double>>& found) {
  const auto mu = values<double>(level.snapshot().prediction, device), pi = values<double>(level.snapshot().precision, device);
  const std::size_t units = x.size();
  for (std::size_t j = 0; j < x[0].size(); ++j) {
    double sum = 0, along = 0;
    for (const auto& unit : x) sum += std::exp(unit[j]);
    const auto pull = [&](std::size_t n) { return pi[j * units + n] * (mu[j * units + n] - x[n][j]); };
    for (std::size_t n = 0; n < units; ++n) along += std::exp(x[n][j]) / sum * (found[n][j] - pull(n));
    for (std::size_t n = 0; n < units; ++n) found[n][j] = pull(n) + std::exp(x[n][j]) / sum * (found[n][j] - pull(n) - along);
  }
}

/// D (x' - x) of a sweep of size 1 against -dF/dx of all units at the point where they stood.
void check_beliefs(Probe<double>& probe, Index l, bool log_odds) {
  Device<double>& device = probe.hierarchy.device();
  Level<double>& level = probe.hierarchy.level(l);
  const auto streams = static_cast<std::size_t>(probe.hierarchy.streams());
  const auto nodes = level.nodes();
  REQUIRE(static_cast<Index>(nodes.size()) == level.units());
  std::vector<std::vector<double>> before, after;
  for (const auto& node : nodes) before.push_back(values<double>(ConstView<double>(node.belief), device));
  energies(probe);  // every message at these beliefs
  Tensor<double> rate(device, probe.hierarchy.streams());
  device.fill(rate, 1);
  level.settle(l > 0 ? probe.hierarchy.level(l - 1).upward() : Upward<double>{}, rate.view());
  for (const auto& node : nodes) after.push_back(values<double>(ConstView<double>(node.belief), device));
  const auto put_back = [&] {
    for (std::size_t n = 0; n < nodes.size(); ++n) device.upload(before[n], nodes[n].belief);
  };
  std::vector<std::vector<double>> found;
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    found.emplace_back();
    for (std::size_t j = 0; j < streams; ++j) found[n].push_back(nodes[n].precision * (after[n][j] - before[n][j]));
  }
  put_back();
  energies(probe);
  if (log_odds) bend(level, device, before, found);
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    put_back();
    const auto at = [&](double shift) {
      auto moved = before[n];
      for (double& x : moved) x += shift;
      device.upload(moved, nodes[n].belief);
      return energies(probe);
    };
    constexpr double h = 1e-3;
    const auto m2 = at(-2 * h), m1 = at(-h), p1 = at(h), p2 = at(2 * h);
    std::vector<double> expected;
    double size = 0;
    for (std::size_t j = 0; j < streams; ++j) {
      expected.push_back(-(8 * (p1[j] - m1[j]) - (p2[j] - m2[j])) / (12 * h));
      size += std::abs(expected[j]);
    }
    INFO("level " << l << ", unit " << n << " |dF/dx| " << size);
    CHECK(relative_distance(found[n], expected) < tolerance);
    CHECK(size > 1e-7);
  }
  put_back();
  energies(probe);
}

void check(Hierarchy<double>& hierarchy, World& world, bool log_odds = false) {
  Learning<double> learning(LearningSettings{.02, 0, 0, 1, 0}, 0);
  Probe<double> probe(hierarchy, world, &learning);
  probe.start();
  probe.run(12);
  for (int round = 0; round < 3; ++round) {
    probe.begin();
    for (const auto& block : check_weights(probe)) {
      INFO(block.block << " |dF/dW| " << block.size);
      CHECK(block.distance < tolerance);
      CHECK((block.size > 1e-6 || block.block == "lexicon" || block.block.find("/broad_") != std::string::npos));
    }
    for (Index l = 0; l < hierarchy.depth(); ++l)
      if (hierarchy.level(l).kind() == "gaussian") check_beliefs(probe, l, log_odds);
    probe.end();
  }
}

}  // namespace

TEST_CASE("gaussian: every weight learns -dF/dW and every belief moves along -dF/dx", "[gradient]") {
  const auto device = make_device<double>({"reference", "auto", 0});
  for (const char* coupling : {"residual", "leaky", "stream"})
    for (const bool share : {true, false}) {
      if (!share && std::string(coupling) == "stream") continue;  // nothing would reach the levels above
      INFO(coupling << ", share " << share);
      {
        auto configuration = three_levels(coupling, share);
        RandomWorld world(3, 11, 1000, 5);
        auto hierarchy = build_hierarchy<double>(configuration, *device, std::vector<double>(11, -std::log(11.)), 3, 1, 1);
        check(*hierarchy, world);
      }
      auto configuration = three_levels(coupling, share);
      std::vector<double> y;
      for (int t = 0; t < 100; ++t)
        for (std::uint32_t c = 0; c < 2; ++c) y.push_back(2 * random_normal(random_base(4, static_cast<std::uint64_t>(t), 0, 1), c, 0));
      ChainWorld world(y, 2);
      auto hierarchy = build_hierarchy<double>(configuration, *device, {}, 1, 1, 1, 2);
      check(*hierarchy, world);
    }
}

TEST_CASE("gaussian: where the value is log odds weights learn -dF/dW, and beliefs take the evidence itself", "[gradient]") {
  const auto device = make_device<double>({"reference", "auto", 0});
  auto configuration = three_levels("stream", true);
  for (const char* l : {"0", "1", "2"}) configuration.set_assignment("level." + std::string(l) + ".activity=softmax");
  RandomWorld world(3, 11, 1000, 5);
  auto hierarchy = build_hierarchy<double>(configuration, *device, std::vector<double>(11, -std::log(11.)), 3, 1, 1);
  check(*hierarchy, world, true);
}

TEST_CASE("gaussian: above a token level it learns and moves along the gradients too", "[gradient]") {
  for (const char* coupling : {"residual", "leaky"}) {
    std::vector<std::string> lines{"hierarchy.levels=4",     "relaxation.tolerance=0",    "relaxation.steps=3", "learning.rate=.02",
                                   "learning.warm_up=0",     "level.0.context_dropout=0", "level.1.tick=1",     "level.1.dropout=0",
                                   "level.1.broad_weight=0", "level.1.eligibility=off"};
    for (const char* l : {"2", "3"})
      for (const std::string& line : std::vector<std::string>{"kind=gaussian", "units=4", "eligibility=off", "precision_mode=fixed",
                                                              "precision=10", std::string("coupling=") + coupling})
        lines.push_back("level." + std::string(l) + "." + line);
    Tiny<double> over_situation(lines);
    check(*over_situation.hierarchy, *over_situation.world);
    for (auto& line : lines)
      if (line.rfind("level.1.", 0) == 0) line = "level.1.kind=gaussian";
    for (const char* line : {"level.1.units=4", "level.1.eligibility=off", "level.1.precision_mode=fixed", "level.1.precision=10"})
      lines.emplace_back(line);
    Tiny<double> over_token(lines);
    check(*over_token.hierarchy, *over_token.world);
  }
}

namespace {

/// Sum over a run of pi_y/2 (y - forecast)^2 of one unit that reads numbers, and what the traces add up to.
struct Run {
  double loss = 0, tau = 0, gain = 0;
};

Run run(double tau, double precision) {
  linear_gaussian::Chain chain{{std::exp(-1 / tau)}, {1}, {.3}, .5};
  const auto y = draws(chain_of(2), 60, 3);
  ChainModel model(chain, y,
                   {"relaxation.scheme=exact", "level.0.precision_mode=predictive", "level.0.learn_tau=on", "level.0.tau_speed=1",
                    "level.0.precision_speed=1", "level.0.precision=" + to_text(precision)});
  Learning<double> still(LearningSettings{0, 0, 0, 1, 0}, 0);
  Simulation<double> simulation(*model.hierarchy, *model.world, &still, 1, 1);
  simulation.start();
  Run all;
  Probe<double> probe(*model.hierarchy, *model.world, &still);
  probe.start();
  for (const double observed : y) {
    const double forecast = values<double>(model.levels[0]->snapshot().prediction, *model.device)[0];
    all.loss += std::pow(observed - forecast, 2) / (2 * chain.observation_noise);
    probe.begin();
    model.hierarchy->accumulate(1, true);
    for (const auto& [name, gradient] : weight_gradients(*model.hierarchy)) {
      if (name == "level_0/time_scale") all.tau += gradient.data[0];
      if (name == "level_0/log_gain") all.gain += gradient.data[0];
    }
    for_each_weight<double>(*model.hierarchy, [&](const std::string&, Weight<double>& weight) { model.device->fill(weight.gradient, 0); });
    probe.end();
  }
  return all;
}

double slope(const std::function<double(double)>& f) {
  constexpr double h = 1e-3;
  return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
}

}  // namespace

TEST_CASE("gaussian: the traces of time constant and gain are the slopes of the predictive loss", "[gradient]") {
  for (const double tau : {1.5, 6., 40.})
    for (const double precision : {.2, 3., 50.}) {
      INFO("tau " << tau << ", pi " << precision);
      const Run found = run(tau, precision);
      const double a = std::exp(-1 / tau), logit = std::log(a / (1 - a));
      const double by_tau = slope([&](double s) { return run(-1 / std::log(1 / (1 + std::exp(-logit - s))), precision).loss; });
      const double by_gain = slope([&](double s) { return run(tau, precision * std::exp(-s)).loss; });
      CHECK(found.tau == Approx(-by_tau).epsilon(1e-7));
      CHECK(found.gain == Approx(-by_gain).epsilon(1e-7));
      CHECK(std::abs(by_tau) > 1e-4);
      CHECK(std::abs(by_gain) > 1e-4);
    }
}

TEST_CASE("gaussian: where the value is log odds the drive of what is learned is the slope of the loss", "[gradient]") {
  // The second token's forecast depends on a through the first one's belief alone, which does not: there the trace is exact.
  struct Second {
    double loss = 0, tau = 0;
  };
  const auto second = [](double tau) {
    const auto device = make_device<double>({"reference", "auto", 0});
    Configuration c;
    for (const char* line : {"hierarchy.levels=1", "relaxation.scheme=exact", "level.0.kind=gaussian", "level.0.units=4",
                             "level.0.activity=softmax", "level.0.learn_tau=on", "level.0.tau_speed=1", "level.0.eligibility=off",
                             "level.0.precision_mode=fixed", "level.0.precision=.2", "level.0.initial_sd=2"})
      c.set_assignment(line);
    c.set_assignment("level.0.tau=" + to_text(tau));
    RandomWorld world(3, 11, 1000, 5);
    const auto hierarchy = build_hierarchy<double>(c, *device, std::vector<double>(11, -std::log(11.)), 3, 1, 1);
    Learning<double> still(LearningSettings{0, 0, 0, 1, 0}, 0);
    Probe<double> probe(*hierarchy, world, &still);
    probe.start();
    Second out;
    for (int token = 0; token < 2; ++token) {
      probe.begin();
      out = {};
      for (const double nats : values<double>(hierarchy->level(0).snapshot().surprise, *device)) out.loss += nats;
      hierarchy->accumulate(1, true);
      for (const auto& [name, gradient] : weight_gradients(*hierarchy))
        if (name == "level_0/time_scale") out.tau = gradient.data[0];
      for_each_weight<double>(*hierarchy, [&](const std::string&, Weight<double>& weight) { device->fill(weight.gradient, 0); });
      probe.end();
    }
    return out;
  };
  for (const double tau : {1.5, 6., 40.}) {
    const double a = std::exp(-1 / tau), logit = std::log(a / (1 - a));
    const double by_tau = slope([&](double s) { return second(-1 / std::log(1 / (1 + std::exp(-logit - s)))).loss; });
    INFO("tau " << tau);
    CHECK(second(tau).tau == Approx(-by_tau).epsilon(1e-7));
    CHECK(std::abs(by_tau) > 1e-4);
  }
}
