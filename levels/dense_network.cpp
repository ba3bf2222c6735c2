#include "levels/dense_network.hpp"

#include <cmath>

#include "core/error.hpp"

namespace strata {

double dense_operations(const DenseNetworkSettings& settings) {
  double once = 0, each = 0;
  for (std::size_t l = 1; l < settings.units.size(); ++l) {
    const double product = 2 * static_cast<double>(settings.units[l]) * static_cast<double>(settings.units[l - 1]);
    once += 2 * product;               // mu of the start, and the update of the weights
    each += l == 1 ? 0 : 2 * product;  // mu, and the message down
  }
  return once + static_cast<double>(settings.steps) * each;
}

template <class T>
DenseNetwork<T>::DenseNetwork(Device<T>& device, const DenseNetworkSettings& settings, Index samples, std::uint64_t seed)
    : device_(device), settings_(settings), samples_(samples), sums_(device, samples) {
  const auto& units = settings.units;
  if (samples < 1) throw ShapeError("a dense network", "at least one sample side by side", std::to_string(samples));
  if (units.size() < 2) throw ShapeError("a dense network", "at least two layers of units", std::to_string(units.size()));
  for (const Index n : units)
    if (n < 1) throw ShapeError("a layer of a dense network", "at least one unit", std::to_string(n));
  Index widest = 0;
  for (std::size_t l = 1; l < units.size(); ++l) {
    const Index n = units[l], below = units[l - 1];
    const double gain = settings.activation == Activation::relu && l > 1 ? 2 : 1;
    weights_.emplace_back(device, "weight", n, below);
    weights_.back().randomise(std::sqrt(gain / static_cast<double>(below)), seed, static_cast<std::uint32_t>(l));
    biases_.emplace_back(device, "bias", n, 1, false);
    for (auto* all : {&x_, &f_, &e_}) all->emplace_back(device, n, samples);
    widest = std::max(widest, n);
  }
  squares_ = {device, widest, samples};
  for (std::size_t l = 0; l < weights_.size(); ++l) chain_.push_back({weights_[l].value, biases_[l].value, x_[l], f_[l], e_[l]});
}

template <class T>
void DenseNetwork<T>::settle(ConstView<T> input, ConstView<T> target) {
  const auto require = [&](const char* what, ConstView<T> x, Index rows) {
    if (x.rows != rows || x.cols != samples_)
      throw ShapeError(what, std::to_string(rows) + " x " + std::to_string(samples_),
                       std::to_string(x.rows) + " x " + std::to_string(x.cols));
  };
  require("input of a dense network", input, settings_.units.front());
  require("target of a dense network", target, settings_.units.back());
  device_.copy(target, x_.back());
  device_.settle_dense(settings_.activation, settings_.steps, static_cast<T>(settings_.rate), input, chain_);
}

template <class T>
void DenseNetwork<T>::learn(ConstView<T> input) {
  const T scale = static_cast<T>(settings_.learning_rate / static_cast<double>(samples_));
  for (std::size_t l = 0; l < weights_.size(); ++l) {
    device_.gemm(false, true, scale, e_[l].view(), l == 0 ? input : ConstView<T>(f_[l - 1].view()), T(1), weights_[l].value);
    device_.row_sum(scale, e_[l], device_.ones(samples_), T(1), biases_[l].value);
  }
}

template <class T>
ConstView<T> DenseNetwork<T>::predict(ConstView<T> input) {
  for (std::size_t l = 0; l < weights_.size(); ++l) {
    device_.affine(weights_[l].value, l == 0 ? input : ConstView<T>(f_[l - 1].view()), biases_[l].value, T(0), x_[l]);
    if (l + 1 < weights_.size()) device_.map(settings_.activation == Activation::tanh ? Unary::tanh : Unary::relu, x_[l], f_[l]);
  }
  return x_.back().view();
}

template <class T>
double DenseNetwork<T>::free_energy() {
  double sum = 0;
  std::vector<T> host(static_cast<std::size_t>(samples_));
  for (Tensor<T>& e : e_) {
    const View<T> squares = squares_.rows_at(0, e.rows());
    device_.map(Unary::square, e, squares);
    device_.column_sum(squares, sums_);
    device_.download(sums_, host);
    for (const T x : host) sum += static_cast<double>(x) / 2;
  }
  return sum / static_cast<double>(samples_);
}

template <class T>
void DenseNetwork<T>::archive_parameters(Archive& archive) {
  for (std::size_t l = 0; l < weights_.size(); ++l) {
    Archive::Scope scope(archive, "layer_" + std::to_string(l + 1));
    weights_[l].archive_value(archive);
    biases_[l].archive_value(archive);
  }
}

template class DenseNetwork<float>;
template class DenseNetwork<double>;

}  // namespace strata
