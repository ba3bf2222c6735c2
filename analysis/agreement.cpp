#include "analysis/agreement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void add_to(std::vector<double>& sum, std::span<const float> x) {
  for (std::size_t u = 0; u < x.size(); ++u) sum[u] += static_cast<double>(x[u]);
}

/// Samples that both copies have, from `first` on.
std::vector<std::pair<std::size_t, std::size_t>> rows_of(const Series& a, const Series& b, std::int64_t first) {
  if (a.streams != b.streams || a.units != b.units)
    throw ShapeError("agreement of two copies", std::to_string(a.streams) + " streams of " + std::to_string(a.units) + " units",
                     std::to_string(b.streams) + " streams of " + std::to_string(b.units) + " units");
  auto rows = common_times(a.time, b.time);
  std::erase_if(rows, [&](const auto& row) { return a.time[row.first] < first; });
  if (rows.empty()) throw DataError("agreement of two copies", 0, "no time from the event on is common to them");
  return rows;
}

bool has_data(std::span<const std::int64_t> valid, Index trial, std::int64_t time) {
  return valid.empty() || time < valid[static_cast<std::size_t>(trial)];
}

}  // namespace

void Agreement::add(std::span<const float> a, std::span<const float> b, std::span<const double> centre_a,
                    std::span<const double> centre_b) {
  for (std::size_t u = 0; u < a.size(); ++u) {
    const double x = static_cast<double>(a[u]) - centre_a[u], y = static_cast<double>(b[u]) - centre_b[u];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
}

Agreement& Agreement::operator+=(const Agreement& other) {
  ab += other.ab;
  aa += other.aa;
  bb += other.bb;
  return *this;
}

double Agreement::correlation() const { return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : kNan; }

double Agreement::divergence() const { return aa + bb > 0 ? std::sqrt(std::max(0.0, aa + bb - 2 * ab) / (aa + bb)) : kNan; }

Agreement pooled(std::span<const Agreement> trials, std::span<const double> weight) {
  Agreement sum;
  for (std::size_t s = 0; s < trials.size(); ++s) sum += trials[s] * weight[s];
  return sum;
}

double AgreementCurves::correlation(std::size_t sample, std::span<const double> weight) const {
  const auto n = static_cast<std::size_t>(trials);
  return pooled(std::span(at).subspan(sample * n, n), weight).correlation();
}

Bounded AgreementCurves::turning_time(std::span<const double> weight, bool rising, double level) const {
  double before = kNan, when = kNan, last = kNan;
  for (std::size_t k = 0; k < elapsed.size(); ++k) {
    const double r = correlation(k, weight);
    if (std::isnan(r)) continue;
    last = elapsed[k];
    if (rising ? r >= level : r <= level) {
      if (std::isnan(before)) return {elapsed[k], k == 0 ? Bound::exact : Bound::at_most};
      return {when + (elapsed[k] - when) * (level - before) / (r - before)};
    }
    if (r == before) continue;  // what a level holds until its next tick counts once, from when it came
    before = r;
    when = elapsed[k];
  }
  return {last, Bound::at_least};
}

AgreementCurves agreement_curves(const Series& a, const Series& b, std::span<const std::int64_t> valid) {
  AgreementCurves out;
  out.trials = a.streams;
  for (const auto& [i, j] : rows_of(a, b, -1)) {
    std::vector<Index> there;
    for (Index s = 0; s < a.streams; ++s)
      if (has_data(valid, s, a.time[i])) there.push_back(s);
    if (2 * static_cast<Index>(there.size()) < a.streams || there.empty()) break;
    std::vector<double> centre_a(static_cast<std::size_t>(a.units), 0), centre_b(centre_a);
    for (const Index s : there) {
      add_to(centre_a, a.at(i, s));
      add_to(centre_b, b.at(j, s));
    }
    for (auto* centre : {&centre_a, &centre_b})
      for (double& m : *centre) m /= static_cast<double>(there.size());
    const std::size_t first = out.at.size();
    out.at.resize(first + static_cast<std::size_t>(a.streams));
    for (const Index s : there) out.at[first + static_cast<std::size_t>(s)].add(a.at(i, s), b.at(j, s), centre_a, centre_b);
    out.elapsed.push_back(static_cast<double>(a.time[i] + 1));
  }
  return out;
}

std::vector<Agreement> agreement_of_trials(const Series& a, const Series& b, std::span<const std::int64_t> valid) {
  const auto rows = rows_of(a, b, 0);
  std::vector<double> centre(static_cast<std::size_t>(a.units), 0);
  double count = 0;
  for (const auto& [i, j] : rows)
    for (Index s = 0; s < a.streams; ++s) {
      if (!has_data(valid, s, a.time[i])) continue;
      add_to(centre, a.at(i, s));
      add_to(centre, b.at(j, s));
      count += 2;
    }
  for (double& m : centre) m /= std::max(1.0, count);
  std::vector<Agreement> out(static_cast<std::size_t>(a.streams));
  for (const auto& [i, j] : rows)
    for (Index s = 0; s < a.streams; ++s)
      if (has_data(valid, s, a.time[i])) out[static_cast<std::size_t>(s)].add(a.at(i, s), b.at(j, s), centre, centre);
  return out;
}

void compare_levels(const Trace& trace, const std::string& condition, const std::string& dataset,
                    const std::function<void(const LevelInfo&, const Series&, const Series&, std::span<const std::int64_t> valid)>& with) {
  const Recording copy = trace.condition(condition), reference = trace.reference_of(copy);
  const auto valid = common_valid(reference, copy);
  bool any = false;
  for (const LevelInfo& level : reference.levels()) {
    if (!copy.has_level(level.number)) continue;
    const std::string compared = compared_dataset(reference, copy, level.number, dataset);
    with(level, reference.vectors(level.number, compared), copy.vectors(level.number, compared), valid);
    any = true;
  }
  if (!any) throw DataError(trace.path(), 0, "condition '" + condition + "' has no level that its reference has too");
}

Bounded shortest_scale(std::span<const double> scale, std::span<const double> r, double intact, double fraction) {
  if (scale.empty() || scale.size() != r.size())
    throw ShapeError("shortest scale", "a correlation for every scale", std::to_string(r.size()) + " for " + std::to_string(scale.size()));
  if (!(intact > 0) || std::any_of(r.begin(), r.end(), [](double x) { return std::isnan(x); })) return {kNan};
  const double wanted = fraction * intact;
  if (r[0] >= wanted) return {scale[0], Bound::at_most};
  for (std::size_t i = 1; i < scale.size(); ++i)
    if (r[i] >= wanted) return {scale[i - 1] * std::pow(scale[i] / scale[i - 1], (wanted - r[i - 1]) / (r[i] - r[i - 1]))};
  return {scale.back(), Bound::at_least};
}

}  // namespace strata
