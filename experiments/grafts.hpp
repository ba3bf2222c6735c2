#pragma once
// Levels that change places between trials: at time 0 one level of a trial takes the state that it has in another condition, and the others
// keep theirs. Between the last token of the history and the first common one, where every level has taken in what was read and none has yet
// formed a forecast from it: what the levels below expect follows from the state given.

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/memory_archive.hpp"
#include "experiments/trials.hpp"

namespace strata {

/// Adds a condition per level, the donor's name + "_lL": the trials of `conditions[reference]`, in which level L alone takes its state from
/// `conditions[donor]`. Nothing where the reader cannot tell its levels apart.
void add_grafts(std::vector<Condition>& conditions, std::size_t reference, std::size_t donor, const TrialReader& reader);

/// Trials [first, first + count) of a condition, read side by side as streams 0 .. count-1. Where levels change places all of them come to
/// time 0 at the same step.
struct Batch {
  Index first = 0, count = 0;
  Index zero = -1;            ///< steps before time 0, the same for every trial; -1: each trial has its own
  std::vector<Index> delays;  ///< idle steps before each trial, or nothing
};

/// Whose levels are taken at time 0, and who takes them.
class Grafts {
 public:
  Grafts(TrialReader& reader, const std::vector<Condition>& conditions) : reader_(reader), conditions_(conditions) {}

  Batch batch(const Condition& condition, Index first) const;
  /// At time 0 of a batch: a donor's levels are kept, or one of them takes its place.
  void exchange(const Condition& condition, const Batch& batch);

 private:
  bool gives(const Condition& condition) const;

  TrialReader& reader_;
  const std::vector<Condition>& conditions_;
  std::map<std::tuple<std::string, Index, Index>, MemoryArchive> kept_;  // donor, batch, level
};

}  // namespace strata
