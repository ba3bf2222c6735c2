#include <signal.h>
#include <sys/resource.h>

#include <bit>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <thread>

#include "core/device/device.hpp"
#include "core/error.hpp"
#include "core/io/checkpoint.hpp"
#include "core/io/file.hpp"
#include "core/io/hdf5.hpp"
#include "tests/support/temporary.hpp"

using namespace strata;
using Catch::Contains;
using strata::test::TemporaryFolder;

namespace {

/// One of everything an archive can hold.
struct Thing {
  std::unique_ptr<Device<float>> device = make_device<float>({"reference", "auto", 1});
  Tensor<float> weight;
  std::int64_t count = 0;
  double rate = 0;
  std::string text;
  std::vector<std::uint8_t> bytes;
  std::vector<std::int32_t> small;
  std::vector<std::int64_t> large;
  std::vector<float> singles;
  std::vector<double> doubles;

  Thing(Index rows, Index cols) : weight(*device, rows, cols) {}

  void archive(Archive& archive) {
    archive.value("count", count);
    archive.value("rate", rate);
    const Archive::Scope scope(archive, "level");
    archive.value("text", text);
    archive.value("bytes", bytes);
    {
      const Archive::Scope inner(archive, "2");
      archive.value("small", small);
      archive.value("large", large);
      archive.tensor("weight", weight);
    }
    archive.value("singles", singles);
    archive.value("doubles", doubles);
  }

  void fill(float first) {
    std::vector<float> values(static_cast<std::size_t>(weight.rows() * weight.cols()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = first + static_cast<float>(i) / 3;
    device->upload(values, weight.view());
    count = std::numeric_limits<std::int64_t>::min();
    rate = 0.1;
    text = std::string("겨울\0 \n", 9);
    bytes = {0, 255, 7};
    small = {-1, 2};
    large = {};
    singles = {std::numeric_limits<float>::denorm_min(), -0.0F};
    doubles = {1.0 / 3, -std::numeric_limits<double>::infinity()};
  }

  std::vector<float> values() {
    std::vector<float> out(static_cast<std::size_t>(weight.rows() * weight.cols()));
    device->download(weight.view(), out);
    return out;
  }
};

void save(const std::string& path, Thing& thing, const FileKind& kind = model_file) {
  save_atomically(
      path, [&](Archive& archive) { thing.archive(archive); }, {{"config", "seed = 1\n"}}, kind);
}

void load(const std::string& path, Thing& thing) {
  strata::load(path, [&](Archive& archive) { thing.archive(archive); });
}

std::string reason(const std::string& path) {
  Thing thing(5, 3);
  try {
    load(path, thing);
  } catch (const FileError& error) {
    REQUIRE(error.exit_code() == 6);
    REQUIRE(error.path == path);
    return error.what();
  }
  return "loaded";
}

}  // namespace

TEST_CASE("checkpoint: everything comes back to the bit", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.h5";
  Thing first(5, 3), second(5, 3);
  first.fill(1);
  save(path, first);
  save(path, first);  // over the old one
  load(path, second);
  REQUIRE(second.values() == first.values());
  REQUIRE(second.count == first.count);
  REQUIRE(second.rate == first.rate);
  REQUIRE(second.text == first.text);
  REQUIRE(second.bytes == first.bytes);
  REQUIRE(second.small == first.small);
  REQUIRE(second.large.empty());
  REQUIRE(std::bit_cast<std::uint32_t>(second.singles[1]) == std::bit_cast<std::uint32_t>(-0.0F));
  REQUIRE(second.singles == first.singles);
  REQUIRE(second.doubles == first.doubles);
  REQUIRE(!std::filesystem::exists(path + ".partial"));
  const auto notes = read_notes(path);
  REQUIRE(notes.at("config") == "seed = 1\n");
  REQUIRE(notes.at("kind") == "strata model");
  REQUIRE(notes.count("strata_version") == 1);
  // stored dense: columns x rows, row-major
  const auto stored = Hdf5File(path).read<float>("/state/level/2/weight");
  REQUIRE(stored.shape == Shape{3, 5});
  REQUIRE(stored.data == first.values());
  if (test::shell("command -v h5dump").first == 0) REQUIRE(test::shell("h5dump " + path).first == 0);
}

TEST_CASE("checkpoint: another size, a missing dataset, another type", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.h5";
  Thing first(5, 3), wide(5, 4);
  first.fill(1);
  save(path, first);
  REQUIRE_THROWS_AS(load(path, wide), ShapeError);
  REQUIRE_THROWS_WITH(load(path, wide), Contains("(5, 4) (rows, columns)") && Contains("(5, 3)"));
  REQUIRE_THROWS_WITH(strata::load(path,
                                   [](Archive& archive) {
                                     double x = 0;
                                     archive.value("count", x);
                                   }),
                      Contains("int64") && Contains("float64"));
  REQUIRE_THROWS_WITH(strata::load(path,
                                   [](Archive& archive) {
                                     double x = 0;
                                     archive.value("absent", x);
                                   }),
                      Contains("[/state/absent]") && Contains("missing"));
}

TEST_CASE("checkpoint: foreign, of another version, truncated", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.h5", other = folder / "other.h5";
  Thing thing(5, 3);
  thing.fill(1);
  save(path, thing);
  const std::string whole = read_file(path);
  CHECK_THAT(reason(folder / "absent.h5"), Contains("no such file"));
  CHECK_THAT(reason(folder.path()), Contains("is a folder"));
  std::ofstream(other) << "Emma Woodhouse, handsome, clever, and rich, with a comfortable home and happy disposition\n";
  CHECK_THAT(reason(other), Contains("is not an HDF5 file"));
  for (std::size_t size = 16; size < whole.size(); size += whole.size() / 7) {
    write_atomically(other, whole.substr(0, size));
    CHECK_THAT(reason(other), Contains("truncated or damaged"));
  }
  {
    Hdf5File foreign(other, Hdf5File::Mode::create);
    foreign.write<double>("/x", {1}, std::vector<double>{1});
    foreign.close();
  }
  CHECK_THAT(reason(other), Contains("not a strata model"));
  save(other, thing, {"strata checkpoint", 1});
  CHECK_THAT(reason(other), Contains("is a strata checkpoint, not a strata model"));
  save(other, thing, {model_file.name, model_file.format + 1});
  CHECK_THAT(reason(other), Contains("the build that wrote it (commit "));
  {
    Hdf5File later(other, Hdf5File::Mode::write);
    later.set_text("/", "strata_version", "9.8.7");
    later.close();
  }
  CHECK_THAT(reason(other), Contains("format " + std::to_string(model_file.format + 1)) && Contains("strata 9.8.7") &&
                                Contains("reads format " + std::to_string(model_file.format)) && Contains("train again"));
  CHECK(reason(path) == "loaded");
}

TEST_CASE("checkpoint: NaN in a weight is a numerical error that names it", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.h5";
  Thing thing(5, 3);
  thing.fill(1);
  save(path, thing);
  const std::string before = read_file(path);
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity());
  {  // saving refuses and keeps the old file
    thing.fill(bad);
    REQUIRE_THROWS_AS(save(path, thing), NumericalError);
    REQUIRE(read_file(path) == before);
  }
  if (test::shell(std::string(STRATA_PYTHON) + " -c 'import h5py'").first != 0) {
    std::cout << "SKIPPED: python3 has no h5py\n";
    return;
  }
  const auto [code, output] = test::shell(std::string(STRATA_PYTHON) + " -c \"import h5py; h5py.File('" + path +
                                          "', 'r+')['/state/level/2/weight'][2, 1] = float('" + (std::isnan(bad) ? "nan" : "inf") + "')\"");
  INFO(output);
  REQUIRE(code == 0);
  try {
    load(path, thing);
    FAIL("loaded");
  } catch (const NumericalError& error) {
    REQUIRE(error.exit_code() == 4);
    REQUIRE_THAT(error.what(), Contains("/state/level/2/weight") && Contains(path) && Contains("element 11"));
  }
}

TEST_CASE("checkpoint: kill -9 in the middle of saving leaves a whole file", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.h5";
  Thing seen(300, 200);
  for (int round = 0; round < 12; ++round) {
    const std::string mark = folder / ("saved" + std::to_string(round));
    const pid_t child = test::start_child([&]() -> int {
      Thing thing(300, 200);
      for (int i = 0;; ++i) {
        thing.fill(static_cast<float>(i));
        save(path, thing);
        if (i == round) std::ofstream(mark) << 1;
      }
    });
    while (!std::filesystem::exists(mark)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::microseconds(1357 * round));
    kill(child, SIGKILL);
    REQUIRE(test::wait_for(child) == 128 + SIGKILL);
    load(path, seen);
    const auto values = seen.values();
    const float first = values[0];
    for (std::size_t i = 0; i < values.size(); i += 997) REQUIRE(values[i] == first + static_cast<float>(i) / 3);
    REQUIRE(first >= static_cast<float>(round));  // what was saved before the kill
  }
}

TEST_CASE("checkpoint: a full disk keeps the old file and says so", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.h5";
  Thing thing(300, 200);
  thing.fill(1);
  save(path, thing);
  const std::string before = read_file(path);
  const pid_t child = test::start_child([&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{50000, 50000};
    setrlimit(RLIMIT_FSIZE, &limit);
    for (int attempt = 0; attempt < 2; ++attempt) {  // a second attempt fails as plainly as the first
      try {
        save(path, thing);
        return 2;
      } catch (const FileError& error) {
        if (std::string(error.what()).find("the disk is full") == std::string::npos) return 1;
      }
    }
    return 6;
  });
  REQUIRE(test::wait_for(child) == 6);
  REQUIRE(read_file(path) == before);
  REQUIRE(!std::filesystem::exists(path + ".partial"));
}

TEST_CASE("checkpoint: a place that cannot be written is found before the work", "[io]") {
  const TemporaryFolder folder;
  Thing thing(5, 3);
  REQUIRE_THROWS_AS(save(folder / "no/such/folder/model.h5", thing), FileError);
  REQUIRE_THROWS_AS(require_writable("/proc/model.h5"), FileError);
  REQUIRE_THROWS_WITH(require_writable(folder.path()), Contains("is a folder"));
  std::ofstream(folder / "file") << "x";
  REQUIRE_THROWS_AS(require_writable(folder / "file/model.h5"), FileError);
  require_writable(folder / "made/on/the/way/model.h5");
  save(folder / "made/on/the/way/model.h5", thing);
  REQUIRE(!std::filesystem::exists(folder / "made/on/the/way/model.h5.partial"));
}
