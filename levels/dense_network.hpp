#pragma once
// The classic predictive-coding network: dense layers between an input and a target, both clamped.
//
// Equations   mu_l = W_l f(x_(l-1)) + b_l,   e_l = x_l - mu_l,   F = 1/2 sum_l |e_l|^2,   l = 1 .. L;  f(x_0) the input, x_L the target
//             settling   x_l = mu_l, then T times all hidden layers at once: x_l += rate [ f'(x_l) .* W_(l+1)' e_(l+1) - e_l ]
//             learning   W_l += (eta / B) e_l f(x_(l-1))',  b_l += (eta / B) e_l 1: down the slope of F, mean over samples
// Symbols     n_0 .. n_L units, B samples side by side; x, mu, e n_l x B; W_l n_l x n_(l-1); f tanh or max(x, 0)
// Discretisation  T steps of one size, as published networks of this kind take them; nothing is accepted or stopped
// Limit       as T grows F's minimum, dF/dx = 0 (tests/gradient/dense_network.cpp)
// Source      Whittington & Bogacz 2017, Neural Computation 29; Rao & Ballard 1999

#include <vector>

#include "core/weight.hpp"

namespace strata {

struct DenseNetworkSettings {
  std::vector<Index> units{784, 256, 256, 10};  ///< n_0 .. n_L
  Activation activation = Activation::tanh;
  Index steps = 20;            ///< T
  double rate = .1;            ///< of settling
  double learning_rate = .05;  ///< eta
};

/// Floating-point operations that settling and one update of the weights need per sample, the clamped input's product once.
double dense_operations(const DenseNetworkSettings& settings);

template <class T>
class DenseNetwork {
 public:
  /// W_l ~ N(0, 1/n_(l-1)) (twice that for max(x, 0)), b_l = 0. Throws ShapeError for fewer than two layers or a layer without units.
  DenseNetwork(Device<T>& device, const DenseNetworkSettings& settings, Index samples, std::uint64_t seed);

  /// Settles between `input` f(x_0), n_0 x B, and `target`, n_L x B. Throws ShapeError.
  void settle(ConstView<T> input, ConstView<T> target);
  /// One step of the weights along the errors as settled; `input` as given to settle.
  void learn(ConstView<T> input);
  /// mu_L without a target, n_L x B: one pass upwards.
  ConstView<T> predict(ConstView<T> input);
  /// F per sample, nats, as settled; mean over samples.
  double free_energy();

  Index layers() const { return static_cast<Index>(weights_.size()); }
  ConstView<T> belief(Index layer) const { return x_[static_cast<std::size_t>(layer)].view(); }  ///< x_(layer+1)
  ConstView<T> error(Index layer) const { return e_[static_cast<std::size_t>(layer)].view(); }   ///< e_(layer+1)
  Weight<T>& weight(Index layer) { return weights_[static_cast<std::size_t>(layer)]; }
  Weight<T>& bias(Index layer) { return biases_[static_cast<std::size_t>(layer)]; }
  void archive_parameters(Archive& archive);

 private:
  Device<T>& device_;
  DenseNetworkSettings settings_;
  Index samples_;
  std::vector<Weight<T>> weights_, biases_;
  std::vector<Tensor<T>> x_, f_, e_;
  std::vector<DenseLayer<T>> chain_;
  Tensor<T> squares_, sums_;
};

}  // namespace strata
