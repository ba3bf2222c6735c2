// What a user may ask of the linear-Gaussian world, what is refused, and that what it draws follows its laws.
#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.hpp"
#include "core/memory_archive.hpp"
#include "experiments/worlds/linear_gaussian/observer.hpp"
#include "experiments/worlds/linear_gaussian/settings.hpp"
#include "tests/support/world_source.hpp"

namespace {

using namespace strata;
using Catch::Matchers::Contains;

linear_gaussian::Settings settings_of(std::initializer_list<std::string> assignments) {
  Configuration configuration;
  for (const std::string& assignment : assignments) configuration.set_assignment(assignment);
  return linear_gaussian::settings(configuration.resolve(linear_gaussian::parameters(), "world."));
}

void refused_chain(std::initializer_list<std::string> assignments, const std::string& key, const std::string& advice) {
  CAPTURE(std::vector<std::string>(assignments));
  try {
    test::world_source("linear_gaussian", assignments);
    FAIL("was accepted");
  } catch (const ConfigError& error) {
    CHECK(error.key == key);
    CHECK_THAT(error.what(), Contains(advice));
  }
}

/// Numbers shown, [step][stream].
std::vector<std::vector<double>> shown(World& world) {
  std::vector<std::vector<double>> all;
  Observation out = test::room_for(world.streams());
  while (world.next(out)) all.push_back(out.value);
  return all;
}

}  // namespace

TEST_CASE("the linear-Gaussian world says what it is", "[linear_gaussian]") {
  const auto four = test::world_source("linear_gaussian", {});
  CHECK(four->contexts() == std::vector<Index>{0, 0, 0, 0});
  CHECK(four->vocabulary() == 0);
  CHECK(four->channels() == 1);
  CHECK(four->log_unigram().empty());
  CHECK(test::world_source("linear_gaussian", {"world.levels=8"})->time_constants().size() == 8);
  CHECK(test::world_source("linear_gaussian", {"world.levels=2", "world.tau=3, 30"})->time_constants() == std::vector<double>{3, 30});
  const auto s = settings_of({"world.levels=2", "world.tau=3,30", "world.gain=.5,0", "world.noise=.1", "world.observation_noise=2"});
  CHECK(s.chain.persistence[1] == Approx(std::exp(-1 / 30.)).epsilon(1e-14));
  CHECK(s.chain.gain == std::vector<double>{.5, 0});
  CHECK(s.chain.noise == std::vector<double>{.1, .1});
  CHECK(s.chain.observation_noise == 2);
}

TEST_CASE("the default chain has the half-lives of the design: .88, 7.3, 62, 497", "[linear_gaussian]") {
  const auto s = settings_of({});
  const auto found = linear_gaussian::steady_state(s.chain).half_lives;
  const double expected[] = {.88, 7.3, 62, 497};
  for (std::size_t l = 0; l < 4; ++l) CHECK(found[l] == Approx(expected[l]).epsilon(.005));
  for (std::size_t l = 0; l < 4; ++l) CHECK(1 - s.chain.persistence[l] == Approx(.25 / std::pow(8., static_cast<double>(l))));
}

TEST_CASE("impossible linear-Gaussian worlds are refused by key and with advice", "[linear_gaussian]") {
  refused_chain({"world.tau=2,16,-128,1024"}, "world.tau", "from 0.001 to");
  refused_chain({"world.tau=2,16,0,1024"}, "world.tau", "from 0.001 to");
  refused_chain({"world.tau=2,16"}, "world.tau", "2 numbers for 4 levels; give one per level, lowest first, or nothing");
  refused_chain({"world.gain=1,1"}, "world.gain", "one for all");
  refused_chain({"world.noise=-1"}, "world.noise", "from 0 to");
  refused_chain({"world.noise=x"}, "world.noise", "separated by commas");
  refused_chain({"world.observation_noise=0"}, "world.observation_noise", "from 1e-12");
  refused_chain({"world.observation_noise=-1"}, "world.observation_noise", "from 1e-12");
  refused_chain({"world.levels=9"}, "world.levels", "from 1 to 8");
  refused_chain({"world.levels=0"}, "world.levels", "from 1 to 8");
  refused_chain({"world.levels=8", "world.ratio=100"}, "world.ratio", "fewer levels");
  refused_chain({"world.ratio=.1"}, "world.ratio", "leaves level 1 no time constant");
  refused_chain({"world.vocabulary=4"}, "world.vocabulary", "");
  try {
    (void)test::world_source("linear_gaussian", {})->observer(Index{1} << 50);
    FAIL("was accepted");
  } catch (const ConfigError& error) {
    CHECK(error.key == "world.streams");
    CHECK_THAT(error.what(), Contains("exact observer") && Contains("GB"));
  }
}

TEST_CASE("the numbers of a linear-Gaussian world vary and persist as the long run says", "[linear_gaussian]") {
  const auto s = settings_of({"world.levels=3", "world.tau=2,6,20", "world.gain=1.5"});
  const auto source = test::world_source("linear_gaussian", {"world.levels=3", "world.tau=2,6,20", "world.gain=1.5"});
  constexpr Index streams = 4000, steps = 41;
  const auto y = shown(*source->open(streams, steps, 3));
  REQUIRE(static_cast<Index>(y.size()) == steps);
  // Streams are independent: averages over them have known errors, at the very first step as at any other.
  Eigen::MatrixXd covariance = s.chain.stationary();
  CHECK(source->long_run()[0].mean == 0);
  CHECK(source->long_run()[0].variance == Approx(covariance(0, 0) + s.chain.observation_noise));
  const double variance = covariance(0, 0) + s.chain.observation_noise;
  for (const std::size_t first : {std::size_t{0}, std::size_t{20}})
    for (std::size_t lag = 0; lag <= 20; lag += lag < 4 ? 1 : 8) {
      double sum = 0;
      for (std::size_t j = 0; j < streams; ++j) sum += y[first][j] * y[first + lag][j];
      Eigen::MatrixXd moved = covariance;
      for (std::size_t k = 0; k < lag; ++k) moved = (s.chain.transition() * moved).eval();
      const double expected = moved(0, 0) + (lag == 0 ? s.chain.observation_noise : 0);
      INFO("steps " << first << " and " << first + lag);
      CHECK(std::abs(sum / streams - expected) < 4 * std::sqrt((variance * variance + expected * expected) / streams));
    }
}

TEST_CASE("a linear-Gaussian world is the same world whoever reads it, from wherever it is taken up again", "[linear_gaussian]") {
  const auto source = test::world_source("linear_gaussian", {});
  const auto whole = shown(*source->open(3, 60, 7));
  CHECK(shown(*source->open(3, 60, 7)) == whole);
  CHECK(shown(*source->open(3, 60, 8)) != whole);
  const auto five = shown(*source->open(5, 60, 7));
  for (std::size_t t = 0; t < whole.size(); ++t) CHECK(std::equal(whole[t].begin(), whole[t].end(), five[t].begin()));
  CHECK(whole[0][0] != whole[0][1]);

  auto world = source->open(3, 60, 7);
  Observation out = test::room_for(3);
  for (std::size_t t = 0; t < 60; ++t) {
    REQUIRE(world->next(out));
    CHECK(out.value == whole[t]);
    MemoryArchive archive;
    world->archive(archive);
    archive.rewind();
    world = source->open(3, 60, 7);
    world->archive(archive);
  }
  CHECK_FALSE(world->next(out));

  MemoryArchive archive;
  source->open(3, 60, 7)->archive(archive);
  archive.rewind();
  CHECK_THROWS_AS(source->open(4, 60, 7)->archive(archive), ShapeError);
}
