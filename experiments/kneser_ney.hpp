#pragma once
// Interpolated modified Kneser-Ney: the n-gram model that a language model has to beat. It can go on learning while it reads.
//
// Equation        p(w | h) = (a(h w) - D(a(h w))) / a(h .) + (D1 N1 + D2 N2 + D3 N3) / a(h .) p(w | h'),   h' = h without its oldest word;
//                 below one word the uniform distribution, 1/V; a history that was never seen says what h' says
//                 D1 = 1 - 2 Y n2/n1,  D2 = 2 - 3 Y n3/n2,  D3 = 3 - 4 Y n4/n3,  Y = n1 / (n1 + 2 n2), for each length of n-gram
// Symbols         V words; a count of an n-gram: how often it was read where it is as long as the order or starts with the begin symbol,
//                 else how many different words (the begin symbol is one) were read before it; a(h .) sum over words;
//                 N1, N2, N3 how many words follow h with a count of 1, 2, 3 or more; n1 .. n4 how many n-grams have that count;
//                 D(a) is D1, D2 or D3 for a count of 1, 2, 3 or more, 0 for 0
// Discretisation  none: counts. Where one of n1 .. n4 is 0, or a D falls outside [0, its count], D = 1/2, 1, 3/2
// Limit           every distribution sums to 1; learning the words of a text one by one leaves the counts that training on it gives;
//                 Penn Treebank as running text, validation: perplexity 157.9, 149.8, 147.7 at orders 3, 4, 5
// Source          Chen & Goodman 1999, Computer Speech & Language 13; begin symbol as in SRILM and KenLM

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/observation.hpp"

namespace strata {

/// A map from (node, word) to a number: open addressing in one array of 12-byte slots. Nothing is ever taken out.
class NodeWordTable {
 public:
  NodeWordTable();

  static constexpr std::uint32_t absent = 0xFFFFFFFF;
  /// The value, or `absent`.
  std::uint32_t find(std::uint32_t node, std::int32_t word) const { return slots_[place(node, word)].value; }
  /// The value, put there as `otherwise` where there was none. Good until the next call.
  std::uint32_t& value(std::uint32_t node, std::int32_t word, std::uint32_t otherwise);
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    std::uint32_t node = 0;
    std::int32_t word = 0;
    std::uint32_t value = absent;  // absent: the slot is free
  };
  std::size_t place(std::uint32_t node, std::int32_t word) const;
  void grow();

  std::vector<Slot> slots_;  // a power of two of them
  int shift_;                // 64 - log2 of their number
  std::size_t size_ = 0;
};

class KneserNey {
 public:
  static constexpr std::int32_t begin = -1;  ///< stands before the first word of a sequence; a history, never predicted
  static constexpr int highest_order = 8;

  /// Throws ShapeError for an order outside 1 .. 8 or an empty vocabulary.
  KneserNey(int order, Index vocabulary);

  /// Counts one sequence, with the begin symbol before it: a document, or a sentence with its end token where histories restart at each.
  void add(std::span<const std::int32_t> ids);
  /// Sets the discounts from the counts so far (before the first time they are 1/2, 1, 3/2). May be called again.
  void finish();
  /// Of `id` after `history`: words, the newest last, of which the last order - 1 are looked at, none before a begin symbol.
  double probability(std::span<const std::int32_t> history, std::int32_t id) const;
  /// Counts one word more, exactly as add() would have; discounts stay. A history shorter than order - 1 starts with the begin symbol.
  void learn(std::span<const std::int32_t> history, std::int32_t id);
  /// Words of the longest part of `history`, newest words and the begin symbol, that was ever followed by a word: 0 .. order - 1.
  int matched(std::span<const std::int32_t> history) const;

  int order() const { return order_; }
  Index vocabulary() const { return vocabulary_; }
  /// D1, D2, D3 of n-grams of `length` 1 .. order.
  const std::array<double, 3>& discounts(int length) const { return discounts_[static_cast<std::size_t>(length) - 1]; }
  std::size_t ngrams() const { return counts_.size(); }
  std::size_t bytes() const;  ///< of memory that the counts take

 private:
  using Path = std::array<std::uint32_t, highest_order>;  // nodes of histories of 0, 1, .. words
  struct Node {
    std::uint32_t total = 0;              // sum of the counts of n-grams that start with this history
    std::array<std::uint32_t, 3> with{};  // how many of them have a count of 1, 2, 3 or more
  };

  int walk(std::span<const std::int32_t> history, Path& path) const;
  void require_word(const char* where, std::int32_t id) const;
  void bump(std::uint32_t node, std::size_t length, std::uint32_t count);

  int order_;
  Index vocabulary_;
  NodeWordTable histories_;  // (history, the word before it) -> the longer history
  NodeWordTable counts_;     // (history, the word after it) -> count
  std::vector<Node> nodes_;
  std::vector<std::array<std::int64_t, 4>> counts_of_counts_;  // per length: n1 .. n4
  std::vector<std::array<double, 3>> discounts_;               // per length
  std::vector<std::int32_t> sequence_;                         // of add(): the begin symbol and the words
};

}  // namespace strata
