// Compiled once per instruction set with STRATA_KERNEL_ISA = v2 | v3 | v4 (or base). Everything lies in a namespace of that name and
// nothing of the standard library is instantiated: an inline function shared with other files could be merged by the linker into
// the copy that this machine cannot run.

#include "core/device/cpu/kernels.hpp"

#include <math.h>

#define STRATA_JOIN_(a, b) a##b
#define STRATA_JOIN(a, b) STRATA_JOIN_(a, b)
#define STRATA_TEXT_(a) #a
#define STRATA_TEXT(a) STRATA_TEXT_(a)

#define STRATA_KERNELS STRATA_JOIN(kernels_, STRATA_KERNEL_ISA)

namespace strata::STRATA_KERNELS {
namespace {

#include "core/device/cpu/elementary.inc"

using Size = std::int64_t;
constexpr Size lanes = 16;
constexpr Size chunk = 256;  // elements that a two-pass loop keeps in the first cache level

template <class T>
T combine(T* lane) {
  for (Size width = lanes / 2; width > 0; width /= 2) {
    for (Size l = 0; l < width; ++l) lane[l] += lane[l + width];
  }
  return lane[0];
}

template <class T>
void add_lanes(Size n, const T* x, T* lane) {
  Size i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (Size l = 0; l < lanes; ++l) lane[l] += x[i + l];
  }
  for (Size l = 0; i + l < n; ++l) lane[l] += x[i + l];
}

template <class T>
T sum(Size n, const T* x) {
  T lane[lanes] = {};
  add_lanes(n, x, lane);
  return combine(lane);
}

template <class T>
T maximum(Size n, const T* x) {
  constexpr Size wide = 4 * lanes;  // the order does not matter here; four vectors hide the latency of one
  T lane[wide];
  for (T& l : lane) l = x[0];
  Size i = 0;
  for (; i + wide <= n; i += wide) {
    for (Size l = 0; l < wide; ++l) lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
  }
  for (; i < n; ++i) lane[0] = x[i] > lane[0] ? x[i] : lane[0];
  T largest = lane[0];
  for (Size l = 1; l < wide; ++l) largest = lane[l] > largest ? lane[l] : largest;
  return largest;
}

struct Exp {
  template <class T>
  static T of(T x) {
    return exp_of(x);
  }
};
struct Log {
  template <class T>
  static T of(T x) {
    return log_of(x);
  }
};
struct Tanh {
  template <class T>
  static T of(T x) {
    return tanh_of(x);
  }
};
struct Square {
  template <class T>
  static T of(T x) {
    return x * x;
  }
};
struct Sqrt {
  template <class T>
  static T of(T x) {
    return sqrt_of(x);
  }
};
struct Reciprocal {
  template <class T>
  static T of(T x) {
    return T(1) / x;
  }
};
struct Logistic {
  template <class T>
  static T of(T x) {
    return T(1) / (T(1) + exp_of(-x));
  }
};

struct Relu {
  template <class T>
  static T of(T x) {
    return x > T(0) ? x : T(0);
  }
  template <class T>
  static T slope(T f) {
    return f > T(0) ? T(1) : T(0);
  }
};
struct Positive {
  template <class T>
  static T of(T x) {
    return x > T(0) ? T(1) : T(0);
  }
};
struct SmoothLayer {
  template <class T>
  static T of(T x) {
    return tanh_near(x);
  }
  template <class T>
  static T slope(T f) {
    return T(1) - f * f;
  }
};

template <class F, class T>
void map(Size n, const T* x, T* y) {
#pragma GCC ivdep
  for (Size i = 0; i < n; ++i) y[i] = F::of(x[i]);
}

template <class T>
void axpby(Size n, T alpha, const T* x, T beta, T* y) {
  if (beta == T(0)) {
#pragma GCC ivdep
    for (Size i = 0; i < n; ++i) y[i] = alpha * x[i];
  } else {
#pragma GCC ivdep
    for (Size i = 0; i < n; ++i) y[i] = alpha * x[i] + beta * y[i];
  }
}

template <class T>
void multiply(Size n, const T* a, const T* b, T* y) {
#pragma GCC ivdep
  for (Size i = 0; i < n; ++i) y[i] = a[i] * b[i];
}

template <class T>
void add_scalar(Size n, T value, T* y) {
  for (Size i = 0; i < n; ++i) y[i] += value;
}

template <class T>
void scale(Size n, T value, T* y) {
  for (Size i = 0; i < n; ++i) y[i] *= value;
}

template <class T>
void row_sum(Size n, Size columns, Size ld, T alpha, const T* x, const T* weight, T beta, T* sums) {
  for (Size first = 0; first < n; first += chunk) {
    const Size count = n - first < chunk ? n - first : chunk;
    T total[chunk] = {};
    for (Size j = 0; j < columns; ++j) {
      const T* column = x + j * ld + first;
      for (Size i = 0; i < count; ++i) total[i] += weight[j] * column[i];
    }
    axpby(count, alpha, static_cast<const T*>(total), beta, sums + first);
  }
}

template <class T>
T prediction_error(Size n, T precision, const T* x, const T* mu, T* e) {
  T lane[lanes] = {};
  T squares[chunk];
  for (Size first = 0; first < n; first += chunk) {
    const Size count = n - first < chunk ? n - first : chunk;
#pragma GCC ivdep
    for (Size i = 0; i < count; ++i) {
      const T difference = x[first + i] - mu[first + i];
      squares[i] = difference * difference;
      e[first + i] = precision * difference;
    }
    add_lanes(count, static_cast<const T*>(squares), lane);
  }
  return combine(lane);
}

template <class T>
void relax_step(Size n, T inverse_precision, T step, const T* mu, const T* message, T* x, T* f) {
#pragma GCC ivdep
  for (Size i = 0; i < n; ++i) {
    const T slope = T(1) - f[i] * f[i];
    const T value = x[i] + step * (mu[i] - x[i] + slope * message[i] * inverse_precision);
    x[i] = value;
    f[i] = tanh_of(value);
  }
}

template <class F, class T>
void first_dense_step(Size n, T rate, const T* message, const T* mu, T* x, T* f) {
#pragma GCC ivdep
  for (Size i = 0; i < n; ++i) {
    const T value = x[i] + rate * (F::slope(f[i]) * message[i] - (x[i] - mu[i]));
    x[i] = value;
    f[i] = F::of(value);
  }
}

template <class F, class T>
void dense_step(Size n, T rate, const T* message, const T* bias, T* x, T* f, T* e) {
#pragma GCC ivdep
  for (Size i = 0; i < n; ++i) {
    const T value = x[i] + rate * (F::slope(f[i]) * message[i] - e[i]);
    x[i] = value;
    f[i] = F::of(value);
    e[i] = value - bias[i];
  }
}

template <class T>
T exp_sum(Size n, T shift, const T* x, T* y) {
  T lane[lanes] = {};
  for (Size first = 0; first < n; first += chunk) {
    const Size count = n - first < chunk ? n - first : chunk;
#pragma GCC ivdep
    for (Size i = 0; i < count; ++i) y[first + i] = exp_of(x[first + i] - shift);
    add_lanes(count, static_cast<const T*>(y + first), lane);
  }
  return combine(lane);
}

template <class T>
T log_sum_exp(Size n, const T* x) {
  const T shift = maximum(n, x);
  T lane[lanes] = {};
  T powers[chunk];
  for (Size first = 0; first < n; first += chunk) {
    const Size count = n - first < chunk ? n - first : chunk;
    for (Size i = 0; i < count; ++i) powers[i] = exp_of(x[first + i] - shift);
    add_lanes(count, static_cast<const T*>(powers), lane);
  }
  return shift + log_of(combine(lane));
}

template <class T>
SoftmaxSummary<T> softmax_summary(Size n, const T* x, const T* background) {
  const T normaliser = log_sum_exp(n, x);
  T negative_entropy[lanes] = {}, divergence[lanes] = {};
  T first_terms[chunk], second_terms[chunk];
  for (Size first = 0; first < n; first += chunk) {
    const Size count = n - first < chunk ? n - first : chunk;
    for (Size i = 0; i < count; ++i) {
      const T log_p = x[first + i] - normaliser;
      const T p = exp_of(log_p);
      first_terms[i] = p * log_p;
      second_terms[i] = p * (log_p - background[first + i]);
    }
    add_lanes(count, static_cast<const T*>(first_terms), negative_entropy);
    add_lanes(count, static_cast<const T*>(second_terms), divergence);
  }
  return {normaliser, -combine(negative_entropy), combine(divergence)};
}

inline void to_brief(Size n, const float* x, std::uint16_t* y) {
#pragma GCC ivdep
  for (Size i = 0; i < n; ++i) {
    std::uint32_t bits;
    __builtin_memcpy(&bits, x + i, sizeof bits);
    y[i] = static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
}
inline void to_brief(Size n, const double* x, std::uint16_t* y) {  // in double there are no brief products
  for (Size i = 0; i < n; ++i) {
    const float single = static_cast<float>(x[i]);
    to_brief(1, &single, y + i);
  }
}

template <class T>
void adam(Size n, const AdamFactors<T>& factors, T* gradient, T* first, T* second, T* weight) {
  const AdamFactors<T> c = factors;
#pragma GCC ivdep
  for (Size i = 0; i < n; ++i) {
    const T g = gradient[i];
    const T m = c.keep1 * first[i] + c.add1 * g;
    const T v = c.keep2 * second[i] + c.add2 * (g * g);
    first[i] = m;
    second[i] = v;
    weight[i] = c.keep_weight * weight[i] + c.rate * (m / (sqrt_of(c.inverse_correction2 * v) + c.epsilon));
    gradient[i] = T(0);
  }
}

template <class T>
constexpr Kernels<T> table = {{map<Exp, T>, map<Log, T>, map<Tanh, T>, map<Square, T>, map<Sqrt, T>, map<Reciprocal, T>, map<Logistic, T>,
                               map<Relu, T>, map<Positive, T>},
                              axpby<T>,
                              multiply<T>,
                              add_scalar<T>,
                              scale<T>,
                              sum<T>,
                              maximum<T>,
                              row_sum<T>,
                              prediction_error<T>,
                              relax_step<T>,
                              {first_dense_step<SmoothLayer, T>, first_dense_step<Relu, T>},
                              {dense_step<SmoothLayer, T>, dense_step<Relu, T>},
                              exp_sum<T>,
                              log_sum_exp<T>,
                              softmax_summary<T>,
                              to_brief,
                              adam<T>};

}  // namespace

#if defined(__x86_64__)
extern const KernelSet set = {"x86-64-" STRATA_TEXT(STRATA_KERNEL_ISA), &table<float>, &table<double>};
#else
extern const KernelSet set = {"generic", &table<float>, &table<double>};
#endif

}  // namespace strata::STRATA_KERNELS
