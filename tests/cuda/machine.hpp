#pragma once
// A graphics processor that is none: the calls of the CUDA runtime and of cuBLASLt that core/device/cuda makes, on the host (machine.cpp), so that the
// whole device runs, kernels and all, where there is no processor. What is asked for runs late, as late as it may: only when somebody waits.
// Device memory cannot be touched by the host in between, new memory holds no zeros, and a captured graph runs in an order of chance among
// those that its dependencies allow.

#include <cstdint>

namespace strata::test {

struct Machine {
  bool present = true;         ///< whether there is a processor at all
  bool captures = true;        ///< whether streams can be captured
  bool memory = true;          ///< whether there is any left
  std::uint64_t captured = 0;  ///< graphs made so far
  std::uint64_t replayed = 0;  ///< graphs launched so far
  std::uint64_t waits = 0;     ///< how often the host waited for a stream
  std::uint64_t allocations = 0;
};
Machine& machine();

}  // namespace strata::test
