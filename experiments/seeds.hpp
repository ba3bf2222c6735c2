#pragma once
// Several runs that differ in their seed alone: one summary with the spread.

#include <string>
#include <vector>

#include "core/io/summary.hpp"

namespace strata {

/// Mean and standard deviation (NAME_sd) of every number that all of `runs` have, objects and levels alike; facts of the run itself
/// (commit, threads, ...) are those of the first. At least two runs.
Summary spread(const std::vector<const Summary*>& runs);

/// What was measured, for people: "name  mean  sd", the levels below.
std::string spread_table(const Summary& spread);

}  // namespace strata
