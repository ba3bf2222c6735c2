#pragma once
// Local and global effect of the local-global paradigm, from the errors of a level.
//
// Equation   trial kinds xxxxx (0) and xxxxY (1) under block rules 0 and 1; r(i) a trial's response: the level's error at the fifth tone, or
//            its mean over `window` steps from there
//            d(a, b) = (mean a - mean b) / sqrt((var a + var b) / 2)                            Cohen's d
//            relative difference (mean a - mean b) / mean over the four cells: where nothing but the cell varies, d has no bound
//            local effect in block b      d(r of xxxxY in b, r of xxxxx in b)
//            global effect of kind k      d(r of k where the rule is the other, r of k where k is the rule); pooled: mean over the two kinds
// Symbols    error: prediction_error_norm of the level. The fifth tone is the last step of a trial whose context 0 is not the gap (2);
//            context 1 = 2 block + kind, context 2 = block
// Discretisation   the first `settling` trials of a block do not count: its rule is not known yet. Blocks of time are resampled.
// Limit      errors that depend on the kind alone: d local as built, d global 0; on rarity alone: both global d alike, local ones of opposite
//            sign in the two blocks
// Source     Bekinschtein et al. 2009, PNAS 106, 1672; Chao et al. 2018, Neuron 100, 1252; Cohen 1988

#include <cstddef>
#include <vector>

#include "analysis/trace_reader.hpp"

namespace strata {

struct LocalGlobalTrial {
  std::size_t fifth;  ///< sample of the fifth tone
  Index stream, block, kind;
};

/// The trials whose fifth tone and whole window were recorded, without the first `settling` ones of each block of each stream.
/// Throws DataError where the contexts are not those of the paradigm.
std::vector<LocalGlobalTrial> local_global_trials(const Contexts& contexts, Index settling, Index window);

/// Count, sum and sum of squares of one cell.
struct CellSums {
  double count = 0, sum = 0, squares = 0;
  double mean() const { return sum / count; }
  double variance() const { return (squares - sum * sum / count) / (count - 1); }
};
/// (mean a - mean b) / pooled standard deviation; NaN with fewer than two values in a cell, or where errors vary by rounding alone.
double cohens_d(const CellSums& a, const CellSums& b);

}  // namespace strata
