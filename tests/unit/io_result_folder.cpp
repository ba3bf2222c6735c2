#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>

#include "core/error.hpp"
#include "core/io/file.hpp"
#include "core/io/result_folder.hpp"
#include "tests/support/temporary.hpp"

using namespace strata;
using strata::test::TemporaryFolder;
namespace fs = std::filesystem;

TEST_CASE("result folder: partial while it goes on, whole when it is there", "[io]") {
  const TemporaryFolder folder;
  const std::string dir = folder / "a/b/run";
  {
    ResultFolder results = ResultFolder::create(dir + "/");
    results.set_quiet(true);
    REQUIRE(fs::exists(dir + ".partial/log.txt"));
    REQUIRE(!fs::exists(dir));
    results.log("one");
    results.log("two");
    results.write_config("seed = 1\n");
    results.write_text("figures/one.txt", "x");
    results.write_summary(Summary().set("seed", 1));
    results.finish();
    REQUIRE(results.file("log.txt") == dir + "/log.txt");
  }
  REQUIRE(!fs::exists(dir + ".partial"));
  REQUIRE(read_file(dir + "/log.txt") == "one\ntwo\n");
  REQUIRE(read_file(dir + "/config.ini") == "seed = 1\n");
  REQUIRE(read_file(dir + "/summary.json") == "{\n  \"seed\": 1\n}\n");
  REQUIRE_THROWS_WITH(ResultFolder::create(dir), Catch::Contains("complete") && Catch::Contains("--out"));
  REQUIRE_THROWS_WITH(ResultFolder::resume(dir), Catch::Contains("is complete"));
  REQUIRE(read_file(dir + "/config.ini") == "seed = 1\n");
}

TEST_CASE("result folder: an interrupted run is resumed, not overwritten; one that barely began leaves nothing", "[io]") {
  const TemporaryFolder folder;
  const std::string dir = folder / "run";
  {
    ResultFolder results = ResultFolder::create(dir);
    results.write_text("model.h5", "learned");
    REQUIRE_THROWS_WITH(ResultFolder::resume(dir), Catch::Contains("another strata is writing it"));
    REQUIRE_THROWS_AS(ResultFolder::create(dir), FileError);
  }
  REQUIRE_THROWS_WITH(ResultFolder::create(dir), Catch::Contains("--resume " + dir));
  {
    ResultFolder results = ResultFolder::resume(dir + ".partial");
    REQUIRE(read_file(results.file("model.h5")) == "learned");
    results.finish();
  }
  REQUIRE(read_file(dir + "/log.txt").rfind("resumed 20", 0) == 0);
  REQUIRE_THROWS_WITH(ResultFolder::resume(folder / "never"), Catch::Contains("no such unfinished run"));
  { const ResultFolder begun = ResultFolder::create(folder / "begun"); }
  REQUIRE(!fs::exists(folder / "begun.partial"));
}

TEST_CASE("result folder: places that cannot be written", "[io]") {
  const TemporaryFolder folder;
  std::ofstream(folder / "file") << "x";
  REQUIRE_THROWS_AS(ResultFolder::create(folder / "file"), FileError);
  REQUIRE_THROWS_AS(ResultFolder::create(folder / "file/inside"), FileError);
  REQUIRE_THROWS_AS(ResultFolder::create("/proc/strata_cannot_write_here"), FileError);
  fs::create_directory(folder / "empty");  // an empty folder may be filled
  ResultFolder results = ResultFolder::create(folder / "empty");
  results.write_text("x", "y");
  results.finish();
  REQUIRE(fs::exists(folder / "empty/x"));
}

TEST_CASE("result folder: a full disk", "[io]") {
  const TemporaryFolder folder;
  const pid_t child = test::start_child([&] {
    ResultFolder results = ResultFolder::create(folder / "run");
    results.write_text("summary.json", "old");
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      results.write_text("summary.json", std::string(100000, 'x'));
    } catch (const FileError& error) {
      return std::string(error.what()).find("the disk is full") != std::string::npos ? error.exit_code() : 1;
    }
    return 2;
  });
  REQUIRE(test::wait_for(child) == 6);
  REQUIRE(read_file(folder / "run.partial/summary.json") == "old");
  REQUIRE(!fs::exists(folder / "run.partial/summary.json.partial"));
}

TEST_CASE("result folder: the default name holds date and digest and never collides", "[io]") {
  const TemporaryFolder folder;
  const fs::path first = ResultFolder::default_dir("belief_inertia", "config", folder.path());
  REQUIRE(first.parent_path() == fs::path(folder / "belief_inertia"));
  REQUIRE(first.filename().string().size() == 8 + 1 + 6 + 1 + 8);
  fs::create_directories(first);
  REQUIRE(ResultFolder::default_dir("belief_inertia", "config", folder.path()) != first);
}

TEST_CASE("summary: order, nesting, absence", "[io]") {
  Summary summary;
  summary.set("experiment", "x").set("seed", 3).set("dirty", false).set("seconds", 1.5).set("perplexity", std::optional<double>());
  Summary& low = summary.item("levels", 0);
  summary.item("levels", 1).set("name", "sentence").set("recovery_ci95", std::vector<double>{1, 2.5});
  low.set("name", "token").set("half_life", 0.1);
  summary.section("parts").set("files", std::vector<std::string>{"a", "b"});
  const std::string json = summary.to_json();
  REQUIRE(
      json ==
      "{\n  \"experiment\": \"x\",\n  \"seed\": 3,\n  \"dirty\": false,\n  \"seconds\": 1.5,\n  \"levels\": [\n    {\n      \"name\": \"token\",\n"
      "      \"half_life\": 0.1\n    },\n    {\n      \"name\": \"sentence\",\n      \"recovery_ci95\": [\n        1.0,\n        2.5\n      ]\n    }\n  ],\n"
      "  \"parts\": {\n    \"files\": [\n      \"a\",\n      \"b\"\n    ]\n  }\n}\n");
  const Summary back = Summary::from_json(json, "summary.json");
  REQUIRE(back.to_json() == json);
  REQUIRE(back.number("seed") == 3.0);
  REQUIRE(!back.number("perplexity"));
  REQUIRE(back.items("levels") == 2);
  REQUIRE(back.entry("levels", 1)->numbers("recovery_ci95") == std::vector<double>{1, 2.5});
  REQUIRE(back.entry("levels", 2) == nullptr);
  REQUIRE(back.object("parts")->has("files"));
  Summary copy = summary;
  copy.item("levels", 0).set("name", "other");
  REQUIRE(summary.entry("levels", 0)->text("name") == "token");
  REQUIRE(!Summary::from_json("{\"a\": null}", "x").has("a"));
  REQUIRE_THROWS_AS(Summary::from_json("[1]", "x"), DataError);
  REQUIRE_THROWS_AS(Summary::from_json("{", "x"), DataError);
}

TEST_CASE("summary: NaN and infinity never reach the file", "[io]") {
  const TemporaryFolder folder;
  const double bad = GENERATE(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  ResultFolder results = ResultFolder::create(folder / "run");
  Summary summary;
  summary.item("levels", 2).set("half_life", bad);
  REQUIRE_THROWS_AS(results.write_summary(summary), NumericalError);
  REQUIRE_THROWS_WITH(results.write_summary(summary), Catch::Contains("levels[2].half_life"));
  REQUIRE_THROWS_WITH(Summary().set("recovery_ci95", std::vector<double>{1, bad}).to_json(), Catch::Contains("recovery_ci95[1]"));
  REQUIRE(!fs::exists(results.file("summary.json")));
}
