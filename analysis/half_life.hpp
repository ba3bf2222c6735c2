#pragma once
// Half-life of a level's belief: how long a history that is wrong keeps its weight.
//
// Equation   two copies with different histories read the same input from time 0, learning off. D(t, s) distance of their level-l
//            vectors in pair s; r(t) = mean over pairs of D(t, s) / D(start, s); H_l = first t with r <= .5 (between samples
//            straight in the logarithm). normalise = together: r(t) = sum over pairs of D(t, s) / sum of D(start, s), for levels of one
//            unit: their distance may start next to 0, and a pair that weighs by 1 / D(start, s) would then outweigh all others.
// Symbols    H_l tokens; ratio_l = H_l / H_(l-1); rho = (H_L / H_1)^(1/(L-1)) over the L recorded levels; per pair: the same with one pair.
// Reads      `prediction` where both copies have it, else `belief`; L2, or total variation for categorical beliefs.
// Intervals  percentile bootstrap over pairs, or (drawn = documents) over the documents of their histories, whose pairs share text; ratios and rho
//            resample jointly over levels.
// Censoring  a curve that has not halved by the horizon (half of the pairs still have text) is "at least"; a pair that has not by its own
//            end counts in censored_fraction.
// Thirds     pairs split by the mean surprise of the first 100 common tokens (both copies averaged): half-life of the low, middle and high
//            third, and high minus low. Negative: surprising text moves the belief faster.
// Against    the same pairs under two conditions: half-life less that under the other, pairs drawn for both. Negative: evidence took the weight away,
//            not time, where the first condition contradicts what was read and the other does not.
// Limit      leaky integrator with time constant tau: H = tau ln 2; equal time constants: ratio 1; cascades of integrators: larger.

#include <array>
#include <span>
#include <string>
#include <vector>

#include "analysis/curves.hpp"
#include "analysis/measure.hpp"
#include "analysis/trace_reader.hpp"

namespace strata {

struct HalfLives {
  std::vector<Estimate> half_life;            ///< per level, tokens
  std::vector<Estimate> ratio;                ///< per level, to the level below; the first is not measured
  Estimate rho;                               ///< geometric ratio, not measured with fewer than two levels
  std::vector<std::vector<Bounded>> of_pair;  ///< level x pair, tokens; NaN where the two copies did not differ at the start
  std::vector<double> censored_fraction;      ///< per level, of the pairs that differ at the start
};

/// All of the above from one set of curves per level (lowest first, each made with normalise_each = true, all over the same pairs).
/// Throws ShapeError when the numbers of pairs differ.
HalfLives half_lives(std::span<const FallingCurves> levels, const BootstrapOptions& options = {}, double fraction = 0.5);

struct HalfLifeThirds {
  std::array<double, 3> surprise;                  ///< mean of each third, nats per token: low, middle, high
  std::vector<std::array<Estimate, 3>> half_life;  ///< level x third
  std::vector<Estimate> high_minus_low;            ///< per level
};

/// `surprise` per pair, nats per token (NaN: the pair is left out). Throws DataError with fewer than six pairs.
HalfLifeThirds half_life_thirds(std::span<const FallingCurves> levels, std::span<const double> surprise,
                                const BootstrapOptions& options = {}, double fraction = 0.5);

/// Half-life under one condition less that under another, per level; curves of the same pairs. Throws ShapeError when levels or pairs differ in number.
std::vector<Estimate> half_life_gaps(std::span<const FallingCurves> levels, std::span<const FallingCurves> against,
                                     const BootstrapOptions& options = {}, double fraction = 0.5);

/// The twin distances of every level that both copies of a trace have.
/// Keys that say how far apart two copies are: `distance` and `normalise`.
ParameterTable distance_parameters();
/// Key `of`: which vectors of two copies are compared (compared_dataset in trace_reader.hpp).
Parameter compared_parameter();
/// What they say: the distance, and whether each pair is normalised by its own start.
std::pair<Distance, bool> chosen_distance(const Values& values);

struct TwinDistances {
  std::vector<LevelInfo> levels;
  std::vector<FallingCurves> curves;
  std::string dataset;  ///< what was compared
  std::vector<std::int64_t> valid;
};
/// `each`: pairs weigh alike, whatever their distance at the start.
TwinDistances twin_distances(const Trace& trace, const std::string& condition, const std::string& dataset, Distance kind, bool each = true);

/// Mean surprise of the first `tokens` common tokens per pair, over both copies; empty when it was not recorded.
std::vector<double> early_surprise(const Recording& a, const Recording& b, std::span<const std::int64_t> valid, std::int64_t tokens);

/// Fields per level: half_life, half_life_ci95, censored_fraction, half_life_ratio, half_life_per_time_constant, half_life_pair_median,
/// half_life_against and half_life_minus_against where another condition is named, thirds as half_life_low_surprise, half_life_middle_surprise, half_life_high_surprise, half_life_high_minus_low, and half_life_single
/// where a condition CONDITION_lL (only level L swapped) was recorded. Top: pairs, horizon, half_life_rho.
Measure half_life_measure();

}  // namespace strata
