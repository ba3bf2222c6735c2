// Belief inertia: how heavy each level's belief is.
//
// Design    `pairs` twins: two copies with different histories (each a held-out document from its start, `history` tokens at most), then the
//           same third document from its start. `switches` switches: a copy reads one document, then another from its middle; beside it a copy
//           that always read the second and one that stays with the first. Learning off. In a sampled world the same with drawn stretches,
//           the exact observer beside the model on the same pairs, and switches of the true contexts in a long reading.
// Measures  half-life with its ratio per level and by thirds of surprise, evidence in nats, tokens to switch (analysis/)
// Limit     plain leaky integrators: half-life tau ln 2 (tests/validation)

#include "experiments/experiment.hpp"
#include "experiments/trials.hpp"
#include "experiments/world_reading.hpp"

namespace strata {

Experiment belief_inertia_experiment();

namespace {

ParameterTable parameters() {
  return {
      {"pairs", std::int64_t{48}, 2, 4096, {}, "pairs", "twins", ""},
      {"history", std::int64_t{1000}, 50, 1e6, {}, "tokens", "read before the common text, at most", ""},
      {"context", std::int64_t{200}, 1, 1e6, {}, "tokens", "read before the common text, at least", ""},
      {"after", std::int64_t{2000}, 50, 1e6, {}, "tokens", "of common text read, at most", ""},
      {"room", std::int64_t{600}, 1, 1e6, {}, "tokens", "of common text, at least", ""},
      {"switches", true, 0, 1, {}, "", "measure tokens to switch as well", ""},
      {"reading", std::int64_t{16384}, 100, 1e9, {}, "steps", "of every stream in which a sampled world's own switches are looked for", ""},
  };
}

void add_twins(std::vector<Condition>& conditions, const Bench& bench, const text::PairOptions& options, Index after) {
  Condition a, b;
  a.name = "/";
  b.name = "twin";
  b.reference = "/";
  for (const text::Twin& twin : text::choose_twins(bench.text().held_out, options)) {
    a.scripts.push_back(text::copy_a(twin, after));
    a.zero.push_back(twin.end_a);
    b.scripts.push_back(text::copy_b(twin, after));
    b.zero.push_back(twin.end_b);
  }
  conditions.push_back(std::move(a));
  conditions.push_back(std::move(b));
}

/// Twins of a sampled world: two stretches of it, then the same third one.
std::vector<Condition> sampled_twins(const Bench& bench, const Source& source) {
  const Index pairs = bench.values.integer("pairs"), history = bench.values.integer("history"), after = bench.values.integer("after");
  const auto drawn = draw_episodes(source, 3 * pairs, std::max(history, after), bench.study.options.seed + 0x7ad5);
  std::vector<Condition> conditions(2);
  conditions[0].name = "/";
  conditions[1].name = "twin";
  conditions[1].reference = "/";
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t p = 0; p < static_cast<std::size_t>(pairs); ++p) {
      conditions[c].episodes.push_back(joined(joined({}, drawn[3 * p + c], history), drawn[3 * p + 2], after));
      conditions[c].zero.push_back(history);
    }
  return conditions;
}

void add(Findings& findings, const MeasureResult& result) {
  add_values(findings.summary, result.values);
  add_levels(findings.summary, result.levels);
  for (const MeasureResult& part : result.parts) add_parts(findings.summary.section(part.name), part);
  findings.table += to_table(result) + "\n";
}

/// The same pairs read by the model and by the exact observer, measured by the same code; and the switches of a long reading.
Findings run_sampled(Bench& bench) {
  SampledStudy& study = bench.sampled();
  const Index streams = std::min<Index>(bench.values.integer("pairs"), 64);
  TrialWindow window;
  window.before = 64;
  window.after = bench.values.integer("after");
  const auto conditions = sampled_twins(bench, *study.source);
  Findings findings;
  const auto half_lives = [&](TrialReader& reader, const std::string& path) {
    record_trials(study, reader, conditions, window, "belief_inertia", path, bench.progress);
    return analyse("half_life", path);
  };
  {
    auto hierarchy = study.load_hierarchy(bench.model, streams);
    const auto reader = hierarchy_reader(*hierarchy, study.interval(), study.options.seed);
    add(findings, half_lives(*reader, bench.folder.file("trace.h5")));
  }
  if (const auto exact = exact_reader(*study.source, streams)) {
    const MeasureResult result = half_lives(*exact, bench.folder.file("exact.h5"));
    add_parts(findings.summary.section("exact"), result);
    findings.table += "the exact observer on the same pairs\n" + to_table(result) + "\n";
  }
  if (bench.values.flag("switches") && !study.source->contexts().empty()) {
    WorldReading reading;
    reading.streams = 16;
    reading.from = 1024;
    reading.length = reading.from + bench.values.integer("reading");
    reading.seed = study.options.seed + 0x5eed;
    auto hierarchy = study.load_hierarchy(bench.model, reading.streams);
    const std::string path = bench.folder.file("switches.h5");
    read_world(study, *hierarchy, reading, "belief_inertia", path, bench.progress);
    add(findings, analyse("tokens_to_switch", path));
  }
  return findings;
}

Findings run_text(Bench& bench) {
  TextStudy& study = bench.text();
  text::PairOptions options;
  options.count = bench.values.integer("pairs");
  options.history = bench.values.integer("history");
  options.context = bench.values.integer("context");
  options.room = bench.values.integer("room");
  options.seed = study.options.seed;
  const Index after = bench.values.integer("after");
  const bool switches = bench.values.flag("switches");
  std::vector<Condition> conditions;
  add_twins(conditions, bench, options, after);
  if (switches) add_switches(conditions, text::choose_switches(study.held_out, options), after, true);

  TrialWindow window;
  window.before = 64;
  window.after = after;
  auto hierarchy = study.load_hierarchy(bench.model, std::min<Index>(options.count, 64));
  const std::string trace_path = bench.folder.file("trace.h5");
  const auto reader = hierarchy_reader(*hierarchy, study.interval(), study.options.seed);
  record_trials(study, *reader, conditions, window, "belief_inertia", trace_path, bench.progress);

  bench.progress.say("measuring");
  Findings findings;
  std::vector<MeasureResult> results{analyse("half_life", trace_path), analyse("evidence", trace_path)};
  if (switches) results.push_back(analyse("tokens_to_switch", trace_path));
  for (const MeasureResult& result : results) add(findings, result);
  return findings;
}

Findings run(Bench& bench) { return bench.study.options.world == "text" ? run_text(bench) : run_sampled(bench); }

}  // namespace

Experiment belief_inertia_experiment() {
  return {
      "belief_inertia",
      "twins with different histories read the same text: half-life, evidence and tokens to switch of every level's belief",
      "Half-life: tokens until the distance of the two copies' predictions has halved. See strata describe half_life, evidence, tokens_to_switch.",
      parameters(),
      {{"pairs", "30"}, {"after", "1200"}, {"history", "600"}, {"reading", "4096"}},
      run,
      {"text", "nested"}};
}

}  // namespace strata
