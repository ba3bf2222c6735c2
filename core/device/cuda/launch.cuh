#pragma once
// How kernels are launched: the two shapes that most of them have, over the bodies of elementwise.hpp, reducing.hpp, sparse.hpp and softmax.hpp.

#include <algorithm>

#include "core/device/cuda/reducing.hpp"
#include "core/device/cuda/runtime.hpp"

namespace strata::gpu {

constexpr Index most_blocks_x = 1 << 30, most_blocks_y = 65535;

inline unsigned blocks(Index items, Index each, Index most) { return static_cast<unsigned>(std::min((items + each - 1) / each, most)); }

/// A launch that cannot be is said at once; what a kernel does wrong is said by the next call that waits.
inline void require_launch(const char* what) { require(cudaGetLastError(), what); }

template <class F>
__global__ void __launch_bounds__(256) run_elements(Index rows, Index cols, F f) {
  for (Index j = Index(blockIdx.y) * blockDim.y + threadIdx.y; j < cols; j += Index(gridDim.y) * blockDim.y)
    for (Index i = Index(blockIdx.x) * blockDim.x + threadIdx.x; i < rows; i += Index(gridDim.x) * blockDim.x) f(i, j);
}

/// f(i, j) over rows x cols; neighbouring threads have neighbouring rows.
template <class F>
void elements(const char* what, cudaStream_t stream, Index rows, Index cols, const F& f) {
  if (rows <= 0 || cols <= 0) return;
  constexpr unsigned threads = 256;
  unsigned x = 1;
  while (x < threads && Index(x) < rows) x *= 2;
  const dim3 block(x, threads / x), grid(blocks(rows, x, most_blocks_x), blocks(cols, threads / x, most_blocks_y));
  run_elements<<<grid, block, 0, stream>>>(rows, cols, f);
  require_launch(what);
}

template <int threads, class R>
__global__ void __launch_bounds__(threads) run_reduce(Index count, R r) {
  __shared__ typename R::Value values[threads];
  const Index t = threadIdx.x;
  for (Index q = blockIdx.x; q < count; q += gridDim.x) {
    values[t] = share(r, q, t, Index(threads));
    __syncthreads();
    for (int offset = threads / 2; offset > 0; offset /= 2) {
      fold(r, values, t, Index(offset));
      __syncthreads();
    }
    r.finish(values[0], q, t, Index(threads));
    __syncthreads();  // before the next result's shares overwrite the total
  }
}

/// `count` reductions of `length` elements each, in the order that reducing.hpp says.
template <class R>
void reduce(const char* what, cudaStream_t stream, Index count, Index length, const R& r) {
  if (count <= 0) return;
  const unsigned grid = blocks(count, 1, most_blocks_x);
  switch (threads_for(length)) {
    case 32: run_reduce<32><<<grid, 32, 0, stream>>>(count, r); break;
    case 256: run_reduce<256><<<grid, 256, 0, stream>>>(count, r); break;
    default: run_reduce<1024><<<grid, 1024, 0, stream>>>(count, r); break;
  }
  require_launch(what);
}

}  // namespace strata::gpu
