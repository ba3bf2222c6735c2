#pragma once
// Evidence: how many nats of surprise it takes to move a level's belief.
//
// Equation   E_l = sum over tokens t read up to H_l of mean over trials [ surprise(disturbed, t) - surprise(undisturbed, t) ]
// Symbols    E_l nats; H_l the level's half-life (tokens, half_life.hpp); surprise of each token under the whole model, nats
// Which      the copy that comes from another document (`switch`) against the one that always read this one (`always`); without them the
//            twin against its reference. There both copies are wrong, so that the excess is symmetric about 0: a note says so.
// Worlds     with known contexts: a log-likelihood ratio up to a crossing, another quantity (world_switches.hpp; parameter `form`).
// Intervals  bootstrap over trials; H_l is measured anew in every draw, jointly with the excess where both have the same trials.
// Censoring  H_l not reached: the excess up to the horizon stands as "at least".
// Limit      excess of c nats per token and H_l = h: E_l = c h.

#include <span>
#include <vector>

#include "analysis/curves.hpp"
#include "analysis/measure.hpp"

namespace strata {

/// Mean excess accumulated over the first `tokens` tokens read from time 0 (fractions of a token count in part). A sample at time t
/// stands for the tokens since the sample before it. NaN when `excess` has no data at any time >= 0.
double accumulated(const Curves& excess, std::span<const double> weight, double tokens);

/// E_l per level from the excess per token and trial, and the twin distances of every level. `joint`: the excess and the distances come
/// from the same trials. Throws ShapeError when `joint` and the numbers differ.
std::vector<Estimate> evidence(const Curves& excess, std::span<const FallingCurves> levels, bool joint,
                               const BootstrapOptions& options = {});

/// Fields per level: evidence_nats, evidence_nats_ci95; with known contexts those of report_context_switches().
Measure evidence_measure();

}  // namespace strata
