#include "experiments/world_scores.hpp"

#include "analysis/score_gap.hpp"

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

}  // namespace strata
