#pragma once
// Sparse features of the token level: what came before, after these very words, and what came lately.
//
// Equation        logit(w) += sum over orders k of [ theta_k(h, w) + g(k, c, n, diversity, frequency of w) ]
//                             + sum over i of g_i(r_i, frequency of w)
//                 theta += rate e / sqrt(A + .05),  A += e^2;   g the same with a rate of its own, summed over a step;   e = onehot(w) - p
// Symbols         h: the last k tokens;  r_i: leaky count of w in this stream with the i-th time constant (levels/recency.hpp);
//                 c: how often w followed h;  n: how often h was seen;  diversity: distinct words after h over n;  all of the text read so
//                 far, in its first pass. theta and A for every (h, w) that came, at most `limit` words per h; g shared by all of a bucket.
// Leave one out   in later passes the text has been counted already: the word that comes is predicted as if this occurrence were not in the
//                 counts (c - 1, n - 1, theta scaled by (c-1)/c; of c = 1 it rests). Else every context would know its answer. What it
//                 taught the thetas of other words stays; where a long document is cut elsewhere than in the first pass, its first words
//                 leave out what was not counted.
// Discretisation  contexts are hashed to 64 bits and begin anew with each document; counts by their logarithm, words by their surprise under
//                 the unigram; rates do not follow the schedule of learning.*. Lists grow with the text: the one place that asks for memory
//                 while a hierarchy runs
// Limit           without the rest of the level and with g alone: discounts of an interpolated n-gram model, learned
// Source          Kneser & Ney 1995 (counts of counts, leave one out); Mikolov et al. 2011 (hashed n-gram features beside a network);
//                 Duchi et al. 2011 (Adagrad); Shazeer, Pelemans & Chelba 2015 (weights shared by counts)

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/archive.hpp"
#include "core/device/device.hpp"
#include "levels/recency.hpp"

namespace strata {

struct NgramSettings {
  Index orders = 0;             ///< longest context, tokens; 0: no features
  double rate = .7;             ///< of theta
  double gain_rate = .2;        ///< of g
  Index limit = 200;            ///< words listed per context
  std::vector<double> recency;  ///< time constants of r, tokens; none: without
  bool exclusive = false;       ///< g counts for a word under the longest context only that lists it
};

class Ngrams {
 public:
  /// What a stream reads, as the features see it.
  struct Reading {
    std::int32_t stream = 0, id = 0;
    bool counted = false;  ///< the text was read before: this occurrence is in the counts
  };

  Ngrams(const NgramSettings& settings, Index streams, const std::vector<double>& log_unigram);

  void read(Index stream, std::int32_t id);
  /// A document has ended: what comes next begins anew.
  void forget(Index stream);
  void reset();

  /// Appends what the listed words' logits gain in the streams that read: rows are words, columns streams.
  template <class T>
  void play(std::span<const Reading> readings, std::vector<Entry<T>>& out);
  /// Learns from the streams last played, given p of the entries that play() appended, in that order. Counts what comes for the first time.
  template <class T>
  void learn(std::span<const Reading> readings, std::span<const T> p);

  Index size() const { return static_cast<Index>(items_); }  ///< features held
  /// Throws ShapeError for lists of other settings, of another vocabulary, or damaged.
  void archive_parameters(Archive& archive);
  void archive_state(Archive& archive);

 private:
  struct Item {
    std::int32_t word;
    float theta, power;
    std::int32_t count;
  };
  struct Context {
    std::uint64_t key;
    std::size_t first;               // in pool_
    std::int32_t size, room, total;  // items, places taken in the pool, occurrences
  };
  /// One entry of play(): the item behind it.
  struct Played {
    std::int32_t context, item, gain;
    float share;  // of theta that counted and learns
    bool hit;     // the word that came
  };
  static constexpr std::int32_t none = -1;

  std::uint64_t key(std::int32_t stream, Index order) const;
  std::int32_t find(std::uint64_t key) const;
  std::int32_t find_or_add(std::uint64_t key);
  void rehash(std::size_t slots);
  std::size_t take(std::int32_t room);
  void count(Context& context, const Reading& reading);
  template <class T>
  void play_context(Index order, std::int32_t context, const Reading& reading, std::vector<Entry<T>>& out);
  template <class T>
  void play_recent(std::size_t trace, const Reading& reading, std::vector<Entry<T>>& out);
  std::size_t bucket(Index order, std::int32_t total, std::int32_t size) const;

  NgramSettings settings_;
  std::vector<std::uint8_t> rarity_;    // V: bucket of a word's surprise
  std::vector<std::uint64_t> history_;  // orders x streams, newest first: id + 1, 0 before the first
  std::vector<std::int32_t> slots_;     // open addressing: index of a context
  std::vector<Context> contexts_;
  std::vector<Item> pool_;
  std::vector<std::vector<std::size_t>> spare_;  // places given up, by logarithm of their room
  std::size_t items_ = 0;
  std::vector<float> gain_, gain_power_, gain_step_;
  std::vector<std::int32_t> touched_;
  std::vector<Played> played_;
  std::unique_ptr<Recency> recency_;
  std::vector<Entry<float>> recent_;
  std::vector<std::uint32_t> seen_;  // V: the stamp under which a longer context listed the word
  std::uint32_t stamp_ = 0;
};

}  // namespace strata
