// How far what each level expects reaches: its forecasts are kept and held against the tokens that come later.
//
// Design    the held-out documents are read, learning off. Every so many tokens of each stream every level says what it expects
//           (Level::expectation). The forecast is scored, as it stands, on the token that comes 1, 10, 100 and 1,000 tokens later in the same
//           document; the lowest level's is made for the next token alone, so that one sees how soon it is stale
// Measures  nats per token at each distance; gain = the background's nats minus the level's on the same tokens, more is better
//           words that came: of the words whose lift p / background is highest (as the command `forecast` shows them), the part that occurs
//           within the level's window, its horizon, cut at the document's end; beside it the part of these very words that the background lets
//           one expect there, 1 - (1 - u)^n, and the same number of other words: the most frequent of the background; those of this document
//           by their decaying count; these by lift as the level's are, with their share of the count as p
//           departure of the forecast from the background, KL divergence in nats, at the same moments for every level: vaguer is less; with the
//           difference to the level below, paired by document. temperature T at which p^(1/T) foretells the window's words best: above 1 the
//           level is too sure, below 1 not sure enough. What the words of a level's window cost under the level below, more than under its own
//           forecast of the same moment, nats per word: what the level adds at its own distance
// Limit     a level that expects the background: gain 0. Every distance has moments of its own, those from which the document reaches so far
//           (forecasts.reach: the same moments for all)
// Intervals block bootstrap over documents, paired

#include "experiments/forecast_moments.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "analysis/bootstrap.hpp"
#include "core/error.hpp"
#include "core/simulation.hpp"
#include "experiments/experiment.hpp"

namespace strata {

Experiment forecasts_experiment();

namespace {

ParameterTable parameters() {
  return {
      {"distances", std::string("1, 10, 100, 1000"), 0, 0, {}, "tokens", "how far ahead forecasts are held against what came", ""},
      {"every", std::int64_t{16}, 1, 1e6, {}, "tokens", "between two moments of a stream", ""},
      {"reach", std::int64_t{0}, 0, 1e9, {}, "tokens", "only moments behind which the document goes on for so many tokens; 0: all", ""},
      {"words", std::int64_t{20}, 1, 1000, {}, "words", "looked for in what comes", ""},
      {"floor", .001, 0, 1, {}, "1", "probability that a word must have to be looked for", ""},
      {"recent_time", 200.0, 1, 1e6, {}, "tokens", "time constant of the decaying count", "Kuhn & De Mori 1990"},
      {"streams", std::int64_t{32}, 1, 4096, {}, "1", "documents read side by side", ""},
  };
}

std::vector<Index> distances_of(const Values& values) {
  std::vector<Index> distances;
  for (const double d : real_list("forecasts.distances", values.text("distances"), 1, 1e9)) {
    if (d != std::trunc(d)) throw ConfigError("forecasts.distances", values.text("distances"), "must be whole numbers of tokens");
    distances.push_back(static_cast<Index>(d));
  }
  if (distances.empty()) throw ConfigError("forecasts.distances", "", "must be whole numbers of tokens, such as 1, 10, 100");
  return distances;
}

ForecastMoments::Settings settings_of(const Values& values) {
  ForecastMoments::Settings settings;
  settings.distances = distances_of(values);
  settings.every = values.integer("every");
  settings.reach = values.integer("reach");
  settings.words = static_cast<std::size_t>(values.integer("words"));
  settings.floor = values.real("floor");
  settings.recent_time = values.real("recent_time");
  return settings;
}

double total(const std::vector<double>& per_document) { return std::accumulate(per_document.begin(), per_document.end(), 0.0); }

std::string with_interval(const Estimate& e, int digits) {
  char text[64];
  if (e.has_interval())
    std::snprintf(text, sizeof text, "%.*f [%.*f, %.*f]", digits, e.value, digits, e.low, digits, e.high);
  else
    std::snprintf(text, sizeof text, "%.*f", digits, e.value);
  return text;
}

/// Where the parabola through the least of `values` and its neighbours is least; NaN where the least is at an end of `at`.
double least_at(const std::vector<double>& at, const std::vector<double>& values) {
  const auto i = static_cast<std::size_t>(std::min_element(values.begin(), values.end()) - values.begin());
  if (i == 0 || i + 1 == at.size()) return std::nan("");
  const double left = at[i] - at[i - 1], right = at[i + 1] - at[i];
  const double fall = (values[i - 1] - values[i]) / left, rise = (values[i + 1] - values[i]) / right;
  return at[i] - left / 2 + fall / (fall + rise) * (left + right) / 2;  // the slope changes from -fall to rise between the middles
}

/// The gain at every distance, into the level's summary; returns its line of the table.
std::string distance_line(Summary& level, const std::string& label, const std::vector<Index>& distances,
                          const std::vector<ForecastMoments::Nats>& scores, const BootstrapOptions& bootstrap) {
  char cell[80];
  std::snprintf(cell, sizeof cell, "%-12s", label.c_str());
  std::string line = cell;
  for (std::size_t i = 0; i < distances.size(); ++i) {
    Summary& s = level.item("distances", i);
    s.set("distance", distances[i]);
    const double tokens = total(scores[i].tokens);
    std::string shown = "-";
    if (tokens > 0) {
      const Estimate gain = paired_difference(scores[i].background, scores[i].level, scores[i].tokens, bootstrap);
      s.set("moments", static_cast<std::int64_t>(tokens));
      s.set("prediction_nats", total(scores[i].level) / tokens).set("unigram_nats", total(scores[i].background) / tokens);
      add_estimate(s, "gain_nats", gain);
      shown = with_interval(gain, 3);
    }
    std::snprintf(cell, sizeof cell, " %23s", shown.c_str());
    line += cell;
  }
  return line + "\n";
}

/// The part of the words that came, into the level's summary; returns its line of the table.
std::string words_line(Summary& level, const std::string& label, Index horizon, const ForecastMoments::Words& words,
                       const BootstrapOptions& bootstrap) {
  const double looked_for = total(words.looked_for);
  if (looked_for == 0) return "";
  const auto part = [&](const std::vector<double>& came) { return total(came) / looked_for; };
  level.set("came", part(words.level)).set("came_by_chance", part(words.chance)).set("came_frequent", part(words.frequent));
  level.set("came_recent", part(words.recent)).set("came_recent_raised", part(words.recent_raised));
  const Estimate over = paired_difference(words.level, words.chance, words.looked_for, bootstrap);
  const Estimate over_recent = paired_difference(words.level, words.recent_raised, words.looked_for, bootstrap);
  add_estimate(level, "came_over_chance", over);
  add_estimate(level, "came_over_recent_raised", over_recent);
  char line[240];
  std::snprintf(line, sizeof line, "%-12s %7lld %8.3f %10.3f %10.3f %8.3f %14.3f %22s %23s\n", label.c_str(),
                static_cast<long long>(horizon), part(words.level), part(words.chance), part(words.frequent), part(words.recent),
                part(words.recent_raised), with_interval(over, 3).c_str(), with_interval(over_recent, 3).c_str());
  return line;
}

/// Departure, entropy and temperature, into the level's summary; returns its line of the table.
std::string breadth_line(Summary& level, const std::string& label, const ForecastMoments::Breadth& b, const ForecastMoments::Breadth* below,
                         const BootstrapOptions& bootstrap) {
  const double moments = total(b.moments);
  if (moments == 0) return "";
  const Estimate departure = paired_difference(b.departure, std::vector<double>(b.departure.size(), 0), b.moments, bootstrap);
  add_estimate(level, "departure_nats", departure);
  level.set("entropy_nats", total(b.entropy) / moments);
  std::string less = "-";
  if (below != nullptr) {
    const Estimate fall = paired_difference(below->departure, b.departure, b.moments, bootstrap);
    add_estimate(level, "departure_below_minus_own_nats", fall);
    less = with_interval(fall, 3);
  }
  std::string dearer = "-";
  if (total(b.words) > 0) {
    const Estimate by = paired_difference(b.below, b.own, b.words, bootstrap);
    add_estimate(level, "window_below_minus_own_nats", by);
    dearer = with_interval(by, 3);
  }
  const double temperature = 1 / least_at(ForecastMoments::sharpnesses(), b.window_nats);
  if (std::isfinite(temperature)) level.set("temperature", temperature);
  char line[240];
  std::snprintf(line, sizeof line, "%-12s %23s %23s %9.3f %12.3f %23s\n", label.c_str(), with_interval(departure, 3).c_str(), less.c_str(),
                total(b.entropy) / moments, temperature, dearer.c_str());
  return line;
}

std::string distance_heading(const std::vector<Index>& distances) {
  std::string line = "level       ";
  for (const Index d : distances) {
    char cell[40];
    std::snprintf(cell, sizeof cell, " %23lld", static_cast<long long>(d));
    line += cell;
  }
  return line + "\n";
}

Findings report(const TextStudy& study, Hierarchy<float>& hierarchy, const ForecastMoments& moments) {
  const auto& settings = moments.settings();
  BootstrapOptions bootstrap;
  bootstrap.seed = study.options.seed;
  Findings findings;
  Summary& s = findings.summary;
  s.set("held_out_tokens", static_cast<std::int64_t>(text::total_tokens(study.held_out)));
  s.set("moments", moments.count());
  std::string words, breadth;
  const ForecastMoments::Breadth* below = nullptr;
  char line[300];
  std::snprintf(line, sizeof line,
                "held out: %lld tokens of %zu documents, %lld moments\n\n"
                "gain over the background, nats per token, so many tokens behind the moment\n",
                static_cast<long long>(text::total_tokens(study.held_out)), study.held_out.size(), static_cast<long long>(moments.count()));
  findings.table = line + distance_heading(settings.distances);
  for (Index l = 0; l < hierarchy.depth(); ++l) {
    Summary& level = s.item("levels", static_cast<std::size_t>(l));
    const std::string label = std::to_string(l) + " " + study.level_name(l);
    const Index horizon = hierarchy.level(l).horizon();
    level.set("name", study.level_name(l)).set("time_constant", hierarchy.level(l).time_constant());
    if (horizon == 0) continue;
    level.set("horizon", horizon);
    findings.table += distance_line(level, label, settings.distances, moments.nats(l), bootstrap);
    if (l == 0) continue;
    breadth += breadth_line(level, label, moments.breadth(l), below, bootstrap);
    below = &moments.breadth(l);
    words += words_line(level, label, horizon, moments.words(l), bootstrap);
  }
  findings.table +=
      "\nlevel                     departure     departure below - own   entropy  temperature    window: below - own\n" + breadth +
      "departure: from the background, nats; less is vaguer. temperature: above 1 a level is too sure. window: what a word of the level's window\n"
      "costs under the level below, more than under its own forecast, nats; above 0 the level foretells it better\n";
  std::snprintf(
      line, sizeof line,
      "\nof the %zu words of highest lift, the part that came within the window; beside them as many others\n"
      "level         window  level's  by chance   frequent   recent recent by lift           above chance    above recent by lift\n",
      settings.words);
  findings.table += line + words;
  return findings;
}

Findings run(Bench& bench) {
  TextStudy& study = bench.text();
  const ForecastMoments::Settings settings = settings_of(bench.values);
  const auto hierarchy = study.load_hierarchy(bench.model, bench.values.integer("streams"));
  ForecastMoments moments(study, *hierarchy, settings);
  moments.read(bench.progress);
  return report(study, *hierarchy, moments);
}

}  // namespace

Experiment forecasts_experiment() {
  return {
      "forecasts",
      "holds what every level expects against what comes 1, 10, 100, 1,000 tokens later in held-out text",
      "Nats per token of every level's forecast at each distance, and its gain over the background on the same tokens; of the words it\n"
      "expects most above the background (by lift), the part that came, beside frequent and recent words. How far each level departs from the\n"
      "background (departure_nats, KL divergence; less is vaguer), also paired with the level below (departure_below_minus_own_nats); the temperature\n"
      "at which it would foretell its window best, above 1 where it is too sure; and by how much a word of its window costs more under the level\n"
      "below (window_below_minus_own_nats, above 0 where the level foretells its own window better).",
      parameters(),
      {{"every", "64"}},
      run};
}

}  // namespace strata
