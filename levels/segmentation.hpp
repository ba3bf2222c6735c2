#pragma once
// Where a level's situations end, found by the level itself: nobody tells it.
//
// Equation   y = clip(ln b(w) - ln u(w) + (s - m) / 2, +-4),  s = -ln p_l(w), m its running mean;  B the sum of y over the newest n tokens
//            an end lies n tokens before the highest B above theta behind which n / 2 tokens bring no higher: it is found with the
//            token n + n / 2 - 1 behind the one it lies before; two of them are at least n apart
//            b = (c + kappa u) / (sum c + kappa), c counts of the n tokens behind every end found so far, halved where there are many
//            theta <- theta + r (ends per token x every - 1) while learning: neither all nor nothing is an end
// Symbols    w the token, p_l the level's broad prediction, u the unigram; s, m, y, B, theta nats; n, every tokens
// Why        at first b = u and surprise alone speaks, weakly: a few words that the level did not expect come within a situation too. But what the ends
//            so found have in common, the words that situations begin with, speaks for the next ones, and what was no end averages out
// Limit      no surprise and no words that begin: ends at the rate that theta holds, wherever B happens to be highest
// Source     situations end where prediction fails: Zacks et al. 2007, Psychological Bulletin 133; learned by the ends found: hard EM (Celeux & Govaert 1992); a
//            threshold that holds a rate: Robbins & Monro 1951

#include <cstdint>
#include <span>
#include <vector>

#include "core/archive.hpp"
#include "core/observation.hpp"

namespace strata {

struct SegmentationSettings {
  bool on = false;
  std::int64_t window = 16;  ///< n, tokens; at least 2
  double every = 160;        ///< tokens between two ends that theta comes to allow
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

  double threshold() const { return threshold_; }
  std::int64_t found() const { return found_; }  ///< ends since reset()
  void archive_parameters(Archive& archive);
  void archive_state(Archive& archive);
  void reset();

 private:
  void add(std::size_t stream, std::int32_t id, double surprise, double log_unigram);
  void learn(std::span<const double> surprise, std::span<const std::uint8_t> valid);
  void learn_beginning(std::size_t stream);

  SegmentationSettings settings_;
  std::int64_t later_;                                   // n / 2
  std::vector<double> begins_;                           // c
  double begun_ = 0, mean_ = 0, threshold_, reads_ = 0;  // sum of c, m, theta, steps that m is a mean of
  std::vector<double> evidence_, sum_, best_;            // y of the newest n tokens, B, the highest above theta that none has followed yet
  std::vector<std::int32_t> words_;                      // newest lag() + 1 per stream
  std::vector<std::int64_t> place_, since_, waited_;     // tokens read, since the last end's highest B, since best_
  std::vector<std::uint8_t> ends_;
  std::int64_t found_ = 0;
};

}  // namespace strata
