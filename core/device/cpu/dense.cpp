#include "core/device/cpu/dense.hpp"

#include <algorithm>
#include <deque>
#include <dnnl.hpp>
#include <map>
#include <tuple>

#include "core/device/cpu/cpu.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

constexpr Index most_streams = 64;  // of a block: its values and errors stay in the second cache level beside the packed weights
constexpr int message_slot = 17, first_slot = 18;  // beyond those of product.cpp

using Desc = dnnl::memory::desc;
constexpr auto f32 = dnnl::memory::data_type::f32;

/// A matrix in memory as oneDNN reads it: rows x cols with any strides.
Desc plain(Index rows, Index cols, Index row_stride, Index col_stride) {
  return {{rows, cols}, f32, dnnl::memory::dims{row_stride, col_stride}};
}

void require(dnnl_status_t status, const char* call) {
  if (status != dnnl_success) throw DeviceError(call, static_cast<int>(status), "the product failed; try --device reference");
}

}  // namespace

/// y (B x outer) = x (B x inner) A, or y += x A: what is units x streams for us is streams x units, row-major, for oneDNN.
struct DenseChain::Products {
  struct Shape {
    Index inner, outer, streams, x_stride, y_stride;
    bool add;
    auto operator<=>(const Shape&) const = default;
  };
  /// One block's hands on a product.
  struct Place {
    dnnl::memory x, y, scratch;
  };
  struct Product {
    dnnl::matmul primitive;
    Desc x, y, weights, scratch;
    std::deque<Place> places;
  };
  /// A weight as one product wants it.
  struct Packed {
    Desc desc;
    dnnl::memory memory, source;
    dnnl::reorder reorder;
  };

  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::map<Shape, Product> products;
  std::map<std::tuple<std::size_t, bool, Index, Index, Index>, std::deque<Packed>> packed;  // layer, downwards, rows, cols, stride

  Product& product(const Shape& s) {
    const auto found = products.find(s);
    if (found != products.end()) return found->second;
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (s.add) {
      dnnl::post_ops sum;
      sum.append_sum(1);
      attributes.set_post_ops(sum);
    }
    const dnnl::matmul::desc desc(plain(s.streams, s.inner, s.x_stride, 1), Desc({s.inner, s.outer}, f32, dnnl::memory::format_tag::any),
                                  plain(s.streams, s.outer, s.y_stride, 1));
    const dnnl::matmul::primitive_desc chosen(desc, attributes, engine);
    return products
        .emplace(s,
                 Product{dnnl::matmul(chosen), chosen.src_desc(), chosen.dst_desc(), chosen.weights_desc(), chosen.scratchpad_desc(), {}})
        .first->second;
  }

  /// `weight` (or its transpose: downwards) times `sign`, in the layout `wanted`; packed anew.
  dnnl::memory& pack(std::size_t layer, bool downwards, ConstView<float> weight, const Desc& wanted) {
    auto& all = packed[{layer, downwards, weight.rows, weight.cols, weight.ld}];
    auto found = std::find_if(all.begin(), all.end(), [&](const Packed& p) { return p.desc == wanted; });
    if (found == all.end()) {
      // Upwards y = -x W': dims inner x outer = n_(l-1) x n_l; downwards y = e W.
      const Desc source = downwards ? plain(weight.rows, weight.cols, 1, weight.ld) : plain(weight.cols, weight.rows, weight.ld, 1);
      dnnl::primitive_attr attributes;
      if (!downwards) attributes.set_output_scales(0, {-1.F});
      dnnl::memory from(source, engine, DNNL_MEMORY_NONE), to(wanted, engine);
      const dnnl::reorder::primitive_desc chosen(engine, source, engine, wanted, attributes);
      all.push_back({wanted, to, from, dnnl::reorder(chosen)});
      found = std::prev(all.end());
    }
    found->source.set_data_handle(const_cast<float*>(weight.data));  // NOLINT(cppcoreguidelines-pro-type-const-cast): oneDNN reads it
    found->reorder.execute(stream, found->source, found->memory);
    return found->memory;
  }

  void make_places(Product& p, std::size_t blocks) {
    while (p.places.size() < blocks)
      p.places.push_back({{p.x, engine, DNNL_MEMORY_NONE}, {p.y, engine, DNNL_MEMORY_NONE}, {p.scratch, engine}});
  }

  void multiply(Product& p, std::size_t block, const float* x, const dnnl::memory& weights, float* y) const {
    Place& place = p.places[block];
    place.x.set_data_handle(const_cast<float*>(x));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    place.y.set_data_handle(y);
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, place.x.get()},
                                    {DNNL_ARG_WEIGHTS, weights.get()},
                                    {DNNL_ARG_DST, place.y.get()},
                                    {DNNL_ARG_SCRATCHPAD, place.scratch.get()}};
    require(dnnl_primitive_execute(p.primitive.get(), stream.get(), 4, args), "matmul");
  }
};

DenseChain::DenseChain() : products_(std::make_unique<Products>()) {}
DenseChain::~DenseChain() = default;

namespace {

/// What one block of streams does.
struct Block {
  Index first, streams;
};

}  // namespace

void DenseChain::settle(Activation activation, Index steps, float rate, std::span<const DenseLayer<float>> layers, View<float> message,
                        View<float> first, const Kernels<float>& kernels, Workers& workers) {
  using Product = Products::Product;
  Products& all = *products_;
  const std::size_t depth = layers.size(), last = depth - 1;
  const Index streams = layers[last].e.cols, count = (streams + most_streams - 1) / most_streams, length = (streams + count - 1) / count;
  std::vector<Block> blocks;
  for (Index j = 0; j < streams; j += length) blocks.push_back({j, std::min(length, streams - j)});

  // Two lengths of blocks at most: the products of each, and the weights as they want them.
  struct Hand {
    Product *up = nullptr, *down = nullptr;
    dnnl::memory *up_weights = nullptr, *down_weights = nullptr;
  };
  std::map<Index, std::vector<Hand>> hands;
  for (const Block& block : blocks) {
    auto& of_length = hands[block.streams];
    if (!of_length.empty()) continue;
    of_length.resize(depth);
    for (std::size_t l = 1; l < depth; ++l) {
      const auto& layer = layers[l];
      Hand& hand = of_length[l];
      hand.up = &all.product({layer.weight.cols, layer.weight.rows, block.streams, layers[l - 1].f.ld, layer.e.ld, true});
      hand.down = &all.product({layer.weight.rows, layer.weight.cols, block.streams, layer.e.ld, message.ld, false});
      hand.up_weights = &all.pack(l, false, layer.weight, hand.up->weights);
      hand.down_weights = &all.pack(l, true, layer.weight, hand.down->weights);
      all.make_places(*hand.up, blocks.size());
      all.make_places(*hand.down, blocks.size());
    }
  }
  const auto step_kernel = kernels.dense_step[static_cast<std::size_t>(activation)];
  const auto map_kernel = kernels.map[static_cast<std::size_t>(activation == Activation::tanh ? Unary::tanh : Unary::relu)];

  workers.for_pieces(static_cast<Index>(blocks.size()), [&](Index piece) {
    const auto b = static_cast<std::size_t>(piece);
    const Block block = blocks[b];
    const std::vector<Hand>& hand = hands.at(block.streams);
    const auto at = [&](View<float> v, Index j) { return v.data + (block.first + j) * v.ld; };
    const auto columns = [&](const auto& f) {
      for (Index j = 0; j < block.streams; ++j) f(j);
    };
    const auto up = [&](std::size_t l) { all.multiply(*hand[l].up, b, at(layers[l - 1].f, 0), *hand[l].up_weights, at(layers[l].e, 0)); };
    const auto err_of_last = [&] {
      const auto& layer = layers[last];
      columns([&](Index j) {
        for (Index i = 0; i < layer.e.rows; ++i) at(layer.e, j)[i] = at(layer.x, j)[i] - layer.bias.data[i];
      });
      up(last);
    };
    for (std::size_t l = 0; l < last; ++l) {  // x = mu, e = 0
      const auto& layer = layers[l];
      const Index n = layer.x.rows;
      if (l == 0)
        columns([&](Index j) { kernels.axpby(n, 1, layer.bias.data, 1, at(first, j)); });
      else {
        columns([&](Index j) { kernels.axpby(n, -1, layer.bias.data, 0, at(layer.e, j)); });
        up(l);
      }
      columns([&](Index j) {
        kernels.axpby(n, l == 0 ? 1.F : -1.F, at(l == 0 ? first : layer.e, j), 0, at(layer.x, j));
        map_kernel(n, at(layer.x, j), at(layer.f, j));
        std::fill_n(at(layer.e, j), n, 0.F);
      });
    }
    err_of_last();
    for (Index step = 0; step < steps; ++step) {
      for (std::size_t l = 0; l < last; ++l) {
        const auto& layer = layers[l];
        all.multiply(*hand[l + 1].down, b, at(layers[l + 1].e, 0), *hand[l + 1].down_weights, at(message, 0));
        columns([&](Index j) {
          step_kernel(layer.x.rows, rate, at(message, j), l == 0 ? at(first, j) : layer.bias.data, at(layer.x, j), at(layer.f, j),
                      at(layer.e, j));
        });
        if (l > 0) up(l);
      }
      err_of_last();
    }
  });
}

template <class T>
void CpuDevice<T>::settle_dense(Activation activation, Index steps, T rate, ConstView<T> input, std::span<const DenseLayer<T>> layers) {
  if constexpr (std::is_same_v<T, float>) {
    if (layers.size() > 1) {
      keep_openmp_single();
      Index widest = 0;
      for (std::size_t l = 0; l + 1 < layers.size(); ++l) widest = std::max(widest, layers[l].x.rows);
      const View<T> message = this->scratch(message_slot, widest, input.cols),
                    first = this->scratch(first_slot, layers[0].x.rows, input.cols);
      gemm(false, false, T(1), layers[0].weight, input, T(0), first);  // once: the input is clamped
      return dense_.settle(activation, steps, rate, layers, message, first, kernels_, workers_);
    }
  }
  Device<T>::settle_dense(activation, steps, rate, input, layers);
}

template void CpuDevice<float>::settle_dense(Activation, Index, float, ConstView<float>, std::span<const DenseLayer<float>>);
template void CpuDevice<double>::settle_dense(Activation, Index, double, ConstView<double>, std::span<const DenseLayer<double>>);

}  // namespace strata
