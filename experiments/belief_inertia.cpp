// Belief inertia: how heavy each level's belief is.
//
// Design    `pairs` twins: two copies with different histories (each a held-out document from its start, `history` tokens at most), then the
//           same third document from its start. `switches` switches: a copy reads one document, then another from its middle; beside it a copy
//           that always read the second and one that stays with the first. Learning off.
// Measures  half-life with its ratio per level and by thirds of surprise, evidence in nats, tokens to switch (analysis/)
// Limit     plain leaky integrators: half-life tau ln 2 (tests/validation)

#include "experiments/experiment.hpp"
#include "experiments/trials.hpp"

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

Findings run(Bench& bench) {
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
  record_trials(study, *hierarchy, conditions, window, "belief_inertia", trace_path, bench.progress);

  bench.progress.say("measuring");
  Findings findings;
  std::vector<MeasureResult> results{analyse("half_life", trace_path), analyse("evidence", trace_path)};
  if (switches) results.push_back(analyse("tokens_to_switch", trace_path));
  for (const MeasureResult& result : results) {
    add_values(findings.summary, result.values);
    add_levels(findings.summary, result.levels);
    for (const MeasureResult& part : result.parts) add_parts(findings.summary.section(part.name), part);
    findings.table += to_table(result) + "\n";
  }
  return findings;
}

}  // namespace

Experiment belief_inertia_experiment() {
  return {
      "belief_inertia",
      "twins with different histories read the same text: half-life, evidence and tokens to switch of every level's belief",
      "Half-life: tokens until the distance of the two copies' predictions has halved. See strata describe half_life, evidence, tokens_to_switch.",
      parameters(),
      {{"pairs", "30"}, {"after", "1200"}, {"history", "600"}},
      run};
}

}  // namespace strata
