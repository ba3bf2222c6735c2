// Every operation of the device (devices.hpp; the cpu's with one thread) over sizes: units x streams of a level, of the words of a text, and beyond every cache.
//
// bandwidth_share counts the bytes that an operation must read and write once, over those of y = a x + z on arrays beyond every cache in the
// same run: in cache it lies above 1. Products also have peak_share, over fused multiply-adds in registers.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <span>

#include "core/device/device.hpp"
#include "core/random.hpp"
#include "tests/bench/devices.hpp"

namespace {
using namespace strata;
using Entries = std::vector<Entry<float>>;

/// Numbers in (0, 1). Drawn once for as long as `rows` stay: benchmarks of one size follow one another, and each makes its operands several times.
Tensor<float> drawn(Device<float>& device, Index rows, Index cols) {
  static Index drawn_rows = 0;
  static std::vector<float> values;
  Tensor<float> t(device, rows, cols);
  const Index most = std::max<Index>(1, (Index{1} << 23) / rows);  // columns drawn; they come again beyond
  if (drawn_rows != rows) values.clear();
  drawn_rows = rows;
  const auto wanted = static_cast<std::size_t>(rows * std::min(cols, most));
  values.reserve(wanted);
  for (std::size_t i = values.size(); i < wanted; ++i)
    values.push_back(.01F + .98F * random_uniform(7, static_cast<std::uint32_t>(rows), static_cast<std::uint32_t>(i)));
  for (Index first = 0; first < cols; first += most) {
    const Index count = std::min(most, cols - first);
    device.upload(std::span<const float>(values).first(static_cast<std::size_t>(rows * count)), t.cols_at(first, count));
  }
  return t;
}

/// What the operations work on: n units x B streams, per stream, per unit; numbers in (0, 1).
struct Operands {
  Operands(Device<float>& d, Index n, Index b) : units(n), streams(b) {
    for (auto* t : {&x, &y, &z, &u, &v, &w}) *t = drawn(d, n, b);
    for (auto* t : {&stream, &other_stream, &third_stream}) *t = drawn(d, b, 1);
    unit = drawn(d, n, 1);
    for (Index j = 0; j < b; ++j) {
      ids.push_back(static_cast<std::int32_t>(b - 1 - j));
      scatters.push_back({ids.back(), static_cast<std::int32_t>(j), .5F});
      entries.push_back({static_cast<std::int32_t>(j % n), static_cast<std::int32_t>(j), 1.F});
    }
    host.resize(entries.size());
  }
  Index units, streams;
  Tensor<float> x, y, z, u, v, w, stream, other_stream, third_stream, unit;
  std::vector<std::int32_t> ids;
  std::vector<Scatter<float>> scatters;
  Entries entries;
  std::vector<float> host;
};

struct Operation {
  const char* name;
  double words;  ///< read and written per element of n x B
  void (*run)(Device<float>&, Operands&);
};

using D = Device<float>;
using O = Operands;
constexpr Operation elementwise[] = {
    {"fill", 1, [](D& d, O& o) { d.fill(o.y, 0.F); }},
    {"copy", 2, [](D& d, O& o) { d.copy(o.x, o.y); }},
    {"map/exp", 2, [](D& d, O& o) { d.map(Unary::exp, o.x, o.y); }},
    {"map/log", 2, [](D& d, O& o) { d.map(Unary::log, o.x, o.y); }},
    {"map/tanh", 2, [](D& d, O& o) { d.map(Unary::tanh, o.x, o.y); }},
    {"map/square", 2, [](D& d, O& o) { d.map(Unary::square, o.x, o.y); }},
    {"map/sqrt", 2, [](D& d, O& o) { d.map(Unary::sqrt, o.x, o.y); }},
    {"map/reciprocal", 2, [](D& d, O& o) { d.map(Unary::reciprocal, o.x, o.y); }},
    {"map/logistic", 2, [](D& d, O& o) { d.map(Unary::logistic, o.x, o.y); }},
    {"map/relu", 2, [](D& d, O& o) { d.map(Unary::relu, o.x, o.y); }},
    {"map/positive", 2, [](D& d, O& o) { d.map(Unary::positive, o.x, o.y); }},
    {"axpby", 3, [](D& d, O& o) { d.axpby(.5F, o.x, .5F, o.y); }},
    {"multiply", 3, [](D& d, O& o) { d.multiply(o.x, o.z, o.y); }},
    {"add_scalar", 2, [](D& d, O& o) { d.add_scalar(1e-6F, o.y); }},
    {"scale_columns", 2, [](D& d, O& o) { d.scale_columns(d.ones(o.streams), o.y); }},
    {"add_to_columns", 2, [](D& d, O& o) { d.add_to_columns(1e-6F, o.stream, o.y); }},
    {"add_to_rows", 2, [](D& d, O& o) { d.add_to_rows(1e-6F, o.unit, o.y); }},
    {"scale_rows", 2, [](D& d, O& o) { d.scale_rows(d.ones(o.units), o.y); }},
    {"column_sum", 1, [](D& d, O& o) { d.column_sum(o.x, o.stream); }},
    {"column_max", 1, [](D& d, O& o) { d.column_max(o.x, o.stream); }},
    {"row_sum", 1, [](D& d, O& o) { d.row_sum(1.F, o.x, d.ones(o.streams), 0.F, o.unit); }},
    {"gather_columns", 2, [](D& d, O& o) { d.gather_columns(o.x, o.ids, o.y); }},
    {"scatter_add_columns", 3, [](D& d, O& o) { d.scatter_add_columns(o.x, o.scatters, o.y); }},
    {"select_columns", 2, [](D& d, O& o) { d.select_columns(d.ones(o.streams), o.x, o.y); }},
    {"dropout_mask", 1,
     [](D& d, O& o) {
       d.dropout_mask(.1, {1, 2, 0, 3}, o.y);
     }},
    {"prediction_error", 3, [](D& d, O& o) { d.prediction_error(1.F, o.x, o.z, o.y, o.stream); }},
    {"relax_step", 6, [](D& d, O& o) { d.relax_step(1.F, o.x, o.z, d.ones(o.streams), o.u, o.v); }},
    {"softmax_cross_entropy", 2, [](D& d, O& o) { d.softmax_cross_entropy(o.x, o.entries, o.y, o.stream); }},
    {"softmax_summary", 1, [](D& d, O& o) { d.softmax_summary(o.x, o.unit, o.stream, o.other_stream, o.third_stream); }},
    {"log_sum_exp", 1, [](D& d, O& o) { d.log_sum_exp(o.x, o.stream); }},
    {"leaky_integrate", 3, [](D& d, O& o) { d.leaky_integrate(d.ones(o.streams), 0.F, d.ones(o.streams), o.x, o.y); }},
    {"adam", 8, [](D& d, O& o) { d.adam({.rate = 1e-6}, o.u, o.v, o.w, o.y); }},
};
/// One entry per stream: what they cost is latency.
constexpr Operation sparse[] = {
    {"add_entries", 0, [](D& d, O& o) { d.add_entries(o.entries, {}, o.y); }},
    {"dot_entries", 0, [](D& d, O& o) { d.dot_entries(1.F, o.entries, o.x, o.unit); }},
    {"read_entries", 0, [](D& d, O& o) { d.read_entries(o.x, o.entries, o.host); }},
};

std::unique_ptr<Device<float>> one_thread() { return bench::make_measured(1); }

void run(benchmark::State& state, const Operation& operation) {
  const auto device = one_thread();
  Operands operands(*device, state.range(0), state.range(1));
  const double bandwidth = bench::bandwidth_of(*device);
  bench::repeat(state, *device, [&] { operation.run(*device, operands); });
  const double bytes = operation.words * sizeof(float) * static_cast<double>(operands.units * operands.streams * state.iterations());
  state.counters["GB/s"] = benchmark::Counter(bytes * 1e-9, benchmark::Counter::kIsRate);
  state.counters["bandwidth_share"] = benchmark::Counter(bytes / bandwidth, benchmark::Counter::kIsRate);
  state.counters["bandwidth"] = bandwidth;
}

/// A product with `operations` floating-point operations a call.
template <class Body>
void product(benchmark::State& state, Device<float>& device, double operations, const Body& body) {
  const double peak = bench::peak_of(device);
  bench::repeat(state, device, body);
  const double all = operations * static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(all * 1e-9, benchmark::Counter::kIsRate);
  state.counters["peak_share"] = benchmark::Counter(all / peak, benchmark::Counter::kIsRate);
}

struct Product {
  Index m, n, k;  ///< C m x n, k summed over
};

void gemm(benchmark::State& state, bool transpose_a, bool transpose_b, Product p) {
  const auto device = one_thread();
  const Tensor<float> a = transpose_a ? drawn(*device, p.k, p.m) : drawn(*device, p.m, p.k);
  const Tensor<float> b = transpose_b ? drawn(*device, p.n, p.k) : drawn(*device, p.k, p.n);
  Tensor<float> c(*device, p.m, p.n);
  product(state, *device, 2. * static_cast<double>(p.m * p.n * p.k), [&] { device->gemm(transpose_a, transpose_b, 1.F, a, b, 0.F, c); });
}

void affine(benchmark::State& state, Product p) {
  const auto device = one_thread();
  const Tensor<float> a = drawn(*device, p.m, p.k), b = drawn(*device, p.k, p.n), bias = drawn(*device, p.m, 1);
  Tensor<float> c(*device, p.m, p.n);
  product(state, *device, 2. * static_cast<double>(p.m * p.n * p.k), [&] { device->affine(a, b, bias, 0.F, c); });
}

void outer(benchmark::State& state, Product p) {
  const auto device = one_thread();
  const Tensor<float> a = drawn(*device, p.m, p.k), b = drawn(*device, p.n, p.k);
  Tensor<float> c = drawn(*device, p.m, p.n);
  product(state, *device, 2. * static_cast<double>(p.m * p.n * p.k), [&] { device->outer_product(1e-6F, a, b, c); });
}

/// Two parts, d and n units, V words: logits, normaliser and both W p. Weights as they were (`fresh` 0), or new in every call.
void softmax_layer(benchmark::State& state, Index words, Index streams, bool fresh, const char* products) {
  const auto device = bench::make_measured(1, products);
  constexpr Index d = 64, n = 48;
  const Tensor<float> first = drawn(*device, d, words), second = drawn(*device, n, words), bias = drawn(*device, words, 1);
  const Tensor<float> x = drawn(*device, d, streams), c = drawn(*device, n, streams);
  Tensor<float> mean_x(*device, d, streams), mean_c(*device, n, streams), normaliser(*device, streams, 1);
  std::vector<std::int32_t> columns;
  for (Index j = 0; j < streams; ++j) columns.push_back(static_cast<std::int32_t>(j));
  const SoftmaxPart<float> parts[] = {{first, x, mean_x}, {second, c, mean_c}};
  const std::uint64_t version = next_version();
  product(state, *device, 4. * static_cast<double>(words * streams * (d + n)),
          [&] { device->softmax_layer(parts, bias, {}, columns, fresh ? next_version() : version, normaliser, {}); });
}

[[maybe_unused]] const bool registered = [] {
  const auto named = [](const std::string& name) { return "operation/" + name; };
  for (const Operation& o : elementwise)
    for (const auto& [n, b] : {std::pair<Index, Index>{64, 32}, {8192, 32}, {8192, 1024}, {8192, 4096}})
      if (b < 4096 || bench::on_cuda())  // beyond the caches of graphics processors too
        benchmark::RegisterBenchmark(named(o.name).c_str(), run, o)->ArgNames({"units", "streams"})->Args({n, b});
  for (const Operation& o : sparse)
    benchmark::RegisterBenchmark(named(o.name).c_str(), run, o)->ArgNames({"units", "streams"})->Args({8192, 32});
  const auto sizes = [](Product p) { return "/" + std::to_string(p.m) + "x" + std::to_string(p.n) + "/over:" + std::to_string(p.k); };
  for (const Product p : {Product{192, 32, 320}, {64, 32, 192}, {8192, 32, 64}, {512, 64, 512}, {512, 512, 512}}) {
    benchmark::RegisterBenchmark((named("gemm/AB") + sizes(p)).c_str(), gemm, false, false, p);
    benchmark::RegisterBenchmark((named("gemm/A'B") + sizes(p)).c_str(), gemm, true, false, p);
    benchmark::RegisterBenchmark((named("gemm/AB'") + sizes(p)).c_str(), gemm, false, true, p);
    benchmark::RegisterBenchmark((named("affine") + sizes(p)).c_str(), affine, p);
  }
  for (const Product p : {Product{192, 320, 256}, {64, 8192, 256}, {64, 8000, 256}, {48, 8000, 256}, {512, 512, 64}})
    benchmark::RegisterBenchmark((named("outer_product") + sizes(p)).c_str(), outer, p);
  for (const Index words : {4096, 8192, 32768})
    for (const bool fresh : {false, true}) {
      const std::string name = "softmax_layer/" + std::to_string(words) + "x32/" + (fresh ? "packed_anew" : "kept");
      benchmark::RegisterBenchmark(named(name).c_str(), softmax_layer, words, Index{32}, fresh, "float");
      for (const char* products : {"tf32", "bfloat16"})
        if (bench::on_cuda() && !fresh)
          benchmark::RegisterBenchmark((named(name) + "/" + products).c_str(), softmax_layer, words, Index{32}, fresh, products);
    }
  return true;
}();

}  // namespace
