// Top-down gain: what the predictions a level hands down are worth to the next token. Definitions: score_gap.hpp.

#include "analysis/score_gap.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

void measure(MeasuredValues& record, const std::string& field, const Trace& trace, const std::string& condition, double time_constant,
             const Values& values) {
  if (!trace.has_condition(condition)) return;
  const Scores scores = common_scores({trace.root(), trace.condition(condition)}, values.real("from"), values.integer("block"));
  const Estimate gain = block_bootstrap(
      scores.sums, [](std::span<const double> total) { return std::vector<Bounded>{{per_token(total, 1) - per_token(total, 0)}}; },
      bootstrap_options(values))[0];
  record.set(field + "_nats", gain);
  record.set(field + "_se", MeasuredValue(standard_error(gain)));
  record.set(field + "_per_unit", MeasuredValue(gain.value * time_constant));
}

MeasureResult run(const Trace& trace, const Values& values) {
  MeasureResult out;
  out.name = "topdown_gain";
  const Recording root = trace.root();
  bool any = false;
  for (const LevelInfo& level : root.levels()) {
    MeasuredValues record = level_record(level);
    const std::string number = std::to_string(level.number);
    any = any || trace.has_condition("lesion_" + number) || trace.has_condition("swap_" + number);
    measure(record, "topdown_gain", trace, "lesion_" + number, level.time_constant, values);
    measure(record, "topdown_swap", trace, "swap_" + number, level.time_constant, values);
    out.levels.push_back(std::move(record));
  }
  if (!any)
    throw DataError(trace.path(), 0,
                    "no dataset /conditions/lesion_L/tokens/surprise or swap_L/tokens/surprise (time, stream) inside for any level L; "
                    "`strata run optimum` records them");
  out.columns = {{"name", "level"},
                 {"topdown_gain_nats", "lesion costs (nats per token) [95 %]"},
                 {"topdown_gain_se", "s.e."},
                 {"topdown_gain_per_unit", "per time constant (nats)"},
                 {"topdown_swap_nats", "swap costs (nats per token) [95 %]"},
                 {"topdown_swap_per_unit", "per time constant (nats)"}};
  return out;
}

}  // namespace

Measure topdown_gain_measure() {
  Measure measure;
  measure.name = "topdown_gain";
  measure.summary = "nats per token lost when what a level hands down is replaced by its slow mean, or by another stream's";
  measure.definition =
      "Mean surprise with level l's downward message replaced (/conditions/lesion_l: its slow mean; swap_l: that of another\n"
      "stream) minus that of the intact model, over the same tokens. Per own unit: times the level's time constant, nats\n"
      "per time the level's state lasts, for a slow level is worth little to each of many tokens. Intervals and standard\n"
      "error: block bootstrap. `from` leaves out the start.";
  measure.parameters = score_parameters(0.0);
  measure.run = run;
  return measure;
}

}  // namespace strata
