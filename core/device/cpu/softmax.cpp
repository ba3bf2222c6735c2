#include "core/device/cpu/softmax.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include "core/device/cpu/cpu.hpp"
#include "core/device/cpu/packed.hpp"

namespace strata {
namespace {

constexpr Index tile_outcomes = 512, most_streams = 64, stream_unit = 4;  // a block's tile, 128 KB, stays in the second cache level
constexpr std::size_t most_kept = 4;                                      // layers whose weights stay packed

using Parts = std::span<const SoftmaxPart<float>>;
using Brief = std::uint16_t;  // bfloat16: the upper half of a float

Index pieces_of(Index length, Index most) { return (length + most - 1) / most; }

/// Of one tile: the weights of all parts together, towards the logits, then those of each part for itself, back.
using Tile = std::vector<PackedForms>;

/// A layer whose weights stay packed.
struct Kept {
  std::vector<ConstView<float>> weights;
  std::uint64_t used = 0;
  std::vector<Tile> tiles;
  std::vector<float> stacked;  // the weights of all parts side by side, units of all x V
  std::uint64_t version = 0;

  bool is(Parts parts) const {
    const auto same = [](const ConstView<float>& a, const SoftmaxPart<float>& part) {
      const ConstView<float>& b = part.weight;
      return a.data == b.data && a.rows == b.rows && a.cols == b.cols && a.ld == b.ld;
    };
    return std::equal(weights.begin(), weights.end(), parts.begin(), parts.end(), same);
  }
};

/// The sizes of a call. Streams are rounded up, so that few shapes are met; those beyond the last are zero.
struct Extent {
  Index outcomes, streams, units, tiles, blocks;

  Extent(Parts parts, std::size_t columns) : outcomes(parts[0].weight.cols), units(0) {
    for (const auto& part : parts) units += part.weight.rows;
    streams = pieces_of(static_cast<Index>(columns), stream_unit) * stream_unit;
    tiles = pieces_of(outcomes, tile_outcomes);
    blocks = pieces_of(streams, most_streams);
  }
  Index first(Index tile) const { return tile * tile_outcomes; }
  Index width(Index tile) const { return std::min(tile_outcomes, outcomes - tile * tile_outcomes); }
  Index stream(Index block) const { return block * most_streams; }
  Index length(Index block) const { return std::min(most_streams, streams - block * most_streams); }
};

}  // namespace

struct SoftmaxLayer::Plan {
  /// What a piece, one tile of one block, works with.
  struct Hand {
    PackedProduct* product = nullptr;
    const dnnl::memory* weights = nullptr;
  };

  PackedProducts products;
  std::deque<Kept> kept;
  std::uint64_t calls = 0;
  std::vector<std::vector<Hand>> hands;           // of every piece: towards the logits, then back, part by part
  std::vector<std::vector<Entry<float>>> extras;  // of every tile: row in it, stream among those computed
  std::vector<float> inputs;                      // of all parts, stream after stream
  std::vector<Brief> brief_inputs;
  std::vector<std::vector<float>> tile;  // of every thread
  std::vector<float> powers;             // where p is asked for: all tiles, one after the other
  std::vector<std::vector<Brief>> brief_tile;
  std::vector<float> largest, sum, mean;  // of every tile and stream: largest logit, sum of exponentials, W times them

  Kept& find(Parts parts) {
    auto found = std::find_if(kept.begin(), kept.end(), [&](const Kept& k) { return k.is(parts); });
    if (found == kept.end()) {
      if (kept.size() == most_kept)
        kept.erase(std::min_element(kept.begin(), kept.end(), [](const Kept& a, const Kept& b) { return a.used < b.used; }));
      found = kept.emplace(kept.end());
      for (const auto& part : parts) found->weights.push_back(part.weight);
    }
    found->used = ++calls;
    return *found;
  }

  /// A weight, rows x cols with these strides, as `product` wants it.
  const dnnl::memory* pack(PackedForms& forms, const PackedProduct& product, Index rows, Index cols, Index row_stride, Index col_stride,
                           const float* data, std::uint64_t version) {
    const auto plain = [&] { return plain_matrix(rows, cols, row_stride, col_stride); };
    return &forms.of(products.engine, products.stream, product.weights(), plain, 1, data, version);
  }

  /// The weights side by side.
  static void stack(Parts parts, const Extent& e, std::vector<float>& out) {
    out.resize(static_cast<std::size_t>(e.units * e.outcomes));
    for (Index v = 0; v < e.outcomes; ++v) {
      float* to = out.data() + v * e.units;
      for (const auto& part : parts) to = std::copy_n(part.weight.data + v * part.weight.ld, part.weight.rows, to);
    }
  }

  /// Products and packed weights of every piece. oneDNN's best products want operands without gaps: a tile's streams lie its width apart.
  void take_hands(Parts parts, const Extent& e, std::uint64_t version, bool brief, Workers& workers) {
    Kept& layer = find(parts);
    if (layer.version != version) stack(parts, e, layer.stacked);
    layer.version = version;
    layer.tiles.resize(static_cast<std::size_t>(e.tiles));
    hands.resize(static_cast<std::size_t>(e.tiles * e.blocks));
    const auto places = hands.size();
    for (Index t = 0; t < e.tiles; ++t)  // products are made by one thread
      for (Index b = 0; b < e.blocks; ++b) {
        auto& hand = hands[static_cast<std::size_t>(t * e.blocks + b)];
        hand.assign(parts.size() + 1, {});
        hand[0].product = &products.of({e.units, e.width(t), e.length(b), e.units, e.width(t), false, brief}, places);
        for (std::size_t k = 0; k < parts.size(); ++k) {
          if (parts[k].mean.data == nullptr) continue;
          const Index n = parts[k].weight.rows;
          hand[k + 1].product = &products.of({e.width(t), n, e.length(b), e.width(t), n, false, brief}, places);
        }
      }
    workers.for_pieces(e.tiles, [&](Index t) {
      Tile& tile_weights = layer.tiles[static_cast<std::size_t>(t)];
      tile_weights.resize(parts.size() + 1);
      for (Index b = 0; b < e.blocks; ++b) {
        auto& hand = hands[static_cast<std::size_t>(t * e.blocks + b)];
        hand[0].weights =
            pack(tile_weights[0], *hand[0].product, e.units, e.width(t), 1, e.units, layer.stacked.data() + e.first(t) * e.units, version);
        for (std::size_t k = 0; k < parts.size(); ++k) {
          if (hand[k + 1].product == nullptr) continue;
          const ConstView<float> w = parts[k].weight;
          hand[k + 1].weights =
              pack(tile_weights[k + 1], *hand[k + 1].product, e.width(t), w.rows, w.ld, 1, w.data + e.first(t) * w.ld, version);
        }
      }
    });
  }

  void take_inputs(Parts parts, const Extent& e, std::span<const std::int32_t> columns, bool brief, const Kernels<float>& kernels) {
    const auto size = static_cast<std::size_t>(e.units * e.streams);
    inputs.resize(size);
    float* to = inputs.data();
    for (const Index j : columns)
      for (const auto& part : parts) to = std::copy_n(part.x.data + j * part.x.ld, part.x.rows, to);
    std::fill(to, inputs.data() + inputs.size(), 0.F);
    if (!brief) return;
    brief_inputs.resize(size);
    kernels.to_brief(static_cast<Index>(size), inputs.data(), brief_inputs.data());
  }

  void take_extras(const Extent& e, std::span<const Entry<float>> extra, std::span<const std::int32_t> columns) {
    extras.resize(static_cast<std::size_t>(e.tiles));
    for (auto& of_tile : extras) of_tile.clear();
    for (const Entry<float>& entry : extra) {
      const auto at = std::lower_bound(columns.begin(), columns.end(), entry.col);
      if (at == columns.end() || *at != entry.col) continue;
      const Index t = entry.row / tile_outcomes;
      extras[static_cast<std::size_t>(t)].push_back(
          {static_cast<std::int32_t>(entry.row - e.first(t)), static_cast<std::int32_t>(at - columns.begin()), entry.value});
    }
  }

  void take_room(const Extent& e, bool brief, bool whole, int threads) {
    const auto each = static_cast<std::size_t>(e.tiles * e.streams), block = static_cast<std::size_t>(tile_outcomes * most_streams);
    largest.resize(each);
    sum.resize(each);
    mean.resize(each * static_cast<std::size_t>(e.units));
    tile.resize(static_cast<std::size_t>(threads));
    brief_tile.resize(static_cast<std::size_t>(threads));
    if (whole) powers.resize(static_cast<std::size_t>(e.outcomes * e.streams));
    for (auto& t : tile)
      if (!whole) t.resize(block);
    for (auto& t : brief_tile)
      if (brief) t.resize(block);
  }

  /// One tile of one block.
  void run_piece(Parts parts, const Extent& e, ConstView<float> bias, bool brief, bool whole, Index piece, std::size_t worker,
                 const Kernels<float>& kernels) {
    const Index t = piece / e.blocks, b = piece % e.blocks, n = e.width(t), first = e.first(t), from = e.stream(b), count = e.length(b);
    const auto& hand = hands[static_cast<std::size_t>(piece)];
    const auto place = static_cast<std::size_t>(piece);
    float* x = whole ? powers.data() + first * e.streams + from * n : tile[worker].data();
    const float* plain = inputs.data() + from * e.units;
    const void* input = brief ? static_cast<const void*>(brief_inputs.data() + from * e.units) : plain;
    hand[0].product->multiply(products.stream, place, input, *hand[0].weights, x);
    for (const Entry<float>& entry : extras[static_cast<std::size_t>(t)])
      if (entry.col >= from && entry.col < from + count) x[(entry.col - from) * n + entry.row] += entry.value;
    for (Index j = 0; j < count; ++j) {
      const auto at = static_cast<std::size_t>(t * e.streams + from + j);
      if (bias.data != nullptr) kernels.axpby(n, 1, bias.data + first, 1, x + j * n);
      largest[at] = kernels.maximum(n, x + j * n);
      sum[at] = kernels.exp_sum(n, largest[at], x + j * n, x + j * n);
      if (brief) kernels.to_brief(n, x + j * n, brief_tile[worker].data() + j * n);
    }
    const void* exponentials = brief ? static_cast<const void*>(brief_tile[worker].data()) : x;
    float* to = mean.data() + (t * e.units) * e.streams;  // part after part, stream after stream
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const Index units = parts[k].weight.rows;
      if (hand[k + 1].product != nullptr)
        hand[k + 1].product->multiply(products.stream, place, exponentials, *hand[k + 1].weights, to + from * units);
      to += units * e.streams;
    }
  }

  /// The shares of all tiles of the j-th stream, which is the caller's `column`, in their order.
  void combine(Parts parts, const Extent& e, Index j, Index column, View<float> normaliser, View<float> probability,
               const Kernels<float>& kernels) {
    float most = largest[static_cast<std::size_t>(j)], total = 0;
    for (Index t = 1; t < e.tiles; ++t) most = std::max(most, largest[static_cast<std::size_t>(t * e.streams + j)]);
    for (Index t = 0; t < e.tiles; ++t) {
      const auto at = static_cast<std::size_t>(t * e.streams + j);
      largest[at] = std::exp(largest[at] - most);  // from here on the factor of the tile
      total += largest[at] * sum[at];
    }
    normaliser.data[column] = most + std::log(total);
    for (Index t = 0; t < e.tiles; ++t) {
      const float factor = largest[static_cast<std::size_t>(t * e.streams + j)] / total;
      const float* from = mean.data() + (t * e.units) * e.streams;
      for (const auto& part : parts) {
        const Index units = part.weight.rows;
        if (part.mean.data != nullptr)
          kernels.axpby(units, factor, from + j * units, t == 0 ? 0.F : 1.F, part.mean.data + column * part.mean.ld);
        from += units * e.streams;
      }
      if (probability.data != nullptr)
        kernels.axpby(e.width(t), factor, powers.data() + e.first(t) * e.streams + j * e.width(t), 0,
                      probability.data + j * probability.ld + e.first(t));
    }
  }
};

SoftmaxLayer::SoftmaxLayer() : plan_(std::make_unique<Plan>()) {}
SoftmaxLayer::~SoftmaxLayer() = default;

void SoftmaxLayer::run(Parts parts, ConstView<float> bias, std::span<const Entry<float>> extra, std::span<const std::int32_t> columns,
                       std::uint64_t version, bool brief, View<float> normaliser, View<float> probability, const Kernels<float>& kernels,
                       Workers& workers) {
  Plan& plan = *plan_;
  const Extent e(parts, columns.size());
  const bool whole = probability.data != nullptr;
  if (version == 0) version = next_version();
  plan.take_hands(parts, e, version, brief, workers);
  plan.take_inputs(parts, e, columns, brief, kernels);
  plan.take_extras(e, extra, columns);
  plan.take_room(e, brief, whole, workers.count());
  workers.for_pieces_by(e.tiles * e.blocks,
                        [&](Index piece, std::size_t worker) { plan.run_piece(parts, e, bias, brief, whole, piece, worker, kernels); });
  const double work = static_cast<double>(e.units * e.tiles) * .3 + (whole ? static_cast<double>(e.outcomes) * .1 : 0);
  workers.for_items(static_cast<Index>(columns.size()), work, [&](Index first, Index count) {
    for (Index j = first; j < first + count; ++j)
      plan.combine(parts, e, j, columns[static_cast<std::size_t>(j)], normaliser, probability, kernels);
  });
}

template <class T>
void CpuDevice<T>::softmax_layer(std::span<const SoftmaxPart<T>> parts, ConstView<T> bias, std::span<const Entry<T>> extra,
                                 std::span<const std::int32_t> columns, std::uint64_t version, View<T> normaliser, View<T> probability) {
  if constexpr (std::is_same_v<T, float>) {
    if (columns.empty()) return;
    keep_openmp_single();
    return softmax_.run(parts, bias, extra, columns, version, brief_, normaliser, probability, kernels_, workers_);
  }
  Device<T>::softmax_layer(parts, bias, extra, columns, version, normaliser, probability);
}

template void CpuDevice<float>::softmax_layer(std::span<const SoftmaxPart<float>>, ConstView<float>, std::span<const Entry<float>>,
                                              std::span<const std::int32_t>, std::uint64_t, View<float>, View<float>);
template void CpuDevice<double>::softmax_layer(std::span<const SoftmaxPart<double>>, ConstView<double>, std::span<const Entry<double>>,
                                               std::span<const std::int32_t>, std::uint64_t, View<double>, View<double>);

}  // namespace strata
