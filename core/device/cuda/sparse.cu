// Sparse operands: sorted on the host by where they go, added in their order; the bodies are in sparse.hpp.
//
// Floor  latency: one launch, one copy of the entries, a few dependent reads

#include "core/device/cuda/sparse.hpp"

#include "core/device/cuda/cuda.hpp"
#include "core/device/cuda/elementwise.hpp"
#include "core/device/cuda/launch.cuh"
#include "core/device/cuda/staged.hpp"

namespace strata {

template <class T>
void CudaDevice<T>::scatter_add_columns(ConstView<T> x, std::span<const Scatter<T>> scatters, View<T> y) {
  if (scatters.empty()) return;
  const auto staged = gpu::stage_grouped(staging_, grouping_, scatters, y.cols, false, [](const Scatter<T>& s) { return s.target; });
  gpu::elements("scatter_add_columns", stream_, y.rows, staged.count, gpu::ScatterColumns<T>{x, staged.items, staged.groups, y});
}

template <class T>
void CudaDevice<T>::add_entries(std::span<const Entry<T>> entries, ConstView<T> weight, View<T> y) {
  if (entries.empty()) return;
  const auto staged = gpu::stage_grouped(staging_, grouping_, entries, y.cols, false, [](const Entry<T>& e) { return e.col; });
  gpu::add_groups("add_entries", stream_, gpu::AddEntries<T>{staged.items, staged.groups, weight, y}, staged.count);
}

template <class T>
void CudaDevice<T>::dot_entries(T scale, std::span<const Entry<T>> entries, ConstView<T> x, View<T> gradient) {
  if (entries.empty()) return;
  const auto staged = gpu::stage_grouped(staging_, grouping_, entries, x.rows, false, [](const Entry<T>& e) { return e.row; });
  constexpr Index few = 32;  // a warp per row
  gpu::reduce("dot_entries", stream_, staged.count, few, gpu::DotEntries<T>(scale, staged.items, staged.groups, x, gradient));
}

template <class T>
void CudaDevice<T>::read_entries(ConstView<T> x, std::span<const Entry<T>> entries, std::span<T> out) const {
  if (entries.empty()) return;
  const std::size_t bytes = entries.size() * sizeof(T);
  landing_.grow(bytes, stream_);
  T* device = nullptr;
  gpu::require(cudaHostGetDevicePointer(reinterpret_cast<void**>(&device), landing_.as<void>(), 0), "cudaHostGetDevicePointer");
  gpu::elements("read_entries", stream_, static_cast<Index>(entries.size()), 1,
                gpu::ReadEntries<T>{x, gpu::stage(staging_, entries), device});
  stream_.synchronize();
  std::memcpy(out.data(), landing_.as<T>(), bytes);
}

#define STRATA_INSTANTIATE(T)                                                                           \
  template void CudaDevice<T>::scatter_add_columns(ConstView<T>, std::span<const Scatter<T>>, View<T>); \
  template void CudaDevice<T>::add_entries(std::span<const Entry<T>>, ConstView<T>, View<T>);           \
  template void CudaDevice<T>::dot_entries(T, std::span<const Entry<T>>, ConstView<T>, View<T>);        \
  template void CudaDevice<T>::read_entries(ConstView<T>, std::span<const Entry<T>>, std::span<T>) const;
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)
#undef STRATA_INSTANTIATE

}  // namespace strata
