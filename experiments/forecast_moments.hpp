#pragma once
// Moments of a reading at which every level says what it expects, held against the tokens that come later.

#include "experiments/expected_words.hpp"
#include "experiments/progress.hpp"
#include "experiments/text_study.hpp"
#include "levels/recency.hpp"

namespace strata {

class ForecastMoments {
 public:
  struct Settings {
    std::vector<Index> distances;  ///< tokens
    Index every = 16, reach = 0;   ///< tokens
    std::size_t words = 20;
    double floor = .001;       ///< of p, for a word to be looked for
    double recent_time = 200;  ///< tokens
  };
  /// Sums per held-out document over its moments.
  struct Nats {
    std::vector<double> level, background, tokens;
  };
  /// Sums per held-out document: words looked for, those of each list that came, and those of the level's that chance lets one expect.
  struct Words {
    std::vector<double> looked_for, level, chance, frequent, recent, recent_raised;
  };

  /// How far a level's forecasts reach beyond the background, sums per held-out document over its moments, nats; and how sure they are: mean
  /// cross entropy of the words of the window under p^b / sum p^b, one entry per b of sharpnesses().
  struct Breadth {
    std::vector<double> departure, entropy, moments;
    std::vector<double> own, below, words;  ///< the window's words under the level and under the one below it; how many
    std::vector<double> window_nats;        ///< summed over all moments
  };
  static const std::vector<double>& sharpnesses();

  ForecastMoments(TextStudy& study, Hierarchy<float>& hierarchy, Settings settings);
  void read(Progress& progress);

  const Settings& settings() const { return settings_; }
  std::int64_t count() const { return count_; }
  const std::vector<Nats>& nats(Index level) const { return nats_[static_cast<std::size_t>(level)]; }  ///< by distance
  const Breadth& breadth(Index level) const { return breadth_[static_cast<std::size_t>(level)]; }
  const Words& words(Index level) const { return words_[static_cast<std::size_t>(level)]; }

 private:
  using List = std::vector<std::int32_t>;
  void follow(const Observation& observation);
  void take(const Observation& observation);
  void score(Index level, Index stream, std::size_t document);
  void weigh(Index level, Index stream, std::size_t document);
  void look(Index level, Index stream, std::size_t document);
  List recent(Index stream, WordChoice::By by, std::size_t count) const;
  double came(const List& list) const;  ///< of them in the window looked at

  TextStudy& study_;
  Hierarchy<float>& hierarchy_;
  Settings settings_;
  Expectations expectations_;
  Recency recency_;
  WordChoice choice_;
  List frequent_;                     // every usable word, the most frequent first
  std::vector<std::size_t> place_;    // per stream: its document, as a place in held_out
  std::vector<Index> position_;       // per stream: tokens read of it
  std::vector<std::uint32_t> stamp_;  // V: the window in which a word came last
  std::uint32_t window_ = 0;
  std::vector<std::vector<Nats>> nats_;
  std::vector<Words> words_;
  std::vector<Breadth> breadth_;
  std::int64_t count_ = 0;
};

}  // namespace strata
