#include "experiments/training.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>

#include "core/error.hpp"
#include "core/simulation.hpp"
#include "experiments/growth_report.hpp"
#include "experiments/health_report.hpp"

namespace strata {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Index few_updates = 50;                                 // fewer leave a hierarchy near the background, word frequencies
constexpr double most_for_checkpoints = .02, longest_wait = 600;  // of the time; seconds

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Dynamic depth, where it is asked for.
struct Depth {
  Depth(Study& study, Hierarchy<float>& hierarchy, Index planned)
      : growth(study.growth(), hierarchy, study.make_hierarchy(study.streams()), study.learning(), planned, study.interval(),
               study.options.seed),
        in_use(study.growth(), hierarchy) {}
  void archive(Archive& archive) {
    {
      Archive::Scope scope(archive, "growth");
      growth.archive(archive);
    }
    Archive::Scope scope(archive, "depth_in_use");
    in_use.archive(archive);
  }
  Growth<float> growth;
  DepthInUse<float> in_use;
};

/// What learns from a text or a world, and what looks after it.
struct Training {
  explicit Training(Study& its_study)
      : study(its_study),
        world(study.training_world()),
        hierarchy(study.make_hierarchy(study.streams())),
        planned((world->steps() + study.interval() - 1) / study.interval()),
        learning(study.learning(), planned),
        schedule(study.schedule(), *hierarchy, planned, study.interval()),
        simulation(*hierarchy, *world, &learning, study.interval(), study.options.seed),
        health(study.monitor(), *hierarchy, study.interval()),
        depth(study.growth().dynamic ? std::make_unique<Depth>(study, *hierarchy, planned) : nullptr) {
    learning.schedule = &schedule;
    health.schedule = &schedule;
    simulation.after_update = [this] { schedule.advance(*hierarchy, learning.updates(), simulation.nats(), simulation.tokens()); };
    simulation.before_observe = [this](const Step<float>& step) {
      if (depth) {
        depth->growth.before_observe(step, simulation, learning);
        depth->in_use.before_observe(step);
      }
      health.before_observe(step);
    };
    simulation.before_forecast = [this](const Step<float>& step) { health.before_forecast(step); };
  }
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  /// Everything a resumed run needs, in one body for saving and loading.
  void archive(Archive& archive) {
    {
      Archive::Scope scope(archive, "health");
      health.archive(archive);  // first: what cures have set, levels heed as they are loaded
    }
    study.archive_model(archive, *hierarchy);
    archive_learner(archive, *hierarchy, learning);
    {
      Archive::Scope scope(archive, "schedule");
      schedule.archive(archive, *hierarchy);
    }
    if (depth) depth->archive(archive);
    Archive::Scope scope(archive, "simulation");
    archive.value("seconds", seconds);
    simulation.archive(archive);
  }

  Summary summary() const {
    const auto tokens = static_cast<double>(simulation.tokens());
    Summary s;
    s.set("tokens", simulation.tokens()).set("nats_per_token", simulation.nats() / tokens);
    s.set("parameters", static_cast<std::int64_t>(hierarchy->parameter_count()));
    s.set("updates", static_cast<std::int64_t>(learning.updates()));
    s.set("seconds", seconds).set("tokens_per_second", tokens / seconds);
    for (Index l = 0; l < hierarchy->awake(); ++l)
      if (const Work work = hierarchy->level(l).work(); work.operations > 0) add_work(s.item("levels", static_cast<std::size_t>(l)), work);
    if (study.schedule().upward) s.set("woken", std::vector<double>(schedule.woken().begin(), schedule.woken().end()));
    add_health(s, health, study);
    if (depth) add_growth(s, depth->growth, hierarchy->awake(), depth->in_use);
    return s;
  }

  Study& study;
  const std::unique_ptr<World> world;
  const std::unique_ptr<Hierarchy<float>> hierarchy;
  const Index planned;  ///< updates
  Learning<float> learning;
  Schedule<float> schedule;
  Simulation<float> simulation;
  Health<float> health;
  const std::unique_ptr<Depth> depth;
  double seconds = 0;  ///< of learning so far
};

/// A run goes on with the texts it began with, or not at all: other texts are another run.
void require_same_inputs(const Study& study, const std::map<std::string, std::string>& notes, const std::string& path) {
  const auto found = notes.find("inputs");
  if (found != notes.end() && found->second != to_json(study.inputs))
    throw DataError(path, 0, "was made from other texts than those that lie there now; put them back, or begin a new run");
}

/// Surprise per token since the last time it was asked for.
class RecentNats {
 public:
  explicit RecentNats(const Simulation<float>& simulation)
      : simulation_(simulation), nats_(simulation.nats()), tokens_(simulation.tokens()) {}
  std::string operator()() {
    const auto tokens = static_cast<double>(std::max<std::int64_t>(1, simulation_.tokens() - tokens_));
    char text[64];
    std::snprintf(text, sizeof text, "%.3f nats/token", (simulation_.nats() - nats_) / tokens);
    nats_ = simulation_.nats();
    tokens_ = simulation_.tokens();
    return text;
  }

 private:
  const Simulation<float>& simulation_;
  double nats_;
  std::int64_t tokens_;
};

/// What health and trials of levels have found since it was last asked for.
class News {
 public:
  explicit News(const Training& run) : run_(run), warned_(run.health.findings().size()), judged_(run.depth ? judgements().size() : 0) {}
  void tell(Progress& progress) {
    const auto& findings = run_.health.findings();
    for (; warned_ < findings.size(); ++warned_) progress.say(warning(findings[warned_], run_.study));
    for (; run_.depth && judged_ < judgements().size(); ++judged_)
      if (judgements()[judged_].verdict != Verdict::goes_on) progress.say(announcement(judgements()[judged_], run_.study));
  }

 private:
  const std::vector<Judgement>& judgements() const { return run_.depth->growth.judgements(); }

  const Training& run_;
  std::size_t warned_, judged_;
};

/// The checkpoint of a run, and when it is time for the next one.
class Checkpoints {
 public:
  Checkpoints(Training& run, std::string path) : run_(run), path_(std::move(path)), until_next_(run.study.checkpoint_seconds()) {}
  Checkpoints(const Checkpoints&) = delete;
  Checkpoints& operator=(const Checkpoints&) = delete;

  /// Goes on from the one that lies there; false where there is none.
  bool load() {
    if (!std::filesystem::exists(path_)) return false;
    require_same_inputs(run_.study, read_notes(path_, checkpoint_file), path_);
    strata::load(path_, body_, checkpoint_file);
    return true;
  }
  void begin() { earlier_ = run_.seconds, begin_ = last_ = Clock::now(); }
  void keep_time() { run_.seconds = earlier_ + seconds_since(begin_); }
  bool due() const { return seconds_since(last_) >= until_next_; }
  void save() {
    const auto from = Clock::now();
    keep_time();
    save_atomically(path_, body_, run_.study.notes(), checkpoint_file);
    last_ = Clock::now();
    until_next_ = checkpoint_wait(run_.study.checkpoint_seconds(), seconds_since(from));
  }
  void remove() {
    std::filesystem::remove(path_);
    std::filesystem::remove(path_ + ".partial");  // of a kill in the middle of writing one
  }

 private:
  Training& run_;
  const std::string path_;
  const std::function<void(Archive&)> body_ = [this](Archive& archive) { run_.archive(archive); };
  double earlier_ = 0, until_next_;  // seconds of learning before this process; until the next is due
  Clock::time_point begin_, last_;
};

/// The model, with what is known of its training and what reading with it must follow.
void save_model(const std::string& path, Training& run, const Summary& training) {
  Hierarchy<float>& hierarchy = *run.hierarchy;
  auto notes = run.study.notes(run.depth ? hierarchy.awake() : 0);
  std::string cured = cured_assignments(run.health);
  if (run.depth) cured += "hierarchy.levels = " + std::to_string(hierarchy.awake()) + "\n";
  if (!cured.empty()) notes["cured"] = cured;
  notes["training"] = training.to_json();
  const auto body = [&](Archive& archive) {
    run.study.archive_model(archive, hierarchy);
    auto updates = static_cast<std::int64_t>(run.learning.updates());
    Study::archive_power(archive, hierarchy, updates);
  };
  save_atomically(path, body, notes);
}

/// Texts so short that nothing can be learned from them.
void warn_of_few_updates(const Training& run, Progress& progress) {
  if (run.study.options.world != "text" || run.planned >= few_updates) return;
  progress.say("only " + std::to_string(run.world->tokens()) + " tokens in " + std::to_string(run.study.streams()) + " streams, which is " +
               std::to_string(run.planned) + (run.planned == 1 ? " update" : " updates") +
               " of the weights: too little to learn from; give more text, or read it more often (world.passes) in fewer streams "
               "(world.streams)");
}

}  // namespace

void add_work(Summary& level, const Work& work) {
  if (work.operations == 0) return;
  level.set("operations_per_token", work.operations / work.tokens).set("ticks_per_token", work.ticks / work.tokens);
}

double checkpoint_wait(double every, double took) {
  return every == 0 ? 0 : std::max(every, std::min(longest_wait, took / most_for_checkpoints));
}

std::optional<Summary> training_of(const Study& study, const std::string& model) {
  const auto notes = read_notes(model);
  require_same_inputs(study, notes, model);
  const auto found = notes.find("training");
  if (found == notes.end()) return std::nullopt;
  return Summary::from_json(found->second, model);
}

Summary train(Study& study, const std::string& model, const std::string& checkpoint, const std::string& how_to_go_on, Progress& progress) {
  Training run(study);
  const Simulation<float>& simulation = run.simulation;
  Checkpoints checkpoints(run, checkpoint);
  if (checkpoints.load())
    progress.say("going on after " + std::to_string(simulation.tokens()) + " tokens");
  else
    run.simulation.start();
  warn_of_few_updates(run, progress);
  progress.begin("training", run.world->tokens(), simulation.tokens());
  checkpoints.begin();
  RecentNats recent(simulation);
  News news(run);
  const bool ended = run.simulation.run([&] {
    news.tell(progress);
    progress.update(simulation.tokens(), [&] { return recent(); });
    if (simulation.steps() % static_cast<std::uint64_t>(study.interval()) != 0) return false;  // only between weight updates
    if (interrupted()) return true;
    if (checkpoints.due()) checkpoints.save();
    return false;
  });
  progress.end();
  if (!ended) {
    checkpoints.save();
    throw Interrupted(how_to_go_on);
  }
  checkpoints.keep_time();
  Summary summary = run.summary();
  save_model(model, run, summary);
  checkpoints.remove();
  return summary;
}

}  // namespace strata
