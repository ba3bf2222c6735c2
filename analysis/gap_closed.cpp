// Gap closed: how much of the way from the unigram to the exact Bayes observer a model has gone. Definitions: score_gap.hpp.

#include "analysis/score_gap.hpp"

namespace strata {
namespace {

MeasureResult run(const Trace& trace, const Values& values) {
  const std::string advice = "`strata run optimum` records the exact observer and the unigram";
  const Recording exact = needed_condition(trace, "exact", advice);
  const Recording unigram = needed_condition(trace, trace.has_condition("unigram") ? "unigram" : "exact_0", advice);
  const Scores scores = common_scores({trace.root(), exact, unigram}, values.real("from"), values.integer("block"));
  const auto found = block_bootstrap(
      scores.sums,
      [](std::span<const double> total) {
        const double model = per_token(total, 0), bayes = per_token(total, 1), flat = per_token(total, 2);
        return std::vector<Bounded>{{(flat - model) / (flat - bayes)}, {model}, {bayes}, {flat}};
      },
      bootstrap_options(values));
  MeasureResult out;
  out.name = "gap_closed";
  const char* const names[] = {"gap_closed", "nats_per_token", "bayes_nats", "unigram_nats"};
  for (std::size_t k = 0; k < found.size(); ++k) out.values.set(names[k], found[k]);
  out.values.set("scored_tokens", MeasuredValue(scores.tokens));
  out.values.set("from", MeasuredValue(values.real("from")));
  out.notes.push_back("gap closed " + out.values.cell("gap_closed"));
  for (std::size_t k = 1; k < found.size(); ++k) out.notes.push_back(std::string(names[k]) + " " + out.values.cell(names[k]));
  return out;
}

}  // namespace

Measure gap_closed_measure() {
  Measure measure;
  measure.name = "gap_closed";
  measure.summary = "how much of the way from the unigram to the exact Bayes observer the model has gone";
  measure.definition =
      "(unigram - model) / (unigram - exact), mean surprise in nats per token over the same tokens: the last third of the\n"
      "recording unless `from` says other. Reads tokens/surprise of the model, of /conditions/exact and of\n"
      "/conditions/unigram (else exact_0). 1: as good as the optimum; below 0: worse than the unigram. Intervals: block\n"
      "bootstrap, the same blocks for the three.";
  measure.parameters = score_parameters(2.0 / 3.0);
  measure.run = run;
  return measure;
}

}  // namespace strata
