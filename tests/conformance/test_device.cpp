// Every operation of every device against the reference, with the tolerances of core/device/check.

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "core/device/cpu/cpu.hpp"
#include "core/error.hpp"
#include "tests/conformance/conformity.hpp"

namespace strata::test {
namespace {

constexpr int most_threads = 4;

/// STRATA_TEST_ISA runs all of this file with another instruction set than the processor's best.
DeviceOptions cpu_with(int threads) {
  DeviceOptions options;
  options.threads = threads;
  if (const char* isa = std::getenv("STRATA_TEST_ISA")) options.isa = isa;
  return options;
}

/// Says something else than it holds: the last element of the `lie`-th downloaded operand is off. (The tensors around operands
/// start at whole lines, operands do not.)
template <class T>
class LyingDevice : public CpuDevice<T> {
 public:
  LyingDevice() : CpuDevice<T>(cpu_with(1)) {}
  void download(ConstView<T> from, std::span<T> host) const override {
    CpuDevice<T>::download(from, host);
    if (reinterpret_cast<std::uintptr_t>(from.data) % 64 != 0 && ++downloads == lie)
      host.back() += static_cast<T>(.005) * (1 + std::abs(host.back()));
  }
  mutable int downloads = 0;
  int lie = 0;
};

/// Adds a little to one element of every product.
class WrongDevice : public CpuDevice<float> {
 public:
  WrongDevice() : CpuDevice<float>(cpu_with(1)) {}
  void gemm(bool ta, bool tb, float alpha, ConstView<float> a, ConstView<float> b, float beta, View<float> c) override {
    CpuDevice<float>::gemm(ta, tb, alpha, a, b, beta, c);
    c.data[1 + 2 * c.ld] += 1e-3F;
  }
};

Index threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

}  // namespace

TEST_CASE("the cpu device conforms to the reference in float", "[device]") {
  conforms<float>(std::make_unique<CpuDevice<float>>(cpu_with(2)));
}
TEST_CASE("the cpu device conforms to the reference in double", "[device]") {
  conforms<double>(std::make_unique<CpuDevice<double>>(cpu_with(2)));
}

TEST_CASE("any number of threads gives the same bits", "[device]") {
  for (const Operation<float>& operation : operations<float>()) {
    // Long enough for threads in every operation: many columns, one long column, a long sum.
    for (const Shape& s : {Shape{17, 7, 3}, Shape{1003, 331, 65}, Shape{200'003, 1, 2}, Shape{61, 1003, 257}, Shape{50, 9, 5003}}) {
      INFO(label(operation, s));
      std::vector<float> first;
      for (int threads = 1; threads <= most_threads; ++threads) {
        CpuDevice<float> device(cpu_with(threads));
        const std::vector<float> now = results<float>(device, operation, s);
        if (threads == 1) first = now;
        REQUIRE(now.size() == first.size());
        CHECK(std::memcmp(now.data(), first.data(), now.size() * sizeof(float)) == 0);
      }
    }
  }
}

TEST_CASE("a call gives the same bits every time", "[device]") {
  CpuDevice<float> device(cpu_with(3));
  repeats(device);
}

TEST_CASE("the check device sees an error in any operand of any operation", "[device]") {
  const Shape s = {33, 17, 7};
  for (const Operation<float>& operation : operations<float>()) {
    auto owned = std::make_unique<LyingDevice<float>>();
    LyingDevice<float>& liar = *owned;
    const auto device = against_reference<float>(std::move(owned));
    const auto run = [&] {
      Operands<float> operands(*device);
      liar.downloads = 0;
      operation.run(*device, operands, s.m, s.n, s.k);
    };
    liar.lie = 0;
    run();
    // The check downloads every operand before and once more after the call (read_entries and upload: only after).
    const int all = liar.downloads;
    REQUIRE(all > 0);
    for (int lie = all / 2 + 1; lie <= all; ++lie) {
      INFO(label(operation, s) << " download " << lie << " of " << all);
      liar.lie = lie;
      std::string caught;
      try {
        run();
      } catch (const DeviceError& error) { caught = error.call; }
      CHECK(caught == operation.call);
    }
  }
}

TEST_CASE("the check device names operation, shapes and difference", "[device]") {
  const auto device = against_reference<float>(std::make_unique<WrongDevice>());
  Operands<float> operands(*device);
  CHECK_NOTHROW(device->copy(operands.random(33, 65), operands.random(33, 65)));
  try {
    device->gemm(false, false, 1, operands.random(33, 65), operands.random(65, 7), 0, operands.random(33, 7));
    FAIL("the error was not seen");
  } catch (const DeviceError& error) {
    const std::string text = error.what();
    INFO(text);
    CHECK(error.call == "gemm");
    CHECK(text.find("33x65 65x7 -> 33x7") != std::string::npos);
    CHECK(text.find("element (1, 2)") != std::string::npos);
    CHECK(text.find("difference 0.000") + text.find("difference 0.001") != 2 * std::string::npos);
  }
}

TEST_CASE("a stream's softmax does not depend on which other streams read", "[device]") {
  CpuDevice<float> device(cpu_with(2));
  Operands<float> operands(device);
  constexpr Index outcomes = 1003, streams = 70, units = 37;
  const View<float> w = operands.random(units, outcomes), x = operands.random(units, streams), bias = operands.random(outcomes, 1);
  const auto run = [&](const std::vector<std::int32_t>& columns) {
    const View<float> mean = operands.random(units, streams), normaliser = operands.random(streams, 1);
    const SoftmaxPart<float> part{w, x, mean};
    device.softmax_layer(std::span(&part, 1), bias, {}, columns, 0, normaliser,
                         operands.garbage(outcomes, static_cast<Index>(columns.size())));
    std::vector<float> all(static_cast<std::size_t>(units * streams));
    device.download(mean, all);
    std::vector<float> of_three(all.begin() + 3 * units, all.begin() + 4 * units);
    device.download(normaliser, std::span(all).first(static_cast<std::size_t>(streams)));
    of_three.push_back(all[3]);
    return of_three;
  };
  std::vector<std::int32_t> columns(static_cast<std::size_t>(streams));
  std::iota(columns.begin(), columns.end(), 0);
  const std::vector<float> with_all = run(columns);
  for (const std::vector<std::int32_t>& chosen : std::vector<std::vector<std::int32_t>>{{3}, {1, 3, 5}, {0, 1, 2, 3, 9, 11, 12, 40, 69}})
    CHECK(run(chosen) == with_all);
}

TEST_CASE("what a device made of weights is used as long as their version stays", "[device]") {
  CpuDevice<float> device(cpu_with(1));
  Operands<float> operands(device);
  const View<float> w = operands.random(5, 40), x = operands.random(5, 2), normaliser = operands.random(2, 1);
  const SoftmaxPart<float> part{w, x, {}};
  const std::vector<std::int32_t> columns{0, 1};
  const auto run = [&](std::uint64_t version) {
    std::vector<float> n(2);
    device.softmax_layer(std::span(&part, 1), {}, {}, columns, version, normaliser, {});
    device.download(normaliser, n);
    return n;
  };
  const std::uint64_t before = next_version();
  const auto first = run(before);
  device.fill(w, 0);
  CHECK(run(before) == first);
  const auto flat = run(next_version());
  CHECK(flat[0] == Approx(std::log(40.)));
  CHECK(run(0) == flat);
}

TEST_CASE("the dense layers' tanh lies within 4e-7", "[device]") {
  CpuDevice<float> device(cpu_with(1));
  constexpr Index n = 4001;
  Tensor<float> input(device, 1, 1), grid(device, n, 1), none(device, n, 1), back(device, 1, n), bias(device, 1, 1), x(device, n, 1),
      f(device, n, 1), e(device, n, 1), clamped(device, 1, 1), last(device, 1, 1);
  device.fill(input, 1);
  std::vector<float> points, found(n);
  for (Index i = 0; i < n; ++i) points.push_back(static_cast<float>(i - 2000) * .005F);  // -10 to 10
  device.upload(points, grid);
  // Nothing comes back from the clamped layer: x stays at the grid, and f is the step's own tanh of it.
  const std::vector<DenseLayer<float>> layers{{grid, none, x, f, e}, {back, bias, clamped, {}, last}};
  device.settle_dense(Activation::tanh, 1, .5F, input, layers);
  device.download(f, found);
  for (std::size_t i = 0; i < points.size(); ++i) {
    INFO(points[i]);
    CHECK(std::abs(static_cast<double>(found[i]) - std::tanh(static_cast<double>(points[i]))) < 4e-7);
    CHECK(found[i] == -found[points.size() - 1 - i]);
  }
}

TEST_CASE("products of bfloat16 are near those of float", "[device]") {
  DeviceOptions options = cpu_with(2);
  options.products = "bfloat15";
  CHECK_THROWS_AS(make_device<float>(options), ConfigError);
  options.products = "auto";
  CpuDevice<float> best(options);
  options.products = "bfloat16";
  std::unique_ptr<CpuDevice<float>> brief;
  try {
    brief = std::make_unique<CpuDevice<float>>(options);
  } catch (const DeviceError&) {
    CHECK(best.isa().find("bfloat16") == std::string::npos);
    WARN("SKIPPED: this processor does not multiply bfloat16");
    return;
  }
  const auto run = [](Device<float>& device) {
    Operands<float> o(device);
    std::vector<float> all;
    const View<float> w = o.random(64, 2000, -.2, .2), x = o.random(64, 9), mean = o.garbage(64, 9), n = o.garbage(9, 1),
                      p = o.garbage(2000, 9);
    const SoftmaxPart<float> part{w, x, mean};
    const std::vector<std::int32_t> columns{0, 1, 2, 3, 4, 5, 6, 7, 8};
    device.softmax_layer(std::span(&part, 1), o.random(2000, 1, -2, 2), {}, columns, 0, n, p);
    for (const View<float>& v : {mean, n, p}) {
      std::vector<float> host(static_cast<std::size_t>(v.rows * v.cols));
      device.download(v, host);
      all.insert(all.end(), host.begin(), host.end());
    }
    return all;
  };
  ReferenceDevice<float> reference;
  const auto expected = run(reference), found = run(*brief);
  CHECK(run(best) == found);
  CHECK(best.isa() == brief->isa());
  constexpr std::size_t sums = 64 * 9 + 9;  // means and normalisers, then probabilities
  double difference = 0, relative = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double wanted = static_cast<double>(expected[i]), off = std::abs(static_cast<double>(found[i]) - wanted);
    (i < sums ? difference : relative) = std::max(i < sums ? difference : relative, i < sums ? off : off / wanted);
  }
  CHECK(difference < .005);
  CHECK(relative < .03);  // 8 bits: a logit of 64 terms of .1 is off by a hundredth
  CHECK(difference > 1e-6);
}

TEST_CASE("oneDNN inside tasks starts no threads of its own", "[device]") {
  CpuDevice<float> device(cpu_with(most_threads));  // other tests may have left as many threads, no more
  Operands<float> operands(device);
  // Blocks large enough for oneDNN to want threads: cut along rows, and along the sum.
  const View<float> a = operands.random(2000, 256), b = operands.random(256, 256), c = operands.random(2000, 256);
  const View<float> f = operands.random(96, 64), g = operands.random(96, 5000), h = operands.random(5000, 64);
  for (int i = 0; i < 10; ++i) {
    device.gemm(false, false, 1, a, b, 0, c);
    device.gemm(false, false, 1, g, h, 0, f);
  }
  CHECK(threads_of_this_process() <= most_threads + 1);
}

TEST_CASE("the cpu device keeps to one instruction set per process", "[device]") {
  CpuDevice<float> first(cpu_with(1));
  CHECK(first.isa() == CpuDevice<double>(cpu_with(1)).isa());
#if defined(__x86_64__)
  const std::string other = first.isa() == "x86-64-v2" ? "x86-64-v3" : "x86-64-v2";
  DeviceOptions options;
  options.isa = other;
  CHECK_THROWS_AS(CpuDevice<float>(options), DeviceError);
#endif
}

TEST_CASE("devices are made by name", "[device]") {
  for (const char* name : {"reference", "cpu", "check"}) {
    DeviceOptions options;
    options.name = name;
    CHECK(make_device<float>(options)->name() == name);
    CHECK(make_device<double>(options)->name() == name);
  }
  DeviceOptions options;
  options.name = "cpuu";
  try {
    make_device<float>(options);
    FAIL("no error");
  } catch (const ConfigError& error) {
    CHECK(error.nearest == "cpu");
    CHECK(error.exit_code() == 2);
  }
  options.name = "cpu";
  options.isa = "x86-64-v5";
  CHECK_THROWS_AS(make_device<float>(options), ConfigError);
  CHECK(list_devices().size() == 4);
  for (const DeviceDescription& device : list_devices()) {
    options = {};
    options.name = device.name;
    if (!device.available) CHECK_THROWS_AS(make_device<float>(options), DeviceError);
  }
}

}  // namespace strata::test
