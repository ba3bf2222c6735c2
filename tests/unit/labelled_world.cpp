// The labelled world: what is drawn, what the exact observer makes of it, and what files say.

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <set>

#include "core/error.hpp"
#include "core/io/hdf5.hpp"
#include "experiments/worlds/labelled/samples.hpp"
#include "experiments/worlds/registry.hpp"
#include "tests/support/temporary.hpp"

using namespace strata;
using labelled::Samples;

namespace {

std::unique_ptr<Source> source_of(const std::vector<std::string>& assignments, const std::vector<std::string>& inputs = {}) {
  Configuration configuration;
  for (const auto& line : assignments) configuration.set_assignment(line);
  const WorldKind& kind = find_world_kind("labelled");
  return kind.make(configuration.resolve(kind.parameters[0].second, "world."), inputs);
}

void write_idx(const std::string& path, const std::vector<std::uint32_t>& shape, const std::vector<std::uint8_t>& data,
               std::uint8_t type = 8) {
  std::ofstream file(path, std::ios::binary);
  const auto byte = [&](std::uint32_t x) { file.put(static_cast<char>(x & 255U)); };
  for (const std::uint32_t x : {0U, 0U, static_cast<unsigned>(type), static_cast<unsigned>(shape.size())}) byte(x);
  for (const std::uint32_t n : shape)
    for (int shift = 24; shift >= 0; shift -= 8) byte(n >> static_cast<unsigned>(shift));
  for (const std::uint8_t x : data) byte(x);
}

}  // namespace

TEST_CASE("labelled: samples lie around the template of their class, the same whatever the number of streams", "[labelled]") {
  const auto source = source_of({"world.features=12", "world.classes=3", "world.contrast=5", "world.noise=.5"});
  const auto world = source->open(4, 3000, 7), alone = source->open(1, 3000, 7);
  Observation o, one;
  o.resize(4);
  one.resize(1);
  std::vector<double> sum(36, 0), count(3, 0), square(3, 0);
  while (world->next(o)) {
    REQUIRE(alone->next(one));
    CHECK(std::equal(one.value.begin(), one.value.end(), o.value.begin()));
    CHECK(one.context[0] == o.context[0]);
    for (std::size_t j = 0; j < 4; ++j) {
      const auto c = static_cast<std::size_t>(o.context[j]);
      count[c] += 1;
      for (std::size_t i = 0; i < 12; ++i) sum[c * 12 + i] += o.value[j * 12 + i];
    }
  }
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(count[c] == Approx(4000).margin(250));
    for (std::size_t i = 0; i < 12; ++i) {
      const double mean = sum[c * 12 + i] / count[c];
      CHECK(std::min(std::abs(mean), std::abs(mean - 5)) < .05);
    }
  }
}

TEST_CASE("labelled: the exact observer is Bayes' rule, calibrated, and right as often as it believes", "[labelled]") {
  const auto source = source_of({"world.features=8", "world.classes=4", "world.contrast=1", "world.noise=1"});
  const auto observer = source->observer(2);
  const auto world = source->open(2, 20000, 3);
  Observation o;
  o.resize(2);
  double believed = 0, right = 0, nats = 0, all = 0;
  while (world->next(o)) {
    observer->observe(o);
    for (Index j = 0; j < 2; ++j) {
      const auto belief = observer->belief(0, j);
      const auto best = std::max_element(belief.begin(), belief.end());
      believed += *best;
      right += best - belief.begin() == o.context[static_cast<std::size_t>(j)] ? 1 : 0;
      nats += observer->surprise(j);
      all += 1;
    }
  }
  CHECK(believed / all == Approx(right / all).margin(.01));
  CHECK(right / all > .4);
  // Of 8 numbers with noise 1 alone: 8/2 ln(2 pi e) nats; what is not known of the class adds at most ln 4.
  const double noise = 4 * std::log(2 * 3.14159265358979 * std::exp(1.));
  CHECK(nats / all > noise);
  CHECK(nats / all < noise + std::log(4.));
}

TEST_CASE("labelled: IDX files in either order, and HDF5, give back what they hold", "[labelled]") {
  const test::TemporaryFolder folder;
  constexpr std::uint32_t count = 23;
  std::vector<std::uint8_t> pixels, labels;
  for (std::uint32_t i = 0; i < count; ++i) {
    labels.push_back(static_cast<std::uint8_t>((i + 1) % 3));
    for (const std::uint32_t x : {5 * i, 51U, 102U, 255U}) pixels.push_back(static_cast<std::uint8_t>(x));
  }
  write_idx(folder / "images", {count, 2, 2}, pixels);
  write_idx(folder / "labels", {count}, labels);
  const labelled::Settings settings;
  for (const bool swapped : {false, true}) {
    const Samples s = labelled::read({folder / (swapped ? "labels" : "images"), folder / (swapped ? "images" : "labels")}, settings);
    CHECK(s.features == 4);
    CHECK(s.classes == 3);
    CHECK(s.label == std::vector<std::int32_t>(labels.begin(), labels.end()));
    CHECK(s.value[1] == Approx(.2));
    CHECK(s.value[7] == 1);
    CHECK(s.value[4] == Approx(5. / 255));
  }
  // Every tenth sample is held back: what is learned from and what is not are two.
  const auto source = source_of({}, {folder / "images", folder / "labels"});
  std::set<int> seen[2];
  for (const bool held : {false, true}) {
    const auto world = held ? source->stretches(3, 1, 400, 1) : source->open(3, 400, 1);
    Observation o;
    o.resize(3);
    while (world->next(o))
      for (std::size_t j = 0; j < 3; ++j) {
        const int which = static_cast<int>(std::lround(o.value[4 * j] * 255 / 5));
        seen[held ? 1 : 0].insert(which);
        CHECK(o.context[j] == (which + 1) % 3);
      }
  }
  CHECK(seen[1] == std::set<int>{0, 10});
  CHECK(seen[0].size() == 21);
  CHECK(seen[0].count(0) + seen[0].count(10) == 0);
  write_idx(folder / "few", {3, 1}, {1, 2, 3});
  write_idx(folder / "three", {3}, {0, 1, 2});
  write_idx(folder / "short", {3, 2, 2}, {1, 2, 3});
  write_idx(folder / "wide", {3, 2}, {1, 2, 3, 4, 5, 6}, 13);
  write_idx(folder / "two", {2}, {0, 1});
  write_idx(folder / "same", {count}, std::vector<std::uint8_t>(count, 0));
  std::ofstream(folder / "text") << "not numbers";
  for (const auto& pair : {std::pair{"few", "three"},
                           {"short", "labels"},
                           {"wide", "labels"},
                           {"images", "two"},
                           {"images", "same"},
                           {"images", "images"},
                           {"text", "labels"}})
    CHECK_THROWS_AS(labelled::read({folder / pair.first, folder / pair.second}, settings), DataError);
  CHECK_THROWS_AS(labelled::read({folder / "absent", folder / "labels"}, settings), FileError);
  CHECK_THROWS_AS(labelled::read({"a", "b", "c"}, settings), ConfigError);
}
