// What a level says it expects is what it is scored by, it is a distribution, and asking changes nothing.

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/support/probe.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index streams = 6, vocabulary = 13;

ScriptedWorld make_world() {
  return {streams, vocabulary, 100000, [](Index t, Index j) {
            Word word = random_word(static_cast<std::uint64_t>(j), t, vocabulary);
            word.active = j != 2 || t % 40 < 25;  // a stream falls idle and comes back
            return word;
          }};
}

const std::vector<std::string> plain{"hierarchy.levels=4", "learning.rate=.05", "learning.warm_up=20"};

std::vector<std::string> with(std::vector<std::string> lines, const std::vector<std::string>& more) {
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

template <class T>
std::vector<T> expectation(Tiny<T>& tiny, Index level) {
  Tensor<T> log_p(*tiny.device, vocabulary, streams);
  tiny.hierarchy->level(level).expectation(log_p);
  return values<T>(log_p.view(), *tiny.device);
}

template <class T>
void require_distributions(const std::vector<T>& log_p) {
  for (std::size_t j = 0; j < streams; ++j) {
    double sum = 0;
    for (std::size_t v = 0; v < vocabulary; ++v) sum += std::exp(static_cast<double>(log_p[j * vocabulary + v]));
    REQUIRE(sum == Approx(1).epsilon(1e-5));
  }
}

/// Reads `steps` tokens, and before each has every level say what it expects: body(level, log_p) at once, then `scored` once it was read.
template <class T, class Scored>
void read(Tiny<T>& tiny, bool learning, int steps, const Scored& scored) {
  auto world = make_world();
  Simulation<T> simulation(*tiny.hierarchy, world, learning ? tiny.learning.get() : nullptr, 1, 3);
  std::vector<std::vector<T>> expected(static_cast<std::size_t>(tiny.hierarchy->depth()));
  simulation.before_observe = [&](const Step<T>&) {
    for (Index l = 0; l < tiny.hierarchy->depth(); ++l) expected[static_cast<std::size_t>(l)] = expectation(tiny, l);
  };
  simulation.record = [&](const Observation& o, std::uint64_t step) { scored(o, step, expected); };
  simulation.start();
  for (int t = 0; t < steps; ++t) simulation.advance();
}

}  // namespace

TEMPLATE_TEST_CASE("expectation: of the token level it is the forecast that scores the next token", "", float, double) {
  const std::vector<std::string> more = GENERATE(
      std::vector<std::string>{}, std::vector<std::string>{"level.0.priming=1"},
      std::vector<std::string>{"level.0.ngrams=3", "level.0.recent_time=20"},
      std::vector<std::string>{"level.0.dropout=.3", "level.0.ngrams=2"}, std::vector<std::string>{"level.0.share=1", "level.0.ngrams=2"},
      std::vector<std::string>{"level.0.flexibility=.5", "level.0.ngrams=2", "level.0.priming=1"});
  for (const char* device : {"reference", "cpu"})
    for (const bool learning : {true, false}) {
      INFO(device << ", learning " << learning << ", " << (more.empty() ? "" : more.front()));
      Tiny<TestType> tiny(with(plain, more), streams, 1, vocabulary, true, 1, device);
      CHECK(tiny.hierarchy->level(0).horizon() == 1);
      const double margin = std::is_same_v<TestType, float> ? 2e-5 : 1e-12;
      std::size_t compared = 0;
      read(tiny, learning, 80, [&](const Observation& o, std::uint64_t, const auto& expected) {
        require_distributions(expected[0]);
        const auto surprise = values<TestType>(tiny.hierarchy->level(0).snapshot().surprise, *tiny.device);
        std::vector<TestType> value;
        if (!tiny.hierarchy->level(0).term_scores().empty()) value = values<TestType>(tiny.hierarchy->level(0).term_value(0), *tiny.device);
        for (std::size_t j = 0; j < streams; ++j) {
          if (o.active[j] == 0) continue;
          ++compared;
          REQUIRE(-expected[0][j * vocabulary + static_cast<std::size_t>(o.id[j])] == Approx(surprise[j]).margin(margin));
          if (value.empty()) continue;
          double divergence = 0;  // KL(u || p), which is what flexibility asks to be small
          for (std::int32_t v = 0; v < vocabulary; ++v) {
            const double log_u = tiny.hierarchy->lexicon().log_unigram(v);
            divergence += std::exp(log_u) * (log_u - expected[0][j * vocabulary + static_cast<std::size_t>(v)]);
          }
          REQUIRE(value[j] == Approx(divergence).margin(margin));
        }
      });
      CHECK(compared > 400);
    }
}

TEST_CASE("expectation: of a broad level it is its prediction, made now") {
  // Ticks and predictions at every token: the prediction in force is always fresh, and scores the token as the surprise says.
  std::vector<std::string> more = GENERATE(std::vector<std::string>{}, std::vector<std::string>{"from_above=1", "cache=.2"});
  INFO(more.size());
  auto lines = plain;
  more.insert(more.end(), {"interval=1"});
  for (const char* level : {"level.1.", "level.2.", "level.3."}) {
    lines.push_back(std::string(level) + "tick=1");
    for (const auto& line : more) lines.push_back(std::string(level) + "broad_" + line);
  }
  Tiny<double> tiny(lines, streams, 1, vocabulary);
  std::size_t compared = 0;
  std::vector<std::uint8_t> fresh(streams, 0);  // of a stream that was idle the prediction in force is older than the weights
  read(tiny, true, 80, [&](const Observation& o, std::uint64_t, const auto& expected) {
    for (Index l = 1; l < 4; ++l) {
      const auto& log_p = expected[static_cast<std::size_t>(l)];
      require_distributions(log_p);
      const auto surprise = values<double>(tiny.hierarchy->level(l).snapshot().surprise, *tiny.device);
      for (std::size_t j = 0; j < streams; ++j) {
        if (o.active[j] == 0 || fresh[j] == 0) continue;
        ++compared;
        REQUIRE(-log_p[j * vocabulary + static_cast<std::size_t>(o.id[j])] == Approx(surprise[j]).margin(1e-10));
      }
    }
    fresh = o.active;
  });
  CHECK(compared > 1200);
  CHECK(tiny.hierarchy->level(1).horizon() == 60);
  CHECK(tiny.hierarchy->level(3).horizon() == 2000);
}

TEST_CASE("expectation: between two predictions a broad level's goes on with what is read") {
  Tiny<double> tiny(with(plain, {"level.1.broad_interval=1000"}), streams, 1, vocabulary);
  // The words read lately are expected more, so that the expectation moves although the prediction in force does not.
  for (int t = 0; t < 40; ++t) tiny.simulation->advance();
  std::size_t moved = 0;
  std::vector<double> before;
  for (int t = 0; t < 30; ++t) {
    const auto now = expectation(tiny, 1);
    if (!before.empty() && now != before) ++moved;
    before = now;
    tiny.simulation->advance();
  }
  CHECK(moved > 20);
}

TEST_CASE("expectation: a level builds on what the level above expects, down to the lowest") {
  // Level 1 says nothing of its own: what it expects is the background and its trust times what level 2 expects beyond the background.
  Tiny<double> tiny(
      with(plain, {"level.1.broad_from_above=1", "level.2.broad_from_above=1", "level.2.broad_cache=.3", "level.3.broad_cache=.3"}),
      streams, 1, vocabulary);
  auto world = make_world();
  Simulation<double> simulation(*tiny.hierarchy, world, tiny.learning.get(), 1, 3);
  simulation.start();
  for (int t = 0; t < 200; ++t) simulation.advance();
  const double trust = std::get<double>(parameters_of(*tiny.hierarchy).items().at("level_1/broad_trust"));
  CHECK(trust != 0);
  Weight<double>* background = nullptr;
  tiny.hierarchy->level(1).visit_weights([&](Weight<double>& w) {
    if (w.name == "broad_readout" || w.name == "broad_recency") tiny.device->fill(w.value, 0);
    if (w.name == "broad_background") background = &w;
  });
  const auto log_p = expectation(tiny, 1), base = values<double>(background->value.view(), *tiny.device),
             above = values<double>(tiny.hierarchy->level(2).downward().expected, *tiny.device);
  double most = 0;
  for (std::size_t j = 0; j < streams; ++j) {
    double sum = 0;
    for (std::size_t v = 0; v < vocabulary; ++v) sum += std::exp(base[v] + trust * above[j * vocabulary + v]);
    for (std::size_t v = 0; v < vocabulary; ++v) {
      CHECK(log_p[j * vocabulary + v] == Approx(base[v] + trust * above[j * vocabulary + v] - std::log(sum)).margin(1e-10));
      most = std::max(most, std::abs(above[j * vocabulary + v]));
    }
  }
  CHECK(most > .1);
}

TEST_CASE("expectation: asking changes nothing") {
  const auto lines = with(plain, {"level.0.ngrams=3", "level.0.recent_time=20", "level.0.priming=1"});
  Tiny<float> asked(lines, streams, 1, vocabulary), left_alone(lines, streams, 1, vocabulary);
  read(asked, true, 90, [](const auto&...) {});
  auto world = make_world();
  Simulation<float> simulation(*left_alone.hierarchy, world, left_alone.learning.get(), 1, 3);
  simulation.start();
  for (int t = 0; t < 90; ++t) simulation.advance();
  CHECK(differences(state_of(*asked.hierarchy), state_of(*left_alone.hierarchy)).empty());
  CHECK(differences(parameters_of(*asked.hierarchy), parameters_of(*left_alone.hierarchy)).empty());
}
