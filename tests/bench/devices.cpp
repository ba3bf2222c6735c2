#include "tests/bench/devices.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "core/random.hpp"
#include "tests/bench/machine.hpp"

namespace strata::bench {
namespace {

/// Median seconds of a call of `body`, several at a time.
template <class Body>
double seconds_of(Device<float>& device, const Body& body) {
  constexpr int rounds = 7, calls = 8;
  body();
  device.synchronize();
  std::vector<double> seconds;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (int k = 0; k < calls; ++k) body();
    device.synchronize();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / calls);
  }
  std::nth_element(seconds.begin(), seconds.begin() + rounds / 2, seconds.end());
  return seconds[rounds / 2];
}

/// Numbers in (0, 1), the same in every column.
void draw(Device<float>& device, View<float> x) {
  std::vector<float> column(static_cast<std::size_t>(x.rows));
  for (std::size_t i = 0; i < column.size(); ++i) column[i] = .01F + .98F * random_uniform(7, 1, static_cast<std::uint32_t>(i));
  for (Index j = 0; j < x.cols; ++j) device.upload(column, x.cols_at(j, 1));
}

double peak_on_cuda(Device<float>& device) {
  constexpr Index n = 8192;
  Tensor<float> a(device, n, n), b(device, n, n), c(device, n, n);
  draw(device, a);
  draw(device, b);
  return 2. * n * n * n / seconds_of(device, [&] { device.gemm(false, false, 1.F, a.view(), b.view(), 0.F, c); });
}

double bandwidth_on_cuda(Device<float>& device) {
  constexpr Index n = 8192;  // 256 MB each
  Tensor<float> x(device, n, n), y(device, n, n);
  draw(device, x);
  return 3. * sizeof(float) * n * n / seconds_of(device, [&] { device.axpby(.5F, x, .5F, y); });
}

}  // namespace

std::string device_name() {
  const char* name = std::getenv("STRATA_BENCH_DEVICE");
  return name != nullptr ? name : "cpu";
}

std::unique_ptr<Device<float>> make_measured(int threads, const std::string& products) {
  DeviceOptions options;
  options.name = device_name();
  options.threads = threads;
  options.products = products;
  return make_device<float>(options);
}

double peak_of(Device<float>& device) {
  static const double peak = on_cuda() ? peak_on_cuda(device) : fma_peak();
  return peak;
}

double bandwidth_of(Device<float>& device) {
  static const double rate = on_cuda() ? bandwidth_on_cuda(device) : bandwidth();
  return rate;
}

}  // namespace strata::bench
