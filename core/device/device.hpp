#pragma once
// The seam. Levels are written once, against this interface; a device is small and matrix-sized.
//
// Primitives are pure virtual. Each fused step has a default body in device.cpp composed from the primitives alone:
// that composition is its specification and the oracle of the conformance test; fast devices override it.
// Views are column-major, units x batch (core/tensor.hpp); "per stream" vectors are B x 1, "per unit" vectors n x 1.
// Outputs never alias inputs unless the operation says "in place". Nothing of a device's own allocates once shapes have been met, but for
// default bodies.
// Host spans (ids, entries) are read before the call returns.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.hpp"

namespace strata {

/// One element of a sparse matrix with a value.
template <class T>
struct Entry {
  std::int32_t row, col;
  T value;
};

/// One column of a scatter: target column of the destination += scale * source column.
template <class T>
struct Scatter {
  std::int32_t target, source;
  T scale;
};

enum class Unary { exp, log, tanh, square, sqrt, reciprocal, logistic, relu, positive };  // positive: 1 where x > 0, else 0

/// What a dense layer makes of its value nodes.
enum class Activation { tanh, relu };

/// One layer of a chain of dense layers, each predicted by the one before it: mu_l = W_l f(x_(l-1)) + b_l.
template <class T>
struct DenseLayer {
  ConstView<T> weight;  ///< W_l, n_l x n_(l-1)
  ConstView<T> bias;    ///< b_l, n_l x 1
  View<T> x;            ///< x_l, n_l x B: written, but for the last layer's, which is clamped
  View<T> f;            ///< f(x_l), n_l x B, written; not used of the last layer
  View<T> e;            ///< x_l - mu_l, n_l x B, written
};

/// A part of a softmax layer's logits, W' x, and what comes back of it.
template <class T>
struct SoftmaxPart {
  ConstView<T> weight;  ///< W, n x V
  ConstView<T> x;       ///< n x B
  View<T> mean;         ///< W p, n x B; asked for where it has data
};

/// Coefficients of one Adam step (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019).
struct AdamStep {
  double rate = 0, beta1 = .9, beta2 = .999, epsilon = 1e-8, decay = 0;
  std::int64_t count = 1;  ///< how many updates this weight has seen, this one included
};

/// Which random number: bits are a pure function of these and of the element's (row, column).
struct RandomKey {
  std::uint64_t seed = 0, step = 0;
  std::uint32_t level = 0, purpose = 0;
};

template <class T>
class Device {
 public:
  virtual ~Device() = default;
  virtual std::string name() const = 0;  ///< "reference", "cpu", "check", ...
  virtual std::string isa() const = 0;   ///< instruction set in use, as recorded in every result

  // --- memory
  virtual T* allocate(Index elements) = 0;  ///< 64-byte aligned, zeroed; throws DeviceError when there is none
  virtual void release(T* data, Index elements) noexcept = 0;
  virtual void upload(std::span<const T> host, View<T> to) = 0;  ///< host is dense column-major, rows*cols
  virtual void download(ConstView<T> from, std::span<T> host) const = 0;
  /// Waits until everything asked for so far is done; who measures time asks for it, download() and read_entries() need not.
  virtual void synchronize() const {}

  // --- primitives
  virtual void fill(View<T> y, T value) = 0;
  virtual void copy(ConstView<T> x, View<T> y) = 0;
  /// C = alpha op(A) op(B) + beta C; C is not read where beta = 0.
  virtual void gemm(bool transpose_a, bool transpose_b, T alpha, ConstView<T> a, ConstView<T> b, T beta, View<T> c) = 0;
  virtual void map(Unary f, ConstView<T> x, View<T> y) = 0;                      ///< y = f(x); in place allowed
  virtual void axpby(T alpha, ConstView<T> x, T beta, View<T> y) = 0;            ///< y = alpha x + beta y; y is not read where beta = 0
  virtual void multiply(ConstView<T> a, ConstView<T> b, View<T> y) = 0;          ///< y = a .* b; y may be a or b
  virtual void add_scalar(T value, View<T> y) = 0;                               ///< y += value
  virtual void scale_columns(ConstView<T> per_stream, View<T> y) = 0;            ///< y(:,j) *= per_stream(j)
  virtual void add_to_columns(T alpha, ConstView<T> per_stream, View<T> y) = 0;  ///< y(:,j) += alpha per_stream(j)
  virtual void add_to_rows(T alpha, ConstView<T> per_unit, View<T> y) = 0;       ///< y(i,:) += alpha per_unit(i)
  virtual void scale_rows(ConstView<T> per_unit, View<T> y) = 0;                 ///< y(i,:) *= per_unit(i)
  virtual void column_sum(ConstView<T> x, View<T> per_stream) = 0;
  virtual void column_max(ConstView<T> x, View<T> per_stream) = 0;
  /// per_unit = alpha sum_j x(:,j) weight(j) + beta per_unit.
  virtual void row_sum(T alpha, ConstView<T> x, ConstView<T> weight, T beta, View<T> per_unit) = 0;
  /// y(:,j) = x(:,ids[j]).
  virtual void gather_columns(ConstView<T> x, std::span<const std::int32_t> ids, View<T> y) = 0;
  /// y(:,s.target) += s.scale x(:,s.source) for every s, in order.
  virtual void scatter_add_columns(ConstView<T> x, std::span<const Scatter<T>> scatters, View<T> y) = 0;
  /// y(:,j) = x(:,j) where mask(j) != 0; other columns of y are kept.
  virtual void select_columns(ConstView<T> mask, ConstView<T> x, View<T> y) = 0;
  /// y(e.row, e.col) += e.value * (weight.data ? weight(e.row) : 1) for every e, in order.
  virtual void add_entries(std::span<const Entry<T>> entries, ConstView<T> weight, View<T> y) = 0;
  /// gradient(e.row) += scale e.value x(e.row, e.col) for every e, in order.
  virtual void dot_entries(T scale, std::span<const Entry<T>> entries, ConstView<T> x, View<T> gradient) = 0;
  /// out[i] = x(e.row, e.col) for the i-th entry (its value is not used); to the host.
  virtual void read_entries(ConstView<T> x, std::span<const Entry<T>> entries, std::span<T> out) const = 0;
  /// y = 1/(1-rate) with probability 1-rate, else 0 (inverted dropout), element by element from `key` (core/random.hpp).
  virtual void dropout_mask(double rate, RandomKey key, View<T> y) = 0;

  /// A vector of ones, count x 1: the weights of a plain row_sum. Grows once, then is reused.
  ConstView<T> ones(Index count);

  // --- fused steps: default bodies in device.cpp
  /// e = precision (x - mu).  energy(j) += precision/2 |x - mu|^2 over units, nats.
  virtual void prediction_error(T precision, ConstView<T> x, ConstView<T> mu, View<T> e, View<T> energy);
  /// x(:,j) += step(j) [ mu - x + (1 - f^2) .* message / precision ](:,j), then f = tanh(x). x, f in place.
  virtual void relax_step(T precision, ConstView<T> mu, ConstView<T> message, ConstView<T> step, View<T> x, View<T> f);
  /// y = W x + b 1' (b may be empty) + beta y.
  virtual void affine(ConstView<T> w, ConstView<T> x, ConstView<T> b, T beta, View<T> y);
  /// Targets q(:,j) are sparse columns (entries sorted by column) of mass m(j) = 1, or 0 for a masked column.
  /// error = q - m softmax(logits), loss(j) = m lse(logits) - sum q logits, nats. error may be logits (in place).
  virtual void softmax_cross_entropy(ConstView<T> logits, std::span<const Entry<T>> targets, View<T> error, View<T> loss);
  /// log p(:,j) statistics of softmax(logits): normaliser(j) = log sum exp; entropy(j); divergence(j) = KL(p || background), nats.
  /// background holds log probabilities, V x 1.
  virtual void softmax_summary(ConstView<T> logits, ConstView<T> background, View<T> normaliser, View<T> entropy, View<T> divergence);
  /// normaliser(j) = log sum_i exp logits(i,j).
  virtual void log_sum_exp(ConstView<T> logits, View<T> normaliser);
  /// p = softmax(logits) with logits = sum of W' x over the parts + bias (V x 1, may be empty) + extra, in the streams named by `columns`
  /// (rising); other streams are left as they are. normaliser(j) = log sum exp of logits(:,j), nats; W p of each part that asks for it; p
  /// of these streams side by side, V x columns, where `probability` has data.
  /// `version` names what the weights hold (next_version()): a device may keep what it made of them as long as it stays; 0 names nothing.
  virtual void softmax_layer(std::span<const SoftmaxPart<T>> parts, ConstView<T> bias, std::span<const Entry<T>> extra,
                             std::span<const std::int32_t> columns, std::uint64_t version, View<T> normaliser, View<T> probability);
  /// Unit-variance leaky integrator: h(:,j) = decay(j) h(:,j) + gain active(j) s(:,j) in active columns, unchanged elsewhere.
  virtual void leaky_integrate(ConstView<T> decay, T gain, ConstView<T> active, ConstView<T> s, View<T> h);
  /// Settles a chain of dense layers between its input f(x_0), n_0 x B, and the clamped x of its last layer. From x_l = mu_l, `steps` times
  /// all hidden layers at once: x_l += rate [ f'(x_l) .* W_(l+1)' e_(l+1) - e_l ]; x, f, e as they then are.
  virtual void settle_dense(Activation activation, Index steps, T rate, ConstView<T> input, std::span<const DenseLayer<T>> layers);
  /// gradient += scale error activity'.  (units_out x units_in)
  virtual void outer_product(T scale, ConstView<T> error, ConstView<T> activity, View<T> gradient);
  /// One Adam ascent step along `gradient` (which points downhill in loss: error x activity), then gradient = 0.
  virtual void adam(const AdamStep& step, View<T> gradient, View<T> first_moment, View<T> second_moment, View<T> weight);

 protected:
  /// Scratch for default bodies: grows once per slot, then is reused.
  View<T> scratch(int slot, Index rows, Index cols);
  /// The same on the host, one buffer; content does not survive the next call.
  std::span<T> host_scratch(Index elements);
  /// Every concrete device calls this in its destructor, while its release() still exists.
  void release_scratch() noexcept {
    scratch_.clear();
    ones_ = Tensor<T>();
  }

 private:
  std::vector<Tensor<T>> scratch_;
  Tensor<T> ones_;
  std::vector<T> host_scratch_;
};

/// A number that names a state of some weights; never 0, never the same twice.
std::uint64_t next_version();

struct DeviceOptions {
  std::string name = "cpu";  ///< reference | cpu | cuda | check
  std::string isa = "auto";  ///< auto | x86-64-v2 | x86-64-v3 | x86-64-v4
  int threads = 0;           ///< 0: all hardware threads
  /// Of softmax layers, sums stay float: float | bfloat16 | tf32 (cuda) | auto: bfloat16 where the processor has it.
  std::string products = "float";
  std::string checked = "cpu";  ///< what `check` compares with the reference: cpu | cuda
};

/// Makes a device; throws DeviceError (absent), ConfigError (unknown name or isa).
template <class T>
std::unique_ptr<Device<T>> make_device(const DeviceOptions& options);

struct DeviceDescription {
  std::string name, summary;
  bool available;
};
/// What `strata devices` prints.
std::vector<DeviceDescription> list_devices();

// --- Tensor, which needs a complete Device

/// Elements from column to column: whole 64-byte lines, and one more where columns would lie whole pages apart and share their sets of the caches.
inline Index leading(Index rows, Index cols, std::size_t element) {
  const auto line = static_cast<Index>(64 / element);
  if (rows == 1) return 1;
  const Index whole = (rows + line - 1) / line * line;
  return cols > 1 && whole % (64 * line) == 0 ? whole + line : whole;
}

template <class T>
Tensor<T>::Tensor(Device<T>& device, Index rows, Index cols) : device_(&device) {
  view_.rows = rows;
  view_.cols = cols;
  view_.ld = leading(rows, cols, sizeof(T));
  if (rows * cols > 0) view_.data = device.allocate(view_.ld * cols);
}

template <class T>
Tensor<T>::~Tensor() {
  if (view_.data != nullptr) device_->release(view_.data, view_.ld * view_.cols);
}

}  // namespace strata
