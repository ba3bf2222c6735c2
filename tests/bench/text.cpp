// The demo's hierarchy on text: a learning step (K = 8 tokens of every stream), inference alone, forecasting alone; and what each costs as
// levels, streams, sweeps, vocabulary and threads grow. Words are drawn, so that nothing else is timed.
//
// GFLOP/s and peak_share count what the output layer and the token level's own weights need: of V outcomes, d + n units of logits and of
// errors for the forecast and for every sweep, the last of which needs the n that other levels read, and of a learning step the gradient.
// What situation levels do besides is not counted.

#include <benchmark/benchmark.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "core/error.hpp"
#include "core/io/provenance.hpp"
#include "core/random.hpp"
#include "core/recorder.hpp"
#include "core/simulation.hpp"
#include "levels/build.hpp"
#include "tests/bench/devices.hpp"
#include "tests/bench/machine.hpp"

namespace {
using namespace strata;

enum class Mode { train, infer, forecast };

struct Setting {
  Mode mode = Mode::train;
  Index levels = 4, vocabulary = 8192, streams = 32, sweeps = 4, units = 64;
  int threads = 1;
  bool brief = false, recording = false;
};

constexpr Index interval = 8, hidden = 192, context = 5, lexicon_units = 48;

/// Words with Zipf's frequencies, sentences of 20, paragraphs of 100 and documents of 3,000 words on average.
class DrawnText final : public World {
 public:
  DrawnText(Index streams, Index vocabulary) : streams_(streams), vocabulary_(vocabulary) {}
  Index streams() const override { return streams_; }
  Index vocabulary() const override { return vocabulary_; }
  Index tokens() const override { return 1'000'000'000; }
  void archive(Archive&) override {}
  bool next(Observation& out) override {
    const std::uint64_t base = random_base(1, time_++, 0, 1);
    for (Index j = 0; j < streams_; ++j) {
      const auto s = static_cast<std::size_t>(j);
      const auto column = static_cast<std::uint32_t>(j);
      out.active[s] = 1;
      out.id[s] = static_cast<std::int32_t>(std::pow(static_cast<float>(vocabulary_), random_uniform(base, 0, column))) - 1;
      const float end = random_uniform(base, 1, column);
      out.boundary[s] = 0;
      if (end < 1.F / 20) out.boundary[s] |= sentence_end;
      if (end < 1.F / 100) out.boundary[s] |= paragraph_end;
      if (end < 1.F / 3000) out.boundary[s] |= document_end;
    }
    return true;
  }

 private:
  Index streams_, vocabulary_;
  std::uint64_t time_ = 0;
};

/// Needed floating-point operations of one token.
double operations(const Setting& s) {
  const double v = static_cast<double>(s.vocabulary), d = static_cast<double>(s.units), n = s.levels > 1 ? lexicon_units : 0.;
  const double own = hidden * (context * d + d) + context * d * d;  // W1, W2, W3
  const double sweeps = s.mode == Mode::forecast ? 0 : static_cast<double>(s.sweeps);
  double all = v * (d + n) + own;  // the forecast
  if (sweeps > 0) all += v * (d + n) + sweeps * (v * (d + n) + 2 * hidden * d) + (sweeps - 1) * v * (d + n) + v * n;
  if (s.mode == Mode::train) all += v * (d + n) + own + hidden * context * d + context * d * d;
  return 2 * all;
}

std::unique_ptr<Hierarchy<float>> make(const Setting& s, Device<float>& device) {
  Configuration c;
  const auto set = [&](const std::string& key, Index value) { c.set(key, std::to_string(value)); };
  set("hierarchy.levels", s.levels);
  set("level.0.units", s.units);
  set("relaxation.steps", s.mode == Mode::forecast ? 0 : s.sweeps);
  c.set("relaxation.tolerance", "0");
  std::vector<double> unigram;
  for (Index w = 0; w < s.vocabulary; ++w)
    unigram.push_back(-std::log((static_cast<double>(w) + 1) * std::log(static_cast<double>(s.vocabulary))));
  return build_hierarchy<float>(c, device, unigram, s.streams, interval, 1);
}

/// Reads a million tokens while learning: what is held after a tenth of them, and at the end.
void million(benchmark::State& state, const Setting& s) {
  const auto device = bench::make_measured(s.threads);
  const double before = bench::allocated_memory();
  const auto hierarchy = make(s, *device);
  DrawnText world(s.streams, s.vocabulary);
  Learning<float> learning({}, 100000);
  Simulation<float> simulation(*hierarchy, world, &learning, interval, 1);
  simulation.start();
  const Index steps = 1'000'000 / s.streams;
  for (auto _ : state)
    for (Index step = 1; step <= steps; ++step) {
      simulation.advance();
      if (step == steps / 10) state.counters["bytes_early"] = bench::allocated_memory() - before;
    }
  state.counters["bytes"] = bench::allocated_memory() - before;
}

void text(benchmark::State& state, const Setting& s) {
  const double held_before = bench::allocated_memory();
  std::unique_ptr<Device<float>> device;
  try {
    device = bench::make_measured(s.threads, s.brief ? "bfloat16" : "float");
  } catch (const DeviceError& error) { return state.SkipWithError(error.what()); }
  const auto hierarchy = make(s, *device);
  DrawnText world(s.streams, s.vocabulary);
  Learning<float> learning({}, 100000);
  Simulation<float> simulation(*hierarchy, world, s.mode == Mode::train ? &learning : nullptr, interval, 1);
  const auto file = std::filesystem::temp_directory_path() / "strata_bench_trace.h5";
  std::unique_ptr<Recorder<float>> recorder;
  if (s.recording) {
    std::vector<std::string> names;
    for (Index l = 0; l < s.levels; ++l) names.push_back("level " + std::to_string(l));
    recorder = std::make_unique<Recorder<float>>(file.string(), *hierarchy, names, RecordSettings{}, std::vector<TraceAttribute>{});
    simulation.record = [&](const Observation& seen, std::uint64_t step) { recorder->record(seen, step); };
  }
  simulation.start();
  for (int step = 0; step < 4 * interval; ++step) simulation.advance();
  const double peak = bench::peak_of(*device);
  for (auto _ : state) {
    for (Index k = 0; k < interval; ++k) simulation.advance();
    device->synchronize();
  }
  state.counters["bytes"] = bench::allocated_memory() - held_before;
  const double tokens = static_cast<double>(interval * s.streams * state.iterations());
  state.counters["tokens/s"] = benchmark::Counter(tokens, benchmark::Counter::kIsRate);
  state.counters["GFLOP/s"] = benchmark::Counter(tokens * operations(s) * 1e-9, benchmark::Counter::kIsRate);
  state.counters["peak_share"] = benchmark::Counter(tokens * operations(s) / peak / s.threads, benchmark::Counter::kIsRate);
  if (recorder) {
    recorder->close();
    std::filesystem::remove(file);
  }
  state.counters["fma_peak"] = peak;
  state.counters["parameters"] = static_cast<double>(hierarchy->parameter_count());
  state.counters["peak_memory"] = static_cast<double>(peak_memory_bytes());  // of the process so far
}

void add(const std::string& name, const Setting& setting) {
  benchmark::RegisterBenchmark(("text/" + name).c_str(), text, setting)->UseRealTime()->Unit(benchmark::kMillisecond);
}

[[maybe_unused]] const bool registered = [] {
  const std::map<Mode, std::string> modes{{Mode::train, "train"}, {Mode::infer, "infer"}, {Mode::forecast, "forecast"}};
  for (const auto& [mode, name] : modes)
    for (const int threads : {1, 2}) add(name + "/threads:" + std::to_string(threads), {.mode = mode, .threads = threads});
  add("train/recording", {.recording = true});
  add("train/products:bfloat16", {.brief = true});
  add("train/products:bfloat16/sweeps:2", {.sweeps = 2, .brief = true});
  for (const Index levels : {1, 2, 3, 4, 5, 6}) add("law/levels:" + std::to_string(levels), {.levels = levels});
  for (const Index sweeps : {1, 2, 4, 8}) add("law/sweeps:" + std::to_string(sweeps), {.sweeps = sweeps});
  for (const Index streams : {8, 32, 128}) add("law/streams:" + std::to_string(streams), {.streams = streams});
  for (const Index vocabulary : {2048, 8192, 32768}) add("law/vocabulary:" + std::to_string(vocabulary), {.vocabulary = vocabulary});
  benchmark::RegisterBenchmark("text/million", million, Setting{.vocabulary = 2048, .streams = 4, .sweeps = 1, .units = 32})
      ->UseRealTime()
      ->Iterations(1)
      ->Unit(benchmark::kSecond);
  for (const Index units : {32, 64, 128}) add("law/units:" + std::to_string(units), {.units = units});
  return true;
}();

}  // namespace
