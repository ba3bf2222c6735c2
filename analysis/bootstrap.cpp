#include "analysis/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <string>

#include "core/error.hpp"
#include "core/random.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr std::uint32_t kPurpose = 0xB007;  // keeps these random bits apart from every other use of the same seed

double sorted_quantile(std::vector<double> values, double probability) {
  std::sort(values.begin(), values.end());
  return quantile(values, probability);
}

/// Puts percentiles of the draws of one statistic into `out`. Bounds count as unbounded towards their open side where the percentile
/// stays finite all the same; otherwise the end is the percentile of the bounds, marked open.
void set_interval(const std::vector<Bounded>& draws, double level, Estimate& out) {
  std::vector<double> value, low_key, high_key;
  for (const Bounded& draw : draws) {
    if (std::isnan(draw.value)) continue;
    value.push_back(draw.value);
    low_key.push_back(draw.bound == Bound::at_most ? -kInf : draw.value);
    high_key.push_back(draw.bound == Bound::at_least ? kInf : draw.value);
  }
  if (value.empty() || static_cast<double>(value.size()) < 0.95 * static_cast<double>(draws.size())) return;
  const double tail = 0.5 * (1.0 - level);
  out.low = sorted_quantile(low_key, tail);
  out.high = sorted_quantile(high_key, 1.0 - tail);
  out.low_open = !std::isfinite(out.low);
  out.high_open = !std::isfinite(out.high);
  if (out.low_open) out.low = sorted_quantile(value, tail);
  if (out.high_open) out.high = sorted_quantile(value, 1.0 - tail);
}

void check_lengths(const char* where, std::size_t expected, std::size_t got) {
  if (expected != got) throw ShapeError(where, std::to_string(expected) + " values", std::to_string(got));
}

/// Trials of every block, blocks in the order of their first trials.
std::vector<std::vector<Index>> members_of(std::span<const Index> blocks) {
  std::map<Index, std::size_t> place;
  std::vector<std::vector<Index>> members;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto [found, fresh] = place.try_emplace(blocks[i], members.size());
    if (fresh) members.emplace_back();
    members[found->second].push_back(static_cast<Index>(i));
  }
  return members;
}

BootstrapDraw resample_blocks(const std::vector<std::vector<Index>>& members, Index trials, std::uint64_t seed, Index number) {
  BootstrapDraw draw;
  draw.weight.assign(static_cast<std::size_t>(trials), 0.0);
  for (const Index block : resample(static_cast<Index>(members.size()), seed, number).index)
    for (const Index trial : members[static_cast<std::size_t>(block)]) {
      draw.index.push_back(trial);
      draw.weight[static_cast<std::size_t>(trial)] += 1.0;
    }
  return draw;
}

}  // namespace

Estimate Estimate::none() { return {kNan, Bound::exact, kNan, kNan, false, false}; }

BootstrapDraw full_draw(Index trials) {
  BootstrapDraw draw;
  draw.index.resize(static_cast<std::size_t>(trials));
  std::iota(draw.index.begin(), draw.index.end(), Index{0});
  draw.weight.assign(static_cast<std::size_t>(trials), 1.0);
  return draw;
}

BootstrapDraw resample(Index trials, std::uint64_t seed, Index number, std::uint32_t group) {
  BootstrapDraw draw;
  draw.index.resize(static_cast<std::size_t>(trials));
  draw.weight.assign(static_cast<std::size_t>(trials), 0.0);
  const std::uint64_t base = random_base(seed, static_cast<std::uint64_t>(number), group, kPurpose);
  for (std::size_t i = 0; i < draw.index.size(); ++i) {
    // 32 random bits scaled to 0 .. trials-1; the bias is below trials / 2^32.
    const std::uint64_t picked = ((mix(base ^ (std::uint64_t{i} + 1)) >> 32) * static_cast<std::uint64_t>(trials)) >> 32;
    draw.index[i] = static_cast<Index>(picked);
    draw.weight[picked] += 1.0;
  }
  return draw;
}

std::vector<Estimate> bootstrap(std::span<const Index> group_sizes, const Statistics& statistics, const BootstrapOptions& options) {
  if (group_sizes.empty()) throw ShapeError("bootstrap", "at least one group of trials", "none");
  std::vector<BootstrapDraw> draws;
  for (const Index size : group_sizes) {
    if (size < 1) throw ShapeError("bootstrap", "at least one trial in every group", std::to_string(size));
    draws.push_back(full_draw(size));
  }
  std::vector<Estimate> out;
  for (const Bounded& full : statistics(draws)) {
    out.push_back(Estimate::none());
    out.back().value = full.value;
    out.back().bound = full.bound;
  }
  const bool blocked = !options.blocks.empty();
  if (blocked && (group_sizes.size() > 1 || group_sizes[0] != static_cast<Index>(options.blocks.size())))
    throw ShapeError("bootstrap", "a block for every trial of one group",
                     std::to_string(options.blocks.size()) + " blocks and " + std::to_string(group_sizes.size()) +
                         " groups, the first of " + std::to_string(group_sizes[0]) + " trials");
  const auto members = members_of(options.blocks);
  if ((blocked ? static_cast<Index>(members.size()) : *std::min_element(group_sizes.begin(), group_sizes.end())) < 2) return out;

  std::vector<std::vector<Bounded>> drawn(out.size());
  for (Index number = 0; number < options.resamples; ++number) {
    for (std::size_t g = 0; g < draws.size(); ++g)
      draws[g] = blocked ? resample_blocks(members, group_sizes[g], options.seed, number)
                         : resample(group_sizes[g], options.seed, number, static_cast<std::uint32_t>(g));
    const std::vector<Bounded> values = statistics(draws);
    check_lengths("bootstrap statistic", out.size(), values.size());
    for (std::size_t k = 0; k < out.size(); ++k) drawn[k].push_back(values[k]);
  }
  for (std::size_t k = 0; k < out.size(); ++k)
    if (out[k].measured()) set_interval(drawn[k], options.level, out[k]);
  return out;
}

Estimate bootstrap(Index trials, const std::function<Bounded(const BootstrapDraw&)>& statistic, const BootstrapOptions& options) {
  const Index sizes[] = {trials};
  const Statistics one = [&](std::span<const BootstrapDraw> draws) { return std::vector<Bounded>{statistic(draws[0])}; };
  return bootstrap(sizes, one, options)[0];
}

Estimate bootstrap_mean(std::span<const double> values, const BootstrapOptions& options) {
  const auto mean = [&](const BootstrapDraw& draw) {
    double sum = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += draw.weight[i] * values[i];
    return Bounded{sum / static_cast<double>(values.size())};
  };
  return bootstrap(static_cast<Index>(values.size()), mean, options);
}

Estimate paired_difference(std::span<const double> sum_a, std::span<const double> sum_b, std::span<const double> tokens,
                           const BootstrapOptions& options) {
  check_lengths("paired difference over documents: sums of the second model", sum_a.size(), sum_b.size());
  check_lengths("paired difference over documents: token counts", sum_a.size(), tokens.size());
  double total = 0.0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!std::isfinite(sum_a[i]) || !std::isfinite(sum_b[i]) || !(tokens[i] >= 0.0))
      throw DataError("paired difference", 0, "document " + std::to_string(i) + " has a sum that is not finite or a negative token count");
    total += tokens[i];
  }
  if (!(total > 0.0)) throw DataError("paired difference", 0, "the documents hold no tokens");
  const auto difference = [&](const BootstrapDraw& draw) {
    double nats = 0.0, count = 0.0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      nats += draw.weight[i] * (sum_a[i] - sum_b[i]);
      count += draw.weight[i] * tokens[i];
    }
    return Bounded{count > 0.0 ? nats / count : kNan};
  };
  return bootstrap(static_cast<Index>(tokens.size()), difference, options);
}

double quantile(std::span<const double> sorted, double probability) {
  if (sorted.empty()) return kNan;
  const double place = probability * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const double fraction = place - static_cast<double>(below);
  if (fraction == 0.0 || below + 1 >= sorted.size()) return sorted[below];
  if (std::isinf(sorted[below])) return sorted[below];
  return sorted[below + 1] == sorted[below] ? sorted[below] : sorted[below] + fraction * (sorted[below + 1] - sorted[below]);
}

double weighted_pearson(std::span<const double> x, std::span<const double> y, std::span<const double> weight) {
  double total = 0.0, mean_x = 0.0, mean_y = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    total += weight[i];
    mean_x += weight[i] * x[i];
    mean_y += weight[i] * y[i];
  }
  if (!(total > 0.0)) return kNan;
  mean_x /= total;
  mean_y /= total;
  double xx = 0.0, yy = 0.0, xy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - mean_x, dy = y[i] - mean_y;
    xx += weight[i] * dx * dx;
    yy += weight[i] * dy * dy;
    xy += weight[i] * dx * dy;
  }
  // Rounding leaves a spread of about epsilon * mean when nothing varies.
  const double tiny = 1e-24 * total;
  if (xx <= tiny * (mean_x * mean_x) || yy <= tiny * (mean_y * mean_y) || xx <= 0.0 || yy <= 0.0) return kNan;
  return std::clamp(xy / std::sqrt(xx * yy), -1.0, 1.0);
}

Estimate pearson(std::span<const double> x, std::span<const double> y, const BootstrapOptions& options) {
  check_lengths("Pearson correlation", x.size(), y.size());
  const auto r = [&](const BootstrapDraw& draw) { return Bounded{weighted_pearson(x, y, draw.weight)}; };
  return bootstrap(static_cast<Index>(x.size()), r, options);
}

CensoredTimes::CensoredTimes(std::span<const double> time, std::span<const std::uint8_t> censored) : place_(time.size()) {
  check_lengths("censored times: censoring marks", time.size(), censored.size());
  std::iota(place_.begin(), place_.end(), std::size_t{0});
  // At equal times ends come before bounds: a trial censored at t was still at risk at t.
  std::sort(place_.begin(), place_.end(), [&](std::size_t a, std::size_t b) {
    return time[a] != time[b] ? time[a] < time[b] : (censored[a] != censored[b] ? censored[a] < censored[b] : a < b);
  });
  for (const std::size_t i : place_) {
    time_.push_back(time[i]);
    censored_.push_back(censored[i]);
  }
}

Bounded CensoredTimes::median(std::span<const double> weight) const {
  check_lengths("censored times: weights", time_.size(), weight.size());
  double at_risk = std::accumulate(weight.begin(), weight.end(), 0.0), survival = 1.0, last = kNan;
  for (std::size_t k = 0; k < time_.size(); ++k) {
    const double w = weight[place_[k]];
    if (w <= 0.0) continue;
    last = time_[k];
    if (censored_[k] == 0) survival *= 1.0 - w / at_risk;
    at_risk -= w;
    if (survival <= 0.5 + 1e-12) return {time_[k], Bound::exact};
  }
  return {last, Bound::at_least};
}

Bounded censored_median(std::span<const double> time, std::span<const std::uint8_t> censored, std::span<const double> weight) {
  return CensoredTimes(time, censored).median(weight);
}

Bounded censored_mean(std::span<const double> time, std::span<const std::uint8_t> censored, std::span<const double> weight) {
  double sum = 0.0, total = 0.0;
  Bound bound = Bound::exact;
  for (std::size_t i = 0; i < time.size(); ++i) {
    if (weight[i] <= 0.0) continue;
    sum += weight[i] * time[i];
    total += weight[i];
    if (censored[i] != 0) bound = Bound::at_least;
  }
  return {total > 0.0 ? sum / total : kNan, bound};
}

Bounded bounded_ratio(Bounded a, Bounded b) {
  if (!(b.value > 0.0) || std::isnan(a.value)) return {kNan};
  if (b.bound == Bound::exact) return {a.value / b.value, a.bound};
  const Bound turned = b.bound == Bound::at_least ? Bound::at_most : Bound::at_least;
  if (a.bound != Bound::exact && a.bound != turned) return {kNan};
  return {a.value / b.value, turned};
}

Bounded bounded_difference(Bounded a, Bounded b) {
  if (std::isnan(a.value) || std::isnan(b.value)) return {kNan};
  if (b.bound == Bound::exact) return {a.value - b.value, a.bound};
  const Bound turned = b.bound == Bound::at_least ? Bound::at_most : Bound::at_least;
  if (a.bound != Bound::exact && a.bound != turned) return {kNan};
  return {a.value - b.value, turned};
}

}  // namespace strata
