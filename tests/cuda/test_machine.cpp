// What only the machine of the tests can show: that nothing waits which need not, that graphs are made and replayed, and what is said without a
// processor.

#include <catch2/catch.hpp>

#include "core/device/cuda/product.hpp"
#include "core/device/factories.hpp"
#include "core/error.hpp"
#include "levels/dense_network.hpp"
#include "tests/conformance/operations.hpp"
#include "tests/cuda/machine.hpp"
#include "tests/support/tiny.hpp"

namespace strata::test {

TEST_CASE("without a processor the cuda device says so", "[cuda]") {
  machine().present = false;
  CHECK_FALSE(cuda_available());
  CHECK(cuda_summary().find("no GPU was found") != std::string::npos);
  std::string said;
  try {
    make_cuda_device<float>({});
  } catch (const DeviceError& error) { said = error.what(); }
  machine().present = true;
  CHECK(said.find("no GPU was found") != std::string::npos);
  CHECK(cuda_available());
}

TEST_CASE("settling is captured once and replayed, or launched where it cannot be captured", "[cuda]") {
  for (const bool captures : {true, false}) {
    machine() = {};
    machine().captures = captures;
    const auto device = make_cuda_device<float>({});
    DenseNetworkSettings settings;
    settings.units = {20, 31, 30, 29, 4};
    DenseNetwork<float> network(*device, settings, 33, 1);
    Operands<float> operands(*device);
    const View<float> input = operands.random(20, 33), target = operands.random(4, 33);
    double first = 0;
    for (int time = 0; time < 6; ++time) {
      network.settle(input, target);
      if (time == 0) first = network.free_energy();
      CHECK(network.free_energy() == first);
    }
    CHECK(machine().captured == (captures ? 1 : 0));
    CHECK(machine().replayed == (captures ? 5 : 0));
  }
  machine() = {};
}

TEST_CASE("settling goes on kernel by kernel where there is no memory for a graph's branches", "[cuda]") {
  machine() = {};
  const auto device = make_cuda_device<float>({});
  DenseNetworkSettings settings;
  settings.units = {20, 31, 30, 4};
  DenseNetwork<float> network(*device, settings, 33, 1);
  Operands<float> operands(*device);
  const View<float> input = operands.random(20, 33), target = operands.random(4, 33);
  network.settle(input, target);
  const double first = network.free_energy();
  for (int time = 0; time < 3; ++time) {
    machine().memory = time > 0;
    network.settle(input, target);
    CHECK(cudaGetLastError() == cudaSuccess);
    CHECK(network.free_energy() == first);
  }
  CHECK(machine().captured == 0);
  machine() = {};
}

TEST_CASE("a product goes to the next algorithm where one is not there, and to the plain kernel where none is", "[cuda]") {
  gpu::Products products;
  const gpu::Stream stream;
  gpu::Memory workspace, a, b, c;
  workspace.grow(gpu::Products::workspace_bytes, stream);
  constexpr Index n = 3, k = 7, most = 5;
  for (gpu::Memory* m : {&a, &b, &c}) m->grow(16 * k * sizeof(float), stream);
  std::uint64_t plain = 0;
  for (Index m = 1; m <= most; ++m)
    for (int time = 0; time < 2; ++time) {
      INFO(m << " x " << n);
      const ConstView<float> left{a.as<float>(), m, k, 16}, right{b.as<float>(), k, n, 16};
      const View<float> sums{c.as<float>(), m, n, 16};
      products.run(gpu::product_call<float>(false, false, 1, left, right, 0, sums, sums), stream, workspace.as<void>());
      if ((m + n) % 5 < 2) ++plain;
      CHECK(products.plain() == plain);
    }
  stream.synchronize();
}

TEST_CASE("no operation waits but those that bring something back", "[cuda]") {
  const auto device = make_cuda_device<float>({});
  for (const Operation<float>& operation : operations<float>()) {
    const std::string call = operation.call;
    Operands<float> warm(*device), operands(*device);
    operation.run(*device, warm, 33, 17, 7);
    const std::uint64_t before = machine().waits;
    operation.run(*device, operands, 33, 17, 7);
    INFO(call << " " << operation.detail);
    CHECK(machine().waits - before == (call == "read_entries" ? 1 : 0));
  }
}

TEST_CASE("a step of a hierarchy on the cuda device waits and allocates seldom", "[cuda]") {
  Tiny<float> tiny({"hierarchy.levels=3"}, 4, 2, 11, true, 1, "cuda");
  for (int step = 0; step < 200; ++step) tiny.simulation->advance();
  machine() = {};
  constexpr int steps = 40;
  for (int step = 0; step < steps; ++step) tiny.simulation->advance();
  CHECK(machine().allocations == 0);
  INFO("waits of a step: " << static_cast<double>(machine().waits) / steps);
  CHECK(machine().waits <= 25 * steps);
}

}  // namespace strata::test
