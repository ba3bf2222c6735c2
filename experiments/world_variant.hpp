#pragma once
// One arm of an experiment on a sampled world: the same study under other keys, or with another world, for as long as the arm lasts.
// Hierarchies, models and traces made meanwhile carry the arm's configuration; afterwards the study is as the user asked for it.

#include <string>
#include <utility>
#include <vector>

#include "experiments/experiment.hpp"
#include "experiments/world_reading.hpp"

namespace strata {

class WorldVariant {
 public:
  /// `source`: another world; the study's own where there is none.
  WorldVariant(SampledStudy& study, const Keys& keys, std::unique_ptr<Source> source = nullptr);
  ~WorldVariant();
  WorldVariant(const WorldVariant&) = delete;
  WorldVariant& operator=(const WorldVariant&) = delete;

 private:
  void swap_world();

  SampledStudy& study_;
  Configuration configuration_;     ///< the user's
  std::unique_ptr<Source> source_;  ///< the study's own while another stands in its place
};

/// The study's world with other keys world.*.
std::unique_ptr<Source> make_source(const SampledStudy& study, const Keys& keys);
/// Whether the kind that stands at `level` has a parameter of that name.
bool level_offers(const SampledStudy& study, Index level, const std::string& parameter);

/// One online pass of the study's length: learns, and writes `path` with the last third. `exact`: with the exact observers.
WorldReadingTimes learn_world(Bench& bench, Hierarchy<float>& hierarchy, const std::string& experiment, const std::string& path,
                              bool exact);
/// The weights as a model file; its configuration is the study's present one.
void save_world_model(SampledStudy& study, Hierarchy<float>& hierarchy, const std::string& path);

}  // namespace strata
