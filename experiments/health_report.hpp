#pragma once
// What core/health found while a hierarchy learned: a warning in words for the screen, numbers for the summary, a table at the end.

#include <string>

#include "core/health.hpp"
#include "core/io/summary.hpp"
#include "experiments/study.hpp"

namespace strata {

/// What a finding says of its level and what to do about it.
std::string warning(const Finding& finding, const Study& study);

/// `health` of a training's summary: looks; findings, each with kind, level, name (none for the hierarchy as a whole), tokens, value, threshold,
/// verdicts, last_value, restored (numbers that are none stay absent); treatments, each with kind, level, tokens, key, from, to.
void add_health(Summary& training, const Health<float>& health, const Study& study);

/// The findings and cures of a summary's `training` as lines; empty where there are none.
std::string health_table(const Summary& summary);

/// Assignments "key = value" of what cures have left changed, as a model keeps them: what reads the model must settle as it learned to.
std::string cured_assignments(const Health<float>& health);

}  // namespace strata
