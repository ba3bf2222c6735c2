#include "analysis/reflection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/context_belief.hpp"
#include "analysis/information.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kClasses = 8;

using Windows = std::vector<std::vector<double>>;
using Events = std::vector<std::vector<std::uint8_t>>;

double moved(std::span<const float> a, std::span<const float> b, Distance kind) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += kind == Distance::total_variation ? 0.5 * std::abs(d) : d * d;
  }
  return kind == Distance::total_variation ? sum : std::sqrt(sum);
}

void check_shape(std::size_t a, std::size_t b, std::size_t streams_a, std::size_t streams_b) {
  if (a == b && streams_a == streams_b && a > 0) return;
  throw ShapeError("reflection", std::to_string(a) + " windows of " + std::to_string(streams_a) + " streams, at least one",
                   std::to_string(b) + " of " + std::to_string(streams_b));
}

/// Class of a value among `sorted`: equal frequencies.
std::size_t class_of(const std::vector<double>& sorted, double value) {
  const auto below = std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin();
  return std::min(kClasses - 1, static_cast<std::size_t>(below) * kClasses / sorted.size());
}

/// 1 where context `level` changed in the window, for the windows and streams of `like`.
Events context_events(const Contexts& contexts, Index level, std::int64_t start, std::int64_t window, const Windows& like) {
  Events out(like.size(), std::vector<std::uint8_t>(like[0].size(), 0));
  for (std::size_t t = 1; t < contexts.time.size(); ++t) {
    if (contexts.time[t] <= start) continue;
    const auto w = static_cast<std::size_t>((contexts.time[t] - start - 1) / window);
    if (w >= out.size()) break;
    for (std::size_t s = 0; s < out[w].size() && static_cast<Index>(s) < contexts.streams; ++s) {
      const std::int32_t now = contexts.at(t, static_cast<Index>(s), level), before = contexts.at(t - 1, static_cast<Index>(s), level);
      if (now >= 0 && before >= 0 && now != before) out[w][s] = 1;
    }
  }
  return out;
}

double event_entropy(const Events& events) {
  double ones = 0.0, all = 0.0;
  for (const auto& row : events)
    for (const std::uint8_t x : row) {
      ones += static_cast<double>(x);
      all += 1.0;
    }
  const double counts[] = {ones, all - ones};
  return entropy_of_counts(counts, false);
}

/// One level's belief cut into windows.
struct Moves {
  LevelInfo info;
  std::int64_t start = 0;
  Windows change, displaced;  ///< summed change; distance between the window's ends
};

Moves read_moves(const Recording& root, const LevelInfo& level, std::int64_t window) {
  const Series belief = root.vectors(level.number, "belief");
  const Distance kind = is_categorical(belief) ? Distance::total_variation : Distance::euclidean;
  Moves out{level, belief.time.front(), window_changes(belief, window, kind), {}};
  Series ends;
  ends.streams = belief.streams;
  ends.units = belief.units;
  const auto width = static_cast<std::ptrdiff_t>(belief.streams * belief.units);
  for (std::size_t t = 0; t < belief.time.size(); ++t) {
    if ((belief.time[t] - out.start) % window != 0) continue;
    ends.time.push_back(belief.time[t]);
    const auto begin = belief.value.begin() + static_cast<std::ptrdiff_t>(t) * width;
    ends.value.insert(ends.value.end(), begin, begin + width);
  }
  out.displaced = window_changes(ends, window, kind);
  return out;
}

void measure_contexts(MeasuredValues& record, const Moves& moves, const Contexts& contexts, Index own, std::int64_t window,
                      std::size_t block, const BootstrapOptions& options) {
  for (Index k = 0; k < contexts.levels; ++k) {
    const Events events = context_events(contexts, k, moves.start, window, moves.change);
    const double entropy = event_entropy(events);
    if (!(entropy > 0.0)) continue;
    const Estimate found = reflected_information(moves.change, events, block, options);
    record.set("reflection_context_" + std::to_string(k), found);
    if (k != own - 1) continue;
    record.set("reflection_nats", found);
    record.set("reflection_fraction", MeasuredValue(found.value / entropy));
    Windows shifted = moves.change;
    std::rotate(shifted.begin(), shifted.begin() + static_cast<std::ptrdiff_t>(shifted.size() / 2), shifted.end());
    record.set("reflection_shifted_nats", MeasuredValue(reflected_information(shifted, events, block, {2, 1, 0.95}).value));
  }
}

MeasureResult run(const Trace& trace, const Values& values) {
  const Recording root = trace.root();
  const std::int64_t window = values.integer("window");
  Contexts contexts;
  if (trace.has_contexts()) contexts = trace.contexts();
  MeasureResult out;
  out.name = "reflection";
  std::vector<Moves> levels;
  double slowest = kNan;
  for (const LevelInfo& level : root.levels()) {
    levels.push_back(read_moves(root, level, window));
    slowest = std::fmax(slowest, level.time_constant);
    if (levels.back().change.empty())
      throw DataError(trace.path(), 0,
                      "the belief of level " + std::to_string(level.number) + " is shorter than one window of " + std::to_string(window) +
                          " tokens (analyse.window)");
  }
  for (std::size_t l = 0; l < levels.size(); ++l) {
    MeasuredValues record = level_record(levels[l].info);
    const std::size_t samples = levels[l].change.size();
    const std::size_t block = block_length(samples, static_cast<Index>(levels[l].change[0].size()), slowest / static_cast<double>(window),
                                           values.integer("block"));
    if (trace.has_contexts())
      measure_contexts(record, levels[l], contexts, world_level_of(l, levels.size(), contexts), window, block, bootstrap_options(values));
    if (l > 0 && levels[l].displaced.size() == levels[l - 1].displaced.size() && !levels[l].displaced.empty()) {
      const Follow found = following(levels[l - 1].displaced, levels[l].displaced, block, bootstrap_options(values));
      record.set("reflection_slope", found.slope);
      record.set("reflection_r", found.r);
    }
    out.levels.push_back(std::move(record));
  }
  out.values.set("window", MeasuredValue(window));
  out.columns = {{"name", "level"}, {"reflection_slope", "change per change below [95 %]"}, {"reflection_r", "r [95 %]"}};
  if (!trace.has_contexts()) return out;
  out.columns.insert(out.columns.end(), {{"reflection_nats", "change below (nats per window) [95 %]"},
                                         {"reflection_fraction", "of its entropy"},
                                         {"reflection_shifted_nats", "shifted"}});
  std::vector<TableColumn> matrix = {{"name", "level"}};
  for (Index k = 0; k < contexts.levels; ++k)
    matrix.push_back({"reflection_context_" + std::to_string(k), "context " + std::to_string(k) + " [95 %]"});
  out.tables.emplace_back("nats per window about changes of each context", matrix);
  return out;
}

}  // namespace

Windows window_changes(const Series& series, std::int64_t window, Distance kind) {
  if (series.time.empty() || window < 1)
    throw ShapeError("reflection", "samples and a window of at least one token", std::to_string(window));
  const auto count = static_cast<std::size_t>((series.time.back() - series.time.front()) / window);
  Windows out(count, std::vector<double>(static_cast<std::size_t>(series.streams), 0.0));
  for (std::size_t t = 1; t < series.time.size(); ++t) {
    const auto w = static_cast<std::size_t>((series.time[t] - series.time.front() - 1) / window);
    if (w >= count) break;
    for (Index s = 0; s < series.streams; ++s) out[w][static_cast<std::size_t>(s)] += moved(series.at(t, s), series.at(t - 1, s), kind);
  }
  return out;
}

Estimate reflected_information(const Windows& change, const Events& event, std::size_t block, const BootstrapOptions& options) {
  check_shape(change.size(), event.size(), change.empty() ? 0 : change[0].size(), event.empty() ? 0 : event[0].size());
  std::vector<double> sorted;
  for (const auto& row : change) sorted.insert(sorted.end(), row.begin(), row.end());
  std::sort(sorted.begin(), sorted.end());
  BlockSums sums(change.size(), static_cast<Index>(change[0].size()), std::min(block, change.size()), 2 * kClasses);
  for (std::size_t w = 0; w < change.size(); ++w)
    for (std::size_t s = 0; s < change[w].size(); ++s)
      sums.at(w, static_cast<Index>(s))[2 * class_of(sorted, change[w][s]) + event[w][s]] += 1.0;
  return block_bootstrap(
      sums, [](std::span<const double> total) { return std::vector<Bounded>{{information_of_counts(total, kClasses, 2)}}; }, options)[0];
}

Follow following(const Windows& below, const Windows& above, std::size_t block, const BootstrapOptions& options) {
  check_shape(below.size(), above.size(), below.empty() ? 0 : below[0].size(), above.empty() ? 0 : above[0].size());
  BlockSums sums(below.size(), static_cast<Index>(below[0].size()), std::min(block, below.size()), 6);
  for (std::size_t w = 0; w < below.size(); ++w)
    for (std::size_t s = 0; s < below[w].size(); ++s) {
      const auto row = sums.at(w, static_cast<Index>(s));
      const double x = below[w][s], y = above[w][s];
      const double terms[] = {1.0, x, y, x * x, x * y, y * y};
      for (std::size_t k = 0; k < 6; ++k) row[k] += terms[k];
    }
  const auto found = block_bootstrap(
      sums,
      [](std::span<const double> t) {
        const double xx = t[3] - t[1] * t[1] / t[0], xy = t[4] - t[1] * t[2] / t[0], yy = t[5] - t[2] * t[2] / t[0];
        const bool varies = xx > 1e-12 * t[3] && yy > 1e-12 * t[5];
        return std::vector<Bounded>{{varies ? xy / xx : kNan}, {varies ? xy / std::sqrt(xx * yy) : kNan}};
      },
      options);
  return {found[0], found[1]};
}

Measure reflection_measure() {
  Measure measure;
  measure.name = "reflection";
  measure.summary = "does a level move when what lies below it changed: nats in worlds, change per change on text";
  measure.definition =
      "Windows of `window` tokens. In worlds with known contexts: mutual information (Miller-Madow) between the change of a\n"
      "level's belief in the window, in eight classes of equal frequency, and whether the true context one level below\n"
      "changed in it; beside it the same with the changes shifted by half of the recording. Always: slope and correlation of\n"
      "the belief's displacement over a window against that of the level below. Total variation for categorical beliefs,\n"
      "else L2. Intervals: block bootstrap.";
  measure.parameters = block_parameters();
  measure.parameters.push_back({"window", std::int64_t{8}, 1, 1e9, {}, "tokens", "over which changes are added up", ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
