#pragma once
// Surprise of a level by a passage: peak of its normalised error, time until the error is back, nats that the passage cost.
//
// Equation   b        = mean error norm of the undisturbed copy, over trials and all recorded times                           baseline
//            peak     = max over u of E(u) / b, E(u) = mean over trials and over the window around u of error(t = u - n_s),
//                       u tokens since the passage began, n_s its length; searched up to `within` tokens after the passage's end
//            error recovery = 1 + first t >= k - 1, not before the peak, with mean over trials and over the window around t (times >= k - 1)
//                       <= 1.1 b; not measured where the peak itself is not above 1.1 b: what never left cannot come back
//            excess after   = sum over t >= 0 up to the horizon of mean over trials [surprise(disturbed) - surprise(undisturbed)]
//            excess of the passage (s) = sum over -n_s <= t < 0 of surprise(disturbed) - n_s * mean surprise of the undisturbed copy in
//                       trial s; below 0 where the passage is easier to foresee than the text around it
//            cost of the context (s) = sum over the passage of surprise(disturbed) - surprise(home): the same tokens read where they belong,
//                       behind the same past and what their own document has before them
// Symbols    error: `prediction_error_norm`, nats^(1/2); surprise: the level's own broad prediction, level 0 the token's, nats; window:
//            8 tokens, at least the sampling interval (a maximum over single tokens would be a maximum of noise). k: the level's tick,
//            tokens: until a level has ticked after the passage, its error is the passage's, held. peak_surprise: the same peak of the
//            mean `surprise`, nats per token.
// Relation   Pearson r over insertions of displacement at the passage's end with (a) the excess nats of the passage under the whole
//            model, (b) under the level's own prediction, (c) the cost of the context under the whole model; per condition, and pooled over
//            all conditions with a passage. Rare words are in (a) and (b); in (c) they fall out.
// Intervals  bootstrap over trials, of pooled correlations over places with all their passages. That of a peak at the time where all
//            trials together peak, for maxima of draws are biased upwards.
//            Error not back by the horizon: "at least".
// Limit      error = b (1 + A exp(-t/tau)) after the passage: error recovery tau ln(10 A), up to the window, and never below k.

#include <span>
#include <vector>

#include "analysis/curves.hpp"
#include "analysis/measure.hpp"

namespace strata {

struct ErrorOptions {
  double window = 8.0;    ///< tokens
  double back = 1.1;      ///< times the baseline that counts as back
  double within = 256.0;  ///< tokens after the passage's end within which the peak is looked for
  double tick = 1.0;      ///< tokens between two settlings of the level: so long its error may be held
};

struct ErrorResponse {
  Estimate peak;            ///< over baseline, 1
  double peak_time;         ///< tokens since the passage began (0 = its first token)
  Estimate error_recovery;  ///< tokens since the passage's end
  double baseline;          ///< nats^(1/2)
  double undisturbed;       ///< peak of the undisturbed copy in the same stretch, over baseline: what is the largest of so many by chance
};

/// `disturbed`, `undisturbed`: error norms. `passage` per trial, tokens; empty = the event is at time 0. Throws ShapeError when trials
/// differ, DataError when the baseline is 0.
ErrorResponse error_response(const Curves& disturbed, const Curves& undisturbed, std::span<const std::int64_t> passage,
                             const BootstrapOptions& options = {}, const ErrorOptions& errors = {});

/// Curves with time counted from the beginning of each trial's passage, up to `within` tokens after its end; times are binned by the
/// sampling interval, bins with less than half of the trials are left out.
Curves from_onset(const Curves& curves, std::span<const std::int64_t> passage, double within = 256.0);

/// Largest mean over trials and the window around a sample of `onset` (from from_onset()); NaN without data.
struct Peak {
  double value, time;
  std::size_t sample;
};
Peak peak_of(const Curves& onset, std::span<const double> weight, double window);

/// Value of that peak with its interval, as it stands (not over a baseline).
Estimate peak_level(const Curves& disturbed, std::span<const std::int64_t> passage, const BootstrapOptions& options = {},
                    const ErrorOptions& errors = {});

/// Mean over all valid times and trials; NaN without data.
double overall_mean(const Curves& curves);

/// Sum of the mean excess over the tokens after the event, up to the horizon; with interval.
Estimate excess_after(const Curves& disturbed, const Curves& undisturbed, const BootstrapOptions& options = {});

/// Excess nats of the passage per trial; NaN for a trial without passage or data.
std::vector<double> excess_of_passage(const Curves& disturbed, const Curves& undisturbed, std::span<const std::int64_t> passage);

/// Nats that the passage costs more than the same tokens do `home`, per trial; NaN for a trial without passage, or of which the
/// two have not as many samples.
std::vector<double> cost_of_context(const Curves& disturbed, const Curves& home, std::span<const std::int64_t> passage);

/// Parts per condition with, per level: peak_error, peak_error_time, error_recovery, error_baseline, peak_surprise, excess_nats_after,
/// excess_nats_passage, displacement_excess_r, displacement_own_excess_r, and context_nats, displacement_context_r where the condition has a
/// home; the part's first_to_peak. Top levels: the pooled correlations.
Measure surprise_measure();

}  // namespace strata
