#pragma once
// From recorded vectors to one number per time and trial, and from there to the time it takes to fall.
//
// Equation   D(t, s) = |a(t, s) - b(t, s)|                                   L2 over units, or total variation .5 sum |a - b|
//            r(t)    = sum_s w_s D(t, s) / sum_s w_s D_0(s)                  over trials s valid at t; w_s = 1, or bootstrap counts
//            fall time to fraction f = first t with r(t) <= f, minus the start, straight in the logarithm between samples
// Symbols    D_0(s) distance at the start (the sample at time -1, the last state before the first common token; without one the latest
//            sample before it; without any the first sample). Normalised each: D and D_0 are divided by D_0(s), so that every trial weighs
//            the same. Otherwise trials weigh by their own start, and r is the trial-averaged distance over its start value.
// Units      times in tokens read since the start (the state at time t has read t + 1 common tokens)
// Limit      D = exp(-t/tau): fall time -tau ln f

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/bootstrap.hpp"
#include "core/observation.hpp"

namespace strata {

/// A recorded dataset (time, stream, unit), or (time, stream) with one unit.
struct Series {
  std::vector<std::int64_t> time;  ///< strictly ascending, tokens
  Index streams = 0, units = 1;
  std::vector<float> value;  ///< time x stream x unit, last index fastest

  std::span<const float> at(std::size_t sample, Index stream) const {
    const auto n = static_cast<std::size_t>(units);
    return {value.data() + (sample * static_cast<std::size_t>(streams) + static_cast<std::size_t>(stream)) * n, n};
  }
};

/// One number per time and trial; `valid` is 0 where the trial has no data (its text ended, or the time means nothing for it).
struct Curves {
  std::vector<std::int64_t> time;
  Index trials = 0;
  std::vector<double> value;  ///< trial x time (a bootstrap adds up whole trials), 0 where not valid
  std::vector<std::uint8_t> valid;

  void resize(std::size_t samples);
  std::size_t place(std::size_t sample, Index trial) const { return static_cast<std::size_t>(trial) * time.size() + sample; }
};

enum class Distance : std::uint8_t { euclidean, total_variation };

/// Samples of two ascending time scales that have the same time: pairs (index in a, index in b).
std::vector<std::pair<std::size_t, std::size_t>> common_times(std::span<const std::int64_t> a, std::span<const std::int64_t> b);

/// Index of the start sample: the last with time <= -1, else 0.
std::size_t start_sample(std::span<const std::int64_t> time);

/// Distance of two recordings at their common times. `valid`: per trial, times below it are data; empty = all.
/// Throws ShapeError when streams or units differ, DataError when no time is common.
Curves distance(const Series& a, const Series& b, std::span<const std::int64_t> valid, Distance kind);

/// Distance of a disturbed copy from its reference: at times >= -1 at equal times; before that (inside the passage of trial s, times >=
/// -passage[s]) from the reference's state at its start sample. `passage` per trial in tokens, empty = no passage. Throws as distance().
Curves displacement(const Series& disturbed, const Series& reference, std::span<const std::int64_t> passage,
                    std::span<const std::int64_t> valid, Distance kind);

/// A recorded scalar (units = 1) as curves. Throws ShapeError when it has more units.
Curves scalar_curves(const Series& series, std::span<const std::int64_t> valid);

/// a - b at common times, valid where both are. Throws as distance().
Curves difference(const Curves& a, const Curves& b);

/// Per sample: weighted mean over valid trials (NaN where there is none).
std::vector<double> trial_mean(const Curves& curves, std::span<const double> weight);

/// Last sample at which at least half of the trials are valid (trials never valid do not count); 0 when there is none.
std::size_t horizon_sample(const Curves& curves);

/// Curves of distance prepared for fall times. Samples before the start are dropped.
class FallingCurves {
 public:
  FallingCurves(const Curves& distances, bool normalise_each);

  Index trials() const { return trials_; }
  /// Trials that take part: they have data at the start, and a distance there that is not 0.
  Index used() const;
  /// Tokens from the start to the last sample at which at least half of the used trials have data: beyond it, averages are not trusted.
  double horizon() const { return elapsed_.empty() ? 0.0 : elapsed_[horizon_]; }
  const std::vector<double>& elapsed() const { return elapsed_; }  ///< tokens since the start, one per sample

  /// r over all samples up to the horizon, trials weighted.
  std::vector<double> ratio(std::span<const double> weight) const;
  /// Fall time of the weighted average to `fraction`; "at least" the horizon where it is not reached; NaN when no trial is used.
  Bounded fall_time(std::span<const double> weight, double fraction) const;
  /// Fall time of one trial alone, up to its own end; NaN when the trial is not used.
  Bounded fall_time_of(Index trial, double fraction) const;

 private:
  /// r of samples first .. last-1 into `out` (NaN where no weighted trial has data).
  void ratios(std::size_t first, std::size_t last, std::span<const double> weight, std::vector<double>& out) const;

  Index trials_ = 0;
  std::vector<double> elapsed_, value_, base_;  // value: trial x sample
  std::vector<std::size_t> samples_;            // per trial: number of leading samples with data, 0 = not used
  std::size_t horizon_ = 0;
};

}  // namespace strata
