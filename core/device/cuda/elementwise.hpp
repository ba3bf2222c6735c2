#pragma once
// Bodies of the element-wise kernels: each is called once for every (i, j), by some thread. The formulas are those of device.hpp.
//
// Floor of each: the bytes it names in core/device/cuda/README.md over the memory's bandwidth; none does enough arithmetic to matter.

#include <bit>
#include <cmath>

#include "core/device/cuda/both.hpp"
#include "core/random.hpp"

namespace strata::gpu {

template <class T>
STRATA_BOTH T evaluate(Unary f, T v) {
  switch (f) {
    case Unary::exp: return std::exp(v);
    case Unary::log: return std::log(v);
    case Unary::tanh: return std::tanh(v);
    case Unary::square: return v * v;
    case Unary::sqrt: return std::sqrt(v);
    case Unary::reciprocal: return T(1) / v;
    case Unary::relu: return v > T(0) ? v : T(0);
    case Unary::positive: return v > T(0) ? T(1) : T(0);
    case Unary::logistic: return T(1) / (T(1) + std::exp(-v));
  }
  return v;
}

template <class T>
struct Fill {
  View<T> y;
  T value;
  STRATA_BOTH void operator()(Index i, Index j) const { at(y, i, j) = value; }
};

template <class T>
struct Copy {
  ConstView<T> x;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index j) const { at(y, i, j) = at(x, i, j); }
};

template <class T>
struct Map {
  Unary f;
  ConstView<T> x;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index j) const { at(y, i, j) = evaluate(f, at(x, i, j)); }
};

template <class T>
struct Axpby {
  T alpha;
  ConstView<T> x;
  T beta;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index j) const {
    const T term = alpha * at(x, i, j);
    at(y, i, j) = beta == T(0) ? term : term + beta * at(y, i, j);
  }
};

template <class T>
struct Multiply {
  ConstView<T> a, b;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index j) const { at(y, i, j) = at(a, i, j) * at(b, i, j); }
};

template <class T>
struct AddScalar {
  T value;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index j) const { at(y, i, j) += value; }
};

template <class T>
struct ScaleColumns {
  ConstView<T> per_stream;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index j) const { at(y, i, j) *= per_stream.data[j]; }
};

template <class T>
struct AddToColumns {
  T alpha;
  ConstView<T> per_stream;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index j) const { at(y, i, j) += alpha * per_stream.data[j]; }
};

template <class T>
struct ScaleRows {
  ConstView<T> per_unit;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index j) const { at(y, i, j) *= per_unit.data[i]; }
};

template <class T>
struct AddToRows {
  T alpha;
  ConstView<T> per_unit;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index j) const { at(y, i, j) += alpha * per_unit.data[i]; }
};

template <class T>
struct GatherColumns {
  ConstView<T> x;
  const std::int32_t* ids;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index j) const { at(y, i, j) = at(x, i, ids[j]); }
};

template <class T>
struct SelectColumns {
  ConstView<T> mask, x;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index j) const {
    if (mask.data[j] != T(0)) at(y, i, j) = at(x, i, j);
  }
};

/// The bits of core/random.hpp: the same as on every device.
template <class T>
struct DropoutMask {
  std::uint64_t base;
  float threshold;
  T kept;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index j) const {
    const float u = random_uniform(base, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j));
    at(y, i, j) = u < threshold ? T(0) : kept;
  }
};

template <class T>
struct RelaxStep {
  T inverse_precision;
  ConstView<T> mu, message, step;
  View<T> x, f;
  STRATA_BOTH void operator()(Index i, Index j) const {
    const T old = at(x, i, j), activity = at(f, i, j);
    const T slope = T(1) - activity * activity;
    const T now = old + step.data[j] * (at(mu, i, j) - old + slope * at(message, i, j) * inverse_precision);
    at(x, i, j) = now;
    at(f, i, j) = std::tanh(now);
  }
};

template <class T>
struct LeakyIntegrate {
  ConstView<T> decay;
  T gain;
  ConstView<T> active, s;
  View<T> h;
  STRATA_BOTH void operator()(Index i, Index j) const {
    const T on = active.data[j];
    if (on != T(0)) at(h, i, j) = decay.data[j] * at(h, i, j) + gain * on * at(s, i, j);
  }
};

/// Coefficients of one Adam step, as the host works them out.
template <class T>
struct AdamFactors {
  T keep_first, add_first, keep_second, add_second, inverse_correction, epsilon, rate, keep_weight;

  explicit AdamFactors(const AdamStep& step)
      : keep_first(static_cast<T>(step.beta1)),
        add_first(static_cast<T>(1 - step.beta1)),
        keep_second(static_cast<T>(step.beta2)),
        add_second(static_cast<T>(1 - step.beta2)),
        inverse_correction(static_cast<T>(1 / (1 - std::pow(step.beta2, static_cast<double>(step.count))))),
        epsilon(static_cast<T>(step.epsilon)),
        rate(static_cast<T>(step.rate / (1 - std::pow(step.beta1, static_cast<double>(step.count))))),
        keep_weight(static_cast<T>(1 - step.rate * step.decay)) {}
};

template <class T>
struct Adam {
  AdamFactors<T> k;
  View<T> gradient, first, second, weight;
  STRATA_BOTH void operator()(Index i, Index j) const {
    const T g = at(gradient, i, j);
    const T m = k.add_first * g + k.keep_first * at(first, i, j);
    const T v = k.add_second * (g * g) + k.keep_second * at(second, i, j);
    at(first, i, j) = m;
    at(second, i, j) = v;
    at(weight, i, j) = k.rate * (m / (std::sqrt(v * k.inverse_correction) + k.epsilon)) + k.keep_weight * at(weight, i, j);
    at(gradient, i, j) = T(0);
  }
};

/// D = alpha op(A) op(B) + beta C, an element at a time: what cuBLASLt has no algorithm for. S is what A and B hold.
template <class S, class T>
struct PlainProduct {
  const S *a, *b;
  const T* c;
  T* d;
  Index k, lda, ldb, ldc, ldd;
  bool transpose_a, transpose_b;
  T alpha, beta;
  STRATA_BOTH static T wide(T value) { return value; }
  STRATA_BOTH static T wide(std::uint16_t bfloat16) { return std::bit_cast<float>(static_cast<std::uint32_t>(bfloat16) << 16U); }
  STRATA_BOTH void operator()(Index i, Index j) const {
    T sum = 0;
    for (Index l = 0; l < k; ++l)
      sum += wide(a[transpose_a ? l + i * lda : i + l * lda]) * wide(b[transpose_b ? j + l * ldb : l + j * ldb]);
    d[i + j * ldd] = beta == T(0) ? alpha * sum : alpha * sum + beta * c[i + j * ldc];
  }
};

// --- a chain of dense layers (dense.cu)

template <class T>
STRATA_BOTH T activate(Activation f, T x) {
  return f == Activation::tanh ? std::tanh(x) : (x > T(0) ? x : T(0));
}

/// A hidden layer at the start, x holding W f: x = mu = x + b, f = f(x), e = 0; mu is kept where the layer's input is clamped.
template <class T>
struct DenseStart {
  Activation activation;
  ConstView<T> bias;
  View<T> x, f, e, mu;
  STRATA_BOTH void operator()(Index i, Index j) const {
    const T value = at(x, i, j) + bias.data[i];
    at(x, i, j) = value;
    at(f, i, j) = activate(activation, value);
    at(e, i, j) = T(0);
    if (mu.data != nullptr) at(mu, i, j) = value;
  }
};

/// One step of a hidden layer, from its error e as it was. `rest` becomes its new error where mu is at hand, else x - b, from which a product
/// then takes W f: not in e itself, whose old value the message to the layer below may still be made of.
template <class T>
struct DenseStep {
  Activation activation;
  T rate;
  ConstView<T> message, bias, mu, e;
  View<T> x, f, rest;
  STRATA_BOTH void operator()(Index i, Index j) const {
    const T activity = at(f, i, j);
    const T slope = activation == Activation::tanh ? T(1) - activity * activity : (activity > T(0) ? T(1) : T(0));
    const T value = at(x, i, j) + rate * (slope * at(message, i, j) - at(e, i, j));
    at(x, i, j) = value;
    at(f, i, j) = activate(activation, value);
    at(rest, i, j) = value - (mu.data != nullptr ? at(mu, i, j) : bias.data[i]);
  }
};

/// y(:,j) = x(:,j) - b.
template <class T>
struct LessBias {
  ConstView<T> x, bias;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index j) const { at(y, i, j) = at(x, i, j) - bias.data[i]; }
};

}  // namespace strata::gpu
