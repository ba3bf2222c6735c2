#include "tests/conformance/operations.hpp"

#include <cmath>

#include <algorithm>

namespace strata::test {

template <class T>
std::vector<std::int32_t> Operands<T>::ids(Index count, Index below) {
  std::vector<std::int32_t> result;
  for (Index i = 0; i < count; ++i) result.push_back(static_cast<std::int32_t>(index(below)));
  return result;
}

template <class T>
std::vector<Entry<T>> Operands<T>::targets(Index rows, Index cols) {
  std::vector<Entry<T>> result;
  for (Index j = 0; j < cols; ++j) {
    if (j % 4 == 3) continue;  // a masked column
    const Index count = std::min(rows, 1 + j % 3), first = index(rows - count + 1);
    for (Index i = 0; i < count; ++i) {
      result.push_back({static_cast<std::int32_t>(first + i), static_cast<std::int32_t>(j), T(1) / static_cast<T>(count)});
    }
  }
  return result;
}

template <class T>
std::vector<Entry<T>> Operands<T>::entries(Index count, Index rows, Index cols) {
  std::vector<Entry<T>> result;
  result.push_back({static_cast<std::int32_t>(rows - 1), static_cast<std::int32_t>(cols - 1), T(.5)});  // the far corner always
  for (Index i = 1; i < count; ++i) {
    result.push_back({static_cast<std::int32_t>(index(rows)), static_cast<std::int32_t>(index(cols)), static_cast<T>(uniform() - .5F)});
  }
  return result;
}

template <class T>
std::vector<Scatter<T>> Operands<T>::scatters(Index count, Index targets, Index sources) {
  std::vector<Scatter<T>> result;
  for (Index i = 0; i < count; ++i) {
    result.push_back(
        {static_cast<std::int32_t>(index(targets)), static_cast<std::int32_t>(index(sources)), static_cast<T>(uniform() - .5F)});
  }
  return result;
}

template <class T>
std::vector<T> Operands<T>::contents() const {
  std::vector<T> all;
  for (const Operand& operand : operands_) {
    std::vector<T> host(static_cast<std::size_t>(operand.view.rows * operand.view.cols));
    device_.download(operand.view, host);
    all.insert(all.end(), host.begin(), host.end());
  }
  for (const std::vector<T>& host : hosts_) all.insert(all.end(), host.begin(), host.end());
  return all;
}

template <class T>
bool Operands<T>::surroundings_kept() const {
  for (const Operand& operand : operands_) {
    const Index rows = operand.parent.rows(), cols = operand.parent.cols();
    std::vector<T> now(static_cast<std::size_t>(rows * cols));
    device_.download(operand.parent.view(), now);
    for (Index j = 0; j < cols; ++j) {
      for (Index i = 0; i < rows; ++i) {
        const bool inside = i >= 3 && i < 3 + operand.view.rows && j >= 1 && j < 1 + operand.view.cols;
        const auto at = static_cast<std::size_t>(i + j * rows);
        // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): the same bits are asked for
        if (!inside && std::memcmp(&now[at], &operand.at_birth[at], sizeof(T)) != 0) return false;
      }
    }
  }
  return true;
}

namespace {

template <class T>
using D = Device<T>&;
template <class T>
using O = Operands<T>&;

template <class T>
void dot(D<T> d, O<T> o, bool ta, bool tb, T alpha, T beta, Index m, Index n, Index k) {
  const View<T> a = ta ? o.random(k, m) : o.random(m, k), b = tb ? o.random(n, k) : o.random(k, n);
  d.gemm(ta, tb, alpha, a, b, beta, beta == T(0) ? o.garbage(m, n) : o.random(m, n));
}

template <class T>
void unary(D<T> d, O<T> o, Unary f, double low, double high, Index m, Index n) {
  const View<T> x = o.random(m, n, low, high);
  d.map(f, x, o.garbage(m, n));
}

/// Layers of `sizes` units, the input first, over n streams; weights as large as keep values of their size.
template <class T>
void dense(D<T> d, O<T> o, Activation f, const std::vector<Index>& sizes, Index n) {
  std::vector<DenseLayer<T>> layers;
  const View<T> input = o.random(sizes[0], n, -1, 1);
  for (std::size_t l = 1; l < sizes.size(); ++l) {
    const double most = 1 / std::sqrt(static_cast<double>(std::max(sizes[l], sizes[l - 1])));
    DenseLayer<T> layer{o.random(sizes[l], sizes[l - 1], -most, most), o.random(sizes[l], 1, -.2, .2), {}, {}, o.garbage(sizes[l], n)};
    const bool last = l + 1 == sizes.size();
    layer.x = last ? o.random(sizes[l], n, -1, 1) : o.garbage(sizes[l], n);
    if (!last) layer.f = o.garbage(sizes[l], n);
    layers.push_back(layer);
  }
  d.settle_dense(f, 7, T(.1), input, layers);
}

/// A softmax over m outcomes and n streams, of parts of `sizes` units.
template <class T>
void words(D<T> d, O<T> o, const std::vector<Index>& sizes, Index m, Index n, bool probability, bool extra) {
  std::vector<SoftmaxPart<T>> parts;
  for (const Index size : sizes) {
    const double most = 2 / std::sqrt(static_cast<double>(size));
    parts.push_back({o.random(size, m, -most, most), o.random(size, n), o.random(size, n)});
  }
  if (!probability) parts[0].mean = {};
  std::vector<std::int32_t> columns;  // every third stream is left out
  for (std::int32_t j = 0; j < n; ++j)
    if (j % 3 != 1) columns.push_back(j);
  d.softmax_layer(parts, o.random(m, 1, -9, 1), extra ? o.targets(m, n) : std::vector<Entry<T>>{}, columns, 0, o.random(n, 1),
                  probability ? o.garbage(m, static_cast<Index>(columns.size())) : View<T>{});
}

}  // namespace

template <class T>
const std::vector<Operation<T>>& operations() {
  using V = View<T>;
  static const std::vector<Operation<T>> table = {
      {"upload", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.upload(o.host(m * n), o.garbage(m, n)); }},
      {"fill", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.fill(o.garbage(m, n), T(1.25)); }},
      {"copy", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.copy(o.random(m, n), o.garbage(m, n)); }},
      {"gemm", "A B", [](D<T> d, O<T> o, Index m, Index n, Index k) { dot<T>(d, o, false, false, T(1), T(0), m, n, k); }},
      {"gemm", "A'B + C", [](D<T> d, O<T> o, Index m, Index n, Index k) { dot<T>(d, o, true, false, T(1), T(1), m, n, k); }},
      {"gemm", "-A B' + C/2", [](D<T> d, O<T> o, Index m, Index n, Index k) { dot<T>(d, o, false, true, T(-1), T(.5), m, n, k); }},
      {"gemm", "2A'B'", [](D<T> d, O<T> o, Index m, Index n, Index k) { dot<T>(d, o, true, true, T(2), T(0), m, n, k); }},
      {"map", "exp", [](D<T> d, O<T> o, Index m, Index n, Index) { unary<T>(d, o, Unary::exp, -20, 20, m, n); }},
      {"map", "log", [](D<T> d, O<T> o, Index m, Index n, Index) { unary<T>(d, o, Unary::log, 1e-6, 30, m, n); }},
      {"map", "tanh", [](D<T> d, O<T> o, Index m, Index n, Index) { unary<T>(d, o, Unary::tanh, -4, 4, m, n); }},
      {"map", "square", [](D<T> d, O<T> o, Index m, Index n, Index) { unary<T>(d, o, Unary::square, -4, 4, m, n); }},
      {"map", "sqrt", [](D<T> d, O<T> o, Index m, Index n, Index) { unary<T>(d, o, Unary::sqrt, 0, 4, m, n); }},
      {"map", "reciprocal", [](D<T> d, O<T> o, Index m, Index n, Index) { unary<T>(d, o, Unary::reciprocal, .1, 4, m, n); }},
      {"map", "logistic", [](D<T> d, O<T> o, Index m, Index n, Index) { unary<T>(d, o, Unary::logistic, -20, 20, m, n); }},
      {"map", "relu", [](D<T> d, O<T> o, Index m, Index n, Index) { unary<T>(d, o, Unary::relu, -4, 4, m, n); }},
      {"map", "positive", [](D<T> d, O<T> o, Index m, Index n, Index) { unary<T>(d, o, Unary::positive, -4, 4, m, n); }},
      {"map", "tanh in place", [](D<T> d, O<T> o, Index m, Index n, Index) { const V x = o.random(m, n); d.map(Unary::tanh, x, x); }},
      {"axpby", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.axpby(T(.5), o.random(m, n), T(-1.5), o.random(m, n)); }},
      {"axpby", "beta 0", [](D<T> d, O<T> o, Index m, Index n, Index) { d.axpby(T(.5), o.random(m, n), T(0), o.garbage(m, n)); }},
      {"multiply", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.multiply(o.random(m, n), o.random(m, n), o.garbage(m, n)); }},
      {"multiply", "in place", [](D<T> d, O<T> o, Index m, Index n, Index) { const V y = o.random(m, n); d.multiply(y, o.random(m, n), y); }},
      {"add_scalar", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.add_scalar(T(.75), o.random(m, n)); }},
      {"scale_columns", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.scale_columns(o.random(n, 1), o.random(m, n)); }},
      {"add_to_columns", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.add_to_columns(T(-.5), o.random(n, 1), o.random(m, n)); }},
      {"add_to_rows", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.add_to_rows(T(1.5), o.random(m, 1), o.random(m, n)); }},
      {"scale_rows", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.scale_rows(o.random(m, 1), o.random(m, n)); }},
      {"column_sum", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.column_sum(o.random(m, n), o.garbage(n, 1)); }},
      {"column_max", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.column_max(o.random(m, n, -3, -1), o.garbage(n, 1)); }},
      {"row_sum", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.row_sum(T(.5), o.random(m, n), o.random(n, 1), T(.25), o.random(m, 1)); }},
      {"row_sum", "beta 0", [](D<T> d, O<T> o, Index m, Index n, Index) { d.row_sum(T(1), o.random(m, n), o.mask(n), T(0), o.garbage(m, 1)); }},
      {"gather_columns", "", [](D<T> d, O<T> o, Index m, Index n, Index k) { d.gather_columns(o.random(m, k), o.ids(n, k), o.garbage(m, n)); }},
      {"scatter_add_columns", "",
       [](D<T> d, O<T> o, Index m, Index n, Index k) { d.scatter_add_columns(o.random(m, k), o.scatters(2 * n + 1, n, k), o.random(m, n)); }},
      {"select_columns", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.select_columns(o.mask(n), o.random(m, n), o.random(m, n)); }},
      {"add_entries", "", [](D<T> d, O<T> o, Index m, Index n, Index k) { d.add_entries(o.entries(k, m, n), {}, o.random(m, n)); }},
      {"add_entries", "weighted", [](D<T> d, O<T> o, Index m, Index n, Index k) { d.add_entries(o.entries(k, m, n), o.random(m, 1), o.random(m, n)); }},
      {"dot_entries", "", [](D<T> d, O<T> o, Index m, Index n, Index k) { d.dot_entries(T(-.5), o.entries(k, m, n), o.random(m, n), o.random(m, 1)); }},
      {"read_entries", "", [](D<T> d, O<T> o, Index m, Index n, Index k) { d.read_entries(o.random(m, n), o.entries(k, m, n), o.host(k)); }},
      {"dropout_mask", "", [](D<T> d, O<T> o, Index m, Index n, Index k) {
         d.dropout_mask(.3, {.seed = 1, .step = static_cast<std::uint64_t>(k), .level = 2, .purpose = 3}, o.garbage(m, n));
       }},
      {"prediction_error", "", [](D<T> d, O<T> o, Index m, Index n, Index) {
         d.prediction_error(T(3), o.random(m, n), o.random(m, n), o.garbage(m, n), o.random(n, 1));
       }},
      {"relax_step", "", [](D<T> d, O<T> o, Index m, Index n, Index) {
         d.relax_step(T(4), o.random(m, n), o.random(m, n), o.random(n, 1, 0, 1), o.random(m, n), o.random(m, n, -1, 1));
       }},
      {"affine", "", [](D<T> d, O<T> o, Index m, Index n, Index k) { d.affine(o.random(m, k), o.random(k, n), o.random(m, 1), T(0), o.garbage(m, n)); }},
      {"affine", "no b", [](D<T> d, O<T> o, Index m, Index n, Index k) { d.affine(o.random(m, k), o.random(k, n), {}, T(1), o.random(m, n)); }},
      {"softmax_cross_entropy", "", [](D<T> d, O<T> o, Index m, Index n, Index) {
         d.softmax_cross_entropy(o.random(m, n, -4, 4), o.targets(m, n), o.garbage(m, n), o.garbage(n, 1));
       }},
      {"softmax_cross_entropy", "in place", [](D<T> d, O<T> o, Index m, Index n, Index) {
         const V logits = o.random(m, n, -40, 40);
         d.softmax_cross_entropy(logits, o.targets(m, n), logits, o.garbage(n, 1));
       }},
      {"softmax_summary", "", [](D<T> d, O<T> o, Index m, Index n, Index) {
         d.softmax_summary(o.random(m, n, -4, 4), o.random(m, 1, -9, -1), o.garbage(n, 1), o.garbage(n, 1), o.garbage(n, 1));
       }},
      {"log_sum_exp", "", [](D<T> d, O<T> o, Index m, Index n, Index) { d.log_sum_exp(o.random(m, n, -90, 90), o.garbage(n, 1)); }},
      {"softmax_layer", "two parts", [](D<T> d, O<T> o, Index m, Index n, Index k) { words<T>(d, o, {k, 5}, m, n, true, false); }},
      {"softmax_layer", "one mean, no probabilities", [](D<T> d, O<T> o, Index m, Index n, Index k) { words<T>(d, o, {k, 7}, m, n, false, false); }},
      {"softmax_layer", "extra", [](D<T> d, O<T> o, Index m, Index n, Index k) { words<T>(d, o, {k}, m, n, true, true); }},
      {"leaky_integrate", "", [](D<T> d, O<T> o, Index m, Index n, Index) {
         d.leaky_integrate(o.random(n, 1, 0, 1), T(.4), o.mask(n), o.random(m, n), o.random(m, n));
       }},
      {"settle_dense", "tanh", [](D<T> d, O<T> o, Index m, Index n, Index k) { dense<T>(d, o, Activation::tanh, {m, k, 10}, n); }},
      {"settle_dense", "relu, deep", [](D<T> d, O<T> o, Index m, Index n, Index k) { dense<T>(d, o, Activation::relu, {k, 33, m, 17, 3}, n); }},
      {"settle_dense", "one layer", [](D<T> d, O<T> o, Index m, Index n, Index k) { dense<T>(d, o, Activation::tanh, {k, m}, n); }},
      {"outer_product", "", [](D<T> d, O<T> o, Index m, Index n, Index k) { d.outer_product(T(.5), o.random(m, k), o.random(n, k), o.random(m, n)); }},
      {"adam", "", [](D<T> d, O<T> o, Index m, Index n, Index k) {
         d.adam({.rate = .01, .decay = .1, .count = k}, o.random(m, n), o.random(m, n), o.random(m, n, 0, 2), o.random(m, n));
       }},
  };
  return table;
}

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> table = {{1, 1, 1},      {2, 3, 1},       {3, 2, 7},     {7, 1, 17},     {1, 17, 2},    {17, 7, 3},
                                           {33, 65, 2},    {63, 17, 130},   {65, 33, 63},  {130, 63, 65},  {1003, 33, 7}, {7, 1003, 33},
                                           {1003, 67, 65}, {61, 1003, 257}, {50, 9, 5003}, {200'003, 1, 2}};
  return table;
}

template class Operands<float>;
template class Operands<double>;
template const std::vector<Operation<float>>& operations<float>();
template const std::vector<Operation<double>>& operations<double>();

}  // namespace strata::test
