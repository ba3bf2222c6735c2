#include "core/depth_in_use.hpp"

#include <algorithm>
#include <cmath>

namespace strata {

namespace {
constexpr double mean_rate = 1. / 64;  // of a share's slow mean, per look
}

template <class T>
DepthInUse<T>::DepthInUse(const GrowthSettings& settings, Hierarchy<T>& hierarchy) : settings_(settings), hierarchy_(hierarchy) {
  if (hierarchy.depth() > 1 && hierarchy.level(1).contribution().data != nullptr) lesion_.emplace(hierarchy);
  const auto depth = static_cast<std::size_t>(hierarchy.depth()), b = static_cast<std::size_t>(hierarchy.streams());
  belief_.assign(b * depth, 0);
  in_use_.assign(b, static_cast<double>(hierarchy.awake() + 1) / 2);
  loss_.resize(depth * b);
}

template <class T>
void DepthInUse<T>::before_observe(const Step<T>& step) {
  tokens_ += step.active_count;
  if (!lesion_) return std::fill(in_use_.begin(), in_use_.end(), static_cast<double>(hierarchy_.awake() + 1) / 2);
  if (step.index % static_cast<std::uint64_t>(settings_.every) != 0 || step.active_count == 0) return;
  const Index awake = hierarchy_.awake();
  const std::size_t b = in_use_.size();
  if (awake != awake_) std::fill(belief_.begin(), belief_.end(), 1 / static_cast<double>(awake));
  awake_ = awake;
  lesion_->follow(step, mean_rate);
  const std::span<T> loss(loss_);
  for (Index d = 1; d <= awake; ++d) lesion_->without_above(step, d, loss.subspan(static_cast<std::size_t>(d - 1) * b, b));
  for (std::size_t s = 0; s < b; ++s) {
    if (step.observation->active[s] == 0) continue;
    believe(s, awake);
    sum_ += in_use_[s];
    summed_ += 1;
  }
  if (++looks_ < looks_per_mean) return;
  means_.push_back(sum_ / summed_);
  mean_tokens_.push_back(static_cast<double>(tokens_));
  looks_ = 0;
  sum_ = summed_ = 0;
}

/// One stream after a look.
template <class T>
void DepthInUse<T>::believe(std::size_t stream, Index awake) {
  const auto n = static_cast<std::size_t>(awake), b = in_use_.size();
  double* w = &belief_[stream * static_cast<std::size_t>(hierarchy_.depth())];
  double least = static_cast<double>(loss_[stream]), all = 0, mean = 0;
  for (std::size_t d = 1; d < n; ++d) least = std::min(least, static_cast<double>(loss_[d * b + stream]));
  if (!std::isfinite(least)) return;
  for (std::size_t d = 0; d < n; ++d) all += w[d] *= std::exp(least - static_cast<double>(loss_[d * b + stream]));
  for (std::size_t d = 0; d < n; ++d) {
    w[d] = (1 - settings_.switching) * w[d] / all + settings_.switching / static_cast<double>(n);
    mean += static_cast<double>(d + 1) * w[d];
  }
  in_use_[stream] = mean;
}

template <class T>
void DepthInUse<T>::archive(Archive& archive) {
  for (const auto& [name, x] : {std::pair{"awake", &awake_}, {"looks", &looks_}, {"tokens", &tokens_}}) archive.value(name, *x);
  for (const auto& [name, x] : {std::pair{"sum", &sum_}, {"summed", &summed_}}) archive.value(name, *x);
  for (const auto& [name, x] : {std::pair{"belief", &belief_}, {"levels", &in_use_}, {"means", &means_}, {"mean_tokens", &mean_tokens_}})
    archive.value(name, *x);
  if (!lesion_) return;
  Archive::Scope scope(archive, "lesion");
  lesion_->archive(archive);
}

template class DepthInUse<float>;
template class DepthInUse<double>;

}  // namespace strata
