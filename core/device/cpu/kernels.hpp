#pragma once
// One-dimensional kernels of the cpu device, one table per instruction set (kernels.cpp is compiled once for each).
// n counts elements; x, y, ... point to n consecutive ones. Outputs may be the very arrays of inputs, never shifted against them.
// Sums run in 16 lanes (element i in lane i mod 16), combined in a fixed tree: vectorisable, and the same bits whatever the alignment.

#include <cstdint>

namespace strata {

template <class T>
struct AdamFactors {
  T keep1, add1, keep2, add2;      ///< moments: m = keep1 m + add1 g,  v = keep2 v + add2 g^2
  T inverse_correction2, epsilon;  ///< denominator sqrt(inverse_correction2 v) + epsilon
  T rate, keep_weight;             ///< w = keep_weight w + rate m / denominator
};

template <class T>
struct SoftmaxSummary {
  T normaliser, entropy, divergence;
};

template <class T>
struct Kernels {
  using Size = std::int64_t;
  using MapKernel = void (*)(Size n, const T* x, T* y);

  MapKernel map[9];  ///< in the order of Unary
  void (*axpby)(Size n, T alpha, const T* x, T beta, T* y);
  void (*multiply)(Size n, const T* a, const T* b, T* y);
  void (*add_scalar)(Size n, T value, T* y);
  void (*scale)(Size n, T value, T* y);
  T (*sum)(Size n, const T* x);
  T (*maximum)(Size n, const T* x);
  /// sums = alpha sum_j weight[j] x[j * ld + i] + beta sums, for i < n, j < columns.
  void (*row_sum)(Size n, Size columns, Size ld, T alpha, const T* x, const T* weight, T beta, T* sums);
  /// e = precision (x - mu); returns sum (x - mu)^2.
  T (*prediction_error)(Size n, T precision, const T* x, const T* mu, T* e);
  /// x += step (mu - x + (1 - f^2) message inverse_precision); f = tanh(x).
  void (*relax_step)(Size n, T inverse_precision, T step, const T* mu, const T* message, T* x, T* f);
  /// x += rate (f' message - (x - mu)); f as below. The step of a dense layer whose mu stays.
  using FirstDenseStep = void (*)(Size n, T rate, const T* message, const T* mu, T* x, T* f);
  FirstDenseStep first_dense_step[2];  ///< in the order of Activation
  /// x += rate (f' message - e); f = tanh(x), near (elementary.inc), or max(x, 0); e = x - bias. A dense layer's step; what e lacks is the product below.
  using DenseStep = void (*)(Size n, T rate, const T* message, const T* bias, T* x, T* f, T* e);
  DenseStep dense_step[2];  ///< in the order of Activation
  /// y = exp(x - shift); returns sum y.
  T (*exp_sum)(Size n, T shift, const T* x, T* y);
  /// log sum exp x.
  T (*log_sum_exp)(Size n, const T* x);
  /// Of p = softmax(x): log normaliser, entropy, KL(p || background) with background in logs.
  SoftmaxSummary<T> (*softmax_summary)(Size n, const T* x, const T* background);
  /// y = x rounded to bfloat16, the upper half of a float, to even.
  void (*to_brief)(Size n, const T* x, std::uint16_t* y);
  void (*adam)(Size n, const AdamFactors<T>& factors, T* gradient, T* first, T* second, T* weight);
};

/// The tables that this build has, the most capable last; `level` is "x86-64-v2", ... (or "generic" on other processors).
struct KernelSet {
  const char* level;
  const Kernels<float>* single;
  const Kernels<double>* twofold;
};

#if defined(__x86_64__)
namespace kernels_v2 {
extern const KernelSet set;
}
namespace kernels_v3 {
extern const KernelSet set;
}
namespace kernels_v4 {
extern const KernelSet set;
}
#else
namespace kernels_base {
extern const KernelSet set;
}
#endif

}  // namespace strata
