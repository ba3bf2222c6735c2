#pragma once
// A level's belief about a world's true context, whatever the level's own code is.
//
// labelled   the exact observer: unit i is context i
// assigned   categorical levels (beliefs that are not negative and add up to 1): learned states have no names, so the assignment of
//            states to contexts that maximises the expected accuracy is used (one to one where the numbers are equal, else many to one)
// decoded    any other vectors: a multinomial logistic decoder, trained on the first half of the window (decoder.hpp); the second half is
//            what is given
// Times      belief(t) has read token t; the prior for token t is the level's prediction at t - 1
// Source     Kuhn (1955), the assignment problem.

#include <string>
#include <vector>

#include "analysis/trace_reader.hpp"

namespace strata {

struct ContextBelief {
  std::vector<std::int64_t> time;
  Index streams = 0, states = 0;
  std::vector<float> posterior;         ///< time x stream x context
  std::vector<float> prior;             ///< the same, before token t was read
  std::vector<std::uint8_t> has_prior;  ///< per time: the sample at t - 1 is there
  std::vector<std::int32_t> truth;      ///< time x stream; -1 where unknown
  std::string how;                      ///< "labelled", "assigned", "decoded"

  std::size_t row(std::size_t sample, Index stream) const {
    return sample * static_cast<std::size_t>(streams) + static_cast<std::size_t>(stream);
  }
  float post(std::size_t row, Index k) const { return posterior[row * static_cast<std::size_t>(states) + static_cast<std::size_t>(k)]; }
  float before(std::size_t row, Index k) const { return prior[row * static_cast<std::size_t>(states) + static_cast<std::size_t>(k)]; }
  /// Leaves out what lies before `time`: so that an observer is scored where a decoder beside it is.
  void start_at(std::int64_t time);
  /// Changes of the true context between consecutive samples.
  Index switches() const;
};

/// Belief of `level` about context `world_level`, at the times both were recorded, in the streams whose vectors were. Without
/// `with_prior` the prediction is not read. Throws DataError when belief (or prediction) is missing or no time is common.
ContextBelief context_belief(const Recording& recording, Index level, const Contexts& contexts, Index world_level, bool labelled,
                             bool with_prior);

/// True where every row is a distribution (within 1e-3).
bool is_categorical(const Series& series);

/// Assignment of n rows to n columns that maximises the sum of `gain` (row-major n x n): column of each row.
std::vector<Index> best_assignment(std::span<const double> gain, Index n);

/// World level of a model's level: with one level more than there are contexts the lowest (token) level has none, nor has
/// one whose context is a number. -1: none.
Index world_level_of(std::size_t position, std::size_t levels, const Contexts& contexts);

}  // namespace strata
