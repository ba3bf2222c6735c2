#pragma once
// A unigram of what was read lately: words come back.
//
// Equation        c[w] <- exp(-1/tau) c[w] + [w = w_t], or how often w is among the last `window` words;   p(w) = c[w] / sum c
//                 beside a model: (1 - weight) p_model(w) + weight p(w); the model alone while nothing was read
// Symbols         c count, 1; tau, tokens
// Discretisation  exact: what is added grows instead of all else decaying, and is scaled back before it overflows
// Limit           tau -> infinity without a window: the frequencies of all that was read
// Source          Kuhn & De Mori 1990, IEEE PAMI 12

#include <cstdint>
#include <vector>

#include "core/observation.hpp"

namespace strata {

struct CacheSettings {
  double time_constant = 0;  ///< tau, tokens; 0: counts do not decay
  Index window = 0;          ///< words further back are forgotten at once; 0: none are
};

/// Of one stream.
class UnigramCache {
 public:
  /// Throws ShapeError for an empty vocabulary, a negative time constant or a negative window.
  UnigramCache(Index vocabulary, const CacheSettings& settings);

  double probability(std::int32_t id) const;  ///< 0 while nothing was read
  /// `model`, a probability of `id`, with the share `weight` given to the cache.
  double beside(double model, double weight, std::int32_t id) const;
  void read(std::int32_t id);
  void clear();

 private:
  void scale_back();

  CacheSettings settings_;
  double growth_ = 1;   // exp(1/tau)
  double leaving_ = 0;  // what is left of a word's count, relative to that of the newest, when it leaves the window
  double unit_ = 1;     // what the next word adds
  double total_ = 0;
  std::vector<double> counts_;        // V
  std::vector<std::int32_t> recent_;  // the words in the window, a ring
  std::size_t oldest_ = 0;
};

}  // namespace strata
