#include "analysis/half_life.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "core/error.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Bounded geometric_ratio(Bounded lowest, Bounded highest, std::size_t levels) {
  Bounded ratio = bounded_ratio(highest, lowest);
  ratio.value = std::pow(ratio.value, 1.0 / static_cast<double>(levels - 1));
  return ratio;
}

void check_same_pairs(std::span<const FallingCurves> levels) {
  for (const FallingCurves& level : levels)
    if (level.trials() != levels[0].trials())
      throw ShapeError("half-life: pairs of a level", std::to_string(levels[0].trials()) + " as at the lowest",
                       std::to_string(level.trials()));
}

/// Weight over all pairs that a draw over some of them (`members`) stands for.
std::vector<double> spread(const BootstrapDraw& draw, const std::vector<std::size_t>& members, std::size_t pairs) {
  std::vector<double> weight(pairs, 0.0);
  for (std::size_t i = 0; i < members.size(); ++i) weight[members[i]] = draw.weight[i];
  return weight;
}

void report_thirds(MeasureResult& out, const TwinDistances& twins, const std::vector<double>& surprise, const BootstrapOptions& options) {
  const auto usable = std::count_if(surprise.begin(), surprise.end(), [](double x) { return std::isfinite(x); });
  if (usable < 6) {
    out.notes.emplace_back(surprise.empty() ? "thirds by surprise: not measured, the trace holds no surprise of tokens"
                                            : "thirds by surprise: not measured, fewer than six pairs");
    return;
  }
  const HalfLifeThirds thirds = half_life_thirds(twins.curves, surprise, options);
  static const char* const names[] = {"low", "middle", "high"};
  for (std::size_t k = 0; k < 3; ++k) out.values.set(std::string("surprise_of_") + names[k] + "_third", MeasuredValue(thirds.surprise[k]));
  for (std::size_t l = 0; l < twins.levels.size(); ++l) {
    for (std::size_t k = 0; k < 3; ++k) out.levels[l].set(std::string("half_life_") + names[k] + "_surprise", thirds.half_life[l][k]);
    out.levels[l].set("half_life_high_minus_low", thirds.high_minus_low[l]);
  }
  out.tables.push_back({"by thirds of pairs: mean surprise of the text " + short_number(thirds.surprise[0]) + " / " +
                            short_number(thirds.surprise[1]) + " / " + short_number(thirds.surprise[2]) + " nats per token",
                        {{"name", "level"},
                         {"half_life_low_surprise", "low (tokens) [95 %]"},
                         {"half_life_middle_surprise", "middle (tokens) [95 %]"},
                         {"half_life_high_surprise", "high (tokens) [95 %]"},
                         {"half_life_high_minus_low", "high minus low (tokens) [95 %]"}}});
}

/// Twins that differ in one level only, where such conditions were recorded.
void report_single(MeasureResult& out, const Trace& trace, const TwinDistances& twins, const std::string& condition, Distance kind,
                   bool each, const BootstrapOptions& options) {
  for (std::size_t l = 0; l < twins.levels.size(); ++l) {
    const std::string name = condition + "_l" + std::to_string(twins.levels[l].number);
    if (!trace.has_condition(name)) continue;
    const TwinDistances single = twin_distances(trace, name, twins.dataset, kind, each);
    for (std::size_t k = 0; k < single.levels.size(); ++k) {
      if (single.levels[k].number != twins.levels[l].number) continue;
      const HalfLives alone = half_lives(std::span(&single.curves[k], 1), options);
      out.levels[l].set("half_life_single", alone.half_life[0]);
      out.levels[l].set("half_life_single_censored_fraction", MeasuredValue(alone.censored_fraction[0]));
    }
  }
  const auto has = [](const MeasuredValues& level) { return level.find("half_life_single") != nullptr; };
  if (std::any_of(out.levels.begin(), out.levels.end(), has))
    out.columns.push_back({"half_life_single", "this level alone swapped (tokens) [95 %]"});
}

void report_levels(MeasureResult& out, const TwinDistances& twins, const HalfLives& found) {
  const std::vector<double> ones(static_cast<std::size_t>(twins.curves[0].trials()), 1.0);
  for (std::size_t l = 0; l < twins.levels.size(); ++l) {
    MeasuredValues level = level_record(twins.levels[l]);
    level.set("half_life", found.half_life[l]);
    level.set("half_life_ratio", found.ratio[l]);
    if (found.half_life[l].bound == Bound::exact)
      level.set("half_life_per_time_constant", MeasuredValue(found.half_life[l].value / twins.levels[l].time_constant));
    std::vector<double> time;
    std::vector<std::uint8_t> censored;
    for (const Bounded& pair : found.of_pair[l]) {
      if (std::isnan(pair.value)) continue;
      time.push_back(pair.value);
      censored.push_back(pair.bound == Bound::at_least ? 1 : 0);
    }
    if (!time.empty()) {
      const Bounded median = censored_median(time, censored, std::vector<double>(time.size(), 1.0));
      level.set(median.bound == Bound::exact ? "half_life_pair_median" : "half_life_pair_median_at_least", MeasuredValue(median.value));
    } else {
      out.notes.push_back(twins.levels[l].name + ": not measured, the two copies do not differ at the start");
    }
    level.set("censored_fraction", MeasuredValue(found.censored_fraction[l]));
    level.set("half_life_pairs", MeasuredValue(static_cast<std::int64_t>(twins.curves[l].used())));
    level.set("half_life_horizon", MeasuredValue(twins.curves[l].horizon()));
    out.levels.push_back(std::move(level));
  }
}

/// The same pairs under another condition.
void report_against(MeasureResult& out, const Trace& trace, const TwinDistances& twins, const std::string& other, Distance kind, bool each,
                    const BootstrapOptions& options) {
  const TwinDistances against = twin_distances(trace, other, twins.dataset, kind, each);
  const auto same = [](const LevelInfo& a, const LevelInfo& b) { return a.number == b.number; };
  if (!std::equal(twins.levels.begin(), twins.levels.end(), against.levels.begin(), against.levels.end(), same))
    throw DataError("condition " + other, 0, "has other levels than the condition it is taken from");
  const HalfLives theirs = half_lives(against.curves, options);
  const std::vector<Estimate> gaps = half_life_gaps(twins.curves, against.curves, options);
  for (std::size_t l = 0; l < twins.levels.size(); ++l) {
    out.levels[l].set("half_life_against", theirs.half_life[l]);
    out.levels[l].set("half_life_minus_against", gaps[l]);
  }
  out.columns.push_back({"half_life_against", other + " (tokens) [95 %]"});
  out.columns.push_back({"half_life_minus_against", "less that (tokens) [95 %]"});
}

/// The document of each pair's histories: of the last token before time 0, which both copies must have of the same.
std::vector<Index> documents_before(const Recording& a, const Recording& b) {
  std::vector<Index> found;
  for (const Recording* copy : {&a, &b}) {
    const IntegerSeries documents = copy->token_documents();
    const auto behind = std::lower_bound(documents.time.begin(), documents.time.end(), 0);
    std::vector<Index> own;
    for (Index s = 0; s < documents.streams && behind != documents.time.begin(); ++s)
      own.push_back(documents.at(static_cast<std::size_t>(behind - documents.time.begin()) - 1, s));
    if (copy == &a) found = own;
    if (own.empty() || own != found || std::any_of(own.begin(), own.end(), [](Index document) { return document < 0; }))
      throw DataError(
          "condition " + b.name(), 0,
          "holds pairs whose histories are not of one document of a text: intervals can only draw pairs (analyse.drawn = pairs)");
  }
  return found;
}

MeasureResult run(const Trace& trace, const Values& values) {
  const BootstrapOptions each_pair = bootstrap_options(values);
  BootstrapOptions options = each_pair;
  const std::string condition = values.text("condition");
  const bool by_document = values.text("drawn") == "documents";
  if (by_document) options.blocks = documents_before(trace.reference_of(trace.condition(condition)), trace.condition(condition));
  const auto [kind, each] = chosen_distance(values);
  const TwinDistances twins = twin_distances(trace, condition, values.text("of"), kind, each);
  const HalfLives found = half_lives(twins.curves, options);

  MeasureResult out;
  out.name = "half_life";
  out.values.set("compared", MeasuredValue(twins.dataset));
  out.values.set("distance", MeasuredValue(values.text("distance")));
  out.values.set("normalised", MeasuredValue(values.text("normalise")));
  out.values.set("pairs", MeasuredValue(static_cast<std::int64_t>(twins.curves[0].trials())));
  out.values.set("half_life_rho", found.rho);
  out.columns = {{"name", "level"},
                 {"time_constant", "time constant (tokens)"},
                 {"half_life", "half-life (tokens) [95 %]"},
                 {"half_life_ratio", "to the level below"},
                 {"half_life_per_time_constant", "per time constant"},
                 {"censored_fraction", "pairs censored"}};
  report_levels(out, twins, found);
  const std::set<Index> documents(options.blocks.begin(), options.blocks.end());
  const auto drawn = by_document ? static_cast<Index>(documents.size()) : twins.curves[0].trials();
  if (drawn < 30)
    out.notes.push_back(std::string("fewer than 30 ") + (by_document ? "documents" : "pairs") + ": read the intervals with care");
  out.notes.push_back("distance: " + values.text("distance") + ", normalised " + values.text("normalise") +
                      " (analyse.distance, analyse.normalise)");
  if (by_document) {
    out.values.set("documents", MeasuredValue(static_cast<std::int64_t>(drawn)));
    out.notes.push_back(drawn < 2 ? "no intervals: all histories are of one document"
                                  : "intervals: the " + std::to_string(drawn) +
                                        " documents of the histories drawn, each with all its pairs (thirds: pairs)");
  }
  if (found.rho.measured()) out.notes.push_back("geometric ratio per level " + short_text(found.rho));
  const Recording twin = trace.condition(condition);
  report_thirds(out, twins, early_surprise(trace.reference_of(twin), twin, twins.valid, values.integer("thirds_tokens")), each_pair);
  report_single(out, trace, twins, condition, kind, each, options);
  if (const std::string other = values.text("against"); !other.empty()) report_against(out, trace, twins, other, kind, each, options);
  return out;
}

}  // namespace

ParameterTable distance_parameters() {
  return {
      {"distance", std::string("euclidean"), 0, 0, {"euclidean", "total_variation"}, "", "total_variation for categorical beliefs", ""},
      {"normalise",
       std::string("each"),
       0,
       0,
       {"each", "together"},
       "",
       "each pair by its own start, or all by their mean start: for levels of one unit, whose distance may start next to 0",
       ""},
  };
}

Parameter compared_parameter() {
  return {"of",
          std::string("auto"),
          0,
          0,
          {"auto", "prediction", "belief"},
          "",
          "vectors compared; auto: prediction where recorded, else belief",
          ""};
}

std::pair<Distance, bool> chosen_distance(const Values& values) {
  return {values.text("distance") == "total_variation" ? Distance::total_variation : Distance::euclidean,
          values.text("normalise") == "each"};
}

HalfLives half_lives(std::span<const FallingCurves> levels, const BootstrapOptions& options, double fraction) {
  const std::size_t n = levels.size();
  if (n == 0) throw ShapeError("half-life", "at least one level", "none");
  check_same_pairs(levels);
  const Statistics statistics = [&](std::span<const BootstrapDraw> draws) {
    std::vector<Bounded> out;
    for (const FallingCurves& level : levels) out.push_back(level.fall_time(draws[0].weight, fraction));
    for (std::size_t l = 1; l < n; ++l) out.push_back(bounded_ratio(out[l], out[l - 1]));
    if (n > 1) out.push_back(geometric_ratio(out[0], out[n - 1], n));
    return out;
  };
  const Index sizes[] = {levels[0].trials()};
  const std::vector<Estimate> all = bootstrap(sizes, statistics, options);
  HalfLives found;
  found.half_life.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
  found.ratio.push_back(Estimate::none());
  for (std::size_t l = 1; l < n; ++l) found.ratio.push_back(all[n + l - 1]);
  found.rho = n > 1 ? all.back() : Estimate::none();
  for (const FallingCurves& level : levels) {
    std::vector<Bounded> pairs;
    double censored = 0.0;
    for (Index s = 0; s < level.trials(); ++s) {
      pairs.push_back(level.fall_time_of(s, fraction));
      if (!std::isnan(pairs.back().value) && pairs.back().bound == Bound::at_least) censored += 1.0;
    }
    found.censored_fraction.push_back(level.used() > 0 ? censored / static_cast<double>(level.used()) : kNan);
    found.of_pair.push_back(std::move(pairs));
  }
  return found;
}

std::vector<Estimate> half_life_gaps(std::span<const FallingCurves> levels, std::span<const FallingCurves> against,
                                     const BootstrapOptions& options, double fraction) {
  if (levels.empty() || levels.size() != against.size())
    throw ShapeError("half-life against another condition", "as many levels, one at least",
                     std::to_string(levels.size()) + " and " + std::to_string(against.size()));
  check_same_pairs(levels);
  check_same_pairs(against);
  if (levels[0].trials() != against[0].trials())
    throw ShapeError("half-life against another condition", "the same pairs",
                     std::to_string(levels[0].trials()) + " and " + std::to_string(against[0].trials()));
  const Statistics statistics = [&](std::span<const BootstrapDraw> draws) {
    std::vector<Bounded> values;
    for (std::size_t l = 0; l < levels.size(); ++l)
      values.push_back(bounded_difference(levels[l].fall_time(draws[0].weight, fraction), against[l].fall_time(draws[0].weight, fraction)));
    return values;
  };
  const Index sizes[] = {levels[0].trials()};
  return bootstrap(sizes, statistics, options);
}

HalfLifeThirds half_life_thirds(std::span<const FallingCurves> levels, std::span<const double> surprise, const BootstrapOptions& options,
                                double fraction) {
  if (levels.empty()) throw ShapeError("half-life by thirds", "at least one level", "none");
  check_same_pairs(levels);
  const std::size_t pairs = static_cast<std::size_t>(levels[0].trials());
  if (surprise.size() != pairs)
    throw ShapeError("half-life by thirds: surprise", std::to_string(pairs) + " pairs", std::to_string(surprise.size()));
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < pairs; ++i)
    if (std::isfinite(surprise[i])) order.push_back(i);
  const std::size_t n = order.size();
  if (n < 6) throw DataError("half-life by thirds", 0, "needs six pairs with surprise, got " + std::to_string(n));
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return surprise[a] < surprise[b]; });
  using Place = std::vector<std::size_t>::difference_type;
  const auto third = static_cast<Place>(n / 3);
  const std::array<std::vector<std::size_t>, 3> members = {std::vector(order.begin(), order.begin() + third),
                                                           std::vector(order.begin() + third, order.end() - third),
                                                           std::vector(order.end() - third, order.end())};
  HalfLifeThirds out;
  std::vector<Index> sizes;
  for (std::size_t k = 0; k < 3; ++k) {
    sizes.push_back(static_cast<Index>(members[k].size()));
    out.surprise[k] = 0.0;
    for (const std::size_t i : members[k]) out.surprise[k] += surprise[i] / static_cast<double>(members[k].size());
  }
  const Statistics statistics = [&](std::span<const BootstrapDraw> draws) {
    std::vector<Bounded> values;
    for (const FallingCurves& level : levels) {
      for (std::size_t k = 0; k < 3; ++k) values.push_back(level.fall_time(spread(draws[k], members[k], pairs), fraction));
      values.push_back(bounded_difference(values[values.size() - 1], values[values.size() - 3]));
    }
    return values;
  };
  const std::vector<Estimate> all = bootstrap(sizes, statistics, options);
  for (std::size_t l = 0; l < levels.size(); ++l) {
    out.half_life.push_back({all[4 * l], all[4 * l + 1], all[4 * l + 2]});
    out.high_minus_low.push_back(all[4 * l + 3]);
  }
  return out;
}

TwinDistances twin_distances(const Trace& trace, const std::string& condition, const std::string& dataset, Distance kind, bool each) {
  const Recording twin = trace.condition(condition), other = trace.reference_of(twin);
  TwinDistances out;
  out.valid = common_valid(other, twin);
  for (const LevelInfo& level : other.levels()) {
    if (!twin.has_level(level.number)) continue;
    const std::string compared = compared_dataset(other, twin, level.number, dataset);
    out.curves.emplace_back(distance(other.vectors(level.number, compared), twin.vectors(level.number, compared), out.valid, kind), each);
    out.levels.push_back(level);
    out.dataset = out.dataset.empty() || out.dataset == compared ? compared : "prediction or belief";
  }
  if (out.levels.empty()) throw DataError(trace.path(), 0, "condition '" + condition + "' has no level that its reference has too");
  return out;
}

std::vector<double> early_surprise(const Recording& a, const Recording& b, std::span<const std::int64_t> valid, std::int64_t tokens) {
  std::vector<double> sum, count;
  for (const Recording* copy : {&a, &b}) {
    if (!copy->has_token_surprise()) continue;
    const Curves surprise = scalar_curves(copy->token_surprise(), valid);
    sum.resize(static_cast<std::size_t>(surprise.trials), 0.0);
    count.resize(static_cast<std::size_t>(surprise.trials), 0.0);
    for (std::size_t k = 0; k < surprise.time.size(); ++k) {
      if (surprise.time[k] < 0 || surprise.time[k] >= tokens) continue;
      for (std::size_t s = 0; s < sum.size(); ++s) {
        const std::size_t i = surprise.place(k, static_cast<Index>(s));
        sum[s] += surprise.value[i];
        count[s] += surprise.valid[i];
      }
    }
  }
  for (std::size_t s = 0; s < sum.size(); ++s) sum[s] = count[s] > 0.0 ? sum[s] / count[s] : kNan;
  return sum;
}

Measure half_life_measure() {
  Measure measure;
  measure.name = "half_life";
  measure.summary = "tokens after which two copies with different histories have lost half of their difference, per level";
  measure.definition =
      "Two copies of the model with different histories read the same input from time 0. Half-life: first time at which\n"
      "the distance of their vectors, each pair divided by its own start (time -1, else the first sample) and averaged\n"
      "over pairs, is at most half; between samples straight in the logarithm, in tokens read since. Ratio: to the level\n"
      "below; geometric ratio: (highest / lowest)^(1/(levels - 1)). Intervals: bootstrap over pairs (or documents, drawn), jointly over\n"
      "levels. A level that has not halved while half of the pairs still have text is \"at least\"; the fraction of pairs\n"
      "that have not halved by their own end is counted.";
  measure.parameters = bootstrap_parameters();
  measure.parameters.push_back({"condition", std::string("twin"), 0, 0, {}, "", "recorded condition that holds the other copy", ""});
  measure.parameters.push_back(
      {"against", std::string(""), 0, 0, {}, "", "condition of the same pairs whose half-lives are taken off; empty: none", ""});
  measure.parameters.push_back({"drawn",
                                std::string("pairs"),
                                0,
                                0,
                                {"pairs", "documents"},
                                "",
                                "what intervals draw anew: pairs, or the documents that their histories come from, each with all its pairs",
                                ""});
  measure.parameters.push_back(compared_parameter());
  for (const Parameter& parameter : distance_parameters()) measure.parameters.push_back(parameter);
  measure.parameters.push_back(
      {"thirds_tokens", std::int64_t{100}, 1, 1e6, {}, "tokens", "common tokens whose mean surprise sorts the pairs into thirds", ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
