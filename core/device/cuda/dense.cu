// Settling of a chain of dense layers; see dense.hpp.
//
// Equation  device.hpp, settle_dense. All hidden layers step at once, from the errors as they were: a step is, for every hidden layer l,
//           m_l = W_(l+1)' e_(l+1), then x_l += rate (f' .* m_l - e_l), then e_l = x_l - b_l - W_l f_(l-1).
// Floor     2 (W_l and its transpose) n_l n_(l-1) B operations per step and layer from the second on; with all values in the second cache level,
//           what remains on the critical path of a step is two products and one pass.

#include <algorithm>

#include "core/device/cuda/dense.hpp"
#include "core/device/cuda/elementwise.hpp"
#include "core/device/cuda/launch.cuh"
#include "core/error.hpp"

namespace strata::gpu {
namespace {

template <class A, class B>
bool same(const View<A>& a, const View<B>& b) {
  return a.data == b.data && a.rows == b.rows && a.cols == b.cols && a.ld == b.ld;
}

template <class T>
bool same(const DenseLayer<T>& a, const DenseLayer<T>& b) {
  return same(a.weight, b.weight) && same(a.bias, b.bias) && same(a.x, b.x) && same(a.f, b.f) && same(a.e, b.e);
}

}  // namespace

template <class T>
class DenseChains<T>::Launches {
 public:
  struct Line {
    cudaStream_t stream;
    void* workspace;
  };
  Launches(Products& products, Chain& chain, std::vector<Line> lines)
      : products_(products), chain_(chain), lines_(std::move(lines)), reached_(lines_.size()) {
    const auto& layers = chain_.layers;
    const Index streams = chain_.input.cols;
    chain_.messages.resize(layers.size());
    chain_.rests.resize(layers.size());
    mu_ = rectangle<T>(chain_.mu, layers[0].e.rows, streams, lines_[0].stream);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const Index n = layers[l].e.rows;
      messages_.push_back(l + 1 < layers.size() ? rectangle<T>(chain_.messages[l], n, streams, lines_[0].stream) : View<T>{});
      rests_.push_back(l > 0 || layers.size() == 1 ? rectangle<T>(chain_.rests[l], n, streams, lines_[0].stream) : layers[l].e);
    }
  }

  void run() {
    start();
    for (Index step = 0; step < chain_.steps; ++step) one_step();
  }

 private:
  std::size_t last() const { return chain_.layers.size() - 1; }
  ConstView<T> below(std::size_t l) const { return l == 0 ? chain_.input : ConstView<T>(chain_.layers[l - 1].f); }

  void multiply(const Line& line, bool transpose, T alpha, ConstView<T> a, ConstView<T> b, T beta, ConstView<T> c, View<T> d) {
    products_.run(product_call<T>(transpose, false, alpha, a, b, beta, c, d), line.stream, line.workspace);
  }

  /// e_l = rest_l - W_l f_(l-1).
  void take_prediction(std::size_t l, const Line& line) {
    const DenseLayer<T>& layer = chain_.layers[l];
    multiply(line, false, T(-1), layer.weight, below(l), T(1), rests_[l], layer.e);
  }

  void start() {
    const Line& line = lines_[0];
    for (std::size_t l = 0; l < last(); ++l) {
      const DenseLayer<T>& layer = chain_.layers[l];
      multiply(line, false, T(1), layer.weight, below(l), T(0), layer.x, layer.x);
      elements("settle_dense", line.stream, layer.x.rows, layer.x.cols,
               DenseStart<T>{chain_.activation, layer.bias, layer.x, layer.f, layer.e, l == 0 ? mu_ : View<T>{}});
    }
    const DenseLayer<T>& top = chain_.layers.back();
    elements("settle_dense", line.stream, top.x.rows, top.x.cols, LessBias<T>{top.x, top.bias, rests_.back()});
    take_prediction(last(), line);
  }

  void one_step() {
    side_by_side(0, last(), [&](std::size_t l, const Line& line) {
      const DenseLayer<T>&layer = chain_.layers[l], &above = chain_.layers[l + 1];
      multiply(line, true, T(1), above.weight, above.e, T(0), messages_[l], messages_[l]);
      elements("settle_dense", line.stream, layer.x.rows, layer.x.cols,
               DenseStep<T>{chain_.activation, chain_.rate, messages_[l], layer.bias, l == 0 ? ConstView<T>(mu_) : ConstView<T>{}, layer.e,
                            layer.x, layer.f, rests_[l]});
    });
    side_by_side(1, last() + 1, [&](std::size_t l, const Line& line) { take_prediction(l, line); });
  }

  /// f(l, line) of every l, on as many lines as there are; all wait for what came before, and what comes after waits for all.
  template <class F>
  void side_by_side(std::size_t first, std::size_t end, const F& f) {
    const std::size_t used = std::min(lines_.size(), end - first);
    if (used > 1) require(cudaEventRecord(reached_[0], lines_[0].stream), "cudaEventRecord");
    for (std::size_t k = 1; k < used; ++k) require(cudaStreamWaitEvent(lines_[k].stream, reached_[0], 0), "cudaStreamWaitEvent");
    for (std::size_t l = first; l < end; ++l) f(l, lines_[(l - first) % used]);
    for (std::size_t k = 1; k < used; ++k) {
      require(cudaEventRecord(reached_[k], lines_[k].stream), "cudaEventRecord");
      require(cudaStreamWaitEvent(lines_[0].stream, reached_[k], 0), "cudaStreamWaitEvent");
    }
  }

  Products& products_;
  Chain& chain_;
  std::vector<Line> lines_;
  std::vector<Event> reached_;
  View<T> mu_;
  std::vector<View<T>> messages_, rests_;
};

template <class T>
typename DenseChains<T>::Chain& DenseChains<T>::find(const Stream& stream, Activation activation, Index steps, T rate, ConstView<T> input,
                                                     std::span<const DenseLayer<T>> layers) {
  const auto is = [&](const std::unique_ptr<Chain>& c) {
    return c->activation == activation && c->steps == steps && c->rate == rate && same(c->input, input) &&
           std::equal(c->layers.begin(), c->layers.end(), layers.begin(), layers.end(),
                      [](const DenseLayer<T>& a, const DenseLayer<T>& b) { return same(a, b); });
  };
  auto found = std::find_if(chains_.begin(), chains_.end(), is);
  if (found == chains_.end()) {
    if (chains_.size() == most_chains) {
      stream.synchronize();  // what goes may still be running
      chains_.erase(std::min_element(chains_.begin(), chains_.end(), [](const auto& a, const auto& b) { return a->used < b->used; }));
    }
    auto chain = std::make_unique<Chain>();
    chain->activation = activation;
    chain->steps = steps;
    chain->rate = rate;
    chain->input = input;
    chain->layers.assign(layers.begin(), layers.end());
    found = chains_.insert(chains_.end(), std::move(chain));
  }
  (*found)->used = ++calls_;
  return **found;
}

/// Where anything goes wrong, the chain is launched kernel by kernel as before.
template <class T>
void DenseChains<T>::capture(const Stream& stream, Products& products, void* workspace, Chain& chain) {
  cudaGraph_t graph = nullptr;
  bool begun = false;
  try {
    std::vector<typename Launches::Line> lines{{stream, workspace}};
    for (std::size_t k = 0; k < branches; ++k) {
      workspaces_[k].grow(Products::workspace_bytes, stream);
      lines.push_back({beside_[k], workspaces_[k].template as<void>()});
    }
    Launches launches(products, chain, std::move(lines));
    stream.synchronize();
    require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    begun = true;
    launches.run();
    begun = false;
    require(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
    require(cudaGraphInstantiate(&chain.graph, graph, 0), "cudaGraphInstantiate");
  } catch (...) {  // a lasting error is said by what is launched next
    if (begun) ignore(cudaStreamEndCapture(stream, &graph));
    forget_error();
    chain.graph = nullptr;
    chain.captures = false;
  }
  if (graph != nullptr) ignore(cudaGraphDestroy(graph));
}

template <class T>
void DenseChains<T>::settle(const Stream& stream, Products& products, void* workspace, Activation activation, Index steps, T rate,
                            ConstView<T> input, std::span<const DenseLayer<T>> layers) {
  Chain& chain = find(stream, activation, steps, rate, input, layers);
  if (chain.graph == nullptr && chain.warm && chain.captures) capture(stream, products, workspace, chain);
  if (chain.graph != nullptr) return require(cudaGraphLaunch(chain.graph, stream), "cudaGraphLaunch");
  Launches(products, chain, {{stream, workspace}}).run();
  chain.warm = true;
}

template class DenseChains<float>;
template class DenseChains<double>;

}  // namespace strata::gpu
