#include "core/random.hpp"

#include <cmath>
#include <numbers>

namespace strata {

double random_normal(std::uint64_t base, std::uint32_t row, std::uint32_t column) {
  const double u = 1.0 - static_cast<double>(random_uniform(base, row, column));  // in (0, 1]
  const double v = static_cast<double>(random_uniform(mix(base), row, column));
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

}  // namespace strata
