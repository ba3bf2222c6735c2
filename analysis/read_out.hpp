#pragma once
// Read-out: which context can be read from which level's belief by one layer of weights.
//
// Equation   R(l, k) = (A(l, k) - chance_k) / (Bayes_k - chance_k)
// Symbols    A: accuracy of a linear decoder (decoder.hpp: ridge on one-hot, or logistic) of the true context k from belief l, trained on
//            the first half of the recorded window and tested on the second; Bayes: accuracy of the most probable context of the exact
//            observer (/conditions/exact/levels/k/belief) on the same tokens; chance: share of the most frequent context among them
// Reported   matrix level x context; a column is stated only where context k switched at least 200 times in the window
// Intervals  block bootstrap over the tested tokens
// Limit      beliefs that are the exact posterior: 1 on the diagonal; beliefs that know nothing: 0
// Source     Alain & Bengio (2016), linear probes.

#include "analysis/blocks.hpp"
#include "analysis/context_belief.hpp"
#include "analysis/measure.hpp"

namespace strata {

struct ReadOut {
  Estimate accuracy, chance, bayes;  ///< bayes not measured without an exact belief
  Estimate normalised;
};

struct ReadOutOptions {
  bool logistic = false;
  double penalty = 1e-3;   ///< of the mean variance of a unit
  std::int64_t block = 0;  ///< samples; 0: from `slowest`
  double slowest = 0.0;    ///< longest time constant, tokens
};

/// Context `world_level` read from `belief`; `exact` (may be nullptr): the exact observer's belief about it. Throws DataError when
/// belief and contexts have fewer than four common times.
ReadOut read_out(const Series& belief, const Contexts& contexts, Index world_level, const Series* exact, const ReadOutOptions& how,
                 const BootstrapOptions& options = {});

/// Changes of context `level` between consecutive samples, all streams.
Index context_changes(const Contexts& contexts, Index level, Index streams);

/// Per level: read_out_K, read_out_accuracy_K for every context K. Top: read_out_chance_K, read_out_bayes_K, read_out_switches_K,
/// diagonal (is the largest of every stated column on it).
Measure read_out_measure();

}  // namespace strata
