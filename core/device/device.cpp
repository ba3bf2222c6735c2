#include "core/device/device.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

namespace strata {
namespace {

/// Scratch slots of the default bodies. A body that calls another shares no slot with it.
enum Slot : int { first, second, third, fourth, stream_first, stream_second, stream_third, lse_matrix, lse_max, lse_sum, slot_count };

template <class T>
View<T> flat(View<T> storage, Index rows, Index cols) {
  return {storage.data, rows, cols, leading(rows, cols, sizeof(T))};
}

}  // namespace

std::uint64_t next_version() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

template <class T>
ConstView<T> Device<T>::ones(Index count) {
  if (ones_.rows() < count) {
    ones_ = Tensor<T>(*this, count);
    fill(ones_, T(1));
  }
  return ConstView<T>(ones_.view()).rows_at(0, count);
}

template <class T>
View<T> Device<T>::scratch(int slot, Index rows, Index cols) {
  const auto wanted = static_cast<std::size_t>(std::max(slot + 1, static_cast<int>(slot_count)));
  if (scratch_.size() < wanted) scratch_.resize(wanted);
  Tensor<T>& storage = scratch_[static_cast<std::size_t>(slot)];
  const Index elements = leading(rows, cols, sizeof(T)) * cols;
  if (elements > storage.rows()) storage = Tensor<T>(*this, elements);
  return flat(storage.view(), rows, cols);
}

template <class T>
std::span<T> Device<T>::host_scratch(Index elements) {
  const auto wanted = static_cast<std::size_t>(elements);
  if (host_scratch_.size() < wanted) host_scratch_.resize(wanted);
  return {host_scratch_.data(), wanted};
}

template <class T>
void Device<T>::prediction_error(T precision, ConstView<T> x, ConstView<T> mu, View<T> e, View<T> energy) {
  const View<T> difference = scratch(first, x.rows, x.cols);
  const View<T> squares = scratch(second, x.rows, x.cols);
  const View<T> sums = scratch(stream_first, x.cols, 1);
  copy(x, difference);
  axpby(T(-1), mu, T(1), difference);
  multiply(difference, difference, squares);
  column_sum(squares, sums);
  axpby(precision / T(2), sums, T(1), energy);
  axpby(precision, difference, T(0), e);
}

template <class T>
void Device<T>::relax_step(T precision, ConstView<T> mu, ConstView<T> message, ConstView<T> step, View<T> x, View<T> f) {
  const View<T> direction = scratch(first, x.rows, x.cols);
  const View<T> squares = scratch(second, x.rows, x.cols);
  const View<T> slope = scratch(third, x.rows, x.cols);
  copy(mu, direction);
  axpby(T(-1), x, T(1), direction);
  map(Unary::square, f, squares);
  fill(slope, T(1));
  axpby(T(-1), squares, T(1), slope);
  multiply(slope, message, slope);
  axpby(T(1) / precision, slope, T(1), direction);
  scale_columns(step, direction);
  axpby(T(1), direction, T(1), x);
  map(Unary::tanh, x, f);
}

template <class T>
void Device<T>::settle_dense(Activation activation, Index steps, T rate, ConstView<T> input, std::span<const DenseLayer<T>> layers) {
  const bool smooth = activation == Activation::tanh;
  const std::size_t last = layers.size() - 1;
  const auto below = [&](std::size_t l) { return l == 0 ? input : ConstView<T>(layers[l - 1].f); };
  const auto err = [&](std::size_t l) {
    affine(layers[l].weight, below(l), layers[l].bias, T(0), layers[l].e);
    axpby(T(1), layers[l].x, T(-1), layers[l].e);
  };
  for (std::size_t l = 0; l < last; ++l) {
    affine(layers[l].weight, below(l), layers[l].bias, T(0), layers[l].x);
    map(smooth ? Unary::tanh : Unary::relu, layers[l].x, layers[l].f);
    fill(layers[l].e, T(0));
  }
  err(last);
  for (Index step = 0; step < steps; ++step) {
    // Upwards: a layer's message needs the error above as it was, its own new error the activity below as it is.
    for (std::size_t l = 0; l < last; ++l) {
      const DenseLayer<T>& layer = layers[l];
      const View<T> message = scratch(first, layer.x.rows, layer.x.cols), slope = scratch(second, layer.x.rows, layer.x.cols);
      gemm(true, false, T(1), layers[l + 1].weight, layers[l + 1].e, T(0), message);
      map(smooth ? Unary::square : Unary::positive, layer.f, slope);
      if (smooth) {
        axpby(T(-1), slope, T(0), slope);
        add_scalar(T(1), slope);
      }
      multiply(slope, message, message);
      axpby(T(-1), layer.e, T(1), message);
      axpby(rate, message, T(1), layer.x);
      map(smooth ? Unary::tanh : Unary::relu, layer.x, layer.f);
      err(l);
    }
    err(last);
  }
}

template <class T>
void Device<T>::affine(ConstView<T> w, ConstView<T> x, ConstView<T> b, T beta, View<T> y) {
  gemm(false, false, T(1), w, x, beta, y);
  if (b.data != nullptr) add_to_rows(T(1), b, y);
}

template <class T>
void Device<T>::softmax_cross_entropy(ConstView<T> logits, std::span<const Entry<T>> targets, View<T> error, View<T> loss) {
  const Index streams = logits.cols;
  const View<T> mass = scratch(stream_first, streams, 1);
  const View<T> agreement = scratch(stream_second, streams, 1);  // sum_i q_i logit_i
  const View<T> sum = scratch(stream_third, streams, 1);
  const auto count = static_cast<Index>(targets.size());

  const std::span<T> host = host_scratch(2 * streams + count);  // masses, agreements, the logits of the targets
  const std::span<T> masses = host.subspan(0, static_cast<std::size_t>(streams));
  const std::span<T> agreements = host.subspan(static_cast<std::size_t>(streams), static_cast<std::size_t>(streams));
  const std::span<T> values = host.subspan(static_cast<std::size_t>(2 * streams));
  read_entries(logits, targets, values);  // before `error` overwrites the logits in place
  std::fill(host.begin(), host.begin() + 2 * streams, T(0));
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto column = static_cast<std::size_t>(targets[i].col);
    masses[column] += targets[i].value;
    agreements[column] += targets[i].value * values[i];
  }
  upload(masses, mass);
  upload(agreements, agreement);

  log_sum_exp(logits, loss);
  if (error.data != logits.data) copy(logits, error);
  column_max(error, sum);  // the same shift as in log_sum_exp: softmax without overflow
  add_to_columns(T(-1), sum, error);
  map(Unary::exp, error, error);
  column_sum(error, sum);
  map(Unary::reciprocal, sum, sum);
  multiply(sum, mass, sum);
  scale_columns(sum, error);
  const View<T> negative = scratch(fourth, error.rows, error.cols);
  axpby(T(-1), error, T(0), negative);
  copy(negative, error);
  add_entries(targets, {}, error);

  multiply(loss, mass, loss);
  axpby(T(-1), agreement, T(1), loss);
}

template <class T>
void Device<T>::softmax_summary(ConstView<T> logits, ConstView<T> background, View<T> normaliser, View<T> entropy, View<T> divergence) {
  const View<T> log_p = scratch(first, logits.rows, logits.cols);
  const View<T> p = scratch(second, logits.rows, logits.cols);
  const View<T> weighted = scratch(third, logits.rows, logits.cols);
  const View<T> sums = scratch(stream_first, logits.cols, 1);
  log_sum_exp(logits, normaliser);
  copy(logits, log_p);
  add_to_columns(T(-1), normaliser, log_p);
  map(Unary::exp, log_p, p);
  multiply(p, log_p, weighted);
  column_sum(weighted, sums);
  axpby(T(-1), sums, T(0), entropy);
  add_to_rows(T(-1), background, log_p);
  multiply(p, log_p, weighted);
  column_sum(weighted, divergence);
}

template <class T>
void Device<T>::log_sum_exp(ConstView<T> logits, View<T> normaliser) {
  const View<T> shifted = scratch(lse_matrix, logits.rows, logits.cols);
  const View<T> maximum = scratch(lse_max, logits.cols, 1);
  const View<T> sum = scratch(lse_sum, logits.cols, 1);
  column_max(logits, maximum);
  copy(logits, shifted);
  add_to_columns(T(-1), maximum, shifted);
  map(Unary::exp, shifted, shifted);
  column_sum(shifted, sum);
  map(Unary::log, sum, normaliser);
  axpby(T(1), maximum, T(1), normaliser);
}

template <class T>
void Device<T>::softmax_layer(std::span<const SoftmaxPart<T>> parts, ConstView<T> bias, std::span<const Entry<T>> extra,
                              std::span<const std::int32_t> columns, std::uint64_t, View<T> normaliser, View<T> probability) {
  const auto count = static_cast<Index>(columns.size());
  if (count == 0) return;
  const View<T> p = probability.data != nullptr ? probability : scratch(first, parts[0].weight.cols, count);
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const View<T> x = scratch(second, parts[k].x.rows, count);
    gather_columns(parts[k].x, columns, x);
    gemm(true, false, T(1), parts[k].weight, x, T(k == 0 ? 0 : 1), p);
  }
  if (bias.data != nullptr) add_to_rows(T(1), bias, p);
  std::vector<Entry<T>> chosen;
  for (const Entry<T>& entry : extra) {
    const auto at = std::lower_bound(columns.begin(), columns.end(), entry.col);
    if (at != columns.end() && *at == entry.col)
      chosen.push_back({entry.row, static_cast<std::int32_t>(at - columns.begin()), entry.value});
  }
  add_entries(chosen, {}, p);
  const View<T> sums = scratch(stream_first, count, 1);
  log_sum_exp(p, sums);
  add_to_columns(T(-1), sums, p);
  map(Unary::exp, p, p);
  const auto spread = [&](ConstView<T> of_columns, View<T> all) {
    for (Index k = 0; k < count; ++k) copy(of_columns.cols_at(k, 1), all.cols_at(columns[static_cast<std::size_t>(k)], 1));
  };
  spread(sums.as_row(), normaliser.as_row());
  for (const SoftmaxPart<T>& part : parts) {
    if (part.mean.data == nullptr) continue;
    const View<T> mean = scratch(third, part.weight.rows, count);
    gemm(false, false, T(1), part.weight, p, T(0), mean);
    spread(mean, part.mean);
  }
}

template <class T>
void Device<T>::leaky_integrate(ConstView<T> decay, T gain, ConstView<T> active, ConstView<T> s, View<T> h) {
  const View<T> next = scratch(first, h.rows, h.cols);
  const View<T> input = scratch(second, h.rows, h.cols);
  copy(h, next);
  scale_columns(decay, next);
  copy(s, input);
  scale_columns(active, input);
  axpby(gain, input, T(1), next);
  select_columns(active, next, h);
}

template <class T>
void Device<T>::outer_product(T scale, ConstView<T> error, ConstView<T> activity, View<T> gradient) {
  gemm(false, true, scale, error, activity, T(1), gradient);
}

template <class T>
void Device<T>::adam(const AdamStep& step, View<T> gradient, View<T> first_moment, View<T> second_moment, View<T> weight) {
  const View<T> squares = scratch(first, weight.rows, weight.cols);
  const View<T> denominator = scratch(second, weight.rows, weight.cols);
  const auto count = static_cast<double>(step.count);
  const double correction1 = 1 - std::pow(step.beta1, count);
  const double correction2 = 1 - std::pow(step.beta2, count);
  axpby(static_cast<T>(1 - step.beta1), gradient, static_cast<T>(step.beta1), first_moment);
  map(Unary::square, gradient, squares);
  axpby(static_cast<T>(1 - step.beta2), squares, static_cast<T>(step.beta2), second_moment);
  axpby(static_cast<T>(1 / correction2), second_moment, T(0), denominator);
  map(Unary::sqrt, denominator, denominator);
  add_scalar(static_cast<T>(step.epsilon), denominator);
  map(Unary::reciprocal, denominator, denominator);
  multiply(first_moment, denominator, denominator);
  axpby(static_cast<T>(step.rate / correction1), denominator, static_cast<T>(1 - step.rate * step.decay), weight);
  fill(gradient, T(0));
}

template class Device<float>;
template class Device<double>;

}  // namespace strata
