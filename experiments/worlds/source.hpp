#pragma once
// A world that is sampled rather than read: its laws, any number of independent streams of it, and its optimum where that is known.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/observation.hpp"

namespace strata {

/// The exact observer of a world: it knows the world's laws, sees what a model sees, and holds the right beliefs.
/// Beliefs are probabilities of the level's states, or the mean of its value; level 0 is lowest.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual Index levels() const = 0;
  virtual Index units(Index level) const = 0;  ///< states of the level's context; 1 for a number
  virtual void reset() = 0;                    ///< back to what is known before the first step
  /// Reads a step of every stream: surprise under the prediction held, then the posterior, then the prediction of the next step.
  virtual void observe(const Observation& observation) = 0;
  virtual double surprise(Index stream) const = 0;                                  ///< of the observation just read, nats
  virtual std::span<const double> belief(Index level, Index stream) const = 0;      ///< marginal posterior after it
  virtual std::span<const double> prediction(Index level, Index stream) const = 0;  ///< marginal prior of the next step
  virtual std::span<const double> predictive(Index stream) const = 0;  ///< p(next token), V; or mean and variance of each channel
};

/// Mean and variance of a channel over the long run: what who knows nothing else expects.
struct LongRun {
  double mean = 0, variance = 1;
};

class Source {
 public:
  virtual ~Source() = default;
  virtual Index vocabulary() const { return 0; }              ///< V; 0 where observations are numbers
  virtual Index channels() const { return 0; }                ///< numbers per step; 0 where observations are tokens
  virtual std::vector<Index> contexts() const { return {}; }  ///< states of the true context of each level, lowest first; 0: a number
  virtual std::vector<double> time_constants() const { return {}; }  ///< of each level, steps, lowest first
  virtual std::vector<double> log_unigram() const { return {}; }     ///< long-run frequency of every token, nats
  virtual std::vector<LongRun> long_run() const { return {}; }       ///< of every channel
  /// `streams` independent streams of `length` steps each: a pure function of the source and `seed`.
  virtual std::unique_ptr<World> open(Index streams, Index length, std::uint64_t seed) const = 0;
  /// The same for trials: stream `each` t + k is stretch k of trial t. A world that is one series cuts them from different places of it;
  /// the stretches of a trial never overlap.
  virtual std::unique_ptr<World> stretches(Index trials, Index each, Index length, std::uint64_t seed) const {
    return open(trials * each, length, seed);
  }
  /// The exact observer, or nothing where there is none. `levels` < 0: of the whole world; else of a world whose levels from `levels` on
  /// are forgotten at every step (their belief is their long-run distribution): what knowing the lowest `levels` contexts is worth.
  /// Throws ConfigError where it would need more memory than there is.
  virtual std::unique_ptr<Observer> observer(Index streams, Index levels = -1) const {
    (void)streams, (void)levels;
    return nullptr;
  }
};

}  // namespace strata
