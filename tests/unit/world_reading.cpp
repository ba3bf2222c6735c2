// What a reading of a sampled world records: only what was asked for, and that whole.
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "core/io/hdf5.hpp"
#include "experiments/world_reading.hpp"
#include "tests/support/temporary.hpp"

namespace {

using namespace strata;

struct ReadingBed {
  explicit ReadingBed(const std::string& world, std::initializer_list<std::string> assignments, const std::vector<std::string>& inputs = {})
      : study(options(world, assignments, inputs)), progress(true) {}
  static Options options(const std::string& world, std::initializer_list<std::string> assignments, const std::vector<std::string>& inputs) {
    Options o;
    o.world = world;
    o.text = inputs;
    for (const std::string& assignment : assignments) o.configuration.set_assignment(assignment);
    return o;
  }
  void read(const WorldReading& reading, const std::string& path) {
    const auto hierarchy = study.make_hierarchy(streams_needed(reading, study.make_hierarchy(1)->depth()));
    read_world(study, *hierarchy, reading, "test", path, progress);
  }
  SampledStudy study;
  Progress progress;
};

WorldReading a_reading() {
  WorldReading reading;
  reading.streams = 3;
  reading.length = 40;
  reading.from = 10;
  return reading;
}

}  // namespace

TEST_CASE("a reading records the exact observers that were asked for, and the unigram always", "[reading]") {
  ReadingBed bed("nested", {"world.levels=2", "world.vocabulary=5"});
  const test::TemporaryFolder folder;
  for (const bool exact : {false, true})
    for (const bool partial : {false, true}) {
      WorldReading reading = a_reading();
      reading.exact = exact;
      reading.partial = partial;
      const std::string path = folder / (std::string(exact ? "exact" : "none") + (partial ? "_parts.h5" : ".h5"));
      bed.read(reading, path);
      const Hdf5File trace(path);
      const auto id = trace.read<std::int32_t>("/tokens/id");
      const auto unigram = trace.read<float>("/conditions/unigram/tokens/surprise");
      CHECK(id.shape == Shape{30, 3});
      REQUIRE(unigram.shape == id.shape);
      for (std::size_t i = 0; i < id.data.size(); ++i)
        CHECK(unigram.data[i] == Approx(-bed.study.log_unigram[static_cast<std::size_t>(id.data[i])]));
      CHECK(trace.exists("/conditions/exact") == exact);
      CHECK(trace.exists("/conditions/exact_1") == (exact && partial));
      CHECK(trace.read<std::int32_t>("/world/context").shape == Shape{30, 3, 2});
      CHECK_FALSE(trace.exists("/world/value"));
    }
}

TEST_CASE("a reading of numbers records them, and the long run's surprise for the unigram's", "[reading]") {
  ReadingBed bed("linear_gaussian", {"world.levels=2"});
  const test::TemporaryFolder folder;
  const std::string path = folder / "numbers.h5";
  bed.read(a_reading(), path);
  const Hdf5File trace(path);
  const auto value = trace.read<float>("/world/value");
  const auto unigram = trace.read<float>("/conditions/unigram/tokens/surprise"),
             nothing = trace.read<float>("/conditions/exact_0/tokens/surprise");
  REQUIRE(value.shape == Shape{30, 3, 1});
  CHECK_FALSE(trace.exists("/world/context"));
  const auto innovation = trace.read<float>("/world/innovation"), expected = trace.read<float>("/conditions/exact/levels/0/prediction");
  REQUIRE(innovation.shape == value.shape);
  for (std::size_t i = 3; i < value.data.size(); ++i)  // what was expected of a step was recorded with the step before
    CHECK(innovation.data[i] == Approx(value.data[i] - expected.data[i - 3]).margin(1e-5));
  const double variance = bed.study.source->long_run()[0].variance;
  for (std::size_t i = 0; i < value.data.size(); ++i) {
    const double y = static_cast<double>(value.data[i]);
    CHECK(unigram.data[i] == Approx(.5 * (y * y / variance + std::log(2 * std::numbers::pi * variance))).epsilon(1e-5));
    CHECK(nothing.data[i] == Approx(unigram.data[i]).epsilon(1e-5));
  }
}

TEST_CASE("a reading of a series without learning reads stretches of it, with learning the series itself", "[reading]") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "series.csv", path = folder / "trace.h5";
  {
    std::FILE* csv = std::fopen(file.c_str(), "w");
    std::fputs("time,x\n", csv);
    for (int t = 0; t < 60; ++t) std::fprintf(csv, "%d,%d\n", t, t);
    std::fclose(csv);
  }
  ReadingBed bed("series", {}, {file});
  bed.read(a_reading(), path);
  {
    const Hdf5File trace(path);
    const auto value = trace.read<float>("/world/value").data;
    CHECK(value[0] != value[1]);
    for (std::size_t t = 1; t < 30; ++t) CHECK(value[3 * t + 2] == value[3 * t - 1] + 1);
    CHECK_FALSE(trace.exists("/conditions/exact"));
  }
  WorldReading pass = a_reading();
  pass.streams = 1;
  pass.length = 1000;
  pass.learning = true;
  bed.read(pass, folder / "pass.h5");
  const Hdf5File trace(folder / "pass.h5");
  const auto value = trace.read<float>("/world/value").data;
  REQUIRE(value.size() == 50);
  for (std::size_t t = 0; t < 50; ++t) CHECK(value[t] == static_cast<float>(t + 10));
}
