// Sums, maxima and what is made of softmax over columns; the bodies and the order of their sums are in reducing.hpp and softmax.hpp.
//
// Floor  every element read once (error written once, of softmax cross entropy read a second time), over the memory's bandwidth. A column is
//        one block's: few columns do not fill the processor. The softmax layer, where that matters, cuts its columns (softmax.hpp).

#include "core/device/cuda/reducing.hpp"

#include "core/device/cuda/cuda.hpp"
#include "core/device/cuda/launch.cuh"
#include "core/device/cuda/softmax.hpp"
#include "core/device/cuda/sparse.cuh"
#include "core/device/cuda/staged.hpp"

namespace strata {
namespace {

constexpr int rows_of_block = 32;

/// Neighbouring threads have neighbouring rows; RowSum::lanes of them share a row.
template <class T>
__global__ void __launch_bounds__(rows_of_block* gpu::RowSum<T>::lanes) run_row_sum(gpu::RowSum<T> body) {
  __shared__ T shares[gpu::RowSum<T>::lanes][rows_of_block];
  const Index row = Index(blockIdx.x) * rows_of_block + threadIdx.x, lane = threadIdx.y;
  if (row < body.x.rows) shares[lane][threadIdx.x] = body.share(row, lane);
  __syncthreads();
  if (lane == 0 && row < body.x.rows) body.finish(body.total(&shares[0][threadIdx.x], rows_of_block), row);
}

}  // namespace

template <class T>
void CudaDevice<T>::column_sum(ConstView<T> x, View<T> per_stream) {
  gpu::reduce("column_sum", stream_, x.cols, x.rows, gpu::ColumnSum<T>(x, per_stream));
}

template <class T>
void CudaDevice<T>::column_max(ConstView<T> x, View<T> per_stream) {
  gpu::reduce("column_max", stream_, x.cols, x.rows, gpu::ColumnMax<T>(x, per_stream));
}

template <class T>
void CudaDevice<T>::row_sum(T alpha, ConstView<T> x, ConstView<T> weight, T beta, View<T> per_unit) {
  if (x.rows == 0) return;
  const dim3 block(rows_of_block, static_cast<unsigned>(gpu::RowSum<T>::lanes));
  run_row_sum<T>
      <<<gpu::blocks(x.rows, rows_of_block, gpu::most_blocks_x), block, 0, stream_>>>(gpu::RowSum<T>{alpha, x, weight, beta, per_unit});
  gpu::require_launch("row_sum");
}

template <class T>
void CudaDevice<T>::prediction_error(T precision, ConstView<T> x, ConstView<T> mu, View<T> e, View<T> energy) {
  gpu::reduce("prediction_error", stream_, x.cols, x.rows, gpu::PredictionError<T>(precision, x, mu, e, energy));
}

template <class T>
void CudaDevice<T>::log_sum_exp(ConstView<T> logits, View<T> normaliser) {
  gpu::reduce("log_sum_exp", stream_, logits.cols, logits.rows, gpu::LogSumExp<T>{logits, normaliser});
}

template <class T>
void CudaDevice<T>::softmax_summary(ConstView<T> logits, ConstView<T> background, View<T> normaliser, View<T> entropy, View<T> divergence) {
  gpu::reduce("softmax_summary", stream_, logits.cols, logits.rows,
              gpu::SoftmaxSummary<T>{logits, background, normaliser, entropy, divergence});
}

template <class T>
void CudaDevice<T>::softmax_cross_entropy(ConstView<T> logits, std::span<const Entry<T>> targets, View<T> error, View<T> loss) {
  const auto staged = gpu::stage_grouped(staging_, grouping_, targets, logits.cols, true, [](const Entry<T>& e) { return e.col; });
  gpu::reduce("softmax_cross_entropy", stream_, logits.cols, logits.rows,
              gpu::CrossEntropy<T>{logits, staged.items, staged.groups, error, loss});
  if (!targets.empty()) gpu::add_staged<T>("softmax_cross_entropy", stream_, staged, {}, error);
}

#define STRATA_INSTANTIATE(T)                                                                          \
  template void CudaDevice<T>::column_sum(ConstView<T>, View<T>);                                      \
  template void CudaDevice<T>::column_max(ConstView<T>, View<T>);                                      \
  template void CudaDevice<T>::row_sum(T, ConstView<T>, ConstView<T>, T, View<T>);                     \
  template void CudaDevice<T>::prediction_error(T, ConstView<T>, ConstView<T>, View<T>, View<T>);      \
  template void CudaDevice<T>::log_sum_exp(ConstView<T>, View<T>);                                     \
  template void CudaDevice<T>::softmax_summary(ConstView<T>, ConstView<T>, View<T>, View<T>, View<T>); \
  template void CudaDevice<T>::softmax_cross_entropy(ConstView<T>, std::span<const Entry<T>>, View<T>, View<T>);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)
#undef STRATA_INSTANTIATE

}  // namespace strata
