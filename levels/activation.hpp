#pragma once
// Sparse activation: at a tick a level computes only in the streams where the error that reached it passes a threshold.
//
// Equation    E = Mo' sum rho + sum feedback, over the k tokens since the stream's level last computed
//             it computes where  |E| >= theta u sqrt(tick);   u: slow mean of |E| / sqrt(k) over the stream's own ticks
//             whatever E: at a document's end, at a forced tick, and where u is not known yet
// Symbols     E n x B, nats per unit of activity; theta threshold, of what usual errors add up to in a window of the nominal `tick` tokens
// Discretisation  a tick that is left out changes nothing: errors go on adding up, so that the next one taken answers for all of them
//             products take the streams that compute side by side, in blocks of one width: a stream's bits do not depend on who else does
// Limit       white errors: |E| grows as sqrt(k), a level computes once in theta^2 ticks; theta = 0: always
// Source      send-on-delta (Miskowicz 2006); O'Connor & Welling 2017 (sums of differences between layers)

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "core/archive.hpp"
#include "core/device/device.hpp"

namespace strata {

inline bool any(std::span<const std::uint8_t> flags) {
  return std::any_of(flags.begin(), flags.end(), [](auto flag) { return flag != 0; });
}

/// Which streams' errors pass.
class TickThreshold {
 public:
  TickThreshold(double threshold, Index tick, Index streams);

  bool on() const { return threshold_ > 0; }
  /// A tick of `stream`: `size` |E| of the `tokens` since it last computed. True where it passes.
  bool passes(std::size_t stream, double size, std::int64_t tokens);
  void archive_state(Archive& archive);
  void reset();

 private:
  double threshold_, tick_;
  std::vector<double> usual_;        // u
  std::vector<std::int64_t> ticks_;  // that u is a mean of
};

/// Products with a level's weights and what they cost: of all streams at once, or (sparse) of those alone that compute.
template <class T>
class ActiveProducts {
 public:
  /// `rows`: of the tallest matrix on either side of a product.
  ActiveProducts(Device<T>& device, bool sparse, Index rows);

  /// y(:,j) = op(W) x(:,j) + beta y(:,j) in active streams, beta 0 or 1. Elsewhere, where sparse, y is kept, or 0 with beta = 0.
  /// Where nobody is active nothing is multiplied.
  void multiply(bool transpose, ConstView<T> w, ConstView<T> x, T beta, View<T> y, std::span<const std::uint8_t> active);
  /// y = W x + b 1' in the same streams.
  void affine(ConstView<T> w, ConstView<T> x, ConstView<T> b, View<T> y, std::span<const std::uint8_t> active);
  /// gradient += scale error activity'.
  void outer(T scale, ConstView<T> error, ConstView<T> activity, View<T> gradient);

  double operations() const { return operations_; }  ///< multiply-adds since reset()
  void archive_state(Archive& archive) { archive.value("operations", operations_); }
  void reset() { operations_ = 0; }
  void set_counting(bool on) { counting_ = on; }

 private:
  void count(ConstView<T> w, Index columns) {
    if (counting_) operations_ += static_cast<double>(w.rows * w.cols * columns);
  }

  Device<T>& device_;
  bool sparse_;
  Tensor<T> in_, out_;
  std::vector<std::int32_t> columns_;
  double operations_ = 0;
  bool counting_ = true;
};

}  // namespace strata
