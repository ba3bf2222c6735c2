// Weights that are pulled back while they learn: w += pull (w_0 - w) after every update.

#include <catch2/catch.hpp>

#include "tests/support/probe.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

const std::vector<std::string> lines{"hierarchy.levels=3", "learning.weight_decay=.1", "level.0.ngrams=2"};

/// Weights after `updates` of a fresh hierarchy; `more` are further lines.
std::map<std::string, ArchivedMatrix> learned(double pull, int updates, const std::vector<std::string>& more = {}) {
  auto all = lines;
  all.insert(all.end(), more.begin(), more.end());
  Tiny<double> tiny(all, 4, 1, 13);
  LearningSettings settings;
  settings.rate = .02;
  settings.warm_up = 0;
  settings.weight_decay = .1;
  settings.pull = pull;
  Learning<double> learning(settings, 0);
  Simulation<double> simulation(*tiny.hierarchy, *tiny.world, &learning, 1, 3);
  simulation.start();
  for (int t = 0; t < updates; ++t) simulation.advance();
  auto weights = weight_values(*tiny.hierarchy);
  for_each_weight<double>(*tiny.hierarchy, [&](const std::string& name, Weight<double>& w) {
    if (w.separate()) weights[name + "_feedback"] = {w.feedback.rows(), w.feedback.cols(), values<double>(w.feedback.view(), *tiny.device)};
  });
  return weights;
}

}  // namespace

TEST_CASE("pull: the first update goes as far as it is let") {
  const auto begun = learned(0, 0), free = learned(0, 1), half = learned(.5, 1);
  for (const auto& [name, start] : begun) {
    INFO(name);
    std::vector<double> expected;
    for (std::size_t i = 0; i < start.data.size(); ++i) expected.push_back((start.data[i] + free.at(name).data[i]) / 2);
    CHECK(relative_distance(expected, half.at(name).data) < 1e-12);
  }
  CHECK(relative_distance(begun.at("lexicon").data, free.at("lexicon").data) > 1e-3);
}

TEST_CASE("pull: the whole way back leaves weights where they began, however long they learn") {
  const auto begun = learned(0, 0), held = learned(1, 40), free = learned(0, 40);
  for (const auto& [name, start] : begun) {
    INFO(name);
    CHECK(start.data == held.at(name).data);
  }
  CHECK(relative_distance(begun.at("lexicon").data, free.at("lexicon").data) > .1);
}

TEST_CASE("pull: weights of the way back are pulled by as much") {
  const std::vector<std::string> mirrored{"hierarchy.feedback=mirrored"};
  const auto begun = learned(0, 0, mirrored), pulled = learned(.3, 1, mirrored);
  // Only what the two differ by decays: by rate times decay at every update, pulled or not.
  for (const auto& [name, start] : begun) {
    if (begun.count(name + "_feedback") == 0) continue;
    INFO(name);
    std::vector<double> expected = begun.at(name + "_feedback").data;
    for (std::size_t i = 0; i < expected.size(); ++i)
      expected[i] = (1 - .02 * .1) * (expected[i] - start.data[i]) + pulled.at(name).data[i];
    CHECK(relative_distance(expected, pulled.at(name + "_feedback").data) < 1e-12);
  }
}
