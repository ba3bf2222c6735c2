#pragma once
// Boundaries: does a level's error rise where its situation really changed?
//
// Equation   signal  z_l(t) = KL(belief(t) || prediction(t-1)) for categorical levels, else prediction_error_norm(t)
//            detected: the n largest local peaks of z, n the number of true boundaries (matched rate), at least `tolerance` apart
//            Pk = share of windows of k samples in which exactly one of the two has a boundary; WindowDiff: in which the numbers differ
//            F1 = 2 hits / (true + detected), a hit: detected within `tolerance` samples of a true one, one to one
// Symbols    true boundaries: the first token of a new context of the level (/world/context), or on text the token after the end of a
//            sentence (level 1), paragraph (2), document (3) from /events; k = half the mean distance of true boundaries;
//            tolerance: k / 2 unless given
// Control    the same detections shifted by half of the recording: what the rate alone gives
// Intervals  block bootstrap of windows, hits and boundaries
// Limit      identical boundaries: Pk 0, WindowDiff 0, F1 1
// Source     Beeferman, Berger & Lafferty (1999) (Pk); Pevzner & Hearst (2002), Computational Linguistics 28, 19 (WindowDiff).

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/blocks.hpp"
#include "analysis/measure.hpp"

namespace strata {

using Flags = std::vector<std::uint8_t>;  ///< per sample: 1 where a segment begins

/// Windows of k flags, all of them. Throw ShapeError when lengths differ or k is not within 1 .. length.
double pk(const Flags& truth, const Flags& detected, std::size_t k);
double window_diff(const Flags& truth, const Flags& detected, std::size_t k);
/// Half the mean length of a segment, rounded, at least 1.
std::size_t half_segment(const Flags& truth);
/// Pairs (true, detected) within the tolerance, one to one, in order of time.
std::vector<std::pair<std::size_t, std::size_t>> hits(const Flags& truth, const Flags& detected, std::size_t tolerance);
/// The `count` largest local peaks, at least `apart` samples from one another.
Flags largest_peaks(std::span<const double> signal, std::size_t count, std::size_t apart);

struct BoundaryScore {
  Estimate pk, window_diff, f1;
  double boundaries;  ///< true ones
};
/// One sequence of flags per stream (those shorter than `k` are left out). `k` and `tolerance` in samples.
BoundaryScore score_boundaries(std::span<const Flags> truth, std::span<const Flags> detected, std::size_t k, std::size_t tolerance,
                               std::size_t block, const BootstrapOptions& options = {});

/// F1 of `first` minus that of `second`, both within the tolerance, over the same blocks of the streams that score_boundaries() scores.
Estimate f1_gap(std::span<const Flags> truth, std::span<const Flags> first, std::span<const Flags> second, std::size_t k,
                std::size_t tolerance, std::size_t block, const BootstrapOptions& options = {});

/// Per level: boundary_pk, boundary_window_diff, boundary_f1, with shifted_ in front the control; boundaries, boundary_window,
/// boundary_tolerance.
Measure boundaries_measure();

}  // namespace strata
