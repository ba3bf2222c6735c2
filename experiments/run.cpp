// `strata train`, `strata run NAME`, `strata evaluate`: result folders, seeds, resuming.

#include <sched.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>

#include "core/error.hpp"
#include "core/io/checkpoint.hpp"
#include "core/io/file.hpp"
#include "experiments/commands.hpp"
#include "experiments/drawing.hpp"
#include "experiments/experiment.hpp"
#include "experiments/growth_report.hpp"
#include "experiments/health_report.hpp"
#include "experiments/invocation.hpp"
#include "experiments/seeds.hpp"
#include "experiments/training.hpp"
#include "experiments/worlds/registry.hpp"

namespace strata {

namespace fs = std::filesystem;

namespace {

/// What --quick makes of training, where the user said nothing.
const std::vector<std::pair<std::string, std::string>> quick_training{{"world.tokens", "250000"}, {"text.vocabulary", "4000"}};
constexpr const char* arms_name = "arms";  // what an experiment of several trainings has come to so far
const int exit_interrupted = Interrupted("").exit_code();

/// Processors that this process may run on: under taskset or in a container fewer than the machine has.
int own_processors() {
  cpu_set_t own;
  CPU_ZERO(&own);
  if (sched_getaffinity(0, sizeof own, &own) == 0) return std::max(1, CPU_COUNT(&own));
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

void apply_quick(Configuration& configuration, const std::vector<std::pair<std::string, std::string>>& keys, const std::string& prefix) {
  for (const auto& [key, value] : keys)
    if (!configuration.has(prefix + key)) configuration.set(prefix + key, value);
}

void describe_run(Summary& s, const Study& study, const std::string& experiment, double seconds) {
  const Provenance p = study.provenance();
  s.set("experiment", experiment).set("strata_version", p.strata_version).set("commit", p.commit).set("dirty", p.dirty);
  s.set("compiler", p.compiler).set("created", p.created);
  s.set("seed", p.seed).set("device", p.device).set("isa", p.isa);
  s.set("threads", p.threads);
  s.set("seconds", seconds);
  s.set("peak_memory_bytes", peak_memory_bytes());
  study.describe(s);
}

/// The model to use: the one given, one that an interrupted run left in the folder, or a new one. `training` is what is known of a new one.
std::string obtain_model(Study& study, ResultFolder& folder, const std::string& go_on, Progress& progress,
                         std::optional<Summary>& training) {
  if (!study.options.model.empty()) return study.options.model;
  std::string model = folder.file("model.h5");
  const std::string checkpoint = folder.file(checkpoint_name);
  if (fs::exists(model)) {
    training = training_of(study, model);
    progress.say("going on with the trained model");
    fs::remove(checkpoint);
  } else {
    training = train(study, model, checkpoint, go_on, progress);
  }
  return model;
}

/// After an error nothing is worth keeping but what was learned; a folder without it goes, so that the corrected command finds its place free.
void drop_unless_learned(const ResultFolder& folder) {
  if (fs::exists(folder.file(arms_name))) return;
  for (const auto& entry : fs::directory_iterator(folder.working_dir()))
    if (entry.path().extension() == ".h5" && entry.path().filename() != "trace.h5") return;  // models, controls, checkpoints
  for (const char* name : {request_name, "trace.h5", "model.h5.partial", "checkpoint.h5.partial"}) {
    std::error_code ignored;
    fs::remove(folder.file(name), ignored);
  }
}

struct Outcome {
  Summary summary;
  std::string table;
  bool stopped = false;  ///< by the user, after all was found: while the figures were drawn
};

/// Reads the texts, trains where there is no model, runs the experiment, writes what was found; the folder is not renamed yet.
Outcome work(Options options, ResultFolder& folder, const std::string& go_on, const std::function<void()>& on_ready) {
  const auto begin = std::chrono::steady_clock::now();
  folder.set_quiet(true);
  Progress progress(options.quiet, [&folder](const std::string& line) { folder.log(line); });
  const bool training_only = options.command == "train";
  Configuration& c = options.configuration;
  const Experiment* experiment = training_only ? nullptr : &find_experiment(options.experiment);
  if (options.quick && options.model.empty() && options.world == "text") apply_quick(c, quick_training, "");
  if (options.quick && experiment != nullptr) apply_quick(c, experiment->quick, experiment->name + ".");
  Values values;
  if (experiment != nullptr) values = c.resolve(experiment->parameters, experiment->name + ".");
  resolve_experiments(c, experiment != nullptr ? experiment->name : "");
  for (const char* name : {checkpoint_name, "model.h5"})
    if (options.vocabulary_from.empty() && fs::exists(folder.file(name))) options.vocabulary_from = folder.file(name);
  const Summary request = remembered(options);
  const auto opened = open_study(std::move(options), progress);
  Study& study = *opened;
  if (!study.adopted_otherwise.empty()) progress.say("read otherwise than the model was trained: " + study.adopted_otherwise);
  std::optional<Summary> training;
  Outcome outcome;
  std::string model;
  Bench bench{study, model, folder, progress, std::move(values)};
  if (experiment != nullptr && experiment->check) experiment->check(bench);
  on_ready();
  folder.write_text(request_name, request.to_json());
  if (experiment == nullptr || experiment->trained) model = obtain_model(study, folder, go_on, progress, training);
  if (experiment != nullptr) {
    const auto tokens_before = progress.tokens();
    const double seconds_before = progress.seconds();
    Findings findings = experiment->run(bench);
    const auto tokens = progress.tokens() - tokens_before;  // read by the experiment; training counts its own
    findings.summary.set("tokens", tokens).set("tokens_per_second", static_cast<double>(tokens) / (progress.seconds() - seconds_before));
    outcome = {std::move(findings.summary), std::move(findings.table)};
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  Summary& s = outcome.summary;
  describe_run(s, study, experiment != nullptr ? experiment->name : "train", seconds);
  if (training) s.section("training") = *training;
  if (training && training_only)
    for (const char* key : {"seconds", "tokens_per_second"}) s.set(key, training->number(key));
  if (training && training_only) s.set("tokens", static_cast<std::int64_t>(training->number("tokens").value_or(0)));
  folder.write_config(config_heading(study.options) + study.options.configuration.to_ini());
  folder.write_summary(s);
  return outcome;
}

/// True when the user wanted no more of it. Training draws nothing: it records no course of its own.
bool stopped_drawing(const Options& options, ResultFolder& folder) {
  return options.figures && options.command != "train" && find_experiment(options.experiment).drawn &&
         draw_figures(folder, options.quiet) == Drawn::stopped;
}

/// One seed of one command in one folder; the folder is complete afterwards.
Outcome run_one(
    const Options& options, ResultFolder& folder, const std::string& go_on, const std::function<void()>& on_ready = [] {}) {
  try {
    Outcome outcome = work(options, folder, go_on, on_ready);
    if (!options.model_out.empty()) {
      const std::string bytes = read_file(folder.file("model.h5"));
      write_atomically(options.model_out, bytes);
    }
    outcome.stopped = stopped_drawing(options, folder);
    fs::remove(folder.file(request_name));
    folder.finish();
    return outcome;
  } catch (const Interrupted&) { throw Interrupted(go_on); } catch (...) {
    drop_unless_learned(folder);
    if (const std::string model = folder.file("model.h5");
        options.command != "train" && options.model.empty() && fs::exists(model) && !options.quiet)
      std::cerr << "what was learned is kept: --model " << shell_word(model) << "\n";
    throw;
  }
}

std::string default_out(const Options& o) {
  std::string determines = std::to_string(o.seed) + o.model;
  for (const auto& path : o.text) determines += path;
  for (const auto& assignment : o.sets) determines += assignment;
  return ResultFolder::default_dir(o.command == "train" ? "train" : o.experiment, determines).string();
}

std::string training_table(const Summary& s) {
  const Summary* t = s.object("training");
  if (t == nullptr) return "";
  const double seconds = t->number("seconds").value_or(0);
  char line[200];
  std::snprintf(line, sizeof line, "learned from %.0f tokens in %.*f s: %.3f nats/token on the way, %.0f parameters, vocabulary of %.0f\n",
                t->number("tokens").value_or(0), seconds < 10 ? 1 : 0, seconds, t->number("nats_per_token").value_or(0),
                t->number("parameters").value_or(0), s.number("vocabulary").value_or(0));
  return line;
}

void say_where(const fs::path& dir) {
  std::cout << "results: " << dir.string() << "\n";
  if (fs::exists(dir / "report.html")) std::cout << "report: " << (dir / "report.html").string() << "\n";
}

void announce(const Options& o, const Outcome& outcome, const fs::path& dir) {
  if (o.json) {
    std::cout << outcome.summary.to_json();
    return;
  }
  std::cout << (o.command == "train" ? training_table(outcome.summary) : outcome.table) << growth_table(outcome.summary)
            << health_table(outcome.summary);
  const std::string model = o.model_out.empty() ? (dir / "model.h5").string() : o.model_out;
  if (o.model.empty() && fs::exists(model)) std::cout << "model: " << model << "\n";
  say_where(dir);
}

int run_seeds(const Options& options, const std::string& dir) {
  ResultFolder outer = options.resume.empty() ? ResultFolder::create(dir) : ResultFolder::resume(dir);
  outer.set_quiet(true);
  const std::string go_on = how_to_go_on(options, outer.dir().string());
  std::vector<Summary> summaries;
  for (int k = 0; k < options.seeds; ++k) {
    Options one = options;
    one.seed = options.seed + static_cast<std::uint64_t>(k);
    one.seeds = 1;
    one.given.insert("seed");
    settle_run_keys(one);
    const std::string inner = outer.file("seed_" + std::to_string(one.seed)), found = inner + "/summary.json";
    if (fs::exists(found)) {
      summaries.push_back(Summary::from_json(read_file(found), found));
      continue;
    }
    ResultFolder folder = fs::exists(inner + ".partial") ? ResultFolder::resume(inner) : ResultFolder::create(inner);
    const auto remember = [&] { outer.write_text(request_name, remembered(options).to_json()); };
    outer.log("seed " + std::to_string(one.seed));
    if (!options.quiet) std::cerr << "seed " << one.seed << " (" << k + 1 << " of " << options.seeds << ")\n";
    Outcome outcome = run_one(one, folder, go_on, remember);
    if (outcome.stopped) throw Interrupted(go_on);
    summaries.push_back(std::move(outcome.summary));
  }
  std::vector<const Summary*> runs;
  runs.reserve(summaries.size());
  for (const Summary& s : summaries) runs.push_back(&s);
  Summary all = spread(runs);
  all.set("seeds", options.seeds);
  const std::string first = read_file(outer.file("seed_" + std::to_string(options.seed)) + "/config.ini");
  outer.write_config("# the first seed's configuration; with --seeds " + std::to_string(options.seeds) + " it repeats all of them\n" +
                     first);
  outer.write_summary(all);
  const bool stopped = stopped_drawing(options, outer);
  fs::remove(outer.file(request_name));
  outer.finish();
  if (options.json)
    std::cout << all.to_json();
  else
    std::cout << options.seeds << " seeds, mean and standard deviation\n" << spread_table(all);
  if (!options.json) say_where(outer.dir());
  return stopped ? exit_interrupted : 0;
}

/// Asked before the work: --model of `train` can be written, and is not in the way of the result folder, which appears when all is done.
void require_model_place(const std::string& model, const std::string& dir) {
  const auto place = [](const std::string& path) { return (fs::absolute(path).lexically_normal() / "").lexically_normal().string(); };
  if (place(model).rfind(place(dir), 0) == 0)
    throw ConfigError("--model", model, "lies in the result folder, which holds the model as model.h5 anyway; name another place");
  require_writable(model);
}

/// An experiment that runs in one world alone is run there, and a model in its own, unless the user says other.
void suit_world(Options& options) {
  if (options.command == "train" || options.given.count("world") > 0 || options.configuration.has("run.world")) return;
  const Experiment& experiment = find_experiment(options.experiment);
  if (experiment.worlds.size() == 1)
    options.configuration.set("run.world", experiment.worlds.front());
  else if (const std::string model = !options.model.empty() ? options.model : options.configuration.assigned("run.model"); !model.empty())
    options.configuration.set("run.world", world_of(model));
}

/// Texts that nothing would read are refused where they were typed, and dropped where a configuration of another run names them; so is a model of
/// another world refused.
void require_use(Options& o) {
  const bool text = o.world == "text";
  const auto expect = [&](const std::string& option, std::vector<std::string>& paths, bool read, const std::string& why) {
    if (read || paths.empty()) return;
    if (o.given.count(option) != 0) throw ConfigError("--" + option, paths.front(), why);
    paths.clear();
    std::string key = "run." + option;
    std::replace(key.begin(), key.end(), '-', '_');
    o.configuration.set(key, "");
  };
  expect("foreign", o.foreign, text && o.command != "train" && find_experiment(o.experiment).foreign,
         "is where surprise_recovery takes passages from, in a text; nothing else reads it");
  const std::string drawn = "the world " + o.world + " draws what it shows";
  expect("text", o.text, text || find_world_kind(o.world).reads, drawn + " and reads no file");
  expect("held-out", o.held_out, text, drawn + " or reads --text alone: nothing is held out of it");
  if (o.model.empty()) return;
  if (const std::string world = world_of(o.model); world != o.world)
    throw ConfigError("--model", o.model, "is a model of the world " + world + ", and this would read " + o.world + " (--world)");
}

int run_in_folder(Options options) {
  watch_for_interrupt();
  if (!options.resume.empty()) {
    options = recalled(options.resume, options);
  } else {
    read_configuration(options);
    suit_world(options);
    if (options.command == "train") options.model_out = std::move(options.model), options.model.clear(), options.given.erase("model");
  }
  settle_run_keys(options);
  find_world_kind(options.world);
  if (options.command != "train") require_world(find_experiment(options.experiment), options.world);
  require_use(options);
  if (options.seeds > 1 && !options.model_out.empty())
    throw ConfigError("--model", options.model_out,
                      "one file cannot hold the models of several seeds; they are found in DIR/seed_N/model.h5");
  if (options.device.threads == 0) options.device.threads = own_processors();
  const std::string dir = !options.resume.empty() ? options.resume : !options.out.empty() ? options.out : default_out(options);
  if (!options.model_out.empty()) require_model_place(options.model_out, dir);
  if (options.seeds > 1) return run_seeds(options, dir);
  ResultFolder folder = options.resume.empty() ? ResultFolder::create(dir) : ResultFolder::resume(dir);
  const Outcome outcome = run_one(options, folder, how_to_go_on(options, folder.dir().string()));
  announce(options, outcome, folder.dir());
  return outcome.stopped ? exit_interrupted : 0;
}

}  // namespace

int train_command(Options options) {
  options.command = "train";
  return run_in_folder(std::move(options));
}

int run_experiment_command(Options options) { return run_in_folder(std::move(options)); }

}  // namespace strata
