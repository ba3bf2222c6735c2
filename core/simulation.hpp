#pragma once
// THE main loop.
//
// At each step every stream brings one token w_t. The phases, and why in this order:
//
//   observe   w_t is scored under the forecast held since t-1: surprise = -ln p(w_t).        Nothing of w_t has entered a belief yet.
//   relax     beliefs settle: x minimises F_now = sum_n pi_n/2 |x_n - mu_n|^2 - ln p(w_t).    Levels that tick now, from below.
//   learn     each synapse stashes post-synaptic error times pre-synaptic activity;          at the settled x, before memory moves on.
//             every K steps the stash becomes one update of the weights (core/schedule.hpp: or waits).
//   carry     what settling found persists (kap); memory integrates w_t; the gate may open.  h_t = a h_{t-1} + sqrt(1 - a^2) s_t
//   forecast  mu for t+1 from memory and from above, top level first.                        mu_l = V h + U f(x_{l+1}) + b + g kap
//   record    whatever the observer asked for.
//
// Invariants: between steps x_n = mu_n at every node; the forecast held is a function of tokens up to t only; an idle stream changes nothing.

#include <functional>

#include "core/hierarchy.hpp"
#include "core/learning.hpp"

namespace strata {

template <class T>
class Simulation {
 public:
  /// Called after each step with the observation just read; may read the hierarchy's snapshots.
  using Recorder = std::function<void(const Observation&, std::uint64_t step)>;

  /// `learning` may be null: weights and statistics stay frozen.
  Simulation(Hierarchy<T>& hierarchy, World& world, Learning<T>* learning, Index interval, std::uint64_t seed);

  /// Forms the first forecast. Call once on a fresh or reset hierarchy; a restored checkpoint needs no start.
  void start();
  /// One step; false when the world has ended.
  bool advance();
  /// Steps until the world ends or `stop` (asked at step boundaries) says so; true when the world ended.
  bool run(const std::function<bool()>& stop = {});

  std::uint64_t steps() const { return step_; }
  std::int64_t tokens() const { return tokens_; }
  double nats() const { return nats_; }  ///< summed surprise of level 0 so far
  Recorder record;
  bool training = true;  ///< while learning; false where the surprise is a score (Step::training)
  /// Called between forecast and observe with the step about to be taken; for instruments that score alternatives.
  std::function<void(const Step<T>&)> before_observe;
  /// Called between carry and forecast; for instruments that change what a level holds. At the last step of an interval nothing is stashed.
  std::function<void(const Step<T>&)> before_forecast;
  /// Called after every update of the weights; for what changes how learning goes on.
  std::function<void()> after_update;
  const Observation& observation() const { return observation_; }
  Step<T> describe_step() const;
  /// Call between weight updates only (steps() a multiple of the interval): pending updates are not archived.
  void archive(Archive& archive);

 private:
  void update_weights();

  Hierarchy<T>& hierarchy_;
  World& world_;
  Learning<T>* learning_;
  Index interval_;
  std::uint64_t seed_;
  Observation observation_;
  Tensor<T> active_;
  std::vector<T> active_host_, surprise_;
  Index active_count_ = 0;
  std::uint64_t step_ = 0;
  std::int64_t tokens_ = 0;
  double nats_ = 0;
};

}  // namespace strata
