// Products of the cpu device. C is cut into blocks by the shape of the product alone; each block is one single-threaded oneDNN sgemm
// (in double, which runs tests only, one Eigen product).

#include <dnnl.h>

#include <Eigen/Core>
#include <cassert>
#include <type_traits>

#include "core/device/cpu/cpu.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

constexpr double block_flops = 2e6;  // 20-40 microseconds of one core
constexpr Index most_blocks = 16;
constexpr Index row_unit = 48, column_unit = 8;  // the register block of oneDNN's sgemm with 512-bit vectors
constexpr Index long_sum = 2048;                 // from here a product whose C is one block is cut along the sum
constexpr Index sum_piece = 1024;
constexpr int partial_slot = 16;  // beyond the slots of the default bodies

template <class T>
View<const T> inner_piece(bool across_rows, View<const T> x, Index first, Index count) {
  return across_rows ? x.rows_at(first, count) : x.cols_at(first, count);
}

/// The length of the blocks into which `length` is cut, a multiple of `unit`.
Index block_length(Index length, Index unit, Index blocks) {
  const Index units = (length + unit - 1) / unit;
  return (units + blocks - 1) / blocks * unit;
}

}  // namespace

template <class T>
void CpuDevice<T>::block_product(bool transpose_a, bool transpose_b, T alpha, ConstView<T> a, ConstView<T> b, T beta, View<T> c) {
  if constexpr (std::is_same_v<T, float>) {
    const Index inner = transpose_a ? a.rows : a.cols;
    // Row-major for oneDNN: what it reads as row-major is our matrix transposed, so C' = op(B)' op(A)'.
    const dnnl_status_t status = dnnl_sgemm(transpose_b ? 'T' : 'N', transpose_a ? 'T' : 'N', c.cols, c.rows, inner, alpha, b.data, b.ld,
                                            a.data, a.ld, beta, c.data, c.ld);
    if (status != dnnl_success) throw DeviceError("dnnl_sgemm", static_cast<int>(status), "the product failed; try --device reference");
  } else {
    ReferenceDevice<T>::gemm(transpose_a, transpose_b, alpha, a, b, beta, c);
  }
}

template <class T>
void CpuDevice<T>::long_product(bool transpose_a, bool transpose_b, T alpha, ConstView<T> a, ConstView<T> b, T beta, View<T> c) {
  const Index inner = transpose_a ? a.rows : a.cols;
  const Index pieces = (inner + sum_piece - 1) / sum_piece;
  const View<T> partial = this->scratch(partial_slot, c.rows, c.cols * pieces);
  workers_.for_pieces(pieces, [&](Index piece) {
    const Index first = piece * sum_piece, count = std::min(sum_piece, inner - first);
    block_product(transpose_a, transpose_b, alpha, inner_piece<T>(transpose_a, a, first, count),
                  inner_piece<T>(!transpose_b, b, first, count), T(0), partial.cols_at(piece * c.cols, c.cols));
  });
  for (Index j = 0; j < c.cols; ++j) {
    for (Index piece = 0; piece < pieces; ++piece) {
      kernels_.axpby(c.rows, T(1), partial.data + (piece * c.cols + j) * partial.ld, piece == 0 ? beta : T(1), c.data + j * c.ld);
    }
  }
}

template <class T>
void CpuDevice<T>::gemm(bool transpose_a, bool transpose_b, T alpha, ConstView<T> a, ConstView<T> b, T beta, View<T> c) {
  const Index inner = transpose_a ? a.rows : a.cols;
  assert((transpose_a ? a.cols : a.rows) == c.rows && (transpose_b ? b.rows : b.cols) == c.cols &&
         (transpose_b ? b.cols : b.rows) == inner);
  if (c.rows == 0 || c.cols == 0) return;
  if (inner == 0) { return beta == T(0) ? fill(c, T(0)) : axpby(T(0), c, beta, c); }
  keep_openmp_single();
  const double flops = 2.0 * static_cast<double>(c.rows) * static_cast<double>(c.cols) * static_cast<double>(inner);
  if (flops < 2 * block_flops) return block_product(transpose_a, transpose_b, alpha, a, b, beta, c);
  const Index row_units = (c.rows + row_unit - 1) / row_unit, column_units = (c.cols + column_unit - 1) / column_unit;
  if (inner >= long_sum && row_units * column_units <= most_blocks) return long_product(transpose_a, transpose_b, alpha, a, b, beta, c);

  const Index blocks = std::min(most_blocks, static_cast<Index>(flops / block_flops));
  if (row_units >= column_units) {
    const Index length = block_length(c.rows, row_unit, blocks);
    workers_.for_pieces((c.rows + length - 1) / length, [&](Index piece) {
      const Index first = piece * length, count = std::min(length, c.rows - first);
      block_product(transpose_a, transpose_b, alpha, inner_piece<T>(!transpose_a, a, first, count), b, beta, c.rows_at(first, count));
    });
  } else {
    const Index length = block_length(c.cols, column_unit, blocks);
    workers_.for_pieces((c.cols + length - 1) / length, [&](Index piece) {
      const Index first = piece * length, count = std::min(length, c.cols - first);
      block_product(transpose_a, transpose_b, alpha, a, inner_piece<T>(transpose_b, b, first, count), beta, c.cols_at(first, count));
    });
  }
}

template void CpuDevice<float>::gemm(bool, bool, float, ConstView<float>, ConstView<float>, float, View<float>);
template void CpuDevice<double>::gemm(bool, bool, double, ConstView<double>, ConstView<double>, double, View<double>);

}  // namespace strata
