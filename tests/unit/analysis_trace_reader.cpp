#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "analysis/measure.hpp"
#include "analysis/trace_reader.hpp"
#include "core/error.hpp"
#include "tests/support/analysis_trace.hpp"

using namespace strata;
using test::times;
using test::write_level;

namespace {

double plain(double t, Index s, Index u) { return t + 10.0 * static_cast<double>(s) + 100.0 * static_cast<double>(u); }

/// Two levels, a twin, a switch with reference, ends of trials.
void write_trace(const std::string& path) {
  Hdf5File file(path, Hdf5File::Mode::create);
  for (const std::string prefix : {"", "/conditions/twin", "/conditions/switch", "/conditions/always"})
    for (const std::string level : {"0", "1"}) write_level(file, prefix + "/levels/" + level, "belief", times(-1, 5), 2, 3, plain);
  file.set_text("/levels/1", "name", "sentence");
  file.set_number("/levels/1", "time_constant", 6.0);
  file.set_text("/conditions/switch", "reference", "/conditions/always");
  const std::vector<std::int32_t> valid = {6, 2};
  file.write<std::int32_t>("/conditions/twin/valid", {2}, valid);
  const std::vector<std::int32_t> later = {5, 6};
  file.write<std::int32_t>("/conditions/switch/valid", {2}, later);
  file.close();
}

template <class E>
std::string message_of(const std::function<void()>& what) {
  try {
    what();
  } catch (const E& error) { return error.what(); }
  FAIL("nothing of the expected class was thrown");
  return "";
}

}  // namespace

TEST_CASE("a trace tells its levels, conditions, references and ends", "[analysis]") {
  const test::TemporaryFolder folder;
  write_trace(folder.file("t.h5"));
  const Trace trace(folder.file("t.h5"));
  CHECK(trace.conditions() == std::vector<std::string>{"always", "switch", "twin"});
  const Recording root = trace.root();
  REQUIRE(root.levels().size() == 2);
  CHECK(root.levels()[0].name == "level 0");
  CHECK(std::isnan(root.levels()[0].time_constant));
  CHECK(root.levels()[1].name == "sentence");
  CHECK(root.levels()[1].time_constant == 6.0);
  CHECK(trace.condition("twin").levels()[1].name == "sentence");  // described at the root alone
  CHECK(trace.reference_of(trace.condition("twin")).name() == "/");
  CHECK(trace.reference_of(trace.condition("switch")).name() == "always");
  CHECK(trace.condition("twin").valid() == std::vector<std::int64_t>{6, 2});
  CHECK(common_valid(root, trace.condition("twin")) == std::vector<std::int64_t>{6, 2});
  CHECK(common_valid(trace.condition("twin"), trace.condition("switch")) == std::vector<std::int64_t>{5, 2});
  const Series belief = root.vectors(1, "belief");
  CHECK(belief.time == times(-1, 5));
  CHECK(belief.at(1, 1)[2] == 210.0F);
  CHECK_FALSE(root.has_token_surprise());
  CHECK(compared_dataset(root, root, 0, "auto") == "belief");
}

TEST_CASE("without a time scale time counts from 0", "[analysis]") {
  const test::TemporaryFolder folder;
  {
    Hdf5File file(folder.file("t.h5"), Hdf5File::Mode::create);
    const std::vector<float> data(12, 1.0F);
    file.write<float>("/levels/0/belief", {3, 2, 2}, data);
    file.close();
  }
  CHECK(Trace(folder.file("t.h5")).root().vectors(0, "belief").time == std::vector<std::int64_t>{0, 1, 2});
}

TEST_CASE("what is missing from a trace is said, with what is there", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("t.h5");
  write_trace(path);
  const Trace trace(path);
  const std::string condition = message_of<DataError>([&] { trace.condition("stayed"); });
  CHECK(condition.find("always, switch, twin") != std::string::npos);
  const std::string dataset = message_of<DataError>([&] { trace.root().vectors(0, "prediction"); });
  CHECK(dataset.find("/levels/0/prediction") != std::string::npos);
  CHECK(dataset.find("belief") != std::string::npos);
  CHECK(message_of<DataError>([&] { analyse("tokens_to_switch", path); }).find("stayed") != std::string::npos);
  CHECK(message_of<DataError>([&] { analyse("evidence", path); }).find("tokens/surprise") != std::string::npos);

  { Hdf5File(folder.file("other.h5"), Hdf5File::Mode::create).make_group("/measurements"); }
  CHECK(message_of<DataError>([&] { Trace(folder.file("other.h5")).root(); }).find("not a trace") != std::string::npos);
}

TEST_CASE("files that are not HDF5, or only part of one, are file errors", "[analysis]") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_AS(Trace(folder.file("absent.h5")), FileError);
  std::ofstream(folder.file("text.h5")) << "It is a truth universally acknowledged";
  CHECK_THROWS_AS(Trace(folder.file("text.h5")), FileError);
  write_trace(folder.file("t.h5"));
  std::filesystem::resize_file(folder.file("t.h5"), std::filesystem::file_size(folder.file("t.h5")) / 2);
  CHECK_THROWS_AS(analyse("half_life", folder.file("t.h5")), FileError);
}

TEST_CASE("a number that is not finite is reported with its place, fill is not looked at", "[analysis]") {
  const test::TemporaryFolder folder;
  const auto write = [&](const std::string& path, double bad_time, bool with_valid) {
    Hdf5File file(path, Hdf5File::Mode::create);
    const auto value = [&](double t, Index s, Index u) {
      return t == bad_time && s == 1 && u == 2 ? std::numeric_limits<double>::quiet_NaN() : plain(t, s, u);
    };
    write_level(file, "/levels/0", "belief", times(0, 5), 2, 3, value);
    const std::vector<std::int32_t> valid = {6, 4};
    if (with_valid) file.write<std::int32_t>("/valid", {2}, valid);
    file.close();
  };
  write(folder.file("bad.h5"), 3, true);
  const std::string message = message_of<DataError>([&] { Trace(folder.file("bad.h5")).root().vectors(0, "belief"); });
  CHECK(message.find("/levels/0/belief") != std::string::npos);
  CHECK(message.find("(3, 1, 2)") != std::string::npos);
  write(folder.file("fill.h5"), 4, true);
  CHECK_NOTHROW(Trace(folder.file("fill.h5")).root().vectors(0, "belief"));
  write(folder.file("no_valid.h5"), 4, false);
  CHECK_THROWS_AS(Trace(folder.file("no_valid.h5")).root().vectors(0, "belief"), DataError);
}

TEST_CASE("shapes that do not fit are shape errors", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("t.h5");
  {
    Hdf5File file(path, Hdf5File::Mode::create);
    write_level(file, "/levels/0", "belief", times(0, 5), 2, 3, plain);
    write_level(file, "/levels/1", "belief", times(0, 5), 2, 0, plain);  // (time, stream)
    write_level(file, "/conditions/twin/levels/0", "belief", times(0, 5), 2, 4, plain);
    write_level(file, "/conditions/short/levels/0", "belief", times(0, 5), 2, 3, plain);
    const std::vector<std::int64_t> backwards = {0, 1, 2, 2, 3, 4}, few = {0, 1};
    write_level(file, "/levels/2", "belief", times(0, 5), 2, 3, plain);
    const std::vector<float> data(36, 0.0F);
    file.write<float>("/levels/3/belief", {6, 2, 3}, data);
    file.write<std::int64_t>("/levels/3/time", {2}, few);
    file.write<float>("/levels/4/belief", {6, 2, 3}, data);
    file.write<std::int64_t>("/levels/4/time", {6}, backwards);
    const std::vector<std::int32_t> valid = {1, 1, 1};
    file.write<std::int32_t>("/conditions/short/valid", {3}, valid);
    file.close();
  }
  const Trace trace(path);
  CHECK_THROWS_AS(analyse("half_life", path), ShapeError);  // units differ
  CHECK_THROWS_AS(trace.root().vectors(1, "belief"), ShapeError);
  CHECK_THROWS_AS(trace.root().vectors(3, "belief"), ShapeError);
  CHECK_THROWS_AS(trace.root().vectors(4, "belief"), DataError);
  CHECK_THROWS_AS(trace.condition("short").vectors(0, "belief"), ShapeError);
}
