// The series world: what it reads of a file, and what it refuses, by file and line.

#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>

#include "core/error.hpp"
#include "core/io/hdf5.hpp"
#include "core/memory_archive.hpp"
#include "experiments/worlds/episode.hpp"
#include "experiments/worlds/registry.hpp"
#include "experiments/worlds/series/series.hpp"
#include "tests/support/temporary.hpp"

using namespace strata;
using namespace strata::test;

namespace {

std::string written(const TemporaryFolder& folder, const std::string& text) {
  std::string path = folder / "series.csv";
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::unique_ptr<Source> make(const std::string& path, const std::vector<std::string>& lines = {}) {
  Configuration configuration;
  for (const auto& line : lines) configuration.set_assignment(line);
  const WorldKind& kind = find_world_kind("series");
  Values values;
  for (const auto& [prefix, table] : kind.parameters) values = configuration.resolve(table, prefix);
  configuration.check_all_read();
  return kind.make(values, path.empty() ? std::vector<std::string>{} : std::vector<std::string>{path});
}

/// All values, channels fastest.
std::vector<double> values_of(const Source& source, Index length = 1000) {
  const auto world = source.open(1, length, 1);
  Observation seen;
  seen.resize(1);
  std::vector<double> all;
  while (world->next(seen)) {
    CHECK(seen.active[0] == 1);
    if (source.vocabulary() > 0)
      all.push_back(seen.id[0]);
    else
      all.insert(all.end(), seen.value.begin(), seen.value.end());
  }
  return all;
}

/// "LINE: reason" of the data error that reading `text` gives.
std::string complaint(const std::string& text, const std::vector<std::string>& lines = {}) {
  const TemporaryFolder folder;
  const std::string path = written(folder, text);
  try {
    make(path, lines);
  } catch (const DataError& error) {
    CHECK(error.file == path);
    return std::to_string(error.line) + ": " + error.reason;
  }
  return "none";
}

void check_complaint(const std::string& text, const std::string& begin, const std::string& part,
                     const std::vector<std::string>& lines = {}) {
  const std::string said = complaint(text, lines);
  INFO(text << " -> " << said);
  CHECK(said.rfind(begin + ": ", 0) == 0);
  CHECK(said.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("series: every value of a CSV file, in the columns' order, to the last bit") {
  const TemporaryFolder folder;
  const std::string path =
      written(folder, "\xef\xbb\xbf# made up\r\n\"day\", a ,\"b, c\"\r\n0,1e-3,+2\r\n1,-0.1,3\r\n2, 0.30000000000000004 ,4\r\n\r\n");
  const auto source = make(path);
  CHECK(source->channels() == 2);
  CHECK(source->vocabulary() == 0);
  CHECK(source->observer(1) == nullptr);
  CHECK(values_of(*source) == std::vector<double>{1e-3, 2, -.1, 3, .1 + .2, 4});
  CHECK(values_of(*source, 2) == std::vector<double>{1e-3, 2, -.1, 3});
  CHECK(source->open(1, 1000, 1)->tokens() == 3);
  CHECK(values_of(*make(path, {"world.column=a"})) == std::vector<double>{1e-3, -.1, .1 + .2});
  CHECK(values_of(*make(path, {"world.time=b, c", "world.column=a, day"})) == std::vector<double>{1e-3, 0, -.1, 1, .1 + .2, 2});
  CHECK(values_of(*make(written(folder, "x;time\n5;1\n6;2"))) == std::vector<double>{5, 6});
  CHECK(values_of(*make(written(folder, "time\tx\n1\t7\n"))) == std::vector<double>{7});
}

TEST_CASE("series: binary series are two tokens with their frequencies") {
  const TemporaryFolder folder;
  const std::string path = written(folder, "time,x,y\n0,1,7\n1,0,7\n2,1,7\n");
  const auto source = make(path, {"world.binary=true", "world.column=x"});
  CHECK(source->vocabulary() == 2);
  CHECK(source->channels() == 0);
  CHECK(values_of(*source) == std::vector<double>{1, 0, 1});
  const auto log_unigram = source->log_unigram();
  REQUIRE(log_unigram.size() == 2);
  CHECK(log_unigram[1] == Approx(std::log(2.5 / 4)));
  CHECK(std::exp(log_unigram[0]) + std::exp(log_unigram[1]) == Approx(1));
  CHECK_THROWS_AS(make(path, {"world.binary=true"}), ConfigError);
  check_complaint("time,x\n0,1\n1,0.5\n", "3", "0.5 where world.binary reads 0 or 1", {"world.binary=true"});
}

TEST_CASE("series: HDF5 datasets are columns") {
  const TemporaryFolder folder;
  const std::string path = folder / "series.h5";
  const std::vector<double> x{1.5, 2.5, 3.5}, other{1, 2};
  const std::vector<std::int32_t> time{3, 5, 7};
  const auto write = [&](const std::function<void(Hdf5File&)>& more) {
    Hdf5File file(path, Hdf5File::Mode::create);
    file.write<double>("x", {3}, x);
    file.write<std::int32_t>("time", {3}, time);
    file.write<double>("deep/y", {3}, x);
    if (more) more(file);
    file.close();
  };
  const auto reason = [&](const std::vector<std::string>& lines = {}) -> std::string {
    try {
      make(path, lines);
    } catch (const DataError& error) { return error.reason; }
    return "none";
  };
  write({});
  CHECK(values_of(*make(path)) == x);
  CHECK(values_of(*make(path, {"world.column=x,/deep/y"})) == std::vector<double>{1.5, 1.5, 2.5, 2.5, 3.5, 3.5});
  CHECK_THROWS_AS(make(path, {"world.column=z"}), ConfigError);
  write([&](Hdf5File& file) { file.write<double>("short", {2}, other); });
  CHECK(reason() == "dataset 'short' has 2 rows where 'time' has 3");
  write([&](Hdf5File& file) { file.write_texts("words", {"a", "b", "c"}); });
  CHECK(reason() == "none");
  CHECK(reason({"world.column=words"}).find("holds text") != std::string::npos);
  write([&](Hdf5File& file) { file.write<double>("flat", {1, 2}, other); });
  CHECK(reason({"world.column=flat"}).find("has shape (1, 2)") != std::string::npos);
  write([&](Hdf5File& file) { file.write<double>("hole", {3}, std::vector<double>{1, std::nan(""), 3}); });
  CHECK(reason() == "row 2: column 'hole' holds nan, which is not finite");
  write([&](Hdf5File& file) { file.write<double>("late", {3}, std::vector<double>{0, 2, 1}); });
  CHECK(reason({"world.time=late"}).find("row 3: time 1 follows 2") == 0);
  {
    Hdf5File file(path, Hdf5File::Mode::create);
    file.make_group("empty");
    file.close();
  }
  CHECK(reason().find("no one-dimensional dataset") != std::string::npos);
}

TEST_CASE("series: what cannot be a series is refused by file and line") {
  check_complaint("", "0", "is empty");
  check_complaint("\n \n# x\n", "0", "is empty");
  check_complaint("time,x\n", "0", "no rows");
  check_complaint("0,1\n1,2\n", "1", "must name the columns");
  check_complaint("time,x,x\n0,1,2\n", "1", "two columns are called 'x'");
  check_complaint("time,,x\n0,1,2\n", "1", "column 2 has no name");
  check_complaint("time\n0\n1\n", "0", "taken for time");
  check_complaint("time,x\n0,1\n1,2,3\n", "3", "has 3 cells where the first line names 2 columns");
  check_complaint("time,x\n0,1\n1\n", "3", "has 1 cells");
  check_complaint("time,x\n0,1\n1,warm\n", "3", "column 'x' holds 'warm', which is no number");
  check_complaint("time;x\n0;1,5\n", "2", "decimals take a point");
  check_complaint("time,x\n2020-01-01,1\n", "2", "column 'time' holds '2020-01-01', which is no number");
  check_complaint("time,x\n0,1\n1,\n2,3\n", "3", "column 'x' is empty: a gap");
  check_complaint("time,x\n0,1\n,2\n2,3\n", "3", "column 'time' is empty: a gap");
  check_complaint("time,x\n0,1\n\n2,3\n", "3", "empty line between rows");
  check_complaint("time,x\n0,1\n1,nan\n", "3", "is not finite");
  check_complaint("time,x\n0,1\n1,inf\n", "3", "is not finite");
  check_complaint("time,x\n0,1\n1,1e999\n", "3", "is no number");
  check_complaint("time,x\n0,1\n2,2\n1,3\n", "4", "time 1 follows 2; sort the rows");
  check_complaint("time,x\n0,1\n1,2\n1,3\n", "4", "time 1 follows 1");
  check_complaint("time,x\n0,1\n1,2\n2,3\n4,5\n5,6\n", "5", "a gap: time 4 follows 2, where steps are 1");
  check_complaint("time,x\n0,1\n2,2\n3,3\n4,5\n", "3", "a gap: time 2 follows 0, where steps are 1");
  check_complaint("time,x\n0,\"1\n", "2", "double quote is not closed");
  CHECK(complaint("time,x\n0,1\n1,2\n2,3\n4,5\n", {"world.uneven=true"}) == "none");
  CHECK(complaint("time,x\n0,1\n.1,2\n.2,3\n.3,4\n.4,5\n.5,6\n.6,7\n") == "none");
  CHECK(complaint("time,x,note\n0,1,a\n1,2,b\n", {"world.column=x"}) == "none");
}

TEST_CASE("series: wrong names, files and streams") {
  const TemporaryFolder folder;
  const std::string path = written(folder, "time,temperature\n0,1\n1,2\n");
  const auto key = [&](const std::vector<std::string>& lines) -> std::string {
    try {
      make(path, lines);
    } catch (const ConfigError& error) { return error.key + " " + error.nearest; }
    return "";
  };
  CHECK(key({"world.column=temprature"}) == "world.column temperature");
  CHECK(key({"world.time=tme"}) == "world.time time");
  CHECK(key({"world.column=time"}) == "world.column ");
  CHECK(key({"world.column=temperature,temperature"}) == "world.column ");
  CHECK_THROWS_AS(make(folder / "nothing.csv"), FileError);
  CHECK_THROWS_AS(make(folder.path()), FileError);
  CHECK_THROWS_AS(make(""), ConfigError);
  CHECK_THROWS_AS(make(path)->open(2, 10, 1), ConfigError);
}

TEST_CASE("series: a restored stream goes on where it stood, in its own series only") {
  const TemporaryFolder folder;
  const auto source = make(written(folder, "time,x\n0,1\n1,2\n2,3\n"));
  const auto world = source->open(1, 10, 1), resumed = source->open(1, 10, 1);
  Observation seen;
  seen.resize(1);
  world->next(seen);
  MemoryArchive archive;
  world->archive(archive);
  archive.rewind();
  resumed->archive(archive);
  REQUIRE(resumed->next(seen));
  CHECK(seen.value == std::vector<double>{2});
  const auto other = make(written(folder, "time,x\n0,1\n1,2\n2,4\n"))->open(1, 10, 1);
  CHECK_THROWS_AS(other->archive(archive), ShapeError);
}

TEST_CASE("series: stretches for trials are cut from different places, and those of a trial never overlap") {
  const TemporaryFolder folder;
  std::string text = "time,x,y\n";
  for (int t = 0; t < 100; ++t) text += std::to_string(t) + "," + std::to_string(t * t) + "," + std::to_string(-t) + "\n";
  const auto source = make(written(folder, text));
  const auto begins = [&](std::uint64_t seed) {
    const auto world = source->stretches(5, 3, 10, seed);
    CHECK(world->streams() == 15);
    CHECK(world->steps() == 10);
    Observation seen;
    seen.resize(15);
    std::vector<std::int64_t> begin;
    for (int step = 0; step < 10; ++step) {
      REQUIRE(world->next(seen));
      for (std::size_t j = 0; j < 15; ++j) {
        const std::int64_t row = seen.byte_begin[j];
        if (step == 0) begin.push_back(row);
        CHECK(row == begin[j] + step);
        CHECK(seen.value[2 * j] == static_cast<double>(row * row));
        CHECK(seen.value[2 * j + 1] == static_cast<double>(-row));
      }
    }
    CHECK_FALSE(world->next(seen));
    return begin;
  };
  const auto begin = begins(1);
  CHECK(begin == begins(1));
  CHECK(begin != begins(2));
  for (std::size_t j = 0; j < 15; ++j) {
    const auto part = static_cast<std::int64_t>(j % 3);  // 33 rows each
    CHECK((begin[j] >= 33 * part && begin[j] + 10 <= 33 * (part + 1)));
    for (std::size_t k = j % 3; k < j; k += 3) CHECK(begin[j] != begin[k]);
  }
  CHECK_NOTHROW(source->stretches(24, 3, 10, 1));
  try {
    source->stretches(25, 3, 10, 1);
    FAIL("was accepted");
  } catch (const DataError& error) {
    CHECK_THAT(error.what(), Catch::Matchers::Contains("has 100 rows") && Catch::Matchers::Contains("need 102"));
  }
  CHECK_THROWS_AS(source->stretches(1, 1, 101, 1), DataError);
  CHECK(source->long_run().size() == 2);
  CHECK(source->long_run()[1].mean == Approx(-49.5));
  CHECK(source->long_run()[1].variance == Approx((100. * 100 - 1) / 12));
  CHECK(make(written(folder, "time,x\n0,1\n1,0\n"), {"world.binary=on"})->long_run().empty());
}

TEST_CASE("episodes are joined from any step on") {
  Episode a, b;
  a.id = {1, 2, 3}, a.event = {0, 0, 1}, a.value = {1, 10, 2, 20, 3, 30};
  b.id = {4, 5, 6}, b.event = {2, 0, 0}, b.value = {4, 40, 5, 50, 6, 60};
  const Episode both = joined(joined({}, a, 2), b, 2, 1);
  CHECK(both.id == std::vector<std::int32_t>{1, 2, 5, 6});
  CHECK(both.value == std::vector<double>{1, 10, 2, 20, 5, 50, 6, 60});
  CHECK(both.event == std::vector<std::uint8_t>{0, 0, 0, 0});
  CHECK(joined(a, b, 9).length() == 6);
  CHECK(joined(a, b, 2, 3).length() == 3);
  CHECK(joined(a, b, 0).length() == 3);
  CHECK(joined(a, {}, 5).length() == 3);
}
