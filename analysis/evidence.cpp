#include "analysis/evidence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/half_life.hpp"
#include "analysis/world_switches.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The mean curve summed up to `tokens`; `mean` is over the samples of `time`.
double sum_until(std::span<const std::int64_t> time, std::span<const double> mean, double tokens) {
  double sum = 0.0, read = 0.0;
  bool any = false;
  for (std::size_t k = 0; k < time.size() && read < tokens; ++k) {
    if (time[k] < 0) continue;
    const double end = static_cast<double>(time[k] + 1);
    if (std::isfinite(mean[k])) {
      sum += mean[k] * (std::min(end, tokens) - read);
      any = true;
    }
    read = end;
  }
  return any ? sum : kNan;
}

MeasureResult run(const Trace& trace, const Values& values) {
  const bool switched = trace.has_condition("switch") && trace.has_condition("always");
  const std::string& form = values.text("form");
  if (form == "log_odds" || (form == "auto" && trace.has_contexts() && !switched))
    return report_context_switches(trace, values, "evidence");
  const std::string condition = values.text("condition") != "auto" ? values.text("condition") : switched ? "switch" : "twin";
  const std::string from = values.text("half_life_of") != "auto" ? values.text("half_life_of")
                           : trace.has_condition("twin")         ? "twin"
                                                                 : condition;
  const Recording disturbed = trace.condition(condition), other = trace.reference_of(disturbed);
  for (const Recording* copy : {&disturbed, &other})
    if (!copy->has_token_surprise())
      throw DataError(trace.path(), 0,
                      "no surprise of tokens in '" + copy->name() +
                          "'; evidence needs tokens/surprise or levels/0/surprise (time, stream) in both copies");
  const auto valid = common_valid(disturbed, other);
  const Curves excess = difference(scalar_curves(disturbed.token_surprise(), valid), scalar_curves(other.token_surprise(), valid));
  const auto [kind, each] = chosen_distance(values);
  const TwinDistances twins = twin_distances(trace, from, "auto", kind, each);
  const auto found =
      evidence(excess, twins.curves, from == condition && excess.trials == twins.curves[0].trials(), bootstrap_options(values));

  MeasureResult out;
  out.name = "evidence";
  out.values.set("evidence_condition", MeasuredValue(condition));
  out.values.set("evidence_reference", MeasuredValue(other.name()));
  out.columns = {{"name", "level"},
                 {"time_constant", "time constant (tokens)"},
                 {"half_life", "half-life (tokens)"},
                 {"evidence_nats", "evidence (nats) [95 %]"}};
  const std::vector<double> ones(static_cast<std::size_t>(twins.curves[0].trials()), 1.0);
  for (std::size_t l = 0; l < twins.levels.size(); ++l) {
    MeasuredValues level = level_record(twins.levels[l]);
    const Bounded half_life = twins.curves[l].fall_time(ones, 0.5);
    level.set(half_life.bound == Bound::exact ? "half_life" : "half_life_at_least", MeasuredValue(half_life.value));
    level.set("evidence_nats", found[l]);
    out.levels.push_back(std::move(level));
  }
  if (condition.rfind("twin", 0) == 0)
    out.notes.emplace_back("both copies come from a foreign history: their excess is symmetric about 0, the interval says how far");
  return out;
}

}  // namespace

double accumulated(const Curves& excess, std::span<const double> weight, double tokens) {
  return sum_until(excess.time, trial_mean(excess, weight), tokens);
}

std::vector<Estimate> evidence(const Curves& excess, std::span<const FallingCurves> levels, bool joint, const BootstrapOptions& options) {
  if (levels.empty()) throw ShapeError("evidence", "at least one level", "none");
  if (joint && excess.trials != levels[0].trials())
    throw ShapeError("evidence: trials of the excess", std::to_string(levels[0].trials()), std::to_string(excess.trials));
  const Statistics statistics = [&](std::span<const BootstrapDraw> draws) {
    const std::vector<double> mean = trial_mean(excess, draws[joint ? 0 : 1].weight);
    std::vector<Bounded> out;
    for (const FallingCurves& level : levels) {
      const Bounded half_life = level.fall_time(draws[0].weight, 0.5);
      out.push_back({std::isnan(half_life.value) ? kNan : sum_until(excess.time, mean, half_life.value), half_life.bound});
    }
    return out;
  };
  std::vector<Index> sizes = {levels[0].trials()};
  if (!joint) sizes.push_back(excess.trials);
  return bootstrap(sizes, statistics, options);
}

Measure evidence_measure() {
  Measure measure;
  measure.name = "evidence";
  measure.summary = "nats of excess surprise read until a level's belief has moved half way";
  measure.definition =
      "Surprise of the copy that comes from another document minus that of the copy that always read this one, averaged\n"
      "over trials and summed over the tokens up to the level's half-life (of the twin runs where recorded). Nats.\n"
      "Without the conditions switch and always: the twin against its reference, whose excess is symmetric about 0.\n"
      "Intervals: bootstrap over trials, the half-life measured anew in each draw.\n"
      "Where true contexts are known (/world/context): log-likelihood ratio of the new against the old context that a\n"
      "level takes from a switch until it believes in the new one, median of at least 30 switches, beside the exact\n"
      "observer's (/conditions/exact). The two are different quantities; `form` says which.";
  measure.parameters = bootstrap_parameters();
  measure.parameters.push_back({"form",
                                std::string("auto"),
                                0,
                                0,
                                {"auto", "excess", "log_odds"},
                                "",
                                "excess surprise of copies, or log-odds at switches of known contexts; auto: by what was recorded",
                                ""});
  measure.parameters.push_back(
      {"condition", std::string("auto"), 0, 0, {}, "", "disturbed copy; auto: switch where recorded, else twin", ""});
  measure.parameters.push_back({"half_life_of",
                                std::string("auto"),
                                0,
                                0,
                                {},
                                "",
                                "condition whose half-life ends the sum; auto: twin where recorded, else the disturbed copy",
                                ""});
  for (const Parameter& parameter : distance_parameters()) measure.parameters.push_back(parameter);
  measure.run = run;
  return measure;
}

}  // namespace strata
