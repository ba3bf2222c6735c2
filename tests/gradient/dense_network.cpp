// The classic network against its free energy: settling goes down its slope to where there is none, and the weights follow -dF/dW.

#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.hpp"
#include "levels/dense_network.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

using Matrix = std::vector<double>;  // column-major

struct Rig {
  Rig(Activation f, Index steps) {
    DeviceOptions options;
    options.name = "reference";  // the specification; conformance holds others to it
    device = make_device<double>(options);
    settings.units = {7, 6, 5, 4, 3};
    settings.activation = f;
    settings.steps = steps;
    settings.rate = .05;
    settings.learning_rate = .1;
    network = std::make_unique<DenseNetwork<double>>(*device, settings, samples, 3);
    for (Index l = 0; l < network->layers(); ++l) {  // biases that matter
      Weight<double>& b = network->bias(l);
      b.randomise(.3, 5, static_cast<std::uint32_t>(l));
    }
    input = Tensor<double>(*device, 7, samples);
    target = Tensor<double>(*device, 3, samples);
    for (auto* x : {&input, &target}) {
      Matrix host(static_cast<std::size_t>(x->rows() * samples));
      for (std::size_t i = 0; i < host.size(); ++i)
        host[i] = random_normal(11, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(x->rows()));
      device->upload(host, *x);
    }
  }
  static constexpr Index samples = 4;
  double f(double x) const { return settings.activation == Activation::tanh ? std::tanh(x) : std::max(x, 0.); }
  Matrix host(ConstView<double> v) const { return values<double>(v, *device); }

  /// F summed over samples, of given beliefs x_1 .. x_L and the network's weights.
  double energy(const std::vector<Matrix>& x) {
    double sum = 0;
    Matrix below = host(input.view());
    for (Index l = 0; l < network->layers(); ++l) {
      const Matrix w = host(network->weight(l).value.view()), b = host(network->bias(l).value.view());
      const auto rows = b.size(), cols = w.size() / rows;
      for (std::size_t j = 0; j < samples; ++j)
        for (std::size_t i = 0; i < rows; ++i) {
          double mu = b[i];
          for (std::size_t k = 0; k < cols; ++k) mu += w[k * rows + i] * below[j * cols + k];
          const double e = x[static_cast<std::size_t>(l)][j * rows + i] - mu;
          sum += e * e / 2;
        }
      below = x[static_cast<std::size_t>(l)];
      for (double& v : below) v = f(v);
    }
    return sum;
  }
  std::vector<Matrix> beliefs() {
    std::vector<Matrix> x;
    for (Index l = 0; l < network->layers(); ++l) x.push_back(host(network->belief(l)));
    return x;
  }

  DenseNetworkSettings settings;
  std::unique_ptr<Device<double>> device;
  std::unique_ptr<DenseNetwork<double>> network;
  Tensor<double> input, target;
};

}  // namespace

TEST_CASE("dense network: a step of settling is one of size `rate` down the slope of F", "[gradient]") {
  const auto activation = GENERATE(Activation::tanh, Activation::relu);
  Rig before(activation, 3), after(activation, 4);
  before.network->settle(before.input, before.target);
  after.network->settle(after.input, after.target);
  auto x = before.beliefs();
  const auto next = after.beliefs();
  CHECK(before.network->free_energy() * Rig::samples == Approx(before.energy(x)).epsilon(1e-12));
  for (std::size_t l = 0; l + 1 < x.size(); ++l)
    for (std::size_t i = 0; i < x[l].size(); ++i) {
      constexpr double h = 1e-6;
      const double kept = x[l][i];
      x[l][i] = kept + h;
      const double up = before.energy(x);
      x[l][i] = kept - h;
      const double down = before.energy(x);
      x[l][i] = kept;
      CHECK(next[l][i] - kept == Approx(-before.settings.rate * (up - down) / (2 * h)).margin(1e-8));
    }
}

TEST_CASE("dense network: settled for long it lies where F has no slope", "[gradient]") {
  Rig rig(Activation::tanh, 20000);
  rig.network->settle(rig.input, rig.target);
  auto x = rig.beliefs();
  for (std::size_t l = 0; l + 1 < x.size(); ++l)
    for (double& value : x[l]) {
      constexpr double h = 1e-5;
      const double kept = value;
      value = kept + h;
      const double up = rig.energy(x);
      value = kept - h;
      const double down = rig.energy(x);
      value = kept;
      CHECK((up - down) / (2 * h) == Approx(0).margin(1e-8));
    }
}

TEST_CASE("dense network: weights and biases learn -dF/dW, mean over samples", "[gradient]") {
  const auto activation = GENERATE(Activation::tanh, Activation::relu);
  Rig rig(activation, 5);
  rig.network->settle(rig.input, rig.target);
  const auto x = rig.beliefs();
  std::vector<std::pair<Weight<double>*, Matrix>> slopes;
  for (Index l = 0; l < rig.network->layers(); ++l)
    for (Weight<double>* w : {&rig.network->weight(l), &rig.network->bias(l)}) {
      Matrix value = rig.host(w->value.view()), slope = value;
      for (std::size_t i = 0; i < value.size(); ++i) {
        constexpr double h = 1e-6;
        const auto at = [&](double v) {
          Matrix moved = value;
          moved[i] = v;
          rig.device->upload(moved, w->value);
          return rig.energy(x);
        };
        slope[i] = (at(value[i] + h) - at(value[i] - h)) / (2 * h);
      }
      rig.device->upload(value, w->value);
      for (std::size_t i = 0; i < value.size(); ++i) value[i] -= rig.settings.learning_rate / Rig::samples * slope[i];
      slopes.emplace_back(w, value);
    }
  rig.network->learn(rig.input);
  for (const auto& [w, expected] : slopes) {
    const Matrix now = rig.host(w->value.view());
    for (std::size_t i = 0; i < now.size(); ++i) CHECK(now[i] == Approx(expected[i]).margin(1e-8));
  }
}

TEST_CASE("dense network: refuses what does not fit", "[gradient]") {
  Rig rig(Activation::tanh, 1);
  CHECK_THROWS_AS(rig.network->settle(rig.target, rig.target), ShapeError);
  rig.settings.units = {3};
  CHECK_THROWS_AS(DenseNetwork<double>(*rig.device, rig.settings, 2, 1), ShapeError);
  rig.settings.units = {3, 0, 2};
  CHECK_THROWS_AS(DenseNetwork<double>(*rig.device, rig.settings, 2, 1), ShapeError);
}
