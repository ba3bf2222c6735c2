#include "analysis/containment.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/context_belief.hpp"
#include "analysis/information.hpp"
#include "analysis/trace_reader.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

using Eigen::MatrixXd;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A sample of the level above and the samples of the level below that lie in its span, [first, last).
struct Span {
  std::size_t above, first, last;
};

std::vector<Span> spans_of(const Series& above, const Series& below, double span, std::size_t least) {
  if (above.streams != below.streams)
    throw ShapeError("containment: streams of the level below", std::to_string(above.streams), std::to_string(below.streams));
  const auto width = std::max<std::int64_t>(1, std::llround(span));
  std::vector<Span> out;
  std::int64_t next = std::max(above.time.front(), below.time.front() + width - 1);
  for (std::size_t t = 0; t < above.time.size(); ++t) {
    const std::int64_t now = above.time[t];
    if (now < next || now > below.time.back()) continue;
    const auto first = std::upper_bound(below.time.begin(), below.time.end(), now - width) - below.time.begin();
    const auto last = std::upper_bound(below.time.begin(), below.time.end(), now) - below.time.begin();
    if (last > first) out.push_back({t, static_cast<std::size_t>(first), static_cast<std::size_t>(last)});
    next = now + width;
  }
  if (out.size() * static_cast<std::size_t>(above.streams) < least)
    throw DataError("containment", 0,
                    "the recording holds " + std::to_string(out.size()) + " spans of " + std::to_string(width) + " tokens, " +
                        std::to_string(least) + " are needed over all streams (record longer, or set analyse.span)");
  return out;
}

Index likeliest(std::span<const float> q) { return std::max_element(q.begin(), q.end()) - q.begin(); }

Index longest_state(const Series& below, const Span& span, Index stream) {
  std::vector<std::size_t> count(static_cast<std::size_t>(below.units), 0);
  for (std::size_t t = span.first; t < span.last; ++t) ++count[static_cast<std::size_t>(likeliest(below.at(t, stream)))];
  return std::max_element(count.begin(), count.end()) - count.begin();
}

Eigen::VectorXd vector_of(std::span<const float> units) {
  return Eigen::Map<const Eigen::VectorXf>(units.data(), static_cast<Index>(units.size())).cast<double>();
}

/// Columns stream by stream within each span.
void gather(const Series& above, const Series& below, std::span<const Span> spans, MatrixXd& x, MatrixXd& y) {
  const auto count = static_cast<Index>(spans.size()) * above.streams;
  x.resize(above.units, count);
  y.resize(below.units, count);
  for (std::size_t i = 0; i < spans.size(); ++i)
    for (Index s = 0; s < above.streams; ++s) {
      const Index column = static_cast<Index>(i) * above.streams + s;
      x.col(column) = vector_of(above.at(spans[i].above, s));
      Eigen::VectorXd sum = Eigen::VectorXd::Zero(below.units);
      for (std::size_t t = spans[i].first; t < spans[i].last; ++t) sum += vector_of(below.at(t, s));
      y.col(column) = sum / static_cast<double>(spans[i].last - spans[i].first);
    }
}

MeasureResult run(const Trace& trace, const Values& values) {
  const Recording root = trace.root();
  if (root.levels().size() < 2)
    throw DataError(
        trace.path(), 0,
        "containment needs two levels with /levels/L/belief (time, stream, unit); `strata evaluate` and `strata run optimum` record them");
  MeasureResult out;
  out.name = "containment";
  for (std::size_t l = 1; l < root.levels().size(); ++l) {
    const LevelInfo& level = root.levels()[l];
    const double span = values.real("span") > 0.0 ? values.real("span") : level.time_constant;
    if (!(span > 0.0))
      throw DataError(trace.path(), 0,
                      "level " + std::to_string(level.number) + " has no attribute time_constant; give analyse.span in tokens");
    MeasuredValues record = level_record(level);
    const Series above = root.vectors(level.number, "belief"), below = root.vectors(root.levels()[l - 1].number, "belief");
    const bool states = is_categorical(above) && is_categorical(below);
    try {
      const Containment found = states ? containment_of_states(above, below, span, bootstrap_options(values))
                                       : containment_of_vectors(above, below, span, bootstrap_options(values));
      record.set("containment_nats", found.nats);
      record.set("containment_fraction", found.fraction);
      record.set("containment_samples", MeasuredValue(static_cast<std::int64_t>(found.samples)));
    } catch (const DataError& error) {  // a slow level in a short recording leaves the others measured
      out.notes.push_back(level.name + ": not measured, " + error.reason);
    }
    record.set("containment_span", MeasuredValue(span));
    record.set("containment_method", states ? "counts" : "canonical correlations");
    out.levels.push_back(std::move(record));
  }
  out.columns = {{"name", "level"},
                 {"containment_span", "span (tokens)"},
                 {"containment_nats", "about the level below (nats) [95 %]"},
                 {"containment_fraction", "of its own entropy"},
                 {"containment_samples", "samples"},
                 {"containment_method", "by"}};
  return out;
}

}  // namespace

Containment containment_of_states(const Series& above, const Series& below, double span, const BootstrapOptions& options) {
  const auto spans = spans_of(above, below, span, 20);
  BlockSums sums(spans.size(), above.streams, block_length(spans.size(), above.streams, 1.0),
                 static_cast<std::size_t>(above.units * below.units));
  for (std::size_t i = 0; i < spans.size(); ++i)
    for (Index s = 0; s < above.streams; ++s)
      sums.at(i, s)[static_cast<std::size_t>(likeliest(above.at(spans[i].above, s)) * below.units + longest_state(below, spans[i], s))] +=
          1.0;
  const auto found = block_bootstrap(
      sums,
      [&](std::span<const double> total) {
        std::vector<double> own(static_cast<std::size_t>(above.units), 0.0);
        for (std::size_t i = 0; i < total.size(); ++i) own[i / static_cast<std::size_t>(below.units)] += total[i];
        const double nats = information_of_counts(total, above.units, below.units), entropy = entropy_of_counts(own);
        return std::vector<Bounded>{{nats}, {entropy > 0.0 ? nats / entropy : kNan}};
      },
      options);
  return {found[0], found[1], spans.size() * static_cast<std::size_t>(above.streams)};
}

Containment containment_of_vectors(const Series& above, const Series& below, double span, const BootstrapOptions& options) {
  const auto spans = spans_of(above, below, span, 40);
  const std::size_t half = spans.size() / 2;
  if (half < 2) throw DataError("containment", 0, "fewer than two spans in one half of the recording");
  MatrixXd x, y;
  gather(above, below, std::span(spans).first(half), x, y);
  const CanonicalDirections fitted = canonical_directions(x, y, 1e-3);
  gather(above, below, std::span(spans).subspan(half), x, y);
  const MatrixXd a = fitted.a.transpose() * (x.colwise() - fitted.mean_a), b = fitted.b.transpose() * (y.colwise() - fitted.mean_b);
  const auto directions = static_cast<std::size_t>(a.rows());
  const std::size_t samples = spans.size() - half;
  // Per block: samples, then a, b, aa, ab, bb of every direction.
  BlockSums sums(samples, above.streams, block_length(samples, above.streams, 1.0), 1 + 5 * directions);
  for (std::size_t i = 0; i < samples; ++i)
    for (Index s = 0; s < above.streams; ++s) {
      const auto row = sums.at(i, s);
      const Index column = static_cast<Index>(i) * above.streams + s;
      row[0] += 1.0;
      for (std::size_t d = 0; d < directions; ++d) {
        const double u = a(static_cast<Index>(d), column), v = b(static_cast<Index>(d), column);
        const double terms[] = {u, v, u * u, u * v, v * v};
        for (std::size_t k = 0; k < 5; ++k) row[1 + 5 * d + k] += terms[k];
      }
    }
  const auto found = block_bootstrap(
      sums,
      [&](std::span<const double> t) {
        std::vector<double> r;
        for (std::size_t d = 0; d < directions; ++d) {
          const auto m = t.subspan(1 + 5 * d, 5);
          const double uu = m[2] - m[0] * m[0] / t[0], uv = m[3] - m[0] * m[1] / t[0], vv = m[4] - m[1] * m[1] / t[0];
          r.push_back(uu > 0.0 && vv > 0.0 ? uv / std::sqrt(uu * vv) : 0.0);
        }
        return std::vector<Bounded>{{gaussian_information(r)}};
      },
      options);
  return {found[0], Estimate::none(), samples * static_cast<std::size_t>(above.streams)};
}

Measure containment_measure() {
  Measure measure;
  measure.name = "containment";
  measure.summary = "nats that a level's belief holds about the level below over its own span";
  measure.definition =
      "Mutual information of the belief of level l and what the belief of the level below was over the last span (the time\n"
      "constant of level l, or `span`), one sample per span. Both categorical: most probable state against the state that\n"
      "held longest, from counts with the Miller-Madow correction. Otherwise: -1/2 sum ln(1 - r^2) over canonical\n"
      "correlations with the mean vector over the span, directions from the first half of the recording, r from the second.\n"
      "Intervals: block bootstrap.";
  measure.parameters = bootstrap_parameters();
  measure.parameters.push_back(
      {"span", 0.0, 0.0, 1e9, {}, "tokens", "over which the level below is summarised; 0: the level's time constant", ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
