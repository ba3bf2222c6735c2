#include "core/learning.hpp"

#include <algorithm>
#include <functional>

namespace strata {

ParameterTable LearningSettings::parameters() {
  const LearningSettings d;
  return {
      {"rate", d.rate, 0, 1, {}, "1", "Adam's step size at its peak", "Kingma & Ba 2015"},
      {"weight_decay", d.weight_decay, 0, 1, {}, "1", "decoupled weight decay, times the rate at each update", "Loshchilov & Hutter 2019"},
      {"warm_up", std::int64_t{d.warm_up}, 0, 1e9, {}, "updates", "updates over which the rate rises linearly", ""},
      {"interval", std::int64_t{d.interval}, 1, 1024, {}, "tokens", "K: tokens of every stream between two weight updates", ""},
      {"final_rate", d.final_rate, 0, 1, {}, "1", "part of the rate that is left at the end of the schedule", ""},
      {"memory",
       d.memory,
       0,
       .9999999,
       {},
       "1",
       "Adam's beta2: decay per update of the running mean of squared gradients",
       "Kingma & Ba 2015"},
      {"floor",
       d.floor,
       1e-30,
       1,
       {},
       "nats",
       "Adam's epsilon: root mean square of a gradient below which steps shrink",
       "Kingma & Ba 2015"},
  };
}

LearningSettings LearningSettings::from(const Values& values) {
  LearningSettings s;
  s.rate = values.real("rate");
  s.weight_decay = values.real("weight_decay");
  s.warm_up = values.integer("warm_up");
  s.interval = values.integer("interval");
  s.final_rate = values.real("final_rate");
  s.memory = values.real("memory");
  s.floor = values.real("floor");
  return s;
}

/// Behind `updates` of the weights in question the rate still rises; it falls as all of learning goes on.
template <class T>
double Learning<T>::rate_after(std::int64_t updates) const {
  const double rise =
      settings.warm_up > 0 ? std::min(1.0, (static_cast<double>(updates) + 1) / static_cast<double>(settings.warm_up)) : 1.0;
  const double left = planned_ > 0 ? std::max(0.0, 1.0 - static_cast<double>(count_) / static_cast<double>(planned_)) : 1.0;
  return settings.rate * rise * (settings.final_rate + (1 - settings.final_rate) * left);
}

template <class T>
void Learning<T>::keep_anchors(Hierarchy<T>& hierarchy) {
  hierarchy.visit_weights([&](const Weight<T>& weight) {
    anchors_.emplace_back(hierarchy.device(), weight.value.rows(), weight.value.cols());
    hierarchy.device().copy(weight.value, anchors_.back());
  });
}

template <class T>
void Learning<T>::change(Device<T>& device, Weight<T>& weight, AdamStep step, double rate) {
  step.rate = rate * weight.rate;
  step.decay = weight.decays ? settings.weight_decay : 0.0;
  // The same update and the same decay on the way back: only what the two differ by decays.
  if (weight.separate()) device.axpby(T(-1), weight.value, T(1), weight.feedback);
  device.adam(step, weight.gradient, weight.first_moment, weight.second_moment, weight.value);
  if (settings.pull > 0) device.axpby(static_cast<T>(settings.pull), anchors_[place_++], static_cast<T>(1 - settings.pull), weight.value);
  if (weight.separate()) device.axpby(T(1), weight.value, static_cast<T>(1 - step.rate * step.decay), weight.feedback);
}

template <class T>
void Learning<T>::apply(Hierarchy<T>& hierarchy) {
  Device<T>& device = hierarchy.device();
  AdamStep step;
  step.beta2 = settings.memory;
  step.epsilon = settings.floor;
  if (settings.pull > 0 && anchors_.empty()) keep_anchors(hierarchy);
  if (changes_.empty()) changes_.assign(static_cast<std::size_t>(hierarchy.depth()), count_);
  place_ = 0;
  const double now = rate();  // of this update: before it counts
  if (hierarchy.lexicon().used) {
    step.count = count_ + 1;
    change(device, hierarchy.lexicon().vectors, step, now);
  }
  for (Index l = 0; l < hierarchy.awake(); ++l) {
    std::int64_t& changes = changes_[static_cast<std::size_t>(l)];
    const Index wait = schedule != nullptr ? schedule->wait(l) : 1;
    if ((count_ + 1) % wait != 0) continue;
    const double rate = rate_after(changes * wait) * (schedule != nullptr ? schedule->pace(l) : 1);
    step.count = ++changes;
    const auto update = [&](Weight<T>& weight) {
      if (wait > 1) device.axpby(T(0), weight.value, T(1) / static_cast<T>(wait), weight.gradient);  // the mean of those gathered
      change(device, weight, step, rate);
    };
    hierarchy.level(l).visit_weights(std::ref(update));  // of a reference, a std::function keeps nothing on the heap
  }
  ++count_;
}

template <class T>
void Learning<T>::archive(Archive& archive) {
  archive.value("updates", count_);
  archive.value("planned", planned_);
  archive.value("changes", changes_);
}

template class Learning<float>;
template class Learning<double>;

}  // namespace strata
