#include "core/device/reference/reference.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <new>

#include "core/device/factories.hpp"
#include "core/error.hpp"
#include "core/random.hpp"

namespace strata {
namespace {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <class T>
using MatrixMap = Eigen::Map<Matrix<T>, Eigen::Unaligned, Eigen::OuterStride<>>;
template <class T>
using ConstMatrixMap = Eigen::Map<const Matrix<T>, Eigen::Unaligned, Eigen::OuterStride<>>;

template <class T>
MatrixMap<T> eigen(View<T> v) {
  return {v.data, v.rows, v.cols, Eigen::OuterStride<>(v.ld)};
}

template <class T>
ConstMatrixMap<T> eigen(View<const T> v) {
  return {v.data, v.rows, v.cols, Eigen::OuterStride<>(v.ld)};
}

/// A column vector, which is how all per-stream and per-unit arguments come.
template <class T>
T at(View<T> vector, Index i) {
  assert(vector.cols == 1 && i < vector.rows);
  return vector.data[i];
}

/// The blocking of Eigen's products follows the cache sizes it finds, and with it the order of sums; fixed, bits do not depend on the machine.
bool fix_eigen() {
  Eigen::setNbThreads(1);
  Eigen::setCpuCacheSizes(32 * 1024, 512 * 1024, 4 * 1024 * 1024);
  return true;
}

template <class T, class F>
void apply(ConstView<T> x, View<T> y, F f) {
  eigen(y) = eigen(x).unaryExpr(f);
}

}  // namespace

template <class T>
ReferenceDevice<T>::ReferenceDevice() {
  static const bool fixed = fix_eigen();
  static_cast<void>(fixed);
}

template <class T>
ReferenceDevice<T>::~ReferenceDevice() {
  this->release_scratch();
}

template <class T>
std::string ReferenceDevice<T>::isa() const {
#if defined(__AVX512F__)
  return "x86-64-v4";
#elif defined(__AVX2__)
  return "x86-64-v3";
#elif defined(__SSE4_2__)
  return "x86-64-v2";
#elif defined(__x86_64__)
  return "x86-64";
#else
  return "generic";
#endif
}

template <class T>
T* ReferenceDevice<T>::allocate(Index elements) {
  const std::size_t bytes = static_cast<std::size_t>(elements) * sizeof(T);
  void* data = ::operator new (bytes, std::align_val_t{64}, std::nothrow);
  if (data == nullptr)
    throw DeviceError("allocate", 0, "no memory for " + std::to_string(bytes) + " bytes; lower the batch or the sizes of levels");
  std::memset(data, 0, bytes);
  return static_cast<T*>(data);
}

template <class T>
void ReferenceDevice<T>::release(T* data, Index) noexcept {
  ::operator delete (data, std::align_val_t{64});
}

template <class T>
void ReferenceDevice<T>::upload(std::span<const T> host, View<T> to) {
  assert(static_cast<Index>(host.size()) == to.rows * to.cols);
  for (Index j = 0; j < to.cols; ++j) std::copy_n(host.data() + j * to.rows, to.rows, to.data + j * to.ld);
}

template <class T>
void ReferenceDevice<T>::download(ConstView<T> from, std::span<T> host) const {
  assert(static_cast<Index>(host.size()) == from.rows * from.cols);
  for (Index j = 0; j < from.cols; ++j) std::copy_n(from.data + j * from.ld, from.rows, host.data() + j * from.rows);
}

template <class T>
void ReferenceDevice<T>::fill(View<T> y, T value) {
  eigen(y).setConstant(value);
}

template <class T>
void ReferenceDevice<T>::copy(ConstView<T> x, View<T> y) {
  assert(x.rows == y.rows && x.cols == y.cols);
  eigen(y) = eigen(x);
}

template <class T>
void ReferenceDevice<T>::gemm(bool transpose_a, bool transpose_b, T alpha, ConstView<T> a, ConstView<T> b, T beta, View<T> c) {
  assert((transpose_a ? a.cols : a.rows) == c.rows && (transpose_b ? b.rows : b.cols) == c.cols);
  assert((transpose_a ? a.rows : a.cols) == (transpose_b ? b.cols : b.rows));
  auto y = eigen(c);
  if (beta == T(0)) {
    y.setZero();
  } else if (beta != T(1)) {
    y *= beta;
  }
  const auto left = eigen(a), right = eigen(b);
  if (transpose_a && transpose_b) {
    y.noalias() += alpha * left.transpose() * right.transpose();
  } else if (transpose_a) {
    y.noalias() += alpha * left.transpose() * right;
  } else if (transpose_b) {
    y.noalias() += alpha * left * right.transpose();
  } else {
    y.noalias() += alpha * left * right;
  }
}

template <class T>
void ReferenceDevice<T>::map(Unary f, ConstView<T> x, View<T> y) {
  assert(x.rows == y.rows && x.cols == y.cols);
  switch (f) {
    case Unary::exp: return apply(x, y, [](T v) { return std::exp(v); });
    case Unary::log: return apply(x, y, [](T v) { return std::log(v); });
    case Unary::tanh: return apply(x, y, [](T v) { return std::tanh(v); });
    case Unary::square: return apply(x, y, [](T v) { return v * v; });
    case Unary::sqrt: return apply(x, y, [](T v) { return std::sqrt(v); });
    case Unary::reciprocal: return apply(x, y, [](T v) { return T(1) / v; });
    case Unary::relu: return apply(x, y, [](T v) { return v > T(0) ? v : T(0); });
    case Unary::positive: return apply(x, y, [](T v) { return v > T(0) ? T(1) : T(0); });
    case Unary::logistic: return apply(x, y, [](T v) { return T(1) / (T(1) + std::exp(-v)); });
  }
}

template <class T>
void ReferenceDevice<T>::axpby(T alpha, ConstView<T> x, T beta, View<T> y) {
  assert(x.rows == y.rows && x.cols == y.cols);
  if (beta == T(0)) {
    eigen(y) = alpha * eigen(x);
  } else {
    eigen(y) = alpha * eigen(x) + beta * eigen(y);
  }
}

template <class T>
void ReferenceDevice<T>::multiply(ConstView<T> a, ConstView<T> b, View<T> y) {
  assert(a.rows == y.rows && a.cols == y.cols && b.rows == y.rows && b.cols == y.cols);
  eigen(y) = eigen(a).cwiseProduct(eigen(b));
}

template <class T>
void ReferenceDevice<T>::add_scalar(T value, View<T> y) {
  eigen(y).array() += value;
}

template <class T>
void ReferenceDevice<T>::scale_columns(ConstView<T> per_stream, View<T> y) {
  for (Index j = 0; j < y.cols; ++j) eigen(y).col(j) *= at(per_stream, j);
}

template <class T>
void ReferenceDevice<T>::add_to_columns(T alpha, ConstView<T> per_stream, View<T> y) {
  for (Index j = 0; j < y.cols; ++j) eigen(y).col(j).array() += alpha * at(per_stream, j);
}

template <class T>
void ReferenceDevice<T>::add_to_rows(T alpha, ConstView<T> per_unit, View<T> y) {
  assert(per_unit.rows == y.rows);
  for (Index j = 0; j < y.cols; ++j) eigen(y).col(j) += alpha * eigen(per_unit).col(0);
}

template <class T>
void ReferenceDevice<T>::scale_rows(ConstView<T> per_unit, View<T> y) {
  assert(per_unit.rows == y.rows);
  for (Index j = 0; j < y.cols; ++j) eigen(y).col(j).array() *= eigen(per_unit).col(0).array();
}

template <class T>
void ReferenceDevice<T>::column_sum(ConstView<T> x, View<T> per_stream) {
  assert(per_stream.rows == x.cols);
  for (Index j = 0; j < x.cols; ++j) per_stream.data[j] = eigen(x).col(j).sum();
}

template <class T>
void ReferenceDevice<T>::column_max(ConstView<T> x, View<T> per_stream) {
  assert(per_stream.rows == x.cols && x.rows > 0);
  for (Index j = 0; j < x.cols; ++j) per_stream.data[j] = eigen(x).col(j).maxCoeff();
}

template <class T>
void ReferenceDevice<T>::row_sum(T alpha, ConstView<T> x, ConstView<T> weight, T beta, View<T> per_unit) {
  assert(per_unit.rows == x.rows && weight.rows == x.cols);
  gemm(false, false, alpha, x, weight, beta, per_unit);
}

template <class T>
void ReferenceDevice<T>::gather_columns(ConstView<T> x, std::span<const std::int32_t> ids, View<T> y) {
  assert(static_cast<Index>(ids.size()) == y.cols && x.rows == y.rows);
  for (Index j = 0; j < y.cols; ++j) eigen(y).col(j) = eigen(x).col(ids[static_cast<std::size_t>(j)]);
}

template <class T>
void ReferenceDevice<T>::scatter_add_columns(ConstView<T> x, std::span<const Scatter<T>> scatters, View<T> y) {
  assert(x.rows == y.rows);
  for (const Scatter<T>& s : scatters) eigen(y).col(s.target) += s.scale * eigen(x).col(s.source);
}

template <class T>
void ReferenceDevice<T>::select_columns(ConstView<T> mask, ConstView<T> x, View<T> y) {
  assert(x.rows == y.rows && x.cols == y.cols);
  for (Index j = 0; j < y.cols; ++j) {
    if (at(mask, j) != T(0)) eigen(y).col(j) = eigen(x).col(j);
  }
}

template <class T>
void ReferenceDevice<T>::add_entries(std::span<const Entry<T>> entries, ConstView<T> weight, View<T> y) {
  for (const Entry<T>& e : entries) y.data[e.row + e.col * y.ld] += weight.data == nullptr ? e.value : e.value * weight.data[e.row];
}

template <class T>
void ReferenceDevice<T>::dot_entries(T scale, std::span<const Entry<T>> entries, ConstView<T> x, View<T> gradient) {
  for (const Entry<T>& e : entries) gradient.data[e.row] += scale * e.value * x.data[e.row + e.col * x.ld];
}

template <class T>
void ReferenceDevice<T>::read_entries(ConstView<T> x, std::span<const Entry<T>> entries, std::span<T> out) const {
  assert(out.size() >= entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) out[i] = x.data[entries[i].row + entries[i].col * x.ld];
}

template <class T>
void ReferenceDevice<T>::dropout_mask(double rate, RandomKey key, View<T> y) {
  const std::uint64_t base = random_base(key.seed, key.step, key.level, key.purpose);
  const T kept = static_cast<T>(1 / (1 - rate));
  const auto threshold = static_cast<float>(rate);
  for (Index j = 0; j < y.cols; ++j) {
    for (Index i = 0; i < y.rows; ++i) {
      const float u = random_uniform(base, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j));
      y.data[i + j * y.ld] = u < threshold ? T(0) : kept;
    }
  }
}

template <class T>
std::unique_ptr<Device<T>> make_reference_device(const DeviceOptions&) {
  return std::make_unique<ReferenceDevice<T>>();
}

template std::unique_ptr<Device<float>> make_reference_device<float>(const DeviceOptions&);
template std::unique_ptr<Device<double>> make_reference_device<double>(const DeviceOptions&);
template class ReferenceDevice<float>;
template class ReferenceDevice<double>;

}  // namespace strata
