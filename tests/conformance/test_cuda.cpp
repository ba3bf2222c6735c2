// The cuda device against the reference and, over a whole training run, against cpu. Without a graphics processor every case prints SKIPPED; where
// nvcc's headers are, tests/cuda runs them all on the host.

#include <cmath>
#include <iostream>
#include <numeric>

#include "core/device/factories.hpp"
#include "core/error.hpp"
#include "levels/dense_network.hpp"
#include "tests/conformance/conformity.hpp"
#include "tests/support/tiny.hpp"

namespace strata::test {
namespace {

template <class T>
std::unique_ptr<Device<T>> cuda(const std::string& products = "float") {
  DeviceOptions options;
  options.name = "cuda";
  options.products = products;
  return make_device<T>(options);
}

bool here() {
  if (cuda_available()) return true;
  std::cout << "SKIPPED: " << cuda_summary() << "\n";
  return false;
}

template <class T>
std::vector<T> host(const Device<T>& device, View<T> view) {
  std::vector<T> values(static_cast<std::size_t>(view.rows * view.cols));
  device.download(view, values);
  return values;
}

std::vector<std::int32_t> all_of(Index streams) {
  std::vector<std::int32_t> columns(static_cast<std::size_t>(streams));
  std::iota(columns.begin(), columns.end(), 0);
  return columns;
}

}  // namespace

TEST_CASE("the cuda device conforms to the reference in float", "[cuda]") {
  if (here()) conforms<float>(cuda<float>());
}

TEST_CASE("the cuda device conforms to the reference in double", "[cuda]") {
  if (here()) conforms<double>(cuda<double>());
}

TEST_CASE("a call of the cuda device gives the same bits every time", "[cuda]") {
  if (here()) repeats(*cuda<float>());
}

TEST_CASE("another cuda device gives the same bits", "[cuda]") {
  if (!here()) return;
  const auto device = cuda<float>(), other = cuda<float>();
  for (const Operation<float>& operation : operations<float>()) {
    const Shape s = {61, 33, 257};
    INFO(label(operation, s));
    const std::vector<float> one = results<float>(*device, operation, s), two = results<float>(*other, operation, s);
    CHECK(std::memcmp(one.data(), two.data(), one.size() * sizeof(float)) == 0);
  }
}

TEST_CASE("on the cuda device a stream's softmax does not depend on which other streams read", "[cuda]") {
  if (!here()) return;
  for (const char* products : {"float", "tf32", "bfloat16"}) {
    const auto device = cuda<float>(products);
    Operands<float> operands(*device);
    constexpr Index outcomes = 5003, streams = 70, units = 37;
    const View<float> w = operands.random(units, outcomes), x = operands.random(units, streams), bias = operands.random(outcomes, 1);
    const auto run = [&](const std::vector<std::int32_t>& columns) {
      const View<float> mean = operands.random(units, streams), normaliser = operands.random(streams, 1);
      const SoftmaxPart<float> part{w, x, mean};
      device->softmax_layer(std::span(&part, 1), bias, {}, columns, 0, normaliser,
                            operands.garbage(outcomes, static_cast<Index>(columns.size())));
      const std::vector<float> means = host(*device, mean);
      std::vector<float> of_three(means.begin() + 3 * units, means.begin() + 4 * units);
      of_three.push_back(host(*device, normaliser)[3]);
      return of_three;
    };
    const std::vector<float> with_all = run(all_of(streams));
    for (const std::vector<std::int32_t>& chosen : std::vector<std::vector<std::int32_t>>{{3}, {1, 3, 5}, {0, 1, 2, 3, 9, 11, 12, 40, 69}})
      CHECK(run(chosen) == with_all);
  }
}

TEST_CASE("what the cuda device made of weights is used as long as their version stays", "[cuda]") {
  if (!here()) return;
  const auto device = cuda<float>();
  Operands<float> operands(*device);
  const View<float> w = operands.random(5, 40), x = operands.random(5, 2), normaliser = operands.random(2, 1);
  const SoftmaxPart<float> part{w, x, {}};
  const std::vector<std::int32_t> columns{0, 1};
  const auto run = [&](std::uint64_t version) {
    device->softmax_layer(std::span(&part, 1), {}, {}, columns, version, normaliser, {});
    return host(*device, normaliser);
  };
  const std::uint64_t before = next_version();
  const auto first = run(before);
  device->fill(w, 0);
  CHECK(run(before) == first);
  const auto flat = run(next_version());
  CHECK(flat[0] == Approx(std::log(40.)));
  CHECK(run(0) == flat);
}

TEST_CASE("products of tf32 and bfloat16 on the cuda device are near those of float", "[cuda]") {
  if (!here()) return;
  const auto run = [](Device<float>& device) {
    Operands<float> o(device);
    std::vector<float> all;
    const View<float> w = o.random(64, 2000, -.2, .2), x = o.random(64, 9), mean = o.garbage(64, 9), n = o.garbage(9, 1),
                      p = o.garbage(2000, 9);
    const SoftmaxPart<float> part{w, x, mean};
    device.softmax_layer(std::span(&part, 1), o.random(2000, 1, -2, 2), {}, all_of(9), 0, n, p);
    for (const View<float>& v : {mean, n, p}) {
      const std::vector<float> values = host(device, v);
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  };
  ReferenceDevice<float> reference;
  const auto expected = run(reference);
  constexpr std::size_t sums = 64 * 9 + 9;  // means and normalisers, then probabilities
  // tf32 has 11 bits, to which a processor may cut instead of rounding: twice the error, all one way. bfloat16 is rounded to 8. Logits of 64 terms
  // of .1 are off by a few thousandths and by a hundredth.
  for (const auto& [products, most, most_relative] : {std::tuple{"tf32", .003, .01}, {"bfloat16", .005, .03}}) {
    const auto found = run(*cuda<float>(products));
    double difference = 0, relative = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const double wanted = static_cast<double>(expected[i]), off = std::abs(static_cast<double>(found[i]) - wanted);
      (i < sums ? difference : relative) = std::max(i < sums ? difference : relative, i < sums ? off : off / wanted);
    }
    INFO(products);
    CHECK(difference < most);
    CHECK(relative < most_relative);
    CHECK(difference > 1e-7);
  }
  CHECK(cuda<float>("auto")->isa() == cuda<float>("bfloat16")->isa());
}

TEST_CASE("host spans are free when a call of the cuda device returns", "[cuda]") {
  if (!here()) return;
  const auto device = cuda<float>();
  constexpr Index rows = 7, cols = 5;
  Tensor<float> x(*device, rows, cols), y(*device, rows, cols), sums(*device, rows, 1), loss(*device, cols, 1);
  std::vector<float> values(rows * cols);
  std::iota(values.begin(), values.end(), 1.F);
  const std::vector<float> kept = values;
  device->upload(values, x);
  std::fill(values.begin(), values.end(), -1.F);
  CHECK(host(*device, x.view()) == kept);

  std::vector<std::int32_t> ids{4, 3, 2, 1, 0};
  device->gather_columns(x, ids, y);
  ids.assign(ids.size(), 0);
  std::vector<Scatter<float>> scatters{{0, 1, 2.F}};
  device->scatter_add_columns(x, scatters, y);
  scatters.assign(1, {4, 4, 100.F});
  std::vector<Entry<float>> entries{{2, 3, .5F}};
  device->add_entries(entries, {}, y);
  device->dot_entries(1, entries, x, sums);
  entries.assign(1, {0, 0, 100.F});
  const std::vector<float> found = host(*device, y.view());
  for (Index j = 0; j < cols; ++j)
    for (Index i = 0; i < rows; ++i) {
      float wanted = kept[static_cast<std::size_t>(i + (cols - 1 - j) * rows)];
      if (j == 0) wanted += 2 * kept[static_cast<std::size_t>(i + rows)];
      if (i == 2 && j == 3) wanted += .5F;
      CHECK(found[static_cast<std::size_t>(i + j * rows)] == wanted);
    }
  CHECK(host(*device, sums.view())[2] == .5F * kept[2 + 3 * rows]);
}

TEST_CASE("many and large host spans reach the cuda device as they were", "[cuda]") {
  if (!here()) return;
  const auto device = cuda<float>();
  constexpr Index rows = 1000, cols = 400;  // 1.6 MB: not by way of pinned memory
  Tensor<float> large(*device, rows, cols);
  std::vector<float> values(rows * cols);
  std::iota(values.begin(), values.end(), 0.F);
  device->upload(values, large);
  CHECK(host(*device, large.view()) == values);

  // Many times what the ring of pinned memory holds, of changing length.
  constexpr Index columns = 3001;
  Tensor<float> ids_back(*device, 1, columns), ramp(*device, 1, columns), total(*device, 1, columns);
  std::vector<float> steps(columns), wanted(columns, 0.F);
  std::iota(steps.begin(), steps.end(), 0.F);
  device->upload(steps, ramp);
  for (std::int32_t round = 0; round < 300; ++round) {
    const Index count = 1 + (round * 977) % columns;
    std::vector<std::int32_t> ids(static_cast<std::size_t>(count));
    for (Index j = 0; j < count; ++j) ids[static_cast<std::size_t>(j)] = static_cast<std::int32_t>((j * 7 + round) % columns);
    device->gather_columns(ramp, ids, ids_back.cols_at(0, count));
    device->axpby(1, ids_back.cols_at(0, count), 1, total.cols_at(0, count));
    for (std::size_t j = 0; j < ids.size(); ++j) wanted[j] += static_cast<float>(ids[j]);
  }
  CHECK(host(*device, total.view()) == wanted);

  std::vector<Entry<float>> entries;
  for (std::int32_t i = 0; i < 50000; ++i)
    entries.push_back({i % static_cast<std::int32_t>(rows), i * 31 % static_cast<std::int32_t>(cols), 0.F});
  std::vector<float> out(entries.size());
  device->read_entries(large, entries, out);
  for (std::size_t i = 0; i < out.size(); ++i)
    if (out[i] != values[static_cast<std::size_t>(entries[i].row + entries[i].col * rows)]) FAIL("entry " << i);
}

TEST_CASE("settling is the same launched kernel by kernel and replayed", "[cuda]") {
  if (!here()) return;
  const auto device = cuda<float>();
  DenseNetworkSettings settings;
  settings.units = {20, 31, 30, 29, 4};
  DenseNetwork<float> network(*device, settings, 33, 1);
  Operands<float> operands(*device);
  const View<float> input = operands.random(20, 33), target = operands.random(4, 33);
  std::vector<double> energies;
  for (int time = 0; time < 5; ++time) {
    network.settle(input, target);
    energies.push_back(network.free_energy());
    CHECK(energies.back() == energies.front());
  }
  network.learn(input);
  network.settle(input, target);
  CHECK(network.free_energy() != energies.front());  // the graph reads the weights as they are now
}

TEST_CASE("the check device can check the cuda device", "[cuda]") {
  if (!here()) return;
  DeviceOptions options;
  options.name = "check";
  options.checked = "cuda";
  const auto device = make_device<float>(options);
  CHECK(device->isa() == cuda<float>()->isa());
  Operands<float> operands(*device);
  CHECK_NOTHROW(device->gemm(false, true, 1, operands.random(33, 65), operands.random(7, 65), 0, operands.garbage(33, 7)));
  options.checked = "reference";
  CHECK_THROWS_AS(make_device<float>(options), ConfigError);
}

// Bounds: single precision rounds sums to about 1e-6 of a surprise of a few nats, another order of sums makes another rounding, and learning
// carries it on; whether a sweep is accepted may then differ in a stream now and then. Over all tokens, the mean stays within .002 nats.
TEST_CASE("training on the cuda device comes to what it comes to on cpu", "[cuda]") {
  if (!here()) return;
  const auto train = [](const std::string& name) {
    Tiny<float> tiny({"hierarchy.levels=3", "hierarchy.units=12", "level.0.units=16", "level.0.hidden=24", "level.0.priming=1",
                      "level.0.ngrams=3", "level.0.dropout=.1", "learning.rate=.01", "learning.warm_up=20", "relaxation.steps=3"},
                     16, 8, 60, true, 3, name);
    std::vector<double> means;
    for (int part = 0; part < 4; ++part) {
      const double before = tiny.simulation->nats();
      for (int step = 0; step < 80; ++step) tiny.simulation->advance();
      means.push_back((tiny.simulation->nats() - before) / (80 * 16));
    }
    return means;
  };
  const std::vector<double> cpu = train("cpu"), found = train("cuda"), again = train("cuda");
  CHECK(found == again);
  CHECK(cpu.back() != Approx(cpu.front()).epsilon(1e-4));  // weights moved; drawn words cannot be predicted
  for (std::size_t part = 0; part < cpu.size(); ++part) {
    INFO("part " << part);
    CHECK(std::abs(found[part] - cpu[part]) < .002);
  }
}

}  // namespace strata::test
