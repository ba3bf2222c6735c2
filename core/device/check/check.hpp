#pragma once
// The device that doubts: every call runs on a tested device and on a second one, from the same inputs, and the outputs are compared.
//
// Tolerance  |tested - expected| <= epsilon (absolute + relative |expected|), epsilon the spacing of T at 1, element by element.
//            Each operation in operations.cpp states `absolute` from the size of the terms it adds (n roundings of partial sums,
//            which wander to sqrt(n) m for n terms as large as m, add up to about sqrt(n) sqrt(n) m) and `relative` from the
//            functions it evaluates. Moves and masks must agree to the bit.
//            NaN agrees with NaN and infinity with itself.
// Tensors live on the tested device; the second one works on copies. Inputs must come out unchanged.

#include <functional>
#include <initializer_list>

#include "core/device/device.hpp"

namespace strata {

template <class T>
class CheckDevice : public Device<T> {
 public:
  /// `expected` must be a device whose memory the host can read.
  CheckDevice(std::unique_ptr<Device<T>> tested, std::unique_ptr<Device<T>> expected);
  ~CheckDevice() override;
  CheckDevice(const CheckDevice&) = delete;
  CheckDevice& operator=(const CheckDevice&) = delete;

  std::string name() const override { return "check"; }
  std::string isa() const override { return tested_->isa(); }

  T* allocate(Index elements) override { return tested_->allocate(elements); }
  void release(T* data, Index elements) noexcept override { tested_->release(data, elements); }
  void upload(std::span<const T> host, View<T> to) override;
  void download(ConstView<T> from, std::span<T> host) const override { tested_->download(from, host); }
  void synchronize() const override { tested_->synchronize(); }

  // Every operation below throws DeviceError with its name, the shapes and the largest difference where the devices disagree.
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
  void affine(ConstView<T> w, ConstView<T> x, ConstView<T> b, T beta, View<T> y) override;
  void softmax_cross_entropy(ConstView<T> logits, std::span<const Entry<T>> targets, View<T> error, View<T> loss) override;
  void softmax_summary(ConstView<T> logits, ConstView<T> background, View<T> normaliser, View<T> entropy, View<T> divergence) override;
  void log_sum_exp(ConstView<T> logits, View<T> normaliser) override;
  void softmax_layer(std::span<const SoftmaxPart<T>> parts, ConstView<T> bias, std::span<const Entry<T>> extra,
                     std::span<const std::int32_t> columns, std::uint64_t version, View<T> normaliser, View<T> probability) override;
  void leaky_integrate(ConstView<T> decay, T gain, ConstView<T> active, ConstView<T> s, View<T> h) override;
  void settle_dense(Activation activation, Index steps, T rate, ConstView<T> input, std::span<const DenseLayer<T>> layers) override;
  void outer_product(T scale, ConstView<T> error, ConstView<T> activity, View<T> gradient) override;
  void adam(const AdamStep& step, View<T> gradient, View<T> first_moment, View<T> second_moment, View<T> weight) override;

  Device<T>& tested() { return *tested_; }

 private:
  struct Tolerance {
    double absolute = 0, relative = 0;
  };
  /// A view of the tested device and its copy on the second one.
  struct Mirror {
    ConstView<T> original;
    std::vector<T> before;  ///< dense host copy from before the call
    View<T> copy;
    double largest = 0;  ///< of |before|, finite elements
  };
  using Call = std::function<void(Device<T>&, const std::vector<ConstView<T>>& in, const std::vector<View<T>>& out)>;
  /// Largest magnitudes of the inputs and of the outputs before the call -> tolerance of all outputs.
  using Bound = std::function<Tolerance(const std::vector<double>& in, const std::vector<double>& out)>;

  void compare(const std::string& operation, const std::vector<ConstView<T>>& inputs, const std::vector<View<T>>& outputs, const Call& call,
               const Bound& bound);
  Mirror mirror(ConstView<T> view, std::size_t slot, const std::vector<Mirror>& earlier);
  void verify(const std::string& operation, const std::string& shapes, const Mirror& output, Tolerance tolerance);

  std::unique_ptr<Device<T>> tested_, expected_;
  std::vector<Tensor<T>> copies_;  ///< on the second device, one per operand, grown as needed
};

}  // namespace strata
