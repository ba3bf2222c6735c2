#pragma once
// How a hierarchy grew while it learned (core/growth.hpp), and how many levels were in use: a line for the screen, numbers for the summary, a table at the end.

#include <string>

#include "core/depth_in_use.hpp"
#include "core/growth.hpp"
#include "core/io/summary.hpp"
#include "experiments/study.hpp"

namespace strata {

/// What a trial has come to.
std::string announcement(const Judgement& judgement, const Study& study);

/// `growth` of a training's summary: levels (awake at the end), first; judgements, each with begun, tokens, from, to (levels), gain, gain_se (nats per
/// token), paid (nats), verdict (goes_on, taken, refused); in_use_levels, in_use_tokens (mean depth in use, and the tokens read by then).
void add_growth(Summary& training, const Growth<float>& growth, Index awake, const DepthInUse<float>& in_use);

/// The judgements of a summary's `training` as lines; empty where there are none.
std::string growth_table(const Summary& summary);

}  // namespace strata
