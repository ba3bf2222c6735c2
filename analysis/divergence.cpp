// Divergence of two readings: what a few changed words come to, level by level.
//
// Design     /conditions/related: the reference's text with a few words changed; /conditions/random: the same words changed to others that
//            have nothing to do with one another
// Equation   d of agreement.hpp over all times >= 0 and all trials, both copies around one centre: the root mean square distance of the two
//            readings over that of two moments of reading drawn at random
// Reads      `prediction` where both copies have it, else `belief`
// Growth     d of the highest level over that of the lowest
// Intervals  percentile bootstrap over trials, jointly over levels and conditions
// Limit      the same text: 0; texts that have nothing in common: 1
// Source     Yeshurun, Nguyen & Hasson (2017), PNAS 114, 9475

#include "analysis/agreement.hpp"
#include "analysis/half_life.hpp"
#include "analysis/measure.hpp"
#include "analysis/trace_reader.hpp"

namespace strata {

Measure divergence_measure();

namespace {

struct Changed {
  std::vector<LevelInfo> levels;
  std::vector<std::vector<Agreement>> trials;  // per level
};

Changed trials_of(const Trace& trace, const std::string& condition, const std::string& dataset) {
  Changed out;
  compare_levels(trace, condition, dataset, [&](const LevelInfo& level, const Series& a, const Series& b, auto valid) {
    out.trials.push_back(agreement_of_trials(a, b, valid));
    out.levels.push_back(level);
  });
  return out;
}

MeasureResult run(const Trace& trace, const Values& values) {
  const Changed found = trials_of(trace, values.text("condition"), values.text("of"));
  const auto& changed = found.trials;
  const auto control = trials_of(trace, values.text("control"), values.text("of")).trials;
  const std::size_t n = changed.size();
  if (control.size() != n || control[0].size() != changed[0].size())
    throw ShapeError("divergence: levels and trials of '" + values.text("control") + "'",
                     std::to_string(n) + " and " + std::to_string(changed[0].size()),
                     std::to_string(control.size()) + " and " + std::to_string(control[0].size()));
  const Index sizes[] = {static_cast<Index>(changed[0].size())};
  const auto all = bootstrap(
      sizes,
      [&](std::span<const BootstrapDraw> draws) {
        std::vector<Bounded> out;
        for (std::size_t l = 0; l < n; ++l) {
          const double d = pooled(changed[l], draws[0].weight).divergence(), other = pooled(control[l], draws[0].weight).divergence();
          out.insert(out.end(), {{d}, {other}, {d / other}});
        }
        for (std::size_t k = 0; k < 2; ++k) out.push_back({out[3 * (n - 1) + k].value / out[k].value});
        return out;
      },
      bootstrap_options(values));
  MeasureResult result;
  result.name = "divergence";
  result.values.set("trials", MeasuredValue(static_cast<std::int64_t>(sizes[0])));
  result.values.set("divergence_growth", all[3 * n]);
  result.values.set("control_divergence_growth", all[3 * n + 1]);
  result.columns = {{"name", "level"},
                    {"time_constant", "time constant (tokens)"},
                    {"divergence", "divergence [95 %]"},
                    {"control_divergence", "of the control [95 %]"},
                    {"divergence_per_control", "divergence / control [95 %]"}};
  for (std::size_t l = 0; l < n; ++l) {
    MeasuredValues level = level_record(found.levels[l]);
    level.set("divergence", all[3 * l]);
    level.set("control_divergence", all[3 * l + 1]);
    level.set("divergence_per_control", all[3 * l + 2]);
    result.levels.push_back(std::move(level));
  }
  result.notes.push_back("highest level over lowest: " + short_text(all[3 * n]) + ", of the control " + short_text(all[3 * n + 1]));
  return result;
}

}  // namespace

Measure divergence_measure() {
  Measure measure;
  measure.name = "divergence";
  measure.summary = "how far a few changed words drive two readings apart, per level, relative to the level's own spread";
  measure.definition =
      "Root mean square distance of the two copies over all times from 0 on, divided by that of two moments drawn at random from both: 0 the\n"
      "same, 1 as far apart as different texts. The same of a control condition, and the highest level over the lowest. Intervals: bootstrap\n"
      "over trials, jointly over levels and conditions.";
  measure.parameters = bootstrap_parameters();
  measure.parameters.push_back({"condition", std::string("related"), 0, 0, {}, "", "recorded condition with changed words", ""});
  measure.parameters.push_back({"control", std::string("random"), 0, 0, {}, "", "recorded condition that it is held against", ""});
  measure.parameters.push_back(compared_parameter());
  measure.run = run;
  return measure;
}

}  // namespace strata
