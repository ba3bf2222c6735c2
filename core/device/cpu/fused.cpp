// Fused steps of the cpu device: one pass over each column where the default bodies take several.

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/device/cpu/cpu.hpp"

namespace strata {
namespace {

constexpr double plain_work = .3, function_work = 1.2, adam_work = 1;

/// The targets of column j; entries are sorted by column.
template <class T>
std::span<const Entry<T>> of_column(std::span<const Entry<T>> entries, Index j) {
  const auto before = [](const Entry<T>& entry, Index column) { return entry.col < column; };
  const auto first = std::lower_bound(entries.begin(), entries.end(), j, before);
  const auto last = std::lower_bound(first, entries.end(), j + 1, before);
  return {first, last};
}

}  // namespace

template <class T>
void CpuDevice<T>::prediction_error(T precision, ConstView<T> x, ConstView<T> mu, View<T> e, View<T> energy) {
  assert(x.rows == e.rows && x.cols == e.cols && mu.rows == e.rows && mu.cols == e.cols && energy.rows == e.cols);
  for_columns(e.rows, e.cols, plain_work, [&](Index j) {
    const T squares = kernels_.prediction_error(e.rows, precision, x.data + j * x.ld, mu.data + j * mu.ld, e.data + j * e.ld);
    energy.data[j] += precision / T(2) * squares;
  });
}

template <class T>
void CpuDevice<T>::relax_step(T precision, ConstView<T> mu, ConstView<T> message, ConstView<T> step, View<T> x, View<T> f) {
  assert(mu.rows == x.rows && message.rows == x.rows && f.rows == x.rows && step.rows == x.cols && f.cols == x.cols);
  for_columns(x.rows, x.cols, function_work, [&](Index j) {
    kernels_.relax_step(x.rows, T(1) / precision, step.data[j], mu.data + j * mu.ld, message.data + j * message.ld, x.data + j * x.ld,
                        f.data + j * f.ld);
  });
}

template <class T>
void CpuDevice<T>::softmax_cross_entropy(ConstView<T> logits, std::span<const Entry<T>> targets, View<T> error, View<T> loss) {
  assert(logits.rows == error.rows && logits.cols == error.cols && loss.rows == logits.cols);
  const Index n = logits.rows;
  for_columns(n, logits.cols, function_work, [&](Index j) {
    const T* x = logits.data + j * logits.ld;
    T* y = error.data + j * error.ld;
    T mass = 0, agreement = 0;
    const std::span<const Entry<T>> entries = of_column(targets, j);
    for (const Entry<T>& entry : entries) {
      mass += entry.value;
      agreement += entry.value * x[entry.row];
    }
    loss.data[j] = 0;
    if (mass == T(0)) return std::fill_n(y, n, T(0)), void();
    const T shift = kernels_.maximum(n, x);
    const T sum = kernels_.exp_sum(n, shift, x, y);
    kernels_.scale(n, -mass / sum, y);
    for (const Entry<T>& entry : entries) y[entry.row] += entry.value;
    loss.data[j] = mass * (shift + std::log(sum)) - agreement;
  });
}

template <class T>
void CpuDevice<T>::softmax_summary(ConstView<T> logits, ConstView<T> background, View<T> normaliser, View<T> entropy, View<T> divergence) {
  assert(background.rows == logits.rows && normaliser.rows == logits.cols && entropy.rows == logits.cols && divergence.rows == logits.cols);
  for_columns(logits.rows, logits.cols, 2 * function_work, [&](Index j) {
    const SoftmaxSummary<T> summary = kernels_.softmax_summary(logits.rows, logits.data + j * logits.ld, background.data);
    normaliser.data[j] = summary.normaliser;
    entropy.data[j] = summary.entropy;
    divergence.data[j] = summary.divergence;
  });
}

template <class T>
void CpuDevice<T>::log_sum_exp(ConstView<T> logits, View<T> normaliser) {
  assert(normaliser.rows == logits.cols);
  for_columns(logits.rows, logits.cols, function_work,
              [&](Index j) { normaliser.data[j] = kernels_.log_sum_exp(logits.rows, logits.data + j * logits.ld); });
}

template <class T>
void CpuDevice<T>::leaky_integrate(ConstView<T> decay, T gain, ConstView<T> active, ConstView<T> s, View<T> h) {
  assert(s.rows == h.rows && s.cols == h.cols && decay.rows == h.cols && active.rows == h.cols);
  for_columns(h.rows, h.cols, plain_work, [&](Index j) {
    if (active.data[j] != T(0)) kernels_.axpby(h.rows, gain * active.data[j], s.data + j * s.ld, decay.data[j], h.data + j * h.ld);
  });
}

template <class T>
void CpuDevice<T>::adam(const AdamStep& step, View<T> gradient, View<T> first_moment, View<T> second_moment, View<T> weight) {
  const auto count = static_cast<double>(step.count);
  const AdamFactors<T> factors = {static_cast<T>(step.beta1),
                                  static_cast<T>(1 - step.beta1),
                                  static_cast<T>(step.beta2),
                                  static_cast<T>(1 - step.beta2),
                                  static_cast<T>(1 / (1 - std::pow(step.beta2, count))),
                                  static_cast<T>(step.epsilon),
                                  static_cast<T>(step.rate / (1 - std::pow(step.beta1, count))),
                                  static_cast<T>(1 - step.rate * step.decay)};
  const bool contiguous =
      gradient.ld == gradient.rows && first_moment.ld == gradient.rows && second_moment.ld == gradient.rows && weight.ld == gradient.rows;
  for_elements(weight.rows, weight.cols, adam_work, contiguous, [&](Index i, Index n, Index j) {
    kernels_.adam(n, factors, gradient.data + i + j * gradient.ld, first_moment.data + i + j * first_moment.ld,
                  second_moment.data + i + j * second_moment.ld, weight.data + i + j * weight.ld);
  });
}

// NOLINTBEGIN(bugprone-macro-parentheses): T is a type
#define STRATA_INSTANTIATE(T)                                                                                   \
  template void CpuDevice<T>::prediction_error(T, ConstView<T>, ConstView<T>, View<T>, View<T>);                \
  template void CpuDevice<T>::relax_step(T, ConstView<T>, ConstView<T>, ConstView<T>, View<T>, View<T>);        \
  template void CpuDevice<T>::softmax_cross_entropy(ConstView<T>, std::span<const Entry<T>>, View<T>, View<T>); \
  template void CpuDevice<T>::softmax_summary(ConstView<T>, ConstView<T>, View<T>, View<T>, View<T>);           \
  template void CpuDevice<T>::log_sum_exp(ConstView<T>, View<T>);                                               \
  template void CpuDevice<T>::leaky_integrate(ConstView<T>, T, ConstView<T>, ConstView<T>, View<T>);            \
  template void CpuDevice<T>::adam(const AdamStep&, View<T>, View<T>, View<T>, View<T>);
// NOLINTEND(bugprone-macro-parentheses)
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)
#undef STRATA_INSTANTIATE

}  // namespace strata
