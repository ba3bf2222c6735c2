#include "experiments/training.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "core/error.hpp"
#include "core/simulation.hpp"
#include "experiments/growth_report.hpp"
#include "experiments/health_report.hpp"

namespace strata {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Index few_updates = 50;             // fewer leave a hierarchy near the background, word frequencies
constexpr double most_for_checkpoints = .02;  // of the time

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

/// Everything a resumed run needs, in one body for saving and loading. `seconds` of learning so far are part of it.
void archive_run(Archive& archive, Study& study, Hierarchy<float>& hierarchy, Learning<float>& learning, Schedule<float>& schedule,
                 Simulation<float>& simulation, Health<float>& health, Depth* depth, double& seconds) {
  study.archive_model(archive, hierarchy);
  {
    Archive::Scope scope(archive, "optimiser");
    hierarchy.archive_optimiser(archive);
    learning.archive(archive);
  }
  {
    Archive::Scope scope(archive, "state");
    hierarchy.archive_state(archive);
  }
  {
    Archive::Scope scope(archive, "schedule");
    schedule.archive(archive, hierarchy);
  }
  {
    Archive::Scope scope(archive, "health");
    health.archive(archive);
  }
  if (depth != nullptr) depth->archive(archive);
  Archive::Scope scope(archive, "simulation");
  archive.value("seconds", seconds);
  simulation.archive(archive);
}

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

void watch(Simulation<float>& simulation, Learning<float>& learning, Health<float>& health, Depth* depth) {
  simulation.before_observe = [&simulation, &learning, &health, depth](const Step<float>& step) {
    if (depth != nullptr) {
      depth->growth.before_observe(step, simulation, learning);
      depth->in_use.before_observe(step);
    }
    health.before_observe(step);
  };
  simulation.before_forecast = [&](const Step<float>& step) { health.before_forecast(step); };
}

/// What health and trials of levels have found since it was last asked for.
class News {
 public:
  News(const Study& study, const Health<float>& health, const Depth* depth)
      : study_(study),
        health_(health),
        depth_(depth),
        warned_(health.findings().size()),
        judged_(depth != nullptr ? judgements().size() : 0) {}
  void tell(Progress& progress) {
    for (; warned_ < health_.findings().size(); ++warned_) progress.say(warning(health_.findings()[warned_], study_));
    for (; depth_ != nullptr && judged_ < judgements().size(); ++judged_)
      if (judgements()[judged_].verdict != Verdict::goes_on) progress.say(announcement(judgements()[judged_], study_));
  }

 private:
  const std::vector<Judgement>& judgements() const { return depth_->growth.judgements(); }

  const Study& study_;
  const Health<float>& health_;
  const Depth* depth_;
  std::size_t warned_, judged_;
};

Summary summary_of(const Simulation<float>& simulation, Hierarchy<float>& hierarchy, const Learning<float>& learning, double seconds) {
  const auto tokens = static_cast<double>(simulation.tokens());
  Summary s;
  s.set("tokens", simulation.tokens()).set("nats_per_token", simulation.nats() / tokens);
  s.set("parameters", static_cast<std::int64_t>(hierarchy.parameter_count())).set("updates", static_cast<std::int64_t>(learning.updates()));
  s.set("seconds", seconds).set("tokens_per_second", tokens / seconds);
  for (Index l = 0; l < hierarchy.awake(); ++l)
    if (const Work work = hierarchy.level(l).work(); work.operations > 0) add_work(s.item("levels", static_cast<std::size_t>(l)), work);
  return s;
}

/// The model, with what is known of its training and what reading with it must follow.
void save_model(const std::string& path, Study& study, Hierarchy<float>& hierarchy, const Learning<float>& learning,
                const Health<float>& health, const Depth* depth, const Summary& training) {
  auto notes = study.notes(depth != nullptr ? hierarchy.awake() : 0);
  std::string cured = cured_assignments(health);
  if (depth != nullptr) cured += "hierarchy.levels = " + std::to_string(hierarchy.awake()) + "\n";
  if (!cured.empty()) notes["cured"] = cured;
  notes["training"] = training.to_json();
  const auto body = [&](Archive& archive) {
    study.archive_model(archive, hierarchy);
    auto updates = static_cast<std::int64_t>(learning.updates());
    Study::archive_power(archive, hierarchy, updates);
  };
  save_atomically(path, body, notes);
}

}  // namespace

void add_work(Summary& level, const Work& work) {
  if (work.operations == 0) return;
  level.set("operations_per_token", work.operations / work.tokens).set("ticks_per_token", work.ticks / work.tokens);
}

std::optional<Summary> training_of(const Study& study, const std::string& model) {
  const auto notes = read_notes(model);
  require_same_inputs(study, notes, model);
  const auto found = notes.find("training");
  if (found == notes.end()) return std::nullopt;
  return Summary::from_json(found->second, model);
}

Summary train(Study& study, const std::string& model, const std::string& checkpoint, const std::string& how_to_go_on, Progress& progress) {
  const auto world = study.training_world();
  auto hierarchy = study.make_hierarchy(study.streams());
  const Index planned = (world->steps() + study.interval() - 1) / study.interval();
  Learning<float> learning(study.learning(), planned);
  Schedule<float> schedule(study.schedule(), *hierarchy, planned, study.interval());
  learning.schedule = &schedule;
  Simulation<float> simulation(*hierarchy, *world, &learning, study.interval(), study.options.seed);
  simulation.after_update = [&] { schedule.advance(*hierarchy, learning.updates(), simulation.nats(), simulation.tokens()); };
  Health<float> health(study.monitor(), *hierarchy, study.interval());
  health.schedule = &schedule;
  const auto depth = study.growth().dynamic ? std::make_unique<Depth>(study, *hierarchy, planned) : nullptr;
  watch(simulation, learning, health, depth.get());
  double earlier = 0, seconds = 0;  // of learning, before this process and in all
  const auto body = [&](Archive& archive) {
    archive_run(archive, study, *hierarchy, learning, schedule, simulation, health, depth.get(), seconds);
  };
  if (std::filesystem::exists(checkpoint)) {
    require_same_inputs(study, read_notes(checkpoint, checkpoint_file), checkpoint);
    load(checkpoint, body, checkpoint_file);
    earlier = seconds;
    progress.say("going on after " + std::to_string(simulation.tokens()) + " tokens");
  } else {
    simulation.start();
  }
  if (study.options.world == "text" && planned < few_updates)
    progress.say("only " + std::to_string(world->tokens()) + " tokens in " + std::to_string(study.streams()) + " streams, which is " +
                 std::to_string(planned) + (planned == 1 ? " update" : " updates") +
                 " of the weights: too little to learn from; give more text, or read it more often (world.passes) in fewer streams "
                 "(world.streams)");
  progress.begin("training", world->tokens(), simulation.tokens());
  const auto begin = Clock::now();
  auto last = begin;
  double until_next = study.checkpoint_seconds();
  const auto save = [&] {
    const auto from = Clock::now();
    seconds = earlier + seconds_since(begin);
    save_atomically(checkpoint, body, study.notes(), checkpoint_file);
    last = Clock::now();
    if (until_next > 0) until_next = std::max(study.checkpoint_seconds(), seconds_since(from) / most_for_checkpoints);
  };
  RecentNats recent(simulation);
  News news(study, health, depth.get());
  const auto stop = [&] {
    news.tell(progress);
    progress.update(simulation.tokens(), [&] { return recent(); });
    if (simulation.steps() % static_cast<std::uint64_t>(study.interval()) != 0) return false;  // only between weight updates
    if (interrupted()) return true;
    if (seconds_since(last) >= until_next) save();
    return false;
  };
  const bool ended = simulation.run(stop);
  progress.end();
  if (!ended) {
    save();
    throw Interrupted(how_to_go_on);
  }
  Summary summary = summary_of(simulation, *hierarchy, learning, earlier + seconds_since(begin));
  if (study.schedule().upward) summary.set("woken", std::vector<double>(schedule.woken().begin(), schedule.woken().end()));
  add_health(summary, health, study);
  if (depth) add_growth(summary, depth->growth, hierarchy->awake(), depth->in_use);
  save_model(model, study, *hierarchy, learning, health, depth.get(), summary);
  std::filesystem::remove(checkpoint);
  std::filesystem::remove(checkpoint + ".partial");  // of a kill in the middle of writing one
  return summary;
}

}  // namespace strata
