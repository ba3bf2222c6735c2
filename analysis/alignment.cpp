// Alignment and forgetting: how long a level takes to build a context, and how long to let one go.
//
// Design     /conditions/twin: another past, the same text as the reference from time 0 on; /conditions/parted: the same past, another text
// Equation   r(t) over pairs, agreement.hpp; alignment time: r of reference and twin has risen to 1/2; forgetting time: r of reference and
//            parted has fallen to 1/2
// Reads      `prediction` where both copies have it, else `belief`
// Intervals  percentile bootstrap over pairs, jointly over levels; centres are those of all pairs
// Limit      a leak of fixed time constant tau: both tau / 2 ln 2, for what is new takes the place of what is old: forgetting / alignment 1
// Source     Chien & Honey (2020), Neuron 106, 675

#include "analysis/agreement.hpp"
#include "analysis/half_life.hpp"
#include "analysis/measure.hpp"
#include "analysis/trace_reader.hpp"

namespace strata {

Measure alignment_measure();

namespace {

struct Pairs {
  std::vector<LevelInfo> levels;
  std::vector<AgreementCurves> curves;  // per level
};

Pairs pairs_of(const Trace& trace, const std::string& condition, const std::string& dataset) {
  Pairs out;
  compare_levels(trace, condition, dataset, [&](const LevelInfo& level, const Series& a, const Series& b, auto valid) {
    out.curves.push_back(agreement_curves(a, b, valid));
    out.levels.push_back(level);
  });
  return out;
}

/// r over time, for the picture.
void set_curve(MeasuredValues& level, const std::string& name, const AgreementCurves& curves) {
  const std::vector<double> once(static_cast<std::size_t>(curves.trials), 1.0);
  std::vector<double> time, r;
  for (std::size_t k = 0; k < curves.elapsed.size(); ++k) {
    const double value = curves.correlation(k, once);
    if (value != value) continue;
    time.push_back(curves.elapsed[k]);
    r.push_back(value);
  }
  level.set(name + "_elapsed", MeasuredValue(time));
  level.set(name + "_correlation", MeasuredValue(r));
}

MeasureResult run(const Trace& trace, const Values& values) {
  const Pairs twins = pairs_of(trace, values.text("condition"), values.text("of"));
  const Pairs parted = pairs_of(trace, values.text("parted"), values.text("of"));
  const std::size_t n = twins.levels.size();
  if (parted.levels.size() != n || parted.curves[0].trials != twins.curves[0].trials)
    throw ShapeError("alignment: levels and pairs of '" + values.text("parted") + "'",
                     std::to_string(n) + " and " + std::to_string(twins.curves[0].trials),
                     std::to_string(parted.levels.size()) + " and " + std::to_string(parted.curves[0].trials));
  const Index sizes[] = {twins.curves[0].trials};
  const auto all = bootstrap(
      sizes,
      [&](std::span<const BootstrapDraw> draws) {
        std::vector<Bounded> out;
        for (std::size_t l = 0; l < n; ++l) {
          const Bounded align = twins.curves[l].turning_time(draws[0].weight, true);
          const Bounded forget = parted.curves[l].turning_time(draws[0].weight, false);
          out.insert(out.end(), {align, forget, bounded_ratio(forget, align)});
        }
        out.push_back(bounded_ratio(out[3 * (n - 1)], out[0]));
        return out;
      },
      bootstrap_options(values));
  MeasureResult result;
  result.name = "alignment";
  result.values.set("pairs", MeasuredValue(static_cast<std::int64_t>(sizes[0])));
  result.values.set("alignment_growth", all.back());
  result.columns = {{"name", "level"},
                    {"time_constant", "time constant (tokens)"},
                    {"alignment_time", "alignment (tokens) [95 %]"},
                    {"forgetting_time", "forgetting (tokens) [95 %]"},
                    {"forgetting_per_alignment", "forgetting / alignment [95 %]"}};
  for (std::size_t l = 0; l < n; ++l) {
    MeasuredValues level = level_record(twins.levels[l]);
    level.set("alignment_time", all[3 * l]);
    level.set("forgetting_time", all[3 * l + 1]);
    level.set("forgetting_per_alignment", all[3 * l + 2]);
    set_curve(level, "alignment", twins.curves[l]);
    set_curve(level, "forgetting", parted.curves[l]);
    result.levels.push_back(std::move(level));
  }
  result.notes.push_back("alignment, highest level over lowest: " + short_text(all.back()));
  if (sizes[0] < 30) result.notes.emplace_back("fewer than 30 pairs: read the intervals with care");
  return result;
}

}  // namespace

Measure alignment_measure() {
  Measure measure;
  measure.name = "alignment";
  measure.summary = "tokens after which two copies with different pasts agree, and after which two with one past part, per level";
  measure.definition =
      "Correlation over pairs of what two copies hold at the same time, all units together, each copy centred per time. Alignment: first\n"
      "time at which it has risen to one half in copies with different pasts that read one text; forgetting: at which it has fallen to one\n"
      "half in copies with one past that read two texts. Tokens read since the event, straight between samples. With a leak of fixed time\n"
      "constant the two are equal. Intervals: bootstrap over pairs, jointly over levels.";
  measure.parameters = bootstrap_parameters();
  measure.parameters.push_back({"condition", std::string("twin"), 0, 0, {}, "", "recorded condition with another past", ""});
  measure.parameters.push_back({"parted", std::string("parted"), 0, 0, {}, "", "recorded condition with another text", ""});
  measure.parameters.push_back(compared_parameter());
  measure.run = run;
  return measure;
}

}  // namespace strata
