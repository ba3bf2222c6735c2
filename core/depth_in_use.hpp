#pragma once
// How many levels a stream uses at the moment: the depth by which the words just read were best foreseen.
//
// Equations   loss_d = -ln p(w) under c_1 with the shares of all levels from d up at their slow means (core/stream_lesion.hpp),  d = 1 .. awake
//             w_d <- w_d exp(-loss_d) / sum,  then  w_d <- (1 - alpha) w_d + alpha / awake;   depth in use = sum_d d w_d
// Symbols     d levels that speak, the token level included; w_d belief in d, one per stream; alpha = growth.switching
// Discretisation  a look every growth.every steps, before the token is read; where a level woke or fell asleep all depths are equally likely again
// Limit       shares that never change: every depth alike, (awake + 1) / 2; one awake level: 1
// Source      fixed share, Herbster & Warmuth 1998

#include <optional>
#include <span>
#include <vector>

#include "core/growth_settings.hpp"
#include "core/stream_lesion.hpp"

namespace strata {

template <class T>
class DepthInUse {
 public:
  /// Where the levels of `hierarchy` do not speak by a stream that the lowest can score, all depths stay alike.
  DepthInUse(const GrowthSettings& settings, Hierarchy<T>& hierarchy);

  /// Where Simulation's hook of this name calls it, at every step.
  void before_observe(const Step<T>& step);
  /// Of every stream, levels; as of the last look.
  std::span<const double> levels() const { return in_use_; }
  /// Mean over the streams that read and over `looks_per_mean` looks, one after another.
  const std::vector<double>& means() const { return means_; }
  const std::vector<double>& mean_tokens() const { return mean_tokens_; }  ///< read by the end of each
  void archive(Archive& archive);

 private:
  static constexpr Index looks_per_mean = 64;

  void believe(std::size_t stream, Index awake);

  GrowthSettings settings_;
  Hierarchy<T>& hierarchy_;
  std::optional<StreamLesion<T>> lesion_;
  std::int64_t awake_ = 0, looks_ = 0, tokens_ = 0;  // looks since the last mean, of which the sums are
  double sum_ = 0, summed_ = 0;
  std::vector<double> belief_;  // [stream][depth]
  std::vector<double> in_use_, means_, mean_tokens_;
  std::vector<T> loss_;  // [depth][stream]
};

}  // namespace strata
