#include "levels/flexibility.hpp"

#include <cmath>

namespace strata {

template <class T>
Flexibility<T>::Flexibility(Device<T>& device, const Lexicon<T>& lexicon, double weight, Index units, Index streams)
    : device_(device), weight_(static_cast<T>(weight)) {
  if (!on()) return;
  const Index v = lexicon.vocabulary(), n = lexicon.units();
  for (const double log_u : lexicon.log_unigrams()) {
    host_background_.push_back(std::exp(log_u));
    entropy_ -= host_background_.back() * log_u;
  }
  background_ = {device, v, 1};
  device.map(Unary::exp, lexicon.background(), background_);
  for (auto* x : {&own_, &own_back_, &sum_own_}) *x = {device, units, 1};
  for (auto* x : {&shared_, &shared_back_, &sum_shared_}) *x = {device, n, 1};
  bias_ = {device, 1, 1};
  value_ = {device, streams, 1};
  host_.resize(static_cast<std::size_t>(streams));
  score_ = {"flexibility", weight};
}

template <class T>
void Flexibility<T>::refresh(const Weight<T>& own, const Weight<T>& shared, ConstView<T> bias) {
  if (!on()) return;
  const auto say = [&](const Weight<T>& words, Tensor<T>& forth, Tensor<T>& back) {
    device_.gemm(false, false, T(1), words.value.view(), background_.view(), T(0), forth);
    if (words.separate())
      device_.gemm(false, false, T(1), words.back(), background_.view(), T(0), back);
    else
      device_.copy(forth, back);
  };
  say(own, own_, own_back_);
  say(shared, shared_, shared_back_);
  device_.gemm(true, false, T(1), bias, background_.view(), T(0), bias_);
  device_.download(bias_, std::span(host_).first(1));
  bias_value_ = static_cast<double>(host_[0]);
}

template <class T>
void Flexibility<T>::add_message(bool own, ConstView<T> mean, View<T> out) {
  if (!on()) return;
  device_.axpby(-weight_, mean, T(1), out);
  device_.add_to_rows(weight_, own ? own_back_ : shared_back_, out);
}

template <class T>
void Flexibility<T>::add_value(ConstView<T> f, ConstView<T> stream, ConstView<T> normaliser, std::span<const Entry<T>> extra,
                               ConstView<T> active, View<T> loss) {
  if (!on()) return;
  // KL = normaliser - H(u) - u' logits
  for (T& x : host_) x = static_cast<T>(-entropy_ - bias_value_);
  for (const Entry<T>& e : extra) host_[static_cast<std::size_t>(e.col)] -= e.value * static_cast<T>(background(e.row));
  device_.upload(host_, value_);
  device_.axpby(T(1), normaliser, T(1), value_);
  device_.gemm(true, false, T(-1), f, own_.view(), T(1), value_);
  if (stream.data != nullptr) device_.gemm(true, false, T(-1), stream, shared_.view(), T(1), value_);
  device_.multiply(value_, active, value_);
  device_.axpby(weight_, value_, T(1), loss);
}

template <class T>
void Flexibility<T>::add_gradient(T scale, ConstView<T> activity, View<T> gradient) {
  if (!on()) return;
  View<T> sum = activity.rows == sum_own_.rows() ? sum_own_.view() : sum_shared_.view();
  device_.row_sum(T(1), activity, device_.ones(activity.cols), T(0), sum);
  device_.outer_product(scale * weight_, sum, background_, gradient);
}

template <class T>
void Flexibility<T>::add_bias_gradient(T scale, Index count, View<T> gradient) {
  if (on()) device_.axpby(scale * weight_ * static_cast<T>(count), background_, T(1), gradient);
}

template <class T>
void Flexibility<T>::score(std::span<const std::uint8_t> active) {
  if (!on() || !scoring_) return;
  device_.download(value_, host_);
  for (std::size_t j = 0; j < host_.size(); ++j) {
    score_.sum += active[j] != 0 ? static_cast<double>(host_[j]) : 0.0;
    score_.tokens += active[j] != 0 ? 1 : 0;
  }
}

template <class T>
void Flexibility<T>::set_scoring(bool on) {
  if (on && !scoring_) score_.sum = score_.tokens = 0;
  scoring_ = on;
}

template class Flexibility<float>;
template class Flexibility<double>;

}  // namespace strata
