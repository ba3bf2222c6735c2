#pragma once
// Recovery: how long a level's prediction stays away from where it would have been without the passage.
//
// Equation   D(t) = mean over trials of |mu(disturbed, t) - mu(undisturbed, t)|;  recovery = first t with D(t) <= .1 D(-1), counted in
//            tokens read since the passage's end (state at time -1), straight in the logarithm between samples. Before the
//            passage's end the undisturbed copy stands still at -1.
// Symbols    mu: `prediction` where both copies have it, else `belief`; L2. At every t the same trials stand above and below: those
//            whose text is still there; beyond the horizon, where less than half of them are, nothing is claimed.
// Intervals  bootstrap over trials. Not back by the horizon: "at least"; trials not back by their own end count in censored_fraction.
// Limit      D = exp(-t/tau): recovery = tau ln 10.

#include <span>
#include <string>
#include <vector>

#include "analysis/curves.hpp"
#include "analysis/measure.hpp"
#include "analysis/trace_reader.hpp"

namespace strata {

struct Recovery {
  Estimate recovery;         ///< tokens since the passage's end
  Estimate displacement;     ///< trial-averaged distance at the passage's end
  double censored_fraction;  ///< trials that are not back by their own end
  double horizon;            ///< tokens since the passage's end up to which half of the trials have text
};

/// From displacement curves (curves.hpp); `fraction` of the value at the end of the passage that counts as back.
Recovery recovery_of(const Curves& displacements, const BootstrapOptions& options = {}, double fraction = 0.1);

/// Displacement of every trial at the passage's end (the start sample); NaN where there is no data.
std::vector<double> start_displacement(const Curves& displacements);

/// The conditions of a trace that disturb a text: `wanted` alone, or for "all" everything but always, stayed and twins.
/// Throws DataError when there is none.
std::vector<std::string> disturbed_conditions(const Trace& trace, const std::string& wanted);

/// Per condition (a part each) and level: recovery, recovery_ci95, displacement, displacement_ci95, censored_fraction, recovery_horizon.
Measure recovery_measure();

}  // namespace strata
