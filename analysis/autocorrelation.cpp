#include "analysis/autocorrelation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/trace_reader.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Best m and b for one tau; residual sum of squares.
double project(std::span<const double> x, std::span<const double> y, double tau, double& scale, double& offset) {
  double e = 0.0, ee = 0.0, s = 0.0, es = 0.0;
  const auto n = static_cast<double>(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double f = std::exp(-x[i] / tau);
    e += f;
    ee += f * f;
    s += y[i];
    es += f * y[i];
  }
  const double determinant = n * ee - e * e;
  scale = determinant > 1e-14 * n * ee ? (n * es - e * s) / determinant : 0.0;
  offset = (s - scale * e) / n;
  double rest = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = y[i] - scale * std::exp(-x[i] / tau) - offset;
    rest += d * d;
  }
  return rest;
}

std::vector<std::size_t> log_lags(std::size_t last) {
  std::vector<std::size_t> out;
  const double top = std::log(static_cast<double>(last));
  for (int i = 0; i < 60; ++i) {
    const auto lag = static_cast<std::size_t>(std::lround(std::exp(top * i / 59.0)));
    if (out.empty() || lag > out.back()) out.push_back(lag);
  }
  return out;
}

/// x minus its mean over time and streams, as double.
std::vector<double> centred(const Series& series) {
  const auto units = static_cast<std::size_t>(series.units);
  std::vector<double> mean(units, 0.0), out(series.value.begin(), series.value.end());
  for (std::size_t i = 0; i < out.size(); ++i) mean[i % units] += out[i];
  const double rows = static_cast<double>(out.size()) / static_cast<double>(units);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] -= mean[i % units] / rows;
  return out;
}

/// Adds x(t) . x(t + lag) of every t to its block's sum `column`, and their number to `column` + 1.
void add_products(BlockSums& sums, const Series& series, const std::vector<double>& x, std::size_t lag, std::size_t column) {
  const auto streams = static_cast<std::size_t>(series.streams), units = static_cast<std::size_t>(series.units);
  const std::size_t ahead = lag * streams * units;
  for (std::size_t t = 0; t + lag < series.time.size(); ++t)
    for (std::size_t s = 0; s < streams; ++s) {
      const double* now = x.data() + (t * streams + s) * units;
      double product = 0.0;
      for (std::size_t u = 0; u < units; ++u) product += now[u] * now[ahead + u];
      const auto row = sums.at(t, static_cast<Index>(s));
      row[column] += product;
      row[column + 1] += 1.0;
    }
}

double correlation(std::span<const double> total, std::size_t column) {
  return (total[2 * column] / total[2 * column + 1]) / (total[0] / total[1]);
}

std::int64_t even_spacing(const Series& series) {
  if (series.time.size() < 40)
    throw DataError("autocorrelation", 0, "needs at least 40 samples of a belief, got " + std::to_string(series.time.size()));
  const std::int64_t step = series.time[1] - series.time[0];
  for (std::size_t t = 1; t < series.time.size(); ++t)
    if (series.time[t] - series.time[t - 1] != step)
      throw DataError("autocorrelation", 0, "samples are not evenly spaced at time " + std::to_string(series.time[t]));
  return step;
}

void measure_copy(MeasureResult& out, const Recording& copy, const std::string& prefix, const Values& values) {
  double slowest = kNan;
  for (const LevelInfo& level : copy.levels()) slowest = std::fmax(slowest, level.time_constant);
  for (const LevelInfo& level : copy.levels()) {
    if (!copy.has(level.number, "belief")) continue;
    MeasuredValues record = level_record(level);
    const Autocorrelation found =
        autocorrelation(copy.vectors(level.number, "belief"), slowest, values.integer("block"), bootstrap_options(values));
    record.set(prefix + "autocorrelation_time", found.tau);
    record.set(prefix + "autocorrelation_scale", found.scale);
    record.set(prefix + "autocorrelation_offset", found.offset);
    record.set(prefix + "autocorrelation_lags", MeasuredValue(found.lag));
    record.set(prefix + "autocorrelation_values", MeasuredValue(found.value));
    merge_levels(out.levels, {record});
  }
}

MeasureResult run(const Trace& trace, const Values& values) {
  MeasureResult out;
  out.name = "autocorrelation";
  measure_copy(out, trace.root(), "", values);
  if (out.levels.empty())
    throw DataError(trace.path(), 0,
                    "no dataset /levels/L/belief (time, stream, unit) inside; `strata evaluate` and `strata run optimum` record it");
  out.columns = {{"name", "level"},
                 {"time_constant", "time constant (tokens)"},
                 {"autocorrelation_time", "driven (tokens) [95 %]"},
                 {"autocorrelation_scale", "scale"},
                 {"autocorrelation_offset", "offset"}};
  for (const char* name : {"free", "exact"}) {
    if (!trace.has_condition(name)) continue;
    measure_copy(out, trace.condition(name), std::string(name) + "_", values);
    out.columns.push_back({std::string(name) + "_autocorrelation_time",
                           std::string(name[0] == 'f' ? "free-running" : "exact observer") + " (tokens) [95 %]"});
  }
  return out;
}

}  // namespace

ExponentialFit fit_exponential(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size() || x.size() < 4)
    throw ShapeError("exponential fit", "four points or more", std::to_string(x.size()) + " and " + std::to_string(y.size()));
  const double low = std::log(0.2 * x[0]), high = std::log(x.back());
  const int grid = 120;
  const double step = (high - low) / grid;
  ExponentialFit out{{kNan}, 0.0, 0.0, std::numeric_limits<double>::infinity()};
  double best = low, rest = out.residual;
  for (int i = 0; i <= grid; ++i) {
    const double now = project(x, y, std::exp(low + step * i), out.scale, out.offset);
    if (now >= rest) continue;
    rest = now;
    best = low + step * i;
  }
  double a = std::max(low, best - step), b = std::min(high, best + step);
  const double golden = 0.5 * (std::sqrt(5.0) - 1.0);
  for (int i = 0; i < 40; ++i) {
    const double left = b - golden * (b - a), right = a + golden * (b - a);
    const bool left_is_better =
        project(x, y, std::exp(left), out.scale, out.offset) < project(x, y, std::exp(right), out.scale, out.offset);
    (left_is_better ? b : a) = left_is_better ? right : left;
  }
  out.tau.value = std::exp(0.5 * (a + b));
  if (a >= high - 1e-6) out.tau.bound = Bound::at_least;
  if (b <= low + 1e-6) out.tau.bound = Bound::at_most;
  rest = project(x, y, out.tau.value, out.scale, out.offset);
  out.residual = std::sqrt(rest / static_cast<double>(x.size()));
  return out;
}

Autocorrelation autocorrelation(const Series& series, double slowest, std::int64_t block, const BootstrapOptions& options) {
  const auto step = static_cast<double>(even_spacing(series));
  const std::vector<double> x = centred(series);
  const std::size_t samples = series.time.size(), farthest = samples / 4;
  std::size_t last = farthest;
  for (const std::size_t lag : log_lags(farthest)) {
    BlockSums pair(samples, series.streams, samples, 4);
    add_products(pair, series, x, 0, 0);
    add_products(pair, series, x, lag, 2);
    const std::vector<double> total = pair.total();
    if (!(total[0] > 0.0)) throw DataError("autocorrelation", 0, "the belief does not vary");
    if (correlation(total, 1) > 0.05) continue;
    last = std::min(farthest, std::max<std::size_t>(2 * lag, 8));
    break;
  }
  const std::vector<std::size_t> lags = log_lags(last);
  BlockSums sums(samples, series.streams, std::min(samples, block_length(samples, series.streams, slowest / step, block)),
                 2 * (lags.size() + 1));
  add_products(sums, series, x, 0, 0);
  Autocorrelation out;
  for (std::size_t i = 0; i < lags.size(); ++i) {
    add_products(sums, series, x, lags[i], 2 * (i + 1));
    out.lag.push_back(static_cast<double>(lags[i]) * step);
  }
  const auto values_of = [&](std::span<const double> total) {
    std::vector<double> value;
    for (std::size_t i = 1; i <= lags.size(); ++i) value.push_back(correlation(total, i));
    return value;
  };
  out.value = values_of(sums.total());
  const auto found = block_bootstrap(
      sums,
      [&](std::span<const double> total) {
        const std::vector<double> value = values_of(total);
        if (!std::all_of(value.begin(), value.end(), [](double v) { return std::isfinite(v); }))
          return std::vector<Bounded>{{kNan}, {kNan}, {kNan}};
        const ExponentialFit fit = fit_exponential(out.lag, value);
        return std::vector<Bounded>{fit.tau, {fit.scale}, {fit.offset}};
      },
      options);
  out.tau = found[0];
  out.scale = found[1];
  out.offset = found[2];
  return out;
}

Measure autocorrelation_measure() {
  Measure measure;
  measure.name = "autocorrelation";
  measure.summary = "tokens over which a level's belief resembles itself: m exp(-t/tau) + b, driven and free-running";
  measure.definition =
      "Autocorrelation of the belief (all units together, mean over time and streams removed) at about 60 lags, fitted by\n"
      "least squares with m exp(-lag/tau) + b. autocorrelation_time is tau, tokens. Driven: the recording itself;\n"
      "free-running: /conditions/free, the model without input; exact: /conditions/exact. Intervals: block bootstrap.";
  measure.parameters = block_parameters();
  measure.run = run;
  return measure;
}

}  // namespace strata
