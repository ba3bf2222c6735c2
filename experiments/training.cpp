#include "experiments/training.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "core/error.hpp"
#include "core/io/checkpoint.hpp"
#include "core/simulation.hpp"

namespace strata {

namespace {

const FileKind checkpoint_file{"strata checkpoint", 1};
constexpr double seconds_between_checkpoints = 30;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Everything a resumed run needs, in one body for saving and loading.
void archive_run(Archive& archive, Study& study, Hierarchy<float>& hierarchy, Learning<float>& learning, Simulation<float>& simulation) {
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
  Archive::Scope scope(archive, "simulation");
  simulation.archive(archive);
}

}  // namespace

TrainingSummary train(Study& study, const std::string& model, const std::string& checkpoint, const std::string& how_to_go_on,
                      Progress& progress) {
  const auto options = text::text_world_options(study.world_values(), study.options.seed);
  text::TextWorld world(study.training, study.vocabulary(), options);
  auto hierarchy = study.make_hierarchy(study.streams());
  const Index planned = (world.steps() + study.interval() - 1) / study.interval();
  Learning<float> learning(study.learning(), planned);
  Simulation<float> simulation(*hierarchy, world, &learning, study.interval(), study.options.seed);
  const auto body = [&](Archive& archive) { archive_run(archive, study, *hierarchy, learning, simulation); };
  if (std::filesystem::exists(checkpoint)) {
    load(checkpoint, body, checkpoint_file);
    progress.say("going on after " + std::to_string(simulation.tokens()) + " tokens");
  } else {
    simulation.start();
  }
  progress.begin("training", world.tokens(), simulation.tokens());
  const auto begin = Clock::now();
  auto last = begin;
  double recent_nats = simulation.nats();
  std::int64_t recent_tokens = simulation.tokens();
  const auto note = [&] {
    char text[64];
    const double nats = (simulation.nats() - recent_nats) / static_cast<double>(std::max<std::int64_t>(1, simulation.tokens() - recent_tokens));
    std::snprintf(text, sizeof text, "%.3f nats/token", nats);
    recent_nats = simulation.nats();
    recent_tokens = simulation.tokens();
    return std::string(text);
  };
  const auto stop = [&] {
    progress.update(simulation.tokens(), note);
    if (simulation.steps() % static_cast<std::uint64_t>(study.interval()) != 0) return false;  // only between weight updates
    if (interrupted()) return true;
    if (seconds_since(last) > seconds_between_checkpoints) {
      save_atomically(checkpoint, body, study.notes(), checkpoint_file);
      last = Clock::now();
    }
    return false;
  };
  const bool ended = simulation.run(stop);
  progress.end();
  if (!ended) {
    save_atomically(checkpoint, body, study.notes(), checkpoint_file);
    throw Interrupted(how_to_go_on);
  }
  save_atomically(model, [&](Archive& archive) { study.archive_model(archive, *hierarchy); }, study.notes());
  std::filesystem::remove(checkpoint);
  return {simulation.tokens(), seconds_since(begin), simulation.nats() / static_cast<double>(simulation.tokens()),
          hierarchy->parameter_count(), learning.updates()};
}

}  // namespace strata
