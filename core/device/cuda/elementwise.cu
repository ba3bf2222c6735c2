// Primitives and fused steps that are one pass over their elements; the bodies are in elementwise.hpp.
//
// Floor  the bytes of every operand once, over the memory's bandwidth; a launch takes a few microseconds whatever its size

#include "core/device/cuda/elementwise.hpp"

#include "core/device/cuda/cuda.hpp"
#include "core/device/cuda/launch.cuh"
#include "core/device/cuda/staged.hpp"

namespace strata {

namespace gpu {
namespace {

template <class S, class T>
void launch_plain(const ProductCall& p, cudaStream_t stream) {
  elements("product", stream, p.m, p.n,
           PlainProduct<S, T>{static_cast<const S*>(p.a), static_cast<const S*>(p.b), static_cast<const T*>(p.c), static_cast<T*>(p.d), p.k,
                              p.lda, p.ldb, p.ldc, p.ldd, p.transpose_a, p.transpose_b, static_cast<T>(p.alpha), static_cast<T>(p.beta)});
}

}  // namespace

void plain_product(const ProductCall& call, cudaStream_t stream) {
  switch (call.numbers) {
    case Numbers::twofold: return launch_plain<double, double>(call, stream);
    case Numbers::brief: return launch_plain<std::uint16_t, float>(call, stream);
    case Numbers::single:
    case Numbers::tf32: return launch_plain<float, float>(call, stream);
  }
}

}  // namespace gpu

template <class T>
void CudaDevice<T>::fill(View<T> y, T value) {
  gpu::elements("fill", stream_, y.rows, y.cols, gpu::Fill<T>{y, value});
}

template <class T>
void CudaDevice<T>::copy(ConstView<T> x, View<T> y) {
  gpu::elements("copy", stream_, y.rows, y.cols, gpu::Copy<T>{x, y});
}

template <class T>
void CudaDevice<T>::map(Unary f, ConstView<T> x, View<T> y) {
  gpu::elements("map", stream_, y.rows, y.cols, gpu::Map<T>{f, x, y});
}

template <class T>
void CudaDevice<T>::axpby(T alpha, ConstView<T> x, T beta, View<T> y) {
  gpu::elements("axpby", stream_, y.rows, y.cols, gpu::Axpby<T>{alpha, x, beta, y});
}

template <class T>
void CudaDevice<T>::multiply(ConstView<T> a, ConstView<T> b, View<T> y) {
  gpu::elements("multiply", stream_, y.rows, y.cols, gpu::Multiply<T>{a, b, y});
}

template <class T>
void CudaDevice<T>::add_scalar(T value, View<T> y) {
  gpu::elements("add_scalar", stream_, y.rows, y.cols, gpu::AddScalar<T>{value, y});
}

template <class T>
void CudaDevice<T>::scale_columns(ConstView<T> per_stream, View<T> y) {
  gpu::elements("scale_columns", stream_, y.rows, y.cols, gpu::ScaleColumns<T>{per_stream, y});
}

template <class T>
void CudaDevice<T>::add_to_columns(T alpha, ConstView<T> per_stream, View<T> y) {
  gpu::elements("add_to_columns", stream_, y.rows, y.cols, gpu::AddToColumns<T>{alpha, per_stream, y});
}

template <class T>
void CudaDevice<T>::add_to_rows(T alpha, ConstView<T> per_unit, View<T> y) {
  gpu::elements("add_to_rows", stream_, y.rows, y.cols, gpu::AddToRows<T>{alpha, per_unit, y});
}

template <class T>
void CudaDevice<T>::scale_rows(ConstView<T> per_unit, View<T> y) {
  gpu::elements("scale_rows", stream_, y.rows, y.cols, gpu::ScaleRows<T>{per_unit, y});
}

template <class T>
void CudaDevice<T>::gather_columns(ConstView<T> x, std::span<const std::int32_t> ids, View<T> y) {
  if (ids.empty() || y.rows == 0) return;
  gpu::elements("gather_columns", stream_, y.rows, y.cols, gpu::GatherColumns<T>{x, gpu::stage(staging_, ids), y});
}

template <class T>
void CudaDevice<T>::select_columns(ConstView<T> mask, ConstView<T> x, View<T> y) {
  gpu::elements("select_columns", stream_, y.rows, y.cols, gpu::SelectColumns<T>{mask, x, y});
}

template <class T>
void CudaDevice<T>::dropout_mask(double rate, RandomKey key, View<T> y) {
  const std::uint64_t base = random_base(key.seed, key.step, key.level, key.purpose);
  gpu::elements("dropout_mask", stream_, y.rows, y.cols,
                gpu::DropoutMask<T>{base, static_cast<float>(rate), static_cast<T>(1 / (1 - rate)), y});
}

template <class T>
void CudaDevice<T>::relax_step(T precision, ConstView<T> mu, ConstView<T> message, ConstView<T> step, View<T> x, View<T> f) {
  gpu::elements("relax_step", stream_, x.rows, x.cols, gpu::RelaxStep<T>{T(1) / precision, mu, message, step, x, f});
}

template <class T>
void CudaDevice<T>::leaky_integrate(ConstView<T> decay, T gain, ConstView<T> active, ConstView<T> s, View<T> h) {
  gpu::elements("leaky_integrate", stream_, h.rows, h.cols, gpu::LeakyIntegrate<T>{decay, gain, active, s, h});
}

template <class T>
void CudaDevice<T>::adam(const AdamStep& step, View<T> gradient, View<T> first_moment, View<T> second_moment, View<T> weight) {
  gpu::elements("adam", stream_, weight.rows, weight.cols,
                gpu::Adam<T>{gpu::AdamFactors<T>(step), gradient, first_moment, second_moment, weight});
}

#define STRATA_INSTANTIATE(T)                                                                             \
  template void CudaDevice<T>::fill(View<T>, T);                                                          \
  template void CudaDevice<T>::copy(ConstView<T>, View<T>);                                               \
  template void CudaDevice<T>::map(Unary, ConstView<T>, View<T>);                                         \
  template void CudaDevice<T>::axpby(T, ConstView<T>, T, View<T>);                                        \
  template void CudaDevice<T>::multiply(ConstView<T>, ConstView<T>, View<T>);                             \
  template void CudaDevice<T>::add_scalar(T, View<T>);                                                    \
  template void CudaDevice<T>::scale_columns(ConstView<T>, View<T>);                                      \
  template void CudaDevice<T>::add_to_columns(T, ConstView<T>, View<T>);                                  \
  template void CudaDevice<T>::add_to_rows(T, ConstView<T>, View<T>);                                     \
  template void CudaDevice<T>::scale_rows(ConstView<T>, View<T>);                                         \
  template void CudaDevice<T>::gather_columns(ConstView<T>, std::span<const std::int32_t>, View<T>);      \
  template void CudaDevice<T>::select_columns(ConstView<T>, ConstView<T>, View<T>);                       \
  template void CudaDevice<T>::dropout_mask(double, RandomKey, View<T>);                                  \
  template void CudaDevice<T>::relax_step(T, ConstView<T>, ConstView<T>, ConstView<T>, View<T>, View<T>); \
  template void CudaDevice<T>::leaky_integrate(ConstView<T>, T, ConstView<T>, ConstView<T>, View<T>);     \
  template void CudaDevice<T>::adam(const AdamStep&, View<T>, View<T>, View<T>, View<T>);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)
#undef STRATA_INSTANTIATE

}  // namespace strata
