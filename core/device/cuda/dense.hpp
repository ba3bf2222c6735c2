#pragma once
// The dense chain of the cuda device: Device::settle_dense as one CUDA graph.
//
// A step of a small network is many short kernels, and launching them takes longer than they do. The chain is therefore launched kernel by
// kernel the first time it is met (libraries load, algorithms are chosen), captured the second time, and from then on replayed: one launch. A
// layer's message and step depend on no other layer's of the same step, and neither do the errors, so in the graph they lie side by side.
// The product with the clamped input is computed once.

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "core/device/cuda/product.hpp"
#include "core/device/cuda/runtime.hpp"
#include "core/device/device.hpp"

namespace strata::gpu {

template <class T>
class DenseChains {
 public:
  void settle(const Stream& stream, Products& products, void* workspace, Activation activation, Index steps, T rate, ConstView<T> input,
              std::span<const DenseLayer<T>> layers);

 private:
  struct Chain;    // a call met before, and its graph
  class Launches;  // the kernels of one call, on one stream or on branches of it
  static constexpr std::size_t most_chains = 16, branches = 3;

  Chain& find(const Stream& stream, Activation activation, Index steps, T rate, ConstView<T> input, std::span<const DenseLayer<T>> layers);
  void capture(const Stream& stream, Products& products, void* workspace, Chain& chain);

  std::vector<std::unique_ptr<Chain>> chains_;
  std::uint64_t calls_ = 0;
  std::array<Stream, branches> beside_;
  std::array<Memory, branches> workspaces_;
};

/// Everything that a call is made of: where it is the same again, so is its graph.
template <class T>
struct DenseChains<T>::Chain {
  Activation activation{};
  Index steps = 0;
  T rate = 0;
  ConstView<T> input;
  std::vector<DenseLayer<T>> layers;
  std::uint64_t used = 0;
  bool warm = false, captures = true;   ///< met before; not tried again where capturing failed
  Memory mu;                            ///< of the first layer
  std::vector<Memory> messages, rests;  ///< of every hidden layer; x - b of every layer from the second on
  cudaGraphExec_t graph = nullptr;

  Chain() = default;
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  ~Chain() {
    if (graph != nullptr) ignore(cudaGraphExecDestroy(graph));
  }
};

}  // namespace strata::gpu
