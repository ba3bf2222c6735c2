#pragma once
// The ordered stack of levels: who sends which message to whom. Level 0 is lowest.

#include <memory>
#include <vector>

#include "core/level.hpp"
#include "core/relaxation.hpp"

namespace strata {

template <class T>
class Hierarchy {
 public:
  /// Takes the levels, lowest first. Ticks must not shrink going up (ConfigError).
  Hierarchy(Device<T>& device, std::unique_ptr<Lexicon<T>> lexicon, std::vector<std::unique_ptr<Level<T>>> levels, Index streams,
            const RelaxationSettings& relaxation);

  // --- the phases of a step, each over all levels (core/simulation.hpp says in which order)
  void observe(const Step<T>& step);
  void relax(const Step<T>& step) { relaxation_.settle(levels_, awake_, step); }
  void learn(const Step<T>& step);
  void accumulate(T scale, bool learning);
  void carry(const Step<T>& step);
  void forecast(const Step<T>& step);

  Device<T>& device() { return device_; }
  Lexicon<T>& lexicon() { return *lexicon_; }
  /// Levels from `awake` up sleep: they take no part in any phase and hand down what they begin with, zeros or every state alike. One that falls asleep forgets what it carries; one that wakes
  /// has the weights that it fell asleep with, at first those it was built with. What would be learned of those that sleep, the lexicon of those that
  /// speak by it, is idle.
  void set_awake(Index awake);
  Index awake() const { return static_cast<Index>(awake_); }

  Index depth() const { return static_cast<Index>(levels_.size()); }
  Index streams() const { return streams_; }
  Level<T>& level(Index l) { return *levels_[static_cast<std::size_t>(l)]; }
  Relaxation<T>& relaxation() { return relaxation_; }

  void visit_weights(const std::function<void(Weight<T>&)>& visit);
  Index parameter_count();  ///< of the levels awake
  void archive_parameters(Archive& archive);
  void archive_optimiser(Archive& archive);
  void archive_power(Archive& archive);  ///< of gradients: what a learner needs to go on from a model
  void archive_state(Archive& archive);
  void reset_state();

 private:
  Downward<T> above(std::size_t l) const;
  Upward<T> below(std::size_t l) const { return l > 0 ? levels_[l - 1]->upward() : Upward<T>{}; }

  Device<T>& device_;
  std::unique_ptr<Lexicon<T>> lexicon_;
  std::vector<std::unique_ptr<Level<T>>> levels_;
  Index streams_;
  std::size_t awake_;
  Relaxation<T> relaxation_;
};

}  // namespace strata
