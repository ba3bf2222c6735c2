#pragma once
// Autocorrelation time of a level's belief: how long it resembles itself.
//
// Equation   C(k) = sum_u <(x_u(t) - m_u)(x_u(t+k) - m_u)> / sum_u <(x_u(t) - m_u)^2>,   C(k) ~ m exp(-k/tau) + b  for k >= 1
// Symbols    m_u mean over time and streams; k tokens; tau tokens; b what outlasts the recording (or its negative bias)
// Fit        variable projection: for every tau the best m and b are linear least squares; tau by grid over its logarithm and golden
//            section. Lags: about 60, spaced evenly in the logarithm, up to twice the lag at which C first is at most .05 (a quarter of
//            the recording at most). tau longer than the largest lag is "at least", shorter than a fifth of a sample "at most".
// Intervals  block bootstrap of the lagged products; a block owns the products that begin in it
// Limit      AR(1) with coefficient a: tau = -1 / ln a, m = 1, b = 0
// Source     Murray et al. (2014), Nature Neuroscience 17, 1661; Golub & Pereyra (1973), variable projection.

#include "analysis/blocks.hpp"
#include "analysis/curves.hpp"
#include "analysis/measure.hpp"

namespace strata {

struct ExponentialFit {
  Bounded tau;
  double scale, offset, residual;  ///< residual: root mean square
};
/// Least squares m exp(-x/tau) + b. Throws ShapeError for fewer than four points or different lengths.
ExponentialFit fit_exponential(std::span<const double> x, std::span<const double> y);

struct Autocorrelation {
  std::vector<double> lag, value;  ///< tokens, 1
  Estimate tau, scale, offset;
};
/// `slowest`: longest known time constant, tokens (NaN: unknown), for the blocks. Throws DataError when samples are not evenly spaced or
/// fewer than 40, or the vectors do not vary.
Autocorrelation autocorrelation(const Series& series, double slowest, std::int64_t block, const BootstrapOptions& options = {});

/// Per level: autocorrelation_time (driven), autocorrelation_scale, autocorrelation_offset, autocorrelation_lags, autocorrelation_values;
/// the same with free_ in front from /conditions/free and exact_ from /conditions/exact.
Measure autocorrelation_measure();

}  // namespace strata
