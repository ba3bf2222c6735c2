#pragma once
// Calibration of a level's posterior: when it is 80 % sure of a context, is it right 80 % of the time?
//
// Equation   ECE = sum_b n_b / N |accuracy_b - confidence_b|,  overconfidence = mean confidence - accuracy
// Symbols    confidence: probability of the most probable context; b: equal bins of confidence between 0 and 1; accuracy_b: share of the
//            tokens in b whose most probable context is the true one. context_nats: mean -ln q(true context).
// Contexts   of learned states: context_belief.hpp (one-to-one assignment, or a decoder for vectors); of the exact observer: as they are
// Intervals  block bootstrap. ECE is never below 0, so that noise alone lifts it: read it beside the exact observer's on the same tokens.
// Limit      a forecaster that says .9 and is right .7 of the time: ECE .2, overconfidence .2
// Source     Naeini, Cooper & Hauskrecht (2015); Guo et al. (2017).

#include "analysis/blocks.hpp"
#include "analysis/context_belief.hpp"
#include "analysis/measure.hpp"

namespace strata {

struct Calibration {
  Estimate error, overconfidence, nats;
  std::vector<double> confidence, accuracy, share;  ///< per bin that is not empty
};

/// `slowest`: time constant for the blocks, samples (NaN: unknown). Throws DataError when no context is known.
Calibration calibration(const ContextBelief& belief, Index bins, double slowest, std::int64_t block, const BootstrapOptions& options = {});

/// Per level: calibration_error, overconfidence, context_nats, calibration_confidence, calibration_accuracy, calibration_share (per bin);
/// with /conditions/exact the same with exact_ in front.
Measure calibration_measure();

}  // namespace strata
