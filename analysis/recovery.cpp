#include "analysis/recovery.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "analysis/half_life.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

MeasureResult run_condition(const Trace& trace, const std::string& name, const Values& values) {
  const Recording disturbed = trace.condition(name), reference = trace.reference_of(disturbed);
  const std::vector<std::int64_t> valid = common_valid(disturbed, reference);
  MeasureResult out;
  out.name = name;
  out.values.set("reference", MeasuredValue(reference.name()));
  out.columns = {{"name", "level"},
                 {"time_constant", "time constant (tokens)"},
                 {"displacement", "displacement at the end [95 %]"},
                 {"recovery", "recovery (tokens) [95 %]"},
                 {"censored_fraction", "trials censored"}};
  for (const LevelInfo& level : reference.levels()) {
    if (!disturbed.has_level(level.number)) continue;
    const std::string dataset = compared_dataset(disturbed, reference, level.number, values.text("of"));
    const Curves curves = displacement(disturbed.vectors(level.number, dataset), reference.vectors(level.number, dataset),
                                       disturbed.passage_length(), valid, Distance::euclidean);
    const Recovery found = recovery_of(curves, bootstrap_options(values), values.real("fraction"));
    MeasuredValues record = level_record(level);
    record.set("recovery", found.recovery);
    record.set("displacement", found.displacement);
    record.set("censored_fraction", MeasuredValue(found.censored_fraction));
    record.set("recovery_horizon", MeasuredValue(found.horizon));
    out.values.set("trials", MeasuredValue(static_cast<std::int64_t>(curves.trials)));
    out.levels.push_back(std::move(record));
  }
  if (out.levels.empty()) throw DataError(trace.path(), 0, "condition '" + name + "' has no level that its reference has too");
  return out;
}

MeasureResult run(const Trace& trace, const Values& values) {
  MeasureResult out;
  out.name = "recovery";
  for (const std::string& name : disturbed_conditions(trace, values.text("condition")))
    out.parts.push_back(run_condition(trace, name, values));
  return out;
}

}  // namespace

Recovery recovery_of(const Curves& displacements, const BootstrapOptions& options, double fraction) {
  const FallingCurves falling(displacements, false);
  const std::vector<double> at_end = start_displacement(displacements);
  const Statistics statistics = [&](std::span<const BootstrapDraw> draws) {
    double sum = 0.0, total = 0.0;
    for (std::size_t s = 0; s < at_end.size(); ++s) {
      if (std::isnan(at_end[s])) continue;
      sum += draws[0].weight[s] * at_end[s];
      total += draws[0].weight[s];
    }
    return std::vector<Bounded>{falling.fall_time(draws[0].weight, fraction), {total > 0.0 ? sum / total : kNan}};
  };
  const Index sizes[] = {displacements.trials};
  const std::vector<Estimate> all = bootstrap(sizes, statistics, options);
  double censored = 0.0;
  for (Index s = 0; s < displacements.trials; ++s) {
    const Bounded own = falling.fall_time_of(s, fraction);
    if (!std::isnan(own.value) && own.bound == Bound::at_least) censored += 1.0;
  }
  return {all[0], all[1], falling.used() > 0 ? censored / static_cast<double>(falling.used()) : kNan, falling.horizon()};
}

std::vector<double> start_displacement(const Curves& displacements) {
  const std::size_t start = start_sample(displacements.time);
  std::vector<double> out;
  for (Index s = 0; s < displacements.trials; ++s) {
    const std::size_t i = displacements.place(start, s);
    out.push_back(displacements.valid[i] != 0 ? displacements.value[i] : kNan);
  }
  return out;
}

std::vector<std::string> disturbed_conditions(const Trace& trace, const std::string& wanted) {
  if (wanted != "all") return {wanted};
  std::vector<std::string> out;
  std::string there;
  std::set<std::string> undisturbed{"always", "stayed"};  // and whatever another condition is compared with
  for (const std::string& name : trace.conditions())
    for (const auto& beside : {trace.condition(name).reference(), trace.condition(name).home()}) undisturbed.insert(beside);
  for (const std::string& name : trace.conditions()) {
    there += (there.empty() ? "" : ", ") + name;
    if (undisturbed.count(name) == 0 && name.rfind("twin", 0) != 0) out.push_back(name);
  }
  if (out.empty())
    throw DataError(trace.path(), 0,
                    "no condition with a disturbed text was recorded" +
                        (there.empty() ? "; there are no conditions" : "; there: " + there) + " (name one with analyse.condition)");
  return out;
}

Measure recovery_measure() {
  Measure measure;
  measure.name = "recovery";
  measure.summary = "tokens after a foreign passage until a level's prediction is back where it would have been, per level and condition";
  measure.definition =
      "Distance (L2) of the level's prediction in the disturbed copy from that in the undisturbed copy, averaged over\n"
      "trials. Recovery: first time after the passage at which it is at most a tenth of its value at the passage's end\n"
      "(time -1); straight in the logarithm between samples, in tokens read since. Intervals: bootstrap over trials. Not back while half\n"
      "of the trials still have text: \"at least\"; trials not back by their own end are counted.";
  measure.parameters = bootstrap_parameters();
  measure.parameters.push_back({"condition", std::string("all"), 0, 0, {}, "", "recorded condition, or all that disturb a text", ""});
  measure.parameters.push_back(compared_parameter());
  measure.parameters.push_back({"fraction", 0.1, 0.0, 1.0, {}, "1", "of the displacement at the passage's end that counts as back", ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
