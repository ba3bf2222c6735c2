#pragma once
// Experts beside a hierarchy: what counting and recent words say of the token that comes, mixed online with what the hierarchy says.
//
// Equation        p(w) = sum_i s_i p_i(w) over hierarchy, Kneser-Ney, cache; shares by experts.hpp, of their own for each length of history
//                 that the n-gram model has seen and for an empty cache
// Discretisation  every stream has a cache and a history of its own, which begin anew with its document; the shares are common
// Limit           shares all with the hierarchy: its own perplexity
// Source          kneser_ney.hpp, cache.hpp, experts.hpp

#include "experiments/cache.hpp"
#include "experiments/experts.hpp"
#include "experiments/kneser_ney.hpp"

namespace strata {

class ExpertPanel {
 public:
  struct Settings {
    double cache_time_constant = 200;  ///< tokens
    double rate = .02;                 ///< of the shares
    double hierarchy_share = 0;        ///< of the hierarchy at first; 0: all are equal
    bool learning = false;             ///< the n-gram model goes on counting while it reads
  };
  /// `ngrams` has counted the training text, its histories beginning anew with each document.
  ExpertPanel(const Settings& settings, KneserNey ngrams, Index streams);

  /// Reads one step, given the hierarchy's surprise in nats per stream; returns the mixture's nats of stream j in out[j], 0 where idle.
  void read(const Observation& observation, std::span<const float> surprise, std::span<double> out);

  /// Mean share over all words read so far: hierarchy, n-grams, cache.
  std::array<double, 3> shares() const;

 private:
  struct Stream {
    std::int32_t document = -1;
    std::vector<std::int32_t> history;
    UnigramCache cache;
    bool read = false;  // the cache holds something
  };

  Settings settings_;
  KneserNey ngrams_;
  ExpertMixture mixture_;
  std::vector<Stream> streams_;
  std::array<double, 3> share_sum_{};
  double words_ = 0;
};

}  // namespace strata
