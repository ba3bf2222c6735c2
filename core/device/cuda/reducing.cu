// Sums, maxima and what is made of softmax over columns; the bodies and the order of their sums are in reducing.hpp and softmax.hpp.
//
// Floor  every element read once (error written once, of softmax cross entropy read a second time), over the memory's bandwidth. A column is
//        one block's: few columns do not fill the processor. The softmax layer, where that matters, cuts its columns (softmax.hpp).

#include "core/device/cuda/reducing.hpp"

#include "core/device/cuda/cuda.hpp"
#include "core/device/cuda/launch.cuh"
#include "core/device/cuda/softmax.hpp"
#include "core/device/cuda/staged.hpp"

namespace strata {
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
  gpu::sum_rows("row_sum", stream_, gpu::RowSum<T>{alpha, x, weight, beta, per_unit});
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
  if (!targets.empty())
    gpu::add_groups("softmax_cross_entropy", stream_, gpu::AddEntries<T>{staged.items, staged.groups, {}, error}, staged.count);
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
