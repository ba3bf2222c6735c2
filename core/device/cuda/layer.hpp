#pragma once
// The softmax layer of the cuda device: Device::softmax_layer in seven launches.
//
// The weights of all parts lie in one matrix, units x V, made once per version in the numbers that products multiply; beside it the layer's
// scratch. Products are always those of all B streams, so that a stream's bits do not depend on which others read; units and outcomes are
// rounded up to eights, and what lies beyond is zero and stays so.

#include <memory>
#include <span>
#include <vector>

#include "core/device/cuda/product.hpp"
#include "core/device/cuda/runtime.hpp"
#include "core/device/cuda/sparse.hpp"
#include "core/device/device.hpp"

namespace strata::gpu {

/// What a call works with.
struct Hands {
  const Stream& stream;
  Products& products;
  Staging& staging;
  Grouping& grouping;
  void* workspace;
};

template <class T>
class SoftmaxLayers {
 public:
  /// The arguments of Device::softmax_layer.
  struct Call {
    Numbers numbers;
    std::span<const SoftmaxPart<T>> parts;
    ConstView<T> bias;
    std::span<const Entry<T>> extra;
    std::span<const std::int32_t> columns;
    std::uint64_t version;
    View<T> normaliser, probability;
  };
  void run(const Hands& hands, const Call& call);

 private:
  struct Kept;
  static constexpr std::size_t most_kept = 8;

  Kept& find(std::span<const SoftmaxPart<T>> parts);
  template <class S>
  void compute(const Hands& hands, const Call& call, Kept& layer);
  /// f(part, its first row among those of all parts).
  template <class F>
  static void each_part(std::span<const SoftmaxPart<T>> parts, const F& f) {
    Index first = 0;
    for (const SoftmaxPart<T>& part : parts) {
      f(part, first);
      first += part.weight.rows;
    }
  }

  std::vector<std::unique_ptr<Kept>> kept_;
  std::uint64_t calls_ = 0;
};

/// A layer met before: its weights, and the memory that it works in.
template <class T>
struct SoftmaxLayers<T>::Kept {
  std::vector<ConstView<T>> weights;
  Index streams = 0, units = 0, outcomes = 0;  ///< units and outcomes in whole eights
  std::uint64_t version = 0, used = 0;
  Memory stacked, inputs, logits, probabilities, means, sums;
};

}  // namespace strata::gpu
