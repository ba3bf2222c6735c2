#include "levels/time_scales.hpp"

#include <algorithm>
#include <cmath>

namespace strata {

namespace {
constexpr double least_tau = .5;  // tokens, of learned time constants
}

template <class T>
TimeScales<T>::TimeScales(Device<T>& device, const TimeScaleSettings& settings, double tau, double spread, Index inputs, Index streams)
    : device_(device), settings_(settings), start_{tau, tau * spread}, inputs_(inputs) {
  if (learned()) {
    log_tau_ = {device, "log_tau", 2, 1, false};
    log_tau_.rate = settings.rate;
    for (auto* x : {&slope_, &slope_used_}) *x = {device, 2 * inputs, streams};
    work_ = {device, inputs, streams};
    column_ = {device, streams, 1};
  }
  tau_ = start_;
  set_inertia(1);
}

template <class T>
double TimeScales<T>::longest(int q) const {
  return start_[static_cast<std::size_t>(q)] * (learned() ? std::min(settings_.band, 4.) : 1.);
}

template <class T>
void TimeScales<T>::set_inertia(double part) {
  part_ = part;
  for (std::size_t q = 0; q < 2; ++q) leak_[q] = std::exp(-1 / (part_ * tau_[q]));
}

template <class T>
void TimeScales<T>::derive() {
  if (!learned()) return;
  std::array<T, 2> moved{};
  device_.download(log_tau_.value, std::span<T>(moved));
  const auto reach = static_cast<T>(std::log(settings_.band));
  auto held = moved;
  for (std::size_t q = 0; q < 2; ++q) {
    held[q] = std::clamp(moved[q], std::max(-reach, static_cast<T>(std::log(least_tau / start_[q]))), reach);
    tau_[q] = start_[q] * std::exp(static_cast<double>(held[q]));
  }
  if (held != moved) device_.upload(std::span<const T>(held), log_tau_.value);
  set_inertia(part_);
}

template <class T>
void TimeScales<T>::follow(int q, ConstView<T> gate, ConstView<T> decay, ConstView<T> active, ConstView<T> memory, ConstView<T> centred) {
  const double a = leak(q);
  device_.copy(memory, work_);
  device_.scale_columns(gate, work_);
  device_.axpby(static_cast<T>(-a / std::sqrt(1 - a * a)), centred, T(1), work_);
  device_.leaky_integrate(decay, T(1), active, work_, slope_.rows_at(q * inputs_, inputs_));
}

template <class T>
void TimeScales<T>::hold(ConstView<T> mask) {
  if (learned()) device_.select_columns(mask, slope_, slope_used_);
}

template <class T>
void TimeScales<T>::learn(T scale, ConstView<T> back) {
  const ConstView<T> all = device_.ones(back.cols);
  for (int q = 0; q < 2; ++q) {
    device_.multiply(back.rows_at(q * inputs_, inputs_), slope_used_.rows_at(q * inputs_, inputs_), work_);
    device_.column_sum(work_, column_);
    const double slope_of_log = leak(q) / (part_ * tau(q));  // da / d ln tau
    device_.gemm(true, false, scale * static_cast<T>(slope_of_log), column_.view(), all, T(1), log_tau_.gradient.rows_at(q, 1));
  }
}

template <class T>
void TimeScales<T>::forget(Index stream) {
  if (learned()) device_.fill(slope_.cols_at(stream, 1), T(0));
}

template <class T>
void TimeScales<T>::visit_weights(const std::function<void(Weight<T>&)>& visit) {
  if (learned()) visit(log_tau_);
}

template <class T>
void TimeScales<T>::archive_state(Archive& archive) {
  if (!learned()) return;
  archive.tensor("slope", slope_);
  archive.tensor("slope_used", slope_used_);
}

template <class T>
void TimeScales<T>::reset() {
  if (!learned()) return;
  for (auto* x : {&slope_, &slope_used_}) device_.fill(*x, T(0));
}

template class TimeScales<float>;
template class TimeScales<double>;

}  // namespace strata
