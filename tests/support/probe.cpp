#include "tests/support/probe.hpp"

#include <cmath>

#include "tests/support/tiny.hpp"

namespace strata::test {

template <class T>
Probe<T>::Probe(Hierarchy<T>& its_hierarchy, World& world, Learning<T>* learning, Index interval, std::uint64_t seed)
    : hierarchy(its_hierarchy),
      world_(world),
      learning_(learning),
      interval_(interval),
      seed_(seed),
      active_(hierarchy.device(), world.streams()) {
  observation.resize(world.streams());
}

template <class T>
Step<T> Probe<T>::step() const {
  Step<T> s;
  s.observation = &observation;
  s.index = index_;
  s.seed = seed_;
  s.slot = static_cast<Index>(index_ % static_cast<std::uint64_t>(interval_));
  s.learning = learning_ != nullptr;
  s.training = s.learning;
  s.active = active_.view();
  s.active_count = active_count_;
  return s;
}

template <class T>
void Probe<T>::start() {
  hierarchy.device().fill(active_, T(1));
  active_count_ = world_.streams();
  hierarchy.forecast(step());
}

template <class T>
void Probe<T>::begin() {
  world_.next(observation);
  std::vector<T> active(observation.active.begin(), observation.active.end());
  active_count_ = 0;
  for (const auto a : observation.active) active_count_ += a;
  hierarchy.device().upload(active, active_);
  hierarchy.observe(step());
  hierarchy.relax(step());
  if (learning_ != nullptr) hierarchy.learn(step());
}

template <class T>
void Probe<T>::end() {
  hierarchy.carry(step());
  if (step().slot == interval_ - 1) {
    hierarchy.accumulate(static_cast<T>(1.0 / static_cast<double>(interval_ * world_.streams())), learning_ != nullptr);
    if (learning_ != nullptr) learning_->apply(hierarchy);
  }
  hierarchy.forecast(step());
  ++index_;
}

template <class T>
void Probe<T>::run(Index steps) {
  for (Index t = 0; t < steps; ++t) {
    begin();
    end();
  }
}

template <class T>
void for_each_weight(Hierarchy<T>& hierarchy, const std::function<void(const std::string&, Weight<T>&)>& visit) {
  if (hierarchy.lexicon().used) visit("lexicon", hierarchy.lexicon().vectors);
  for (Index l = 0; l < hierarchy.depth(); ++l)
    hierarchy.level(l).visit_weights([&](Weight<T>& weight) { visit("level_" + std::to_string(l) + "/" + weight.name, weight); });
}

namespace {
template <class T>
ArchivedMatrix dense(const Tensor<T>& x) {
  const auto host = values<T>(x.view(), x.device());
  return {x.rows(), x.cols(), std::vector<double>(host.begin(), host.end())};
}
}  // namespace

template <class T>
std::map<std::string, ArchivedMatrix> weight_values(Hierarchy<T>& hierarchy) {
  std::map<std::string, ArchivedMatrix> all;
  for_each_weight<T>(hierarchy, [&](const std::string& name, Weight<T>& weight) { all[name] = dense(weight.value); });
  return all;
}

template <class T>
std::map<std::string, ArchivedMatrix> weight_gradients(Hierarchy<T>& hierarchy) {
  std::map<std::string, ArchivedMatrix> all;
  for_each_weight<T>(hierarchy, [&](const std::string& name, Weight<T>& weight) { all[name] = dense(weight.gradient); });
  return all;
}

double relative_distance(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return 1;
  double difference = 0, norm_a = 0, norm_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm_a += a[i] * a[i];
    norm_b += b[i] * b[i];
  }
  return std::sqrt(difference) / std::max({std::sqrt(norm_a), std::sqrt(norm_b), 1e-8});
}

template <class T>
MemoryArchive state_of(Hierarchy<T>& hierarchy) {
  MemoryArchive archive;
  hierarchy.archive_state(archive);
  return archive;
}

template <class T>
MemoryArchive parameters_of(Hierarchy<T>& hierarchy) {
  MemoryArchive archive;
  hierarchy.archive_parameters(archive);
  return archive;
}

#define STRATA_INSTANTIATE(T)                                                                                  \
  template class Probe<T>;                                                                                     \
  template void for_each_weight<T>(Hierarchy<T>&, const std::function<void(const std::string&, Weight<T>&)>&); \
  template std::map<std::string, ArchivedMatrix> weight_values<T>(Hierarchy<T>&);                              \
  template std::map<std::string, ArchivedMatrix> weight_gradients<T>(Hierarchy<T>&);                           \
  template MemoryArchive state_of<T>(Hierarchy<T>&);                                                           \
  template MemoryArchive parameters_of<T>(Hierarchy<T>&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)
#undef STRATA_INSTANTIATE

}  // namespace strata::test
