#include "tests/bench/machine.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

namespace strata::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

constexpr int chains = 12;  // independent sums: more than a fused multiply-add has cycles of latency times units

// A loop over `chains` vectors of `width` floats; the compiler keeps them in registers.
#define STRATA_FMA_LOOP(name, width, attribute)                           \
  attribute double name(long rounds) {                                    \
    using V __attribute__((vector_size(width * sizeof(float)))) = float;  \
    V sum[chains], factor = {}, addend = {};                              \
    for (int i = 0; i < width; ++i) {                                     \
      factor[i] = .999999F;                                               \
      addend[i] = 1e-6F;                                                  \
    }                                                                     \
    for (V & s : sum) s = addend;                                         \
    for (long r = 0; r < rounds; ++r)                                     \
      for (V & s : sum) s = s * factor + addend; /* NOLINT */             \
    V all = {};                                                           \
    for (const V& s : sum) all += s;                                      \
    double total = 0;                                                     \
    for (int i = 0; i < width; ++i) total += static_cast<double>(all[i]); \
    return total;                                                         \
  }

#if defined(__x86_64__)
STRATA_FMA_LOOP(fma_16, 16, __attribute__((target("avx512f,prefer-vector-width=512"), optimize("fp-contract=fast"), noinline)))
STRATA_FMA_LOOP(fma_8, 8, __attribute__((target("avx2,fma"), optimize("fp-contract=fast"), noinline)))
#endif
STRATA_FMA_LOOP(fma_4, 4, __attribute__((optimize("fp-contract=fast"), noinline)))
#undef STRATA_FMA_LOOP

struct Loop {
  double (*run)(long);
  int width;
};

Loop widest() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") != 0) return {fma_16, 16};
  if (__builtin_cpu_supports("fma") != 0) return {fma_8, 8};
#endif
  return {fma_4, 4};
}

volatile double sink = 0;  // what nobody reads the compiler may leave out

double median(std::vector<double> x) {
  std::nth_element(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2), x.end());
  return x[x.size() / 2];
}

}  // namespace

double fma_peak() {
  constexpr long rounds = 2'000'000;
  const Loop loop = widest();
  sink = loop.run(rounds);  // the clock settles
  std::vector<double> rates;
  for (int i = 0; i < 9; ++i) {
    const auto begin = Clock::now();
    sink = loop.run(rounds);
    rates.push_back(2. * chains * loop.width * static_cast<double>(rounds) / seconds_since(begin));
  }
  return median(rates);
}

}  // namespace strata::bench
