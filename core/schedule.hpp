#pragma once
// The training schedule: which level learns when, how fast, and how heavy beliefs are by then.
//
// Curriculum   levels wake from the lowest up: one that sleeps hands down what it begins with, computes nothing and learns nothing. The newest has settled when its own
//              loss, a mean over `settle_updates` updates, fell by less than `settled` of itself since the mean before, and at the latest
//              after `stage` of all updates; then the next one wakes. Levels below the newest learn at `below` of their rate (their sparse features and
//              the lexicon, which the newest shares, as ever), so that it learns what they leave unsaid; once the highest has settled too all learn
//              at their full rate
// Own ticks    weights of a level change once every round(own_ticks tick / K) updates, by the mean of the gradients since (at the first change
//              after it woke, perhaps of fewer); what is gathered at the end is not enough for a change
// Inertia      time constants of memory are part(n) tau,  part(n) = min(1, lightness + (1 - lightness) n / (hardening N))
// Symbols      n updates so far of N in all; K tokens between two; tick tokens between two settlings of a level
// Limit        curriculum none, own_ticks 0, lightness 1: nothing is changed
// Source       one level after another: Hinton, Osindero & Teh 2006; learning rates that fall with certainty: Mathys et al. 2011 (what hardening imitates)

#include "core/hierarchy.hpp"
#include "core/parameter.hpp"

namespace strata {

struct ScheduleSettings {
  bool upward = false;        ///< curriculum
  double settled = .005;      ///< fall of a mean loss, over itself, below which a level has settled
  Index settle_updates = 50;  ///< updates that such a mean is taken over
  double stage = .15;         ///< of all updates: how long a level may be the newest
  double below = .3;          ///< of their rate at which levels below the newest learn
  double own_ticks = 0;       ///< ticks of a level between two changes of its weights; 0: at every update
  double lightness = 1;       ///< part of its time constants that a level begins with
  double hardening = .5;      ///< part of all updates by which it has them whole
  bool plain() const { return !upward && own_ticks == 0 && lightness == 1; }  ///< it changes nothing
  static ParameterTable parameters();
  static ScheduleSettings from(const Values& values);
};

template <class T>
class Schedule {
 public:
  /// `planned` updates in all, `interval` tokens of every stream between two. Throws ConfigError where these are too few for every level to wake, or to
  /// change at all, and where levels are to begin light of which none can.
  Schedule(const ScheduleSettings& settings, Hierarchy<T>& hierarchy, Index planned, Index interval);

  /// Updates between two changes of a level's weights.
  static Index wait_of(const ScheduleSettings& settings, Level<T>& level, Index interval);

  /// After every update, the `updates`-th. `nats` and `tokens`: what the lowest level's predictions have cost since the start, and of how many tokens.
  void advance(Hierarchy<T>& hierarchy, Index updates, double nats, std::int64_t tokens);
  /// Part of its rate at which a level learns now.
  double pace(Index level) const { return level < newest_ && !fine_tuning_ ? settings_.below : 1; }
  Index wait(Index level) const { return wait_[static_cast<std::size_t>(level)]; }
  /// Updates after which each level woke, 0 for those that were never asleep; how many there are says how many are awake.
  const std::vector<std::int64_t>& woken() const { return woken_; }
  /// When loading, levels wake and are as heavy as they were.
  void archive(Archive& archive, Hierarchy<T>& hierarchy);

 private:
  void harden(Hierarchy<T>& hierarchy) const;
  void listen(Hierarchy<T>& hierarchy, double nats, std::int64_t tokens);
  bool has_settled();
  void go_on(Hierarchy<T>& hierarchy);

  ScheduleSettings settings_;
  Index planned_, stage_updates_;
  std::vector<Index> wait_;
  std::vector<std::int64_t> woken_;
  Index newest_ = 0;                                     // level
  bool fine_tuning_ = false;                             // the highest has settled, or nothing ever slept
  std::int64_t updates_ = 0, stage_ = 0, gathered_ = 0;  // in all, of this stage, of the mean that is being taken
  std::int64_t means_ = 0;                               // taken in this stage
  Loss own_, next_token_;                                // of the mean that is being taken
  double before_ = 0;                                    // the mean before
  double nats_ = 0;                                      // of the lowest level, as of the last update
  std::int64_t tokens_ = 0;
};

}  // namespace strata
