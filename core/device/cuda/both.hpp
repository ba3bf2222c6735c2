#pragma once
// What kernels compute is written as plain functions of indices, for both sides: nvcc makes kernels of them (launch.cuh), any compiler makes
// what tests/conformance runs on the host, index by index, against the reference. The one place that knows which side it is on.

#include "core/device/device.hpp"

#if defined(__CUDACC__)
#define STRATA_BOTH __host__ __device__
#else
#define STRATA_BOTH
#endif

namespace strata::gpu {

/// The element (i, j) of a view.
template <class T>
STRATA_BOTH T& at(const View<T>& v, Index i, Index j) {
  return v.data[i + j * v.ld];
}

/// What an element-wise kernel does: f(i, j) for every element, in any order.
template <class F>
void run_on_host(Index rows, Index cols, const F& f) {
  for (Index j = 0; j < cols; ++j)
    for (Index i = 0; i < rows; ++i) f(i, j);
}

}  // namespace strata::gpu
