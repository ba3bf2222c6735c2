// Optimum: how near a hierarchy comes to the exact observer of its world.
//
// Design    one online pass: every step is scored before it is learned from; the exact observer, those who know only the lowest levels, and the
//           unigram read the same steps. Then, learning off, fresh streams with the intact model and its lesioned and swapped copies side by side.
// Measures  on the last third of the pass: gap_closed. On the fresh streams: captured_fraction, topdown_gain, read_out, calibration,
//           tokens_to_switch and evidence (analysis/)
// Limit     a model that is the exact observer: gap closed 1, captured 1, read-out 1 on the diagonal, inertia ratio 1

#include <cstdio>

#include "core/io/checkpoint.hpp"
#include "experiments/experiment.hpp"
#include "experiments/world_reading.hpp"

namespace strata {

Experiment optimum_experiment();

namespace {

ParameterTable parameters() {
  return {
      {"streams", std::int64_t{32}, 2, 4096, {}, "streams", "read side by side with learning off", ""},
      {"steps", std::int64_t{16384}, 100, 1e9, {}, "steps", "of each of them", ""},
      {"warm_up", std::int64_t{1024}, 0, 1e9, {}, "steps", "of them that are not recorded: beliefs start from nothing", ""},
      {"every", std::int64_t{1}, 1, 1e6, {}, "steps", "between two recorded beliefs", ""},
  };
}

/// The online pass: a model is learned and recorded in its last third.
WorldReadingTimes learn(Bench& bench, const std::string& model) {
  SampledStudy& study = bench.sampled();
  auto hierarchy = study.make_hierarchy(study.streams());
  WorldReading pass;
  pass.streams = study.streams();
  pass.length = study.length();
  pass.from = study.length() - study.length() / 3;
  pass.every = 16;  // its scores are what counts
  pass.seed = study.options.seed;
  pass.learning = true;
  pass.what = "learning";
  const auto times = read_world(study, *hierarchy, pass, "optimum", bench.folder.file("trace.h5"), bench.progress);
  save_atomically(
      model, [&](Archive& archive) { study.archive_model(archive, *hierarchy); }, study.notes());
  return times;
}

WorldReadingTimes read_frozen(Bench& bench, const std::string& model, const std::string& path) {
  SampledStudy& study = bench.sampled();
  WorldReading reading;
  reading.streams = bench.values.integer("streams");
  reading.from = bench.values.integer("warm_up");
  reading.length = reading.from + bench.values.integer("steps");
  reading.every = bench.values.integer("every");
  reading.seed = study.options.seed + 0x5eed;  // other steps than those learned from
  reading.lesions = true;
  const Index depth = study.make_hierarchy(1)->depth();
  auto hierarchy = study.load_hierarchy(model, streams_needed(reading, depth));
  return read_world(study, *hierarchy, reading, "optimum", path, bench.progress);
}

void add(Findings& findings, const MeasureResult& result) {
  add_values(findings.summary, result.values);
  add_levels(findings.summary, result.levels);
  findings.table += to_table(result) + "\n";
}

void add_speed(Findings& findings, const WorldReadingTimes& times) {
  const auto tokens = static_cast<double>(times.tokens);
  const double model = tokens / times.model_seconds;
  findings.summary.set("model_tokens_per_second", model);
  char line[120];
  std::snprintf(line, sizeof line, "%.0f tokens per second", model);
  findings.table += line;
  if (times.observer_seconds > 0) {
    findings.summary.set("exact_tokens_per_second", tokens / times.observer_seconds);
    std::snprintf(line, sizeof line, "; the exact observer %.0f", tokens / times.observer_seconds);
    findings.table += line;
  }
  findings.table += "\n";
}

Findings run(Bench& bench) {
  Findings findings;
  const bool given = !bench.study.options.model.empty();
  const std::string model = given ? bench.study.options.model : bench.folder.file("model.h5");
  if (!given) {
    const auto times = learn(bench, model);
    bench.progress.say("measuring the pass");
    add(findings, analyse("gap_closed", bench.folder.file("trace.h5")));
    add_speed(findings, times);
  }
  const std::string path = bench.folder.file(given ? "trace.h5" : "frozen.h5");
  read_frozen(bench, model, path);
  bench.progress.say("measuring with learning off");
  Configuration whole;
  whole.set("analyse.from", "0");
  if (given) add(findings, analyse("gap_closed", path, whole));
  for (const char* measure : {"captured_fraction", "topdown_gain", "read_out", "calibration", "tokens_to_switch", "evidence"})
    add(findings, analyse(measure, path));
  return findings;
}

}  // namespace

Experiment optimum_experiment() {
  return {
      "optimum",
      "how near a hierarchy comes to the exact observer of its world: gap closed, captured fraction, read-out, calibration",
      "Gap closed: (unigram - model) / (unigram - exact) in nats over the last third of one online pass. The rest with learning off, on fresh "
      "streams. See strata describe gap_closed, captured_fraction, topdown_gain, read_out, calibration, tokens_to_switch, evidence.",
      parameters(),
      {{"steps", "4096"}, {"streams", "16"}},
      run,
      {"nested", "oddball"},
      false};
}

}  // namespace strata
