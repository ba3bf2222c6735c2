#pragma once
// What every command works on, whatever the world: the options, the device, hierarchies that share one model file, and what made them.
// text_study.hpp reads texts, sampled_study.hpp draws from a world with known laws.

#include <memory>

#include "core/growth_settings.hpp"
#include "core/health_settings.hpp"
#include "core/hierarchy.hpp"
#include "core/io/provenance.hpp"
#include "core/io/summary.hpp"
#include "core/learning.hpp"
#include "core/recorder.hpp"
#include "experiments/options.hpp"
#include "experiments/progress.hpp"

namespace strata {

/// Assignments of an arm of an experiment: key and value.
using Keys = std::vector<std::pair<std::string, std::string>>;

/// How often a checkpoint is written (learning.*).
ParameterTable checkpoint_parameters();

class Study {
 public:
  virtual ~Study() = default;
  Study(const Study&) = delete;
  Study& operator=(const Study&) = delete;

  Options options;
  std::unique_ptr<Device<float>> device;
  std::vector<double> log_unigram;  ///< V, nats; empty in a world of numbers
  std::vector<InputFile> inputs;
  std::string adopted_otherwise;  ///< keys of levels and of settling that are other than the given model was trained with, and how; or ""

  virtual Index vocabulary() const = 0;  ///< V; 0 in a world of numbers
  virtual Index channels() const { return 0; }
  /// What a hierarchy learns from, from its beginning.
  virtual std::unique_ptr<World> training_world() = 0;
  /// What was read, for summary.json.
  virtual void describe(Summary& summary) const = 0;
  virtual std::string level_name(Index level) const = 0;

  Index streams() const { return streams_; }
  Index interval() const { return learning_.interval; }
  double checkpoint_seconds() const { return checkpoint_seconds_; }
  const LearningSettings& learning() const { return learning_; }
  const ScheduleSettings& schedule() const { return schedule_; }
  const RecordSettings& record() const { return record_; }
  const HealthSettings& monitor() const { return monitor_; }
  const GrowthSettings& growth() const { return growth_; }

  /// A hierarchy of this study's configuration, with untrained weights.
  std::unique_ptr<Hierarchy<float>> make_hierarchy(Index streams);
  /// The same with the weights of `model`.
  std::unique_ptr<Hierarchy<float>> load_hierarchy(const std::string& model, Index streams);

  /// The power of gradients that `model` was left with, for learning to go on, as gradients of this hierarchy's streams have it (a mean over
  /// fewer of them varies more). Throws DataError for a model that does not hold it.
  void load_power(const std::string& model, Hierarchy<float>& hierarchy);
  /// That power, as train() writes it into a model.
  static void archive_power(Archive& archive, Hierarchy<float>& hierarchy, std::int64_t& updates);

  /// vocabulary and parameters: what a model file and a checkpoint have in common.
  void archive_model(Archive& archive, Hierarchy<float>& hierarchy);
  /// Configuration, seed, provenance, for a model file of the lowest `levels` (0: of all of them).
  std::map<std::string, std::string> notes(Index levels = 0) const;
  Provenance provenance() const;
  /// The configuration for a model or a trace, which travel: without run.text and other paths of this machine (inputs names and digests the files).
  std::string configuration_text() const;
  std::vector<TraceAttribute> trace_attributes(const std::string& experiment) const;  ///< of the root of a trace

 protected:
  explicit Study(Options options);
  /// Settings of every room, the device, and a trial construction that checks every key before anything is read.
  void settle_configuration(Index few_words);
  virtual void archive_vocabulary(Archive& archive) = 0;

  Index streams_ = 1;

 private:
  void adopt_model_configuration();

  double checkpoint_seconds_ = 30;
  LearningSettings learning_;
  ScheduleSettings schedule_;
  RecordSettings record_;
  HealthSettings monitor_;
  GrowthSettings growth_;
};

/// The world a model was made for, by the configuration inside it. Throws FileError.
std::string world_of(const std::string& model);

/// The study of options.world. Throws ConfigError, DataError, FileError; nothing is written.
std::unique_ptr<Study> open_study(Options options, Progress& progress);

}  // namespace strata
