#pragma once
// Draws of the sampled worlds: every number is a pure function of (seed, stream, step, purpose), so that a resumed run reads the same.

#include <cstdint>
#include <span>

#include "core/random.hpp"

namespace strata::draw {

/// Key of the numbers that one stream needs at one step. `purpose` keeps worlds and tables apart.
constexpr std::uint64_t at(std::uint64_t seed, std::int64_t stream, std::int64_t step, std::uint32_t purpose) {
  return random_base(seed, static_cast<std::uint64_t>(step), static_cast<std::uint32_t>(stream), purpose);
}

/// Uniform in [0, 1) with 53 bits: 24 would round the switching probability of a slow level.
constexpr double uniform(std::uint64_t base, std::uint32_t which) {
  return static_cast<double>(mix(base ^ (std::uint64_t{which} + 1) * 0xd1342543de82ef95ULL) >> 11) * 0x1p-53;
}

/// The state that `u` in [0, 1) picks from weights >= 0 that need not sum to 1. At least one weight is positive.
inline std::int32_t pick(std::span<const double> weights, double u) {
  double total = 0;
  for (const double w : weights) total += w;
  double left = u * total;
  std::int32_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    last = static_cast<std::int32_t>(i);  // rounding may leave a crumb: then the last possible state
    left -= weights[i];
    if (left < 0) break;
  }
  return last;
}

}  // namespace strata::draw
