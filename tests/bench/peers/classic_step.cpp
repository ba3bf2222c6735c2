// One learning step of the classic network on numbers from a file, so that others can take the same step: reads float32 from standard input
// (input n_0 x B, target n_L x B, then W_l and b_l of every layer, column-major), takes one step, writes the weights it has then to standard
// output in the same order, and on standard error the milliseconds of each of `repeat` further steps.
//
// usage: classic_step ACTIVATION STEPS RATE LEARNING_RATE SAMPLES THREADS REPEAT UNITS...

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "levels/dense_network.hpp"

namespace {
using namespace strata;

void read(Tensor<float>& to) {
  std::vector<float> host(static_cast<std::size_t>(to.rows() * to.cols()));
  if (std::fread(host.data(), sizeof(float), host.size(), stdin) != host.size()) throw std::runtime_error("standard input is too short");
  to.device().upload(host, to);
}

void write(Tensor<float>& from) {
  std::vector<float> host(static_cast<std::size_t>(from.rows() * from.cols()));
  from.device().download(from, host);
  if (std::fwrite(host.data(), sizeof(float), host.size(), stdout) != host.size()) throw std::runtime_error("standard output is closed");
}

void run(const std::vector<std::string>& words) {
  if (words.size() < 9 || (words[0] != "relu" && words[0] != "tanh"))
    throw std::runtime_error("usage: classic_step tanh|relu STEPS RATE LEARNING_RATE SAMPLES THREADS REPEAT UNITS UNITS...");
  DenseNetworkSettings settings;
  settings.activation = words.at(0) == "relu" ? Activation::relu : Activation::tanh;
  settings.steps = std::stol(words.at(1));
  settings.rate = std::stod(words.at(2));
  settings.learning_rate = std::stod(words.at(3));
  const Index samples = std::stol(words.at(4));
  const long repeat = std::stol(words.at(6));
  settings.units.clear();
  for (std::size_t i = 7; i < words.size(); ++i) settings.units.push_back(std::stol(words[i]));
  DeviceOptions options;
  options.threads = std::stoi(words.at(5));
  const auto device = make_device<float>(options);
  DenseNetwork<float> network(*device, settings, samples, 1);
  Tensor<float> input(*device, settings.units.front(), samples), target(*device, settings.units.back(), samples);
  read(input);
  read(target);
  for (Index l = 0; l < network.layers(); ++l) {
    read(network.weight(l).value);
    read(network.bias(l).value);
  }
  const auto step = [&] {
    network.settle(input, target);
    network.learn(input);
  };
  step();
  for (Index l = 0; l < network.layers(); ++l) {
    write(network.weight(l).value);
    write(network.bias(l).value);
  }
  for (long r = 0; r < repeat; ++r) {
    const auto begin = std::chrono::steady_clock::now();
    step();
    std::fprintf(stderr, "%.6f\n", std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(std::vector<std::string>(argv + 1, argv + argc));
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "classic_step: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
