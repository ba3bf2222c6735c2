#pragma once
// Products of the cuda device, by cuBLASLt.
//
// The algorithm of a product is asked for once per kind, shape, leading dimensions and alignment, and kept: the same call gives the same bits.
// Sums are never cut with atomics (reduction schemes none and out of place alone), and every stream of work has a workspace of its own.
// Where cuBLASLt has no algorithm for a shape, or none of those it named turns out to be there, a plain kernel of ours takes it.

#include <cublasLt.h>

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>

#include "core/device/cuda/runtime.hpp"
#include "core/device/device.hpp"

namespace strata::gpu {

/// What is multiplied: float in full, float rounded to tf32, bfloat16 (given as such), double. Sums are float, of double double.
enum class Numbers { single, tf32, brief, twofold };

/// D = alpha op(A) op(B) + beta C, D of m x n, k summed over; C may be D. A and B hold what `numbers` says, C and D float, or double of double.
struct ProductCall {
  Numbers numbers = Numbers::single;
  bool transpose_a = false, transpose_b = false;
  Index m = 0, n = 0, k = 0;
  const void* a = nullptr;
  Index lda = 0;
  const void* b = nullptr;
  Index ldb = 0;
  double alpha = 1, beta = 0;
  const void* c = nullptr;
  Index ldc = 0;
  void* d = nullptr;
  Index ldd = 0;
};

class Products {
 public:
  Products();
  ~Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  /// On `stream`, which `workspace` (workspace_bytes of the device) belongs to.
  void run(const ProductCall& call, cudaStream_t stream, void* workspace);
  static constexpr std::size_t workspace_bytes = std::size_t{32} << 20;
  /// How many calls the plain kernel took.
  std::uint64_t plain() const { return plain_; }

 private:
  struct Plan;
  using Key = std::tuple<int, Index, Index, Index, Index, Index, Index, Index, int, bool>;
  static Key key_of(const ProductCall& call);
  Plan& plan_of(const ProductCall& call);

  cublasLtHandle_t handle_ = nullptr;
  std::map<Key, std::unique_ptr<Plan>> plans_;
  std::uint64_t plain_ = 0;
};

/// Room for a rectangle with the layout of tensors, in memory that grows.
template <class S>
View<S> rectangle(Memory& memory, Index rows, Index cols, cudaStream_t stream) {
  const Index ld = leading(rows, cols, sizeof(S));
  memory.grow(static_cast<std::size_t>(ld * cols) * sizeof(S), stream);
  return {memory.as<S>(), rows, cols, ld};
}

/// Numbers of a product in full.
template <class T>
constexpr Numbers whole_numbers = sizeof(T) == sizeof(double) ? Numbers::twofold : Numbers::single;

/// D = alpha op(A) op(B) + beta C on views of T in full; C may be D.
template <class T>
ProductCall product_call(bool transpose_a, bool transpose_b, T alpha, ConstView<T> a, ConstView<T> b, T beta, ConstView<T> c, View<T> d) {
  const auto stride = [](const auto& v) { return v.ld > v.rows ? v.ld : v.rows; };  // a single column's need not reach its end
  return {whole_numbers<T>, transpose_a, transpose_b, d.rows,    d.cols,        transpose_a ? a.rows : a.cols,
          a.data,           stride(a),   b.data,      stride(b), double(alpha), double(beta),
          c.data,           stride(c),   d.data,      stride(d)};
}

/// D = op(A) B on operands in the numbers that `numbers` says.
template <class S, class T>
ProductCall product_call(Numbers numbers, bool transpose_a, View<S> a, View<S> b, View<T> d) {
  ProductCall call = product_call<T>(transpose_a, false, T(1), ConstView<T>{}, ConstView<T>{}, T(0), ConstView<T>(d), d);
  call.numbers = numbers;
  call.k = b.rows;
  call.a = a.data;
  call.lda = a.ld;
  call.b = b.data;
  call.ldb = b.ld;
  return call;
}

/// The same by a plain kernel, an element at a time, sums in the order of k.
void plain_product(const ProductCall& call, cudaStream_t stream);

}  // namespace strata::gpu
