#include "core/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.hpp"

namespace strata {

ParameterTable ScheduleSettings::parameters() {
  const ScheduleSettings d;
  return {
      {"curriculum",
       std::string("none"),
       0,
       0,
       {"none", "upward"},
       "",
       "all levels learn from the start, or the next one up wakes when the newest has settled",
       "Hinton et al. 2006"},
      {"settled", d.settled, 0, 1, {}, "1", "a level has settled when its mean loss fell by less than this part", ""},
      {"settle_updates", std::int64_t{d.settle_updates}, 1, 1e9, {}, "updates", "that such a mean is taken over", ""},
      {"stage", d.stage, 1e-6, 1, {}, "1", "part of all updates that a level may take to settle", ""},
      {"below", d.below, 0, 1, {}, "1", "part of their rate at which levels below the newest learn until the highest has settled", ""},
      {"own_ticks",
       d.own_ticks,
       0,
       1e6,
       {},
       "ticks",
       "of a level between two changes of its weights, by the mean of what was learned; 0: they change at every update",
       ""},
      {"lightness", d.lightness, 1e-3, 1, {}, "1", "part of their time constants that levels above the token level begin with", ""},
      {"hardening", d.hardening, 1e-6, 1, {}, "1", "part of all updates by which they have them whole", ""},
  };
}

ScheduleSettings ScheduleSettings::from(const Values& values) {
  ScheduleSettings s;
  s.upward = values.text("curriculum") == "upward";
  s.settled = values.real("settled");
  s.settle_updates = values.integer("settle_updates");
  s.stage = values.real("stage");
  s.below = values.real("below");
  s.own_ticks = values.real("own_ticks");
  s.lightness = values.real("lightness");
  s.hardening = values.real("hardening");
  return s;
}

template <class T>
Schedule<T>::Schedule(const ScheduleSettings& settings, Hierarchy<T>& hierarchy, Index planned, Index interval)
    : settings_(settings),
      planned_(planned),
      stage_updates_(std::max<Index>(1, static_cast<Index>(settings.stage * static_cast<double>(planned)))),
      woken_(static_cast<std::size_t>(settings.upward ? 1 : hierarchy.depth()), 0) {
  const Index depth = hierarchy.depth();
  if (settings.upward && settings.stage * static_cast<double>(depth - 1) >= 1)
    throw ConfigError("learning.stage", to_text(settings.stage),
                      "leaves the highest of " + std::to_string(depth) + " levels no time; less than 1 / " + std::to_string(depth - 1));
  if (settings.upward && stage_updates_ * (depth - 1) >= planned)
    throw ConfigError("learning.curriculum", "upward",
                      "needs more text: " + std::to_string(planned) + " updates are not enough for its levels to wake");
  for (Index l = 0; l < depth; ++l) {
    wait_.push_back(wait_of(settings, hierarchy.level(l), interval));
    if (wait_.back() > std::max<Index>(1, planned))
      throw ConfigError("learning.own_ticks", to_text(settings.own_ticks),
                        "is more than there is text for: the weights of level " + std::to_string(l) + " would never change");
  }
  bool inert = false;
  for (Index l = 1; l < depth; ++l) inert |= hierarchy.level(l).has_inertia();
  if (settings.lightness < 1 && depth > 1 && !inert)
    throw ConfigError("learning.lightness", to_text(settings.lightness),
                      "would change nothing: no level above the lowest has a memory that could begin light; 1");
  newest_ = settings.upward ? 0 : depth - 1;
  fine_tuning_ = !settings.upward;
  hierarchy.set_awake(newest_ + 1);
  harden(hierarchy);
}

template <class T>
Index Schedule<T>::wait_of(const ScheduleSettings& settings, Level<T>& level, Index interval) {
  return std::max<Index>(1, std::llround(settings.own_ticks * static_cast<double>(level.tick()) / static_cast<double>(interval)));
}

template <class T>
void Schedule<T>::advance(Hierarchy<T>& hierarchy, Index updates, double nats, std::int64_t tokens) {
  updates_ = updates;
  harden(hierarchy);
  if (fine_tuning_) return;
  ++stage_;
  listen(hierarchy, nats, tokens);
  if (has_settled() || stage_ >= stage_updates_) go_on(hierarchy);
}

template <class T>
void Schedule<T>::harden(Hierarchy<T>& hierarchy) const {
  if (settings_.lightness == 1) return;
  const double whole = settings_.hardening * static_cast<double>(planned_);
  const double part = settings_.lightness + (1 - settings_.lightness) * static_cast<double>(updates_) / std::max(1.0, whole);
  for (Index l = 1; l < hierarchy.depth(); ++l) hierarchy.level(l).set_inertia(std::min(1.0, part));
}

/// The newest level's own loss, and the next token's beside it.
template <class T>
void Schedule<T>::listen(Hierarchy<T>& hierarchy, double nats, std::int64_t tokens) {
  const Loss own = hierarchy.level(newest_).take_loss();
  own_.nats += own.nats;
  own_.count += own.count;
  next_token_.nats += nats - nats_;
  next_token_.count += static_cast<double>(tokens - tokens_);
  nats_ = nats;
  tokens_ = tokens;
  ++gathered_;
}

/// A level that predicts nothing of its own is judged by the next token.
template <class T>
bool Schedule<T>::has_settled() {
  if (gathered_ < settings_.settle_updates) return false;
  const Loss& loss = own_.count > 0 ? own_ : next_token_;
  const double mean = loss.nats / std::max(1.0, loss.count), before = std::exchange(before_, mean);
  own_ = next_token_ = {};
  gathered_ = 0;
  const bool first = std::exchange(means_, means_ + 1) == 0;
  return !first && before - mean < settings_.settled * std::abs(before);
}

/// The next level wakes, or all that remains is to tune what there is.
template <class T>
void Schedule<T>::go_on(Hierarchy<T>& hierarchy) {
  stage_ = gathered_ = means_ = 0;
  own_ = next_token_ = {};
  if (newest_ + 1 == hierarchy.depth()) {
    fine_tuning_ = true;
    return;
  }
  ++newest_;
  woken_.push_back(updates_);
  hierarchy.set_awake(newest_ + 1);
}

template <class T>
void Schedule<T>::archive(Archive& archive, Hierarchy<T>& hierarchy) {
  std::int64_t newest = newest_, fine_tuning = fine_tuning_ ? 1 : 0;
  archive.value("newest", newest);
  archive.value("fine_tuning", fine_tuning);
  archive.value("woken", woken_);
  archive.value("updates", updates_);
  archive.value("stage", stage_);
  archive.value("gathered", gathered_);
  archive.value("means", means_);
  archive.value("own_nats", own_.nats);
  archive.value("own_count", own_.count);
  archive.value("next_token_nats", next_token_.nats);
  archive.value("next_token_count", next_token_.count);
  archive.value("before", before_);
  archive.value("nats", nats_);
  archive.value("tokens", tokens_);
  newest_ = newest;
  fine_tuning_ = fine_tuning != 0;
  if (!archive.loading()) return;
  hierarchy.set_awake(newest_ + 1);
  harden(hierarchy);
}

template class Schedule<float>;
template class Schedule<double>;

}  // namespace strata
