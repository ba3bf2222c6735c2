// Belief inertia: how heavy each level's belief is.
//
// Design    `pairs` twins: two copies with different histories (each a held-out document from its start, `history` tokens at most), then the
//           same third document from its start; once more for every level, with one copy's state of that level alone given to the other
//           (`single`). `switches` switches: a copy reads one document, then another from its middle; beside it a copy
//           that always read the second and one that stays with the first. Learning off. In a sampled world the same with drawn stretches (of a
//           series: with its own from different places), the exact observer beside the model on the same pairs; switches are those of the
//           true contexts in a long reading, or where those are numbers or unknown, of stretches.
//           `contrast`: two copies with two stretches of one document behind them both read how it goes on, and both read another document
//           (places of one document may share text: intervals draw the documents of the histories; what contradicts them may be shared).
//           Distances: total variation where every level holds probabilities, else L2.
// Measures  half-life with its ratio per level and by thirds of surprise, evidence in nats, tokens to switch (analysis/)
// Limit     plain leaky integrators: half-life tau ln 2 (tests/validation)

#include <algorithm>

#include "core/error.hpp"
#include "experiments/experiment.hpp"
#include "experiments/grafts.hpp"
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
      {"single", true, 0, 1, {}, "", "read the pairs once more for every level, with its state alone swapped", ""},
      {"switches", true, 0, 1, {}, "", "measure tokens to switch as well", ""},
      {"contrast",
       false,
       0,
       1,
       {},
       "",
       "measure half-lives behind two histories of one document as well, where it goes on and where another document contradicts it",
       ""},
      {"reading", std::int64_t{16384}, 100, 1e9, {}, "steps", "of every stream in which a sampled world's own switches are looked for", ""},
  };
}

/// Stretches of a sampled world: copy a's history, copy b's, and what both read from time 0 on. `change`: switches of stretch as well, for
/// worlds whose contexts have no names.
std::vector<Condition> sampled_conditions(const Bench& bench, const Source& source, bool change) {
  const Index pairs = bench.values.integer("pairs"), history = bench.values.integer("history"), after = bench.values.integer("after");
  const Index length = change ? history + after : std::max(history, after);
  const auto drawn = draw_episodes(source, pairs, 3, length, bench.study.options.seed + 0x7ad5);
  std::vector<Condition> conditions(2);
  conditions[0].name = "/";
  conditions[1].name = "twin";
  conditions[1].reference = "/";
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t p = 0; p < static_cast<std::size_t>(pairs); ++p) {
      conditions[c].episodes.push_back(joined(joined({}, drawn[3 * p + c], history), drawn[3 * p + 2], after));
      conditions[c].zero.push_back(history);
    }
  if (!change) return conditions;
  Condition always, moved, stayed;
  always.name = "always";
  moved.name = "switch";
  moved.reference = "/conditions/always";
  stayed.name = "stayed";
  for (Condition* c : {&always, &moved, &stayed}) c->beliefs = true;
  for (std::size_t p = 0; p < static_cast<std::size_t>(pairs); ++p) {
    const Episode &from = drawn[3 * p], &to = drawn[3 * p + 2];
    always.episodes.push_back(joined({}, to, history + after));
    moved.episodes.push_back(joined(joined({}, from, history), to, after, history));
    moved.episodes.back().event[static_cast<std::size_t>(history)] |= context_switch;
    stayed.episodes.push_back(joined({}, from, history + after));
    for (Condition* c : {&always, &moved, &stayed}) c->zero.push_back(history);
  }
  for (Condition* c : {&always, &moved, &stayed}) conditions.push_back(std::move(*c));
  return conditions;
}

/// Total variation where every level holds probabilities, L2 elsewhere. Values may start as near to one another as they like: their pairs
/// are normalised together.
Configuration distance_for(const TrialReader& reader, bool values) {
  bool states = true;
  for (Index l = 0; l < reader.depth(); ++l) {
    const std::string kind = reader.level(l).kind;
    states = states && (kind == "categorical" || kind == "conditional");
  }
  Configuration configuration;
  configuration.set("analyse.distance", states ? "total_variation" : "euclidean");
  configuration.set("analyse.normalise", values ? "together" : "each");
  return configuration;
}

void add(Findings& findings, const MeasureResult& result) {
  add_values(findings.summary, result.values);
  add_levels(findings.summary, result.levels);
  for (const MeasureResult& part : result.parts) add_parts(findings.summary.section(part.name), part);
  findings.table += to_table(result) + "\n";
}

/// Switches of the true contexts in a long reading, beside the exact observer's.
std::vector<MeasureResult> true_switches(Bench& bench, SampledStudy& study) {
  WorldReading reading;
  reading.streams = 16;
  reading.from = 1024;
  reading.length = reading.from + bench.values.integer("reading");
  reading.seed = study.options.seed + 0x5eed;
  reading.partial = false;
  auto hierarchy = study.load_hierarchy(bench.model, reading.streams);
  const std::string path = bench.folder.file("switches.h5");
  read_world(study, *hierarchy, reading, "belief_inertia", path, bench.progress);
  return {analyse("evidence", path), analyse("tokens_to_switch", path)};
}

/// The same pairs read by the model and by the exact observer, measured by the same code; and switches.
Findings run_sampled(Bench& bench) {
  SampledStudy& study = bench.sampled();
  const Index streams = std::min<Index>(bench.values.integer("pairs"), 64);
  TrialWindow window;
  window.before = 64;
  window.after = bench.values.integer("after");
  const auto contexts = study.source->contexts();
  const bool named = std::any_of(contexts.begin(), contexts.end(), [](Index states) { return states > 1; });
  const bool switches = bench.values.flag("switches"), by_copies = switches && !named;
  const auto pairs = sampled_conditions(bench, *study.source, by_copies);
  Configuration distance;
  const auto measured = [&](TrialReader& reader, const std::string& path) {
    auto conditions = pairs;
    if (bench.values.flag("single")) add_grafts(conditions, 0, 1, reader);
    record_trials(study, reader, conditions, window, "belief_inertia", path, bench.progress);
    std::vector<MeasureResult> results{analyse("half_life", path, distance)};
    if (by_copies) results.push_back(analyse("evidence", path, distance));  // up to the same half-lives
    if (by_copies) results.push_back(analyse("tokens_to_switch", path));
    return results;
  };
  Findings findings;
  {
    auto hierarchy = study.load_hierarchy(bench.model, streams);
    const auto reader = hierarchy_reader(*hierarchy, study.interval(), study.options.seed);
    distance = distance_for(*reader, study.channels() > 0);
    for (const MeasureResult& result : measured(*reader, bench.folder.file("trace.h5"))) add(findings, result);
  }
  if (const auto exact = exact_reader(*study.source, streams)) {
    findings.table += "the exact observer on the same pairs\n";
    for (const MeasureResult& result : measured(*exact, bench.folder.file("exact.h5"))) {
      add_parts(findings.summary.section("exact"), result);
      findings.table += to_table(result) + "\n";
    }
  } else {
    findings.table += "this world has no exact observer to set beside the model\n";
  }
  if (switches && named)
    for (const MeasureResult& result : true_switches(bench, study)) add(findings, result);
  return findings;
}

std::vector<Condition> text_conditions(const Bench& bench) {
  const TextStudy& study = bench.text();
  const text::PairOptions options = pair_options(study, bench.values, "belief_inertia");
  const Index after = bench.values.integer("after");
  std::vector<Condition> conditions;
  add_twins(conditions, text::choose_twins(study.held_out, options), after);
  if (bench.values.flag("contrast")) add_contrasts(conditions, text::choose_contrasts(study.held_out, options), after);
  if (bench.values.flag("switches")) add_switches(conditions, text::choose_switches(study.held_out, options), after, true);
  return conditions;
}

Findings run_text(Bench& bench) {
  TextStudy& study = bench.text();
  const bool switches = bench.values.flag("switches"), contrast = bench.values.flag("contrast");
  auto conditions = text_conditions(bench);
  TrialWindow window;
  window.before = 64;
  window.after = bench.values.integer("after");
  auto hierarchy = study.load_hierarchy(bench.model, std::min<Index>(bench.values.integer("pairs"), 64));
  const std::string trace_path = bench.folder.file("trace.h5");
  const auto reader = hierarchy_reader(*hierarchy, study.interval(), study.options.seed);
  if (bench.values.flag("single")) add_grafts(conditions, 0, 1, *reader);
  record_trials(study, *reader, conditions, window, "belief_inertia", trace_path, bench.progress);

  bench.progress.say("measuring");
  Findings findings;
  std::vector<MeasureResult> results{analyse("half_life", trace_path), analyse("evidence", trace_path)};
  if (switches) results.push_back(analyse("tokens_to_switch", trace_path));
  for (const MeasureResult& result : results) add(findings, result);
  if (contrast) {
    Configuration conditions_compared;
    conditions_compared.set("analyse.condition", "contradicts");
    conditions_compared.set("analyse.against", "goes_on");
    conditions_compared.set("analyse.drawn", "documents");
    const MeasureResult result = analyse("half_life", trace_path, conditions_compared);
    add_parts(findings.summary.section("contrast"), result);
    findings.table +=
        "behind two histories of one document: another document, against how the document goes on\n" + to_table(result) + "\n";
  }
  return findings;
}

bool reads_text(const Bench& bench) { return bench.study.options.world == "text"; }

void check(Bench& bench) {
  if (reads_text(bench))
    text_conditions(bench);
  else if (bench.values.flag("contrast"))
    throw ConfigError("belief_inertia.contrast", "true", "asks for documents: read a text");
}

Findings run(Bench& bench) { return reads_text(bench) ? run_text(bench) : run_sampled(bench); }

}  // namespace

Experiment belief_inertia_experiment() {
  return {
      "belief_inertia",
      "twins with different histories read the same: half-life, evidence and tokens to switch of every level's belief",
      "Half-life: tokens until the distance of the two copies' predictions has halved. See strata describe half_life, evidence, tokens_to_switch.",
      parameters(),
      {{"pairs", "30"}, {"after", "1200"}, {"history", "600"}, {"reading", "4096"}},
      run,
      {"text", "nested", "linear_gaussian", "oddball", "series"},
      true,
      true,
      check};
}

}  // namespace strata
