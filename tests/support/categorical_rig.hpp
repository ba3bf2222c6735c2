#pragma once
// A hierarchy of categorical and conditional levels over scripted tokens.

#include <memory>
#include <string>
#include <vector>

#include "core/simulation.hpp"
#include "levels/build.hpp"
#include "levels/categorical.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/tiny.hpp"

namespace strata::test {

template <class T>
struct CategoricalRig {
  /// Every level is of `kind` and settles exactly unless `assignments` say other.
  CategoricalRig(const std::string& kind, Index levels, Index streams, Index vocabulary, Index length, ScriptedWorld::Script script,
                 const std::vector<std::string>& assignments, bool learns = false, const std::string& device_name = "reference") {
    Configuration configuration;
    configuration.set("hierarchy.levels", std::to_string(levels));
    configuration.set("relaxation.scheme", "exact");
    for (Index l = 0; l < levels; ++l) configuration.set("level." + std::to_string(l) + ".kind", kind);
    for (const auto& line : assignments) configuration.set_assignment(line);
    DeviceOptions options;
    options.name = device_name;
    device = make_device<T>(options);
    world = std::make_unique<ScriptedWorld>(streams, vocabulary, length, std::move(script));
    const std::vector<double> log_unigram(static_cast<std::size_t>(vocabulary), -std::log(static_cast<double>(vocabulary)));
    hierarchy = build_hierarchy<T>(configuration, *device, log_unigram, streams, 1, 1);
    const auto settings = LearningSettings::from(configuration.resolve(LearningSettings::parameters(), "learning."));
    configuration.check_all_read();
    if (learns) learning = std::make_unique<Learning<T>>(settings, 0);
    simulation = std::make_unique<Simulation<T>>(*hierarchy, *world, learning.get(), 1, 1);
  }

  CategoricalLevel<T>& level(Index l) { return dynamic_cast<CategoricalLevel<T>&>(hierarchy->level(l)); }
  std::vector<T> host(ConstView<T> view) const { return values<T>(view, *device); }
  std::vector<T> belief(Index l) { return host(level(l).snapshot().belief); }
  std::vector<T> surprise() { return host(level(0).snapshot().surprise); }
  /// B of a level, V x n dense.
  void set_share(Index l, const std::vector<T>& columns) { device->upload(columns, level(l).share().value); }

  std::unique_ptr<Device<T>> device;
  std::unique_ptr<ScriptedWorld> world;
  std::unique_ptr<Hierarchy<T>> hierarchy;
  std::unique_ptr<Learning<T>> learning;
  std::unique_ptr<Simulation<T>> simulation;
};

/// A token of `vocabulary` that is a pure function of key and time.
inline std::int32_t some_token(std::uint64_t key, Index time, Index vocabulary) { return random_word(key, time, vocabulary).id; }

}  // namespace strata::test
