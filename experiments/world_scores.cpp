#include "experiments/world_scores.hpp"

#include <cmath>

#include "analysis/score_gap.hpp"
#include "experiments/world_reading.hpp"

namespace strata {

namespace {

void add_scores(Findings& findings, const std::string& path, double from) {
  const Trace trace(path);
  std::vector<Recording> readers{trace.root()};
  if (trace.has_condition("unigram")) readers.push_back(trace.condition("unigram"));
  const Scores scores = common_scores(readers, from, 0);
  const auto found = block_bootstrap(scores.sums, [&](std::span<const double> total) {
    std::vector<Bounded> nats{{per_token(total, 0)}};
    if (readers.size() > 1) nats.push_back({per_token(total, 1)});
    return nats;
  });
  MeasuredValues values;
  const char* const names[] = {"nats_per_token", "unigram_nats"};
  for (std::size_t k = 0; k < found.size(); ++k) {
    values.set(names[k], found[k]);
    findings.table += std::string(names[k]) + " " + values.cell(names[k]) + "\n";
  }
  add_values(findings.summary, values);
  findings.table += "this world has no exact observer: how much of the gap is closed is not known\n\n";
}

}  // namespace

void add_measure(Findings& findings, const MeasureResult& result) {
  add_values(findings.summary, result.values);
  add_levels(findings.summary, result.levels);
  findings.table += to_table(result) + "\n";
}

void add_world_scores(Findings& findings, const Source& source, const std::string& path, double from) {
  if (source.observer(1) == nullptr) {
    add_scores(findings, path, from);
    return;
  }
  Configuration part;
  part.set("analyse.from", to_text(from));
  add_measure(findings, analyse("gap_closed", path, part));
}

Findings evaluate_world(Bench& bench) {
  SampledStudy& study = bench.sampled();
  WorldReading reading;
  reading.streams = bench.values.integer("streams");
  reading.from = bench.values.integer("warm_up");
  reading.length = reading.from + bench.values.integer("steps");
  reading.seed = study.options.seed + 0x5eed;  // other steps than those learned from
  reading.partial = false;
  reading.lesions = reading.streams > 1;  // a single stream has no other to swap with
  reading.what = "evaluate";
  const Index depth = study.make_hierarchy(1)->depth();
  auto hierarchy = study.load_hierarchy(bench.model, streams_needed(reading, depth));
  const std::string path = bench.folder.file("trace.h5");
  read_world(study, *hierarchy, reading, "evaluate", path, bench.progress);
  Findings findings;
  add_world_scores(findings, *study.source, path, 0);
  if (const auto nats = findings.summary.number("nats_per_token"); nats && study.vocabulary() > 0)
    findings.summary.set("perplexity", std::exp(*nats));
  findings.summary.set("parameters", static_cast<std::int64_t>(hierarchy->parameter_count()));
  if (reading.lesions && lesionable(*hierarchy)) add_measure(findings, analyse("topdown_gain", path));
  return findings;
}

}  // namespace strata
