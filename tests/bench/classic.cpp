// A whole learning step of the classic predictive-coding network: settling and one update of the weights. GFLOP/s and peak_share count the
// operations that are needed: the clamped input's product once.

#include <benchmark/benchmark.h>

#include "core/io/provenance.hpp"
#include "core/random.hpp"
#include "levels/dense_network.hpp"
#include "tests/bench/devices.hpp"
#include "tests/bench/machine.hpp"

namespace {
using namespace strata;

void classic(benchmark::State& state, const std::vector<Index>& units, Activation activation, Index samples) {
  const auto device = bench::make_measured(static_cast<int>(state.range(0)));
  DenseNetworkSettings settings;
  settings.units = units;
  settings.activation = activation;
  DenseNetwork<float> network(*device, settings, samples, 1);
  Tensor<float> input(*device, units.front(), samples), target(*device, units.back(), samples);
  for (auto* x : {&input, &target}) {
    std::vector<float> host(static_cast<std::size_t>(x->rows() * x->cols()));
    for (std::size_t i = 0; i < host.size(); ++i)
      host[i] = random_uniform(3, static_cast<std::uint32_t>(x->rows()), static_cast<std::uint32_t>(i));
    device->upload(host, *x);
  }
  static const double two = bench::on_cuda() ? 0 : bench::fma_of_two_threads();
  const double peak = bench::peak_of(*device);
  bench::repeat(state, *device, [&] {
    network.settle(input, target);
    network.learn(input);
  });
  const double flops = dense_operations(settings) * static_cast<double>(samples * state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsRate);
  state.counters["peak_share"] = benchmark::Counter(flops / peak / static_cast<double>(state.range(0)), benchmark::Counter::kIsRate);
  state.counters["samples/s"] = benchmark::Counter(static_cast<double>(samples * state.iterations()), benchmark::Counter::kIsRate);
  state.counters["fma_peak"] = peak;
  state.counters["fma_two"] = two;
  state.counters["peak_memory"] = static_cast<double>(peak_memory_bytes());  // of the process so far
}

[[maybe_unused]] const bool registered = [] {
  for (const auto& [width, units] :
       {std::pair{"256", std::vector<Index>{784, 256, 256, 10}}, {"512", std::vector<Index>{784, 512, 512, 512, 10}}})
    for (const auto& [name, activation] : {std::pair{"tanh", Activation::tanh}, {"relu", Activation::relu}})
      for (const Index samples : {64, 256})
        benchmark::RegisterBenchmark(("classic/" + std::string(width) + "/" + name + "/" + std::to_string(samples)).c_str(), classic, units,
                                     activation, samples)
            ->ArgName("threads")
            ->Arg(1)
            ->Arg(2)
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond);
  return true;
}();

}  // namespace

BENCHMARK_MAIN();
