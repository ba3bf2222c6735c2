#pragma once
// What a reading of a sampled world (world_reading.hpp) says of scores: the gap closed, or where nobody knows the optimum the scores alone.

#include <string>

#include "experiments/experiment.hpp"

namespace strata {

/// Adds a measure's values, levels and table.
void add_measure(Findings& findings, const MeasureResult& result);

/// gap_closed over the trace after the first `from` of it; without an exact observer nats_per_token and unigram_nats, and says so.
void add_world_scores(Findings& findings, const Source& source, const std::string& path, double from);

/// What `evaluate` does in a sampled world: reads a fresh stretch with learning off into trace.h5, scores it, and says what every level's message is worth.
Findings evaluate_world(Bench& bench);

}  // namespace strata
