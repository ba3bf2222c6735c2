#include "levels/gaussian_emission.hpp"

#include <cmath>
#include <numbers>

#include "core/error.hpp"

namespace strata {

namespace {
constexpr double prior_weight = 10, window = 10000;  // observations
constexpr double least_noise = 1e-12;
}  // namespace

template <class T>
GaussianEmission<T>::GaussianEmission(Device<T>& device, Index channels, Index streams, double noise, bool learn_noise)
    : device_(&device), bias_(device, "output_bias", channels, 1, false), learn_noise_(learn_noise), error_sum_(device, channels) {
  variance_.assign(static_cast<std::size_t>(channels), noise);
  noise_ = variance_;
  for (auto* x : {&forecast_, &y_, &rho_, &scored_, &kept_rho_, &precision_, &work_}) *x = {device, channels, streams};
  for (auto* x : {&surprise_, &loss_, &kept_loss_}) *x = {device, streams};
  active_.assign(static_cast<std::size_t>(streams), 0);
  host_.assign(static_cast<std::size_t>(channels * streams), T(0));
  host2_ = host_;
}

template <class T>
void GaussianEmission<T>::forecast(ConstView<T> stream) {
  device_->copy(stream, forecast_);
}

template <class T>
void GaussianEmission<T>::read(const Step<T>& step) {
  const Observation& seen = *step.observation;
  const auto channels = variance_.size();
  for (std::size_t j = 0; j < active_.size(); ++j) {
    active_[j] = seen.active[j];
    for (std::size_t c = 0; c < channels; ++c) {
      const double value = active_[j] != 0 ? seen.value[j * channels + c] : 0;
      if (!std::isfinite(value))
        throw DataError("world", 0,
                        "step " + std::to_string(step.index) + " shows " + std::to_string(value) + " in channel " + std::to_string(c) +
                            " of stream " + std::to_string(j) + "; every step needs a number");
      host_[j * channels + c] = static_cast<T>(value);
      host2_[j * channels + c] = active_[j] != 0 ? static_cast<T>(1 / noise_[c]) : T(0);
    }
  }
  device_->upload(host_, y_);
  device_->upload(host2_, precision_);
}

/// error = pi_y (y - b - stream), loss = its energy.
template <class T>
void GaussianEmission<T>::score(ConstView<T> stream, View<T> error, View<T> loss) {
  device_->copy(y_, work_);
  device_->axpby(T(-1), stream, T(1), work_);
  device_->add_to_rows(T(-1), bias_.value, work_);
  device_->multiply(work_, precision_, error);
  device_->multiply(work_, error, work_);
  device_->column_sum(work_, loss);
  device_->axpby(T(0), loss, T(.5), loss);
}

template <class T>
void GaussianEmission<T>::surprise_of(ConstView<T> stream, View<T> loss) {
  device_->copy(y_, work_);
  device_->axpby(T(-1), stream, T(1), work_);
  device_->add_to_rows(T(-1), bias_.value, work_);
  device_->download(work_, host_);
  const auto channels = variance_.size();
  for (std::size_t j = 0; j < active_.size(); ++j) {
    double sum = 0;
    for (std::size_t c = 0; c < channels && active_[j] != 0; ++c) {
      const auto off = static_cast<double>(host_[j * channels + c]);
      sum += .5 * (off * off / variance_[c] + std::log(2 * std::numbers::pi * variance_[c]));
    }
    host2_[j] = static_cast<T>(sum);
  }
  device_->upload(std::span<const T>(host2_).first(active_.size()), loss);
}

template <class T>
void GaussianEmission<T>::observe(const Step<T>& step) {
  read(step);
  surprise_of(forecast_, surprise_);
  score(forecast_, rho_, loss_);
  device_->copy(rho_, scored_);
}

template <class T>
void GaussianEmission<T>::score_with_stream(const Step<T>& step, ConstView<T> stream, View<T> loss) {
  read(step);
  surprise_of(stream, loss);
}

template <class T>
void GaussianEmission<T>::held_energy(ConstView<T> stream, View<T> energy) {
  score(stream, kept_rho_, kept_loss_);
  device_->axpby(T(1), kept_loss_, T(1), energy);
}

template <class T>
void GaussianEmission<T>::keep() {
  device_->copy(rho_, kept_rho_);
  device_->copy(loss_, kept_loss_);
}

template <class T>
void GaussianEmission<T>::restore(ConstView<T> mask) {
  device_->select_columns(mask, kept_rho_, rho_);
  device_->select_columns(mask, kept_loss_.view().as_row(), loss_.view().as_row());
}

template <class T>
void GaussianEmission<T>::learn(const Step<T>& step, ConstView<T> spread) {
  device_->row_sum(T(1), scored_, device_->ones(scored_.cols()), T(1), error_sum_);
  if (step.active_count == 0) return;
  const auto channels = variance_.size(), count = static_cast<std::size_t>(step.active_count);
  seen_ += static_cast<double>(count);
  const double rate = std::min(1., static_cast<double>(count) / std::min(seen_ + prior_weight, window));
  const auto mean_square = [&](std::size_t c, bool spread_too) {
    double sum = 0;
    for (std::size_t j = 0; j < active_.size(); ++j)
      if (active_[j] != 0)
        sum += std::pow(static_cast<double>(host_[j * channels + c]) * noise_[c], 2) +
               (spread_too ? static_cast<double>(host2_[j * channels + c]) : 0);
    return sum / static_cast<double>(count);
  };
  device_->download(scored_, host_);
  for (std::size_t c = 0; c < channels; ++c) variance_[c] += rate * (mean_square(c, false) - variance_[c]);
  if (!learn_noise_) return;
  device_->download(rho_, host_);
  device_->download(spread, host2_);
  for (std::size_t c = 0; c < channels; ++c) noise_[c] = std::max(least_noise, noise_[c] + rate * (mean_square(c, true) - noise_[c]));
}

template <class T>
void GaussianEmission<T>::accumulate(T scale, bool learning) {
  if (learning) device_->axpby(scale, error_sum_, T(1), bias_.gradient);
  device_->fill(error_sum_, T(0));
}

template <class T>
void GaussianEmission<T>::archive_parameters(Archive& archive) {
  archive.value("forecast_variance", variance_);
  archive.value("noise", noise_);
  archive.value("observations", seen_);
}

template <class T>
void GaussianEmission<T>::archive_state(Archive& archive) {
  archive.tensor("forecast", forecast_);
}

template <class T>
void GaussianEmission<T>::reset_state() {
  for (auto* x : {&forecast_, &rho_, &scored_}) device_->fill(*x, T(0));
  for (auto* x : {&surprise_, &loss_, &error_sum_}) device_->fill(*x, T(0));
}

template class GaussianEmission<float>;
template class GaussianEmission<double>;

}  // namespace strata
