#include "analysis/local_global_effects.hpp"

#include <array>
#include <cmath>
#include <limits>

#include "analysis/blocks.hpp"
#include "analysis/measure.hpp"
#include "core/error.hpp"

namespace strata {

Measure local_global_effects_measure();

namespace {

constexpr std::int32_t kGap = 2;
constexpr double kRounding = 1e-3;              // standard deviation, of the mean, below which an error is one number but for rounding
constexpr double kNothing = 1e-6;               // error below which it is the rounding of float beliefs of about 1
constexpr std::size_t kCells = 4, kFields = 3;  // cell 2 block + kind; count, sum, squares
const std::array<const char*, 5> kEffects{"local_in_xxxxx_blocks", "local_in_xxxxY_blocks", "global_of_xxxxx", "global_of_xxxxY", "global"};

CellSums cell(std::span<const double> total, std::size_t window, std::size_t c) {
  const std::size_t at = (window * kCells + c) * kFields;
  return {total[at], total[at + 1], total[at + 2]};
}

/// The five effects of kEffects, from the four cells of one window, by `compare`(cell, cell).
template <class F>
std::array<double, 5> effects(const F& compare) {
  const double same = compare(2, 0), odd = compare(1, 3);  // xxxxx and xxxxY, each where it is rare against where it is the rule
  return {compare(1, 0), compare(3, 2), same, odd, (same + odd) / 2};
}

/// Cohen's d of every effect, then its relative difference.
void append_effects(std::span<const double> total, std::size_t window, std::vector<Bounded>& out) {
  const auto at = [&](std::size_t c) { return cell(total, window, c); };
  double mean = (at(0).mean() + at(1).mean() + at(2).mean() + at(3).mean()) / 4;
  if (!(std::abs(mean) > kNothing)) mean = std::numeric_limits<double>::quiet_NaN();
  for (const double d : effects([&](std::size_t a, std::size_t b) { return cohens_d(at(a), at(b)); })) out.push_back({d});
  for (const double x : effects([&](std::size_t a, std::size_t b) { return (at(a).mean() - at(b).mean()) / mean; })) out.push_back({x});
}

std::vector<double> responses(const Series& error, const LocalGlobalTrial& trial, Index window) {
  std::vector<double> out;
  double sum = 0;
  for (Index k = 0; k < window; ++k) {
    sum += static_cast<double>(error.at(trial.fifth + static_cast<std::size_t>(k), trial.stream)[0]);
    if (k == 0) out.push_back(sum);
  }
  out.push_back(sum / static_cast<double>(window));
  return out;
}

void measure_level(MeasuredValues& record, const Series& error, const std::vector<LocalGlobalTrial>& trials, double slowest,
                   const Values& values) {
  const Index window = values.integer("window");
  BlockSums sums(error.time.size(), error.streams, block_length(error.time.size(), error.streams, slowest, values.integer("block")),
                 2 * kCells * kFields);
  for (const LocalGlobalTrial& trial : trials) {
    const auto row = sums.at(trial.fifth, trial.stream);
    const auto response = responses(error, trial, window);
    for (std::size_t w = 0; w < response.size(); ++w) {
      const std::size_t at = (w * kCells + static_cast<std::size_t>(2 * trial.block + trial.kind)) * kFields;
      row[at] += 1;
      row[at + 1] += response[w];
      row[at + 2] += response[w] * response[w];
    }
  }
  const auto found = block_bootstrap(
      sums,
      [](std::span<const double> total) {
        std::vector<Bounded> out;
        for (std::size_t w = 0; w < 2; ++w) append_effects(total, w, out);
        return out;
      },
      bootstrap_options(values));
  for (std::size_t w = 0; w < 2; ++w) {
    const std::string prefix = w == 0 ? "fifth_" : "";
    for (std::size_t e = 0; e < kEffects.size(); ++e) {
      record.set(prefix + kEffects[e] + "_d", found[2 * w * kEffects.size() + e]);
      record.set(prefix + kEffects[e] + "_relative", found[(2 * w + 1) * kEffects.size() + e]);
    }
    std::vector<double> means;
    for (std::size_t c = 0; c < kCells; ++c) means.push_back(cell(sums.total(), w, c).mean());
    record.set(prefix + "error_means", MeasuredValue(means));
  }
}

/// Mean surprise at the fifth tone in every cell, nats; of a recording that holds no surprise at these steps nothing.
void set_surprise(MeasuredValues& values, const std::string& name, const Series& surprise, const std::vector<LocalGlobalTrial>& trials,
                  const std::vector<std::int64_t>& time) {
  if (surprise.time != time) return;
  std::array<CellSums, kCells> cells;
  for (const LocalGlobalTrial& trial : trials) {
    CellSums& into = cells[static_cast<std::size_t>(2 * trial.block + trial.kind)];
    into.count += 1;
    into.sum += static_cast<double>(surprise.at(trial.fifth, trial.stream)[0]);
  }
  std::vector<double> means;
  means.reserve(kCells);
  for (const CellSums& c : cells) means.push_back(c.mean());
  values.set(name, MeasuredValue(means));
}

MeasureResult run(const Trace& trace, const Values& values) {
  const auto trials = local_global_trials(trace.contexts(), values.integer("settling"), values.integer("window"));
  MeasureResult out;
  out.name = "local_global_effects";
  out.values.set("trials", MeasuredValue(static_cast<std::int64_t>(trials.size())));
  const Recording root = trace.root();
  if (root.has_token_surprise()) set_surprise(out.values, "fifth_surprise_nats", root.token_surprise(), trials, trace.contexts().time);
  if (trace.has_condition("exact"))
    set_surprise(out.values, "exact_fifth_surprise_nats", trace.condition("exact").token_surprise(), trials, trace.contexts().time);
  double slowest = std::numeric_limits<double>::quiet_NaN();
  for (const LevelInfo& level : root.levels()) slowest = std::fmax(slowest, level.time_constant);
  for (const LevelInfo& level : root.levels()) {
    const Series error = root.scalars(level.number, "prediction_error_norm");
    if (error.time != trace.contexts().time)
      throw DataError(trace.path(), 0, level.name + " was not recorded at every step; record with `every` = 1");
    MeasuredValues record = level_record(level);
    measure_level(record, error, trials, slowest, values);
    out.levels.push_back(std::move(record));
  }
  const auto columns = [](const std::string& prefix) {
    return std::vector<TableColumn>{{"name", "level"},
                                    {prefix + "local_in_xxxxx_blocks_d", "local, xxxxx blocks (d) [95 %]"},
                                    {prefix + "local_in_xxxxY_blocks_d", "local, xxxxY blocks (d) [95 %]"},
                                    {prefix + "global_of_xxxxx_d", "global, xxxxx (d) [95 %]"},
                                    {prefix + "global_of_xxxxY_d", "global, xxxxY (d) [95 %]"},
                                    {prefix + "global_d", "global (d) [95 %]"},
                                    {prefix + "global_relative", "global (relative) [95 %]"}};
  };
  out.columns = columns("fifth_");
  out.notes.push_back("above: at the fifth tone; below: mean over " + std::to_string(values.integer("window")) + " steps from it");
  out.tables = {{"from the fifth tone on", columns("")}};
  return out;
}

}  // namespace

double cohens_d(const CellSums& a, const CellSums& b) {
  const double spread = (a.variance() + b.variance()) / 2;
  const double scale = (std::abs(a.mean()) + std::abs(b.mean())) / 2;
  if (a.count < 2 || b.count < 2 || !(scale > kNothing) || !(spread > kRounding * kRounding * scale * scale))
    return std::numeric_limits<double>::quiet_NaN();
  return (a.mean() - b.mean()) / std::sqrt(spread);
}

std::vector<LocalGlobalTrial> local_global_trials(const Contexts& contexts, Index settling, Index window) {
  if (contexts.levels != 3 || contexts.states != std::vector<Index>{3, 4, 2})
    throw DataError("/world/context", 0, "is not that of the local-global paradigm; record with `strata run local_global --world oddball`");
  std::vector<LocalGlobalTrial> out;
  for (Index s = 0; s < contexts.streams; ++s) {
    std::int32_t block = -1;
    Index trial = settling;  // where the recording begins a block may have long begun
    for (std::size_t t = 0; t + static_cast<std::size_t>(window) <= contexts.time.size() && t + 1 < contexts.time.size(); ++t) {
      if (contexts.at(t, s, 0) == kGap || contexts.at(t + 1, s, 0) != kGap) continue;
      const std::int32_t now = contexts.at(t, s, 2);
      if (block >= 0 && now != block) trial = 0;
      block = now;
      if (trial++ >= settling) out.push_back({t, s, now, contexts.at(t, s, 1) % 2});
    }
  }
  return out;
}

Measure local_global_effects_measure() {
  Measure measure;
  measure.name = "local_global_effects";
  measure.summary = "local and global effect of the local-global oddball on every level's error, as Cohen's d";
  measure.definition =
      "Needs /world/context of the local-global paradigm and prediction_error_norm at every step. Local effect: the error at\n"
      "xxxxY against that at xxxxx, in blocks of either rule. Global effect: the error at a trial where its kind is rare\n"
      "against where it is the rule, for each kind and their mean. Cohen's d, at the fifth tone (fifth_...) and for the mean\n"
      "error over `window` steps from it (a level that does not count learns that no Y came at the first silence only).\n"
      "..._relative: the difference of the means over the mean of the four cells; d is absent where errors do not vary, both where\n"
      "they are below 1e-6, the rounding of beliefs.\n"
      "error_means: xxxxx and xxxxY in xxxxx blocks, then in xxxxY blocks; fifth_surprise_nats: mean surprise at the fifth tone in\n"
      "these four cells, exact_... that of /conditions/exact. Block bootstrap.";
  measure.parameters = block_parameters();
  measure.parameters.push_back(
      {"window", std::int64_t{2}, 1, 1000, {}, "steps", "from the fifth tone, over which errors are averaged", ""});
  measure.parameters.push_back(
      {"settling", std::int64_t{10}, 0, 1e6, {}, "trials", "of each block that do not count: its rule is not known yet", ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
