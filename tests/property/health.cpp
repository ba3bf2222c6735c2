// Each monitor of core/health fires in a short training that goes wrong, is silent in the same training that does not, and is silent again at the
// end where its cure was let to work. And: a look changes no bit.

#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.hpp"
#include "core/health.hpp"
#include "core/memory_archive.hpp"
#include "core/simulation.hpp"
#include "levels/build.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index streams = 16, interval = 4, topics = 6, words_of_topic = 6, vocabulary = 40, looked_every = interval;
using Lines = std::vector<std::string>;

/// Documents of 96 words, seven of eight of which are words of the document's topic: what levels above the words can know.
ScriptedWorld topical_world() {
  return {streams, vocabulary, 1000000, [](Index t, Index j) {
            const Index document = (t + 13 * j) / 96, place = (t + 13 * j) % 96;
            const auto key = static_cast<std::uint64_t>(j * 100000 + document);
            const std::uint64_t bits = mix(mix(key + 77) ^ static_cast<std::uint64_t>(place)), drawn = bits >> 8;
            const std::uint64_t topic = mix(key) % topics;
            Word word;
            word.id = static_cast<std::int32_t>((bits & 7) != 0 ? topic * words_of_topic + drawn % words_of_topic : drawn % vocabulary);
            if (place % 8 == 7) word.boundary = sentence_end;
            if (place % 32 == 31) word.boundary |= paragraph_end;
            if (place == 95) word.boundary |= document_end;
            return word;
          }};
}

const Lines text_levels{"hierarchy.levels=3", "hierarchy.units=16", "level.0.units=16",          "level.0.hidden=7",
                        "level.0.context=3",  "level.2.tau=20",     "level.1.broad_interval=16", "learning.warm_up=20"};
const Lines gaussian_levels{"hierarchy.levels=2", "level.0.kind=gaussian",   "level.1.kind=gaussian", "level.0.units=40",
                            "level.1.units=8",    "relaxation.scheme=exact", "learning.warm_up=20"};

/// A hierarchy that learns the topical world, looked at.
struct Training {
  Training(const Lines& levels, const Lines& more, const HealthSettings& settings) : world(topical_world()) {
    Configuration configuration;
    for (const auto& line : levels) configuration.set_assignment(line);
    for (const auto& line : more) configuration.set_assignment(line);
    DeviceOptions options;
    options.threads = 1;
    device = make_device<float>(options);
    const std::vector<double> log_unigram(vocabulary, -std::log(static_cast<double>(vocabulary)));
    hierarchy = build_hierarchy<float>(configuration, *device, log_unigram, streams, interval, 1);
    learning =
        std::make_unique<Learning<float>>(LearningSettings::from(configuration.resolve(LearningSettings::parameters(), "learning.")), 0);
    configuration.check_all_read();
    simulation = std::make_unique<Simulation<float>>(*hierarchy, world, learning.get(), interval, 9);
    health = std::make_unique<Health<float>>(settings, *hierarchy, interval);
    simulation->before_observe = [this](const Step<float>& step) { health->before_observe(step); };
    simulation->before_forecast = [this](const Step<float>& step) { health->before_forecast(step); };
  }

  void run(int updates) {
    for (int t = 0; t < updates * interval; ++t) simulation->advance();
  }

  void archive(Archive& archive) {
    hierarchy->archive_parameters(archive);
    archive_learner(archive, *hierarchy, *learning);
    {
      Archive::Scope scope(archive, "health");
      health->archive(archive);
    }
    simulation->archive(archive);
  }

  const Finding* finding(Ailment ailment, Index level) const {
    for (const Finding& found : health->findings())
      if (found.first.ailment == ailment && found.first.level == level) return &found;
    return nullptr;
  }

  ScriptedWorld world;
  std::unique_ptr<Device<float>> device;
  std::unique_ptr<Hierarchy<float>> hierarchy;
  std::unique_ptr<Learning<float>> learning;
  std::unique_ptr<Simulation<float>> simulation;
  std::unique_ptr<Health<float>> health;
};

using Harm = std::function<void(Training&)>;
const Harm unharmed = [](Training&) {};

/// The training goes wrong, with and without cures.
void check_cured(Ailment ailment, Index level, const Lines& levels, const Lines& more, int updates, const Harm& harm = unharmed) {
  INFO(ailment_names[static_cast<std::size_t>(ailment)]);
  Training ill(levels, more, {looked_every, false}), cured(levels, more, {looked_every, true});
  for (Training* training : {&ill, &cured}) {
    harm(*training);
    training->simulation->start();
    training->run(updates);
  }
  const Finding* found = ill.finding(ailment, level);
  REQUIRE(found != nullptr);
  CHECK(found->last.ill);
  CHECK(ill.health->treatments().empty());

  found = cured.finding(ailment, level);
  REQUIRE(found != nullptr);
  CHECK_FALSE(found->last.ill);
  const auto& treatments = cured.health->treatments();
  REQUIRE_FALSE(treatments.empty());
  CHECK(treatments.front().ailment == ailment);
  CHECK(treatments.front().tokens == found->tokens);
}

void check_silent(const Lines& levels, const Lines& more = {}) {
  Training training(levels, more, {looked_every, true});
  training.simulation->start();
  training.run(400);
  CHECK(training.health->findings().empty());
  CHECK(training.health->treatments().empty());
  for (const Reading& reading : training.health->readings()) {
    INFO(ailment_names[static_cast<std::size_t>(reading.ailment)] << " of level " << reading.level << ": " << reading.value);
    CHECK_FALSE(reading.ill);
  }
}

}  // namespace

TEST_CASE("health: cures without looks are refused") {
  for (const char* every : {"0", "1"}) {
    Configuration configuration;
    configuration.set("monitor.cure", "true");
    configuration.set("monitor.every", every);
    const Values values = configuration.resolve(HealthSettings::parameters(), "monitor.");
    if (std::string(every) == "0")
      CHECK_THROWS_AS(HealthSettings::from(values), ConfigError);
    else
      CHECK(HealthSettings::from(values).cure);
  }
}

TEST_CASE("health: a training that goes well is let go on, and every monitor has looked at it") {
  check_silent(text_levels);
  check_silent(text_levels, {"relaxation.steps=1", "relaxation.rate=1"});
  check_silent(gaussian_levels);
}

TEST_CASE("health: a level that does not learn is frozen, until its rate is raised") {
  check_cured(Ailment::frozen, 2, text_levels, {}, 160,
              [](Training& training) { training.hierarchy->level(2).visit_weights([](Weight<float>& weight) { weight.rate = 0; }); });
}

TEST_CASE("health: a level that is hidden behind dropout is ignored, until less of it is dropped") {
  check_cured(Ailment::ignored, 1, text_levels, {"level.1.dropout=.95"}, 512);
}

TEST_CASE("health: a level that may not err is out of balance, until its precision is lowered") {
  check_cured(Ailment::imbalance, 2, text_levels, {"level.2.precision=1e8"}, 160);
}

TEST_CASE("health: a precision that is learned too fast runs away, until it is bounded") {
  check_cured(Ailment::runaway, 0, gaussian_levels, {"level.0.precision_speed=300", "level.1.precision_speed=300"}, 320);
}

TEST_CASE("health: a level that is handed nothing believes nothing, until it is fed") {
  check_cured(Ailment::collapsed, 2, text_levels, {"level.1.feed_belief=0", "level.1.feed_innovation=0", "level.2.carry=0"}, 240);
}

TEST_CASE("health: a level that reads along one line believes along one, until it reads by new weights") {
  check_cured(Ailment::collapsed, 2, text_levels, {"level.2.carry=0"}, 96, [](Training& training) {
    training.hierarchy->level(2).visit_weights([&](Weight<float>& weight) {
      if (!weight.name.ends_with("_in")) return;
      weight.rate = .001;
      auto entries = values<float>(weight.value.view(), *training.device);
      const auto n = static_cast<std::size_t>(weight.value.rows());
      for (std::size_t k = 0; k < entries.size(); ++k) entries[k] = entries[k / n * n];  // all rows are the first
      training.device->upload(entries, weight.value);
    });
  });
}

TEST_CASE("health: beliefs that stop half-way are unsettled, until they settle longer") {
  check_cured(Ailment::unsettled, -1, text_levels, {"relaxation.steps=1", "relaxation.rate=.05"}, 160);
}

TEST_CASE("health: levels that sleep are not looked at, those below them are, and all of them when they wake") {
  Training training(text_levels, {}, {looked_every, false});
  training.hierarchy->level(1).visit_weights([](Weight<float>& weight) { weight.rate = 0; });
  training.simulation->start();
  training.hierarchy->set_awake(2);
  const auto most = [&] {
    Index level = -1;
    for (const Reading& reading : training.health->readings()) level = std::max(level, reading.level);
    return level;
  };
  training.run(16 + 16 + 8);
  CHECK(training.health->looks() == 40);
  CHECK(most() == 1);
  REQUIRE(training.finding(Ailment::frozen, 1) != nullptr);
  const std::int64_t found = training.finding(Ailment::frozen, 1)->verdicts;
  training.hierarchy->set_awake(3);
  training.run(16 - 8);  // what was begun with two levels is not ended with three
  CHECK(training.health->looks() == 40);
  CHECK(training.finding(Ailment::frozen, 1)->verdicts == found);
  training.run(8 + 16);  // nor goes the row of verdicts on
  CHECK(training.finding(Ailment::frozen, 1)->verdicts == found + 1);
  CHECK(most() == 2);
  CHECK(training.finding(Ailment::frozen, 2) == nullptr);
  training.simulation->after_update = [&] { training.hierarchy->set_awake(2); };
  training.run(1);  // at the end of a look: it is none
  CHECK(training.health->looks() == 64);
  training.simulation->after_update = [] {};
  training.run(16);
  CHECK(training.health->looks() == 80);
  CHECK(most() == 1);
  training.hierarchy->set_awake(1);
  training.run(1);
  MemoryArchive record;
  training.health->archive(record);
  CHECK(std::get<std::int64_t>(record.items().at("lesion/followed")) == 1);  // who wakes again begins its slow mean again
}

TEST_CASE("health: a level that wakes late is judged by the later half of its own verdicts") {
  Training training(text_levels, {}, {looked_every, false});
  training.simulation->start();
  training.hierarchy->set_awake(2);
  training.run(1600);
  training.hierarchy->set_awake(3);
  const auto worth = [&]() -> const Reading* {
    for (const Reading& reading : training.health->readings())
      if (reading.ailment == Ailment::ignored && reading.level == 2) return &reading;
    return nullptr;
  };
  training.run(128);
  CHECK(worth() == nullptr);  // the later half of its verdicts is of fewer than 2048 tokens
  training.run(128);
  REQUIRE(worth() != nullptr);
}

TEST_CASE("health: the slow mean of a level's share begins with the share where the level wakes") {
  Training training(text_levels, {}, {0, false});
  StreamLesion<float> lesion(*training.hierarchy);
  double apart = 0, share = 0;
  const auto look = [&](const Step<float>& step) {
    lesion.follow(step, 1. / 16);
    if (training.hierarchy->awake() < 3) return;
    const auto whole = values<float>(training.hierarchy->level(1).downward().stream, *training.device);
    const auto without = values<float>(lesion.stream_without(2), *training.device);
    const auto own = values<float>(training.hierarchy->level(2).contribution(), *training.device);
    const std::size_t n = own.size() / streams;
    for (std::size_t i = 0; i < n; ++i) {
      double difference = 0, mean = 0;
      for (std::size_t j = 0; j < streams; ++j) {
        difference += static_cast<double>(whole[j * n + i] - without[j * n + i]) / streams;
        mean += static_cast<double>(own[j * n + i]) / streams;
      }
      apart = std::max(apart, std::abs(difference));
      share = std::max(share, std::abs(mean));
    }
  };
  training.simulation->start();
  training.hierarchy->set_awake(2);
  training.simulation->before_observe = look;
  training.run(8);
  training.hierarchy->set_awake(3);
  training.simulation->before_observe = [](const Step<float>&) {};
  training.run(8);
  training.simulation->before_observe = look;
  training.simulation->advance();
  CHECK(share > 1e-3);
  CHECK(apart < 1e-3 * share);
}

TEST_CASE("health: looking changes no bit of what is learned") {
  for (const Lines& levels : {text_levels, gaussian_levels}) {
    Training looked(levels, {}, {looked_every, false}), alone(levels, {}, {0, false});
    for (Training* training : {&looked, &alone}) {
      training->simulation->start();
      training->run(48);
    }
    CHECK(looked.health->looks() == 48);
    CHECK(alone.health->looks() == 0);
    MemoryArchive first, second;
    for (const auto& [training, archive] : {std::pair{&looked, &first}, {&alone, &second}}) {
      training->hierarchy->archive_parameters(*archive);
      training->hierarchy->archive_state(*archive);
    }
    CHECK(differences(first, second).empty());
  }
}

TEST_CASE("health: a training that goes on from a checkpoint is treated with the same bits") {
  const Lines wrong{"relaxation.steps=1", "relaxation.rate=.05", "level.2.precision=1e8", "level.1.dropout=.9"};
  const auto make = [&] {
    auto training = std::make_unique<Training>(text_levels, wrong, HealthSettings{looked_every, true});
    training->hierarchy->level(2).visit_weights([](Weight<float>& weight) { weight.rate = 0; });
    return training;
  };
  const auto whole = make(), resumed = make();
  whole->simulation->start();
  whole->run(56);  // in the middle of a verdict, behind several cures and one bad verdict since
  REQUIRE(whole->health->treatments().size() >= 3);
  MemoryArchive checkpoint, expected, found;
  whole->archive(checkpoint);
  whole->run(90);
  whole->archive(expected);
  checkpoint.rewind();
  resumed->archive(checkpoint);
  resumed->run(90);
  resumed->archive(found);
  CHECK(differences(expected, found).empty());
  CHECK(whole->health->cured_keys() == resumed->health->cured_keys());
}

TEST_CASE("health: a training in which levels wake goes on from a checkpoint with the same bits") {
  for (const int since : {0, 8}) {  // looks since then
    Training whole(text_levels, {}, {looked_every, false}), resumed(text_levels, {}, {looked_every, false});
    whole.simulation->start();
    whole.hierarchy->set_awake(2);
    whole.run(40);
    whole.hierarchy->set_awake(3);
    whole.run(since);
    MemoryArchive checkpoint, expected, found;
    whole.archive(checkpoint);
    whole.run(300);
    whole.archive(expected);
    checkpoint.rewind();
    resumed.archive(checkpoint);
    resumed.run(300);
    resumed.archive(found);
    CHECK(differences(expected, found).empty());
    CHECK(resumed.health->looks() == 32 + since + 300);
  }
}
