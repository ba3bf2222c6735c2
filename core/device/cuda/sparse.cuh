#pragma once
// The kernel that adds entries, and its launch.

#include "core/device/cuda/launch.cuh"
#include "core/device/cuda/sparse.hpp"
#include "core/device/cuda/staged.hpp"

namespace strata::gpu {

/// A block adds the entries of one column, chunk by chunk in their order.
template <class T>
__global__ void __launch_bounds__(entry_chunk) run_entries(AddEntries<T> body) {
  __shared__ Entry<T> chunk[entry_chunk];
  const Index t = threadIdx.x;
  const Group group = body.groups[blockIdx.x];
  for (Index first = group.first; first < group.last; first += entry_chunk) {
    const Index count = group.last - first < entry_chunk ? group.last - first : entry_chunk;
    if (t < count) chunk[t] = body.load(first + t);
    __syncthreads();
    body.add(chunk, count, t);
    __syncthreads();
  }
}

template <class T>
void add_staged(const char* what, cudaStream_t stream, const Staged<Entry<T>>& staged, ConstView<T> weight, View<T> y) {
  if (staged.count == 0) return;
  run_entries<<<static_cast<unsigned>(staged.count), static_cast<unsigned>(entry_chunk), 0, stream>>>(
      AddEntries<T>{staged.items, staged.groups, weight, y});
  require_launch(what);
}

}  // namespace strata::gpu
