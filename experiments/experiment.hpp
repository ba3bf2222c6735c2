#pragma once
// An experiment: a trained model meets a design, and leaves a trace, measures and a summary in a result folder.
// A new experiment is one file that defines NAME_experiment() and one line in experiments/list.inc.

#include <functional>
#include <string>
#include <vector>

#include "analysis/measure.hpp"
#include "core/io/result_folder.hpp"
#include "core/io/summary.hpp"
#include "experiments/sampled_study.hpp"
#include "experiments/text_study.hpp"

namespace strata {

/// What an experiment is handed: `model` is a trained model file.
struct Bench {
  Study& study;
  const std::string& model;
  ResultFolder& folder;
  Progress& progress;
  Values values;  ///< of the experiment's parameters

  TextStudy& text() const;        ///< the study, which must be of text: an experiment names the worlds it is for
  SampledStudy& sampled() const;  ///< the study, which must be of a sampled world
};

/// What it found: goes into summary.json and onto the screen.
struct Findings {
  Summary summary;
  std::string table;  ///< for people
};

struct Experiment {
  std::string name, summary, definition;
  ParameterTable parameters;                               ///< keys NAME.*
  std::vector<std::pair<std::string, std::string>> quick;  ///< what --quick makes of them, where the user said nothing
  std::function<Findings(Bench&)> run;
  std::vector<std::string> worlds{"text"};  ///< where it can be run
  bool trained = true;                      ///< needs a model: one is learned first where none is given
  bool drawn = true;                        ///< leaves something to draw: a trace, or levels in its summary
  std::function<void(Bench&)> check = {};   ///< throws what makes it impossible before anything is learned; there is no model yet
  bool foreign = false;                     ///< takes passages from --foreign
};

const std::vector<Experiment>& experiments();
/// Throws ConfigError naming the nearest.
const Experiment& find_experiment(const std::string& name);
/// Throws ConfigError naming the worlds that the experiment is for, where `world` is not among them.
void require_world(const Experiment& experiment, const std::string& world);

/// Keys of experiments other than `running` are checked and kept: one configuration, or one list of --set, may serve several commands. Where not
/// `typed`, those of --set are left for check_all_read() to refuse.
void resolve_experiments(Configuration& configuration, const std::string& running, bool typed = true);

/// Copies measured level records into summary.levels, by position, and notes into nothing.
void add_levels(Summary& summary, const std::vector<MeasuredValues>& levels);
/// Copies measured values into an object of the summary.
void add_values(Summary& into, const MeasuredValues& values);
/// One measured value, with its interval where it has one.
void add_estimate(Summary& into, const std::string& name, const Estimate& estimate);
/// A measure with parts (one per condition) below summary[name].
void add_parts(Summary& into, const MeasureResult& result);

}  // namespace strata
