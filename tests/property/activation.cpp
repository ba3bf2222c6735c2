// Sparse activation: which ticks are taken, that nothing is lost or learned elsewhere by those left out, and that work is counted as it is done.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.hpp"
#include "levels/activation.hpp"
#include "tests/support/level_rig.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index streams = 6, vocabulary = 11;

std::vector<std::string> lines(const std::string& threshold, std::vector<std::string> more = {}) {
  std::vector<std::string> all{"hierarchy.levels=4", "learning.rate=.02", "learning.warm_up=5"};
  for (const char* l : {"1", "2", "3"})
    for (const std::string& line : {"activation_threshold=" + threshold, std::string("broad_interval=5")})
      all.push_back("level." + std::string(l) + "." + line);
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// Streams that compute, side by side in whole blocks of four.
double blocks(std::span<const std::uint8_t> ticking) {
  double count = 0;
  for (const auto t : ticking) count += t;
  return 4 * std::ceil(count / 4);
}

}  // namespace

TEST_CASE("activation: where errors are white every theta^2 th tick is taken, where the threshold is 0 each", "[activation]") {
  for (const auto& [threshold, expected] : {std::pair{0., 1.}, {.5, 1.}, {1.3, 2.}, {1.9, 4.}, {2.9, 9.}}) {
    for (const Index tick : {1, 5}) {
      INFO(threshold << " at a tick of " << tick);
      TickThreshold activation(threshold, tick, 2);
      std::int64_t tokens = 0;
      double taken = 0;
      constexpr int ticks = 3600;
      for (int t = 0; t < ticks; ++t) {
        tokens += tick;
        if (!activation.passes(1, 3 * std::sqrt(static_cast<double>(tokens)), tokens)) continue;
        taken += 1;
        tokens = 0;
      }
      CHECK(ticks / taken == Approx(expected).epsilon(.01));
    }
  }
}

TEST_CASE("activation: no error passes a threshold out of reach, but documents end", "[activation]") {
  Tiny<double> tiny(lines("1e9"), streams, 4, vocabulary);
  std::vector<std::vector<bool>> known(4, std::vector<bool>(streams));
  std::size_t ends = 0;
  for (int t = 0; t < 300; ++t) {
    tiny.simulation->advance();
    const Observation& o = tiny.simulation->observation();
    for (Index l = 1; l < 4; ++l) {
      const auto ticking = tiny.hierarchy->level(l).ticking();
      for (std::size_t j = 0; j < streams; ++j) {
        const bool ended = (o.boundary[j] & document_end) != 0;
        ends += ended;
        INFO("level " << l << ", stream " << j << ", step " << t);
        if (ended) CHECK(ticking[j] == 1);
        if (!ended && known[static_cast<std::size_t>(l)][j]) CHECK(ticking[j] == 0);  // the first tells what is usual
        if (ticking[j] != 0) known[static_cast<std::size_t>(l)][j] = true;
      }
    }
  }
  CHECK(ends > 100);
}

TEST_CASE("activation: the end of an inserted passage is a tick whatever the error", "[activation]") {
  SituationSettings settings;
  settings.tick = 3;
  settings.activation_threshold = 1e9;
  LevelRig<double> rig(settings, 4, vocabulary, 2);
  rig.start();
  rig.observation.id.assign(2, 1);
  const std::vector<double> rho(8, .3);
  for (int t = 0; t < 30; ++t) {
    rig.observation.boundary.assign(2, 0);
    if (t == 19) rig.observation.boundary[1] = forced_tick;
    rig.advance(rho, false);
    CHECK(rig.level.ticking()[0] == (t == 2 ? 1 : 0));
    CHECK(rig.level.ticking()[1] == (t == 2 || t == 19 ? 1 : 0));
  }
}

TEST_CASE("activation: the tick that is taken answers for every token since the last one", "[activation]") {
  // Twelve tokens in one window: by a nominal tick of twelve, or by ticks of three that were left out.
  std::vector<std::vector<double>> beliefs;
  for (const auto& [tick, threshold] : {std::pair<Index, double>{12, 0}, {3, 1e9}}) {
    SituationSettings settings;
    settings.tick = tick;
    settings.activation_threshold = threshold;
    settings.dropout = 0;
    LevelRig<double> rig(settings, 4, vocabulary, 1);
    rig.start();
    for (int t = 0; t < 27; ++t) {
      rig.observation.id[0] = static_cast<std::int32_t>(t % vocabulary);
      rig.observation.boundary[0] = t == 2 || t == 14 || t == 26 ? document_end : 0;
      rig.advance({.1 * t, -.2, .3 * std::sin(t), .05 * t}, true, [&] { rig.level.accumulate(1, true); });
      if (t > 2 && t < 14) CHECK(rig.level.ticking()[0] == 0);
    }
    beliefs.push_back(values(rig.level.snapshot().belief, *rig.device));
    const auto error = values(rig.level.snapshot().prediction_error, *rig.device);
    beliefs.back().insert(beliefs.back().end(), error.begin(), error.end());
    rig.level.visit_weights([&](Weight<double>& w) {
      const auto gradient = values<double>(w.gradient, *rig.device);
      beliefs.back().insert(beliefs.back().end(), gradient.begin(), gradient.end());
    });
  }
  CHECK(relative_distance(beliefs[0], beliefs[1]) < 1e-12);
}

TEMPLATE_TEST_CASE("activation: what a stream makes of its text does not depend on who else computes", "[activation]", float, double) {
  for (const char* device : {"reference", "cpu"})
    for (const char* threshold : {".8", "1.4"}) {
      std::vector<std::vector<std::vector<TestType>>> seen;
      for (const int others : {0, 1, 2}) {
        Tiny<TestType> tiny(lines(threshold, {"hierarchy.units=48"}), streams, 1, vocabulary, false, 1, device);
        ScriptedWorld world(streams, vocabulary, 1000, [&](Index t, Index j) {
          return random_word(static_cast<std::uint64_t>(j == 2 ? 2 : 10 * others + j), t, vocabulary);
        });
        Probe<TestType> probe(*tiny.hierarchy, world, nullptr);
        probe.start();
        seen.emplace_back();
        for (int t = 0; t < 150; ++t) {
          probe.run(1);
          for (Index l = 1; l < 4; ++l)
            seen.back().push_back(values(tiny.hierarchy->level(l).snapshot().prediction.cols_at(2, 1), *tiny.device));
        }
      }
      INFO(device << ", threshold " << threshold);
      for (const std::size_t others : {1u, 2u}) {
        const auto apart = std::mismatch(seen[0].begin(), seen[0].end(), seen[others].begin()).first - seen[0].begin();
        INFO("beside others " << others << ", step " << apart / 3 << ", level " << 1 + apart % 3);
        CHECK(apart == static_cast<std::ptrdiff_t>(seen[0].size()));
      }
    }
}

TEST_CASE("activation: work is counted as it is done", "[activation]") {
  const double n = 5, wide = 10;  // units, and twice the inputs: level 1 is the top
  for (const bool sparse : {false, true})
    for (const bool learning : {false, true}) {
      INFO((sparse ? "sparse" : "dense") << (learning ? ", learning" : ""));
      Tiny<double> tiny({"hierarchy.levels=2", "level.1.tick=4", "level.1.eligibility=off",
                         learning ? "level.1.broad_interval=1000" : "level.1.broad_interval=4",
                         sparse ? "level.1.activation_threshold=1e-9" : "level.1.activation_threshold=0"},
                        3, 1, vocabulary, learning);
      double expected = (sparse ? 4 : 3) * (n * wide + n * n), ticks = 0;  // the first forecast and its share of the stream
      double since[3] = {0, 1, 2};                                         // tokens since a broad prediction: 4 j / 3
      for (int t = 0; t < 100; ++t) {
        tiny.simulation->advance();
        const auto ticking = tiny.hierarchy->level(1).ticking();
        const double columns = sparse ? blocks(ticking) : any(ticking) ? 3 : 0;
        expected += columns * (n * n + n * wide);      // errors of the window, forecast
        expected += (sparse ? columns : 3) * (n * n);  // share
        double due = 0, taken = 0;
        for (std::size_t j = 0; j < 3; ++j) {
          taken += ticking[j];
          if (++since[j] < 4 || ticking[j] == 0) continue;
          since[j] = 0;
          due += 1;
        }
        ticks += taken;
        if (learning) expected += (sparse ? taken : 3) * (n * wide + n * n);
        if (!learning) expected += (sparse ? due : 3 * (due > 0 ? 1 : 0)) * (n * n + n * vocabulary);
      }
      const Work work = tiny.hierarchy->level(1).work();
      CHECK(work.tokens == 300);
      CHECK(work.ticks == ticks);
      CHECK(work.operations == expected);
    }
}

TEST_CASE("activation: of a broad prediction that is learned from every product is counted", "[activation]") {
  const double n = 5, wide = 10;
  Tiny<double> with({"hierarchy.levels=2", "level.1.eligibility=off", "level.1.broad_interval=7", "level.1.broad_limit=7",
                     "level.1.activation_threshold=1e-9"},
                    2, 1, vocabulary),
      without({"hierarchy.levels=2", "level.1.eligibility=off", "level.1.broad_interval=100000", "level.1.activation_threshold=1e-9"}, 2, 1,
              vocabulary);
  for (Tiny<double>* tiny : {&with, &without}) {
    tiny->hierarchy->level(1).score_broad(true);
    for (int t = 0; t < 200; ++t) tiny->simulation->advance();
  }
  const Work work = with.hierarchy->level(1).work(), base = without.hierarchy->level(1).work();
  REQUIRE(work.ticks == base.ticks);
  const double made = 28 + 29, closed = with.hierarchy->level(1).broad_score()->predictions;  // 200 / 7, the second stream's first after 4
  const double forward = n * n + n * vocabulary;
  CHECK(closed >= made - 2);
  CHECK(work.operations - base.operations == made * forward + closed * (forward + 2 * n * vocabulary + 2 * n * n + n * wide));
}

TEST_CASE("activation: ticks left out make no broad prediction, and there is less to do", "[activation]") {
  double operations[2], ticks[2], predictions[2];
  for (const int sparse : {0, 1}) {
    Tiny<double> tiny(lines(sparse == 1 ? "1.4" : "1e-9"), streams, 4, vocabulary);
    for (Index l = 1; l < 4; ++l) tiny.hierarchy->level(l).score_broad(true);
    for (int t = 0; t < 600; ++t) tiny.simulation->advance();
    const Work work = tiny.hierarchy->level(1).work();
    operations[sparse] = work.operations;
    ticks[sparse] = work.ticks;
    predictions[sparse] = tiny.hierarchy->level(1).broad_score()->predictions;
  }
  CHECK(ticks[1] < .7 * ticks[0]);
  CHECK(predictions[1] < .8 * predictions[0]);
  CHECK(operations[1] < .8 * operations[0]);
  CHECK(ticks[1] > 0);
}

TEST_CASE("activation: a level that settles at every token stands on none that leaves ticks out", "[activation]") {
  CHECK_THROWS_AS(Tiny<double>({"hierarchy.levels=3", "level.1.activation_threshold=1", "level.2.tick=1"}), ConfigError);
  CHECK_NOTHROW(Tiny<double>({"hierarchy.levels=3", "level.1.activation_threshold=1", "level.2.tick=1", "level.2.activation_threshold=1"}));
}
