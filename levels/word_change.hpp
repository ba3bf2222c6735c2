#pragma once
// How much the newest words differ from those before them, as evidence that a situation has ended.
//
// Equation   C = ln p(R | a belief begun anew) - ln p(R | the belief that L left): both words in proportion to kappa u + what they have read
//              = sum over R of ln [(kappa u + r) / (kappa + i)] - ln [(kappa u + l + r) / (kappa + |L| + i)]
// Symbols    R the newest words, L those before them; l and r how often L and R up to here held the word, i the words of R up to here;
//            u the unigram; C nats
// Why        C is how much worse a belief that is carried on predicts than one that starts over: the error that only an end explains
// Limit      L and R without a word in common: C = sum ln [(kappa + |L| + i) / (kappa + i)], its highest
// Source     two segments' words against one's, Dirichlet compound: Eisenstein & Barzilay 2008, EMNLP

#include <cstdint>
#include <span>
#include <vector>

#include "core/archive.hpp"
#include "core/observation.hpp"

namespace strata {

constexpr std::int64_t most_words_compared = 4096;  ///< of R: every token costs as many steps

class WordChange {
 public:
  /// R of `newest` words, L of as many at least, of `before` at most.
  WordChange(std::int64_t newest, std::int64_t before, Index vocabulary, Index streams);

  /// The highest that C can be, where R and L, as long as it gets, have no word in common.
  static double highest(std::int64_t newest, std::int64_t before);

  void read(std::size_t stream, std::int32_t id);
  /// Whether L is long enough.
  bool measurable(std::size_t stream) const { return place_[stream] - begin_[stream] >= 2 * newest_; }
  /// C; 0 where it is not measurable. `log_unigram`: ln u, V entries.
  double evidence(std::size_t stream, std::span<const double> log_unigram);
  /// A situation began with R: what was before it is no part of L any more.
  void begin(std::size_t stream) { begin_[stream] = place_[stream] - newest_; }
  /// A situation begins with the next word.
  void restart(std::size_t stream) { begin_[stream] = place_[stream]; }

  std::int64_t place(std::size_t stream) const { return place_[stream]; }  ///< words read
  /// The word at a place, one of the newest + before that are kept.
  std::int32_t word(std::size_t stream, std::int64_t place) const;

  void archive_state(Archive& archive);
  void reset();

 private:
  std::int64_t newest_, kept_;
  std::vector<double> unlike_;  // C of R that has no word of L, by |L|
  std::vector<std::int32_t> words_;
  std::vector<std::int64_t> place_, begin_;
  std::vector<std::int32_t> held_before_, held_;  // l, r; all zero between calls
};

}  // namespace strata
