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

template <class T>
double Learning<T>::rate() const {
  const auto n = static_cast<double>(count_);
  const double rise = settings.warm_up > 0 ? std::min(1.0, (n + 1) / static_cast<double>(settings.warm_up)) : 1.0;
  const double left = planned_ > 0 ? std::max(0.0, 1.0 - n / static_cast<double>(planned_)) : 1.0;
  return settings.rate * rise * (settings.final_rate + (1 - settings.final_rate) * left);
}

template <class T>
void Learning<T>::apply(Hierarchy<T>& hierarchy) {
  AdamStep step;
  step.beta2 = settings.memory;
  step.epsilon = settings.floor;
  const double now = rate();  // of this update: before it counts
  step.count = ++count_;
  if (settings.pull > 0 && anchors_.empty())
    hierarchy.visit_weights([&](const Weight<T>& weight) {
      anchors_.emplace_back(hierarchy.device(), weight.value.rows(), weight.value.cols());
      hierarchy.device().copy(weight.value, anchors_.back());
    });
  std::size_t place = 0;
  const auto update = [&](Weight<T>& weight) {
    step.rate = now * weight.rate;
    step.decay = weight.decays ? settings.weight_decay : 0.0;
    // The same update and the same decay on the way back: only what the two differ by decays.
    if (weight.separate()) hierarchy.device().axpby(T(-1), weight.value, T(1), weight.feedback);
    hierarchy.device().adam(step, weight.gradient, weight.first_moment, weight.second_moment, weight.value);
    if (settings.pull > 0)
      hierarchy.device().axpby(static_cast<T>(settings.pull), anchors_[place++], static_cast<T>(1 - settings.pull), weight.value);
    if (weight.separate()) hierarchy.device().axpby(T(1), weight.value, static_cast<T>(1 - step.rate * step.decay), weight.feedback);
  };
  hierarchy.visit_weights(std::ref(update));  // of a reference, a std::function keeps nothing on the heap
}

template <class T>
void Learning<T>::archive(Archive& archive) {
  archive.value("updates", count_);
  archive.value("planned", planned_);
}

template class Learning<float>;
template class Learning<double>;

}  // namespace strata
