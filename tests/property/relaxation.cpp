// Settling: free energy never rises in a stream, what is refused is taken back whole, what has settled stays, and streams do not touch.

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/support/gradient_check.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index streams = 5, vocabulary = 11;

std::vector<std::string> lines(const std::vector<std::string>& more, bool every_token = true) {
  std::vector<std::string> all{"hierarchy.levels=4", "learning.rate=.03", "learning.warm_up=0", "level.0.priming=1"};
  for (const char* l : {"1", "2", "3"}) {
    const std::string level = "level." + std::string(l) + ".";
    if (every_token) all.push_back(level + "tick=1");
    for (const char* line : {"broad_interval=3", "broad_limit=20", "gate=1", "gate_threshold=.5", "carry_rate=.02"})
      all.push_back(level + line);
  }
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<double> energy_of(Hierarchy<double>& hierarchy) {
  Tensor<double> energy(hierarchy.device(), hierarchy.streams());
  for (Index l = 0; l < hierarchy.depth(); ++l) hierarchy.level(l).add_energy(energy);
  return values<double>(energy.view(), hierarchy.device());
}

/// Settling so coarse that many sweeps overshoot.
const std::vector<std::string> coarse{"relaxation.rate=1",    "level.0.hidden_precision=.5", "level.1.precision=.3",
                                      "level.2.precision=.2", "level.3.precision=.1",        "relaxation.tolerance=0"};

/// The columns (or entries) of stream `stream` of everything the levels carry; items that are not per stream are left out.
template <class T>
std::map<std::string, std::vector<double>> column_of_state(Hierarchy<T>& hierarchy, Index stream) {
  std::map<std::string, std::vector<double>> all;
  const auto state = state_of(hierarchy);
  const auto n = static_cast<std::size_t>(hierarchy.streams()), s = static_cast<std::size_t>(stream);
  const auto add = [&](const std::string& name, const auto& x) {
    if (x.size() == n) all[name] = {static_cast<double>(x[s])};
  };
  for (const auto& [name, item] : state.items()) {
    if (name.find("windows") != std::string::npos || name.find("window_") != std::string::npos || name.find("/free") != std::string::npos)
      continue;
    if (const auto* m = std::get_if<ArchivedMatrix>(&item)) {
      if (m->cols == hierarchy.streams()) all[name].assign(m->data.begin() + stream * m->rows, m->data.begin() + (stream + 1) * m->rows);
      if (m->cols == 1 && m->rows == hierarchy.streams()) all[name] = {m->data[s]};
    } else if (const auto* a = std::get_if<std::vector<std::int64_t>>(&item)) {
      add(name, *a);
    } else if (const auto* b = std::get_if<std::vector<double>>(&item)) {
      add(name, *b);
    } else if (const auto* c = std::get_if<std::vector<std::uint8_t>>(&item)) {
      add(name, *c);
    }
  }
  return all;
}

/// Names of the items that differ.
std::string all_differences(const std::map<std::string, std::vector<double>>& a, const std::map<std::string, std::vector<double>>& b) {
  std::string names;
  for (const auto& [name, x] : a)
    if (b.at(name) != x) names += name + " ";
  return names;
}

/// A trained hierarchy's parameters, then a run without learning on `script`; the state of stream 0 and the summed surprise.
template <class T>
std::map<std::string, std::vector<double>> stream_zero(const std::string& device, const ScriptedWorld::Script& script, Index steps) {
  auto assignments = lines({"relaxation.tolerance=.01"}, false);  // so that streams stop after different numbers of sweeps
  for (const char* line : {"level.1.tick=1", "level.2.tick=3", "level.3.tick=7"}) assignments.emplace_back(line);
  Tiny<T> trained(assignments, streams, 1, vocabulary, true, 1, device);
  Probe<T> training(*trained.hierarchy, *trained.world, trained.learning.get());
  training.start();
  training.run(60);
  auto parameters = parameters_of(*trained.hierarchy);
  Tiny<T> tiny(assignments, streams, 1, vocabulary, false, 1, device);
  parameters.rewind();
  tiny.hierarchy->archive_parameters(parameters);
  tiny.hierarchy->reset_state();
  ScriptedWorld world(streams, vocabulary, 100000, script);
  Probe<T> probe(*tiny.hierarchy, world, nullptr);
  probe.start();
  double nats = 0;
  for (Index t = 0; t < steps; ++t) {
    probe.begin();
    nats += static_cast<double>(values<T>(tiny.hierarchy->level(0).snapshot().surprise, *tiny.device)[0]);
    probe.end();
  }
  auto all = column_of_state(*tiny.hierarchy, 0);
  all["nats"] = {nats};
  return all;
}

}  // namespace

TEST_CASE("relaxation: free energy never rises, and a refused sweep leaves nothing behind") {
  auto assignments = lines(coarse);
  assignments.emplace_back("relaxation.steps=1");
  Tiny<double> tiny(assignments, streams);
  Probe<double> probe(*tiny.hierarchy, *tiny.world, tiny.learning.get());
  probe.start();
  Index refused = 0, accepted = 0;
  for (int t = 0; t < 60; ++t) {
    std::vector<std::vector<double>> held;
    for (Index l = 0; l < 4; ++l)
      for (const auto& node : tiny.hierarchy->level(l).nodes()) held.push_back(values<double>(node.belief, *tiny.device));
    probe.begin();
    const auto& trace = tiny.hierarchy->relaxation().trace();
    CHECK(trace.free_energy[1] <= trace.free_energy[0] * (1 + 1e-6));
    std::size_t n = 0;
    std::vector<bool> moved(streams, false);
    for (Index l = 0; l < 4; ++l)
      for (const auto& node : tiny.hierarchy->level(l).nodes()) {
        const auto now = values<double>(node.belief, *tiny.device);
        const auto rows = static_cast<std::size_t>(node.belief.rows);
        for (std::size_t j = 0; j < streams; ++j)
          moved[j] = moved[j] || !std::equal(now.begin() + static_cast<std::ptrdiff_t>(j * rows),
                                             now.begin() + static_cast<std::ptrdiff_t>((j + 1) * rows),
                                             held[n].begin() + static_cast<std::ptrdiff_t>(j * rows));
        ++n;
      }
    const auto surprise = values<double>(tiny.hierarchy->level(0).snapshot().surprise, *tiny.device);
    const auto energy = energy_of(*tiny.hierarchy);
    Index still = 0;
    for (std::size_t j = 0; j < streams; ++j) {
      CHECK(energy[j] <= surprise[j] * (1 + 1e-6));  // F_now starts as the surprise: x = mu everywhere
      if (moved[j]) continue;
      ++still;
      CHECK(energy[j] == surprise[j]);
      for (Index l = 0; l < 4; ++l) CHECK(values<double>(tiny.hierarchy->level(l).snapshot().error_norm, *tiny.device)[j] == 0);
    }
    CHECK(still == trace.rejections);
    const auto again = energies(probe);
    for (std::size_t j = 0; j < streams; ++j)
      CHECK(again[j] == Approx(energy[j]).epsilon(1e-12));  // what was measured is F_now of the beliefs kept
    refused += still;
    accepted += streams - still;
    probe.end();
  }
  INFO(refused << " refused, " << accepted << " accepted");
  CHECK(refused > 20);
  CHECK(accepted > 20);
}

TEST_CASE("relaxation: what is learned after a refused sweep is still the gradient") {
  for (const char* steps : {"relaxation.steps=1", "relaxation.steps=4"}) {
    auto assignments = lines(coarse);
    assignments.emplace_back(steps);
    for (const char* l : {"1", "2", "3"})
      for (const char* line : {"broad_weight=0", "gate=0", "eligibility=off"})
        assignments.push_back("level." + std::string(l) + "." + line);
    Tiny<double> tiny(assignments, streams);
    Probe<double> probe(*tiny.hierarchy, *tiny.world, tiny.learning.get());
    probe.start();
    std::int64_t refused = 0;
    for (int t = 0; t < 12; ++t) {
      probe.begin();
      refused += tiny.hierarchy->relaxation().trace().rejections;
      for (const auto& block : check_weights(probe)) {
        INFO(block.block << ", step " << t);
        CHECK(block.distance < 1e-6);
      }
      probe.end();
    }
    CHECK(refused > 5);
  }
}

TEST_CASE("relaxation: no sweeps leave beliefs at predictions and let the carry decay") {
  Tiny<double> tiny(lines({"level.1.gate=0", "level.2.gate=0", "level.3.gate=0"}), streams, 1, vocabulary, false);
  ScriptedWorld world(streams, vocabulary, 1000, [](Index t, Index j) {
    return Word{random_word(static_cast<std::uint64_t>(j), t, vocabulary).id, 0};
  });
  Probe<double> probe(*tiny.hierarchy, world, nullptr);
  // Innovations need a scale: one learning step's worth of it, taken from a trained model.
  Tiny<double> trained(lines({}), streams);
  Probe<double> training(*trained.hierarchy, *trained.world, trained.learning.get());
  training.start();
  training.run(30);
  auto parameters = parameters_of(*trained.hierarchy);
  parameters.rewind();
  tiny.hierarchy->archive_parameters(parameters);
  probe.start();
  probe.run(30);
  tiny.hierarchy->relaxation().settings.steps = 0;
  for (int t = 0; t < 20; ++t) {
    const auto before = state_of(*tiny.hierarchy);
    probe.begin();
    for (Index l = 0; l < 4; ++l)
      for (const double e : values<double>(tiny.hierarchy->level(l).snapshot().prediction_error, *tiny.device)) CHECK(e == 0);
    probe.end();
    const auto after = state_of(*tiny.hierarchy);
    const double ct[] = {0, 20, 80, 300};
    for (Index l = 1; l < 4; ++l) {
      const std::string name = "level_" + std::to_string(l) + "/kap";
      for (std::size_t i = 0; i < before.at(name).data.size(); ++i) {
        CHECK(before.at(name).data[i] != 0);
        CHECK(after.at(name).data[i] == Approx(before.at(name).data[i] * std::exp(-1 / ct[l])).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("relaxation: a stream that has settled is left alone") {
  // With a tolerance that every first sweep meets, a second to sixth sweep may change nothing.
  const auto beliefs = [](const char* steps, const char* tolerance) {
    auto assignments = lines({steps, tolerance});
    Tiny<double> tiny(assignments, streams, 1, vocabulary, false);
    Probe<double> probe(*tiny.hierarchy, *tiny.world, nullptr);
    probe.start();
    probe.run(20);
    return state_of(*tiny.hierarchy);
  };
  CHECK(differences(beliefs("relaxation.steps=1", "relaxation.tolerance=.99"), beliefs("relaxation.steps=6", "relaxation.tolerance=.99"))
            .empty());
  CHECK_FALSE(differences(beliefs("relaxation.steps=1", "relaxation.tolerance=0"), beliefs("relaxation.steps=6", "relaxation.tolerance=0"))
                  .empty());
}

TEMPLATE_TEST_CASE("relaxation: a stream's bits do not depend on what other streams read", "", float, double) {
  const auto script = [](std::uint64_t others) {
    return [others](Index t, Index j) { return random_word(j == 0 ? 7 : others + static_cast<std::uint64_t>(j), t, vocabulary); };
  };
  for (const char* device : {"reference", "cpu"}) {
    INFO(device);
    CHECK(all_differences(stream_zero<TestType>(device, script(100), 200), stream_zero<TestType>(device, script(200), 200)) == "");
  }
}
