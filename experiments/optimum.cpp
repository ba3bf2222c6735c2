// Optimum: how near a hierarchy comes to the exact observer of its world.
//
// Design    one online pass: every step is scored before it is learned from; the exact observer, those who know only the lowest levels, and the
//           unigram read the same steps. Then, learning off, fresh streams with the intact model and its lesioned and swapped copies side by side.
//           A world of numbers: the same, with the long-run Gaussian for the unigram. A series: its own stretches for fresh streams, and the
//           model beside the unigram alone, for nobody knows its optimum.
// Measures  on the last third of the pass: gap_closed. On the fresh streams: captured_fraction, topdown_gain; where the true contexts are
//           states read_out, calibration, tokens_to_switch and evidence; of numbers gain (analysis/)
// Limit     a model that is the exact observer: gap closed 1, captured 1, read-out 1 on the diagonal, inertia ratio 1

#include <algorithm>
#include <cstdio>

#include "core/error.hpp"
#include "core/io/checkpoint.hpp"
#include "experiments/experiment.hpp"
#include "experiments/world_reading.hpp"
#include "experiments/world_scores.hpp"

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
  pass.length = study.training_world()->steps();  // a series may end early
  pass.from = pass.length - pass.length / 3;
  pass.every = 16;  // its scores are what counts
  pass.seed = study.options.seed;
  pass.learning = true;
  pass.what = "learning";
  const auto times = read_world(study, *hierarchy, pass, "optimum", bench.folder.file("trace.h5"), bench.progress);
  save_atomically(
      model, [&](Archive& archive) { study.archive_model(archive, *hierarchy); }, study.notes());
  return times;
}

WorldReading frozen_reading(const Bench& bench, const SampledStudy& study) {
  WorldReading reading;
  reading.streams = bench.values.integer("streams");
  reading.from = bench.values.integer("warm_up");
  reading.length = reading.from + bench.values.integer("steps");
  reading.every = bench.values.integer("every");
  reading.seed = study.options.seed + 0x5eed;  // other steps than those learned from
  reading.lesions = true;
  return reading;
}

/// Whether a level could be clamped for its lesion.
bool read_frozen(Bench& bench, const std::string& model, const std::string& path) {
  SampledStudy& study = bench.sampled();
  const WorldReading reading = frozen_reading(bench, study);
  const Index depth = study.make_hierarchy(1)->depth();
  auto hierarchy = study.load_hierarchy(model, streams_needed(reading, depth));
  read_world(study, *hierarchy, reading, "optimum", path, bench.progress);
  return lesionable(*hierarchy);
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

/// What can be measured in this world, with learning off.
/// `clamped`: some level could be, so that lesions were recorded. What a short reading does not let measure is said and left out.
void add_frozen(Findings& findings, SampledStudy& study, bool clamped, const std::string& path) {
  std::vector<std::string> measures;
  if (study.source->observer(1) != nullptr) measures.emplace_back("captured_fraction");
  if (clamped) measures.emplace_back("topdown_gain");
  const auto contexts = study.source->contexts();
  if (std::any_of(contexts.begin(), contexts.end(), [](Index states) { return states > 1; }))
    for (const char* measure : {"read_out", "calibration", "tokens_to_switch", "evidence"}) measures.emplace_back(measure);
  if (study.channels() > 0 && study.source->observer(1) != nullptr) measures.emplace_back("gain");  // per unit of its innovation
  for (const std::string& measure : measures) {
    try {
      add_measure(findings, analyse(measure, path));
    } catch (const NotEnough& error) { findings.table += measure + ": not measured: " + error.reason + "\n"; }
  }
}

Findings run(Bench& bench) {
  Findings findings;
  SampledStudy& study = bench.sampled();
  const bool given = !study.options.model.empty();
  const WorldReading later = frozen_reading(bench, study);
  study.source->stretches(later.streams, 1, later.length, later.seed);  // a series too short for it says so before anything is learned
  const std::string model = given ? study.options.model : bench.folder.file("model.h5");
  if (!given) {
    const auto times = learn(bench, model);
    bench.progress.say("measuring the pass");
    add_world_scores(findings, *study.source, bench.folder.file("trace.h5"), 2. / 3);
    add_speed(findings, times);
  }
  const std::string path = bench.folder.file(given ? "trace.h5" : "frozen.h5");
  const bool clamped = read_frozen(bench, model, path);
  bench.progress.say("measuring with learning off");
  if (given) add_world_scores(findings, *study.source, path, 0);
  add_frozen(findings, study, clamped, path);
  return findings;
}

}  // namespace

Experiment optimum_experiment() {
  return {
      "optimum",
      "how near a hierarchy comes to the exact observer of its world: gap closed, captured fraction, read-out, calibration",
      "Gap closed: (unigram - model) / (unigram - exact) in nats over the last third of one online pass. The rest with learning off, on fresh "
      "streams. See strata describe gap_closed, captured_fraction, topdown_gain, read_out, calibration, tokens_to_switch, evidence, gain.",
      parameters(),
      {{"steps", "4096"}, {"streams", "16"}},
      run,
      {"nested", "oddball", "linear_gaussian", "series"},
      false};
}

}  // namespace strata
