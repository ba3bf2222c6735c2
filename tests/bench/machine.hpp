#pragma once
// What the machine can do at its best, measured in the same run as what it is compared with; and what the process holds.

namespace strata::bench {

/// Fused multiply-adds of one thread in registers alone, floating-point operations per second in float; the median of several short loops.
double fma_peak();
/// How many times as fast two threads are at that together as one is, by wall time.
double fma_of_two_threads();

/// Bytes per second that y = a x + z reads and writes on arrays beyond every cache, one thread; the median of several passes. What a store
/// reads of y beforehand is not counted.
double bandwidth();

/// Bytes that the process holds of the allocator (glibc's); what libraries map by themselves is not seen.
double allocated_memory();

}  // namespace strata::bench
