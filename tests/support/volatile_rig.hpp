#pragma once
// Numbers or 0/1 tokens read by a hierarchy of volatile levels.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/archive.hpp"
#include "core/simulation.hpp"
#include "levels/build.hpp"
#include "levels/volatile.hpp"

namespace strata::test {

/// A world that shows what a function says; NaN: the stream is idle at this step.
class NumberWorld final : public World {
 public:
  using Script = std::function<double(Index time, Index stream, Index channel)>;
  /// `channels` = 0: two tokens.
  NumberWorld(Index streams, Index channels, Index length, Script script)
      : streams_(streams), channels_(channels), length_(length), script_(std::move(script)) {}
  Index streams() const override { return streams_; }
  Index vocabulary() const override { return channels_ == 0 ? 2 : 0; }
  Index channels() const override { return channels_; }
  Index tokens() const override { return streams_ * length_; }
  bool next(Observation& out) override {
    if (time_ >= length_) return false;
    out.value.assign(static_cast<std::size_t>(channels_ * streams_), 0);
    for (Index j = 0; j < streams_; ++j) {
      const auto s = static_cast<std::size_t>(j);
      const double first = script_(time_, j, 0);
      out.active[s] = first == first ? 1 : 0;
      out.id[s] = channels_ == 0 && out.active[s] != 0 ? static_cast<std::int32_t>(first) : 0;
      for (Index i = 0; i < channels_; ++i) out.value[static_cast<std::size_t>(j * channels_ + i)] = script_(time_, j, i);
    }
    ++time_;
    return true;
  }
  void archive(Archive& archive) override { archive.value("time", time_); }

 private:
  Index streams_, channels_, length_;
  Script script_;
  std::int64_t time_ = 0;
};

template <class T>
struct VolatileRig {
  /// `assignments` as in a configuration file; every level is volatile and settles exactly.
  VolatileRig(const std::vector<std::string>& assignments, Index levels, Index streams, Index channels, Index length,
              NumberWorld::Script script, bool learns = false, const std::string& device_name = "reference") {
    Configuration configuration;
    configuration.set("hierarchy.levels", std::to_string(levels));
    configuration.set("relaxation.scheme", "exact");
    for (Index l = 0; l < levels; ++l) configuration.set("level." + std::to_string(l) + ".kind", "volatile");
    for (const auto& line : assignments) configuration.set_assignment(line);
    DeviceOptions options;
    options.name = device_name;
    device = make_device<T>(options);
    world = std::make_unique<NumberWorld>(streams, channels, length, std::move(script));
    const std::vector<double> log_unigram(channels == 0 ? 2 : 0, -.69);
    hierarchy = build_hierarchy<T>(configuration, *device, log_unigram, streams, 1, 1, channels);
    const auto settings = LearningSettings::from(configuration.resolve(LearningSettings::parameters(), "learning."));
    configuration.check_all_read();
    if (learns) learning = std::make_unique<Learning<T>>(settings, 0);
    simulation = std::make_unique<Simulation<T>>(*hierarchy, *world, learning.get(), 1, 1);
    simulation->start();
  }

  VolatileLevel<T>& level(Index l) { return dynamic_cast<VolatileLevel<T>&>(hierarchy->level(l)); }
  std::vector<T> host(ConstView<T> view) const {
    std::vector<T> all(static_cast<std::size_t>(view.rows * view.cols));
    device->download(view, all);
    return all;
  }
  std::vector<T> belief(Index l) { return host(level(l).snapshot().belief); }
  std::vector<T> precision(Index l) { return host(level(l).snapshot().precision); }

  std::unique_ptr<Device<T>> device;
  std::unique_ptr<NumberWorld> world;
  std::unique_ptr<Hierarchy<T>> hierarchy;
  std::unique_ptr<Learning<T>> learning;
  std::unique_ptr<Simulation<T>> simulation;
};

}  // namespace strata::test
