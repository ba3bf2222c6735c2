#pragma once
// Reflection: does a level move when the level below really changed?
//
// Equation   worlds:  I( D_l ; B_k ) nats per window, D_l = sum over a window of the change of belief l between samples, in eight
//                     classes of equal frequency, B_k = 1 where the true context k changed in the window. Reflection of level l: k one
//                     below its own.
//            always:  slope of |x_(l+1)(t) - x_(l+1)(t-w)| on |x_l(t) - x_l(t-w)|: change of level l+1 per unit change of level l
// Symbols    change: total variation for categorical beliefs, else L2; windows of w tokens that do not overlap
// Bias       Miller-Madow (information.hpp); beside it the same with D_l shifted by half of the recording: what is left of the bias
// Intervals  block bootstrap over windows
// Limit      a belief that jumps exactly when the context changes: I = H(B); one that never heard of it: 0. x_(l+1) = g x_l: slope g.

#include "analysis/blocks.hpp"
#include "analysis/curves.hpp"
#include "analysis/measure.hpp"

namespace strata {

/// Change of `series` summed over windows of `window` tokens counted from its first time: row per window, entry per stream; windows that
/// are not complete are left out.
std::vector<std::vector<double>> window_changes(const Series& series, std::int64_t window, Distance kind);

/// MI of paired lists (window x stream), `change` in classes of equal frequency.
Estimate reflected_information(const std::vector<std::vector<double>>& change, const std::vector<std::vector<std::uint8_t>>& event,
                               std::size_t block, const BootstrapOptions& options = {});

/// Slope and Pearson r of `above` on `below`, both window x stream.
struct Follow {
  Estimate slope, r;
};
Follow following(const std::vector<std::vector<double>>& below, const std::vector<std::vector<double>>& above, std::size_t block,
                 const BootstrapOptions& options = {});

/// Per level: reflection_nats (context below), reflection_fraction (of the entropy of B), reflection_shifted_nats, reflection_context_K
/// for every context; reflection_slope, reflection_r (against the level below).
Measure reflection_measure();

}  // namespace strata
