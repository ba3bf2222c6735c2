#pragma once
// One situation level without a hierarchy: the test plays the token level below it.

#include <functional>
#include <memory>

#include "core/memory_archive.hpp"
#include "levels/situation.hpp"
#include "tests/support/tiny.hpp"

namespace strata::test {

template <class T>
class LevelRig {
 public:
  /// Places the level right above the token level, at the top.
  LevelRig(const SituationSettings& settings, Index units, Index vocabulary, Index streams, std::uint64_t seed = 1)
      : device(make_device<T>({"reference", "auto", 0})),
        lexicon(*device, units, std::vector<double>(static_cast<std::size_t>(vocabulary), -std::log(static_cast<double>(vocabulary))), .5,
                seed),
        level(*device, lexicon, settings, units, 0, 2, streams, 1, seed),
        active_(*device, streams),
        rate_(*device, streams),
        rho_(*device, units, streams),
        feedback_(*device, units, streams) {
    observation.resize(streams);
    observation.active.assign(static_cast<std::size_t>(streams), 1);
    device->fill(active_, T(1));
    device->fill(rate_, T(1));
  }

  Step<T> step(bool learning) const {
    Step<T> s;
    s.observation = &observation;
    s.index = index_;
    s.learning = learning;
    s.training = learning;
    s.active = active_.view();
    s.active_count = active_.rows();
    return s;
  }
  void start() { level.forecast(step(false), {}); }
  /// One token per stream (ids and boundaries in `observation`) with the emission error `rho`, units x streams; one sweep of size 1.
  /// `inside` is called between learn and carry.
  /// `feedback` is what the level below asks of f(x), units x streams; none where empty.
  void advance(const std::vector<T>& rho, bool learning, const std::function<void()>& inside = {}, const std::vector<T>& feedback = {}) {
    device->upload(rho, rho_);
    if (!feedback.empty()) device->upload(feedback, feedback_);
    const Upward<T> below{rho_.view(), feedback.empty() ? ConstView<T>{} : ConstView<T>(feedback_.view()), rho_.view()};
    const Step<T> now = step(learning);
    level.observe(now, below);
    level.begin_settling(now, below);
    rates_.assign(level.ticking().begin(), level.ticking().end());
    device->upload(rates_, rate_);
    level.settle(below, rate_.view());
    level.end_settling(now);
    level.learn(now);
    if (inside) inside();
    level.carry(now, below);
    level.accumulate(T(0), learning);
    level.forecast(now, {});
    ++index_;
  }
  MemoryArchive state() {
    MemoryArchive archive;
    level.archive_state(archive);
    return archive;
  }

  std::unique_ptr<Device<T>> device;
  Lexicon<T> lexicon;
  SituationLevel<T> level;
  Observation observation;

 private:
  Tensor<T> active_, rate_, rho_, feedback_;
  std::vector<T> rates_;
  std::uint64_t index_ = 0;
};

}  // namespace strata::test
