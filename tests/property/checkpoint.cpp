// A run that is saved, torn down and restored goes on bit for bit like one that was never interrupted.

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "core/io/checkpoint.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/temporary.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index streams = 5, vocabulary = 13;

std::vector<std::string> lines() {
  std::vector<std::string> all{"hierarchy.levels=4", "learning.rate=.03", "learning.warm_up=20",
                               "level.0.priming=1",  "level.0.ngrams=3",  "level.0.recent_time=9, 40",
                               "level.0.dropout=.2", "level.0.share=1",   "level.0.flexibility=.1"};
  for (const char* l : {"1", "2", "3"})
    for (const char* line : {"stability=.1", "reconstruction=.1", "contrastive=.1", "consistency=.1", "broad_interval=5", "broad_limit=30",
                             "gate=1", "gate_threshold=.5", "carry_rate=.02"})
      all.push_back("level." + std::string(l) + "." + line);
  for (const char* line : {"broad_interval=3", "broad_limit=200"})
    all.push_back("level.3." + std::string(line));  // every fourth is watched
  return all;
}

ScriptedWorld make_world() {
  return {streams, vocabulary, 100000, [](Index t, Index j) {
            Word word = random_word(static_cast<std::uint64_t>(j), t, vocabulary);
            word.active = j != 2 || t % 90 < 70;  // streams fall idle and come back
            return word;
          }};
}

template <class T>
void archive_all(Archive& archive, Tiny<T>& tiny, Simulation<T>& simulation) {
  {
    Archive::Scope scope(archive, "parameters");
    tiny.hierarchy->archive_parameters(archive);
  }
  archive_learner(archive, *tiny.hierarchy, *tiny.learning);
  Archive::Scope scope(archive, "simulation");
  simulation.archive(archive);
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += name + " ";
  return all;
}

}  // namespace

TEMPLATE_TEST_CASE("checkpoint: a restored run goes on with the same bits", "", float, double) {
  for (const char* device : {"reference", "cpu"})
    for (const auto& [interval, priming] : {std::pair{1, true}, {4, true}, {8, true}, {4, false}}) {
      INFO(device << ", interval " << interval << ", priming " << priming);
      auto assignments = lines();
      if (!priming)
        for (const char* line : {"level.0.priming=0",
                                 "hierarchy.feedback=mirrored",
                                 "level.0.embeddings=separate",
                                 "level.1.broad_from_above=1",
                                 "level.1.activation_threshold=1.2",
                                 "level.2.activation_threshold=1.1",
                                 "level.2.broad_from_above=1",
                                 "level.1.broad_cache=.2",
                                 "level.3.broad_cache=.3",
                                 "level.1.forgets=1",
                                 "level.3.forgets=1",
                                 "level.1.learn_tau=1",
                                 "level.1.tau_rate=30",
                                 "level.3.learn_tau=1",
                                 "level.3.tau_rate=30",
                                 "level.2.unit=found",
                                 "level.2.segment_window=4",
                                 "level.2.segment_every=9",
                                 "level.2.segment_beginning=2",
                                 "level.3.gate=1",
                                 "level.3.gate_by=words",
                                 "level.3.gate_window=2",
                                 "level.3.gate_threshold=.001"})
          assignments.emplace_back(line);
      const auto make = [&, between = interval] { return Tiny<TestType>(assignments, streams, between, vocabulary, true, 1, device); };
      auto whole = make();
      auto world = make_world();
      Simulation<TestType> simulation(*whole.hierarchy, world, whole.learning.get(), interval, 9);
      simulation.start();
      MemoryArchive checkpoint;
      for (int t = 0; t < 400; ++t) {
        if (t == 136) archive_all(checkpoint, whole, simulation);
        simulation.advance();
      }
      MemoryArchive expected;
      archive_all(expected, whole, simulation);

      auto resumed = make();
      auto other_world = make_world();
      Simulation<TestType> rest(*resumed.hierarchy, other_world, resumed.learning.get(), interval, 9);
      checkpoint.rewind();
      archive_all(checkpoint, resumed, rest);
      std::size_t recorded = 0;
      rest.record = [&](const Observation&, std::uint64_t) { ++recorded; };
      while (rest.steps() < 400) rest.advance();
      CHECK(recorded == 400 - 136);
      MemoryArchive found;
      archive_all(found, resumed, rest);
      CHECK_THAT(joined(differences(expected, found)), Catch::Equals(""));
    }
}

TEMPLATE_TEST_CASE("checkpoint: a run restored from its file goes on with the same bits", "", float, double) {
  const Index interval = 4;
  const std::uint64_t steps = 300, saved_at = 132;
  const TemporaryFolder folder;
  const std::string path = folder / "checkpoint.h5";
  const auto make = [&](Index units) {
    auto all = lines();
    all.push_back("level.0.units=" + std::to_string(units));
    return Tiny<TestType>(all, streams, interval, vocabulary);
  };
  MemoryArchive expected;
  {  // nothing of this run but its file outlives the block
    auto whole = make(6);
    auto world = make_world();
    Simulation<TestType> simulation(*whole.hierarchy, world, whole.learning.get(), interval, 9);
    simulation.start();
    for (std::uint64_t t = 0; t < steps; ++t) {
      if (t == saved_at) save_atomically(path, [&](Archive& archive) { archive_all(archive, whole, simulation); });
      simulation.advance();
    }
    archive_all(expected, whole, simulation);
  }
  auto resumed = make(6);
  auto world = make_world();
  Simulation<TestType> rest(*resumed.hierarchy, world, resumed.learning.get(), interval, 9);
  load(path, [&](Archive& archive) { archive_all(archive, resumed, rest); });
  REQUIRE(rest.steps() == saved_at);
  while (rest.steps() < steps) rest.advance();
  MemoryArchive found;
  archive_all(found, resumed, rest);
  CHECK_THAT(joined(differences(expected, found)), Catch::Equals(""));

  auto wider = make(7);
  auto again = make_world();
  Simulation<TestType> other(*wider.hierarchy, again, wider.learning.get(), interval, 9);
  CHECK_THROWS_AS(load(path, [&](Archive& archive) { archive_all(archive, wider, other); }), ShapeError);
}

TEST_CASE("checkpoint: a state restored into a used hierarchy forgets what it carried") {
  auto world = make_world(), again = make_world();
  Tiny<double> tiny(lines(), streams, 1, vocabulary), used(lines(), streams, 1, vocabulary);
  Probe<double> probe(*tiny.hierarchy, world, tiny.learning.get());
  probe.start();
  probe.run(50);
  auto parameters = parameters_of(*tiny.hierarchy);
  auto state = state_of(*tiny.hierarchy);
  Probe<double> other(*used.hierarchy, again, used.learning.get());
  other.start();
  other.run(77);
  parameters.rewind();
  state.rewind();
  used.hierarchy->archive_parameters(parameters);
  used.hierarchy->archive_state(state);
  Probe<double> a(*tiny.hierarchy, world, nullptr), b(*used.hierarchy, world, nullptr);
  auto same = make_world();
  Probe<double> c(*tiny.hierarchy, same, nullptr);
  auto twin = make_world();
  Probe<double> d(*used.hierarchy, twin, nullptr);
  c.run(60);
  d.run(60);
  CHECK(differences(state_of(*tiny.hierarchy), state_of(*used.hierarchy)).empty());
}

TEST_CASE("checkpoint: a reset hierarchy is as good as a fresh one") {
  auto world = make_world(), again = make_world(), third = make_world();
  Tiny<double> tiny(lines(), streams, 1, vocabulary), fresh(lines(), streams, 1, vocabulary);
  Probe<double> probe(*tiny.hierarchy, world, tiny.learning.get());
  probe.start();
  probe.run(77);
  auto parameters = parameters_of(*tiny.hierarchy);
  parameters.rewind();
  fresh.hierarchy->archive_parameters(parameters);
  fresh.hierarchy->reset_state();
  tiny.hierarchy->reset_state();
  Probe<double> a(*tiny.hierarchy, again, nullptr), b(*fresh.hierarchy, third, nullptr);
  for (auto* p : {&a, &b}) {
    p->start();
    p->run(60);
  }
  CHECK_THAT(joined(differences(state_of(*tiny.hierarchy), state_of(*fresh.hierarchy))), Catch::Equals(""));
}
