#include "analysis/curves.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/error.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double distance_of(std::span<const float> a, std::span<const float> b, Distance kind) {
  double sum = 0.0;
  if (kind == Distance::total_variation) {
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    return 0.5 * sum;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += d * d;
  }
  return std::sqrt(sum);
}

/// Part of the way from `last` to `now` at which `fraction` is passed: straight in the logarithm, so that exponential decay is met exactly
/// however few samples it takes.
double crossing(double last, double now, double fraction) {
  if (now > 0.0 && fraction > 0.0 && now < last) return std::log(last / fraction) / std::log(last / now);
  return (last - fraction) / (last - now);
}

void check_same_shape(const Series& a, const Series& b) {
  if (a.streams == b.streams && a.units == b.units) return;
  const auto text = [](const Series& s) { return std::to_string(s.streams) + " streams of " + std::to_string(s.units) + " units"; };
  throw ShapeError("comparing two copies of a level", text(a), text(b));
}

bool is_valid(std::span<const std::int64_t> valid, Index trial, std::int64_t time) {
  return valid.empty() || time < valid[static_cast<std::size_t>(trial)];
}

void check_per_trial(const char* what, std::span<const std::int64_t> values, Index trials) {
  if (values.empty() || static_cast<Index>(values.size()) == trials) return;
  throw ShapeError(what, std::to_string(trials) + " streams", std::to_string(values.size()));
}

}  // namespace

void Curves::resize(std::size_t samples) {
  time.resize(samples);
  value.assign(samples * static_cast<std::size_t>(trials), 0.0);
  valid.assign(samples * static_cast<std::size_t>(trials), 0);
}

std::vector<std::pair<std::size_t, std::size_t>> common_times(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j])
      pairs.emplace_back(i++, j++);
    else if (a[i] < b[j])
      ++i;
    else
      ++j;
  }
  return pairs;
}

std::size_t start_sample(std::span<const std::int64_t> time) {
  std::size_t start = 0;
  while (start + 1 < time.size() && time[start + 1] <= -1) ++start;
  return start;
}

Curves distance(const Series& a, const Series& b, std::span<const std::int64_t> valid, Distance kind) {
  check_same_shape(a, b);
  check_per_trial("valid", valid, a.streams);
  const auto pairs = common_times(a.time, b.time);
  if (pairs.empty()) throw DataError("comparing two copies of a level", 0, "their time scales have no time in common");
  Curves out;
  out.trials = a.streams;
  out.resize(pairs.size());
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    out.time[k] = a.time[pairs[k].first];
    for (Index s = 0; s < out.trials; ++s) {
      if (!is_valid(valid, s, out.time[k])) continue;
      out.value[out.place(k, s)] = distance_of(a.at(pairs[k].first, s), b.at(pairs[k].second, s), kind);
      out.valid[out.place(k, s)] = 1;
    }
  }
  return out;
}

Curves displacement(const Series& disturbed, const Series& reference, std::span<const std::int64_t> passage,
                    std::span<const std::int64_t> valid, Distance kind) {
  check_same_shape(disturbed, reference);
  check_per_trial("valid", valid, disturbed.streams);
  check_per_trial("passage_length", passage, disturbed.streams);
  const auto pairs = common_times(disturbed.time, reference.time);
  if (pairs.empty()) throw DataError("comparing two copies of a level", 0, "their time scales have no time in common");
  const std::size_t before = start_sample(reference.time);
  std::vector<std::pair<std::size_t, std::size_t>> rows;  // samples of the disturbed copy and what they are compared with
  for (std::size_t i = 0; i < disturbed.time.size() && disturbed.time[i] < -1; ++i) rows.emplace_back(i, before);
  for (const auto& pair : pairs)
    if (disturbed.time[pair.first] >= -1) rows.push_back(pair);
  Curves out;
  out.trials = disturbed.streams;
  out.resize(rows.size());
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const std::int64_t time = out.time[k] = disturbed.time[rows[k].first];
    for (Index s = 0; s < out.trials; ++s) {
      const std::int64_t length = passage.empty() ? 0 : passage[static_cast<std::size_t>(s)];
      // Before the passage the two copies stand at different places of the same text: nothing to compare.
      if ((time < -1 && time < -length) || !is_valid(valid, s, time)) continue;
      out.value[out.place(k, s)] = distance_of(disturbed.at(rows[k].first, s), reference.at(rows[k].second, s), kind);
      out.valid[out.place(k, s)] = 1;
    }
  }
  return out;
}

Curves scalar_curves(const Series& series, std::span<const std::int64_t> valid) {
  if (series.units != 1) throw ShapeError("a recorded scalar", "(time, stream)", std::to_string(series.units) + " units per stream");
  check_per_trial("valid", valid, series.streams);
  Curves out;
  out.trials = series.streams;
  out.resize(series.time.size());
  out.time = series.time;
  for (std::size_t k = 0; k < out.time.size(); ++k)
    for (Index s = 0; s < out.trials; ++s) {
      if (!is_valid(valid, s, out.time[k])) continue;
      out.value[out.place(k, s)] = static_cast<double>(series.at(k, s)[0]);
      out.valid[out.place(k, s)] = 1;
    }
  return out;
}

Curves difference(const Curves& a, const Curves& b) {
  if (a.trials != b.trials)
    throw ShapeError("difference of two recordings", std::to_string(a.trials) + " streams", std::to_string(b.trials));
  const auto pairs = common_times(a.time, b.time);
  if (pairs.empty()) throw DataError("difference of two recordings", 0, "their time scales have no time in common");
  Curves out;
  out.trials = a.trials;
  out.resize(pairs.size());
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    out.time[k] = a.time[pairs[k].first];
    for (Index s = 0; s < out.trials; ++s) {
      const std::size_t i = a.place(pairs[k].first, s), j = b.place(pairs[k].second, s);
      if (a.valid[i] == 0 || b.valid[j] == 0) continue;
      out.value[out.place(k, s)] = a.value[i] - b.value[j];
      out.valid[out.place(k, s)] = 1;
    }
  }
  return out;
}

std::vector<double> trial_mean(const Curves& curves, std::span<const double> weight) {
  const std::size_t samples = curves.time.size();
  std::vector<double> sum(samples, 0.0), total(samples, 0.0);
  for (Index s = 0; s < curves.trials; ++s) {
    const double w = weight[static_cast<std::size_t>(s)];
    if (w == 0.0) continue;
    const double* value = curves.value.data() + curves.place(0, s);
    const std::uint8_t* valid = curves.valid.data() + curves.place(0, s);
    for (std::size_t k = 0; k < samples; ++k) {
      sum[k] += w * value[k];
      total[k] += w * static_cast<double>(valid[k]);
    }
  }
  for (std::size_t k = 0; k < samples; ++k) sum[k] = total[k] > 0.0 ? sum[k] / total[k] : kNan;
  return sum;
}

std::size_t horizon_sample(const Curves& curves) {
  std::vector<Index> count(curves.time.size(), 0);
  Index ever = 0;
  for (Index s = 0; s < curves.trials; ++s) {
    bool seen = false;
    for (std::size_t k = 0; k < count.size(); ++k) {
      if (curves.valid[curves.place(k, s)] == 0) continue;
      ++count[k];
      seen = true;
    }
    ever += seen ? 1 : 0;
  }
  std::size_t last = 0;
  for (std::size_t k = 0; k < count.size(); ++k)
    if (ever > 0 && 2 * count[k] >= ever) last = k;
  return last;
}

FallingCurves::FallingCurves(const Curves& distances, bool normalise_each) : trials_(distances.trials) {
  const std::size_t start = start_sample(distances.time), n = static_cast<std::size_t>(trials_);
  for (std::size_t k = start; k < distances.time.size(); ++k)
    elapsed_.push_back(static_cast<double>(distances.time[k] - distances.time[start]));
  value_.assign(elapsed_.size() * n, 0.0);
  base_.assign(n, 0.0);
  samples_.assign(n, 0);
  for (std::size_t s = 0; s < n && !elapsed_.empty(); ++s) {
    const std::size_t origin = distances.place(start, static_cast<Index>(s));
    const double first = distances.value[origin];
    if (distances.valid[origin] == 0 || !(first > 0.0)) continue;
    const double scale = normalise_each ? 1.0 / first : 1.0;
    base_[s] = first * scale;
    for (std::size_t k = 0; k < elapsed_.size() && distances.valid[origin + k] != 0; ++k) {
      value_[s * elapsed_.size() + k] = distances.value[origin + k] * scale;
      ++samples_[s];
    }
  }
  const Index all = used();
  for (std::size_t k = 0; k < elapsed_.size(); ++k) {
    const auto alive = std::count_if(samples_.begin(), samples_.end(), [&](std::size_t m) { return m > k; });
    if (all > 0 && 2 * alive >= all) horizon_ = k;
  }
}

Index FallingCurves::used() const {
  return static_cast<Index>(std::count_if(samples_.begin(), samples_.end(), [](std::size_t m) { return m > 0; }));
}

void FallingCurves::ratios(std::size_t first, std::size_t last, std::span<const double> weight, std::vector<double>& out) const {
  out.assign(last - first, 0.0);
  std::vector<double> below(last - first, 0.0);
  for (std::size_t s = 0; s < base_.size(); ++s) {
    if (weight[s] == 0.0 || samples_[s] <= first) continue;
    const double w = weight[s], base = w * base_[s];
    const double* value = value_.data() + s * elapsed_.size() + first;
    const std::size_t count = std::min(last, samples_[s]) - first;
    for (std::size_t k = 0; k < count; ++k) {
      out[k] += w * value[k];
      below[k] += base;
    }
  }
  for (std::size_t k = 0; k < out.size(); ++k) out[k] = below[k] > 0.0 ? out[k] / below[k] : kNan;
}

std::vector<double> FallingCurves::ratio(std::span<const double> weight) const {
  std::vector<double> out;
  if (!elapsed_.empty()) ratios(0, horizon_ + 1, weight, out);
  return out;
}

Bounded FallingCurves::fall_time(std::span<const double> weight, double fraction) const {
  if (elapsed_.empty()) return {kNan};
  std::vector<double> chunk;
  double last = kNan;
  // Most levels cross early: averages are made in chunks that double, so that a bootstrap does not pay for the whole recording.
  for (std::size_t first = 0, size = 32; first <= horizon_; first += size, size *= 2) {
    ratios(first, std::min(first + size, horizon_ + 1), weight, chunk);
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      const std::size_t k = first + i;
      const double now = chunk[i];
      if (std::isnan(now)) return k == 0 ? Bounded{kNan} : Bounded{elapsed_[k - 1], Bound::at_least};  // no drawn trial lasts this long
      if (k > 0 && now <= fraction) return {elapsed_[k - 1] + crossing(last, now, fraction) * (elapsed_[k] - elapsed_[k - 1])};
      last = now;
    }
  }
  return {elapsed_[horizon_], Bound::at_least};
}

Bounded FallingCurves::fall_time_of(Index trial, double fraction) const {
  const std::size_t s = static_cast<std::size_t>(trial);
  if (samples_[s] == 0) return {kNan};
  const double* value = value_.data() + s * elapsed_.size();
  for (std::size_t k = 1; k < samples_[s]; ++k) {
    const double last = value[k - 1] / base_[s], now = value[k] / base_[s];
    if (now <= fraction) return {elapsed_[k - 1] + crossing(last, now, fraction) * (elapsed_[k] - elapsed_[k - 1])};
  }
  return {elapsed_[samples_[s] - 1], Bound::at_least};
}

}  // namespace strata
