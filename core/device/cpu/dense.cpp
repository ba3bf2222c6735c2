#include "core/device/cpu/dense.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "core/device/cpu/cpu.hpp"
#include "core/device/cpu/packed.hpp"

namespace strata {
namespace {

constexpr Index most_streams = 64;                 // of a block: in a layer of 256 units its values stay in the second cache level
constexpr int message_slot = 17, first_slot = 18;  // beyond those of product.cpp

}  // namespace

struct DenseChain::Products {
  /// The products of a layer for blocks of one length, and the weights in their layouts.
  struct Hand {
    PackedProduct *up = nullptr, *down = nullptr;
    const dnnl::memory *up_weights = nullptr, *down_weights = nullptr;
  };

  PackedProducts products;
  std::map<std::tuple<std::size_t, bool, Index, Index, Index>, PackedForms> packed;  // layer, downwards, rows, cols, stride
  std::vector<Hand> whole, rest;  // of blocks of the common length, and of the last one where that is shorter
  std::uint64_t call = 0;

  /// -W' for x upwards, W for errors downwards, in the layout `wanted`; packed anew in every call.
  const dnnl::memory& pack(std::size_t layer, bool downwards, ConstView<float> weight, const dnnl::memory::desc& wanted) {
    const auto plain = [&] {
      return downwards ? plain_matrix(weight.rows, weight.cols, 1, weight.ld) : plain_matrix(weight.cols, weight.rows, weight.ld, 1);
    };
    return packed[{layer, downwards, weight.rows, weight.cols, weight.ld}].of(products.engine, products.stream, wanted, plain,
                                                                              downwards ? 1.F : -1.F, weight.data, call);
  }

  /// What every layer from the second on needs for blocks of `streams`.
  void take_hands(std::span<const DenseLayer<float>> layers, Index streams, Index message_stride, std::size_t blocks,
                  std::vector<Hand>& hands) {
    hands.resize(layers.size());
    for (std::size_t l = 1; l < layers.size(); ++l) {
      const ConstView<float> w = layers[l].weight;
      Hand& hand = hands[l];
      hand.up = &products.of({w.cols, w.rows, streams, layers[l - 1].f.ld, layers[l].e.ld, true}, blocks);
      hand.down = &products.of({w.rows, w.cols, streams, layers[l].e.ld, message_stride}, blocks);
      hand.up_weights = &pack(l, false, w, hand.up->weights());
      hand.down_weights = &pack(l, true, w, hand.down->weights());
    }
  }
};

DenseChain::DenseChain() : products_(std::make_unique<Products>()) {}
DenseChain::~DenseChain() = default;

namespace {

/// A block of streams on its way through all steps, by one thread. Multiply(l, downwards, x, y): y = W_l' x, or y -= W_l x.
template <class Multiply>
class Block {
 public:
  Block(std::span<const DenseLayer<float>> layers, View<float> message, View<float> mu, Index first, Index streams,
        const Multiply& multiply)
      : layers_(layers), message_(message), mu_(mu), first_(first), streams_(streams), multiply_(multiply) {}

  /// x = mu, e = 0 from the second layer on; the last layer's error. `mu` holds W_1 f(x_0), and from here on mu_1, which stays.
  void start(const Kernels<float>& kernels, Kernels<float>::MapKernel activation) {
    for (std::size_t l = 0; l + 1 < layers_.size(); ++l) {
      const DenseLayer<float>& layer = layers_[l];
      const Index n = layer.x.rows;
      const View<float> from = l == 0 ? mu_ : layer.e;
      columns([&](Index j) { kernels.axpby(n, l == 0 ? 1.F : -1.F, layer.bias.data, l == 0 ? 1.F : 0.F, at(from, j)); });
      if (l > 0) up(l);  // e = -bias - W f = -mu
      columns([&](Index j) {
        kernels.axpby(n, l == 0 ? 1.F : -1.F, at(from, j), 0, at(layer.x, j));
        activation(n, at(layer.x, j), at(layer.f, j));
        if (l > 0) std::fill_n(at(layer.e, j), n, 0.F);
      });
    }
    end_error();
  }

  /// Upwards: a layer's message needs the error above as it was, its own new error the activity below as it is.
  void step(float rate, Kernels<float>::FirstDenseStep first_kernel, Kernels<float>::DenseStep kernel) {
    for (std::size_t l = 0; l + 1 < layers_.size(); ++l) {
      const DenseLayer<float>& layer = layers_[l];
      multiply_(l + 1, true, at(layers_[l + 1].e, 0), at(message_, 0));
      columns([&](Index j) {
        if (l == 0)  // mu_1 stays: e_1 = x_1 - mu_1 is formed on the way, and written by end()
          first_kernel(layer.x.rows, rate, at(message_, j), at(mu_, j), at(layer.x, j), at(layer.f, j));
        else
          kernel(layer.x.rows, rate, at(message_, j), layer.bias.data, at(layer.x, j), at(layer.f, j), at(layer.e, j));
      });
      if (l > 0) up(l);
    }
    end_error();
  }

  /// e_1, which no step reads.
  void end(const Kernels<float>& kernels) {
    const DenseLayer<float>& layer = layers_.front();
    columns([&](Index j) {
      kernels.axpby(layer.x.rows, 1.F, at(layer.x, j), 0, at(layer.e, j));
      kernels.axpby(layer.x.rows, -1.F, at(mu_, j), 1, at(layer.e, j));
    });
  }

 private:
  float* at(View<float> v, Index j) const { return v.data + (first_ + j) * v.ld; }
  template <class F>
  void columns(const F& f) const {
    for (Index j = 0; j < streams_; ++j) f(j);
  }
  /// e_l -= W_l f(x_(l-1)).
  void up(std::size_t l) { multiply_(l, false, at(layers_[l - 1].f, 0), at(layers_[l].e, 0)); }
  void end_error() {
    const DenseLayer<float>& layer = layers_.back();
    columns([&](Index j) {
      for (Index i = 0; i < layer.e.rows; ++i) at(layer.e, j)[i] = at(layer.x, j)[i] - layer.bias.data[i];
    });
    up(layers_.size() - 1);
  }

  std::span<const DenseLayer<float>> layers_;
  View<float> message_, mu_;
  Index first_, streams_;
  const Multiply& multiply_;
};

}  // namespace

void DenseChain::settle(Activation activation, Index steps, float rate, std::span<const DenseLayer<float>> layers, View<float> message,
                        View<float> first, const Kernels<float>& kernels, Workers& workers) {
  Products& all = *products_;
  const Index streams = message.cols, count = (streams + most_streams - 1) / most_streams, length = (streams + count - 1) / count;
  const Index blocks = (streams + length - 1) / length, last = streams - (blocks - 1) * length;
  ++all.call;
  all.take_hands(layers, length, message.ld, static_cast<std::size_t>(blocks), all.whole);
  all.take_hands(layers, last, message.ld, static_cast<std::size_t>(blocks), all.rest);
  const auto first_kernel = kernels.first_dense_step[static_cast<std::size_t>(activation)];
  const auto step_kernel = kernels.dense_step[static_cast<std::size_t>(activation)];
  const auto map_kernel = kernels.map[static_cast<std::size_t>(activation == Activation::tanh ? Unary::tanh : Unary::relu)];

  workers.for_pieces(blocks, [&](Index piece) {
    const std::vector<Products::Hand>& hands = piece + 1 < blocks ? all.whole : all.rest;
    const auto multiply = [&](std::size_t l, bool downwards, const float* x, float* y) {
      const Products::Hand& hand = hands[l];
      (downwards ? hand.down : hand.up)
          ->multiply(all.products.stream, static_cast<std::size_t>(piece), x, downwards ? *hand.down_weights : *hand.up_weights, y);
    };
    Block block(layers, message, first, piece * length, piece + 1 < blocks ? length : last, multiply);
    block.start(kernels, map_kernel);
    for (Index step = 0; step < steps; ++step) block.step(rate, first_kernel, step_kernel);
    block.end(kernels);
  });
}

template <class T>
void CpuDevice<T>::settle_dense(Activation activation, Index steps, T rate, ConstView<T> input, std::span<const DenseLayer<T>> layers) {
  if constexpr (std::is_same_v<T, float>) {
    if (layers.size() > 1 && input.cols > 0) {
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
