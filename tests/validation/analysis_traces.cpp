// Measures from whole trace files: one that a ten-line h5py script wrote, and synthetic experiments with known answers.

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "analysis/measure.hpp"
#include "core/error.hpp"
#include "tests/support/analysis_trace.hpp"

using namespace strata;
using test::times;
using test::write_level;

namespace {

const double kLn2 = std::log(2.0);

bool python_with_h5py() { return std::system(STRATA_PYTHON " -c 'import h5py, numpy' 2>/dev/null") == 0; }

/// Distance of two copies of level l in pair s: exp(-(t + 1) / tau_l), spread over three units.
double history(double t, Index level, Index stream, Index unit, double sign) {
  const double tau = 4.0 * std::pow(5.0, static_cast<double>(level));
  return sign * static_cast<double>(stream % 4 + 1) * static_cast<double>(unit + 1) * std::exp(-(t + 1.0) / tau);
}

void describe_level(Hdf5File& file, Index level) {
  const std::string group = "/levels/" + std::to_string(level);
  file.set_text(group, "name", level == 0 ? "token" : "sentence");
  file.set_number(group, "time_constant", 4.0 * std::pow(5.0, static_cast<double>(level)));
}

void write_inertia(const std::string& path) {
  Hdf5File file(path, Hdf5File::Mode::create);
  const Index pairs = 30;
  for (Index level = 0; level < 2; ++level) {
    const auto grid = times(-1, 299, level == 0 ? 1 : 2);
    const std::string group = "/levels/" + std::to_string(level);
    for (const char* copy :
         {"", "/conditions/twin", "/conditions/twin_l1", "/conditions/switch", "/conditions/always", "/conditions/stayed"}) {
      const std::string name = copy;
      const double sign = name.empty() ? 1.0 : name == "/conditions/twin_l1" ? 0.0 : -1.0;
      // A switched copy goes in a straight line from the old document (unit 0 = 0) to the new one (1): nearer to it after half of 20
      // or 100 tokens.
      const auto value = [&](double t, Index s, Index u) {
        if (name == "/conditions/always") return u == 0 ? 1.0 : 0.0;
        if (name == "/conditions/stayed") return 0.0;
        if (name == "/conditions/switch") return u == 0 ? std::min(1.0, (t + 1.0) / (level == 0 ? 20.0 : 100.0)) : 0.0;
        return history(t, level, s, u, sign);
      };
      write_level(file, name + group, "belief", grid, pairs, 3, value);
    }
    describe_level(file, level);
  }
  for (const char* copy : {"", "/conditions/twin", "/conditions/switch", "/conditions/always"}) {
    const std::string name = copy;
    // Pairs 0-9 read the least surprising text, after histories of which the opposite is true; a switched copy pays half a nat per
    // token more.
    const auto surprise = [&](double t, Index s, Index) {
      if (t < 0) return 50.0 - static_cast<double>(s);
      const Index tens = s / 10;
      return 4.0 + static_cast<double>(tens) + (name == "/conditions/switch" ? 0.5 : 0.0);
    };
    write_level(file, name + "/tokens", "surprise", times(-20, 299), pairs, 0, surprise);
  }
  file.set_text("/conditions/switch", "reference", "/conditions/always");
  file.close();
}

/// `tick` of the level, 0: the trace does not say.
/// `elsewhere`: the text itself raises the error most, ten tokens behind the place in both copies.
void write_recovery(const std::string& path, double tick = 0.0, bool elsewhere = false) {
  Hdf5File file(path, Hdf5File::Mode::create);
  const Index trials = 24;
  const double tau = 20.0;
  std::vector<std::int32_t> passage;
  for (Index s = 0; s < trials; ++s) passage.push_back(static_cast<std::int32_t>(6 + s));
  const auto grid = times(-40, 299);
  for (const bool disturbed : {false, true}) {
    const std::string group = std::string(disturbed ? "/conditions/sentence_work" : "") + "/levels/0";
    const auto inside = [&](double t, Index s) {
      return disturbed && t < 0 && t >= -static_cast<double>(passage[static_cast<std::size_t>(s)]);
    };
    const auto shift = [&](double t, Index s) {
      const double n = static_cast<double>(passage[static_cast<std::size_t>(s)]);
      return !disturbed || t < -n ? 0.0 : t < 0 ? t + n + 1.0 : n * std::exp(-(t + 1.0) / tau);
    };
    // Before time 0 the undisturbed state must stand still to be compared with; afterwards it moves.
    write_level(file, group, "prediction", grid, trials, 2,
                [&](double t, Index s, Index u) { return (u == 0 ? shift(t, s) : std::max(t, -1.0)); });
    write_level(file, group, "prediction_error_norm", grid, trials, 0, [&](double t, Index s, Index) {
      if (elsewhere) return t >= 10 && t < 30 ? 2.0 : 1.0;
      return inside(t, s) ? 3.0 : 1.0;
    });
    write_level(file, group, "surprise", grid, trials, 0, [&](double t, Index s, Index) { return inside(t, s) ? 8.0 : 6.0; });
  }
  // Where they belong the passages cost 100 - n nats less than here.
  write_level(file, "/conditions/belonging/levels/0", "surprise", times(-40, -1), trials, 0, [&](double t, Index s, Index) {
    const double n = static_cast<double>(passage[static_cast<std::size_t>(s)]);
    return t >= -n ? 8.0 - (100.0 - n) / n : 6.0;
  });
  file.set_text("/levels/0", "name", "token");
  if (tick > 0.0) file.set_number("/levels/0", "tick", tick);
  file.write<std::int32_t>("/conditions/sentence_work/passage_length", {trials}, passage);
  file.set_text("/conditions/sentence_work", "reference", "/");
  file.set_text("/conditions/sentence_work", "home", "/conditions/belonging");
  file.close();
}

}  // namespace

TEST_CASE("half_life of a trace that a ten-line h5py script wrote", "[analysis]") {
  if (!python_with_h5py()) {
    std::cout << "SKIPPED: " << STRATA_PYTHON << " has no h5py\n";
    return;
  }
  const test::TemporaryFolder folder;
  std::ofstream(folder.file("write.py")) << R"(import h5py, numpy as np, sys
rng = np.random.default_rng(1)
with h5py.File(sys.argv[1], "w") as f:
    for l, tau in enumerate([5.0, 50.0]):
        t = np.arange(400)[:, None, None]
        common = rng.normal(size=(400, 30, 8))
        gap = rng.normal(size=(1, 30, 8)) * np.exp(-t / tau)
        f[f"levels/{l}/belief"] = common
        f[f"conditions/twin/levels/{l}/belief"] = common + gap
)";
  const std::string path = folder.file("foreign.h5");
  REQUIRE(std::system((STRATA_PYTHON " " + folder.file("write.py") + " " + path).c_str()) == 0);
  const MeasureResult result = analyse("half_life", path);
  REQUIRE(result.levels.size() == 2);
  CHECK(result.levels[0].number("half_life") == Approx(5.0 * kLn2).epsilon(0.02));
  CHECK(result.levels[1].number("half_life") == Approx(50.0 * kLn2).epsilon(0.02));
  CHECK(result.levels[1].number("half_life_ratio") == Approx(10.0).epsilon(0.02));
  CHECK(result.levels[0].find("half_life_per_time_constant") == nullptr);
  CHECK(to_table(result).find("level 1") != std::string::npos);
  CHECK(to_json(result).find("nan") == std::string::npos);
}

TEST_CASE("belief inertia from a trace: half-lives, thirds, single level, evidence, switches", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("trace.h5");
  write_inertia(path);
  const MeasureResult half_life = analyse("half_life", path);
  CHECK(half_life.levels[0].number("half_life") == Approx(4.0 * kLn2).epsilon(0.02));
  CHECK(half_life.levels[1].number("half_life") == Approx(20.0 * kLn2).epsilon(0.02));
  CHECK(half_life.levels[1].number("half_life_per_time_constant") == Approx(kLn2).epsilon(0.02));
  CHECK(half_life.levels[1].number("half_life_single") == Approx(20.0 * kLn2).epsilon(0.02));
  CHECK(half_life.levels[0].find("half_life_single") == nullptr);
  CHECK(half_life.levels[0].number("censored_fraction") == 0.0);
  CHECK(half_life.values.number("surprise_of_low_third") == Approx(4.0));
  CHECK(half_life.values.number("surprise_of_high_third") == Approx(6.0));
  CHECK(half_life.levels[1].number("half_life_high_minus_low") == Approx(0.0).margin(1e-3));

  const MeasureResult found = analyse("evidence", path);
  CHECK(found.levels[1].number("evidence_nats") == Approx(0.5 * half_life.levels[1].number("half_life")));
  Configuration twin;
  twin.set_assignment("analyse.condition=twin");
  CHECK(analyse("evidence", path, twin).levels[1].number("evidence_nats") == Approx(0.0).margin(1e-9));

  const MeasureResult switches = analyse("tokens_to_switch", path);
  CHECK(switches.levels[0].number("tokens_to_switch") == 11.0);  // half way after ten tokens: as near; after eleven nearer
  CHECK(switches.levels[1].number("tokens_to_switch") == 52.0);  // sampled at every second token
  CHECK(switches.levels[1].number("tokens_to_switch_censored_fraction") == 0.0);
  for (const Measure& measure : {find_measure("half_life"), find_measure("evidence"), find_measure("tokens_to_switch")})
    CHECK_NOTHROW(nlohmann::json::parse(to_json(analyse(measure.name, path))));
  Configuration odd;
  odd.set_assignment("analyse.distance=manhattan");
  CHECK_THROWS_AS(analyse("half_life", path, odd), ConfigError);
}

TEST_CASE("a peak that the undisturbed copy has too is nobody's first", "[analysis]") {
  const test::TemporaryFolder folder;
  write_recovery(folder.file("trace.h5"), 0.0, true);
  const MeasureResult surprise = analyse("surprise", folder.file("trace.h5"));
  const MeasuredValues& error = surprise.part("sentence_work")->levels[0];
  CHECK(error.number("peak_error") > 1.5);
  CHECK(error.number("peak_error_undisturbed") == Approx(error.number("peak_error")).epsilon(.01));
  CHECK(surprise.part("sentence_work")->values.find("first_to_peak") == nullptr);
}

TEST_CASE("surprise and recovery from a trace", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("trace.h5");
  write_recovery(path);
  const MeasureResult recovery = analyse("recovery", path);
  REQUIRE(recovery.part("sentence_work") != nullptr);
  const MeasuredValues& level = recovery.part("sentence_work")->levels[0];
  CHECK(level.number("recovery") == Approx(20.0 * std::log(10.0)).epsilon(0.01));
  CHECK(level.number("displacement") == Approx(17.5));
  CHECK(level.number("censored_fraction") == 0.0);

  const MeasureResult surprise = analyse("surprise", path);
  const MeasuredValues& error = surprise.part("sentence_work")->levels[0];
  CHECK(error.number("peak_error") == Approx(3.0));
  CHECK(error.number("peak_error_undisturbed") == Approx(1.0));
  CHECK(surprise.part("sentence_work")->values.cell("first_to_peak") == "token");
  CHECK(error.number("peak_surprise") == Approx(8.0));
  CHECK(error.number("error_recovery") == 1.0);
  CHECK(error.number("excess_nats_passage") == Approx(2.0 * 17.5));
  CHECK(error.number("excess_nats_after") == Approx(0.0).margin(1e-9));
  CHECK(error.number("displacement_excess_r") == Approx(1.0));  // both are proportional to the passage's length
  CHECK(surprise.part("belonging") == nullptr);
  CHECK(surprise.part("sentence_work")->values.number("context_nats") == Approx(100.0 - 17.5));
  CHECK(error.number("displacement_context_r") == Approx(-1.0));
  CHECK(surprise.levels[0].number("displacement_context_r") == Approx(-1.0));
  const std::string ticking = folder.file("ticking.h5");
  write_recovery(ticking, 24.0);
  CHECK(analyse("surprise", ticking).part("sentence_work")->levels[0].number("error_recovery") == 24.0);  // its first tick
  CHECK(surprise.levels[0].number("insertions") == 24.0);
  CHECK_THROWS_AS(analyse("half_life", path), DataError);
}

TEST_CASE("half_life draws the documents of the histories where it is asked to", "[analysis]") {
  // 40 pairs of four documents, whose pairs are alike: half-lives 5, 10, 15 and 20 ln 2. Drawn by document an interval holds what four numbers can say.
  const test::TemporaryFolder folder;
  const Index pairs = 40;
  const auto write = [&](const std::string& path, bool shared) {
    Hdf5File file(path, Hdf5File::Mode::create);
    const auto grid = times(-2, 199);
    for (const char* copy : {"", "/conditions/twin"}) {
      const double sign = *copy == '\0' ? 1.0 : -1.0;
      write_level(file, copy + std::string("/levels/0"), "belief", grid, pairs, 1,
                  [&](double t, Index s, Index) { return sign * std::exp(-(t + 1.0) / (5.0 * static_cast<double>(s % 4 + 1))); });
      std::vector<std::int32_t> documents;
      for (const std::int64_t t : grid)
        for (Index s = 0; s < pairs; ++s)
          documents.push_back(t >= 0 ? 100 : static_cast<std::int32_t>(s % 4) + (shared || *copy == '\0' ? 0 : 4));
      file.write<std::int32_t>(copy + std::string("/tokens/document"), {static_cast<std::int64_t>(grid.size()), pairs}, documents);
      file.write<std::int64_t>(copy + std::string("/tokens/time"), {static_cast<std::int64_t>(grid.size())}, grid);
    }
    file.close();
  };
  const std::string path = folder.file("shared.h5"), apart = folder.file("apart.h5");
  write(path, true);
  write(apart, false);
  Configuration by_document;
  by_document.set("analyse.drawn", "documents");
  const auto width = [](const MeasureResult& result) {
    const auto json = nlohmann::json::parse(to_json(result));
    const auto ends = json["levels"][0]["half_life_ci95"];
    return ends[1].get<double>() - ends[0].get<double>();
  };
  const MeasureResult pairs_drawn = analyse("half_life", path), documents_drawn = analyse("half_life", path, by_document);
  CHECK(documents_drawn.values.number("documents") == 4.0);
  CHECK(documents_drawn.levels[0].number("half_life") == pairs_drawn.levels[0].number("half_life"));
  CHECK(width(documents_drawn) / width(pairs_drawn) == Approx(std::sqrt(10.0)).epsilon(.25));
  Configuration once_more;
  once_more.set("analyse.drawn", "documents");
  CHECK_THROWS_AS(analyse("half_life", apart, once_more), DataError);
}
