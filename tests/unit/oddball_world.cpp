// The oddball world plays what its paradigms say, marks it, and refuses what cannot be.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.hpp"
#include "experiments/worlds/oddball/paradigms.hpp"
#include "tests/support/world_source.hpp"

namespace {

using namespace strata;
using Catch::Matchers::Contains;

void refused(std::initializer_list<std::string> assignments, const std::string& key, const std::string& advice) {
  CAPTURE(std::vector<std::string>(assignments));
  try {
    test::world_source("oddball", assignments);
    FAIL("was accepted");
  } catch (const ConfigError& error) {
    CHECK(error.key == key);
    CHECK_THAT(error.what(), Contains(advice));
  }
}

/// Calls `look(observation)` for every step of one stream and checks that tokens come as often as the source says.
template <class Look>
void play(const Source& source, Index length, double margin, Look look) {
  const auto world = source.open(1, length, 2);
  CHECK(world->tokens() == length);
  std::vector<double> often(static_cast<std::size_t>(source.vocabulary()));
  Observation out = test::room_for(1);
  Index steps = 0;
  for (; world->next(out); ++steps) {
    often[static_cast<std::size_t>(out.id[0])] += 1. / static_cast<double>(length);
    look(static_cast<const Observation&>(out));
  }
  CHECK(steps == length);
  const auto unigram = source.log_unigram();
  for (std::size_t v = 0; v < often.size(); ++v) CHECK(often[v] == Approx(std::exp(unigram[v])).margin(margin));
}

}  // namespace

TEST_CASE("local-global: five tones and a gap, rules that hold in four trials of five", "[oddball]") {
  const auto source = test::world_source("oddball", {"world.gap=2", "world.block=50"});
  CHECK(source->contexts() == std::vector<Index>{3, 4, 2});
  CHECK(source->time_constants() == std::vector<double>{3.5, 7, 350});
  std::array<double, 4> kinds{};
  double switches = 0, trials = 0;
  std::vector<std::int32_t> before;
  play(*source, 350000, .005, [&](const Observation& o) {
    const auto place = o.byte_begin[0];
    const std::int32_t tone = o.context[0], kind = o.context[1], block = o.context[2];
    REQUIRE(o.id[0] == tone);
    REQUIRE(tone == (place >= 5 ? 2 : place == 4 ? kind % 2 : 0));
    REQUIRE(block == kind / 2);
    REQUIRE(((o.event[0] & surprise_on) != 0) == (place == 4 && (kind % 2 == 1 || kind % 2 != block)));
    const bool other_block = !before.empty() && before[2] != block;
    REQUIRE(((o.event[0] & context_switch) != 0) == other_block);
    if (place != 0) REQUIRE(before[1] == kind);
    if (place == 0) {
      REQUIRE(o.document[0] == static_cast<std::int32_t>(trials));
      ++trials;
      kinds[static_cast<std::size_t>(kind)] += 1;
      switches += other_block ? 1 : 0;
    }
    before = o.context;
  });
  CHECK(trials == 50000);
  CHECK(kinds[0] / (kinds[0] + kinds[1]) == Approx(.8).margin(.015));
  CHECK(kinds[3] / (kinds[2] + kinds[3]) == Approx(.8).margin(.015));
  CHECK(trials / switches == Approx(50).epsilon(.12));
}

TEST_CASE("roving: trains of equally likely lengths, always another tone; many standards: no train at all", "[oddball]") {
  const auto source = test::world_source("oddball", {"world.paradigm=roving"});
  CHECK(source->contexts() == std::vector<Index>{8});
  CHECK(source->time_constants() == std::vector<double>{7});
  std::array<double, 12> lengths{};
  std::int32_t last = -1;
  std::size_t length = 0;
  play(*source, 200000, .005, [&](const Observation& o) {
    const bool begins = o.byte_begin[0] == 0;
    REQUIRE(begins == (o.id[0] != last));
    REQUIRE(((o.event[0] & surprise_on) != 0) == (begins && last >= 0));
    if (begins && last >= 0) lengths.at(length) += 1;
    length = begins ? 1 : length + 1;
    REQUIRE(o.byte_begin[0] == static_cast<std::int64_t>(length) - 1);
    last = o.id[0];
  });
  double trains = 0;
  for (const double n : lengths) trains += n;
  for (std::size_t n = 0; n < lengths.size(); ++n) CHECK(lengths[n] / trains == Approx(n < 3 ? 0. : 1. / 9).margin(.006));
  CHECK(lengths[2] == 0);

  const auto control = test::world_source("oddball", {"world.paradigm=roving", "world.control=many_standards"});
  double repeated = 0;
  last = -1;
  play(*control, 100000, .005, [&](const Observation& o) {
    repeated += o.id[0] == last ? 1e-5 : 0;
    last = o.id[0];
  });
  CHECK(repeated == Approx(1. / 8).margin(.005));
}

TEST_CASE("hazard: probabilities jump with the hazard of the block; without volatility alike in both", "[oddball]") {
  for (const bool control : {false, true}) {
    const auto source = test::world_source("oddball", {"world.paradigm=hazard", "world.block=100", "world.hazards=.02,.2",
                                                       control ? "world.control=no_volatility" : "world.control=none"});
    CHECK(source->contexts() == std::vector<Index>{19, 2});
    std::array<double, 2> jumps{}, steps{}, ones{};
    std::vector<std::int32_t> before;
    double blocks = 0;
    play(*source, 400000, .01, [&](const Observation& o) {
      const auto block = static_cast<std::size_t>(o.context[1]);
      REQUIRE(((o.event[0] & context_switch) != 0) == (!before.empty() && before[1] != o.context[1]));
      REQUIRE((o.event[0] & surprise_on) == 0);
      if (!before.empty()) {
        steps[block] += 1;
        jumps[block] += before[0] != o.context[0] ? 1 : 0;
        blocks += before[1] != o.context[1] ? 1 : 0;
        REQUIRE((o.byte_begin[0] == 0) == (before[0] != o.context[0]));
      }
      if (o.context[0] == 3 || o.context[0] == 15) {
        ones[o.context[0] == 15] += static_cast<double>(o.id[0]) - (o.context[0] == 15 ? .8 : .2);
      }
      before = o.context;
    });
    const double moved = 18. / 19;  // a new draw may be the old value
    CHECK(jumps[0] / steps[0] == Approx((control ? std::sqrt(.02 * .2) : .02) * moved).epsilon(.06));
    CHECK(jumps[1] / steps[1] == Approx((control ? std::sqrt(.02 * .2) : .2) * moved).epsilon(.06));
    CHECK(400000 / blocks == Approx(100).epsilon(.06));
    for (const double rest : ones) CHECK(std::abs(rest) < 400);  // of 21,000 outcomes, s.d. 58
  }
}

TEST_CASE("the long run of every paradigm stays as it is", "[oddball]") {
  for (const char* paradigm : {"local_global", "roving", "hazard"}) {
    for (const char* control : {"none", "many_standards", "no_volatility"}) {
      oddball::Settings s;
      s.paradigm = paradigm;
      s.control = control;
      s.gap = 4;
      const oddball::Chain chain = oddball::make_chain(s);
      CAPTURE(paradigm, control);
      CHECK(chain.start.sum() == Approx(1).margin(1e-12));
      CHECK(chain.long_run.sum() == Approx(1).margin(1e-12));
      CHECK((chain.transition * chain.long_run - chain.long_run).cwiseAbs().maxCoeff() < 1e-15);
      const Eigen::VectorXd columns = chain.transition.transpose() * Eigen::VectorXd::Ones(chain.states());
      CHECK((columns.array() - 1).abs().maxCoeff() < 1e-12);
      CHECK((chain.emission.rowwise().sum() - 1).abs().maxCoeff() < 1e-12);
    }
  }
}

TEST_CASE("impossible oddball worlds are refused by key and with advice", "[oddball]") {
  refused({"world.paradigm=rowing"}, "world.paradigm", "did you mean 'roving'");
  refused({"world.control=many_standards"}, "world.control", "of world.paradigm = roving");
  refused({"world.paradigm=roving", "world.control=no_volatility"}, "world.control", "of world.paradigm = hazard");
  refused({"world.rule=1.2"}, "world.rule", "from 0.5");
  refused({"world.gap=0"}, "world.gap", "from 1");
  refused({"world.block=-5"}, "world.block", "from 0");
  refused({"world.paradigm=roving", "world.shortest=12"}, "world.shortest", "more than world.longest = 11");
  refused({"world.paradigm=roving", "world.tones=1"}, "world.tones", "from 2");
  refused({"world.paradigm=roving", "world.tones=256", "world.longest=1000"}, "world.tones", "fewer tones");
  refused({"world.paradigm=hazard", "world.hazards=.1"}, "world.hazards", "two numbers");
  refused({"world.paradigm=hazard", "world.hazards=.1,.01"}, "world.hazards", "smaller first");
  refused({"world.paradigm=hazard", "world.hazards=-.1,.1"}, "world.hazards", "from 0 to 1");
  refused({"world.paradigm=hazard", "world.grid=1"}, "world.grid", "from 2");
  for (const char* paradigm : {"local_global", "roving", "hazard"}) {
    const auto source = test::world_source("oddball", {std::string("world.paradigm=") + paradigm});
    CHECK_THROWS_AS(source->observer(Index{1} << 50), ConfigError);
    const auto observer = source->observer(2);
    CHECK_THROWS_AS(observer->observe(test::room_for(3)), ShapeError);
    Observation o = test::room_for(2);
    o.active = {1, 1};
    o.id = {0, static_cast<std::int32_t>(source->vocabulary())};
    CHECK_THROWS_AS(observer->observe(o), ShapeError);
  }
}
