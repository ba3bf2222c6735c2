#pragma once
// The softmax layer of the cpu device, in float: Device::softmax_layer in one pass over the outcomes.
//
// Outcomes are cut into tiles, streams into blocks. Of a tile a thread computes the logits, their exponentials relative to the tile's largest
// logit, their sum, and what the weights make of them, while they are in cache; the tiles' shares are then put together in their order.
// Weights are packed once per version, in both orientations.

#include <memory>
#include <span>

#include "core/device/cpu/kernels.hpp"
#include "core/device/cpu/workers.hpp"
#include "core/device/device.hpp"

namespace strata {

class SoftmaxLayer {
 public:
  SoftmaxLayer();
  ~SoftmaxLayer();
  SoftmaxLayer(const SoftmaxLayer&) = delete;
  SoftmaxLayer& operator=(const SoftmaxLayer&) = delete;

  /// Device::softmax_layer. `brief`: products of bfloat16, sums in float. Allocates where shapes are new.
  void run(std::span<const SoftmaxPart<float>> parts, ConstView<float> bias, std::span<const Entry<float>> extra,
           std::span<const std::int32_t> columns, std::uint64_t version, bool brief, View<float> normaliser, View<float> probability,
           const Kernels<float>& kernels, Workers& workers);

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

}  // namespace strata
