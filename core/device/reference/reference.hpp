#pragma once
// The reference device: every primitive as Eigen or a plain loop says it, serial, in the order written. Fused steps are the
// default bodies of Device. It is what other devices are compared with, and what runs in double for the gradient tests.

#include "core/device/device.hpp"

namespace strata {

template <class T>
class ReferenceDevice : public Device<T> {
 public:
  ReferenceDevice();
  ~ReferenceDevice() override;
  ReferenceDevice(const ReferenceDevice&) = delete;
  ReferenceDevice& operator=(const ReferenceDevice&) = delete;

  std::string name() const override { return "reference"; }
  std::string isa() const override;

  T* allocate(Index elements) override;
  void release(T* data, Index elements) noexcept override;
  void upload(std::span<const T> host, View<T> to) override;
  void download(ConstView<T> from, std::span<T> host) const override;

  void fill(View<T> y, T value) override;
  void copy(ConstView<T> x, View<T> y) override;
  void gemm(bool transpose_a, bool transpose_b, T alpha, ConstView<T> a, ConstView<T> b, T beta, View<T> c) override;
  void map(Unary f, ConstView<T> x, View<T> y) override;
  void axpby(T alpha, ConstView<T> x, T beta, View<T> y) override;
  void multiply(ConstView<T> a, ConstView<T> b, View<T> y) override;
  void add_scalar(T value, View<T> y) override;
  void scale_columns(ConstView<T> per_stream, View<T> y) override;
  void add_to_columns(T alpha, ConstView<T> per_stream, View<T> y) override;
  void add_to_rows(T alpha, ConstView<T> per_unit, View<T> y) override;
  void scale_rows(ConstView<T> per_unit, View<T> y) override;
  void column_sum(ConstView<T> x, View<T> per_stream) override;
  void column_max(ConstView<T> x, View<T> per_stream) override;
  void row_sum(T alpha, ConstView<T> x, ConstView<T> weight, T beta, View<T> per_unit) override;
  void gather_columns(ConstView<T> x, std::span<const std::int32_t> ids, View<T> y) override;
  void scatter_add_columns(ConstView<T> x, std::span<const Scatter<T>> scatters, View<T> y) override;
  void select_columns(ConstView<T> mask, ConstView<T> x, View<T> y) override;
  void add_entries(std::span<const Entry<T>> entries, ConstView<T> weight, View<T> y) override;
  void dot_entries(T scale, std::span<const Entry<T>> entries, ConstView<T> x, View<T> gradient) override;
  void read_entries(ConstView<T> x, std::span<const Entry<T>> entries, std::span<T> out) const override;
  void dropout_mask(double rate, RandomKey key, View<T> y) override;
};

}  // namespace strata
