#include "analysis/score_gap.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace strata {
namespace {

/// Sample numbers, per series, of the times that all have.
std::vector<std::vector<std::size_t>> common_samples(const std::vector<Series>& series) {
  std::vector<std::vector<std::size_t>> out(series.size());
  for (std::size_t k = 0; k < series[0].time.size(); ++k) {
    std::vector<std::size_t> found{k};
    for (std::size_t i = 1; i < series.size(); ++i) {
      const auto place = std::lower_bound(series[i].time.begin(), series[i].time.end(), series[0].time[k]);
      if (place == series[i].time.end() || *place != series[0].time[k]) break;
      found.push_back(static_cast<std::size_t>(place - series[i].time.begin()));
    }
    if (found.size() < series.size()) continue;
    for (std::size_t i = 0; i < found.size(); ++i) out[i].push_back(found[i]);
  }
  return out;
}

bool ended(const Recording& observer, std::int64_t time, Index stream) {
  return !observer.valid().empty() && time >= observer.valid()[static_cast<std::size_t>(stream)];
}

}  // namespace

Scores common_scores(const std::vector<Recording>& observers, double from, std::int64_t block) {
  std::vector<Series> series;
  double slowest = std::numeric_limits<double>::quiet_NaN();
  for (const Recording& observer : observers) {
    if (!observer.has_token_surprise())
      throw DataError("'" + observer.name() + "'", 0,
                      "no dataset tokens/surprise (time, stream) inside; every command that scores tokens records it");
    series.push_back(observer.token_surprise());
    for (const LevelInfo& level : observer.levels()) slowest = std::fmax(slowest, level.time_constant);
  }
  const auto sample = common_samples(series);
  const auto first = static_cast<std::size_t>(from * static_cast<double>(sample[0].size()));
  const std::size_t samples = sample[0].size() - std::min(first, sample[0].size());
  if (samples == 0) throw DataError("scores of '" + observers.back().name() + "'", 0, "no token in common with the other observers");
  Index streams = series[0].streams;
  for (const Series& s : series) streams = std::min(streams, s.streams);
  Scores out{{samples, streams, block_length(samples, streams, slowest, block), series.size() + 1}, 0.0};
  for (std::size_t k = 0; k < samples; ++k)
    for (Index s = 0; s < streams; ++s) {
      const std::int64_t time = series[0].time[sample[0][first + k]];
      if (std::any_of(observers.begin(), observers.end(), [&](const Recording& o) { return ended(o, time, s); })) continue;
      const auto row = out.sums.at(k, s);
      for (std::size_t i = 0; i < series.size(); ++i) row[i] += static_cast<double>(series[i].at(sample[i][first + k], s)[0]);
      row[series.size()] += 1.0;
      out.tokens += 1.0;
    }
  return out;
}

double per_token(std::span<const double> total, std::size_t k) { return total[k] / total[total.size() - 1]; }

Recording needed_condition(const Trace& trace, const std::string& name, const std::string& advice) {
  if (!trace.has_condition(name))
    throw DataError(trace.path(), 0, "no dataset /conditions/" + name + "/tokens/surprise (time, stream) inside; " + advice);
  return trace.condition(name);
}

double standard_error(const Estimate& estimate) {
  return estimate.has_interval() ? (estimate.high - estimate.low) / (2.0 * 1.96) : std::numeric_limits<double>::quiet_NaN();
}

ParameterTable score_parameters(double from) {
  ParameterTable table = block_parameters();
  table.push_back({"from", from, 0.0, 0.999, {}, "1", "part of the recording that is left out at its start (learning, transients)", ""});
  return table;
}

}  // namespace strata
