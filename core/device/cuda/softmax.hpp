#pragma once
// Bodies of the softmax layer and of softmax cross entropy (softmax.cu).
//
// The logits of all streams lie in one scratch, V x B. A column is cut into chunks, so that few streams fill the processor too: first every chunk's
// largest logit and its sum of exponentials, in one read; then every chunk joins what all chunks of its column found, in their order, and
// writes its probabilities.

#include <bit>

#include "core/device/cuda/both.hpp"
#include "core/device/cuda/reducing.hpp"
#include "core/device/cuda/sparse.hpp"

namespace strata::gpu {

constexpr Index softmax_chunk = 2048;
inline Index chunks_of(Index outcomes) { return (outcomes + softmax_chunk - 1) / softmax_chunk; }

using Brief = std::uint16_t;  ///< bfloat16: the upper half of a float

/// Rounded to the nearest, halves to even. NaN stays NaN.
STRATA_BOTH inline Brief to_brief(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<Brief>((bits >> 16U) | 0x40U);
  return static_cast<Brief>((bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U);
}

template <class S, class T>
STRATA_BOTH S packed(T value) {
  if constexpr (sizeof(S) == sizeof(Brief)) {
    return to_brief(static_cast<float>(value));
  } else {
    return value;
  }
}

/// Rows of a part among those of all parts, as the product wants them: y(first + i, j) = x(i, j).
template <class S, class T>
struct Pack {
  ConstView<T> x;
  Index first;
  View<S> y;
  STRATA_BOTH void operator()(Index i, Index j) const { at(y, first + i, j) = packed<S>(at(x, i, j)); }
};

/// q is chunk + k chunks, k-th of the streams that read.
template <class T>
struct ChunkSums {
  using Value = Exponentials<T>;
  ConstView<T> logits, bias;
  const std::int32_t* columns;
  Index chunks;
  Value* found;
  STRATA_BOTH Value start(Index, Index, Index) const { return no_exponentials<T>(); }
  STRATA_BOTH Index begin(Index q) const { return q % chunks * softmax_chunk; }
  STRATA_BOTH Index end(Index q) const {
    const Index last = begin(q) + softmax_chunk;
    return last < logits.rows ? last : logits.rows;
  }
  STRATA_BOTH T logit(Index i, Index q) const {
    const T product = at(logits, i, columns[q / chunks]);
    return bias.data != nullptr ? product + bias.data[i] : product;
  }
  STRATA_BOTH void add(Value& sum, Index i, Index q) const { add_exponential(sum, logit(i, q)); }
  STRATA_BOTH Value join(Value a, Value b) const { return join_exponentials(a, b); }
  STRATA_BOTH void finish(Value total, Index q, Index t, Index) const {
    if (t == 0) found[q] = total;
  }
};

/// Joins the chunks of a column and writes p of chunk q: to `means`, where the product with W reads it (it may be the logits' own place), and
/// to `probability`, where that is asked for. With `writes` false q is k and only the normaliser is written.
template <class S, class T>
struct WriteProbabilities {
  using Value = Exponentials<T>;
  ChunkSums<T> sums;
  bool writes;
  View<S> means;
  View<T> probability, normaliser;
  STRATA_BOTH Index stream(Index q) const { return writes ? q / sums.chunks : q; }
  STRATA_BOTH Value start(Index q, Index t, Index threads) const {
    Value value = no_exponentials<T>();
    for (Index c = t; c < sums.chunks; c += threads) value = join(value, sums.found[stream(q) * sums.chunks + c]);
    return value;
  }
  STRATA_BOTH Index begin(Index) const { return 0; }
  STRATA_BOTH Index end(Index) const { return 0; }
  STRATA_BOTH void add(Value&, Index, Index) const {}
  STRATA_BOTH Value join(Value a, Value b) const { return join_exponentials(a, b); }
  STRATA_BOTH void finish(Value total, Index q, Index t, Index threads) const {
    const Index k = stream(q), column = sums.columns[k];
    if (t == 0 && (!writes || q % sums.chunks == 0)) normaliser.data[column] = total.largest + std::log(total.scaled);
    if (!writes) return;
    for (Index i = sums.begin(q) + t; i < sums.end(q); i += threads) {
      const T p = std::exp(sums.logit(i, q) - total.largest) / total.scaled;
      if (means.data != nullptr) at(means, i, column) = packed<S>(p);
      if (probability.data != nullptr) at(probability, i, k) = p;
    }
  }
};

/// Rows of W p that are a part's, to the streams that read.
template <class T>
struct SpreadMeans {
  ConstView<T> all;
  Index first;
  const std::int32_t* columns;
  View<T> mean;
  STRATA_BOTH void operator()(Index i, Index k) const { at(mean, i, columns[k]) = at(all, first + i, columns[k]); }
};

/// error = -m softmax(logits), and loss = m lse - sum q logits; AddEntries then adds the targets. error may be the logits.
template <class T>
struct CrossEntropy {
  struct Value {
    Exponentials<T> sum;
    T mass, agreement;
  };
  ConstView<T> logits;
  const Entry<T>* entries;
  const Group* groups;  ///< one for every column, empty ones too
  View<T> error, loss;
  STRATA_BOTH Value start(Index j, Index t, Index threads) const {
    Value value{no_exponentials<T>(), T(0), T(0)};
    for (Index k = groups[j].first + t; k < groups[j].last; k += threads) {
      value.mass += entries[k].value;
      value.agreement += entries[k].value * at(logits, entries[k].row, j);
    }
    return value;
  }
  STRATA_BOTH Index begin(Index) const { return 0; }
  STRATA_BOTH Index end(Index) const { return logits.rows; }
  STRATA_BOTH void add(Value& value, Index i, Index j) const { add_exponential(value.sum, at(logits, i, j)); }
  STRATA_BOTH Value join(Value a, Value b) const { return {join_exponentials(a.sum, b.sum), a.mass + b.mass, a.agreement + b.agreement}; }
  STRATA_BOTH void finish(Value total, Index j, Index t, Index threads) const {
    const bool masked = total.mass == T(0);
    if (t == 0) loss.data[j] = masked ? -total.agreement : total.mass * (total.sum.largest + std::log(total.sum.scaled)) - total.agreement;
    const T factor = masked ? T(0) : -total.mass / total.sum.scaled;
    for (Index i = t; i < logits.rows; i += threads)
      at(error, i, j) = masked ? T(0) : factor * std::exp(at(logits, i, j) - total.sum.largest);
  }
};

}  // namespace strata::gpu
