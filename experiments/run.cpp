// `strata train`, `strata run NAME`, `strata evaluate`: result folders, seeds, resuming.

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <thread>

#include "core/error.hpp"
#include "core/io/checkpoint.hpp"
#include "core/io/file.hpp"
#include "experiments/commands.hpp"
#include "experiments/experiment.hpp"
#include "experiments/training.hpp"
#include "experiments/worlds/registry.hpp"

namespace strata {

namespace fs = std::filesystem;

namespace {

/// What --quick makes of training, where the user said nothing.
const std::vector<std::pair<std::string, std::string>> quick_training{{"world.tokens", "250000"}, {"text.vocabulary", "4000"}};

void apply_quick(Configuration& configuration, const std::vector<std::pair<std::string, std::string>>& keys) {
  for (const auto& [key, value] : keys)
    if (!configuration.has(key)) configuration.set(key, value);
}

std::vector<std::string> absolute(const std::vector<std::string>& paths) {
  std::vector<std::string> result;
  for (const auto& path : paths) result.push_back(fs::absolute(path).string());
  return result;
}

/// The command line as it was, for --resume. Lies in the working folder only and goes when the run is complete.
Summary remembered(const Options& o) {
  Summary s;
  s.set("command", o.command).set("experiment", o.experiment).set("world", o.world);
  s.set("text", absolute(o.text)).set("held_out", absolute(o.held_out)).set("foreign", absolute(o.foreign));
  s.set("model", o.model.empty() ? "" : fs::absolute(o.model).string());
  s.set("model_out", o.model_out.empty() ? "" : fs::absolute(o.model_out).string());
  s.set("config_file", o.config_file.empty() ? "" : fs::absolute(o.config_file).string()).set("sets", o.sets);
  s.set("seed", static_cast<std::int64_t>(o.seed)).set("seeds", o.seeds).set("quick", o.quick);
  s.set("device", o.device.name).set("isa", o.device.isa);
  return s;
}

constexpr const char* memory_name = "run.json";

Options recalled(const std::string& dir, const Options& now) {
  fs::path folder(dir);
  if (!fs::exists(folder / memory_name)) folder = fs::path(dir + ".partial");
  if (!fs::exists(folder / memory_name))
    throw FileError(dir, "", fs::exists(fs::path(dir) / "summary.json") ? "this run is complete; there is nothing to resume"
                                                                        : "holds no interrupted run to resume");
  const std::string path = (folder / memory_name).string();
  const Summary s = Summary::from_json(read_file(path), path);
  Options o = now;
  o.command = s.text("command").value_or("");
  o.experiment = s.text("experiment").value_or("");
  o.text = s.texts("text");
  o.held_out = s.texts("held_out");
  o.foreign = s.texts("foreign");
  o.sets = s.texts("sets");
  o.model = s.text("model").value_or("");
  o.model_out = s.text("model_out").value_or("");
  o.config_file = s.text("config_file").value_or("");
  o.seed = static_cast<std::uint64_t>(s.number("seed").value_or(1));
  o.seeds = static_cast<int>(s.number("seeds").value_or(1));
  o.quick = s.number("quick").value_or(0) != 0;
  o.device.name = s.text("device").value_or("cpu");
  o.device.isa = s.text("isa").value_or("auto");
  o.configuration = Configuration();
  if (!o.config_file.empty()) o.configuration.read_ini(o.config_file);
  for (const auto& assignment : o.sets) o.configuration.set_assignment(assignment);
  return o;
}

std::string how_to_go_on(const Options& o, const ResultFolder& folder) {
  return "go on with: strata " + (o.command == "run" ? "run " + o.experiment : o.command) + " --resume " + folder.dir().string();
}

void describe_run(Summary& s, const Study& study, const std::string& experiment, double seconds, std::int64_t tokens) {
  const Provenance p = study.provenance();
  s.set("experiment", experiment).set("strata_version", p.strata_version).set("commit", p.commit).set("dirty", p.dirty);
  s.set("compiler", p.compiler).set("created", p.created);
  s.set("seed", p.seed).set("device", p.device).set("isa", p.isa);
  const int threads = study.options.device.threads;
  s.set("threads", threads > 0 ? threads : static_cast<int>(std::thread::hardware_concurrency()));
  s.set("seconds", seconds);
  if (tokens > 0) s.set("tokens", tokens).set("tokens_per_second", static_cast<double>(tokens) / seconds);
  s.set("peak_memory_bytes", peak_memory_bytes());
  s.set("training_documents", static_cast<std::int64_t>(study.training.size()));
  s.set("training_tokens", static_cast<std::int64_t>(text::total_tokens(study.training)));
  s.set("held_out_documents", static_cast<std::int64_t>(study.held_out.size()));
  s.set("vocabulary", static_cast<std::int64_t>(study.vocabulary()));
}

void add_training(Summary& s, const TrainingSummary& t) {
  Summary& training = s.section("training");
  training.set("tokens", t.tokens).set("nats_per_token", t.nats_per_token);
  training.set("parameters", static_cast<std::int64_t>(t.parameters)).set("updates", static_cast<std::int64_t>(t.updates));
  training.set("seconds", t.seconds).set("tokens_per_second", static_cast<double>(t.tokens) / t.seconds);
}

/// The model to use: the one given, one that an interrupted run left in the folder, or a new one.
std::string obtain_model(Study& study, ResultFolder& folder, Progress& progress, Summary& summary) {
  if (!study.options.model.empty()) return study.options.model;
  const std::string model = folder.file("model.h5");
  if (!fs::exists(model))
    add_training(summary, train(study, model, folder.file("checkpoint.h5"), how_to_go_on(study.options, folder), progress));
  return model;
}

/// One seed of one command in one folder; the folder is complete afterwards.
Summary run_one(Options options, ResultFolder& folder, std::string* table) {
  const auto begin = std::chrono::steady_clock::now();
  Progress progress(options.quiet, [&folder](const std::string& line) {
    folder.set_quiet(true);
    folder.log(line);
  });
  const bool experiment_run = options.command != "train";
  Configuration& c = options.configuration;
  Values values;
  if (options.quick && options.model.empty()) apply_quick(c, quick_training);
  if (experiment_run) {
    const Experiment& experiment = find_experiment(options.experiment);
    if (options.quick) apply_quick(c, [&] {
        auto keys = experiment.quick;
        for (auto& [key, value] : keys) key = experiment.name + "." + key;
        return keys;
      }());
    values = c.resolve(experiment.parameters, experiment.name + ".");
  }
  Study study(std::move(options), progress);
  folder.write_text(memory_name, remembered(study.options).to_json());
  Findings findings;
  Summary summary;
  const std::string model = obtain_model(study, folder, progress, summary);
  if (experiment_run) {
    Bench bench{study, model, folder, progress, std::move(values)};
    findings = find_experiment(study.options.experiment).run(bench);
  }
  std::int64_t tokens = 0;
  double training_seconds = 0;
  if (const Summary* training = summary.object("training")) {
    tokens = static_cast<std::int64_t>(training->number("tokens").value_or(0));
    training_seconds = training->number("seconds").value_or(0);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  describe_run(findings.summary, study, experiment_run ? study.options.experiment : "train", experiment_run ? seconds : training_seconds,
               experiment_run ? 0 : tokens);
  if (const Summary* training = summary.object("training")) findings.summary.section("training") = *training;
  folder.write_config(study.options.configuration.to_ini());
  folder.write_summary(findings.summary);
  if (table != nullptr) *table = findings.table;
  fs::remove(folder.file(memory_name));
  folder.finish();
  return findings.summary;
}

/// Mean and standard deviation (NAME_sd) of every number that all of `runs` have, objects and levels alike.
Summary spread(const std::vector<const Summary*>& runs) {
  Summary s;
  for (const std::string& key : runs.front()->keys()) {
    std::vector<const Summary*> objects;
    for (const Summary* run : runs)
      if (const Summary* object = run->object(key)) objects.push_back(object);
    if (objects.size() == runs.size()) {
      s.section(key) = spread(objects);
      continue;
    }
    if (const std::size_t items = runs.front()->items(key); items > 0) {
      for (std::size_t i = 0; i < items; ++i) {
        std::vector<const Summary*> entries;
        for (const Summary* run : runs)
          if (const Summary* entry = run->entry(key, i)) entries.push_back(entry);
        if (entries.size() == runs.size()) s.item(key, i) = spread(entries);
      }
      continue;
    }
    std::vector<double> values;
    for (const Summary* run : runs)
      if (const auto value = run->number(key)) values.push_back(*value);
    if (values.size() != runs.size()) {
      const auto text = runs.front()->text(key);
      if (text) s.set(key, *text);
      continue;
    }
    double mean = 0, squares = 0;
    for (const double v : values) mean += v / static_cast<double>(values.size());
    for (const double v : values) squares += (v - mean) * (v - mean);
    s.set(key, mean);
    s.set(key + "_sd", std::sqrt(squares / static_cast<double>(values.size() - 1)));
  }
  return s;
}

std::string default_out(const Options& o) {
  std::string determines = std::to_string(o.seed) + o.model;
  for (const auto& path : o.text) determines += path;
  for (const auto& assignment : o.sets) determines += assignment;
  return ResultFolder::default_dir(o.command == "train" ? "train" : o.experiment, determines).string();
}

void announce(const Options& o, const Summary& summary, const std::string& table, const fs::path& dir) {
  if (o.json) {
    std::cout << summary.to_json();
    return;
  }
  std::cout << table;
  if (o.command == "train") std::cout << "model: " << (o.model_out.empty() ? (dir / "model.h5").string() : o.model_out) << "\n";
  std::cout << "results: " << dir.string() << "\n";
}

int run_seeds(const Options& options, const std::string& dir) {
  ResultFolder outer = options.resume.empty() ? ResultFolder::create(dir) : ResultFolder::resume(dir);
  outer.write_text(memory_name, remembered(options).to_json());
  std::vector<Summary> summaries;
  for (int k = 0; k < options.seeds; ++k) {
    Options one = options;
    one.seed = options.seed + static_cast<std::uint64_t>(k);
    one.seeds = 1;
    const std::string inner = outer.file("seed_" + std::to_string(one.seed));
    if (fs::exists(inner)) {
      const std::string path = inner + "/summary.json";
      summaries.push_back(Summary::from_json(read_file(path), path));
      continue;
    }
    ResultFolder folder = fs::exists(inner + ".partial") ? ResultFolder::resume(inner) : ResultFolder::create(inner);
    summaries.push_back(run_one(std::move(one), folder, nullptr));
  }
  std::vector<const Summary*> runs;
  for (const Summary& s : summaries) runs.push_back(&s);
  Summary all = spread(runs);
  all.set("seeds", options.seeds).set("seed", static_cast<std::int64_t>(options.seed));
  outer.write_summary(all);
  fs::remove(outer.file(memory_name));
  outer.finish();
  if (options.json)
    std::cout << all.to_json();
  else
    std::cout << options.seeds << " seeds; mean and spread in " << (outer.dir() / "summary.json").string() << "\n";
  return 0;
}

int run_in_folder(Options options) {
  watch_for_interrupt();
  if (!options.resume.empty()) options = recalled(options.resume, options);
  find_world_kind(options.world);
  if (options.command != "train") find_experiment(options.experiment);
  std::string dir = options.resume.empty() ? (options.out.empty() ? default_out(options) : options.out) : options.resume;
  if (options.command == "train" && !options.model.empty()) options.model_out = std::move(options.model), options.model.clear();
  if (!options.model_out.empty()) require_writable(options.model_out);
  if (options.seeds > 1) return run_seeds(options, dir);
  ResultFolder folder = options.resume.empty() ? ResultFolder::create(dir) : ResultFolder::resume(dir);
  std::string table;
  const Summary summary = run_one(options, folder, &table);
  if (!options.model_out.empty()) {
    fs::copy_file(folder.file("model.h5"), options.model_out + ".partial", fs::copy_options::overwrite_existing);
    fs::rename(options.model_out + ".partial", options.model_out);
  }
  announce(options, summary, table, folder.dir());
  return 0;
}

}  // namespace

int train_command(Options options) {
  options.command = "train";
  return run_in_folder(std::move(options));
}

int run_experiment_command(Options options) { return run_in_folder(std::move(options)); }

}  // namespace strata
