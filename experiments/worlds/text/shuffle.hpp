#pragma once
// A permutation as a pure function of a seed.

#include <cstdint>
#include <utility>
#include <vector>

#include "core/random.hpp"

namespace strata::text {

/// Integer in 0 .. count-1 (count >= 1). The remainder's bias is below count / 2^64.
inline std::uint64_t random_below(std::uint64_t key, std::uint64_t count) { return mix(key) % count; }

/// Fisher-Yates.
template <class T>
void shuffle(std::vector<T>& items, std::uint64_t seed) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random_below(mix(seed) ^ i, i)]);
}

}  // namespace strata::text
