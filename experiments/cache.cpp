#include "experiments/cache.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.hpp"

namespace strata {

namespace {

constexpr double largest_unit = 1e100;

}  // namespace

UnigramCache::UnigramCache(Index vocabulary, const CacheSettings& settings) : settings_(settings) {
  if (vocabulary < 1) throw ShapeError("UnigramCache", "a vocabulary of at least one word", std::to_string(vocabulary));
  if (!(settings.time_constant >= 0)) throw ShapeError("UnigramCache", "a time constant >= 0", std::to_string(settings.time_constant));
  if (settings.window < 0) throw ShapeError("UnigramCache", "a window >= 0", std::to_string(settings.window));
  if (settings.time_constant > 0) growth_ = std::exp(1 / settings.time_constant);
  leaving_ = std::pow(growth_, -static_cast<double>(settings.window));
  counts_.assign(static_cast<std::size_t>(vocabulary), 0);
}

double UnigramCache::probability(std::int32_t id) const { return total_ > 0 ? counts_[static_cast<std::size_t>(id)] / total_ : 0; }

double UnigramCache::beside(double model, double weight, std::int32_t id) const {
  return total_ > 0 ? (1 - weight) * model + weight * probability(id) : model;
}

void UnigramCache::read(std::int32_t id) {
  const auto window = static_cast<std::size_t>(settings_.window);
  if (window > 0 && recent_.size() == window) {
    // Rounding may leave a little less than nothing.
    double& count = counts_[static_cast<std::size_t>(recent_[oldest_])];
    const double gone = std::min(count, unit_ * leaving_);
    count -= gone;
    total_ -= gone;
    recent_[oldest_] = id;
    oldest_ = (oldest_ + 1) % window;
  } else if (window > 0) {
    recent_.push_back(id);
  }
  counts_[static_cast<std::size_t>(id)] += unit_;
  total_ += unit_;
  unit_ *= growth_;
  if (unit_ > largest_unit) scale_back();
}

void UnigramCache::scale_back() {
  total_ = 0;
  for (double& count : counts_) {
    count /= unit_;
    total_ += count;
  }
  unit_ = 1;
}

void UnigramCache::clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  recent_.clear();
  oldest_ = 0;
  unit_ = 1;
  total_ = 0;
}

}  // namespace strata
