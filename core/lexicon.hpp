#pragma once
// The lexicon all levels of a text hierarchy share: word vectors S, the unigram, nothing else.
// It is weight sharing: each level adds its local update to S. No level's state can be read through it.

#include <vector>

#include "core/weight.hpp"

namespace strata {

template <class T>
class Lexicon {
 public:
  /// S is units x V, initially N(0, sd^2); log_unigram has V entries, nats.
  Lexicon(Device<T>& device, Index units, const std::vector<double>& log_unigram, double sd, std::uint64_t seed);

  Index units() const { return vectors.value.rows(); }
  Index vocabulary() const { return vectors.value.cols(); }
  double log_unigram(std::int32_t id) const { return log_unigram_[static_cast<std::size_t>(id)]; }
  const std::vector<double>& log_unigrams() const { return log_unigram_; }  ///< V
  ConstView<T> background() const { return background_; }                   ///< log unigram, V x 1

  Weight<T> vectors;  ///< S
  bool used = true;   ///< false: a token level alone has no use for it, and nothing learns it

 private:
  std::vector<double> log_unigram_;
  Tensor<T> background_;
};

}  // namespace strata
