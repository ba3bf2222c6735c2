#include "experiments/trial_reader.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/simulation.hpp"
#include "experiments/progress.hpp"

namespace strata {

namespace {

constexpr const char* nothing_kept = "nothing of this experiment is kept; run it again";

class HierarchyReader final : public TrialReader {
 public:
  HierarchyReader(Hierarchy<float>& hierarchy, Index interval, std::uint64_t seed)
      : hierarchy_(hierarchy), interval_(interval), seed_(seed) {}
  Index streams() const override { return hierarchy_.streams(); }
  Index depth() const override { return hierarchy_.depth(); }
  LevelDescription level(Index l) const override { return describe_level(hierarchy_.level(l)); }
  /// Half the tick; level 0 and levels that tick at every token record each token.
  Index interval(Index l) const override { return std::max<Index>(1, hierarchy_.level(l).tick() / 2); }
  void read(World& world, const std::function<void(const Observation&, Index)>& step, const std::function<void()>& carried) override {
    hierarchy_.reset_state();
    Simulation<float> simulation(hierarchy_, world, nullptr, interval_, seed_);
    simulation.record = [&](const Observation& o, std::uint64_t) { step(o, simulation.tokens()); };
    if (carried) simulation.before_forecast = [&](const Step<float>&) { carried(); };
    simulation.start();
    if (!simulation.run(interrupted)) throw Interrupted(nothing_kept);
  }
  void fetch(Index l, Held what, std::vector<float>& into) const override {
    const auto snapshot = hierarchy_.level(l).snapshot();
    const ConstView<float> view = what == Held::prediction   ? snapshot.prediction
                                  : what == Held::belief     ? snapshot.belief
                                  : what == Held::error_norm ? snapshot.error_norm
                                  : what == Held::surprise   ? snapshot.surprise
                                                             : snapshot.free_energy;
    if (view.data == nullptr) {
      into.assign(static_cast<std::size_t>(hierarchy_.streams()), std::numeric_limits<float>::quiet_NaN());
      return;
    }
    into.resize(static_cast<std::size_t>(view.rows * view.cols));
    hierarchy_.device().download(view, into);
  }
  const RelaxationTrace* relaxation() const override { return &hierarchy_.relaxation().trace(); }
  Index sweeps() const override { return hierarchy_.relaxation().settings.steps; }
  bool separable() const override { return true; }
  Index stride() const override { return interval_; }  // between updates: what waits for one is no part of a state
  void archive_level(Index l, Archive& archive) override { hierarchy_.level(l).archive_state(archive); }

 private:
  Hierarchy<float>& hierarchy_;
  Index interval_;
  std::uint64_t seed_;
};

class ExactReader final : public TrialReader {
 public:
  ExactReader(const Source& source, std::unique_ptr<Observer> observer, Index streams)
      : observer_(std::move(observer)), time_constants_(source.time_constants()), streams_(streams) {}
  Index streams() const override { return streams_; }
  Index depth() const override { return observer_->levels(); }
  LevelDescription level(Index l) const override {
    const auto i = static_cast<std::size_t>(l);
    return {"exact", i < time_constants_.size() ? time_constants_[i] : 1.0, 1, observer_->units(l)};
  }
  Index interval(Index) const override { return 1; }
  void read(World& world, const std::function<void(const Observation&, Index)>& step, const std::function<void()>& carried) override {
    observer_->reset();
    Observation o;
    o.resize(world.streams());
    Index tokens = 0;
    while (world.next(o)) {
      if (interrupted()) throw Interrupted(nothing_kept);
      remember_predictions();
      observer_->observe(o);
      if (carried) carried();
      tokens += std::count(o.active.begin(), o.active.end(), std::uint8_t{1});
      step(o, tokens);
    }
  }
  void fetch(Index l, Held what, std::vector<float>& into) const override {
    into.clear();
    for (Index j = 0; j < streams_; ++j) {
      if (what == Held::prediction || what == Held::belief) {
        const auto held = what == Held::belief ? observer_->belief(l, j) : observer_->prediction(l, j);
        for (const double x : held) into.push_back(static_cast<float>(x));
      } else if (what == Held::error_norm) {
        into.push_back(static_cast<float>(error(l, j)));
      } else {
        into.push_back(what == Held::surprise && l == 0 ? static_cast<float>(observer_->surprise(j))
                                                        : std::numeric_limits<float>::quiet_NaN());
      }
    }
  }

 private:
  void remember_predictions() {
    predicted_.resize(static_cast<std::size_t>(depth()));
    for (Index l = 0; l < depth(); ++l) {
      auto& level = predicted_[static_cast<std::size_t>(l)];
      level.clear();
      for (Index j = 0; j < streams_; ++j) {
        const auto held = observer_->prediction(l, j);
        level.insert(level.end(), held.begin(), held.end());
      }
    }
  }

  /// How far the last step moved a level: KL(belief || prediction) of states, nats; |belief - prediction| of a number.
  double error(Index l, Index j) const {
    const auto belief = observer_->belief(l, j);
    const double* before = predicted_[static_cast<std::size_t>(l)].data() + j * static_cast<Index>(belief.size());
    if (belief.size() == 1) return std::abs(belief[0] - before[0]);
    double sum = 0;
    for (std::size_t c = 0; c < belief.size(); ++c)
      if (belief[c] > 0) sum += belief[c] * std::log(belief[c] / std::max(before[c], std::numeric_limits<double>::min()));
    return std::max(sum, 0.);
  }

  std::unique_ptr<Observer> observer_;
  std::vector<double> time_constants_;
  Index streams_;
  std::vector<std::vector<double>> predicted_;  // per level, before the last step: units x streams
};

}  // namespace

std::unique_ptr<TrialReader> hierarchy_reader(Hierarchy<float>& hierarchy, Index interval, std::uint64_t seed) {
  return std::make_unique<HierarchyReader>(hierarchy, interval, seed);
}

std::unique_ptr<TrialReader> exact_reader(const Source& source, Index streams) {
  auto observer = source.observer(streams);
  if (!observer) return nullptr;
  return std::make_unique<ExactReader>(source, std::move(observer), streams);
}

}  // namespace strata
