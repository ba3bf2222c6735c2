#include "analysis/tokens_to_switch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/trace_reader.hpp"
#include "analysis/world_switches.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Values, censoring marks and weights of the trials that have data.
struct Split {
  std::vector<double> time, weight;
  std::vector<std::uint8_t> censored;
};

Split split(std::span<const Bounded> trials, std::span<const double> weight) {
  Split out;
  for (std::size_t s = 0; s < trials.size(); ++s) {
    if (std::isnan(trials[s].value)) continue;
    out.time.push_back(trials[s].value);
    out.censored.push_back(trials[s].bound == Bound::at_least ? 1 : 0);
    out.weight.push_back(weight[s]);
  }
  return out;
}

MeasureResult run(const Trace& trace, const Values& values) {
  if (!trace.has_condition("switch") && trace.has_contexts()) return report_context_switches(trace, values, "tokens_to_switch");
  const Recording moved = trace.condition("switch"), always = trace.condition("always"), stayed = trace.condition("stayed");
  std::vector<std::int64_t> valid = common_valid(moved, always);
  const std::vector<std::int64_t> other = common_valid(moved, stayed);
  if (valid.empty()) valid = other;
  for (std::size_t s = 0; s < valid.size() && s < other.size(); ++s) valid[s] = std::min(valid[s], other[s]);

  std::vector<LevelInfo> infos;
  std::vector<std::vector<Bounded>> times;
  for (const LevelInfo& level : moved.levels()) {
    if (!always.has_level(level.number) || !stayed.has_level(level.number)) continue;
    const std::string dataset = compared_dataset(moved, always, level.number, values.text("of"), "belief");
    const Series vectors = moved.vectors(level.number, dataset);
    const Curves to_always = distance(vectors, always.vectors(level.number, dataset), valid, Distance::euclidean);
    const Curves to_stayed = distance(vectors, stayed.vectors(level.number, dataset), valid, Distance::euclidean);
    times.push_back(tokens_to_switch(to_always, to_stayed));
    infos.push_back(level);
  }
  if (infos.empty()) throw DataError(trace.path(), 0, "the conditions switch, always and stayed have no level in common");
  const SwitchSummary summary = summarise_switches(times, bootstrap_options(values));

  MeasureResult out;
  out.name = "tokens_to_switch";
  out.values.set("trials", MeasuredValue(static_cast<std::int64_t>(times[0].size())));
  out.values.set("tokens_to_switch_rho", summary.rho);
  out.columns = {{"name", "level"},
                 {"time_constant", "time constant (tokens)"},
                 {"tokens_to_switch", "median (tokens) [95 %]"},
                 {"tokens_to_switch_mean", "mean (tokens) [95 %]"},
                 {"tokens_to_switch_censored_fraction", "trials censored"}};
  for (std::size_t l = 0; l < infos.size(); ++l) {
    MeasuredValues level = level_record(infos[l]);
    level.set("tokens_to_switch", summary.levels[l].median);
    level.set("tokens_to_switch_mean", summary.levels[l].mean);
    level.set("tokens_to_switch_censored_fraction", MeasuredValue(summary.levels[l].censored_fraction));
    out.levels.push_back(std::move(level));
  }
  if (summary.rho.measured()) out.notes.push_back("geometric ratio of medians per level " + short_text(summary.rho));
  return out;
}

}  // namespace

std::vector<Bounded> tokens_to_switch(const Curves& to_always, const Curves& to_stayed) {
  const Curves nearer = difference(to_always, to_stayed);
  std::vector<Bounded> out;
  for (Index s = 0; s < nearer.trials; ++s) {
    Bounded found{kNan};
    for (std::size_t k = 0; k < nearer.time.size(); ++k) {
      const std::size_t i = nearer.place(k, s);
      if (nearer.time[k] < 0 || nearer.valid[i] == 0) continue;
      found = {static_cast<double>(nearer.time[k] + 1), Bound::at_least};
      if (nearer.value[i] >= 0.0) continue;
      found.bound = Bound::exact;
      break;
    }
    out.push_back(found);
  }
  return out;
}

SwitchSummary summarise_switches(std::span<const std::vector<Bounded>> levels, const BootstrapOptions& options) {
  if (levels.empty()) throw ShapeError("tokens to switch", "at least one level", "none");
  const std::size_t n = levels.size();
  for (const auto& level : levels)
    if (level.size() != levels[0].size())
      throw ShapeError("tokens to switch: trials of a level", std::to_string(levels[0].size()), std::to_string(level.size()));
  const Statistics statistics = [&](std::span<const BootstrapDraw> draws) {
    std::vector<Bounded> out;
    for (const auto& level : levels) {
      const Split trials = split(level, draws[0].weight);
      out.push_back(censored_median(trials.time, trials.censored, trials.weight));
      out.push_back(censored_mean(trials.time, trials.censored, trials.weight));
    }
    Bounded rho{kNan};
    if (n > 1) rho = bounded_ratio(out[2 * (n - 1)], out[0]);
    rho.value = std::pow(rho.value, 1.0 / static_cast<double>(std::max<std::size_t>(n, 2) - 1));
    out.push_back(rho);
    return out;
  };
  const Index sizes[] = {static_cast<Index>(levels[0].size())};
  const std::vector<Estimate> all = bootstrap(sizes, statistics, options);
  SwitchSummary summary;
  for (std::size_t l = 0; l < n; ++l) {
    const Split trials = split(levels[l], std::vector<double>(levels[l].size(), 1.0));
    const auto censored = std::count(trials.censored.begin(), trials.censored.end(), std::uint8_t{1});
    summary.levels.push_back(
        {all[2 * l], all[2 * l + 1], trials.time.empty() ? kNan : static_cast<double>(censored) / static_cast<double>(trials.time.size())});
  }
  summary.rho = all.back();
  return summary;
}

Estimate inertia_ratio(std::span<const Bounded> model, std::span<const Bounded> exact, const BootstrapOptions& options) {
  if (model.size() != exact.size())
    throw ShapeError("inertia ratio", std::to_string(model.size()) + " trials of the exact observer", std::to_string(exact.size()));
  std::vector<Bounded> ours, best;
  for (std::size_t s = 0; s < model.size(); ++s) {
    if (std::isnan(model[s].value) || std::isnan(exact[s].value)) continue;
    ours.push_back(model[s]);
    best.push_back(exact[s]);
  }
  if (ours.empty()) throw DataError("inertia ratio", 0, "no trial has a switch of both the model and the exact observer");
  const std::vector<double> ones(ours.size(), 1.0);
  const Split a = split(ours, ones), b = split(best, ones);
  const CensoredTimes times(a.time, a.censored), optimum(b.time, b.censored);
  const auto ratio = [&](const BootstrapDraw& draw) { return bounded_ratio(times.median(draw.weight), optimum.median(draw.weight)); };
  return bootstrap(static_cast<Index>(ours.size()), ratio, options);
}

Measure tokens_to_switch_measure() {
  Measure measure;
  measure.name = "tokens_to_switch";
  measure.summary = "tokens after a switch of document until a level's belief is nearer to the new document than to the old, per level";
  measure.definition =
      "Needs the conditions switch, always and stayed. Number of tokens of the new document read until the belief of\n"
      "the switched copy is nearer (L2) to that of the copy that always read the new document than to that of the copy\n"
      "that stayed with the old one. Median (Kaplan-Meier) and mean over trials with bootstrap intervals; trials that\n"
      "never cross are censored at their end and counted. In worlds with known contexts, without those conditions:\n"
      "tokens from a switch of the true context until the belief in the new one passes 1/2, median of at least 30\n"
      "switches, and the ratio to the exact observer's (1 normative, above 1 heavy, below 1 flighty).";
  measure.parameters = bootstrap_parameters();
  measure.parameters.push_back({"of",
                                std::string("auto"),
                                0,
                                0,
                                {"auto", "prediction", "belief"},
                                "",
                                "vectors compared; auto: belief where recorded, else prediction",
                                ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
