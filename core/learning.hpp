#pragma once
// Optimiser of local updates: Adam with decoupled weight decay, warm-up and linear decay of the rate.
// While a text that is scored is learned from, dense weights may also be pulled back to where they began: w += pull (w_0 - w) after every update;
// sparse features and scalars keep what they learn.
// Source: Kingma & Ba 2015; Loshchilov & Hutter 2019; the pull, dynamic evaluation, Krause et al. 2018.

#include "core/hierarchy.hpp"
#include "core/parameter.hpp"
#include "core/schedule.hpp"

namespace strata {

struct LearningSettings {
  double rate = .0035;
  double weight_decay = .02;
  Index warm_up = 100;    ///< learning steps over which the rate rises linearly
  Index interval = 8;     ///< K: tokens per stream between two weight updates
  double final_rate = 0;  ///< part of the rate that is left at the end of the schedule
  double memory = .999;   ///< beta2, decay of the running mean of squared gradients
  double floor = 1e-8;    ///< epsilon, added to the root of that mean: gradients well below it are not blown up to full steps
  double pull = 0;        ///< part of the way back to where they began that weights go after every update
  static ParameterTable parameters();
  static LearningSettings from(const Values& values);
};

template <class T>
class Learning {
 public:
  /// `planned` learning steps in all: the rate falls linearly to final_rate * rate by then.
  /// How it rises each weight's own updates say.
  Learning(const LearningSettings& its_settings, Index planned) : settings(its_settings), planned_(planned) {}

  /// Local updates stashed by the levels become weight changes.
  void apply(Hierarchy<T>& hierarchy);
  double rate() const { return rate_after(count_); }  ///< of a weight that changed with every update
  Index updates() const { return count_; }
  void archive(Archive& archive);

  const LearningSettings settings;
  const Schedule<T>* schedule = nullptr;  ///< which level learns when; none: all at every update, and levels are the whole hierarchy

 private:
  double rate_after(std::int64_t updates) const;
  void keep_anchors(Hierarchy<T>& hierarchy);
  void change(Device<T>& device, Weight<T>& weight, Index wait, double pace);

  Index planned_ = 0;
  std::int64_t count_ = 0;
  std::vector<Tensor<T>> anchors_;  // where the weights began, in the order they are visited
  std::size_t place_ = 0;           // among them, of the weight that changes next
};

/// What a hierarchy that learns goes on from between two updates, beside its parameters: the optimiser, and what its levels carry.
template <class T>
void archive_learner(Archive& archive, Hierarchy<T>& hierarchy, Learning<T>& learning);

}  // namespace strata
