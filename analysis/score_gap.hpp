#pragma once
// Scores of several observers on the same tokens, and what follows from them: gap closed, captured fraction, top-down gain.
//
// Equation   S_c   = mean surprise of observer c over the common tokens after the first `from` of the recording, nats per token
//            gap closed       = (S_unigram - S_model) / (S_unigram - S_exact)
//            captured C_l     = (S_lesion_l - S_model) / (S_lesion_l - S_exact)      of what the lesioned model lacks to the optimum
//            gained G_l       = (S_lesion_l - S_model) / (S_exact_l - S_exact_(l+1)) against what level l is worth to the exact observer
//            top-down gain    = S_lesion_l - S_model, and S_swap_l - S_model; per own unit: times the level's time constant
// Reads      tokens/surprise of /, /conditions/exact, /conditions/unigram (else exact_0), /conditions/lesion_l, swap_l and exact_l.
//            exact_l: the exact observer of a world whose levels from l on are forgotten each step, so exact_0 = unigram and
//            exact_(depth) = exact. Levels from 0, lowest first.
// Intervals  block bootstrap (blocks.hpp), the same blocks for all observers of a ratio; `_se` is its half-width / 1.96
// Limit      model = exact: gap closed 1, C_l 1; lesion that changes nothing: gain 0
// Source     measures.md's definitions; Kuensch (1989) for the blocks.

#include <string>
#include <vector>

#include "analysis/blocks.hpp"
#include "analysis/measure.hpp"
#include "analysis/trace_reader.hpp"

namespace strata {

/// Sums over common tokens per block: column k = observer k, last column = tokens.
struct Scores {
  BlockSums sums;
  double tokens;
};

/// Surprise of the observers at the times and streams all of them have, after the first `from` of the times. Throws DataError that names
/// the first recording without surprise of tokens, or says that no token is common.
Scores common_scores(const std::vector<Recording>& observers, double from, std::int64_t block);

/// Mean per token of column k of a total row.
double per_token(std::span<const double> total, std::size_t k);

/// /conditions/NAME, or DataError with `advice`: which experiment records it.
Recording needed_condition(const Trace& trace, const std::string& name, const std::string& advice);

/// Half the interval's width over 1.96; NaN without interval.
double standard_error(const Estimate& estimate);

/// block_parameters() and `from` with this default.
ParameterTable score_parameters(double from);

/// Top: gap_closed, nats_per_token, bayes_nats, unigram_nats (each with _ci95), tokens.
Measure gap_closed_measure();
/// Per level: captured_fraction, captured_gain, lesion_nats, exact_gain_nats.
Measure captured_fraction_measure();
/// Per level: topdown_gain_nats, topdown_gain_se, topdown_gain_per_unit, topdown_swap_nats, topdown_swap_se, topdown_swap_per_unit.
Measure topdown_gain_measure();

}  // namespace strata
