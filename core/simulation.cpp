#include "core/simulation.hpp"

#include <cassert>
#include <limits>

namespace strata {

template <class T>
Simulation<T>::Simulation(Hierarchy<T>& hierarchy, World& world, Learning<T>* learning, Index interval, std::uint64_t seed)
    : hierarchy_(hierarchy),
      world_(world),
      learning_(learning),
      interval_(interval),
      seed_(seed),
      active_(hierarchy.device(), world.streams()),
      active_host_(static_cast<std::size_t>(world.streams())),
      surprise_(static_cast<std::size_t>(world.streams())) {
  observation_.resize(world.streams());
}

template <class T>
Step<T> Simulation<T>::describe_step() const {
  Step<T> step;
  step.observation = &observation_;
  step.index = step_;
  step.seed = seed_;
  step.slot = static_cast<Index>(step_ % static_cast<std::uint64_t>(interval_));
  step.learning = learning_ != nullptr;
  step.training = step.learning && training;
  step.settling = hierarchy_.relaxation().settings.steps > 0;
  step.active = active_.view();
  step.active_count = active_count_;
  return step;
}

template <class T>
void Simulation<T>::start() {
  hierarchy_.device().fill(active_, T(1));
  Step<T> step = describe_step();
  step.index = std::numeric_limits<std::uint64_t>::max();  // random numbers of its own
  hierarchy_.forecast(step);
}

template <class T>
bool Simulation<T>::advance() {
  if (!world_.next(observation_)) return false;
  active_count_ = 0;
  for (std::size_t j = 0; j < active_host_.size(); ++j) {
    active_host_[j] = static_cast<T>(observation_.active[j]);
    active_count_ += observation_.active[j];
  }
  hierarchy_.device().upload(active_host_, active_);
  const Step<T> step = describe_step();

  if (before_observe) before_observe(step);
  hierarchy_.observe(step);
  hierarchy_.relax(step);
  if (step.learning) hierarchy_.learn(step);
  hierarchy_.carry(step);
  if (step.slot == interval_ - 1) update_weights();
  if (before_forecast) before_forecast(step);
  hierarchy_.forecast(step);

  hierarchy_.device().download(hierarchy_.level(0).snapshot().surprise, surprise_);
  for (std::size_t j = 0; j < surprise_.size(); ++j)
    if (observation_.active[j] != 0) nats_ += static_cast<double>(surprise_[j]);
  tokens_ += active_count_;
  if (record) record(observation_, step_);
  ++step_;
  return true;
}

template <class T>
void Simulation<T>::update_weights() {
  const auto columns = static_cast<double>(interval_ * world_.streams());
  hierarchy_.accumulate(static_cast<T>(1.0 / columns), learning_ != nullptr);
  if (learning_ == nullptr) return;
  learning_->apply(hierarchy_);
  if (after_update) after_update();
}

template <class T>
bool Simulation<T>::run(const std::function<bool()>& stop) {
  while (!(stop && stop()))
    if (!advance()) {
      if (step_ % static_cast<std::uint64_t>(interval_) != 0) update_weights();
      return true;
    }
  return false;
}

template <class T>
void Simulation<T>::archive(Archive& archive) {
  assert(archive.loading() || step_ % static_cast<std::uint64_t>(interval_) == 0);  // what the levels have stashed is not archived
  auto step = static_cast<std::int64_t>(step_);
  archive.value("step", step);
  archive.value("tokens", tokens_);
  archive.value("nats", nats_);
  step_ = static_cast<std::uint64_t>(step);
  Archive::Scope scope(archive, "world");
  world_.archive(archive);
}

template class Simulation<float>;
template class Simulation<double>;

}  // namespace strata
