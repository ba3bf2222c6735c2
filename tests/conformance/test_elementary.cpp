// exp, log, tanh, logistic and the sums of every instruction set that this processor has, against the standard library in double.

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/device/cpu/isa.hpp"
#include "core/device/device.hpp"
#include "core/error.hpp"

namespace strata::test {
namespace {

std::vector<const KernelSet*> sets_of_this_processor() {
  std::vector<const KernelSet*> sets;
#if defined(__x86_64__)
  for (const char* isa : {"x86-64-v2", "x86-64-v3", "x86-64-v4"}) {
    try {
      sets.push_back(&choose_kernels(isa));
    } catch (const DeviceError&) { WARN(isa << ": not on this processor"); }
  }
#else
  sets.push_back(&choose_kernels("auto"));
#endif
  return sets;
}

std::vector<float> span_of(double low, double high, int count) {
  std::vector<float> x;
  for (int i = 0; i <= count; ++i) x.push_back(static_cast<float>(low + (high - low) * i / count));
  return x;
}

/// Logarithmically spaced, both signs.
std::vector<float> scales() {
  std::vector<float> x;
  for (double s = 1e-30; s < 10; s *= 1.0001) {
    x.push_back(static_cast<float>(s));
    x.push_back(static_cast<float>(-s));
  }
  return x;
}

/// Largest error in units of the last place of the exact value.
double worst(const Kernels<float>& kernels, Unary f, const std::vector<float>& x, double (*exact)(double)) {
  std::vector<float> y(x.size());
  kernels.map[static_cast<std::size_t>(f)](static_cast<std::int64_t>(x.size()), x.data(), y.data());
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double wanted = exact(static_cast<double>(x[i]));
    const double unit = wanted == 0 ? 0x1p-149 : std::max(std::ldexp(1.0, std::ilogb(wanted) - 23), 0x1p-149);
    largest = std::max(largest, std::abs(static_cast<double>(y[i]) - wanted) / unit);
  }
  return largest;
}

float one(const Kernels<float>& kernels, Unary f, float x) {
  float y = 0;
  kernels.map[static_cast<std::size_t>(f)](1, &x, &y);
  return y;
}

}  // namespace

TEST_CASE("exp, log, tanh and logistic are accurate", "[device]") {
  for (const KernelSet* set : sets_of_this_processor()) {
    INFO(set->level);
    const Kernels<float>& k = *set->single;
    const auto exp = [](double x) { return std::exp(x); };
    const auto log = [](double x) { return std::log(x); };
    const auto tanh = [](double x) { return std::tanh(x); };
    const auto logistic = [](double x) { return 1 / (1 + std::exp(-x)); };
    std::vector<float> positive;
    for (double x = 1e-44; x < 3e38; x *= 1.0003) positive.push_back(static_cast<float>(x));
    const double errors[] = {worst(k, Unary::exp, span_of(-103, 88.7, 2'000'000), exp),
                             worst(k, Unary::exp, span_of(-1, 1, 1'000'000), exp),
                             worst(k, Unary::log, positive, log),
                             worst(k, Unary::log, span_of(.5, 2, 1'000'000), log),
                             worst(k, Unary::tanh, span_of(-12, 12, 2'000'000), tanh),
                             worst(k, Unary::tanh, scales(), tanh),
                             worst(k, Unary::logistic, span_of(-80, 80, 1'000'000), logistic)};
    CAPTURE(errors[0], errors[1], errors[2], errors[3], errors[4], errors[5], errors[6]);
    for (const double error : {errors[0], errors[1], errors[2], errors[3]}) CHECK(error <= 2);
    for (const double error : {errors[4], errors[5], errors[6]}) CHECK(error <= 3);
  }
}

TEST_CASE("limits and NaN are as in the standard library", "[device]") {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const KernelSet* set : sets_of_this_processor()) {
    INFO(set->level);
    const Kernels<float>& k = *set->single;
    CHECK(one(k, Unary::exp, 0) == 1);
    CHECK(one(k, Unary::exp, -infinity) == 0);
    CHECK(one(k, Unary::exp, -120) == 0);
    CHECK(one(k, Unary::exp, 89) == infinity);
    CHECK(one(k, Unary::exp, infinity) == infinity);
    CHECK(one(k, Unary::log, 1) == 0);
    CHECK(one(k, Unary::log, 0) == -infinity);
    CHECK(one(k, Unary::log, infinity) == infinity);
    CHECK(std::isnan(one(k, Unary::log, -1)));
    CHECK(one(k, Unary::tanh, infinity) == 1);
    CHECK(one(k, Unary::tanh, -infinity) == -1);
    CHECK(one(k, Unary::logistic, infinity) == 1);
    CHECK(one(k, Unary::logistic, -infinity) == 0);
    for (const Unary f : {Unary::exp, Unary::log, Unary::tanh, Unary::logistic}) CHECK(std::isnan(one(k, f, nan)));
  }
}

TEST_CASE("sums and maxima of every instruction set agree, at any alignment", "[device]") {
  std::vector<float> values;
  for (int i = 0; i < 2100; ++i) values.push_back(static_cast<float>(std::sin(i * 1.7) * 3));
  for (const KernelSet* set : sets_of_this_processor()) {
    INFO(set->level);
    const Kernels<float>& k = *set->single;
    for (const std::int64_t n : {1, 2, 3, 7, 15, 16, 17, 33, 63, 64, 65, 130, 1003, 2000}) {
      double sum = 0, powers = 0;
      float maximum = values[0];
      for (std::int64_t i = 0; i < n; ++i) {
        const float x = values[static_cast<std::size_t>(i)];
        sum += static_cast<double>(x);
        powers += std::exp(static_cast<double>(x));
        maximum = std::max(maximum, x);
      }
      const float at_zero = k.sum(n, values.data()), log_sum = k.log_sum_exp(n, values.data());
      CHECK(std::abs(static_cast<double>(at_zero) - sum) <= 1e-6 * (3 * static_cast<double>(n)));
      CHECK(k.maximum(n, values.data()) == maximum);
      CHECK(std::abs(static_cast<double>(log_sum) - std::log(powers)) <= 1e-6 * (4 + std::abs(std::log(powers))));
      for (std::size_t shift = 1; shift < 16; ++shift) {
        std::vector<float> moved(values.size() + shift);
        std::copy(values.begin(), values.end(), moved.begin() + static_cast<std::ptrdiff_t>(shift));
        const float sum_there = k.sum(n, moved.data() + shift), log_sum_there = k.log_sum_exp(n, moved.data() + shift);
        CHECK(std::memcmp(&sum_there, &at_zero, sizeof(float)) == 0);
        CHECK(std::memcmp(&log_sum_there, &log_sum, sizeof(float)) == 0);
      }
    }
  }
}

}  // namespace strata::test
