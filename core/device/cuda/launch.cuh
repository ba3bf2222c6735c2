#pragma once
// How kernels are launched: four shapes, over the bodies of elementwise.hpp, reducing.hpp, sparse.hpp and softmax.hpp. Everything that is written
// in CUDA's dialect stands here; the .cu files choose bodies.
//
// A compiler that is not nvcc gets the same four as loops, put off until the stream's turn: tests/cuda runs the whole device so, on the host.

#include <algorithm>
#include <functional>

#include "core/device/cuda/reducing.hpp"
#include "core/device/cuda/runtime.hpp"
#include "core/device/cuda/sparse.hpp"

namespace strata::gpu {

#if defined(__CUDACC__)

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

constexpr int rows_of_block = 32;

/// Neighbouring threads have neighbouring rows; RowSum::lanes of them share a row.
template <class T>
__global__ void __launch_bounds__(rows_of_block* RowSum<T>::lanes) run_row_sum(RowSum<T> body) {
  __shared__ T shares[RowSum<T>::lanes][rows_of_block];
  const Index row = Index(blockIdx.x) * rows_of_block + threadIdx.x, lane = threadIdx.y;
  if (row < body.x.rows) shares[lane][threadIdx.x] = body.share(row, lane);
  __syncthreads();
  if (lane == 0 && row < body.x.rows) body.finish(body.total(&shares[0][threadIdx.x], rows_of_block), row);
}

template <class T>
void sum_rows(const char* what, cudaStream_t stream, const RowSum<T>& body) {
  if (body.x.rows == 0) return;
  const dim3 block(rows_of_block, static_cast<unsigned>(RowSum<T>::lanes));
  run_row_sum<<<blocks(body.x.rows, rows_of_block, most_blocks_x), block, 0, stream>>>(body);
  require_launch(what);
}

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
void add_groups(const char* what, cudaStream_t stream, const AddEntries<T>& body, Index groups) {
  if (groups == 0) return;
  run_entries<<<static_cast<unsigned>(groups), static_cast<unsigned>(entry_chunk), 0, stream>>>(body);
  require_launch(what);
}

#else

/// Runs `work` when it is the stream's turn; tests/cuda has it.
void enqueue(cudaStream_t stream, std::function<void()> work);

template <class F>
void elements(const char*, cudaStream_t stream, Index rows, Index cols, const F& f) {
  enqueue(stream, [=] { run_on_host(rows, cols, f); });
}

template <class R>
void reduce(const char*, cudaStream_t stream, Index count, Index length, const R& r) {
  enqueue(stream, [=] { reduce_on_host(count, length, r); });
}

template <class T>
void sum_rows(const char*, cudaStream_t stream, const RowSum<T>& body) {
  enqueue(stream, [=] { sum_rows_on_host(body); });
}

template <class T>
void add_groups(const char*, cudaStream_t stream, const AddEntries<T>& body, Index groups) {
  enqueue(stream, [=] { add_entries_on_host(body, groups); });
}

#endif

}  // namespace strata::gpu
