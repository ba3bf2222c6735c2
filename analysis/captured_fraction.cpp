// Captured fraction: what a level is worth to the model beside what is there to be had. Definitions: score_gap.hpp.

#include "analysis/score_gap.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

const char* const kAdvice = "`strata run optimum` records lesions and the exact observers";

void measure_level(MeasuredValues& record, const Trace& trace, Index l, const Values& values) {
  const std::string with = "exact_" + std::to_string(l + 1), without = "exact_" + std::to_string(l);
  std::vector<Recording> observers{trace.root(), trace.condition("lesion_" + std::to_string(l)), needed_condition(trace, "exact", kAdvice)};
  const bool chain = trace.has_condition(without);
  if (chain) {
    observers.push_back(trace.condition(without));
    observers.push_back(trace.condition(trace.has_condition(with) ? with : "exact"));
  }
  const Scores scores = common_scores(observers, values.real("from"), values.integer("block"));
  const auto found = block_bootstrap(
      scores.sums,
      [&](std::span<const double> total) {
        const double model = per_token(total, 0), lesion = per_token(total, 1), exact = per_token(total, 2);
        std::vector<Bounded> out{{(lesion - model) / (lesion - exact)}, {lesion}};
        if (chain) {
          const double worth = per_token(total, 3) - per_token(total, 4);
          out.push_back({(lesion - model) / worth});
          out.push_back({worth});
        }
        return out;
      },
      bootstrap_options(values));
  const char* const names[] = {"captured_fraction", "lesion_nats", "captured_gain", "exact_gain_nats"};
  for (std::size_t k = 0; k < found.size(); ++k) record.set(names[k], found[k]);
}

MeasureResult run(const Trace& trace, const Values& values) {
  MeasureResult out;
  out.name = "captured_fraction";
  const Recording root = trace.root();
  bool any = false;
  for (const LevelInfo& level : root.levels()) {
    MeasuredValues record = level_record(level);
    if (trace.has_condition("lesion_" + std::to_string(level.number))) {
      measure_level(record, trace, level.number, values);
      any = true;
    } else {
      out.notes.push_back(level.name + ": not measured, no condition lesion_" + std::to_string(level.number));
    }
    out.levels.push_back(std::move(record));
  }
  if (!any)
    throw DataError(trace.path(), 0,
                    "no dataset /conditions/lesion_L/tokens/surprise (time, stream) inside for any level L; " + std::string(kAdvice));
  out.columns = {{"name", "level"},
                 {"captured_fraction", "captured [95 %]"},
                 {"captured_gain", "gain, per gain of the exact [95 %]"},
                 {"exact_gain_nats", "exact's gain (nats per token)"},
                 {"lesion_nats", "lesioned (nats per token)"}};
  return out;
}

}  // namespace

Measure captured_fraction_measure() {
  Measure measure;
  measure.name = "captured_fraction";
  measure.summary = "how much of what a level could be worth the model has captured, per level";
  measure.definition =
      "captured_fraction = (lesion_l - model) / (lesion_l - exact): the share of the lesioned model's distance to the\n"
      "optimum that level l covers. captured_gain = (lesion_l - model) / (exact_l - exact_(l+1)): its gain over that of the\n"
      "exact observer from the same level (exact_l: knows the levels below l only; above 1 a lesion hurts more than the\n"
      "level is worth, for lower levels have adapted to it). Nats per token, last third unless `from` says other. Block\n"
      "bootstrap.";
  measure.parameters = score_parameters(2.0 / 3.0);
  measure.run = run;
  return measure;
}

}  // namespace strata
