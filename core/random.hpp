#pragma once
// Random bits as a pure function of (seed, step, level, purpose, row, column): no state, so no order, thread or resume can change them.

#include <cstdint>

namespace strata {

/// SplitMix64 finaliser (Steele, Lea & Flood 2014).
constexpr std::uint64_t mix(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

/// The key of one array of random numbers.
constexpr std::uint64_t random_base(std::uint64_t seed, std::uint64_t step, std::uint32_t level, std::uint32_t purpose) {
  return mix(mix(mix(seed) ^ step) ^ (std::uint64_t{level} << 32 | purpose));
}

/// Uniform in [0, 1) with 24 bits, exact in float: element (row, column) of the array with key `base`.
constexpr float random_uniform(std::uint64_t base, std::uint32_t row, std::uint32_t column) {
  const std::uint64_t bits = mix(base ^ (std::uint64_t{column} << 32 | row));
  return static_cast<float>(bits >> 40) * 0x1p-24F;
}

/// Standard normal by Box-Muller from two uniforms of the same element.
double random_normal(std::uint64_t base, std::uint32_t row, std::uint32_t column);

}  // namespace strata
