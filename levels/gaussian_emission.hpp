#pragma once
// The emission of a lowest level that shows numbers: y = b + c_0 + noise.
//
// Equations   rho = pi_y (y - b - c_0),  energy pi_y/2 |y - b - c_0|^2,  db = rho under the forecast
//             surprise = -ln N(y; b + c_0, v) under the forecast, v the running mean of its squared error
//             learn_noise: 1 / pi_y <- running mean of (y - b - c_0)^2 as settled plus the posterior variance of c_0
// Symbols     b channels x 1, in units of y; 1 / pi_y, v its square; c_0, rho channels x B; surprise B x 1, nats
// Discretisation  v over `window` observations of all streams together, its first value counts as 10
// Limit       c_0 = 0: the surprise is the entropy of a Gaussian of y's variance
// Source      linear-Gaussian observation of a Kalman filter
//
// The counterpart of levels/emission.hpp for worlds of numbers; the same phases.

#include <vector>

#include "core/level.hpp"

namespace strata {

template <class T>
class GaussianEmission {
 public:
  GaussianEmission() = default;
  GaussianEmission(Device<T>& device, Index channels, Index streams, double noise, bool learn_noise);

  void forecast(ConstView<T> stream);
  /// Throws DataError for a number that is none.
  void observe(const Step<T>& step);
  void emit(ConstView<T> stream) { score(stream, rho_, loss_); }
  void add_energy(View<T> energy) { device_->axpby(T(1), loss_, T(1), energy); }
  void keep();
  void restore(ConstView<T> mask);
  /// `spread`: posterior variance of c_0, channels x B.
  void learn(const Step<T>& step, ConstView<T> spread);
  void accumulate(T scale, bool learning);

  ConstView<T> rho() const { return rho_.view(); }              ///< channels x B; 0 in idle streams
  ConstView<T> surprise() const { return surprise_.view(); }    ///< nats, B x 1
  ConstView<T> precision() const { return precision_.view(); }  ///< pi_y in active streams, 0 elsewhere, channels x B

  /// -ln N(y; b + stream, v) per stream, nats.
  void score_with_stream(const Step<T>& step, ConstView<T> stream, View<T> loss);
  /// energy += pi_y/2 |y - b - stream|^2 with present weights.
  void held_energy(ConstView<T> stream, View<T> energy);
  void visit_weights(const std::function<void(Weight<T>&)>& visit) { visit(bias_); }
  void archive_parameters(Archive& archive);
  void archive_state(Archive& archive);
  void reset_state();

 private:
  void read(const Step<T>& step);
  void score(ConstView<T> stream, View<T> error, View<T> loss);
  void surprise_of(ConstView<T> stream, View<T> loss);

  Device<T>* device_ = nullptr;
  Weight<T> bias_;
  bool learn_noise_ = false;
  double seen_ = 0;
  std::vector<double> variance_, noise_;  // v; 1 / pi_y
  Tensor<T> forecast_, y_, rho_, scored_, kept_rho_, error_sum_, precision_, work_;
  Tensor<T> surprise_, loss_, kept_loss_;
  std::vector<std::uint8_t> active_;
  std::vector<T> host_, host2_;
};

}  // namespace strata
