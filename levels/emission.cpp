#include "levels/emission.hpp"

namespace strata {

template <class T>
Emission<T>::Emission(Device<T>& device, Index vocabulary, Index streams)
    : device_(&device), bias_(device, "output_bias", vocabulary, 1, false), error_sum_(device, vocabulary) {
  for (auto* x : {&logits_, &rho_, &scored_, &kept_rho_, &work_}) *x = {device, vocabulary, streams};
  for (auto* x : {&surprise_, &loss_, &kept_loss_}) *x = {device, streams};
  targets_.reserve(static_cast<std::size_t>(streams));
}

template <class T>
void Emission<T>::forecast(ConstView<T> stream) {
  device_->copy(stream, logits_);
  device_->add_to_rows(T(1), bias_.value, logits_);
}

template <class T>
void Emission<T>::read_targets(const Observation& observation) {
  targets_.clear();
  for (std::size_t j = 0; j < observation.id.size(); ++j)
    if (observation.active[j] != 0) targets_.push_back({observation.id[j], static_cast<std::int32_t>(j), T(1)});
}

template <class T>
void Emission<T>::observe(const Step<T>& step) {
  read_targets(*step.observation);
  device_->softmax_cross_entropy(logits_, targets_, rho_, loss_);
  device_->copy(rho_, scored_);
  device_->copy(loss_, surprise_);
}

template <class T>
void Emission<T>::score(ConstView<T> stream, View<T> error, View<T> loss) {
  device_->copy(stream, error);
  device_->add_to_rows(T(1), bias_.value, error);
  device_->softmax_cross_entropy(error, targets_, error, loss);
}

template <class T>
void Emission<T>::emit(ConstView<T> stream) {
  score(stream, rho_, loss_);
}

template <class T>
void Emission<T>::keep() {
  device_->copy(rho_, kept_rho_);
  device_->copy(loss_, kept_loss_);
}

template <class T>
void Emission<T>::restore(ConstView<T> mask) {
  device_->select_columns(mask, kept_rho_, rho_);
  device_->select_columns(mask, kept_loss_.view().as_row(), loss_.view().as_row());
}

template <class T>
void Emission<T>::learn() {
  device_->row_sum(T(1), scored_, device_->ones(scored_.cols()), T(1), error_sum_);
}

template <class T>
void Emission<T>::accumulate(T scale, bool learning) {
  if (learning) device_->axpby(scale, error_sum_, T(1), bias_.gradient);
  device_->fill(error_sum_, T(0));
}

template <class T>
void Emission<T>::score_with_stream(const Step<T>& step, ConstView<T> stream, View<T> loss) {
  read_targets(*step.observation);
  score(stream, work_, loss);
}

template <class T>
void Emission<T>::reset_state() {
  for (auto* x : {&logits_, &rho_, &scored_}) device_->fill(*x, T(0));
  for (auto* x : {&surprise_, &loss_, &error_sum_}) device_->fill(*x, T(0));
}

template class Emission<float>;
template class Emission<double>;

}  // namespace strata
