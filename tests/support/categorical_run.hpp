#pragma once
// A hierarchy that reads a sampled world once, online, beside the world's exact observer.

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/simulation.hpp"
#include "experiments/sampled_study.hpp"
#include "experiments/worlds/registry.hpp"
#include "levels/build.hpp"

namespace strata::test {

/// Mean surprise over the last third of a pass, nats per token.
struct GapRun {
  double unigram = 0, bayes = 0, model = 0;
  double gap_closed() const { return (unigram - model) / (unigram - bayes); }
};

/// One pass of `length` tokens of a sampled world. `assignments`: world.*, hierarchy.*, level.* and so on, over those of the file `ini`.
class WorldRun {
 public:
  WorldRun(const std::string& world_name, const std::vector<std::string>& assignments, Index length, std::uint64_t seed, bool learns,
           const std::string& ini = "", Index streams = 1, const std::string& device_name = "cpu") {
    if (!ini.empty()) configuration.read_ini(ini);
    for (const auto& line : assignments) configuration.set_assignment(line);
    const WorldKind& kind = find_world_kind(world_name);
    Values values;
    for (const auto& [prefix, table] : kind.parameters) values = configuration.resolve(table, prefix);
    configuration.resolve(drawing_parameters(), "world.");
    source = kind.make(values, {});
    const auto contexts = source->contexts();
    const auto taus = source->time_constants();
    suggest("hierarchy.levels", std::to_string(contexts.size()));
    suggest("relaxation.scheme", "exact");
    for (std::size_t l = 0; l < contexts.size(); ++l) {
      const std::string prefix = "level." + std::to_string(l) + ".";
      suggest(prefix + "kind", "categorical");
      suggest(prefix + "states", std::to_string(contexts[l]));
      suggest(prefix + "tau", to_text(taus[l]));
    }
    device = make_device<float>({device_name, "auto", 1});
    world = source->open(streams, length, seed);
    hierarchy = build_hierarchy<float>(configuration, *device, source->log_unigram(), streams, 1, seed);
    const auto settings = LearningSettings::from(configuration.resolve(LearningSettings::parameters(), "learning."));
    configuration.check_all_read();
    if (learns) learning = std::make_unique<Learning<float>>(settings, length);
    simulation = std::make_unique<Simulation<float>>(*hierarchy, *world, learning.get(), 1, seed);
    length_ = length;
  }

  /// Runs to the end; the last third beside the exact observer (which reads everything) and the unigram.
  GapRun run() {
    simulation->start();
    const auto observer = source->observer(world->streams());
    const auto unigram = source->log_unigram();
    GapRun gap;
    double count = 0;
    Index time = 0;
    simulation->record = [&](const Observation& o, std::uint64_t) {
      observer->observe(o);
      if (time++ < length_ - length_ / 3) return;
      device->download(hierarchy->level(0).snapshot().surprise, surprise_);
      for (std::size_t j = 0; j < o.id.size(); ++j) {
        gap.model += static_cast<double>(surprise_[j]);
        gap.bayes += observer->surprise(static_cast<Index>(j));
        gap.unigram -= unigram[static_cast<std::size_t>(o.id[j])];
        ++count;
      }
    };
    surprise_.resize(static_cast<std::size_t>(world->streams()));
    simulation->run();
    for (double* x : {&gap.model, &gap.bayes, &gap.unigram}) *x /= count;
    return gap;
  }

  Configuration configuration;
  std::unique_ptr<Source> source;
  std::unique_ptr<Device<float>> device;
  std::unique_ptr<World> world;
  std::unique_ptr<Hierarchy<float>> hierarchy;
  std::unique_ptr<Learning<float>> learning;
  std::unique_ptr<Simulation<float>> simulation;

 private:
  void suggest(const std::string& key, const std::string& value) {
    if (!configuration.has(key)) configuration.set(key, value);
  }
  std::vector<float> surprise_;
  Index length_;
};

}  // namespace strata::test
