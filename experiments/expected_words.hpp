#pragma once
// What a distribution over words says against the background, in words.
//
// Equation  lift(w) = p(w) / u(w);  words of p(w) >= floor by lift, the largest first, as long as it is above 1
// Symbols   p(w) probability, u(w) background (the training text's word frequencies), 1
// Why       by p, or by its part p ln lift of the departure, every level above the lowest says "the" and "."; by lift without a floor, words
//           that the training text met twice. Pieces that go on with a word say nothing by themselves and are left out above the lowest level
// Limit     p = u: no word is listed

#include <span>
#include <string>
#include <vector>

#include "core/hierarchy.hpp"
#include "experiments/worlds/text/tokenizer.hpp"

namespace strata {

struct ExpectedWord {
  std::int32_t id;
  double p, lift;
};

struct Expectation {
  double entropy = 0, departure = 0;  ///< nats
  std::vector<ExpectedWord> words;
};

/// Which words of a distribution are listed.
struct WordChoice {
  enum class By : std::uint8_t { probability, lift } by = By::lift;
  std::size_t count = 10;
  double floor = .001;               ///< of p, by lift
  std::vector<std::uint8_t> usable;  ///< V: words that may be listed; empty: all
};

Expectation describe_expectation(std::span<const float> log_p, std::span<const double> log_background, const WordChoice& choice);

/// What every level of a hierarchy expects now, stream by stream.
class Expectations {
 public:
  Expectations(Hierarchy<float>& hierarchy, Index vocabulary);
  /// Asks every level; between steps.
  void ask();
  bool any(Index level) const { return horizon(level) > 0; }  ///< the level expects words
  Index horizon(Index level) const { return hierarchy_.level(level).horizon(); }
  /// log p over the vocabulary of a level that expects anything, nats.
  std::span<const float> log_p(Index level, Index stream) const;

 private:
  Hierarchy<float>& hierarchy_;
  Index vocabulary_;
  Tensor<float> asked_;
  std::vector<std::vector<float>> host_;  // per level, V x B
};

/// Pieces as people read them: a word without the space before it, "+ing" for what goes on with the word before.
class ReadableWords {
 public:
  explicit ReadableWords(const text::Tokenizer& tokenizer);
  std::string operator()(std::int32_t id) const;
  bool goes_on(std::int32_t id) const;      ///< a piece of a word that began before
  std::vector<std::uint8_t> whole() const;  ///< V: all others, for WordChoice

 private:
  const text::Tokenizer& tokenizer_;
  bool spaced_ = false;  // pieces say where words begin
};

}  // namespace strata
