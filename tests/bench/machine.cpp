#include "tests/bench/machine.hpp"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace strata::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// This file alone is compiled for the machine it runs on, with products and sums fused (tests/CMakeLists.txt).
#if defined(__AVX512F__)
constexpr int width = 16;
#elif defined(__AVX__)
constexpr int width = 8;
#else
constexpr int width = 4;
#endif
constexpr int chains = 12;  // independent sums: more than a fused multiply-add has cycles of latency times units

volatile double sink = 0;  // what nobody reads the compiler may leave out

/// `rounds` multiply-adds of `chains` vectors, which stay in registers.
[[gnu::noinline]] double run_fma(std::int64_t rounds) {
  const auto start = static_cast<float>(sink) * 1e-20F;  // read anew: no call is known to give what another gave
  using V [[gnu::vector_size(width * sizeof(float))]] = float;
  V sum[chains], factor = {}, addend = {};
  for (int i = 0; i < width; ++i) {
    factor[i] = .999999F;
    addend[i] = 1e-6F + start;
  }
  for (V& s : sum) s = addend;
  for (std::int64_t r = 0; r < rounds; ++r)
    for (V& s : sum) s = s * factor + addend;
  double total = 0;
  for (const V& s : sum)
    for (int i = 0; i < width; ++i) total += static_cast<double>(s[i]);
  return total;
}

double median(std::vector<double> x) {
  std::nth_element(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2), x.end());
  return x[x.size() / 2];
}

}  // namespace

double fma_peak() {
  constexpr std::int64_t rounds = 2'000'000;
  sink = run_fma(rounds);  // the clock settles
  std::vector<double> rates;
  for (int i = 0; i < 9; ++i) {
    const auto begin = Clock::now();
    sink = run_fma(rounds);
    rates.push_back(2. * chains * width * static_cast<double>(rounds) / seconds_since(begin));
  }
  return median(rates);
}

double fma_of_two_threads() {
  constexpr std::int64_t rounds = 4'000'000;
  std::vector<double> ratios;
  for (int i = 0; i < 5; ++i) {
    auto begin = Clock::now();
    sink = run_fma(rounds);
    const double one = seconds_since(begin);
    begin = Clock::now();
    double other = 0;
    std::thread beside([&] { other = run_fma(rounds); });
    const double own = run_fma(rounds);
    beside.join();
    ratios.push_back(2 * one / seconds_since(begin));
    sink = own + other;
  }
  return median(ratios);
}

double bandwidth() {
  constexpr std::size_t length = 16'000'000;  // 64 MB each
  std::vector<float> x(length, 1.F), y(length, 0.F), z(length, 2.F);
  std::vector<double> rates;
  for (int i = 0; i < 7; ++i) {
    const auto factor = static_cast<float>(sink) * 1e-20F + .5F;
    const auto begin = Clock::now();
    for (std::size_t k = 0; k < length; ++k) y[k] = factor * x[k] + z[k];
    const double seconds = seconds_since(begin);
    sink = static_cast<double>(y[static_cast<std::size_t>(i) * 1000]);
    rates.push_back(3. * sizeof(float) * static_cast<double>(length) / seconds);
  }
  return median(rates);
}

double allocated_memory() {
  const auto held = ::mallinfo2();
  return static_cast<double>(held.uordblks) + static_cast<double>(held.hblkhd);
}

}  // namespace strata::bench
