#pragma once
// The device that runs by default: oneDNN products and vector kernels over oneTBB threads. What is not overridden is the
// reference's, memory included: both live on the host. Same bits for any number of threads (see workers.hpp).

#include "core/device/cpu/dense.hpp"
#include "core/device/cpu/isa.hpp"
#include "core/device/cpu/softmax.hpp"
#include "core/device/cpu/workers.hpp"
#include "core/device/reference/reference.hpp"

namespace strata {

template <class T>
class CpuDevice : public ReferenceDevice<T> {
 public:
  /// Throws ConfigError (unknown isa), DeviceError (an isa that the processor lacks, or a second one in this process).
  explicit CpuDevice(const DeviceOptions& options);

  std::string name() const override { return "cpu"; }
  std::string isa() const override { return set_.level + (brief_ ? std::string(" bfloat16") : ""); }

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
  static constexpr double call_work = 3;  ///< nanoseconds of one kernel call

  /// f(first row, rows, column) over a rows x cols rectangle; `contiguous` says that all views are dense, so that it is one long column.
  template <class F>
  void for_elements(Index rows, Index cols, double element_work, bool contiguous, const F& f) {
    if (contiguous || cols == 1) {
      constexpr Index line = 64;  // pieces start at whole cache lines
      const Index elements = rows * cols;
      workers_.for_items((elements + line - 1) / line, element_work * line,
                         [&](Index first, Index count) { f(first * line, std::min(count * line, elements - first * line), Index(0)); });
    } else {
      for_columns(rows, cols, element_work, [&](Index j) { f(Index(0), rows, j); });
    }
  }
  /// f(column) for every column.
  template <class F>
  void for_columns(Index rows, Index cols, double element_work, const F& f) {
    workers_.for_items(cols, element_work * static_cast<double>(rows) + call_work, [&](Index first, Index count) {
      for (Index j = first; j < first + count; ++j) f(j);
    });
  }
  /// One block of C by one thread.
  void block_product(bool transpose_a, bool transpose_b, T alpha, ConstView<T> a, ConstView<T> b, T beta, View<T> c);
  /// C with few elements and a long inner sum: partial products over fixed pieces of the sum, added in their order.
  void long_product(bool transpose_a, bool transpose_b, T alpha, ConstView<T> a, ConstView<T> b, T beta, View<T> c);

  const KernelSet& set_;
  const Kernels<T>& kernels_;
  Workers workers_;
  DenseChain dense_;
  SoftmaxLayer softmax_;
  bool brief_;  // products of softmax_layer in bfloat16
};

}  // namespace strata
