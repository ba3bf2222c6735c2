#pragma once
// Which device is measured, and how: STRATA_BENCH_DEVICE names it (cpu).

#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "core/device/device.hpp"

namespace strata::bench {

/// cpu, or what STRATA_BENCH_DEVICE names.
std::string device_name();
inline bool on_cuda() { return device_name() == "cuda"; }

/// The device that is measured; products as DeviceOptions has them.
std::unique_ptr<Device<float>> make_measured(int threads, const std::string& products = "float");

/// Floating-point operations a second of its best: of the cpu fused multiply-adds of one thread in registers, of cuda a product of 8192 x 8192 x 8192 in
/// float. Once per process.
double peak_of(Device<float>& device);
/// Bytes a second of y = a x + y on arrays beyond every cache (of the cpu y = a x + z; see machine.hpp). Once per process.
double bandwidth_of(Device<float>& device);

/// Times `body`. A device that works on by itself is waited for after every few calls: what is timed is done, and launches overlap as they do when
/// levels ask for one operation after the other.
template <class Body>
void repeat(benchmark::State& state, Device<float>& device, const Body& body) {
  body();
  device.synchronize();
  if (!on_cuda()) {
    for (auto _ : state) {
      body();
      benchmark::ClobberMemory();
    }
    return;
  }
  constexpr int calls = 32;
  while (state.KeepRunningBatch(calls)) {
    for (int k = 0; k < calls; ++k) body();
    device.synchronize();
  }
}

}  // namespace strata::bench
