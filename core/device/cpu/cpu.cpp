// Primitives of the cpu device other than products. The figures handed to for_elements and for_columns are rough nanoseconds per
// element on one core; they decide only whether threads are worth waking.

#include "core/device/cpu/cpu.hpp"

#include <cassert>
#include <cstring>
#include <type_traits>

#include "core/device/factories.hpp"
#include "core/error.hpp"
#include "core/random.hpp"

namespace strata {
namespace {

constexpr double move_work = .15, plain_work = .2, function_work = 1, random_work = 1.5;

template <class T>
bool dense(const View<T>& v) {
  return v.ld == v.rows;
}

/// `auto` follows the level the process already uses, so that several devices can live side by side.
const KernelSet& kernels_for(const std::string& isa) {
  const std::string capped = capped_level();
  const KernelSet& set = choose_kernels(isa == "auto" && !capped.empty() ? capped : isa);
  cap_products(set);
  return set;
}

bool brief_products(const std::string& products, const KernelSet& kernels) {
  if (products == "float") return false;
  if (products != "bfloat16" && products != "auto") throw ConfigError("products", products, "must be one of float, bfloat16, auto");
  if (products == "bfloat16" && !multiplies_briefly(kernels))
    throw DeviceError("products bfloat16", 0,
                      "this processor does not multiply bfloat16, or --isa holds it back; take run.products = float");
  return multiplies_briefly(kernels);
}

template <class T>
const Kernels<T>& table_of(const KernelSet& set);
template <>
const Kernels<float>& table_of<float>(const KernelSet& set) {
  return *set.single;
}
template <>
const Kernels<double>& table_of<double>(const KernelSet& set) {
  return *set.twofold;
}

}  // namespace

template <class T>
CpuDevice<T>::CpuDevice(const DeviceOptions& options)
    : set_(kernels_for(options.isa)),
      kernels_(table_of<T>(set_)),
      workers_(options.threads),
      brief_(brief_products(options.products, set_) && std::is_same_v<T, float>) {}

template <class T>
void CpuDevice<T>::fill(View<T> y, T value) {
  for_elements(y.rows, y.cols, move_work, dense(y), [&](Index i, Index n, Index j) { std::fill_n(y.data + i + j * y.ld, n, value); });
}

template <class T>
void CpuDevice<T>::copy(ConstView<T> x, View<T> y) {
  assert(x.rows == y.rows && x.cols == y.cols);
  for_elements(y.rows, y.cols, move_work, dense(x) && dense(y), [&](Index i, Index n, Index j) {
    std::memcpy(y.data + i + j * y.ld, x.data + i + j * x.ld, static_cast<std::size_t>(n) * sizeof(T));
  });
}

template <class T>
void CpuDevice<T>::map(Unary f, ConstView<T> x, View<T> y) {
  assert(x.rows == y.rows && x.cols == y.cols);
  const auto kernel = kernels_.map[static_cast<std::size_t>(f)];
  for_elements(y.rows, y.cols, function_work, dense(x) && dense(y),
               [&](Index i, Index n, Index j) { kernel(n, x.data + i + j * x.ld, y.data + i + j * y.ld); });
}

template <class T>
void CpuDevice<T>::axpby(T alpha, ConstView<T> x, T beta, View<T> y) {
  assert(x.rows == y.rows && x.cols == y.cols);
  for_elements(y.rows, y.cols, plain_work, dense(x) && dense(y),
               [&](Index i, Index n, Index j) { kernels_.axpby(n, alpha, x.data + i + j * x.ld, beta, y.data + i + j * y.ld); });
}

template <class T>
void CpuDevice<T>::multiply(ConstView<T> a, ConstView<T> b, View<T> y) {
  assert(a.rows == y.rows && a.cols == y.cols && b.rows == y.rows && b.cols == y.cols);
  for_elements(y.rows, y.cols, plain_work, dense(a) && dense(b) && dense(y), [&](Index i, Index n, Index j) {
    kernels_.multiply(n, a.data + i + j * a.ld, b.data + i + j * b.ld, y.data + i + j * y.ld);
  });
}

template <class T>
void CpuDevice<T>::add_scalar(T value, View<T> y) {
  for_elements(y.rows, y.cols, plain_work, dense(y),
               [&](Index i, Index n, Index j) { kernels_.add_scalar(n, value, y.data + i + j * y.ld); });
}

template <class T>
void CpuDevice<T>::scale_columns(ConstView<T> per_stream, View<T> y) {
  assert(per_stream.rows == y.cols && per_stream.cols == 1);
  for_columns(y.rows, y.cols, plain_work, [&](Index j) { kernels_.scale(y.rows, per_stream.data[j], y.data + j * y.ld); });
}

template <class T>
void CpuDevice<T>::add_to_columns(T alpha, ConstView<T> per_stream, View<T> y) {
  assert(per_stream.rows == y.cols && per_stream.cols == 1);
  for_columns(y.rows, y.cols, plain_work, [&](Index j) { kernels_.add_scalar(y.rows, alpha * per_stream.data[j], y.data + j * y.ld); });
}

template <class T>
void CpuDevice<T>::add_to_rows(T alpha, ConstView<T> per_unit, View<T> y) {
  assert(per_unit.rows == y.rows && per_unit.cols == 1);
  for_columns(y.rows, y.cols, plain_work, [&](Index j) { kernels_.axpby(y.rows, alpha, per_unit.data, T(1), y.data + j * y.ld); });
}

template <class T>
void CpuDevice<T>::scale_rows(ConstView<T> per_unit, View<T> y) {
  assert(per_unit.rows == y.rows && per_unit.cols == 1);
  for_columns(y.rows, y.cols, plain_work, [&](Index j) { kernels_.multiply(y.rows, per_unit.data, y.data + j * y.ld, y.data + j * y.ld); });
}

template <class T>
void CpuDevice<T>::column_sum(ConstView<T> x, View<T> per_stream) {
  assert(per_stream.rows == x.cols && per_stream.cols == 1);
  for_columns(x.rows, x.cols, plain_work, [&](Index j) { per_stream.data[j] = kernels_.sum(x.rows, x.data + j * x.ld); });
}

template <class T>
void CpuDevice<T>::column_max(ConstView<T> x, View<T> per_stream) {
  assert(per_stream.rows == x.cols && per_stream.cols == 1 && x.rows > 0);
  for_columns(x.rows, x.cols, plain_work, [&](Index j) { per_stream.data[j] = kernels_.maximum(x.rows, x.data + j * x.ld); });
}

template <class T>
void CpuDevice<T>::row_sum(T alpha, ConstView<T> x, ConstView<T> weight, T beta, View<T> per_unit) {
  assert(per_unit.rows == x.rows && per_unit.cols == 1 && weight.rows == x.cols && weight.cols == 1);
  for_elements(x.rows, 1, plain_work * static_cast<double>(x.cols), true, [&](Index i, Index n, Index) {
    kernels_.row_sum(n, x.cols, x.ld, alpha, x.data + i, weight.data, beta, per_unit.data + i);
  });
}

template <class T>
void CpuDevice<T>::gather_columns(ConstView<T> x, std::span<const std::int32_t> ids, View<T> y) {
  assert(static_cast<Index>(ids.size()) == y.cols && x.rows == y.rows);
  for_columns(y.rows, y.cols, move_work, [&](Index j) {
    const Index source = ids[static_cast<std::size_t>(j)];
    assert(source >= 0 && source < x.cols);
    std::memcpy(y.data + j * y.ld, x.data + source * x.ld, static_cast<std::size_t>(y.rows) * sizeof(T));
  });
}

template <class T>
void CpuDevice<T>::scatter_add_columns(ConstView<T> x, std::span<const Scatter<T>> scatters, View<T> y) {
  assert(x.rows == y.rows);
  // Several scatters may meet in one column: cut along the rows, so that each element sees all of them in their order.
  for_elements(y.rows, 1, (plain_work + .1) * static_cast<double>(scatters.size()), true, [&](Index i, Index n, Index) {
    for (const Scatter<T>& s : scatters) kernels_.axpby(n, s.scale, x.data + s.source * x.ld + i, T(1), y.data + s.target * y.ld + i);
  });
}

template <class T>
void CpuDevice<T>::select_columns(ConstView<T> mask, ConstView<T> x, View<T> y) {
  assert(x.rows == y.rows && x.cols == y.cols && mask.rows == y.cols && mask.cols == 1);
  for_columns(y.rows, y.cols, move_work, [&](Index j) {
    if (mask.data[j] != T(0)) std::memcpy(y.data + j * y.ld, x.data + j * x.ld, static_cast<std::size_t>(y.rows) * sizeof(T));
  });
}

template <class T>
void CpuDevice<T>::dropout_mask(double rate, RandomKey key, View<T> y) {
  const std::uint64_t base = random_base(key.seed, key.step, key.level, key.purpose);
  const T kept = static_cast<T>(1 / (1 - rate));
  const auto threshold = static_cast<float>(rate);
  for_columns(y.rows, y.cols, random_work, [&](Index j) {
    T* column = y.data + j * y.ld;
    for (Index i = 0; i < y.rows; ++i) {
      const float u = random_uniform(base, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j));
      column[i] = u < threshold ? T(0) : kept;
    }
  });
}

template <class T>
std::unique_ptr<Device<T>> make_cpu_device(const DeviceOptions& options) {
  return std::make_unique<CpuDevice<T>>(options);
}

template std::unique_ptr<Device<float>> make_cpu_device<float>(const DeviceOptions&);
template std::unique_ptr<Device<double>> make_cpu_device<double>(const DeviceOptions&);
template class CpuDevice<float>;
template class CpuDevice<double>;

}  // namespace strata
