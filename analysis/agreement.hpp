#pragma once
// Agreement of two readings: how alike what two copies hold is, over tokens, over trials, or over both.
//
// Equation   r = sum w <a - m_a, b - m_b> / sqrt(sum w |a - m_a|^2  sum w |b - m_b|^2)
//            d = sqrt(sum w |a - b|^2 / sum w (|a - m|^2 + |b - m|^2))
//            turning time = first t with r(t) >= 1/2 (rising: alignment) or r(t) <= 1/2 (falling: forgetting), straight between samples that differ
//            shortest scale = least n with r(n) >= f r(intact), straight in ln n between scales
// Symbols    a, b vectors of the two copies, all units together; m_a, m_b, m their centres (who calls says over what); w 1, or bootstrap counts;
//            d 1: as far apart as two moments of reading drawn at random; t tokens read since the event; n tokens
// Censoring  a curve that does not turn by its last sample is "at least"; a scale below the least that was read "at most"
// Limit      leaky integrators of independent input, time constant tau, t tokens on: r = 1 - exp(-2 t / tau) where two pasts are followed by one
//            text, exp(-2 t / tau) where one past is by two: both turn at tau / 2 ln 2, and forgetting / alignment is 1. Blocks of n tokens in
//            another order in each copy: r = 1 - (1 - exp(-2 n / tau)) tau / 2 n, which is .8 at n = 2.48 tau

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "analysis/bootstrap.hpp"
#include "analysis/curves.hpp"
#include "analysis/trace_reader.hpp"

namespace strata {

/// Sums of products of two copies' vectors around their centres; adds up over tokens and trials.
struct Agreement {
  double ab = 0, aa = 0, bb = 0;

  void add(std::span<const float> a, std::span<const float> b, std::span<const double> centre_a, std::span<const double> centre_b);
  Agreement& operator+=(const Agreement& other);
  Agreement operator*(double weight) const { return {ab * weight, aa * weight, bb * weight}; }
  double correlation() const;  ///< r; NaN where a copy does not vary
  double divergence() const;   ///< d, where both copies were centred alike; NaN where neither varies
};

/// sum of weight x trial.
Agreement pooled(std::span<const Agreement> trials, std::span<const double> weight);

/// Of every trial at every common time from the start sample on, centred per copy and time over the trials that have data there.
struct AgreementCurves {
  std::vector<double> elapsed;  ///< tokens read since the event
  Index trials = 0;             ///< columns below
  std::vector<Agreement> at;    ///< time x trial; zero where the trial has no data
  double correlation(std::size_t sample, std::span<const double> weight) const;
  /// First time at which r has risen to (or fallen to) `level`. NaN where it is nowhere defined.
  Bounded turning_time(std::span<const double> weight, bool rising, double level = .5) const;
};
/// Up to the last sample at which half of the trials have data. `valid`: per trial, times below it are data; empty = all. Throws ShapeError
/// when streams or units differ, DataError where the two have no time in common.
AgreementCurves agreement_curves(const Series& a, const Series& b, std::span<const std::int64_t> valid);

/// Of every trial over its times >= 0, both copies around the centre of all that is pooled. `valid` and errors as above.
std::vector<Agreement> agreement_of_trials(const Series& a, const Series& b, std::span<const std::int64_t> valid);

/// Calls `with` for every level that a condition and its reference share: vectors of the reference and of the condition, and up to where
/// each trial has data. `dataset`: as compared_dataset() takes it. Throws DataError where there is none.
void compare_levels(const Trace& trace, const std::string& condition, const std::string& dataset,
                    const std::function<void(const LevelInfo&, const Series&, const Series&, std::span<const std::int64_t> valid)>& with);

/// `r` at ascending `scale`, against that of the intact text.
Bounded shortest_scale(std::span<const double> scale, std::span<const double> r, double intact, double fraction = .8);

}  // namespace strata
