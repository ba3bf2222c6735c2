#include "analysis/surprise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "analysis/recovery.hpp"
#include "analysis/trace_reader.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// What one level of one condition gives to the correlations over insertions.
struct Insertions {
  LevelInfo level;
  std::string undisturbed;                               ///< the condition that reads on at the same places
  std::vector<double> displacement, excess, own_excess;  ///< per trial; excess under the whole model, own under the level's prediction
  std::vector<double> context;                           ///< cost of the context under the whole model; empty: the condition has no home
  std::vector<Index> place;  ///< where the passage is inserted: several may be, one after another in different copies
};

/// Pearson r over the trials that have both values; not measured with fewer than three places.
Estimate correlation(const std::vector<double>& x, const std::vector<double>& y, const std::vector<Index>& place,
                     BootstrapOptions options) {
  std::vector<double> a, b;
  for (std::size_t s = 0; s < std::min(x.size(), y.size()); ++s) {
    if (!std::isfinite(x[s]) || !std::isfinite(y[s])) continue;
    a.push_back(x[s]);
    b.push_back(y[s]);
    options.blocks.push_back(place[s]);
  }
  return std::set<Index>(options.blocks.begin(), options.blocks.end()).size() < 3 ? Estimate::none() : pearson(a, b, options);
}

void set_correlations(MeasuredValues& record, const Insertions& all, const BootstrapOptions& options) {
  record.set("displacement_excess_r", correlation(all.displacement, all.excess, all.place, options));
  record.set("displacement_own_excess_r", correlation(all.displacement, all.own_excess, all.place, options));
  if (std::any_of(all.context.begin(), all.context.end(), [](double x) { return std::isfinite(x); }))
    record.set("displacement_context_r", correlation(all.displacement, all.context, all.place, options));
}

/// The copies that one part of the result compares.
struct Pair {
  Recording disturbed, undisturbed;
  std::vector<std::int64_t> valid;
};

bool both_have(const Pair& pair, Index level, const std::string& dataset) {
  return pair.disturbed.has(level, dataset) && pair.undisturbed.has(level, dataset);
}

ErrorOptions error_options(const Values& values) {
  ErrorOptions errors;
  errors.window = values.real("window");
  errors.back = values.real("back");
  errors.within = values.real("peak_within");
  return errors;
}

void measure_errors(MeasuredValues& record, const Pair& pair, const LevelInfo& info, const Values& values) {
  const Index level = info.number;
  if (!both_have(pair, level, "prediction_error_norm")) return;
  const Curves disturbed = scalar_curves(pair.disturbed.scalars(level, "prediction_error_norm"), pair.valid);
  const Curves undisturbed = scalar_curves(pair.undisturbed.scalars(level, "prediction_error_norm"), pair.valid);
  if (!(overall_mean(undisturbed) > 0.0)) return;  // a level that never erred has no normalised error
  ErrorOptions errors = error_options(values);
  if (!std::isnan(info.tick)) errors.tick = info.tick;
  const ErrorResponse found = error_response(disturbed, undisturbed, pair.disturbed.passage_length(), bootstrap_options(values), errors);
  record.set("peak_error", found.peak);
  record.set("peak_error_undisturbed", MeasuredValue(found.undisturbed));
  record.set("peak_error_time", MeasuredValue(found.peak_time));
  record.set("error_recovery", found.error_recovery);
  record.set("error_baseline", MeasuredValue(found.baseline));
}

/// Mean over the trials that have a value.
void set_mean(MeasuredValues& record, const char* name, std::vector<double> values, const BootstrapOptions& options) {
  std::erase_if(values, [](double x) { return !std::isfinite(x); });
  if (!values.empty()) record.set(name, bootstrap_mean(values, options));
}

void measure_nats(MeasuredValues& record, Insertions& insertions, const Pair& pair, Index level, const ErrorOptions& errors,
                  const BootstrapOptions& options) {
  if (!both_have(pair, level, "surprise")) return;
  const Curves disturbed = scalar_curves(pair.disturbed.scalars(level, "surprise"), pair.valid);
  const Curves undisturbed = scalar_curves(pair.undisturbed.scalars(level, "surprise"), pair.valid);
  const auto& passage = pair.disturbed.passage_length();
  record.set("peak_surprise", peak_level(disturbed, passage, options, errors));
  record.set("excess_nats_after", excess_after(disturbed, undisturbed, options));
  if (passage.empty()) return;
  insertions.own_excess = excess_of_passage(disturbed, undisturbed, passage);
  set_mean(record, "excess_nats_passage", insertions.own_excess, options);
}

void name_first_peak(MeasureResult& part) {
  const MeasuredValues* first = nullptr;
  for (const MeasuredValues& level : part.levels) {
    const double time = level.number("peak_error_time");
    const MeasuredValue* interval = level.find("peak_error_ci95");
    const double least = interval != nullptr ? std::get<std::vector<double>>(*interval).front() : kNan;
    if (least > level.number("peak_error_undisturbed") && !std::isnan(time) &&
        (first == nullptr || time < first->number("peak_error_time")))
      first = &level;
  }
  if (first == nullptr) return;
  part.values.set("first_to_peak", MeasuredValue(first->cell("name")));
  part.notes.push_back("first to peak: " + first->cell("name"));
}

MeasureResult run_condition(const Trace& trace, const std::string& name, const Values& values, std::vector<Insertions>& collected) {
  const Recording disturbed = trace.condition(name), undisturbed = trace.reference_of(disturbed);
  const Pair pair{disturbed, undisturbed, common_valid(disturbed, undisturbed)};
  const BootstrapOptions options = bootstrap_options(values);
  const auto& passage = disturbed.passage_length();
  MeasureResult part;
  part.name = name;
  part.values.set("reference", MeasuredValue(undisturbed.name()));
  part.columns = {{"name", "level"},
                  {"time_constant", "time constant (tokens)"},
                  {"peak_error", "peak error / baseline [95 %]"},
                  {"peak_error_undisturbed", "undisturbed"},
                  {"peak_error_time", "at (tokens in)"},
                  {"error_recovery", "error recovery (tokens) [95 %]"},
                  {"peak_surprise", "peak surprise (nats) [95 %]"}};
  part.tables = {{"excess nats, and their correlation with the displacement at the passage's end",
                  {{"name", "level"},
                   {"excess_nats_passage", "of the passage [95 %]"},
                   {"excess_nats_after", "after it [95 %]"},
                   {"displacement_excess_r", "r [95 %]"},
                   {"displacement_context_r", "r, cost of context [95 %]"}}}};
  std::vector<double> excess, context;
  if (!passage.empty() && disturbed.has_token_surprise() && undisturbed.has_token_surprise()) {
    const Curves inserted = scalar_curves(disturbed.token_surprise(), pair.valid);
    excess = excess_of_passage(inserted, scalar_curves(undisturbed.token_surprise(), pair.valid), passage);
    if (const std::optional<Recording> at_home = trace.home_of(disturbed); at_home && at_home->has_token_surprise()) {
      const Recording& home = *at_home;
      context = cost_of_context(inserted, scalar_curves(home.token_surprise(), home.valid()), passage);
      set_mean(part.values, "context_nats", context, options);
      part.notes.push_back("cost of the context: " + part.values.cell("context_nats") +
                           " nats, what the passage costs more than where it belongs");
    }
  }
  for (const LevelInfo& level : undisturbed.levels()) {
    if (!disturbed.has_level(level.number)) continue;
    MeasuredValues record = level_record(level);
    Insertions insertions{level, undisturbed.name(), {}, excess, {}, context, {}};
    measure_errors(record, pair, level, values);
    measure_nats(record, insertions, pair, level.number, error_options(values), options);
    const std::string dataset = compared_dataset(disturbed, undisturbed, level.number, "auto");
    if (!passage.empty() && both_have(pair, level.number, dataset)) {
      insertions.displacement = start_displacement(displacement(
          disturbed.vectors(level.number, dataset), undisturbed.vectors(level.number, dataset), passage, pair.valid, Distance::euclidean));
      for (std::size_t s = 0; s < insertions.displacement.size(); ++s) insertions.place.push_back(static_cast<Index>(s));
      set_correlations(record, insertions, options);
      collected.push_back(insertions);
    }
    part.levels.push_back(std::move(record));
  }
  if (part.levels.empty()) throw DataError(trace.path(), 0, "condition '" + name + "' has no level that its reference has too");
  name_first_peak(part);
  return part;
}

/// Appends, padding what a condition did not measure, so that the vectors stay aligned over trials.
void append(Insertions& into, const Insertions& from) {
  const std::size_t size = from.displacement.size();
  const auto add = [size](std::vector<double>& all, std::vector<double> more) {
    more.resize(size, kNan);
    all.insert(all.end(), more.begin(), more.end());
  };
  add(into.displacement, from.displacement);
  add(into.excess, from.excess);
  add(into.own_excess, from.own_excess);
  add(into.context, from.context);
  into.place.insert(into.place.end(), from.place.begin(), from.place.end());
}

MeasureResult run(const Trace& trace, const Values& values) {
  MeasureResult out;
  out.name = "surprise";
  std::vector<Insertions> collected;
  for (const std::string& name : disturbed_conditions(trace, values.text("condition")))
    out.parts.push_back(run_condition(trace, name, values, collected));
  std::map<Index, Insertions> pooled;
  std::map<std::pair<std::string, Index>, Index> places;  // trials of one number that are compared with one condition
  for (Insertions& one : collected) {
    for (Index& place : one.place) place = places.try_emplace({one.undisturbed, place}, static_cast<Index>(places.size())).first->second;
    append(pooled.try_emplace(one.level.number, Insertions{one.level, {}, {}, {}, {}, {}, {}}).first->second, one);
  }
  for (const auto& [number, all] : pooled) {
    MeasuredValues record = level_record(all.level);
    record.set("insertions", MeasuredValue(static_cast<std::int64_t>(all.displacement.size())));
    set_correlations(record, all, bootstrap_options(values));
    out.levels.push_back(std::move(record));
  }
  out.columns = {{"name", "level"},
                 {"insertions", "insertions"},
                 {"displacement_excess_r", "r displacement, excess nats [95 %]"},
                 {"displacement_own_excess_r", "r displacement, own excess nats [95 %]"},
                 {"displacement_context_r", "r displacement, cost of context [95 %]"}};
  return out;
}

}  // namespace

Measure surprise_measure() {
  Measure measure;
  measure.name = "surprise";
  measure.summary = "peak of each level's error by a foreign passage, time until the error is back, and the nats that the passage cost";
  measure.definition =
      "Peak error: largest prediction_error_norm since the passage began, averaged over trials and a window, over the\n"
      "mean of the undisturbed copy; undisturbed: the same of that copy itself, what chance makes the largest of so many;\n"
      "first to peak: the level that peaks first, of those whose interval lies above that.\n"
      "Error recovery: first time after passage and peak at which the error, averaged\n"
      "over trials and a window, is at most 1.1 of that mean; in tokens since the passage's end, and not before the\n"
      "level has ticked since, for until then its error is held; none where the peak was not above 1.1. Excess nats:\n"
      "surprise of the level's own prediction, disturbed minus undisturbed, summed after the passage; of the passage\n"
      "itself, above the mean of the undisturbed text, negative where it is easier to foresee than that. Cost of the\n"
      "context: nats of the passage's tokens less those of the same tokens where they belong. r: Pearson correlation over\n"
      "insertions of the displacement at the passage's end with the passage's excess nats, and with the cost of its\n"
      "context. Intervals: bootstrap over trials.";
  measure.parameters = bootstrap_parameters();
  measure.parameters.push_back({"condition", std::string("all"), 0, 0, {}, "", "recorded condition, or all that disturb a text", ""});
  measure.parameters.push_back({"window",
                                8.0,
                                1.0,
                                1e6,
                                {},
                                "tokens",
                                "over which errors are averaged before they count as back (at least the sampling interval)",
                                ""});
  measure.parameters.push_back(
      {"peak_within", 256.0, 1.0, 1e9, {}, "tokens", "after the passage's end within which the peak is looked for", ""});
  measure.parameters.push_back({"back", 1.1, 1.0, 100.0, {}, "1", "of the baseline error that counts as back", ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
