#include "experiments/study.hpp"

#include <cstdlib>
#include <limits>
#include <sstream>
#include <string_view>

#include "core/error.hpp"
#include "core/growth.hpp"
#include "core/io/checkpoint.hpp"
#include "experiments/invocation.hpp"
#include "experiments/sampled_study.hpp"
#include "experiments/text_study.hpp"
#include "levels/build.hpp"

namespace strata {

namespace {

/// Keys of a model's configuration that decide what the model is; others (run.*, an experiment's) belong to the run that made it.
bool is_of_model(const std::string& key) {
  for (const char* prefix : {"hierarchy.", "level.", "text.", "world.", "learning.", "relaxation.", "growth."})
    if (key.rfind(prefix, 0) == 0) return true;
  return false;
}

/// Without the keys of levels from `levels` up, which nobody would read.
std::string of_levels(const std::string& configuration, Index levels) {
  std::istringstream lines(configuration);
  std::string kept;
  for (std::string line; std::getline(lines, line);)
    if (line.rfind("level.", 0) != 0 || std::atol(line.c_str() + 6) < levels) kept += line + "\n";
  return kept;
}

/// Assignments that cures left (experiments/training.hpp), or "".
std::string cured_of(const std::map<std::string, std::string>& notes) {
  const auto found = notes.find("cured");
  return found != notes.end() ? found->second : "";
}

/// The keys of levels and their values as `model` was made with them, where `now` says otherwise; at most three are shown.
std::string made_otherwise(const std::string& model, const std::map<std::string, std::string>& now) {
  const auto notes = read_notes(model);
  Configuration its;
  its.adopt(cured_of(notes), model);
  if (const auto config = notes.find("config"); config != notes.end()) its.adopt(config->second, model);
  std::string text;
  int found = 0;
  for (const auto& [key, value] : now) {
    const bool of_levels = key.starts_with("hierarchy.") || key.starts_with("level.");
    if (!of_levels || !its.has(key) || same_value(its.assigned(key), value) || ++found > 3) continue;
    text += (text.empty() ? "" : ", ") + key + " = " + its.assigned(key) + " (here " + value + ")";
  }
  return text + (found > 3 ? " and " + std::to_string(found - 3) + " more" : "");
}

/// Where it says whether something is learned that is no weight, which a model has only if it was.
bool is_of_learning(std::string_view key) {
  return level_of(key) >= 0 && (key.ends_with(".learn_tau") || key.ends_with(".learn_tau_per_parent") || key.ends_with(".precision_mode"));
}

/// What a model's words were made with, which are in its file.
bool is_of_words(std::string_view key) { return key == "text.tokenizer" || key == "text.vocabulary"; }

/// What dynamic depth does not go with is said before anything is read.
void require_growth(Hierarchy<float>& hierarchy, const ScheduleSettings& schedule, const HealthSettings& monitor) {
  const auto alone = [](const char* key, const std::string& value, const char* why) {
    throw ConfigError(key, value, std::string("does not go with growth.dynamic: ") + why);
  };
  if (schedule.upward) alone("learning.curriculum", "upward", "one of the two wakes the levels; take back one of them");
  if (schedule.own_ticks > 0) alone("learning.own_ticks", to_text(schedule.own_ticks), "levels on trial learn at every update");
  if (schedule.lightness < 1) alone("learning.lightness", to_text(schedule.lightness), "a level that wakes has its time constants whole");
  if (monitor.cure) alone("monitor.cure", "true", "a level on trial would be judged by what a cure has changed of the others");
  if (hierarchy.depth() < 2) throw ConfigError("hierarchy.levels", "1", "are the most that growth.dynamic may wake: two at least");
  for (Index l = 0; l + 1 < hierarchy.depth(); ++l)
    if (Level<float>& level = hierarchy.level(l); !level.can_end())
      alone(level_key(l, "kind").c_str(), level.kind(),
            "what it learns under a level above holds nothing without one, so that no hierarchy can end with it");
}

/// Throws what check_all_read() does; of a key of a level that is not there it says so, for no key that is spelled like it would help.
void require_all_read(const Configuration& configuration, Index depth) {
  try {
    configuration.check_all_read();
  } catch (const ConfigError& e) {
    if (level_of(e.key) < depth) throw;
    throw ConfigError(e.key, e.value, "this hierarchy has levels 0 to " + std::to_string(depth - 1) + " (hierarchy.levels)");
  }
}

}  // namespace

ParameterTable checkpoint_parameters() {
  return {
      {"checkpoint_seconds",
       30.0,
       0,
       1e6,
       {},
       "seconds",
       "a checkpoint for --resume is written so often while learning, less often where writing one would take more than a fiftieth of the "
       "time; 0: at every update",
       ""}};
}

Study::Study(Options its_options) : options(std::move(its_options)) {
  if (!options.model.empty()) adopt_model_configuration();
}

void Study::settle_configuration(Index few_words) {
  Configuration& c = options.configuration;
  learning_ = LearningSettings::from(c.resolve(LearningSettings::parameters(), "learning."));
  schedule_ = ScheduleSettings::from(c.resolve(ScheduleSettings::parameters(), "learning."));
  record_ = RecordSettings::from(c.resolve(RecordSettings::parameters(), "record."));
  monitor_ = HealthSettings::from(c.resolve(HealthSettings::parameters(), "monitor."));
  growth_ = GrowthSettings::from(c.resolve(GrowthSettings::parameters(), "growth."));
  checkpoint_seconds_ = c.resolve(checkpoint_parameters(), "learning.").real("checkpoint_seconds");
  if (device == nullptr) device = make_device<float>(options.device);
  // A mistyped key must not cost minutes of reading: every one is checked by building the hierarchy over a vocabulary that costs nothing.
  const std::vector<double> few(static_cast<std::size_t>(few_words), -1.0);
  auto hierarchy = build_hierarchy<float>(c, *device, few, 1, 1, options.seed, channels());
  const Schedule<float> schedule_tried(schedule_, *hierarchy, std::numeric_limits<Index>::max(), learning_.interval);
  if (growth_.dynamic && options.model.empty()) {
    require_growth(*hierarchy, schedule_, monitor_);
    Growth<float>(growth_, *hierarchy, build_hierarchy<float>(c, *device, few, 1, 1, options.seed, channels()), learning_, 0,
                  learning_.interval, options.seed);
  }
  require_all_read(c, hierarchy->depth());
}

void Study::adopt_model_configuration() {
  const auto notes = read_notes(options.model);
  const auto found = notes.find("config");
  if (found == notes.end()) throw FileError(options.model, "config", "holds no configuration; train it again with this version");
  std::istringstream lines(found->second);
  std::string kept = cured_of(notes);  // the first assignment of a key stays
  for (std::string line; std::getline(lines, line);)
    if (is_of_model(line)) kept += line + "\n";
  options.configuration.adopt(kept, options.model);
  Configuration its;
  its.adopt(kept, options.model);
  for (const auto& [key, value] : its.assignments()) {
    const std::string now = options.configuration.assigned(key);
    if (same_value(now, value)) continue;
    const bool from_file = options.configuration.has_from_file(key);  // a ready configuration serves models of other words and depths, too
    if (key == "hierarchy.levels" && !from_file) throw ConfigError(key, now, "the model has " + value + "; take it back, or train anew");
    if (key == "hierarchy.levels") options.configuration.set(key, value);
    if (is_of_learning(key))
      throw ConfigError(key, now, "the model learned with " + value + ", and what it learned by it would be lost; take it back");
    if (key.starts_with("level.") || key.starts_with("relaxation."))
      adopted_otherwise += (adopted_otherwise.empty() ? "" : ", ") + key + " = " + now + " (" + value + ")";
    if (!is_of_words(key)) continue;
    if (!from_file) throw ConfigError(key, now, "a model has the words that it learned (" + value + "); take it back, or train anew");
    options.configuration.set(key, value);
  }
}

std::unique_ptr<Hierarchy<float>> Study::make_hierarchy(Index streams) {
  return build_hierarchy<float>(options.configuration, *device, log_unigram, streams, interval(), options.seed, channels());
}

std::unique_ptr<Hierarchy<float>> Study::load_hierarchy(const std::string& model, Index streams) {
  Configuration cured = options.configuration;  // of a model that this run trained; one that was given has been adopted with its cures
  std::istringstream lines(model != options.model ? cured_of(read_notes(model)) : "");
  for (std::string line; std::getline(lines, line);) cured.set_assignment(line);
  auto hierarchy = build_hierarchy<float>(cured, *device, log_unigram, streams, interval(), options.seed, channels());
  const auto body = [&](Archive& archive) {
    Archive::Scope scope(archive, "parameters");
    hierarchy->archive_parameters(archive);
  };
  const auto why = [&](const std::string& what) {
    const std::string keys = made_otherwise(model, cured.resolved());
    return "cannot be read into this hierarchy (" + what + "): " +
           (keys.empty() ? "the file is damaged, or was made by another version; train again"
                         : "it was made with " + keys + "; take back what --set or --config says otherwise");
  };
  try {
    load(model, body);
  } catch (const ShapeError& e) {
    throw DataError(model, 0, why(e.where + ": expected " + e.expected + ", got " + e.got));
  } catch (const FileError& e) {
    if (e.dataset.find("/parameters/") == std::string::npos) throw;
    throw FileError(e.path, e.dataset, why("an array is missing, or not as it should be"));
  }
  return hierarchy;
}

void Study::archive_model(Archive& archive, Hierarchy<float>& hierarchy) {
  {
    Archive::Scope scope(archive, "vocabulary");
    archive_vocabulary(archive);
    archive.value("log_unigram", log_unigram);
  }
  Archive::Scope scope(archive, "parameters");
  hierarchy.archive_parameters(archive);
}

void Study::archive_power(Archive& archive, Hierarchy<float>& hierarchy, std::int64_t& updates) {
  Archive::Scope scope(archive, "learning");
  archive.value("updates", updates);
  hierarchy.archive_power(archive);
}

void Study::load_power(const std::string& model, Hierarchy<float>& hierarchy) {
  std::int64_t updates = 0;
  try {
    load(model, [&](Archive& archive) { archive_power(archive, hierarchy, updates); });
  } catch (const FileError&) {
    throw DataError(model, 0, "was trained by a strata that kept no power of gradients, so that it cannot go on learning; train it again");
  }
  const auto scale = static_cast<float>(streams()) / static_cast<float>(hierarchy.streams());
  hierarchy.visit_weights([&](Weight<float>& weight) { hierarchy.device().axpby(0, weight.value, scale, weight.second_moment); });
  // Where weights changed in own ticks, it is that of means of so many updates' gradients.
  for (Index l = 0; l < hierarchy.depth(); ++l)
    hierarchy.level(l).visit_weights([&](Weight<float>& weight) {
      const Index wait = Schedule<float>::wait_of(schedule_, hierarchy.level(l), interval());
      hierarchy.device().axpby(0, weight.value, static_cast<float>(wait), weight.second_moment);
    });
}

Provenance Study::provenance() const {
  Provenance p = build_provenance();
  p.device = device->name();
  p.isa = device->isa();
  p.threads = options.device.threads;
  p.seed = static_cast<std::int64_t>(options.seed);
  p.created = utc_now();
  return p;
}

std::string Study::configuration_text() const {
  std::istringstream lines(options.configuration.to_ini());
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    bool path = false;
    for (const char* key : {"run.text ", "run.held_out ", "run.foreign ", "run.model "}) path = path || line.rfind(key, 0) == 0;
    if (!path) kept += line + "\n";
  }
  return kept;
}

std::map<std::string, std::string> Study::notes(Index levels) const {
  auto notes = attributes_of(provenance());
  notes["config"] = configuration_text();
  if (levels > 0) notes["config"] = of_levels(notes["config"], levels);
  notes["inputs"] = to_json(inputs);
  return notes;
}

std::vector<TraceAttribute> Study::trace_attributes(const std::string& experiment) const {
  std::vector<TraceAttribute> attributes{{"experiment", experiment}, {"config", configuration_text()}, {"inputs", to_json(inputs)}};
  for (const auto& [name, value] : attributes_of(provenance())) attributes.push_back({name, value});
  return attributes;
}

std::string world_of(const std::string& model) {
  const auto notes = read_notes(model);
  const auto found = notes.find("config");
  Configuration configuration;
  if (found != notes.end()) configuration.adopt(found->second, model);
  return configuration.resolve(run_parameters(), "run.").text("world");
}

std::unique_ptr<Study> open_study(Options options, Progress& progress) {
  if (options.world == "text") return std::make_unique<TextStudy>(std::move(options), progress);
  return std::make_unique<SampledStudy>(std::move(options));
}

}  // namespace strata
