#pragma once
// Drives a hierarchy phase by phase, so that a test can look at it inside a step.

#include <map>
#include <memory>
#include <string>

#include "core/memory_archive.hpp"
#include "core/simulation.hpp"

namespace strata::test {

template <class T>
class Probe {
 public:
  /// `learning` may be null. The phases are those of Simulation, which these tests do not trust.
  Probe(Hierarchy<T>& hierarchy, World& world, Learning<T>* learning, Index interval = 1, std::uint64_t seed = 1);

  void start();
  void run(Index steps);
  /// The first half of a step: reads an observation, observe, relax, and learn where `learning` is given.
  void begin();
  /// The second half: carry, update at a full stash, forecast.
  void end();

  Step<T> step() const;
  Observation observation;
  Hierarchy<T>& hierarchy;

 private:
  World& world_;
  Learning<T>* learning_;
  Index interval_;
  std::uint64_t seed_, index_ = 0;
  Tensor<T> active_;
  Index active_count_ = 0;
};

/// Values of all weights, by "lexicon" or "level_L/NAME".
template <class T>
std::map<std::string, ArchivedMatrix> weight_values(Hierarchy<T>& hierarchy);
/// Gradients of all weights, by the same names.
template <class T>
std::map<std::string, ArchivedMatrix> weight_gradients(Hierarchy<T>& hierarchy);
/// Calls visit(name, weight) for every weight.
template <class T>
void for_each_weight(Hierarchy<T>& hierarchy, const std::function<void(const std::string&, Weight<T>&)>& visit);

/// |a - b| / max(|a|, |b|, 1e-8) in the Euclidean norm of the whole block.
double relative_distance(const std::vector<double>& a, const std::vector<double>& b);

/// All that levels carry (archive_state), by "level_L/NAME".
template <class T>
MemoryArchive state_of(Hierarchy<T>& hierarchy);
/// All that a model is (archive_parameters).
template <class T>
MemoryArchive parameters_of(Hierarchy<T>& hierarchy);

}  // namespace strata::test
