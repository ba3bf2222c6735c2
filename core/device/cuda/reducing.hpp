#pragma once
// Bodies of the kernels that reduce, and the order in which they add.
//
// A block of `threads` threads makes one result q. Thread t takes the elements begin(q) + t, + t + threads, ... in that order; the threads'
// shares are then joined in pairs, t with t + threads / 2, then t with t + threads / 4, and so on. The number of threads follows from the length
// alone, so the same call gives the same bits, every time. reduce_on_host() takes the same way, one thread after the other.
// A body has: Value (of what is summed), start(q, t, threads), begin(q), end(q), add(value, i, q), join(a, b), finish(total, q, t, threads), which
// every thread calls with the same total.

#include <cmath>
#include <limits>
#include <vector>

#include "core/device/cuda/both.hpp"

namespace strata::gpu {

/// How many threads reduce `length` elements.
inline int threads_for(Index length) { return length <= 128 ? 32 : length <= 4096 ? 256 : 1024; }

template <class R>
STRATA_BOTH typename R::Value share(const R& r, Index q, Index t, Index threads) {
  typename R::Value value = r.start(q, t, threads);
  for (Index i = r.begin(q) + t; i < r.end(q); i += threads) r.add(value, i, q);
  return value;
}

/// One halving of the shares of all threads.
template <class R>
STRATA_BOTH void fold(const R& r, typename R::Value* values, Index t, Index offset) {
  if (t < offset) values[t] = r.join(values[t], values[t + offset]);
}

template <class R>
void reduce_on_host(Index count, Index length, const R& r) {
  const Index threads = threads_for(length);
  std::vector<typename R::Value> values(static_cast<std::size_t>(threads));
  for (Index q = 0; q < count; ++q) {
    for (Index t = 0; t < threads; ++t) values[static_cast<std::size_t>(t)] = share(r, q, t, threads);
    for (Index offset = threads / 2; offset > 0; offset /= 2)
      for (Index t = 0; t < offset; ++t) fold(r, values.data(), t, offset);
    for (Index t = 0; t < threads; ++t) r.finish(values[0], q, t, threads);
  }
}

template <class T>
STRATA_BOTH constexpr T minus_infinity() {
  return -std::numeric_limits<T>::infinity();
}

/// What sums of numbers share.
template <class T>
struct Sum {
  using Value = T;
  Index rows;
  STRATA_BOTH T start(Index, Index, Index) const { return T(0); }
  STRATA_BOTH Index begin(Index) const { return 0; }
  STRATA_BOTH Index end(Index) const { return rows; }
  STRATA_BOTH T join(T a, T b) const { return a + b; }
};

template <class T>
struct ColumnSum : Sum<T> {
  ConstView<T> x;
  View<T> per_stream;
  ColumnSum(ConstView<T> from, View<T> to) : Sum<T>{from.rows}, x(from), per_stream(to) {}
  STRATA_BOTH void add(T& sum, Index i, Index j) const { sum += at(x, i, j); }
  STRATA_BOTH void finish(T total, Index j, Index t, Index) const {
    if (t == 0) per_stream.data[j] = total;
  }
};

/// A NaN is passed over. The reference leaves open what becomes of one (Eigen's maxCoeff), and cpu keeps it only where a column begins with it.
template <class T>
struct ColumnMax : Sum<T> {
  ConstView<T> x;
  View<T> per_stream;
  ColumnMax(ConstView<T> from, View<T> to) : Sum<T>{from.rows}, x(from), per_stream(to) {}
  STRATA_BOTH T start(Index, Index, Index) const { return minus_infinity<T>(); }
  STRATA_BOTH T join(T a, T b) const { return b > a ? b : a; }
  STRATA_BOTH void add(T& most, Index i, Index j) const { most = join(most, at(x, i, j)); }
  STRATA_BOTH void finish(T total, Index j, Index t, Index) const {
    if (t == 0) per_stream.data[j] = total;
  }
};

/// e = precision (x - mu) on the way; energy(j) += precision / 2 |x - mu|^2.
template <class T>
struct PredictionError : Sum<T> {
  T precision;
  ConstView<T> x, mu;
  View<T> e, energy;
  PredictionError(T p, ConstView<T> value, ConstView<T> mean, View<T> error, View<T> sums)
      : Sum<T>{value.rows}, precision(p), x(value), mu(mean), e(error), energy(sums) {}
  STRATA_BOTH void add(T& sum, Index i, Index j) const {
    const T difference = at(x, i, j) - at(mu, i, j);
    sum += difference * difference;
    at(e, i, j) = precision * difference;
  }
  STRATA_BOTH void finish(T total, Index j, Index t, Index) const {
    if (t == 0) energy.data[j] += precision / T(2) * total;
  }
};

/// A sum of exponentials relative to its largest exponent: sum e^x = scaled e^largest. Nothing yet: scaled 0.
template <class T>
struct Exponentials {
  T largest, scaled;
};

template <class T>
STRATA_BOTH Exponentials<T> no_exponentials() {
  return {minus_infinity<T>(), T(0)};
}

template <class T>
STRATA_BOTH void add_exponential(Exponentials<T>& sum, T x) {
  if (x == minus_infinity<T>()) return;
  if (sum.scaled == T(0)) {
    sum = {x, T(1)};
  } else if (x > sum.largest) {
    sum = {x, sum.scaled * std::exp(sum.largest - x) + T(1)};
  } else {
    sum.scaled += std::exp(x - sum.largest);
  }
}

template <class T>
STRATA_BOTH Exponentials<T> join_exponentials(Exponentials<T> a, Exponentials<T> b) {
  if (b.scaled == T(0)) return a;
  if (a.scaled == T(0)) return b;
  if (b.largest > a.largest) return {b.largest, a.scaled * std::exp(a.largest - b.largest) + b.scaled};
  return {a.largest, a.scaled + b.scaled * std::exp(b.largest - a.largest)};
}

template <class T>
struct LogSumExp {
  using Value = Exponentials<T>;
  ConstView<T> logits;
  View<T> normaliser;
  STRATA_BOTH Value start(Index, Index, Index) const { return no_exponentials<T>(); }
  STRATA_BOTH Index begin(Index) const { return 0; }
  STRATA_BOTH Index end(Index) const { return logits.rows; }
  STRATA_BOTH void add(Value& sum, Index i, Index j) const { add_exponential(sum, at(logits, i, j)); }
  STRATA_BOTH Value join(Value a, Value b) const { return join_exponentials(a, b); }
  STRATA_BOTH void finish(Value total, Index j, Index t, Index) const {
    if (t == 0) normaliser.data[j] = total.largest + std::log(total.scaled);
  }
};

/// With z = x - largest: sums of e^z, of e^z z and of e^z b, b the background's log probability. Entropy is log s - sz / s, and
/// divergence -entropy - sb / s.
template <class T>
struct SoftmaxSummary {
  struct Value {
    T largest, scaled, offset, background;
  };
  ConstView<T> logits, log_background;
  View<T> normaliser, entropy, divergence;

  STRATA_BOTH Value start(Index, Index, Index) const { return {minus_infinity<T>(), T(0), T(0), T(0)}; }
  STRATA_BOTH Index begin(Index) const { return 0; }
  STRATA_BOTH Index end(Index) const { return logits.rows; }
  STRATA_BOTH void add(Value& sum, Index i, Index j) const {
    const T x = at(logits, i, j);
    if (x != minus_infinity<T>()) sum = join(sum, {x, T(1), T(0), log_background.data[i]});
  }
  /// As seen from a larger exponent.
  STRATA_BOTH static Value lowered(Value v, T largest) {
    const T off = v.largest - largest, factor = std::exp(off);
    return {largest, factor * v.scaled, factor * (v.offset + v.scaled * off), factor * v.background};
  }
  STRATA_BOTH Value join(Value a, Value b) const {
    if (b.scaled == T(0)) return a;
    if (a.scaled == T(0)) return b;
    if (b.largest > a.largest) {
      a = lowered(a, b.largest);
    } else {
      b = lowered(b, a.largest);
    }
    return {a.largest, a.scaled + b.scaled, a.offset + b.offset, a.background + b.background};
  }
  STRATA_BOTH void finish(Value total, Index j, Index t, Index) const {
    if (t != 0) return;
    const T log_sum = std::log(total.scaled), spread = log_sum - total.offset / total.scaled;
    normaliser.data[j] = total.largest + log_sum;
    entropy.data[j] = spread;
    divergence.data[j] = -spread - total.background / total.scaled;
  }
};

/// per_unit(i) = alpha sum_j x(i, j) weight(j) + beta per_unit(i). `lanes` threads share a row, neighbouring threads have neighbouring rows.
template <class T>
struct RowSum {
  static constexpr Index lanes = 8;
  T alpha;
  ConstView<T> x, weight;
  T beta;
  View<T> per_unit;
  STRATA_BOTH T share(Index i, Index lane) const {
    T sum = 0;
    for (Index j = lane; j < x.cols; j += lanes) sum += at(x, i, j) * weight.data[j];
    return sum;
  }
  STRATA_BOTH T total(const T* shares, Index stride) const {
    T sum = 0;
    for (Index lane = 0; lane < lanes; ++lane) sum += shares[lane * stride];
    return sum;
  }
  STRATA_BOTH void finish(T sum, Index i) const { per_unit.data[i] = beta == T(0) ? alpha * sum : alpha * sum + beta * per_unit.data[i]; }
};

template <class T>
void sum_rows_on_host(const RowSum<T>& body) {
  T shares[RowSum<T>::lanes];
  for (Index i = 0; i < body.x.rows; ++i) {
    for (Index lane = 0; lane < RowSum<T>::lanes; ++lane) shares[lane] = body.share(i, lane);
    body.finish(body.total(shares, 1), i);
  }
}

}  // namespace strata::gpu
