#pragma once
// What local_global, roving and hazard share: a learned model reads fresh blocks with learning off, whole, clamped, or in a control world.

#include "core/io/summary.hpp"
#include "experiments/experiment.hpp"

namespace strata {

/// Parameters of the reading: streams, steps, warm_up.
ParameterTable reading_parameters();

/// Throws ConfigError unless the oddball world plays `paradigm` (a model learned from another one has nothing to say here) and, where the reading is
/// `clamped`, every level from 1 on can be.
void require_paradigm(const Bench& bench, const std::string& paradigm, bool clamped);

/// Reads fresh blocks into `path` with the model of `bench`, learning off. With `means` (per level, empty for the intact model) every level
/// from 1 on hands down these constant activities: all top-down messages at their slow means.
void read_blocks(Bench& bench, const std::string& path, const std::vector<std::vector<float>>& means = {});

/// The same in the world with world.control = `control`.
void read_control(Bench& bench, const std::string& path, const std::string& control);

/// Mean belief of every level over a trace: what its messages are clamped at.
std::vector<std::vector<float>> mean_beliefs(const std::string& path);

/// Measures `path` into the summary under `section` ("" = its top level) and onto the table.
void add_measure(Findings& findings, const std::string& measure, const std::string& path, const std::string& section,
                 const std::string& title);

}  // namespace strata
