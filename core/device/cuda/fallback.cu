// Products that cuBLASLt has no algorithm for, and the check of those it has: plain, tile by tile.
//
// Floor  2 m n k operations; each tile of 16 columns reads A once, each of 16 rows reads B once. No attempt at speed.

#include "core/device/cuda/launch.cuh"
#include "core/device/cuda/product.hpp"

namespace strata::gpu {
namespace {

constexpr int side = 16;

template <class T>
struct Operands {
  const T *a, *b, *c;
  T* d;
  Index m, n, k, lda, ldb, ldc, ldd;
  bool transpose_a, transpose_b;
  T alpha, beta;
};

template <class T>
__global__ void __launch_bounds__(side* side) multiply_tiles(Operands<T> p) {
  __shared__ T left[side][side + 1], right[side][side + 1];
  const int x = threadIdx.x, y = threadIdx.y;
  const Index i = Index(blockIdx.x) * side + x;
  for (Index tile = blockIdx.y; tile * side < p.n; tile += gridDim.y) {
    const Index j = tile * side + y;
    T sum = 0;
    for (Index first = 0; first < p.k; first += side) {
      const Index ka = first + y, kb = first + x;
      left[y][x] = i < p.m && ka < p.k ? p.a[p.transpose_a ? ka + i * p.lda : i + ka * p.lda] : T(0);
      right[x][y] = j < p.n && kb < p.k ? p.b[p.transpose_b ? j + kb * p.ldb : kb + j * p.ldb] : T(0);
      __syncthreads();
      for (int l = 0; l < side; ++l) sum += left[l][x] * right[l][y];
      __syncthreads();
    }
    if (i >= p.m || j >= p.n) continue;
    T& d = p.d[i + j * p.ldd];
    d = p.beta == T(0) ? p.alpha * sum : p.alpha * sum + p.beta * p.c[i + j * p.ldc];
  }
}

template <class T>
void launch(const ProductCall& call, cudaStream_t stream) {
  const Operands<T> p{static_cast<const T*>(call.a),
                      static_cast<const T*>(call.b),
                      static_cast<const T*>(call.c),
                      static_cast<T*>(call.d),
                      call.m,
                      call.n,
                      call.k,
                      call.lda,
                      call.ldb,
                      call.ldc,
                      call.ldd,
                      call.transpose_a,
                      call.transpose_b,
                      static_cast<T>(call.alpha),
                      static_cast<T>(call.beta)};
  const dim3 grid(blocks(p.m, side, most_blocks_x), blocks(p.n, side, most_blocks_y));
  multiply_tiles<T><<<grid, dim3(side, side), 0, stream>>>(p);
  require_launch("product");
}

/// The same on bfloat16 operands, sums in float.
__global__ void __launch_bounds__(side* side) multiply_brief(Operands<float> p, const std::uint16_t* a, const std::uint16_t* b) {
  const auto wide = [](std::uint16_t v) { return __uint_as_float(static_cast<unsigned>(v) << 16U); };
  const Index i = Index(blockIdx.x) * side + threadIdx.x;
  for (Index tile = blockIdx.y; tile * side < p.n; tile += gridDim.y) {
    const Index j = tile * side + threadIdx.y;
    if (i >= p.m || j >= p.n) continue;
    float sum = 0;
    for (Index l = 0; l < p.k; ++l)
      sum += wide(a[p.transpose_a ? l + i * p.lda : i + l * p.lda]) * wide(b[p.transpose_b ? j + l * p.ldb : l + j * p.ldb]);
    float& d = p.d[i + j * p.ldd];
    d = p.beta == 0.F ? p.alpha * sum : p.alpha * sum + p.beta * p.c[i + j * p.ldc];
  }
}

}  // namespace

void plain_product(const ProductCall& call, cudaStream_t stream) {
  if (call.numbers == Numbers::twofold) return launch<double>(call, stream);
  if (call.numbers != Numbers::brief) return launch<float>(call, stream);
  const Operands<float> p{nullptr,
                          nullptr,
                          static_cast<const float*>(call.c),
                          static_cast<float*>(call.d),
                          call.m,
                          call.n,
                          call.k,
                          call.lda,
                          call.ldb,
                          call.ldc,
                          call.ldd,
                          call.transpose_a,
                          call.transpose_b,
                          static_cast<float>(call.alpha),
                          static_cast<float>(call.beta)};
  const dim3 grid(blocks(p.m, side, most_blocks_x), blocks(p.n, side, most_blocks_y));
  multiply_brief<<<grid, dim3(side, side), 0, stream>>>(p, static_cast<const std::uint16_t*>(call.a),
                                                        static_cast<const std::uint16_t*>(call.b));
  require_launch("product");
}

}  // namespace strata::gpu
