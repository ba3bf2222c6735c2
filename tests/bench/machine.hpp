#pragma once
// What the machine can do at its best, measured in the same run as what it is compared with.

#include <cstddef>

namespace strata::bench {

/// Fused multiply-adds of one thread in registers alone, floating-point operations per second in float; the median of several short loops.
double fma_peak();
/// Bytes per second that one thread reads from arrays far larger than its caches.
double read_bandwidth();
/// Largest resident size of this process so far, bytes.
std::size_t peak_memory();

}  // namespace strata::bench
