#pragma once
// Gain: how far a unit of innovation moves a level's belief.
//
// Equation   dx_l(t) = x_l(t) - mu_l(t-1) = K_l nu(t) + rest,  K_l by least squares;  G_l = sqrt( E|K_l nu|^2 / E|nu|^2 ),  N_eff = 1 / G_l
// Symbols    mu_l(t-1) the prediction for token t; nu innovation: /world/innovation(time, stream, channel) where it was recorded, else
//            /world/value minus the lowest level's prediction (same number of channels and units), else the prediction error handed up
//            by the level below (its `prediction_error`; the lowest level then has none). G in units of x per unit of nu.
// Reported   with one unit and one channel also the signed slope; explained: share of E|dx|^2
// Intervals  block bootstrap of the moments
// Limit      steady Kalman filter: G_l = |K_l|, explained 1; running mean over N samples: N_eff = N

#include "analysis/blocks.hpp"
#include "analysis/measure.hpp"
#include "analysis/trace_reader.hpp"

namespace strata {

struct Gain {
  Estimate gain, slope, explained;  ///< slope not measured unless scalar
};

/// `change` and `innovation` at equal samples and streams, from sample `first` on. Throws ShapeError when they differ.
Gain gain_of(const Series& change, const Series& innovation, std::size_t first, std::size_t block, const BootstrapOptions& options = {});

/// x(t) - mu(t - 1) at the times where both are recorded. Throws DataError when no two samples are one token apart.
Series belief_change(const Recording& recording, Index level);

/// Per level: gain, gain_slope, gain_explained, effective_tokens (1 / G).
Measure gain_measure();

}  // namespace strata
