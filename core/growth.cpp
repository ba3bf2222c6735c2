#include "core/growth.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/memory_archive.hpp"

namespace strata {

namespace {

constexpr std::size_t blocks = 16;            // of the later half of a trial
constexpr std::int64_t most_looks = 16;       // at a trial
constexpr std::size_t judgement_numbers = 8;  // of a Judgement, as archived

struct Mean {
  double value = 0, error = 0;
};

/// Mean over tokens of what updates from `from` on cost more, and its standard error over blocks.
Mean mean_from(std::size_t from, const std::vector<double>& more, const std::vector<double>& read) {
  double nats[blocks] = {}, tokens[blocks] = {};
  const std::size_t count = more.size() - from;
  for (std::size_t i = 0; i < count; ++i) {
    nats[i * blocks / count] += more[from + i];
    tokens[i * blocks / count] += read[from + i];
  }
  const double all = std::accumulate(tokens, tokens + blocks, 0.0);
  if (all == 0) return {};
  Mean mean{std::accumulate(nats, nats + blocks, 0.0) / all, 0};
  for (std::size_t k = 0; k < blocks; ++k) mean.error += std::pow(nats[k] - mean.value * tokens[k], 2);
  mean.error = std::sqrt(mean.error * blocks / (blocks - 1)) / all;
  return mean;
}

/// All that a hierarchy and what drives it consist of, between two updates.
template <class T>
void archive_whole(Archive& archive, Hierarchy<T>& hierarchy, Learning<T>& learning) {
  hierarchy.archive_parameters(archive);
  archive_learner(archive, hierarchy, learning);
}

/// `to` becomes what `from` is, with `awake` levels awake.
template <class T>
void become(Hierarchy<T>& to, Learning<T>& to_learning, Hierarchy<T>& from, Learning<T>& from_learning, Index awake) {
  MemoryArchive whole;
  archive_whole(whole, from, from_learning);
  whole.rewind();
  archive_whole(whole, to, to_learning);
  to.set_awake(from.awake());  // those that slept were loaded as they slept
  to.set_awake(awake);
}

}  // namespace

ParameterTable GrowthSettings::parameters() {
  const GrowthSettings d;
  return {
      {"dynamic",
       d.dynamic,
       0,
       1,
       {},
       "",
       "levels wake and fall asleep again while learning, as what is read asks for; hierarchy.levels are the most that there can be",
       ""},
      {"first", std::int64_t{d.first}, 1, 16, {}, "levels", "awake at the start, the token level included", ""},
      {"trial",
       std::int64_t{d.trial},
       1,
       1e12,
       {},
       "tokens",
       "between two judgements of a trial of one level more, or less (32 updates at least); a rest after the first refusal",
       ""},
      {"price", d.price, 0, 1e3, {}, "nats", "per token that a level must be worth", ""},
      {"threshold", d.threshold, 0, 1e3, {}, "s.e.", "that a gain must be away from the price for a trial to end", ""},
      {"every", std::int64_t{d.every}, 1, 1e6, {}, "tokens", "of every stream between two looks at how many levels it uses", ""},
      {"switching",
       d.switching,
       0,
       1,
       {},
       "1",
       "part of the belief in how many levels a stream uses that is shared out among all at each look",
       "Herbster & Warmuth 1998"},
  };
}

GrowthSettings GrowthSettings::from(const Values& values) {
  return {values.flag("dynamic"),   values.integer("first"), values.integer("trial"), values.real("price"),
          values.real("threshold"), values.integer("every"), values.real("switching")};
}

template <class T>
Growth<T>::Growth(const GrowthSettings& its_settings, Hierarchy<T>& hierarchy, std::unique_ptr<Hierarchy<T>> twin,
                  const LearningSettings& learning, Index planned, Index interval, std::uint64_t seed)
    : settings(its_settings),
      hierarchy_(hierarchy),
      twin_(std::move(twin)),
      echo_(hierarchy),
      twin_learning_(learning, planned),
      twin_simulation_(*twin_, echo_, &twin_learning_, interval, seed),
      rest_(its_settings.trial) {
  if (settings.first < least() || settings.first > hierarchy.depth())
    throw ConfigError("growth.first", std::to_string(settings.first),
                      "must be " + std::to_string(least()) + " to " + std::to_string(hierarchy.depth()) + ", of the levels that there are");
  hierarchy_.set_awake(settings.first);
  if (!possible(direction_)) direction_ = -1;
}

template <class T>
Index Growth<T>::least() const {
  return hierarchy_.lexicon().used && hierarchy_.lexicon().units() > 0 && !hierarchy_.level(0).speaks() ? 2 : 1;
}

template <class T>
bool Growth<T>::possible(Index direction) const {
  return hierarchy_.awake() + direction >= least() && hierarchy_.awake() + direction <= hierarchy_.depth();
}

template <class T>
void Growth<T>::before_observe(const Step<T>& step, Simulation<T>& simulation, Learning<T>& learning) {
  if (step.slot == 0) between_updates(simulation, learning);
  if (!trying_) return;
  echo_.heard = step.observation;
  try {
    twin_simulation_.advance();
  } catch (const NumericalError&) {  // of the twin alone
    note(Verdict::refused);
    end_trial(false, learning);
  }
}

/// What the interval just read has cost both, and whether a trial begins or ends.
template <class T>
void Growth<T>::between_updates(Simulation<T>& simulation, Learning<T>& learning) {
  if (trying_) {
    const double more = (simulation.nats() - nats_) - (twin_simulation_.nats() - twin_nats_);
    more_.push_back(direction_ > 0 ? more : -more);
    read_.push_back(static_cast<double>(simulation.tokens() - tokens_));
    nats_ = simulation.nats();
    twin_nats_ = twin_simulation_.nats();
    tokens_ = simulation.tokens();
    if (tokens_ >= next_ && more_.size() >= 2 * blocks) judge(learning);
  }
  if (!trying_ && possible(direction_) && simulation.tokens() >= next_) begin(simulation, learning);
}

template <class T>
void Growth<T>::begin(Simulation<T>& simulation, Learning<T>& learning) {
  become(*twin_, twin_learning_, hierarchy_, learning, candidate());
  MemoryArchive clock;
  simulation.archive(clock);
  clock.rewind();
  twin_simulation_.archive(clock);
  nats_ = twin_nats_ = simulation.nats();
  begun_ = tokens_ = simulation.tokens();
  next_ = begun_ + settings.trial;
  looks_ = 0;
  more_.clear();
  read_.clear();
  trying_ = true;
}

template <class T>
Verdict Growth<T>::verdict(double gain, double error, double paid) const {
  const bool deeper = direction_ > 0, last = looks_ == most_looks;
  const double sure = settings.threshold * error;
  const double profit = gain - settings.price, loss = deeper ? gain : profit;  // a new level is given the time to become worth its price
  if (profit > sure && (!deeper || paid > 0)) return deeper ? Verdict::taken : Verdict::refused;
  if (loss < -sure || last) return deeper ? Verdict::refused : Verdict::taken;
  return Verdict::goes_on;
}

/// What the trial has come to; without a verdict, the one that this asks for.
template <class T>
Verdict Growth<T>::note(std::optional<Verdict> known) {
  const Mean late = mean_from(more_.size() / 2, more_, read_);
  const double paid = std::accumulate(more_.begin(), more_.end(), 0.0);
  const Verdict found = known ? *known : verdict(late.value, late.error, paid);
  judgements_.push_back({begun_, tokens_, hierarchy_.awake(), candidate(), late.value, late.error, paid, found});
  return found;
}

template <class T>
void Growth<T>::judge(Learning<T>& learning) {
  ++looks_;
  next_ = tokens_ + settings.trial;
  const Verdict found = note({});
  if (found != Verdict::goes_on) end_trial(found == Verdict::taken, learning);
}

template <class T>
void Growth<T>::end_trial(bool taken, Learning<T>& learning) {
  trying_ = false;
  next_ = tokens_;
  if (taken) {
    become(hierarchy_, learning, *twin_, twin_learning_, twin_->awake());
    rest_ = settings.trial;
    if (possible(direction_)) return;
  }
  next_ += rest_;
  if (!taken) rest_ *= 2;
  if (possible(-direction_)) direction_ = -direction_;
}

template <class T>
void Growth<T>::archive(Archive& archive) {
  std::int64_t awake = hierarchy_.awake(), candidate = twin_->awake(), trying = trying_ ? 1 : 0;
  for (const auto& [name, x] : {std::pair{"awake", &awake},
                                {"candidate", &candidate},
                                {"trying", &trying},
                                {"direction", &direction_},
                                {"next", &next_},

                                {"rest", &rest_},
                                {"begun", &begun_},
                                {"at_looks", &looks_},
                                {"last_tokens", &tokens_}})
    archive.value(name, *x);
  archive.value("nats", nats_);
  archive.value("twin_nats", twin_nats_);
  archive.value("more", more_);
  archive.value("read", read_);
  std::vector<double> judged;
  for (const Judgement& j : judgements_)
    judged.insert(judged.end(), {static_cast<double>(j.begun), static_cast<double>(j.tokens), static_cast<double>(j.from),
                                 static_cast<double>(j.to), j.gain, j.error, j.paid, static_cast<double>(j.verdict)});
  archive.value("judged", judged);
  trying_ = trying != 0;
  if (archive.loading()) {
    judgements_.clear();
    for (std::size_t i = 0; i < judged.size(); i += judgement_numbers) {
      const double* x = &judged[i];
      judgements_.push_back({static_cast<std::int64_t>(x[0]), static_cast<std::int64_t>(x[1]), static_cast<Index>(x[2]),
                             static_cast<Index>(x[3]), x[4], x[5], x[6], static_cast<Verdict>(x[7])});
    }
    hierarchy_.set_awake(awake);
  }
  if (!trying_) return;
  if (archive.loading()) twin_->set_awake(candidate);
  Archive::Scope scope(archive, "twin");
  archive_whole(archive, *twin_, twin_learning_);
  twin_simulation_.archive(archive);
}

template class Growth<float>;
template class Growth<double>;

}  // namespace strata
