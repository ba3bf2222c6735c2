// What a user may ask of the nested world, and what is refused in one helpful line.
#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.hpp"
#include "experiments/worlds/nested/laws.hpp"
#include "experiments/worlds/nested/memory.hpp"
#include "tests/support/world_source.hpp"

namespace {

using namespace strata;
using Catch::Matchers::Contains;

void refused(std::initializer_list<std::string> assignments, const std::string& key, const std::string& advice) {
  CAPTURE(std::vector<std::string>(assignments));
  try {
    test::world_source("nested", assignments);
    FAIL("was accepted");
  } catch (const ConfigError& error) {
    CHECK(error.key == key);
    CHECK_THAT(error.what(), Contains(advice));
  }
}

}  // namespace

TEST_CASE("the nested world says what it is", "[nested]") {
  const auto four = test::world_source("nested", {});
  CHECK(four->contexts() == std::vector<Index>{6, 4, 3, 2});
  CHECK(four->time_constants() == std::vector<double>{8, 64, 512, 4096});
  CHECK(four->vocabulary() == 32);
  CHECK(four->channels() == 0);
  const auto six = test::world_source("nested", {"world.levels=6", "world.kind=geo"});
  CHECK(six->contexts() == std::vector<Index>{6, 4, 3, 2, 2, 2});
  CHECK(six->time_constants().back() == 262144);
  double sum = 0;
  for (const double x : six->log_unigram()) sum += std::exp(x);
  CHECK(sum == Approx(1).margin(1e-12));
  CHECK(test::world_source("nested", {"world.levels=1"})->contexts() == std::vector<Index>{6});
  CHECK(test::world_source("nested", {"world.levels=2", "world.states=5, 7", "world.tau=3,3"})->contexts() == std::vector<Index>{5, 7});
}

TEST_CASE("the tables of the nested world: half of the states are allowed, no parent is another's double", "[nested]") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    nested::Settings s;
    s.kind = "nested";
    s.states = {6, 4, 3, 2};
    s.tau = {8, 64, 512, 4096};
    s.beta = {2, 0, 0, 0};
    s.leak = {.01, .01, .01, .01};
    s.tables = seed;
    const nested::Laws laws(s);
    for (Index l = 0; l < 3; ++l) {
      const auto& pi = laws.level(l).transition;
      const Index half = (pi.rows() + 1) / 2;
      for (Index u = 0; u < pi.cols(); ++u) {
        CHECK(pi.col(u).sum() == Approx(1).margin(1e-14));
        CHECK((pi.col(u).array() > .1).count() == half);
        CHECK(pi.col(u).minCoeff() == Approx(.01 * pi.col(u).maxCoeff()));
        for (Index w = 0; w < u; ++w) CHECK((pi.col(u) - pi.col(w)).cwiseAbs().maxCoeff() > .1);
      }
      for (Index c = 0; c < pi.rows(); ++c) CHECK(pi.row(c).maxCoeff() > .1);
      CHECK(laws.level(l).share.rowwise().sum().cwiseAbs().maxCoeff() < 1e-12);
    }
    CHECK(laws.level(0).share.norm() > 10);
    CHECK(laws.level(1).share.norm() == 0);
  }
}

TEST_CASE("impossible nested worlds are refused by key and with advice", "[nested]") {
  refused({"world.states=6,4,3"}, "world.states", "3 numbers for 4 levels");
  refused({"world.tau=8,64"}, "world.tau", "one per level, lowest first");
  refused({"world.beta=1,1,1,1,1"}, "world.beta", "5 numbers for 4 levels");
  refused({"world.leak=.1"}, "world.leak", "1 numbers for 4 levels");
  refused({"world.states=6,4,1,2"}, "world.states", "from 2 to 4096");
  refused({"world.states=6,4,2.5,2"}, "world.states", "whole numbers");
  refused({"world.states=6,4,x,2"}, "world.states", "separated by commas");
  refused({"world.tau=8,64,-512,4096"}, "world.tau", "from 1 to");
  refused({"world.tau=.5,64,512,4096"}, "world.tau", "from 1 to");
  refused({"world.beta=-1,1,1,1"}, "world.beta", "from 0 to 10");
  refused({"world.leak=.1,.1,1.5,.1"}, "world.leak", "from 0 to 1");
  refused({"world.states=2,4,3,2", "world.leak=0,.1,.1,.1"}, "world.leak", "row of zeros");
  refused({"world.states=4000,4000,4000,2"}, "world.states", "joint states");
  refused({"world.states=200,200,100,2", "world.vocabulary=65536"}, "world.vocabulary", "smaller vocabulary");
  refused({"world.vocabulary=1"}, "world.vocabulary", "from 2");
  refused({"world.levels=7"}, "world.levels", "from 1 to 6");
  refused({"world.levels=0"}, "world.levels", "from 1 to 6");
  refused({"world.kind=dircet"}, "world.kind", "did you mean 'direct'");
  refused({"world.tables=-1"}, "world.tables", "from 0");
  refused({"world.state=6"}, "world.state", "did you mean 'world.states'");
  CHECK_NOTHROW(test::world_source("nested", {"world.states=3,4,3,2", "world.leak=0,0,0,0"}));
}

TEST_CASE("an exact filter that does not fit into memory is refused before it is made", "[nested]") {
  const auto source = test::world_source("nested", {});
  try {
    (void)source->observer(Index{1} << 50);
    FAIL("was accepted");
  } catch (const ConfigError& error) {
    CHECK(error.key == "world.states");
    CHECK_THAT(error.what(), Contains("144 joint states") && Contains("GB"));
  }
  CHECK_THROWS_AS(require_memory("world.states", "9", "the filter", 95, 100), ConfigError);
  CHECK_NOTHROW(require_memory("world.states", "9", "the filter", 85, 100));
  CHECK(available_memory() > 1e6);
}

TEST_CASE("the nested filter refuses what its world cannot have sent", "[nested]") {
  const auto filter = test::world_source("nested", {})->observer(2);
  CHECK_THROWS_AS(filter->observe(test::room_for(3)), ShapeError);
  Observation o = test::room_for(2);
  o.active = {1, 1};
  o.id = {0, 32};
  CHECK_THROWS_AS(filter->observe(o), ShapeError);
}
