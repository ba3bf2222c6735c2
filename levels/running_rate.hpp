#pragma once
// Equation   m <- m + r (x - m),  r = max(slow, 1 / (n + 1)): the plain mean of x at first, a leaky one in the long run
// Symbols    n how often x was seen before, slow the least rate, 1 per time it is seen

#include <algorithm>

namespace strata {

inline double running_rate(double count, double slow) { return std::max(slow, 1 / (count + 1)); }

}  // namespace strata
