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

/// Rises with the updates of the weights in question, falls as all of learning goes on.
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

/// One weight, by the mean of the gradients of `wait` updates.
template <class T>
void Learning<T>::change(Device<T>& device, Weight<T>& weight, Index wait, double pace) {
  AdamStep step;
  step.beta2 = settings.memory;
  step.epsilon = settings.floor;
  step.count = weight.updates + 1;
  step.rate = rate_after(weight.updates * wait) * pace * weight.rate;
  step.decay = weight.decays ? settings.weight_decay : 0.0;
  ++weight.updates;
  if (wait > 1) device.axpby(T(0), weight.value, T(1) / static_cast<T>(wait), weight.gradient);
  // The same update and the same decay on the way back: only what the two differ by decays.
  if (weight.separate()) device.axpby(T(-1), weight.value, T(1), weight.feedback);
  device.adam(step, weight.gradient, weight.first_moment, weight.second_moment, weight.value);
  if (settings.pull > 0) device.axpby(static_cast<T>(settings.pull), anchors_[place_], static_cast<T>(1 - settings.pull), weight.value);
  if (weight.separate()) device.axpby(T(1), weight.value, static_cast<T>(1 - step.rate * step.decay), weight.feedback);
}

template <class T>
void Learning<T>::apply(Hierarchy<T>& hierarchy) {
  if (settings.pull > 0 && anchors_.empty()) keep_anchors(hierarchy);
  place_ = 0;
  Index wait = 1;
  double pace = 1;
  // Also of levels that wait: a level takes the visit as the word that weights it shares with others may be other ones now.
  const auto update = [&](Weight<T>& weight) {
    if ((count_ + 1) % wait == 0 && !weight.idle) change(hierarchy.device(), weight, wait, pace);
    ++place_;
  };
  const std::function<void(Weight<T>&)> visit = std::ref(update);  // of a reference, a std::function keeps nothing on the heap
  if (hierarchy.lexicon().used) visit(hierarchy.lexicon().vectors);
  for (Index l = 0; l < hierarchy.awake(); ++l) {
    if (schedule != nullptr) {
      wait = schedule->wait(l);
      pace = schedule->pace(l);
    }
    hierarchy.level(l).visit_weights(visit);
  }
  ++count_;
}

template <class T>
void Learning<T>::archive(Archive& archive) {
  archive.value("updates", count_);
  archive.value("planned", planned_);
}

template <class T>
void archive_learner(Archive& archive, Hierarchy<T>& hierarchy, Learning<T>& learning) {
  {
    Archive::Scope scope(archive, "optimiser");
    hierarchy.archive_optimiser(archive);
    learning.archive(archive);
  }
  Archive::Scope scope(archive, "state");
  hierarchy.archive_state(archive);
}

template class Learning<float>;
template class Learning<double>;
template void archive_learner(Archive&, Hierarchy<float>&, Learning<float>&);
template void archive_learner(Archive&, Hierarchy<double>&, Learning<double>&);

}  // namespace strata
