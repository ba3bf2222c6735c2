#pragma once
// What arms of an experiment on text come to that learn the same text anew, several seeds each: measured once, kept for a run that is resumed, and
// compared seed by seed.

#include <functional>
#include <string>
#include <vector>

#include "experiments/experiment.hpp"

namespace strata {

struct Arm {
  std::string name;
  Keys keys;
};

/// "KEY=VALUE KEY=VALUE .."
std::string words_of(const Keys& keys);

/// The seed of an arm's `repeat`-th training; the runs of --seeds have the next ones.
inline std::uint64_t seed_of(std::uint64_t seed, std::uint64_t repeat) { return seed + 1000 * repeat; }

/// Learns under the arm's keys and hands the model and what train() returned to `measure`, or reads what an interrupted run has measured of the arm at
/// `place`. `measure` sets numbers alone, with `nats` of every held-out document. Throws DataError where that was of other texts.
Summary arm_outcome(Bench& bench, const Arm& arm, std::size_t place, std::uint64_t seed,
                    const std::function<Summary(const std::string& model, const Summary& training)>& measure);

using Outcomes = std::vector<Summary>;  ///< by seed

/// A number of every outcome; empty where one lacks it. `level` -1: of the whole.
std::vector<double> numbers(const Outcomes& outcomes, const std::string& key, Index level = -1);
/// NAME, NAME_se and NAME_by_seed; returns them as a cell of the table.
std::string set_spread(Summary& into, const std::string& name, const std::vector<double>& values, const char* format);
std::vector<double> minus(std::vector<double> a, const std::vector<double>& b);  ///< empty where they are not of one length
/// Nats of every held-out document, seeds averaged.
std::vector<double> mean_nats(const Outcomes& outcomes);
/// Nats per token by seed; `tokens` of every held-out document.
std::vector<double> per_token(const Outcomes& outcomes, const std::vector<double>& tokens);
/// Cells of a table, each as wide as the widest of them.
std::string cells(const std::vector<std::string>& all);

/// more_nats, of `own` than of `without`, with its interval over documents; returned as a cell.
std::string set_more_nats(Summary& into, const Outcomes& own, const Outcomes& without, const std::vector<double>& tokens);

}  // namespace strata
