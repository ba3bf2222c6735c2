// A nested world is the same world whoever reads it, from wherever it is taken up again.
#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.hpp"
#include "core/memory_archive.hpp"
#include "core/random.hpp"
#include "tests/support/world_source.hpp"

namespace {

using namespace strata;

struct Read {
  std::vector<std::int32_t> id, context;
  bool operator==(const Read&) const = default;
};

std::vector<Read> read_all(World& world) {
  std::vector<Read> all;
  Observation out = test::room_for(world.streams());
  while (world.next(out)) all.push_back({out.id, out.context});
  return all;
}

}  // namespace

TEST_CASE("a nested world that was stopped goes on with the same bits", "[nested]") {
  for (const char* kind : {"direct", "geo", "nested"}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const auto source = test::world_source("nested", {std::string("world.kind=") + kind, "world.tau=2,4,8,16"});
      const auto whole = read_all(*source->open(3, 200, seed));
      REQUIRE(whole.size() == 200);
      auto world = source->open(3, 200, seed);
      std::vector<Read> pieces;
      Observation out = test::room_for(3);
      while (pieces.size() <= whole.size() && world->next(out)) {
        pieces.push_back({out.id, out.context});
        if (mix(seed ^ pieces.size()) % 7 != 0) continue;
        MemoryArchive archive;
        world->archive(archive);
        archive.rewind();
        world = source->open(3, 200, seed);
        world->archive(archive);
      }
      CHECK(pieces == whole);
    }
  }
}

TEST_CASE("streams of a nested world do not know of one another, seeds and tables do", "[nested]") {
  const auto source = test::world_source("nested", {});
  const auto one = read_all(*source->open(1, 500, 4)), five = read_all(*source->open(5, 500, 4)),
             other = read_all(*source->open(1, 500, 5));
  bool same = true, apart = false;
  for (std::size_t t = 0; t < one.size(); ++t) {
    same = same && one[t].id[0] == five[t].id[0] && std::equal(one[t].context.begin(), one[t].context.end(), five[t].context.begin());
    apart = apart || five[t].id[0] != five[t].id[1];
  }
  CHECK(same);
  CHECK(apart);
  CHECK_FALSE(one == other);
  CHECK_FALSE(one == read_all(*test::world_source("nested", {"world.tables=2"})->open(1, 500, 4)));
  CHECK(source->open(5, 500, 4)->tokens() == 2500);
}

TEST_CASE("a state of another nested world is refused", "[nested]") {
  const auto source = test::world_source("nested", {});
  MemoryArchive archive;
  source->open(2, 10, 1)->archive(archive);
  archive.rewind();
  const auto wider = source->open(3, 10, 1);
  CHECK_THROWS_AS(wider->archive(archive), ShapeError);
}

TEST_CASE("the nested filter keeps streams apart, leaves idle ones alone and starts again", "[nested]") {
  const auto source = test::world_source("nested", {});
  const auto both = source->observer(2), single = source->observer(1);
  const auto world = source->open(1, 300, 9);
  Observation one = test::room_for(1), two = test::room_for(2);
  std::vector<double> first;
  for (int pass = 0; pass < 2; ++pass) {
    const auto again = source->open(1, 300, 9);
    both->reset();
    single->reset();
    std::size_t t = 0;
    for (; again->next(one); ++t) {
      two.id = {one.id[0], 31 - one.id[0]};
      two.active = {1, static_cast<std::uint8_t>(t % 3 == 0)};
      const std::vector<double> idle(both->belief(2, 1).begin(), both->belief(2, 1).end());
      single->observe(one);
      both->observe(two);
      REQUIRE(both->surprise(0) == single->surprise(0));
      for (Index l = 0; l < 4; ++l) {
        const auto a = both->belief(l, 0), b = single->belief(l, 0), c = both->prediction(l, 0), d = single->prediction(l, 0);
        REQUIRE(std::equal(a.begin(), a.end(), b.begin()));
        REQUIRE(std::equal(c.begin(), c.end(), d.begin()));
      }
      const auto now = both->belief(2, 1);
      REQUIRE(std::equal(now.begin(), now.end(), idle.begin()) == (two.active[1] == 0));
      if (two.active[1] == 0) REQUIRE(both->surprise(1) == 0);
      if (pass == 0) first.push_back(single->surprise(0));
      REQUIRE(single->surprise(0) == first[t]);
    }
  }
}
