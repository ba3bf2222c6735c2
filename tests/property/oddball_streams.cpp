// An oddball sequence is the same whoever reads it, from wherever it is taken up again.
#include <catch2/catch.hpp>
#include <numeric>

#include "core/error.hpp"
#include "core/memory_archive.hpp"
#include "core/random.hpp"
#include "tests/support/world_source.hpp"

namespace {

using namespace strata;

struct Read {
  std::vector<std::int32_t> id, context, document;
  std::vector<std::int64_t> place;
  std::vector<std::uint8_t> event;
  bool operator==(const Read&) const = default;
};

Read read(const Observation& o) { return {o.id, o.context, o.document, o.byte_begin, o.event}; }

}  // namespace

TEST_CASE("an oddball sequence that was stopped goes on with the same bits, streams do not know of one another", "[oddball]") {
  for (const char* paradigm : {"local_global", "roving", "hazard"}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const auto source = test::world_source("oddball", {std::string("world.paradigm=") + paradigm, "world.block=5"});
      Observation out = test::room_for(3), alone = test::room_for(1);
      std::vector<Read> whole, pieces;
      auto world = source->open(3, 300, seed);
      const auto single = source->open(1, 300, seed);
      while (world->next(out)) {
        REQUIRE(single->next(alone));
        REQUIRE(alone.id[0] == out.id[0]);
        whole.push_back(read(out));
      }
      world = source->open(3, 300, seed);
      while (pieces.size() <= whole.size() && world->next(out)) {
        pieces.push_back(read(out));
        if (mix(seed ^ pieces.size()) % 7 != 0) continue;
        MemoryArchive archive;
        world->archive(archive);
        archive.rewind();
        world = source->open(3, 300, seed);
        world->archive(archive);
      }
      CHECK(pieces == whole);
      CHECK(pieces.size() == 300);
      const auto other = source->open(3, 300, seed + 10);
      bool differs = false;
      for (std::size_t t = 0; other->next(out); ++t) differs = differs || !(read(out) == whole[t]);
      CHECK(differs);
      MemoryArchive archive;
      source->open(2, 10, 1)->archive(archive);
      archive.rewind();
      CHECK_THROWS_AS(source->open(3, 10, 1)->archive(archive), ShapeError);
    }
  }
}

TEST_CASE("oddball observers keep streams apart, leave idle ones alone, start again, survive what cannot be", "[oddball]") {
  for (const char* choice : {"local_global", "roving", "hazard"}) {
    for (const char* observer : {"dirichlet", "laws"}) {
      const auto source =
          test::world_source("oddball", {std::string("world.paradigm=") + choice, std::string("world.observer=") + observer});
      const auto both = source->observer(2), single = source->observer(1);
      Observation one = test::room_for(1), two = test::room_for(2);
      for (int pass = 0; pass < 2; ++pass) {
        both->reset();
        single->reset();
        const auto world = source->open(1, 200, 9);
        for (std::int64_t t = 0; world->next(one); ++t) {
          // The second stream hears noise, which the laws may exclude, and is idle two steps of three.
          two.id = {one.id[0],
                    static_cast<std::int32_t>(mix(static_cast<std::uint64_t>(t)) % static_cast<std::uint64_t>(source->vocabulary()))};
          two.active = {1, static_cast<std::uint8_t>(t % 3 == 0)};
          const std::vector<double> idle(both->predictive(1).begin(), both->predictive(1).end());
          single->observe(one);
          both->observe(two);
          REQUIRE(both->surprise(0) == single->surprise(0));
          REQUIRE(both->surprise(1) < 20);  // an observer that lost its place takes the token for what it is in the long run
          for (Index l = 0; l < single->levels(); ++l) {
            const auto a = both->belief(l, 0), b = single->belief(l, 0), c = both->belief(l, 1);
            REQUIRE(std::equal(a.begin(), a.end(), b.begin()));
            REQUIRE(std::accumulate(c.begin(), c.end(), 0.) == Approx(1));
          }
          if (two.active[1] == 0) REQUIRE(std::equal(idle.begin(), idle.end(), both->predictive(1).begin()));
        }
      }
    }
  }
}
