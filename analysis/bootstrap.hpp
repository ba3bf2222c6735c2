#pragma once
// Seeded percentile bootstrap for any statistic of trials, pairs or documents.
//
// Equation   draw d of group g picks n_g trials with replacement; trial i of the draw is a pure function of (seed, d, g, i), so the
//            interval is a pure function of the data and the seed. Limits: the (1 -+ level)/2 percentiles of the statistic over draws.
//            Where trials share what they are made of, blocks of them are drawn, each whole: as many as there are.
// Joint      everything a statistic computes from one draw (all levels, numerator and denominator of a ratio) sees the same trials.
// Censoring  a draw may know its value only as "at least" or "at most"; such draws are never dropped: an end of the interval that
//            rests on them is marked open.
// Limit      Gaussian mean: coverage near the nominal level (slightly below for few trials, as every percentile bootstrap).
// Source     Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; blocks of documents: Kuensch (1989).

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/observation.hpp"

namespace strata {

/// What is known of a value.
enum class Bound : std::uint8_t { exact, at_least, at_most };

/// A value that may be a bound only. NaN = undefined.
struct Bounded {
  double value;
  Bound bound = Bound::exact;
};

/// A value with its bootstrap interval. `value` NaN = not measured; `low` and `high` NaN = no interval.
struct Estimate {
  double value;
  Bound bound = Bound::exact;
  double low, high;
  bool low_open = false;   ///< the true lower end lies at or below `low`
  bool high_open = false;  ///< the true upper end lies at or above `high`

  static Estimate none();
  bool measured() const { return value == value; }
  bool has_interval() const { return low == low && high == high; }
};

struct BootstrapOptions {
  Index resamples = 2000;
  std::uint64_t seed = 1;
  double level = 0.95;  ///< nominal coverage
  std::vector<Index>
      blocks{};  ///< of one group: what every trial belongs to; trials of one block are drawn together. Empty: each by itself
};

/// One resampling of a group of n trials.
struct BootstrapDraw {
  std::vector<Index> index;    ///< n trials (of blocks more or fewer), drawn with replacement, 0 .. n-1
  std::vector<double> weight;  ///< n counts: how often each trial was drawn
};

/// The draw that takes every trial once.
BootstrapDraw full_draw(Index trials);

/// BootstrapDraw number `number` of group `group`.
BootstrapDraw resample(Index trials, std::uint64_t seed, Index number, std::uint32_t group = 0);

/// Several statistics of one joint draw; `draws` has one entry per group. Must return the same number of values each time.
using Statistics = std::function<std::vector<Bounded>(std::span<const BootstrapDraw> draws)>;

/// Values on all trials, and percentile intervals over resamples. `group_sizes`: number of trials per independent group.
/// An undefined (NaN) statistic is skipped in its draw; with more than one draw in twenty undefined there is no interval, nor with
/// fewer than two trials, or blocks of them, in the smallest group. Throws ShapeError for an empty group, and for blocks that are not of one group's
/// every trial.
std::vector<Estimate> bootstrap(std::span<const Index> group_sizes, const Statistics& statistics, const BootstrapOptions& options = {});

/// The same for one group and one statistic.
Estimate bootstrap(Index trials, const std::function<Bounded(const BootstrapDraw&)>& statistic, const BootstrapOptions& options = {});

/// Mean of `values` with interval.
Estimate bootstrap_mean(std::span<const double> values, const BootstrapOptions& options = {});

/// Difference in nats per token of two models on the same documents: sum(a - b) / sum(tokens), with the interval over documents
/// (block bootstrap: documents are the blocks). `sum_a`, `sum_b` nats per document; `tokens` per document. Positive: b is better.
/// Throws ShapeError for vectors of different length, DataError when there are no tokens or a sum is not finite.
Estimate paired_difference(std::span<const double> sum_a, std::span<const double> sum_b, std::span<const double> tokens,
                           const BootstrapOptions& options = {});

/// Linear-interpolation quantile (Hyndman & Fan type 7) of sorted values; infinite ends allowed.
double quantile(std::span<const double> sorted, double probability);

/// Pearson correlation of x and y with weights; NaN when either does not vary.
double weighted_pearson(std::span<const double> x, std::span<const double> y, std::span<const double> weight);

/// Pearson r of paired values with interval over pairs. Throws ShapeError for different lengths.
Estimate pearson(std::span<const double> x, std::span<const double> y, const BootstrapOptions& options = {});

/// Kaplan-Meier median of times of which some are only bounds from below: the first time at which half have ended; where the curve never
/// gets there, the longest time as "at least". Without censoring: the lower of the two middle values. Source: Kaplan & Meier (1958).
Bounded censored_median(std::span<const double> time, std::span<const std::uint8_t> censored, std::span<const double> weight);

/// The same for many draws of weights over the same times: sorted once.
class CensoredTimes {
 public:
  CensoredTimes(std::span<const double> time, std::span<const std::uint8_t> censored);
  /// `weight` in the order in which the times were given.
  Bounded median(std::span<const double> weight) const;

 private:
  std::vector<double> time_;
  std::vector<std::uint8_t> censored_;
  std::vector<std::size_t> place_;  ///< of the sorted times among those given
};

/// Mean of such times, every censored one counted at its bound: then the mean itself is "at least".
Bounded censored_mean(std::span<const double> time, std::span<const std::uint8_t> censored, std::span<const double> weight);

/// a / b and a - b of values that may be bounds; undefined where the bounds leave the direction open.
Bounded bounded_ratio(Bounded a, Bounded b);
Bounded bounded_difference(Bounded a, Bounded b);

}  // namespace strata
