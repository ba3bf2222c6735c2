// Dynamic depth: a level wakes where upper context pays and not where words are independent, falls asleep when it no longer pays, and nothing of a
// trial is left in a hierarchy that refuses it.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "core/depth_in_use.hpp"
#include "core/error.hpp"
#include "core/growth.hpp"
#include "core/memory_archive.hpp"
#include "levels/build.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index streams = 16, interval = 4, topics = 6, words_of_topic = 6, vocabulary = 40, never = 1000000;
using Lines = std::vector<std::string>;

/// Seven of eight words are of the document's topic until `until` steps were read; from then on, words are independent.
ScriptedWorld topical_world(Index until) {
  return {streams, vocabulary, 1000000, [until](Index t, Index j) {
            const Index document = (t + 13 * j) / 96, place = (t + 13 * j) % 96;
            const auto key = static_cast<std::uint64_t>(j * 100000 + document);
            const std::uint64_t bits = mix(mix(key + 77) ^ static_cast<std::uint64_t>(place)), drawn = bits >> 8;
            const bool topical = t < until && (bits & 7) != 0;
            Word word;
            word.id = static_cast<std::int32_t>(topical ? mix(key) % topics * words_of_topic + drawn % words_of_topic : drawn % vocabulary);
            if (place % 8 == 7) word.boundary = sentence_end;
            if (place == 95) word.boundary |= document_end;
            return word;
          }};
}

GrowthSettings settings_of(Index first, Index trial) {
  GrowthSettings s;
  s.dynamic = true;
  s.first = first;
  s.trial = trial;
  return s;
}

/// A small hierarchy of two levels that learns; with `growth.dynamic`, of changing depth.
struct Reading {
  Reading(const GrowthSettings& settings, Index until, const std::string& levels = "2", const std::string& share = "true")
      : world(topical_world(until)) {
    DeviceOptions options;
    options.threads = 1;
    device = make_device<float>(options);
    hierarchy = build(levels, share);
    LearningSettings learns;
    learns.warm_up = 20;
    learning = std::make_unique<Learning<float>>(learns, 0);
    simulation = std::make_unique<Simulation<float>>(*hierarchy, world, learning.get(), interval, 9);
    if (settings.dynamic) {
      growth = std::make_unique<Growth<float>>(settings, *hierarchy, build(levels, share), learns, 0, interval, 9);
      in_use = std::make_unique<DepthInUse<float>>(settings, *hierarchy);
      simulation->before_observe = [this](const Step<float>& step) {
        growth->before_observe(step, *simulation, *learning);
        in_use->before_observe(step);
      };
    }
  }
  std::unique_ptr<Hierarchy<float>> build(const std::string& levels, const std::string& share) {
    Configuration configuration;
    for (const auto& line :
         {"hierarchy.levels=" + levels, std::string("hierarchy.units=16"), std::string("level.0.units=16"), std::string("level.0.hidden=7"),
          std::string("level.0.context=2"), std::string("level.1.tau=8"), "level.0.share=" + share})
      configuration.set_assignment(line);
    return build_hierarchy<float>(configuration, *device, std::vector<double>(vocabulary, -std::log(static_cast<double>(vocabulary))),
                                  streams, interval, 1);
  }
  void run(Index updates) {
    for (Index t = 0; t < updates * interval; ++t) REQUIRE(simulation->advance());
  }
  void archive(Archive& archive) {
    hierarchy->archive_parameters(archive);
    archive_learner(archive, *hierarchy, *learning);
    if (growth) {
      Archive::Scope scope(archive, "growth");
      growth->archive(archive);
    }
    if (in_use) {
      Archive::Scope scope(archive, "in_use");
      in_use->archive(archive);
    }
    Archive::Scope scope(archive, "simulation");
    simulation->archive(archive);
  }
  MemoryArchive whole() {
    MemoryArchive all;
    archive(all);
    return all;
  }

  ScriptedWorld world;
  std::unique_ptr<Device<float>> device;
  std::unique_ptr<Hierarchy<float>> hierarchy;
  std::unique_ptr<Learning<float>> learning;
  std::unique_ptr<Simulation<float>> simulation;
  std::unique_ptr<Growth<float>> growth;
  std::unique_ptr<DepthInUse<float>> in_use;
};

constexpr Index update = streams * interval, look = 64 * update;  // tokens

}  // namespace

TEST_CASE("growth: a level wakes where what is read has a topic, and goes on as if it had been awake all along") {
  Reading grows(settings_of(1, look), never), awake({}, never);
  CHECK(grows.hierarchy->awake() == 1);
  awake.hierarchy->set_awake(1);
  for (Reading* reading : {&grows, &awake}) reading->simulation->start();
  awake.hierarchy->set_awake(2);
  grows.run(60);
  CHECK(grows.hierarchy->awake() == 1);
  CHECK(grows.growth->trying());
  grows.run(440);
  awake.run(500);
  const auto& judged = grows.growth->judgements();
  const auto taken = std::find_if(judged.begin(), judged.end(), [](const Judgement& j) { return j.verdict == Verdict::taken; });
  REQUIRE(taken != judged.end());
  for (auto j = judged.begin(); j <= taken; ++j) {
    CHECK((j->begun == 0 && j->from == 1 && j->to == 2));
    CHECK(j->tokens == (j - judged.begin() + 1) * look);
  }
  CHECK(taken->gain > .002 + 2 * taken->error);
  CHECK(taken->paid > 0);
  REQUIRE(grows.hierarchy->awake() == 2);
  CHECK(differences(parameters_of(*grows.hierarchy), parameters_of(*awake.hierarchy)).empty());
  CHECK(differences(state_of(*grows.hierarchy), state_of(*awake.hierarchy)).empty());
}

TEST_CASE("growth: where words are independent no level wakes, and trials leave no trace but what they found") {
  Reading grows(settings_of(1, look), 0), flat({}, 0);
  flat.hierarchy->set_awake(1);
  for (Reading* reading : {&grows, &flat}) {
    reading->simulation->start();
    reading->run(2400);
  }
  CHECK(grows.hierarchy->awake() == 1);
  const auto& judged = grows.growth->judgements();
  for (const Judgement& j : judged) {
    CHECK((j.to == 2 && j.verdict != Verdict::taken));
    CHECK(j.gain < .002 + 2 * j.error);
  }
  const auto end = std::find_if(judged.begin(), judged.end(), [](const Judgement& j) { return j.verdict == Verdict::refused; });
  REQUIRE(judged.end() - end > 1);
  CHECK(end[1].begun == end->tokens + look);  // a rest as long as the time between two judgements
  CHECK(grows.simulation->nats() == flat.simulation->nats());
  CHECK(differences(parameters_of(*grows.hierarchy), parameters_of(*flat.hierarchy)).empty());
  CHECK(differences(state_of(*grows.hierarchy), state_of(*flat.hierarchy)).empty());
}

TEST_CASE("growth: a level that no longer pays falls asleep") {
  Reading shrinks(settings_of(2, look), 600 * interval);
  shrinks.simulation->start();
  shrinks.run(590);
  REQUIRE(!shrinks.growth->judgements().empty());
  CHECK(shrinks.growth->judgements()[0].verdict == Verdict::refused);  // while there are topics
  CHECK(shrinks.growth->judgements()[0].gain > .1);
  CHECK(shrinks.hierarchy->awake() == 2);
  shrinks.run(4000);
  CHECK(shrinks.hierarchy->awake() == 1);
  for (const float said : values<float>(shrinks.hierarchy->level(1).contribution(), *shrinks.device)) CHECK(said == 0);
}

TEST_CASE("growth: a stream uses the upper level where its words have a topic") {
  Reading topical(settings_of(2, never), never), plain(settings_of(2, never), 0);
  for (Reading* reading : {&topical, &plain}) {
    reading->simulation->start();
    reading->run(800);
  }
  CHECK(topical.in_use->means().back() > 1.8);
  CHECK(plain.in_use->means().back() < 1.6);
  for (const double levels : topical.in_use->levels()) CHECK((levels >= 1 && levels <= 2));
}

TEST_CASE("growth: a run that is restored goes on with the same bits") {
  for (const int changes : {0, 1, 2}) {  // in the first trial, at rest behind it, in the next trial
    Reading run(settings_of(1, look), never), again(settings_of(1, look), never);
    run.simulation->start();
    run.run(30);
    for (int change = 0; change < changes; ++change)
      for (Index t = 0; t < 1000 && run.growth->trying() == (change % 2 == 0); ++t) run.run(1);
    REQUIRE(run.growth->trying() == (changes % 2 == 0));
    CHECK((run.growth->judgements().empty()) == (changes == 0));
    MemoryArchive checkpoint = run.whole();
    run.run(600);
    checkpoint.rewind();
    again.archive(checkpoint);
    again.run(600);
    CHECK(again.growth->judgements().size() == run.growth->judgements().size());
    CHECK(again.hierarchy->awake() == run.hierarchy->awake());
    CHECK(differences(again.whole(), run.whole()).empty());
  }
}

TEST_CASE("growth: a token level that does not speak for itself keeps a level above it") {
  CHECK_THROWS_AS(Reading(settings_of(1, look), never, "3", "false"), ConfigError);
  CHECK_THROWS_AS(Reading(settings_of(4, look), never, "3", "false"), ConfigError);
  Reading reading(settings_of(2, look), 0, "2", "false");
  reading.simulation->start();
  reading.run(1500);
  CHECK(reading.growth->judgements().empty());
  CHECK(reading.hierarchy->awake() == 2);
}

TEST_CASE("growth: where levels do not speak by a stream every depth of those awake is alike") {
  const auto device = make_device<float>({"reference", "auto", 0});
  Configuration configuration;
  configuration.set("hierarchy.levels", "3");
  for (Index l = 0; l < 3; ++l) configuration.set(level_key(l, "kind"), "volatile");
  const auto hierarchy = build_hierarchy<float>(configuration, *device, {}, 2, 1, 1, 1);
  DepthInUse<float> in_use({}, *hierarchy);
  for (const Index awake : {3, 1, 2}) {
    hierarchy->set_awake(awake);
    in_use.before_observe({});
    for (const double levels : in_use.levels()) CHECK(levels == static_cast<double>(awake + 1) / 2);
  }
}

TEST_CASE("growth: weights of levels that sleep are not counted") {
  const Reading whole({}, 0, "3");
  for (const char* levels : {"1", "2", "3"}) {
    const Reading fewer({}, 0, levels);
    whole.hierarchy->set_awake(fewer.hierarchy->depth());
    CHECK(whole.hierarchy->parameter_count() == fewer.hierarchy->parameter_count());
  }
}

TEST_CASE("growth: the power of gradients is kept with each weight's own updates") {
  Reading run({}, never);
  run.hierarchy->set_awake(1);
  run.simulation->start();
  run.run(50);
  run.hierarchy->set_awake(2);
  run.run(150);
  MemoryArchive power;
  run.hierarchy->archive_power(power);
  power.rewind();
  const auto again = run.build("2", "true");
  again->archive_power(power);
  std::vector<std::int64_t> kept, loaded;
  run.hierarchy->visit_weights([&](const Weight<float>& weight) { kept.push_back(weight.updates); });
  again->visit_weights([&](const Weight<float>& weight) { loaded.push_back(weight.updates); });
  CHECK(loaded == kept);
  CHECK(*std::max_element(kept.begin(), kept.end()) == 200);
  CHECK(*std::min_element(kept.begin(), kept.end()) == 150);  // of what slept at first
}

TEST_CASE("growth: a trial whose twin breaks down is refused, and nothing of it is left") {
  Reading run(settings_of(1, look), never), alone({}, never);
  alone.hierarchy->set_awake(1);
  run.hierarchy->level(1).visit_weights([&](Weight<float>& weight) { run.device->fill(weight.value, std::nanf("")); });
  for (auto* reading : {&run, &alone}) {
    reading->simulation->start();
    reading->run(40);
  }
  REQUIRE(run.growth->judgements().size() == 1);
  CHECK(run.growth->judgements()[0].verdict == Verdict::refused);
  CHECK(run.growth->judgements()[0].to == 2);
  CHECK(!run.growth->trying());
  CHECK(run.hierarchy->awake() == 1);
  CHECK(run.simulation->nats() == alone.simulation->nats());
}
