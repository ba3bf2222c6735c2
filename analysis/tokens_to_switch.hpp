#pragma once
// Tokens to switch: how long a level stays with the old document after the text has changed to a new one.
//
// Equation   N_l(s) = 1 + first t >= 0 with |b_switch - b_always| < |b_switch - b_stayed|       b = level l's vectors at time t in trial s
// Symbols    switch: read the old document, from time 0 the new one; always: read the new one all along; stayed: goes on with the old one.
//            N_l in tokens read since the switch; belief where recorded, else prediction.
// Reported   median (Kaplan-Meier, so that short trials are not taken for slow ones) and mean over trials, bootstrap intervals; a trial
//            that never crosses is censored at its end: counted, never dropped.
// Limit      distances that cross between time k-1 and k: N = k + 1.

#include <span>
#include <vector>

#include "analysis/curves.hpp"
#include "analysis/measure.hpp"

namespace strata {

/// N per trial from the two distances of the switched copy (same trials; common times are used). NaN: no data after the switch.
/// Throws ShapeError when the trials differ.
std::vector<Bounded> tokens_to_switch(const Curves& to_always, const Curves& to_stayed);

struct SwitchTimes {
  Estimate median, mean;     ///< tokens
  double censored_fraction;  ///< of the trials with data
};

/// Per level (outer index) over the same trials, resampled jointly; `rho` = (median of the highest / lowest)^(1/(levels - 1)).
struct SwitchSummary {
  std::vector<SwitchTimes> levels;
  Estimate rho;
};
SwitchSummary summarise_switches(std::span<const std::vector<Bounded>> levels, const BootstrapOptions& options = {});

/// Inertia relative to the optimum: median N (Kaplan-Meier) of the model over that of the exact observer, on the same trials. 1
/// normative, > 1 heavy, < 1 flighty. Trials without data in either are left out. Throws ShapeError for different lengths, DataError when
/// nothing is left.
Estimate inertia_ratio(std::span<const Bounded> model, std::span<const Bounded> exact, const BootstrapOptions& options = {});

/// Fields per level: tokens_to_switch (median), tokens_to_switch_ci95, tokens_to_switch_mean, ..._mean_ci95,
/// tokens_to_switch_censored_fraction; with known contexts those of report_context_switches() (world_switches.hpp).
Measure tokens_to_switch_measure();

}  // namespace strata
