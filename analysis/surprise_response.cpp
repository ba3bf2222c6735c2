#include "analysis/surprise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/error.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::int64_t length_of(std::span<const std::int64_t> passage, Index trial) {
  return passage.empty() ? 0 : passage[static_cast<std::size_t>(trial)];
}

/// The usual distance between samples, tokens.
std::int64_t sampling_interval(std::span<const std::int64_t> time) {
  std::vector<std::int64_t> steps;
  for (std::size_t k = 1; k < time.size(); ++k) steps.push_back(time[k] - time[k - 1]);
  if (steps.empty()) return 1;
  std::nth_element(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2), steps.end());
  return steps[steps.size() / 2];
}

/// Sum and number of a trial's valid values.
struct Total {
  double sum = 0.0, count = 0.0;
};

std::vector<Total> totals(const Curves& curves) {
  std::vector<Total> out(static_cast<std::size_t>(curves.trials));
  for (Index s = 0; s < curves.trials; ++s)
    for (std::size_t k = 0; k < curves.time.size(); ++k) {
      out[static_cast<std::size_t>(s)].sum += curves.value[curves.place(k, s)];
      out[static_cast<std::size_t>(s)].count += curves.valid[curves.place(k, s)];
    }
  return out;
}

/// Of a trial's samples in its passage of `length` tokens; where sampling is coarse they stand for the whole of it.
Total inside(const Curves& curves, Index trial, std::int64_t length) {
  Total out;
  for (std::size_t k = 0; k < curves.time.size(); ++k) {
    const std::size_t i = curves.place(k, trial);
    if (curves.time[k] < -length || curves.time[k] >= 0 || curves.valid[i] == 0) continue;
    out.sum += curves.value[i];
    out.count += 1.0;
  }
  return out;
}

double weighted_mean(const std::vector<Total>& trials, std::span<const double> weight) {
  double sum = 0.0, count = 0.0;
  for (std::size_t s = 0; s < trials.size(); ++s) {
    sum += weight[s] * trials[s].sum;
    count += weight[s] * trials[s].count;
  }
  return count > 0.0 ? sum / count : kNan;
}

void check_trials(const Curves& a, const Curves& b, std::span<const std::int64_t> passage) {
  if (a.trials != b.trials)
    throw ShapeError("disturbed and undisturbed copy", std::to_string(a.trials) + " streams", std::to_string(b.trials));
  if (!passage.empty() && static_cast<Index>(passage.size()) != a.trials)
    throw ShapeError("passage_length", std::to_string(a.trials) + " streams", std::to_string(passage.size()));
}

/// Mean of the finite `mean[k]`, low <= k < high, whose time is within half a window of time[k]; per k, NaN where mean[k] is.
std::vector<double> smoothed(std::span<const std::int64_t> time, std::span<const double> mean, std::size_t first, std::size_t last,
                             double window) {
  std::vector<double> out(mean.size(), kNan), sum(1, 0.0), at;
  std::vector<std::size_t> place;
  for (std::size_t k = first; k < last; ++k) {
    if (std::isnan(mean[k])) continue;
    at.push_back(static_cast<double>(time[k]));
    place.push_back(k);
    sum.push_back(sum.back() + mean[k]);
  }
  for (std::size_t k = 0, low = 0, high = 0; k < at.size(); ++k) {
    while (at[low] < at[k] - 0.5 * window) ++low;
    while (high < at.size() && at[high] <= at[k] + 0.5 * window) ++high;
    out[place[k]] = (sum[high] - sum[low]) / static_cast<double>(high - low);
  }
  return out;
}

/// First time >= from at which the mean in the window around it is at most `threshold`; tokens since the event. Of times only those count
/// by which a level has ticked since the event: before that it holds an older error.
Bounded first_back(std::span<const std::int64_t> time, std::span<const double> mean, std::size_t last, double from, double window,
                   double threshold, double tick) {
  std::size_t first = 0;
  while (first < time.size() && static_cast<double>(time[first] + 1) < std::max(tick, 1.0)) ++first;
  const std::vector<double> smooth = smoothed(time, mean, first, last + 1, window);
  Bounded found{kNan};
  for (std::size_t k = first; k <= last && k < time.size(); ++k) {
    if (std::isnan(smooth[k])) continue;
    found = {static_cast<double>(time[k] + 1), Bound::at_least};
    if (static_cast<double>(time[k]) >= from && smooth[k] <= threshold) return {found.value};
  }
  return found;
}

}  // namespace

double overall_mean(const Curves& curves) {
  return weighted_mean(totals(curves), std::vector<double>(static_cast<std::size_t>(curves.trials), 1.0));
}

Curves from_onset(const Curves& curves, std::span<const std::int64_t> passage, double within) {
  const std::int64_t step = sampling_interval(curves.time);
  // Bin of a trial's sample since its onset, or -1.
  const auto bin_of = [&](std::size_t k, Index s) -> std::int64_t {
    const std::int64_t since = curves.time[k] + length_of(passage, s);
    return since >= 0 && static_cast<double>(curves.time[k]) < within && curves.valid[curves.place(k, s)] != 0 ? since / step : -1;
  };
  std::map<std::int64_t, Index> trials_in;
  for (Index s = 0; s < curves.trials; ++s) {
    std::int64_t last = -1;
    for (std::size_t k = 0; k < curves.time.size(); ++k) {
      const std::int64_t bin = bin_of(k, s);
      if (bin >= 0 && bin != last) ++trials_in[bin];
      last = bin;
    }
  }
  std::erase_if(trials_in, [&](const auto& bin) { return 2 * bin.second < curves.trials; });
  Curves out;
  out.trials = curves.trials;
  out.resize(trials_in.size());
  std::map<std::int64_t, std::size_t> sample_of;
  for (const auto& [bin, count] : trials_in) {
    const std::size_t sample = sample_of.size();
    out.time[sample] = bin * step;
    sample_of[bin] = sample;
  }
  for (Index s = 0; s < curves.trials; ++s)
    for (std::size_t k = 0; k < curves.time.size(); ++k) {
      const auto found = sample_of.find(bin_of(k, s));
      if (found == sample_of.end()) continue;
      const std::size_t i = out.place(found->second, s);
      if (out.valid[i] != 0) continue;  // irregular sampling: the first sample of a bin speaks for it
      out.value[i] = curves.value[curves.place(k, s)];
      out.valid[i] = 1;
    }
  return out;
}

Peak peak_of(const Curves& onset, std::span<const double> weight, double window) {
  const std::vector<double> mean = smoothed(onset.time, trial_mean(onset, weight), 0, onset.time.size(), window);
  Peak peak{kNan, kNan, 0};
  for (std::size_t k = 0; k < mean.size(); ++k)
    if (!std::isnan(mean[k]) && !(mean[k] <= peak.value)) peak = {mean[k], static_cast<double>(onset.time[k]), k};
  return peak;
}

ErrorResponse error_response(const Curves& disturbed, const Curves& undisturbed, std::span<const std::int64_t> passage,
                             const BootstrapOptions& options, const ErrorOptions& errors) {
  check_trials(disturbed, undisturbed, passage);
  const std::vector<Total> calm = totals(undisturbed);
  const std::vector<double> ones(calm.size(), 1.0);
  const double baseline = overall_mean(undisturbed);
  if (!(baseline > 0.0)) throw DataError("error response", 0, "the mean error of the undisturbed copy is not positive");
  const Curves onset = from_onset(disturbed, passage, errors.within);
  const double window = std::max(errors.window, static_cast<double>(sampling_interval(disturbed.time)));
  const Peak peak = peak_of(onset, ones, window), chance = peak_of(from_onset(undisturbed, passage, errors.within), ones, window);
  const bool left = peak.value > errors.back * baseline;
  double length = 0.0;
  for (Index s = 0; s < disturbed.trials; ++s) length += static_cast<double>(length_of(passage, s)) / static_cast<double>(disturbed.trials);
  const std::size_t last = horizon_sample(disturbed);
  const Statistics statistics = [&](std::span<const BootstrapDraw> draws) {
    const auto& weight = draws[0].weight;
    const double base = weighted_mean(calm, weight);
    std::vector<Bounded> out = {{kNan}, {kNan}};
    if (!std::isnan(peak.value))
      out[0] = {smoothed(onset.time, trial_mean(onset, weight), 0, onset.time.size(), window)[peak.sample] / base};
    if (left)
      out[1] = first_back(disturbed.time, trial_mean(disturbed, weight), last, peak.time - length, window, errors.back * base, errors.tick);
    return out;
  };
  const Index sizes[] = {disturbed.trials};
  const std::vector<Estimate> all = bootstrap(sizes, statistics, options);
  return {all[0], peak.time, all[1], baseline, chance.value / baseline};
}

Estimate peak_level(const Curves& disturbed, std::span<const std::int64_t> passage, const BootstrapOptions& options,
                    const ErrorOptions& errors) {
  const Curves onset = from_onset(disturbed, passage, errors.within);
  const double window = std::max(errors.window, static_cast<double>(sampling_interval(disturbed.time)));
  const Peak peak = peak_of(onset, std::vector<double>(static_cast<std::size_t>(onset.trials), 1.0), window);
  if (std::isnan(peak.value)) return Estimate::none();
  const auto at_peak = [&](const BootstrapDraw& draw) {
    return Bounded{smoothed(onset.time, trial_mean(onset, draw.weight), 0, onset.time.size(), window)[peak.sample]};
  };
  return bootstrap(onset.trials, at_peak, options);
}

Estimate excess_after(const Curves& disturbed, const Curves& undisturbed, const BootstrapOptions& options) {
  const Curves excess = difference(disturbed, undisturbed);
  const std::size_t last = horizon_sample(excess);
  const auto sum = [&](const BootstrapDraw& draw) {
    const std::vector<double> mean = trial_mean(excess, draw.weight);
    double nats = 0.0, read = 0.0;
    for (std::size_t k = 0; k <= last && k < mean.size(); ++k) {
      if (excess.time[k] < 0) continue;
      const double end = static_cast<double>(excess.time[k] + 1);
      if (!std::isnan(mean[k])) nats += mean[k] * (end - read);  // a sample stands for the tokens since the one before it
      read = end;
    }
    return Bounded{read > 0.0 ? nats : kNan};
  };
  return bootstrap(excess.trials, sum, options);
}

std::vector<double> excess_of_passage(const Curves& disturbed, const Curves& undisturbed, std::span<const std::int64_t> passage) {
  check_trials(disturbed, undisturbed, passage);
  const std::vector<Total> calm = totals(undisturbed);
  std::vector<double> out(calm.size(), kNan);
  for (Index s = 0; s < disturbed.trials; ++s) {
    const std::int64_t length = length_of(passage, s);
    const Total own = calm[static_cast<std::size_t>(s)], foreign = inside(disturbed, s, length);
    if (foreign.count > 0.0 && own.count > 0.0)
      out[static_cast<std::size_t>(s)] = static_cast<double>(length) * (foreign.sum / foreign.count - own.sum / own.count);
  }
  return out;
}

std::vector<double> cost_of_context(const Curves& disturbed, const Curves& home, std::span<const std::int64_t> passage) {
  check_trials(disturbed, home, passage);
  std::vector<double> out;
  for (Index s = 0; s < disturbed.trials; ++s) {
    const std::int64_t length = length_of(passage, s);
    const Total here = inside(disturbed, s, length), there = inside(home, s, length);
    const bool same = here.count > 0.0 && here.count == there.count;
    out.push_back(same ? static_cast<double>(length) * (here.sum - there.sum) / here.count : kNan);
  }
  return out;
}

}  // namespace strata
