#include "analysis/gain.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/score_gap.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

using Eigen::MatrixXd;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Samples of `series` at the times of `wanted` only; DataError when one is missing.
Series at_times(const Series& series, std::span<const std::int64_t> wanted, const std::string& what) {
  Series out;
  out.streams = series.streams;
  out.units = series.units;
  out.time.assign(wanted.begin(), wanted.end());
  const auto width = static_cast<std::ptrdiff_t>(series.streams * series.units);
  for (const std::int64_t t : wanted) {
    const auto place = std::lower_bound(series.time.begin(), series.time.end(), t);
    if (place == series.time.end() || *place != t)
      throw DataError(what, 0, "has no sample at time " + std::to_string(t) + ", at which the belief was recorded");
    const auto begin = series.value.begin() + (place - series.time.begin()) * width;
    out.value.insert(out.value.end(), begin, begin + width);
  }
  return out;
}

Series innovation_of_world(const Trace& trace, const Recording& root) {
  if (trace.has_world("innovation")) return trace.world("innovation");
  Series value = trace.world("value");
  const Series prediction = root.vectors(root.levels()[0].number, "prediction");
  if (prediction.units != value.units)
    throw ShapeError("gain: innovation = /world/value - prediction of the lowest level", std::to_string(value.units) + " units",
                     std::to_string(prediction.units) + "; record /world/innovation instead");
  Series out;
  out.streams = std::min(value.streams, prediction.streams);
  out.units = value.units;
  for (std::size_t k = 0; k < value.time.size(); ++k) {
    const auto before = std::lower_bound(prediction.time.begin(), prediction.time.end(), value.time[k] - 1);
    if (before == prediction.time.end() || *before != value.time[k] - 1) continue;
    out.time.push_back(value.time[k]);
    for (Index s = 0; s < out.streams; ++s)
      for (Index u = 0; u < out.units; ++u)
        out.value.push_back(value.at(k, s)[static_cast<std::size_t>(u)] -
                            prediction.at(static_cast<std::size_t>(before - prediction.time.begin()), s)[static_cast<std::size_t>(u)]);
  }
  return out;
}

/// Keeps the times of both; the innovation must cover every change but the first.
Gain measure_level(const Series& change, const Series& innovation, const Values& values, double time_constant) {
  std::vector<std::int64_t> time;
  for (const std::int64_t t : change.time)
    if (!innovation.time.empty() && t >= innovation.time.front() && t <= innovation.time.back()) time.push_back(t);
  if (time.empty()) throw DataError("gain", 0, "belief and innovation have no time in common");
  const auto first = static_cast<std::size_t>(values.real("from") * static_cast<double>(time.size()));
  const std::size_t block = block_length(time.size(), std::min(change.streams, innovation.streams), time_constant, values.integer("block"));
  return gain_of(at_times(change, time, "belief"), at_times(innovation, time, "innovation"), first, block, bootstrap_options(values));
}

MeasureResult run(const Trace& trace, const Values& values) {
  const Recording root = trace.root();
  const bool world = trace.has_world("innovation") || trace.has_world("value");
  MeasureResult out;
  out.name = "gain";
  out.values.set("innovation", trace.has_world("innovation") ? "/world/innovation"
                               : world                       ? "/world/value minus the lowest level's prediction"
                                                             : "prediction error of the level below");
  out.columns = {{"name", "level"},
                 {"gain", "gain [95 %]"},
                 {"effective_tokens", "1 / gain (tokens)"},
                 {"gain_slope", "slope [95 %]"},
                 {"gain_explained", "explained"}};
  bool any = false;
  for (std::size_t l = 0; l < root.levels().size(); ++l) {
    const LevelInfo& info = root.levels()[l];
    MeasuredValues level = level_record(info);
    const bool below = !world && l > 0 && root.has(root.levels()[l - 1].number, "prediction_error");
    if (root.has(info.number, "belief") && root.has(info.number, "prediction") && (world || below)) {
      any = true;
      const Series innovation = world ? innovation_of_world(trace, root) : root.vectors(root.levels()[l - 1].number, "prediction_error");
      const Gain found = measure_level(belief_change(root, info.number), innovation, values, info.time_constant);
      level.set("gain", found.gain);
      level.set("effective_tokens", MeasuredValue(1.0 / found.gain.value));
      level.set("gain_slope", found.slope);
      level.set("gain_explained", MeasuredValue(found.explained.value));
    }
    out.levels.push_back(std::move(level));
  }
  if (!any)
    throw DataError(trace.path(), 0,
                    "no innovation inside: needs /world/innovation or /world/value (time, stream, channel), which a run on --world "
                    "linear_gaussian or series records, or /levels/L/prediction_error, with belief and prediction");
  return out;
}

}  // namespace

Series belief_change(const Recording& recording, Index level) {
  const Series belief = recording.vectors(level, "belief"), prediction = recording.vectors(level, "prediction");
  if (belief.units != prediction.units || belief.streams != prediction.streams)
    throw ShapeError("change of belief of level " + std::to_string(level), "belief and prediction of one shape",
                     std::to_string(prediction.units) + " units, " + std::to_string(prediction.streams) + " streams");
  Series out;
  out.streams = belief.streams;
  out.units = belief.units;
  for (std::size_t k = 0; k < belief.time.size(); ++k) {
    const auto before = std::lower_bound(prediction.time.begin(), prediction.time.end(), belief.time[k] - 1);
    if (before == prediction.time.end() || *before != belief.time[k] - 1) continue;
    out.time.push_back(belief.time[k]);
    const auto j = static_cast<std::size_t>(before - prediction.time.begin());
    for (Index s = 0; s < out.streams; ++s)
      for (std::size_t u = 0; u < static_cast<std::size_t>(out.units); ++u)
        out.value.push_back(belief.at(k, s)[u] - prediction.at(j, s)[u]);
  }
  if (out.time.empty())
    throw DataError("change of belief of level " + std::to_string(level), 0,
                    "no two samples are one token apart; record with record.every=1");
  return out;
}

Gain gain_of(const Series& change, const Series& innovation, std::size_t first, std::size_t block, const BootstrapOptions& options) {
  if (change.time.size() != innovation.time.size() || first >= change.time.size())
    throw ShapeError("gain: innovation", std::to_string(change.time.size()) + " samples as the change of belief",
                     std::to_string(innovation.time.size()));
  const Index n = change.units, m = innovation.units, streams = std::min(change.streams, innovation.streams);
  const std::size_t samples = change.time.size() - first;
  // Per block: dx nu' (n m), nu nu' (m m), |dx|^2.
  BlockSums sums(samples, streams, std::min(block, samples), static_cast<std::size_t>(n * m + m * m + 1));
  for (std::size_t k = 0; k < samples; ++k)
    for (Index s = 0; s < streams; ++s) {
      const auto row = sums.at(k, s);
      const auto dx = change.at(first + k, s), nu = innovation.at(first + k, s);
      std::size_t at = 0;
      for (const float x : dx)
        for (const float v : nu) row[at++] += static_cast<double>(x) * static_cast<double>(v);
      for (const float v : nu)
        for (const float w : nu) row[at++] += static_cast<double>(v) * static_cast<double>(w);
      for (const float x : dx) row[at] += static_cast<double>(x) * static_cast<double>(x);
    }
  const auto found = block_bootstrap(
      sums,
      [&](std::span<const double> total) {
        using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
        const Eigen::Map<const RowMajor> cross(total.data(), n, m), power(total.data() + n * m, m, m);
        const double innovations = power.trace();
        if (!(innovations > 0.0)) return std::vector<Bounded>{{kNan}, {kNan}, {kNan}};
        const MatrixXd k = MatrixXd(power).ldlt().solve(cross.transpose()).transpose();
        const double moved = (k * power * k.transpose()).trace(), all = total[total.size() - 1];
        return std::vector<Bounded>{
            {std::sqrt(std::max(moved, 0.0) / innovations)}, {n == 1 && m == 1 ? k(0, 0) : kNan}, {all > 0.0 ? moved / all : kNan}};
      },
      options);
  return {found[0], found[1], found[2]};
}

Measure gain_measure() {
  Measure measure;
  measure.name = "gain";
  measure.summary = "how far a unit of innovation moves a level's belief (the Kalman gain, where all is linear), per level";
  measure.definition =
      "Least-squares regression of the change of belief, x(t) - prediction(t-1), on the innovation: /world/innovation, else\n"
      "/world/value minus the lowest level's prediction, else the prediction error of the level below. Gain: root mean\n"
      "square of the explained change over that of the innovation (one unit and one channel: |slope|); 1 / gain: the\n"
      "number of tokens that the belief is worth. Explained: share of the change. Intervals: block bootstrap.";
  measure.parameters = score_parameters(0.1);
  measure.run = run;
  return measure;
}

}  // namespace strata
