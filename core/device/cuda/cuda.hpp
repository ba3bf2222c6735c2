#pragma once
// The cuda device: one NVIDIA graphics processor. Values, weights and beliefs stay in its memory; products are cuBLASLt's, everything else kernels
// of one pass. README.md beside this file says what each costs and in which order it adds.
//
// All calls go to one stream, in their order, and return at once; only download(), read_entries() and synchronize() wait. Host spans travel
// through pinned memory (Staging), so that they are free when the call returns.

#include "core/device/cuda/dense.hpp"
#include "core/device/cuda/layer.hpp"
#include "core/device/cuda/product.hpp"
#include "core/device/cuda/runtime.hpp"
#include "core/device/cuda/sparse.hpp"
#include "core/device/device.hpp"

namespace strata {

/// The graphics processor in use; made first, so that without one nothing else is tried.
struct CudaProcessor {
  /// Throws DeviceError where there is none, or none that this build has kernels for.
  CudaProcessor();
  std::string architecture;  ///< sm_90
};

template <class T>
class CudaDevice : public Device<T> {
 public:
  /// Throws DeviceError (no processor), ConfigError (products unknown).
  explicit CudaDevice(const DeviceOptions& options);
  ~CudaDevice() override;
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  std::string name() const override { return "cuda"; }
  std::string isa() const override;

  T* allocate(Index elements) override;
  void release(T* data, Index elements) noexcept override;
  void upload(std::span<const T> host, View<T> to) override;
  void download(ConstView<T> from, std::span<T> host) const override;
  void synchronize() const override { stream_.synchronize(); }

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

  void prediction_error(T precision, ConstView<T> x, ConstView<T> mu, View<T> e, View<T> energy) override;
  void relax_step(T precision, ConstView<T> mu, ConstView<T> message, ConstView<T> step, View<T> x, View<T> f) override;
  void softmax_cross_entropy(ConstView<T> logits, std::span<const Entry<T>> targets, View<T> error, View<T> loss) override;
  void softmax_summary(ConstView<T> logits, ConstView<T> background, View<T> normaliser, View<T> entropy, View<T> divergence) override;
  void log_sum_exp(ConstView<T> logits, View<T> normaliser) override;
  void softmax_layer(std::span<const SoftmaxPart<T>> parts, ConstView<T> bias, std::span<const Entry<T>> extra,
                     std::span<const std::int32_t> columns, std::uint64_t version, View<T> normaliser, View<T> probability) override;
  void leaky_integrate(ConstView<T> decay, T gain, ConstView<T> active, ConstView<T> s, View<T> h) override;
  void settle_dense(Activation activation, Index steps, T rate, ConstView<T> input, std::span<const DenseLayer<T>> layers) override;
  void adam(const AdamStep& step, View<T> gradient, View<T> first_moment, View<T> second_moment, View<T> weight) override;

 private:
  CudaProcessor processor_;
  gpu::Numbers numbers_;  // that the products of softmax layers multiply
  gpu::Stream stream_;
  gpu::Products products_;
  gpu::Memory workspace_;                  // of products on stream_
  mutable gpu::Staging staging_{stream_};  // read_entries() is const
  mutable gpu::Memory landing_{true};      // where what the host asks for arrives
  gpu::Grouping grouping_;
  gpu::SoftmaxLayers<T> softmax_;
  gpu::DenseChains<T> dense_;
};

}  // namespace strata
