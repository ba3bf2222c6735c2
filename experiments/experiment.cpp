#include "experiments/experiment.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace strata {

#define STRATA_EXPERIMENT(name) Experiment name##_experiment();
#include "experiments/list.inc"
#undef STRATA_EXPERIMENT

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> all{
#define STRATA_EXPERIMENT(name) name##_experiment(),
#include "experiments/list.inc"
#undef STRATA_EXPERIMENT
  };
  return all;
}

const Experiment& find_experiment(const std::string& name) {
  std::vector<std::string> names;
  for (const Experiment& experiment : experiments()) {
    if (experiment.name == name) return experiment;
    names.push_back(experiment.name);
  }
  throw ConfigError("experiment", name, "no such experiment (strata list experiments)", nearest(name, names));
}

void require_world(const Experiment& experiment, const std::string& world) {
  if (std::find(experiment.worlds.begin(), experiment.worlds.end(), world) != experiment.worlds.end()) return;
  std::string worlds;
  for (const std::string& name : experiment.worlds) worlds += (worlds.empty() ? "" : ", ") + name;
  throw ConfigError("--world", world, experiment.name + " is for: " + worlds);
}

void resolve_experiments(Configuration& configuration, const std::string& running, bool typed) {
  for (const Experiment& experiment : experiments()) {
    if (experiment.name == running) continue;
    for (const Parameter& parameter : experiment.parameters) {
      const std::string key = experiment.name + "." + parameter.name;
      if (typed ? configuration.has(key) : configuration.has_from_file(key)) configuration.resolve({parameter}, experiment.name + ".");
    }
  }
}

TextStudy& Bench::text() const { return dynamic_cast<TextStudy&>(study); }
SampledStudy& Bench::sampled() const { return dynamic_cast<SampledStudy&>(study); }

void add_values(Summary& into, const MeasuredValues& values) {
  for (const auto& [key, value] : values.fields()) std::visit([&, name = key](const auto& x) { into.set(name, x); }, value);
}

void add_estimate(Summary& into, const std::string& name, const Estimate& estimate) {
  MeasuredValues values;
  values.set(name, estimate);
  add_values(into, values);
}

void add_levels(Summary& summary, const std::vector<MeasuredValues>& levels) {
  for (std::size_t l = 0; l < levels.size(); ++l) add_values(summary.item("levels", l), levels[l]);
}

void add_parts(Summary& into, const MeasureResult& result) {
  add_values(into, result.values);
  if (!result.levels.empty()) add_levels(into, result.levels);
  for (const MeasureResult& part : result.parts) add_parts(into.section(part.name), part);
}

}  // namespace strata
