#include <signal.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "core/error.hpp"
#include "core/io/trace.hpp"
#include "tests/support/temporary.hpp"

using namespace strata;
using strata::test::TemporaryFolder;

namespace {

constexpr std::int64_t streams = 3, units = 5;

TraceLayout small_layout() {
  TraceLayout layout;
  layout.groups.push_back(
      {"/", {{"strata_version", std::string("0.1.0")}, {"seed", std::int64_t{7}}, {"config", std::string(100000, 'c')}}});
  layout.groups.push_back({"/levels/1", {{"name", std::string("sentence")}, {"time_constant", 24.0}}});
  layout.groups.push_back({"/conditions/twin", {{"reference", std::string("/")}}});
  for (const std::string root : {"", "/conditions/twin"}) {
    for (const std::string level : {"0", "1"}) {
      const std::string group = root + "/levels/" + level;
      layout.datasets.push_back(
          {group + "/belief", {"time", "stream", "unit"}, {unlimited, streams, units}, NumberType::f32, "1", "settled belief"});
      layout.datasets.push_back({group + "/surprise", {"time", "stream"}, {unlimited, streams}, NumberType::f32, "nats", "surprise"});
      layout.datasets.push_back({group + "/active", {"time"}, {unlimited}, NumberType::u8, "1", "level exists"});
    }
    layout.datasets.push_back({root + "/valid", {"stream"}, {streams}, NumberType::i32, "tokens", "common tokens read"});
  }
  layout.datasets.push_back({"/events/kind",
                             {"event"},
                             {unlimited},
                             NumberType::u8,
                             "1",
                             "kind of event",
                             {{"flag_values", std::vector<std::uint8_t>{1, 2}}, {"flag_meanings", std::string("sentence paragraph")}}});
  layout.datasets.push_back({"/events/time", {"event"}, {unlimited}, NumberType::i64, "tokens", "when"});
  return layout;
}

/// Row `t` of every growing dataset; /levels/0/active is left out on purpose.
void record(TraceWriter& trace, std::int64_t t) {
  for (const std::string root : {"", "/conditions/twin"})
    for (const std::string level : {"0", "1"}) {
      const std::string group = root + "/levels/" + level;
      std::vector<float> belief(static_cast<std::size_t>(streams * units)), surprise(static_cast<std::size_t>(streams));
      for (std::size_t i = 0; i < belief.size(); ++i) belief[i] = static_cast<float>(t * 100) + static_cast<float>(i);
      for (std::size_t i = 0; i < surprise.size(); ++i) surprise[i] = static_cast<float>(t) + 0.5F * static_cast<float>(i);
      trace.append<float>(trace.handle(group + "/belief"), belief);
      trace.append<float>(trace.handle(group + "/surprise"), surprise);
      const std::int64_t time = t;
      trace.append<std::int64_t>(trace.handle(group + "/time"), std::span(&time, 1));
      const std::uint8_t yes = 1;
      if (level == "1") trace.append<std::uint8_t>(trace.handle(group + "/active"), std::span(&yes, 1));
    }
}

void require_rows(const std::string& path, std::int64_t rows) {
  const Hdf5File file(path);
  for (const std::string group : {"/levels/0", "/conditions/twin/levels/1"}) {
    const auto belief = file.read<float>(group + "/belief");
    const auto surprise = file.read<double>(group + "/surprise");
    const auto time = file.read<std::int64_t>(group + "/time");
    REQUIRE(belief.shape == Shape{rows, streams, units});
    REQUIRE(surprise.shape == Shape{rows, streams});
    REQUIRE(time.shape == Shape{rows});
    for (std::int64_t t = 0; t < rows; ++t) {
      REQUIRE(time.data[static_cast<std::size_t>(t)] == t);
      REQUIRE(belief.data[static_cast<std::size_t>(t * streams * units + 7)] == static_cast<float>(t * 100 + 7));
      REQUIRE(surprise.data[static_cast<std::size_t>(t * streams + 2)] == static_cast<double>(t) + 1.0);
    }
  }
}

bool python_has(const std::string& modules) { return test::shell(std::string(STRATA_PYTHON) + " -c 'import " + modules + "'").first == 0; }

void limit_file_size(rlim_t bytes) {
  signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, bytes};
  setrlimit(RLIMIT_FSIZE, &limit);
}

}  // namespace

TEST_CASE("trace: rows and blocks come back; short datasets are filled", "[io]") {
  const bool swmr = GENERATE(true, false), background = GENERATE(true, false);
  const TemporaryFolder folder;
  const std::string path = folder / "trace.h5";
  constexpr std::int64_t rows = 2500;
  {
    TraceWriter trace(path, small_layout(), {swmr, background, 1, std::size_t{1} << 16});
    for (std::int64_t t = 0; t < rows; ++t) record(trace, t);
    const std::vector<std::uint8_t> kinds{1, 2, 1};
    trace.append<std::uint8_t>(trace.handle("/events/kind"), kinds);
    const std::vector<std::int32_t> valid{10, 20, 30};
    trace.write_block<std::int32_t>(trace.handle("/valid"), {0}, {3}, valid);
    REQUIRE(trace.rows(trace.handle("/levels/1/belief")) == rows);
    trace.close();
  }
  require_rows(path, rows);
  const Hdf5File file(path);
  REQUIRE(!file.live());
  REQUIRE(!hdf5_flagged(path));
  REQUIRE(file.read<std::int32_t>("/valid").data == std::vector<std::int32_t>{10, 20, 30});
  REQUIRE(file.read<std::int32_t>("/conditions/twin/valid").data == std::vector<std::int32_t>{-1, -1, -1});
  REQUIRE(file.read<std::uint8_t>("/levels/0/active").data == std::vector<std::uint8_t>(rows, 0));
  REQUIRE(file.read<std::int64_t>("/events/event").data == std::vector<std::int64_t>{0, 1, 2});
  REQUIRE(file.read<std::int64_t>("/events/time").data == std::vector<std::int64_t>{-1, -1, -1});
  REQUIRE(file.text_attribute("/", "config").size() == 100000);
  REQUIRE(file.number_attribute("/levels/1", "time_constant") == 24.0);
  for (const std::string& dataset : file.all_datasets()) {
    INFO(dataset);
    REQUIRE(!file.text_attribute(dataset, "units").empty());
    REQUIRE(!file.text_attribute(dataset, "long_name").empty());
    if (!file.has_attribute(dataset, "_Netcdf4Dimid")) REQUIRE(file.has_attribute(dataset, "DIMENSION_LIST"));
  }
}

TEST_CASE("trace: xarray, h5py and h5dump open it", "[io]") {
  if (!python_has("h5py, xarray, h5netcdf")) {
    std::cout << "SKIPPED: python3 has no h5py, xarray and h5netcdf\n";
    return;
  }
  const TemporaryFolder folder;
  const std::string path = folder / "trace.h5", script = folder / "look.py";
  {
    TraceWriter trace(path, small_layout());
    for (std::int64_t t = 0; t < 300; ++t) record(trace, t);
    trace.close();
  }
  std::ofstream(script) << R"(
import sys, warnings
warnings.simplefilter('error')
import h5py, numpy, xarray
path = sys.argv[1]
for group in ['levels/1', 'conditions/twin/levels/0']:
    d = xarray.open_dataset(path, engine='h5netcdf', group=group)
    assert d.belief.dims == ('time', 'stream', 'unit') and d.belief.shape == (300, 3, 5), d
    assert set(d.coords) == {'time', 'stream', 'unit'} and set(d.dims) == {'time', 'stream', 'unit'}
    assert d.time.dtype == 'int64' and list(d.time.values[:3]) == [0, 1, 2] and list(d.stream.values) == [0, 1, 2]
    assert d.surprise.attrs['units'] == 'nats' and d.belief.attrs['long_name'] == 'settled belief'
    assert float(d.belief.sel(time=9, stream=1, unit=2)) == 907 and d.active.dtype == 'uint8'
assert xarray.open_dataset(path, engine='h5netcdf', group='levels/1').attrs['name'] == 'sentence'
root = xarray.open_dataset(path, engine='h5netcdf')
assert root.valid.dims == ('stream',) and root.attrs['seed'] == 7 and root.attrs['strata_version'] == '0.1.0'
events = xarray.open_dataset(path, engine='h5netcdf', group='events')
assert list(events.kind.attrs['flag_values']) == [1, 2] and events.kind.attrs['flag_values'].dtype == 'uint8'
with h5py.File(path) as f:
    seen = []
    def look(name, o):
        if isinstance(o, h5py.Dataset):
            seen.append(name)
            assert isinstance(o.attrs['units'], str) and o.attrs['units'] and o.attrs['long_name'], name
            if o.attrs.get('CLASS') != b'DIMENSION_SCALE':
                assert all(len(dim) == 1 for dim in o.dims), name
                assert all((dim[0].name.rsplit('/', 1)[0] or '/') == o.parent.name for dim in o.dims), name
    f.visititems(look)
    assert f['levels/1/belief'].chunks[1:] == (3, 5) and f['levels/1/belief'].compression == 'gzip' and f['levels/1/belief'].shuffle
    ids = [f[n].attrs['_Netcdf4Dimid'] for n in seen if '_Netcdf4Dimid' in f[n].attrs]
    assert len(ids) == len(set(ids)) > 5
)";
  const auto [code, output] = test::shell(std::string(STRATA_PYTHON) + " " + script + " " + path);
  INFO(output);
  REQUIRE(code == 0);
  if (test::shell("command -v h5dump").first == 0) {
    const auto dump = test::shell("h5dump -H " + path);
    REQUIRE(dump.first == 0);
    REQUIRE(dump.second.find("DATASET \"belief\"") != std::string::npos);
  }
}

TEST_CASE("trace: a reader looks while it is written", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "trace.h5";
  const auto wait_until = [](const std::string& file) {
    while (!std::filesystem::exists(file)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  const pid_t writer = test::start_child([&] {
    TraceWriter trace(path, small_layout());
    for (std::int64_t t = 0; t < 100; ++t) record(trace, t);
    trace.flush();
    std::ofstream(folder / "written") << 1;
    wait_until(folder / "read");
    for (std::int64_t t = 100; t < 120; ++t) record(trace, t);
    trace.close();
    return 0;
  });
  wait_until(folder / "written");
  {
    const Hdf5File file(path);
    CHECK(file.live());
    CHECK(file.shape("/levels/0/belief")[0] == 100);
    CHECK(file.read_slab<float>("/levels/0/belief", {99, 0, 0}, {1, 1, 1}).data[0] == 9900);
  }
  CHECK_THROWS_WITH(TraceWriter(path, small_layout()), Catch::Contains("another strata is writing it"));
  if (python_has("h5py")) {
    const auto [code, output] = test::shell(std::string(STRATA_PYTHON) + " -c \"import h5py; f = h5py.File('" + path +
                                            "', swmr=True); assert f['levels/1/surprise'].shape == (100, 3)\"");
    INFO(output);
    CHECK(code == 0);
  }
  std::ofstream(folder / "read") << 1;
  REQUIRE(test::wait_for(writer) == 0);
  require_rows(path, 120);
}

TEST_CASE("trace: kill -9 while it is written, then read", "[io]") {
  const int delay = GENERATE(0, 3, 11, 40, 150);
  const TemporaryFolder folder;
  const std::string path = folder / "trace.h5", mark = folder / "mark";
  const pid_t child = test::start_child([&]() -> int {
    TraceWriter trace(path, small_layout(), {true, true, 1, std::size_t{1} << 16});
    for (std::int64_t t = 0;; ++t) {
      record(trace, t);
      if (t % 137 == 0) trace.flush();
      if (t != 700) continue;
      trace.flush();
      std::ofstream(mark) << 1;
      std::filesystem::rename(mark, mark + ".done");
    }
  });
  while (!std::filesystem::exists(mark + ".done")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(delay));
  kill(child, SIGKILL);
  REQUIRE(test::wait_for(child) == 128 + SIGKILL);
  REQUIRE(hdf5_flagged(path));

  {
    const Hdf5File file(path);
    REQUIRE(!file.live());
    REQUIRE(!hdf5_flagged(path));
    REQUIRE(file.shape("/levels/0/belief")[0] >= 701);
    REQUIRE(file.read_slab<float>("/levels/0/belief", {700, 0, 0}, {1, 1, 1}).data[0] == 70000);
  }
  if (test::shell("command -v h5dump").first == 0) REQUIRE(test::shell("h5dump " + path + " > /dev/null").first == 0);
}

TEST_CASE("trace: wrong shapes and types are named", "[io]") {
  const TemporaryFolder folder;
  TraceWriter trace(folder / "trace.h5", small_layout());
  const std::vector<float> values(7);
  const std::vector<double> doubles(15);
  REQUIRE_THROWS_AS(trace.append<float>(trace.handle("/levels/0/belief"), values), ShapeError);
  REQUIRE_THROWS_WITH(trace.append<double>(trace.handle("/levels/0/belief"), doubles),
                      Catch::Contains("float32") && Catch::Contains("float64"));
  REQUIRE_THROWS_AS(trace.handle("/levels/7/belief"), FileError);
  REQUIRE_THROWS_AS(trace.write_block<std::int32_t>(trace.handle("/valid"), {2}, {2}, std::vector<std::int32_t>(2)), ShapeError);
  TraceLayout bad;
  bad.datasets = {{"/x/a", {"time", "unit"}, {unlimited, 3}, NumberType::f32, "1", "a"},
                  {"/x/b", {"time", "unit"}, {unlimited, 4}, NumberType::f32, "1", "b"}};
  REQUIRE_THROWS_WITH(TraceWriter(folder / "bad.h5", bad), Catch::Contains("unit = 3"));
  bad.datasets = {{"/x/a", {"time"}, {unlimited}, NumberType::f32, "tokens since the start", "a"}};
  REQUIRE_THROWS_WITH(TraceWriter(folder / "bad.h5", bad), Catch::Contains("dates"));
}

TEST_CASE("trace: a full disk is one error that says so, and the process ends quietly", "[io]") {
  const TemporaryFolder folder;
  const std::string said = folder / "stderr";
  for (const bool background : {true, false}) {
    const pid_t child = test::start_child([&] {
      const int out = open(said.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
      dup2(out, 2);
      limit_file_size(400000);
      try {
        TraceWriter trace(folder / "trace.h5", small_layout(), {true, background, 1, std::size_t{1} << 16});
        for (std::int64_t t = 0; t < 200000; ++t) record(trace, t);
        trace.close();
      } catch (const FileError& error) {
        return std::string(error.what()).find("the disk is full") != std::string::npos && error.path == folder / "trace.h5" ? 6 : 1;
      }
      return 2;
    });
    REQUIRE(test::wait_for(child) == 6);
    REQUIRE(std::filesystem::file_size(said) == 0);
  }
}
