// The training schedule: sleeping levels say and learn nothing, wake in order, and what is off changes no bit.

#include <catch2/catch.hpp>
#include <cmath>
#include <utility>

#include "core/error.hpp"
#include "core/memory_archive.hpp"
#include "core/schedule.hpp"
#include "levels/situation.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index streams = 3, interval = 2, planned = 200;

const std::vector<std::string>& shape() {
  static const std::vector<std::string> lines{"hierarchy.levels=4",       "level.1.tau=3",           "level.2.tau=10",
                                              "level.3.tau=40",           "learning.warm_up=10",     "learning.rate=.01",
                                              "level.1.broad_interval=4", "level.2.broad_interval=8"};
  return lines;
}

/// A tiny hierarchy that learns by a schedule.
struct Scheduled {
  explicit Scheduled(const ScheduleSettings& settings, const std::vector<std::string>& lines = shape())
      : tiny(lines, streams, interval, 11), schedule(settings, *tiny.hierarchy, planned, interval) {
    tiny.learning->schedule = &schedule;
    tiny.simulation->after_update = [this] {
      schedule.advance(*tiny.hierarchy, tiny.learning->updates(), tiny.simulation->nats(), tiny.simulation->tokens());
    };
  }
  void run(Index updates) {
    for (Index step = 0; step < updates * interval; ++step) REQUIRE(tiny.simulation->advance());
  }
  /// All weights of a level.
  std::vector<double> weights(Index level) {
    std::vector<double> all;
    tiny.hierarchy->level(level).visit_weights([&](const Weight<double>& weight) {
      const auto own = values<double>(weight.value.view(), *tiny.device);
      all.insert(all.end(), own.begin(), own.end());
    });
    return all;
  }
  Tiny<double> tiny;
  Schedule<double> schedule;
};

/// A level that says what its own predictions have cost.
class Telling final : public SituationLevel<double> {
 public:
  using SituationLevel<double>::SituationLevel;
  Loss take_loss() override { return std::exchange(told, {}); }
  Loss told;
};

/// A curriculum over three levels that read nothing: what they and the next token cost is told.
struct Told {
  explicit Told(const ScheduleSettings& its_settings) : settings(its_settings) {
    auto lexicon = std::make_unique<Lexicon<double>>(*device, 2, std::vector<double>(3, -std::log(3.0)), .1, 1);
    std::vector<std::unique_ptr<Level<double>>> levels;
    for (Index l = 0; l < depth; ++l) {
      SituationSettings situation;
      situation.index = l + 1;
      situation.tick = 1;
      auto level = std::make_unique<Telling>(*device, *lexicon, situation, 2, l + 1 < depth ? 2 : 0, depth + 1, 1, 1, 1);
      told.push_back(level.get());
      levels.push_back(std::move(level));
    }
    hierarchy = std::make_unique<Hierarchy<double>>(*device, std::move(lexicon), std::move(levels), 1, RelaxationSettings{});
    schedule = std::make_unique<Schedule<double>>(settings, *hierarchy, planned, 1);
  }

  /// Updates from when level `of` woke until it had settled. Means of its own loss fall by the part `own`, those of all others by `other`, each over
  /// more predictions than the one before. Until it woke nothing fell.
  Index settles_after(Index of, double own, double other) {
    const auto settled = [&](Index level) {
      return level + 1 < depth ? static_cast<Index>(schedule->woken().size()) > level + 1 : schedule->pace(0) == 1;
    };
    Index updates = 0, since = 0;
    double nats = 0, tokens = 0;
    for (Index newest = 0; newest <= of; ++newest)
      for (since = 0; !settled(newest); ++since) {
        const Index whole = since / settings.settle_updates;
        const auto means = static_cast<double>(whole);
        const auto tell = [&](double first, double fall) {
          const double count = std::floor(64 * std::pow(1.3, means));
          return Loss{first * std::pow(newest == of ? 1 - fall : 1, means) * count, count};
        };
        for (Index l = 1; l < depth; ++l)
          told[static_cast<std::size_t>(l)]->told = tell(10 * static_cast<double>(l), l == newest ? own : other);
        const Loss next = tell(3, other);
        schedule->advance(*hierarchy, ++updates, nats += next.nats, static_cast<std::int64_t>(tokens += next.count));
      }
    return since;
  }

  static constexpr Index depth = 3;
  std::unique_ptr<Device<double>> device = make_device<double>({"reference", "auto", 0});
  ScheduleSettings settings;
  std::vector<Telling*> told;
  std::unique_ptr<Hierarchy<double>> hierarchy;
  std::unique_ptr<Schedule<double>> schedule;
};

ScheduleSettings upward(double stage) {
  ScheduleSettings s;
  s.upward = true;
  s.settled = 0;  // never by themselves: random words teach nothing for long
  s.stage = stage;
  return s;
}

}  // namespace

TEST_CASE("schedule: one that changes nothing changes no bit") {
  Scheduled with({});
  Tiny<double> without(shape(), streams, interval, 11);
  with.run(40);
  for (Index step = 0; step < 40 * interval; ++step) without.simulation->advance();
  CHECK(with.tiny.simulation->nats() == without.simulation->nats());
  CHECK(differences(parameters_of(*with.tiny.hierarchy), parameters_of(*without.hierarchy)).empty());
  CHECK(with.schedule.woken().size() == 4);
}

TEST_CASE("schedule: levels sleep until those below have had their stage") {
  Scheduled run(upward(.1));  // 20 updates each
  const auto first = run.weights(1), third = run.weights(3);
  run.run(19);
  CHECK(run.tiny.hierarchy->awake() == 1);
  CHECK(run.weights(1) == first);
  for (const double said : values<double>(run.tiny.hierarchy->level(1).contribution(), *run.tiny.device)) CHECK(said == 0);
  run.run(1);
  CHECK(run.tiny.hierarchy->awake() == 2);
  run.run(20);
  CHECK(run.weights(1) != first);
  CHECK(run.tiny.hierarchy->awake() == 3);
  CHECK(run.weights(3) == third);
  CHECK(run.schedule.pace(0) < 1);
  CHECK(run.schedule.pace(2) == 1);
  run.run(20);
  CHECK(run.schedule.woken() == std::vector<std::int64_t>{0, 20, 40, 60});
  CHECK(run.schedule.pace(0) < 1);  // the highest has not settled yet
  run.run(20);
  CHECK(run.schedule.pace(0) == 1);
  CHECK(run.weights(3) != third);
}

TEST_CASE("schedule: levels below the newest learn at their part of the rate, and what cannot be learned yet stays") {
  ScheduleSettings settings = upward(.1);
  settings.below = 0;
  Scheduled run(settings);
  const auto lexicon = [&] { return values<double>(run.tiny.hierarchy->lexicon().vectors.value.view(), *run.tiny.device); };
  const auto of_above = [&](Index level) {
    std::vector<double> own;
    run.tiny.hierarchy->level(level).visit_weights([&](const Weight<double>& weight) {
      if (weight.from_above) own = values<double>(weight.value.view(), *run.tiny.device);
    });
    return own;
  };
  const auto words = lexicon(), first = of_above(1);
  run.run(20);
  CHECK(lexicon() == words);
  const auto lowest = run.weights(0);
  run.run(20);
  CHECK(run.weights(0) == lowest);
  CHECK(lexicon() != words);
  CHECK(of_above(1) == first);
  run.run(40);  // the highest has had its stage: all learn again
  CHECK(run.weights(0) == lowest);
  run.run(1);
  CHECK(run.weights(0) != lowest);
  CHECK(of_above(1) != first);
}

TEST_CASE("schedule: what a level is like after it woke does not depend on how long it slept") {
  ScheduleSettings settings = upward(.1);
  Scheduled run(settings);
  const auto before = run.weights(1);
  run.run(21);  // one update behind its waking: as small a step as any first one
  const auto after = run.weights(1);
  const double step = .01 / 10;  // of a warm-up of 10
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(std::abs(after[i] - before[i]) <= step * (1 + .02 * std::abs(before[i])) * 1.0001);
  CHECK(after != before);
}

TEST_CASE("schedule: a level has settled when its own loss no longer falls") {
  ScheduleSettings settings = upward(.3);
  settings.settled = .05;
  settings.settle_updates = 5;
  Scheduled run(settings);
  run.run(planned);
  const auto woken = run.schedule.woken();
  REQUIRE(woken.size() == 4);
  for (std::size_t l = 1; l < woken.size(); ++l) {
    CHECK(woken[l] - woken[l - 1] >= 2 * settings.settle_updates);  // two means at least
    CHECK(woken[l] - woken[l - 1] < 60);                            // and not for want of time
  }
}

TEST_CASE("schedule: a level whose own loss falls has not settled, whatever the next token costs; of the lowest that is its own") {
  ScheduleSettings settings = upward(.3);
  settings.settled = .05;
  settings.settle_updates = 4;
  const Index at_once = 2 * settings.settle_updates, at_last = 60;  // two means; a stage
  const auto after = [&](Index of, double own, double other) { return Told(settings).settles_after(of, own, other); };
  CHECK(after(0, 0, .1) == at_last);
  CHECK(after(0, 0, .06) == at_last);
  CHECK(after(0, 0, .04) == at_once);
  CHECK(after(0, 0, 0) == at_once);
  for (const Index of : {1, 2}) {
    CAPTURE(of);
    CHECK(after(of, .1, 0) == at_last);
    CHECK(after(of, .06, 0) == at_last);
    CHECK(after(of, .04, .1) == at_once);
    CHECK(after(of, 0, .1) == at_once);
    CHECK(after(of, -.1, .1) == at_once);  // it rises
  }
}

TEST_CASE("schedule: weights change in the level's own ticks, by the mean of what was learned") {
  ScheduleSettings settings;
  settings.own_ticks = 2;
  Scheduled run(settings);
  REQUIRE(run.tiny.hierarchy->level(3).tick() == 5);
  CHECK(run.schedule.wait(0) == 1);
  CHECK(run.schedule.wait(3) == 5);  // two ticks of 5 tokens, an update every 2 tokens
  auto before = run.weights(3);
  for (Index update = 1; update <= 20; ++update) {
    run.run(1);
    const auto now = run.weights(3);
    CHECK((now != before) == (update % 5 == 0));
    before = now;
  }
}

TEST_CASE("schedule: what a level that waits has learned is the mean of the gradients since") {
  auto lines = shape();
  for (const char* line : {"learning.warm_up=0", "learning.weight_decay=0", "learning.floor=1"}) lines.emplace_back(line);
  ScheduleSettings settings;
  settings.own_ticks = 2;
  for (const Index level : {2, 3}) {
    Scheduled waiting(settings, lines), gathering({}, lines);
    const Index wait = waiting.schedule.wait(level);
    CAPTURE(level, wait);
    REQUIRE(wait > 1);
    // Nothing else changes in the one, and nothing at all in the other: both have the same gradients until the first change.
    waiting.tiny.hierarchy->lexicon().vectors.rate = 0;
    for (Index l = 0; l < 4; ++l)
      if (l != level) waiting.tiny.hierarchy->level(l).visit_weights([](Weight<double>& weight) { weight.rate = 0; });
    gathering.tiny.hierarchy->visit_weights([](Weight<double>& weight) { weight.idle = true; });
    std::vector<double> last, mean;
    gathering.tiny.simulation->after_update = [&] {
      last.clear();
      gathering.tiny.hierarchy->level(level).visit_weights([&](Weight<double>& weight) {
        const auto own = values<double>(weight.gradient.view(), *gathering.tiny.device);
        last.insert(last.end(), own.begin(), own.end());
        gathering.tiny.device->fill(weight.gradient, 0);
      });
      mean.resize(last.size());
      for (std::size_t i = 0; i < last.size(); ++i) mean[i] += last[i] / static_cast<double>(wait);
    };
    const auto before = waiting.weights(level);
    waiting.run(wait);
    gathering.run(wait);
    REQUIRE(gathering.weights(level) == before);
    const auto now = waiting.weights(level);
    REQUIRE(mean.size() == now.size());
    double most = 0;
    for (std::size_t i = 0; i < now.size(); ++i) {
      const double change = .01 * mean[i] / (std::abs(mean[i]) + 1);  // Adam's first, by a floor of 1
      REQUIRE(now[i] - before[i] == Approx(change).epsilon(1e-6).margin(1e-14));
      most = std::max(most, std::abs(mean[i]));
    }
    CHECK(most > 1e-3);
    CHECK(relative_distance(last, mean) > .1);
  }
}

TEST_CASE("schedule: a light level is one of shorter time constants, and whole in the end") {
  const std::vector<std::string> still{"hierarchy.levels=2", "learning.rate=0", "level.1.tick=1", "level.1.carry=0",
                                       "level.1.broad_weight=0"};
  auto heavy = still, light = still;
  heavy.emplace_back("level.1.tau=12");
  light.emplace_back("level.1.tau=3");
  ScheduleSettings settings;
  settings.lightness = .25;
  settings.hardening = .5;
  Scheduled hardening(settings, heavy), always_light({}, light), always_heavy({}, heavy);
  const auto mu = [](Scheduled& run) { return values<double>(run.tiny.hierarchy->level(1).snapshot().prediction, *run.tiny.device); };
  for (Scheduled* run : {&hardening, &always_light, &always_heavy}) REQUIRE(run->tiny.simulation->advance());
  CHECK(mu(hardening) == mu(always_light));
  CHECK(mu(hardening) != mu(always_heavy));
  for (Scheduled* run : {&hardening, &always_heavy}) run->run(planned / 2 + 400);  // long after: the memory holds nothing else
  for (std::size_t i = 0; i < mu(hardening).size(); ++i) CHECK(mu(hardening)[i] == Approx(mu(always_heavy)[i]).margin(1e-9));
}

TEST_CASE("schedule: a run that is restored goes on with the same bits") {
  ScheduleSettings settings = upward(.1);
  settings.settled = 1e-3;
  settings.settle_updates = 7;
  settings.own_ticks = 4;
  settings.lightness = .3;
  Scheduled whole(settings);
  REQUIRE(whole.schedule.wait(1) == 2);
  const auto body = [](Archive& archive, Scheduled& run) {
    run.tiny.hierarchy->archive_parameters(archive);
    archive_learner(archive, *run.tiny.hierarchy, *run.tiny.learning);
    {
      Archive::Scope scope(archive, "schedule");
      run.schedule.archive(archive, *run.tiny.hierarchy);
    }
    Archive::Scope scope(archive, "simulation");
    run.tiny.simulation->archive(archive);
  };
  whole.run(31);  // in the middle of a stage, of a mean and of a wait
  REQUIRE(whole.tiny.hierarchy->awake() > 1);
  REQUIRE(whole.tiny.hierarchy->awake() < 4);
  MemoryArchive checkpoint;
  body(checkpoint, whole);
  whole.run(69);
  Scheduled again(settings);
  checkpoint.rewind();
  body(checkpoint, again);
  again.run(69);
  CHECK(again.tiny.simulation->nats() == whole.tiny.simulation->nats());
  for (Index l = 0; l < 4; ++l) CHECK(again.weights(l) == whole.weights(l));
  CHECK(again.schedule.woken() == whole.schedule.woken());
}

TEST_CASE("schedule: levels of which none can begin light are refused it") {
  Configuration configuration;
  for (const char* line : {"hierarchy.levels=2", "level.0.kind=gaussian", "level.1.kind=gaussian"}) configuration.set_assignment(line);
  const auto device = make_device<double>({"reference", "auto", 0});
  const auto hierarchy = build_hierarchy<double>(configuration, *device, std::vector<double>(11, -std::log(11.)), streams, interval, 1);
  Tiny<double> tiny(shape(), streams, interval, 11);
  ScheduleSettings light;
  CHECK_NOTHROW(Schedule<double>(light, *hierarchy, planned, interval));
  light.lightness = .5;
  CHECK_THROWS_AS(Schedule<double>(light, *hierarchy, planned, interval), ConfigError);
  CHECK_NOTHROW(Schedule<double>(light, *tiny.hierarchy, planned, interval));
}

TEST_CASE("schedule: stages that leave the highest level no time are refused") {
  Tiny<double> tiny(shape(), streams, interval, 11);
  CHECK_THROWS_AS(Schedule<double>(upward(.4), *tiny.hierarchy, planned, interval), ConfigError);
  CHECK_THROWS_AS(Schedule<double>(upward(.3), *tiny.hierarchy, 3, interval), ConfigError);  // three updates for four levels
  CHECK_NOTHROW(Schedule<double>(upward(.3), *tiny.hierarchy, 4, interval));
  ScheduleSettings rare;
  rare.own_ticks = 100;
  CHECK_THROWS_AS(Schedule<double>(rare, *tiny.hierarchy, planned, interval), ConfigError);
}

TEST_CASE("schedule: weights that wait learn with words as they are now, on every device") {
  ScheduleSettings settings;
  settings.own_ticks = 6;  // the token level's too: three updates
  const auto nats = [&](const std::string& device) {
    Tiny<float> tiny(shape(), streams, interval, 11, true, 1, device);
    Schedule<float> schedule(settings, *tiny.hierarchy, planned, interval);
    REQUIRE(schedule.wait(0) == 3);
    tiny.learning->schedule = &schedule;
    for (int step = 0; step < 40 * interval; ++step) tiny.simulation->advance();
    return tiny.simulation->nats();
  };
  CHECK(nats("cpu") == Approx(nats("reference")).epsilon(1e-5));
}
