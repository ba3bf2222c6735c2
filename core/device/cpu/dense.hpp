#pragma once
// The dense chain of the cpu device, in float: what makes its products run at the rate of the machine.
//
// Weights are packed once per call into oneDNN's own layout, as both of a step's products read them; a block of streams stays in cache
// through all steps and belongs to one thread; between two products of a layer stands one pass over its elements. The product with the
// clamped input is computed once.

#include <memory>
#include <span>

#include "core/device/cpu/kernels.hpp"
#include "core/device/cpu/workers.hpp"
#include "core/device/device.hpp"

namespace strata {

class DenseChain {
 public:
  DenseChain();
  ~DenseChain();
  DenseChain(const DenseChain&) = delete;
  DenseChain& operator=(const DenseChain&) = delete;

  /// Device::settle_dense. `message`, widest hidden layer x B, and `first`, n_1 x B, are scratch; `first` holds W_1 f(x_0). Allocates where
  /// shapes are new.
  void settle(Activation activation, Index steps, float rate, std::span<const DenseLayer<float>> layers, View<float> message,
              View<float> first, const Kernels<float>& kernels, Workers& workers);

 private:
  struct Products;
  std::unique_ptr<Products> products_;
};

}  // namespace strata
