#pragma once
// The gate: a belief loses weight by evidence, not by time.
//
// Equation   v = clip(ln u(w) - ln p_l(w), +-3), u the unigram, p_l the level's broad prediction;  y = v standardised by slow moments
//            Z <- e^(-1/W) Z + (1 - e^(-1/W)) y;   o = logistic(4 (sqrt(2W) Z - theta));   Z := 0 when o > 1/2
//            by words: o = 1 where C (levels/word_change.hpp) of the newest W words is above theta, else 0. C compares them with those before, 8 W at most,
//            W at least, back to where the situation began: W words before the gate opened last
//            the leak of every trace becomes a (1 - .9 o)
// Symbols    W window (tokens), theta threshold in standard deviations of Z under white y; by words in nats
// Why        v says that the level is wrong, which it is of many a word within a situation; C that a belief which starts over would be less so
// Limit      y white: sqrt(2W) Z has unit variance, so o > 1/2 with probability 1 - Phi(theta) per independent window
// Source     a one-sided cumulative-sum test (Page 1954) in leaky form

#include <span>
#include <vector>

#include "core/archive.hpp"
#include "levels/word_change.hpp"

namespace strata {

constexpr std::int64_t windows_compared = 8;  ///< by words: of words before, that the newest window is compared with, at most

struct GateSettings {
  bool on = false;
  double window = 8;        ///< W, tokens
  double threshold = 2.75;  ///< theta, standard deviations; by words nats
  double strength = .9;
  bool words = false;  ///< by words, not by the level's prediction
};

class Gate {
 public:
  Gate(const GateSettings& settings, Index vocabulary, Index streams);

  /// One token per stream: evidence[j] = ln u(w) - ln p_l(w), nats; valid[j] = 0 leaves stream j untouched (openness 0).
  /// Slow moments move only while `learning`.
  void read(std::span<const double> evidence, std::span<const std::uint8_t> valid, bool learning);

  /// A situation begins with the next token: what was read before is no evidence against it.
  void restart(std::size_t stream);
  /// By words: C of the token read. `log_unigram`: ln u, V entries.
  void read_words(std::span<const std::int32_t> ids, std::span<const double> log_unigram, std::span<const std::uint8_t> valid);

  /// o of every stream for the token just read, 0 .. 1.
  std::span<const double> openness() const { return openness_; }
  /// The factor 1 - .9 o on the leak.
  double leak_factor(std::size_t stream) const { return settings_.on ? 1 - settings_.strength * openness_[stream] : 1.0; }

  double mean() const { return mean_; }
  double variance() const { return variance_; }
  std::int64_t opened() const { return opened_; }  ///< tokens with o > 1/2
  std::int64_t read_count() const { return reads_; }
  void archive_parameters(Archive& archive);
  void archive_state(Archive& archive);
  void reset();

 private:
  GateSettings settings_;
  WordChange change_;
  double mean_ = 0, variance_ = 1;
  std::vector<double> trace_, openness_;
  std::int64_t opened_ = 0, reads_ = 0, learned_ = 0;  ///< tokens opened on, tokens read, steps of the slow moments
};

}  // namespace strata
