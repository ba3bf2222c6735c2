#pragma once
// Where a level's situations end, found by the level itself: nobody tells it.
//
// Equation   B = C + sum of y over the m oldest of the newest n tokens R;  C by R and the n tokens before them (levels/word_change.hpp)
//            y = clip(ln b(w) - ln u(w) + (s - mean) / 2, +-4),  s = -ln p_l(w), its running mean
//            an end lies before R of a B above theta that is the highest of n / 2 tokens before and of n / 2 behind it: it is found with the
//            token n + n / 2 - 1 behind the one it lies before; two of them are more than n / 2 apart
//            b = (c + kappa_b u) / (sum c + kappa_b), c counts of the m tokens behind every end found so far, halved where there are many
//            theta <- theta + r (ends per token x every - 1) while learning: neither all nor nothing is an end
// Symbols    w the token, p_l the level's broad prediction, u the unigram; s, y, C, B, theta nats; n, m, every tokens
// Why        C is the error that only an end explains. s alone speaks weakly: words that a level did not expect come within a situation too. What the
//            ends so found have in common, the words that situations begin with, speaks for the next ones, and what was no end averages out
// Limit      nothing that changes: ends at the rate that theta holds, wherever B happens to be highest. Nothing before 2 n tokens were read
// Source     situations end where prediction fails: Zacks et al. 2007, Psychological Bulletin 133; learned by the ends found: hard EM (Celeux & Govaert
//            1992); a threshold that holds a rate: Robbins & Monro 1951

#include <cstdint>
#include <span>
#include <vector>

#include "core/archive.hpp"
#include "core/observation.hpp"
#include "levels/word_change.hpp"

namespace strata {

struct SegmentationSettings {
  bool on = false;
  std::int64_t window = 80;    ///< n, tokens; at least 2
  std::int64_t beginning = 8;  ///< m, tokens; at most n
  double every = 160;          ///< tokens between two ends that theta comes to allow
};

class Segmentation {
 public:
  Segmentation(const SegmentationSettings& settings, Index vocabulary, Index streams);

  /// One token per stream and the level's surprise by it, nats; valid[j] = 0 leaves stream j untouched. `log_unigram`: ln u, V entries. b, m and theta
  /// move only while `learning`.
  void read(std::span<const std::int32_t> ids, std::span<const double> surprise, std::span<const std::uint8_t> valid,
            std::span<const double> log_unigram, bool learning);

  /// B entries: 1 where with the token just read an end was found. It lies before the token that is lag() older.
  std::span<const std::uint8_t> ends() const { return ends_; }
  std::int64_t lag() const { return settings_.window + later_ - 1; }
  /// The level is told that a situation ended with the token just read: what was before is no part of the next.
  void restart(std::size_t stream);

  double threshold() const { return threshold_; }
  std::int64_t found() const { return found_; }  ///< ends since reset()
  void archive_parameters(Archive& archive);
  void archive_state(Archive& archive);
  void reset();

 private:
  double beginning(std::int32_t id, double surprise, double log_unigram) const;  // y
  void add(std::size_t stream, double evidence);
  void learn(std::span<const double> surprise, std::span<const std::uint8_t> valid);
  void learn_beginning(std::size_t stream);

  SegmentationSettings settings_;
  WordChange change_;                                    // C and the newest 2 n tokens
  std::int64_t later_;                                   // n / 2
  std::vector<double> begins_;                           // c
  double begun_ = 0, mean_ = 0, threshold_, reads_ = 0;  // sum of c, mean of s, theta, steps that it is a mean of
  std::vector<double> evidence_, sums_, best_;           // y of the newest n tokens, B of the newest n / 2, the candidate's B
  std::vector<std::int64_t> waited_;                     // tokens since the candidate
  std::vector<std::uint8_t> ends_;
  std::int64_t found_ = 0;
};

}  // namespace strata
