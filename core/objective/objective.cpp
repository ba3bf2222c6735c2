#include "core/objective/objective.hpp"

namespace strata {

template <class T>
Objective<T>::Objective(TermPlace<T> place, std::uint8_t unit) : device_(&place.device), unit_(unit) {
  for (const TermKind& kind : term_kinds()) {
    place.weight = place.values.real(kind.name);
    if (place.weight == 0) continue;
    if constexpr (std::is_same_v<T, float>)
      terms_.push_back(kind.make_float(place));
    else
      terms_.push_back(kind.make_double(place));
    weights_.push_back(static_cast<T>(place.weight));
    scores_.push_back({kind.name, place.weight});
    values_.emplace_back(place.device, place.streams, 1);
  }
  if (empty()) return;
  const Index n = place.units, b = place.streams;
  for (auto* x : {&activity_, &slope_, &wanted_, &other_}) *x = {place.device, n, b};
  windows_ = {place.device, n, 2 * b};
  stale_ = {place.device, 2 * b, 1};
  for (auto* x : {&span_, &span_before_, &span_sum_}) *x = {place.device, place.inputs, b};
  for (auto* x : {&ending_, &comparing_, &value_, &mask_}) *x = {place.device, b, 1};
  host_.assign(static_cast<std::size_t>(b), T(0));
  host_factor_ = host_;
  host_stale_.assign(static_cast<std::size_t>(2 * b), T(0));
  for (auto* x : {&begun_, &closing_, &earlier_}) x->assign(static_cast<std::size_t>(b), 0);
}

template <class T>
void Objective<T>::end_token(const Observation& o, ConstView<T> mu, ConstView<T> features, ConstView<T> mean,
                             std::span<const std::uint8_t> ticking, std::span<const std::int64_t> elapsed) {
  if (empty()) return;
  const auto per_stream = [&](const auto& value, Tensor<T>& into) {
    for (std::size_t j = 0; j < host_.size(); ++j) host_[j] = static_cast<T>(value(j));
    device_->upload(host_, into);
  };
  const auto tokens = [&](std::size_t j) { return ticking[j] != 0 ? static_cast<T>(elapsed[j]) : T(0); };
  device_->map(Unary::tanh, mu, activity_);
  per_stream([&](std::size_t j) { return o.active[j]; }, mask_);
  device_->copy(features, span_);
  device_->add_to_rows(T(-1), mean, span_);
  device_->scale_columns(mask_, span_);
  device_->axpby(T(1), span_, T(1), span_sum_);
  per_stream([&](std::size_t j) { return ticking[j] != 0 ? T(1) / static_cast<T>(elapsed[j]) : T(0); }, mask_);
  device_->copy(span_sum_, span_);
  device_->scale_columns(mask_, span_);
  per_stream([&](std::size_t j) { return ticking[j] != 0 ? 0 : 1; }, mask_);
  device_->scale_columns(mask_, span_sum_);
  for (std::size_t j = 0; j < host_.size(); ++j) {
    const bool reading = o.active[j] != 0 && begun_[j] != 0;
    host_stale_[j] = reading ? T(0) : T(1);
    host_stale_[host_.size() + j] = reading && earlier_[j] == 2 ? T(0) : T(1);
  }
  device_->upload(host_stale_, stale_);
  per_stream(tokens, ending_);
  per_stream([&](std::size_t j) { return begun_[j] != 0 ? tokens(j) : T(0); }, comparing_);
  bool any = false;
  for (const auto t : ticking) any |= t != 0;
  device_->fill(wanted_, T(0));
  if (any) look();
}

/// What every term says of the windows that end now: values, and together what mu should have been.
template <class T>
void Objective<T>::look() {
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    const ConstView<T> factor = factor_of(*terms_[i]);
    terms_[i]->evaluate(moment(), slope_, value_);
    device_->scale_columns(factor, slope_);
    device_->axpby(T(1), slope_, T(1), wanted_);
    device_->axpby(T(0), value_, 1 / weights_[i], value_);
    device_->select_columns(factor, value_.view().as_row(), values_[i].view().as_row());
    if (!scoring_) continue;
    device_->download(value_, host_);
    device_->download(factor, host_factor_);
    for (std::size_t j = 0; j < host_.size(); ++j) {
      scores_[i].sum += static_cast<double>(host_[j] * host_factor_[j]);
      scores_[i].tokens += static_cast<double>(host_factor_[j]);
    }
  }
}

template <class T>
void Objective<T>::teach(View<T> error, Index first) {
  if (empty()) return;
  for (auto& term : terms_) term->stash(moment(), factor_of(*term), first);
  device_->map(Unary::square, activity_, other_);
  device_->multiply(other_, wanted_, other_);
  device_->axpby(T(-1), other_, T(1), wanted_);
  device_->axpby(T(1), wanted_, T(1), error);
}

template <class T>
void Objective<T>::accumulate(T scale, Index count) {
  for (auto& term : terms_) term->accumulate(scale, count);
}

/// Of windows with which a unit ended the last is kept beside the one before: from the next one on they are two.
template <class T>
void Objective<T>::carry(const Observation& o, std::span<const std::uint8_t> ticking, std::span<const std::uint8_t> ends) {
  if (empty()) return;
  for (std::size_t j = 0; j < host_.size(); ++j) host_[j] = ticking[j] != 0 ? T(1) : T(0);
  device_->upload(host_, mask_);
  device_->select_columns(mask_, activity_, before());
  device_->select_columns(mask_, span_, span_before_);
  for (std::size_t j = 0; j < host_.size(); ++j) {
    const std::uint8_t ended = o.active[j] != 0 ? ends[j] : 0;
    if ((ended & unit_) != 0) closing_[j] = 1;
    host_[j] = ticking[j] != 0 && closing_[j] != 0 ? T(1) : T(0);
    if (ticking[j] != 0) {
      begun_[j] = 1;
      if (closing_[j] != 0)
        earlier_[j] = 1;
      else if (earlier_[j] == 1)
        earlier_[j] = 2;
      closing_[j] = 0;
    }
    if ((ended & document_end) != 0) begun_[j] = earlier_[j] = closing_[j] = 0;
  }
  device_->upload(host_, mask_);
  device_->select_columns(mask_, activity_, earlier());
}

template <class T>
void Objective<T>::add_value(ConstView<T> mu, View<T> energy) {
  if (empty()) return;
  Moment<T> held = moment();
  device_->map(Unary::tanh, mu, other_);
  held.activity = other_.view();
  for (auto& term : terms_) {
    term->evaluate(held, slope_, value_);
    device_->multiply(value_, factor_of(*term), value_);
    device_->axpby(T(1), value_, T(1), energy);
  }
}

template <class T>
void Objective<T>::visit_weights(const std::function<void(Weight<T>&)>& visit) {
  for (auto& term : terms_) term->visit_weights(visit);
}

template <class T>
void Objective<T>::archive_state(Archive& archive) {
  if (empty()) return;
  archive.tensor("windows", windows_);
  archive.tensor("span_before", span_before_);
  archive.tensor("span_sum", span_sum_);
  archive.value("begun", begun_);
  archive.value("closing", closing_);
  archive.value("earlier", earlier_);
}

template <class T>
void Objective<T>::reset() {
  if (empty()) return;
  for (auto* x : {&windows_, &span_before_, &span_sum_}) device_->fill(*x, T(0));
  for (Tensor<T>& value : values_) device_->fill(value, T(0));
  for (auto* x : {&begun_, &closing_, &earlier_}) x->assign(x->size(), 0);
}

template <class T>
void Objective<T>::set_scoring(bool on) {
  if (on && !scoring_)
    for (TermScore& score : scores_) score.sum = score.tokens = 0;
  scoring_ = on;
}

template class Objective<float>;
template class Objective<double>;

}  // namespace strata
