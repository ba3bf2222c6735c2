#pragma once
// TextTiling: where a text turns to something else, by its words alone. The baseline of boundaries that a level finds for itself.
//
// Equation   the text in sequences of w tokens; at the gap behind sequence g  s(g) = cosine of the word counts of the k sequences before and the k behind
//            s smoothed by means of 3;  depth d(g) = (left peak - s(g)) + (right peak - s(g)), a peak: the nearest local maximum on that side
//            boundaries: local maxima of d, the deepest first: as many as asked for, or those with d > mean(d) - sd(d) / 2
// Symbols    w tokens, k sequences; words that are among the `common` commonest of the text say nothing of a topic and are left out
// Limit      two texts without a word in common: s = 0 at their border, d its largest there
// Source     Hearst 1997, Computational Linguistics 23, 33 (block comparison; w = 20, k = 10 there)

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/boundaries.hpp"

namespace strata {

struct TextTilingOptions {
  std::size_t sequence = 20;  ///< w
  std::size_t block = 10;     ///< k
  std::size_t common = 100;   ///< words
};

/// d of every gap between sequences; the g-th gap lies before token (g + 1) w. Throws ShapeError when w or k is 0.
std::vector<double> tiling_depths(std::span<const std::int32_t> words, const TextTilingOptions& options = {});
/// Flags of the tokens that begin a segment: the `count` deepest gaps, local maxima of depth.
Flags tiling_boundaries(std::span<const std::int32_t> words, std::size_t count, const TextTilingOptions& options = {});
/// As many as lie above the mean depth by no less than minus half a standard deviation.
Flags tiling_boundaries(std::span<const std::int32_t> words, const TextTilingOptions& options = {});

}  // namespace strata
