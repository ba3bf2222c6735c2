// The softmax layer; see layer.hpp and softmax.hpp.
//
// Equation  device.hpp, softmax_layer
// Floor     4 V (d + n) B operations with the means, 2 V (d + n) B without; V (d + n) numbers of weights read once or twice, V B logits written,
//           read twice, V B probabilities written and read

#include <algorithm>

#include "core/device/cuda/elementwise.hpp"
#include "core/device/cuda/launch.cuh"
#include "core/device/cuda/layer.hpp"
#include "core/device/cuda/softmax.hpp"
#include "core/device/cuda/staged.hpp"

namespace strata::gpu {
namespace {

Index eights(Index count) { return (count + 7) / 8 * 8; }

template <class T>
bool asked(std::span<const SoftmaxPart<T>> parts) {
  return std::any_of(parts.begin(), parts.end(), [](const SoftmaxPart<T>& part) { return part.mean.data != nullptr; });
}

}  // namespace

template <class T>
typename SoftmaxLayers<T>::Kept& SoftmaxLayers<T>::find(std::span<const SoftmaxPart<T>> parts) {
  const Index streams = parts[0].x.cols;
  const auto is = [&](const std::unique_ptr<Kept>& kept) {
    return kept->streams == streams && std::equal(kept->weights.begin(), kept->weights.end(), parts.begin(), parts.end(),
                                                  [](const ConstView<T>& a, const SoftmaxPart<T>& part) {
                                                    const ConstView<T>& b = part.weight;
                                                    return a.data == b.data && a.rows == b.rows && a.cols == b.cols && a.ld == b.ld;
                                                  });
  };
  auto found = std::find_if(kept_.begin(), kept_.end(), is);
  if (found == kept_.end()) {
    if (kept_.size() == most_kept)
      kept_.erase(std::min_element(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) { return a->used < b->used; }));
    auto kept = std::make_unique<Kept>();
    for (const SoftmaxPart<T>& part : parts) {
      kept->weights.push_back(part.weight);
      kept->units += part.weight.rows;
    }
    kept->streams = streams;
    kept->units = eights(kept->units);
    kept->outcomes = eights(parts[0].weight.cols);
    found = kept_.insert(kept_.end(), std::move(kept));
  }
  (*found)->used = ++calls_;
  return **found;
}

template <class T>
template <class S>
void SoftmaxLayers<T>::compute(const Hands& hands, const Call& call, Kept& layer) {
  const cudaStream_t stream = hands.stream;
  const Index outcomes = call.parts[0].weight.cols, count = static_cast<Index>(call.columns.size());
  const View<S> stacked = rectangle<S>(layer.stacked, layer.units, layer.outcomes, stream);
  const View<S> inputs = rectangle<S>(layer.inputs, layer.units, layer.streams, stream);
  const View<T> logits = rectangle<T>(layer.logits, layer.outcomes, layer.streams, stream);
  if (call.version == 0 || layer.version != call.version) {
    layer.version = 0;
    each_part(call.parts, [&](const SoftmaxPart<T>& part, Index first) {
      elements("softmax_layer", stream, part.weight.rows, outcomes, Pack<S, T>{part.weight, first, stacked});
    });
    layer.version = call.version;
  }
  each_part(call.parts, [&](const SoftmaxPart<T>& part, Index first) {
    elements("softmax_layer", stream, part.x.rows, layer.streams, Pack<S, T>{part.x, first, inputs});
  });
  hands.products.run(product_call(call.numbers, true, stacked, inputs, logits), stream, hands.workspace);
  const View<T> whole = logits.rows_at(0, outcomes);
  if (!call.extra.empty()) {
    const auto by_stream = [](const Entry<T>& e) { return e.col; };
    const auto staged = stage_grouped(hands.staging, hands.grouping, call.extra, layer.streams, false, by_stream);
    add_groups("softmax_layer", stream, AddEntries<T>{staged.items, staged.groups, {}, whole}, staged.count);
  }
  const std::int32_t* columns = stage(hands.staging, call.columns);
  const Index chunks = chunks_of(outcomes);
  layer.sums.grow(static_cast<std::size_t>(chunks * layer.streams) * sizeof(Exponentials<T>), stream);
  const ChunkSums<T> sums{whole, call.bias, columns, chunks, layer.sums.template as<Exponentials<T>>()};
  reduce("softmax_layer", stream, chunks * count, softmax_chunk, sums);
  const bool means = asked(call.parts), writes = means || call.probability.data != nullptr;
  View<S> p;
  if (means) {
    if constexpr (std::is_same_v<S, T>) {
      p = logits;
    } else {
      p = rectangle<S>(layer.probabilities, layer.outcomes, layer.streams, stream);
    }
  }
  reduce("softmax_layer", stream, writes ? chunks * count : count, softmax_chunk,
         WriteProbabilities<S, T>{sums, writes, p, call.probability, call.normaliser});
  if (!means) return;
  const View<T> all = rectangle<T>(layer.means, layer.units, layer.streams, stream);
  hands.products.run(product_call(call.numbers, false, stacked, p, all), stream, hands.workspace);
  each_part(call.parts, [&](const SoftmaxPart<T>& part, Index first) {
    if (part.mean.data != nullptr) elements("softmax_layer", stream, part.mean.rows, count, SpreadMeans<T>{all, first, columns, part.mean});
  });
}

template <class T>
void SoftmaxLayers<T>::run(const Hands& hands, const Call& call) {
  if (call.columns.empty()) return;
  Kept& layer = find(call.parts);
  if constexpr (std::is_same_v<T, float>) {
    if (call.numbers == Numbers::brief) return compute<Brief>(hands, call, layer);
  }
  compute<T>(hands, call, layer);
}

template class SoftmaxLayers<float>;
template class SoftmaxLayers<double>;

}  // namespace strata::gpu
