#include "core/lexicon.hpp"

namespace strata {

template <class T>
Lexicon<T>::Lexicon(Device<T>& device, Index units, const std::vector<double>& log_unigram, double sd, std::uint64_t seed)
    : vectors(device, "lexicon", units, static_cast<Index>(log_unigram.size())),
      log_unigram_(log_unigram),
      background_(device, static_cast<Index>(log_unigram.size())) {
  vectors.by_rows = true;
  vectors.randomise(sd, seed, 0);
  const std::vector<T> host(log_unigram.begin(), log_unigram.end());
  device.upload(host, background_);
}

template class Lexicon<float>;
template class Lexicon<double>;

}  // namespace strata
