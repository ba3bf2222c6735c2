// What may know of what: neighbours only, the past only, streams that read only, and nothing at all where learning is off.

#include <catch2/catch.hpp>
#include <type_traits>

#include "levels/registry.hpp"
#include "levels/situation.hpp"
#include "levels/token.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index streams = 4, vocabulary = 11;

// NOLINTBEGIN(misc-redundant-expression): clang-tidy 14 takes one type trait for another
// --- what a level is made of: its place names no other level, and its phases receive neighbours' messages, the step and nothing else
using Place = LevelPlace<double>;
using Unit = Level<double>;
static_assert(std::is_same_v<decltype(Place::device), Device<double>&> && std::is_same_v<decltype(Place::lexicon), Lexicon<double>&> &&
              std::is_same_v<decltype(Place::values), const Values&>);
static_assert(std::is_aggregate_v<Place>);
/// Compiles only while a place has these eleven members: a twelfth would have to be looked at here.
[[maybe_unused]] void members_of_a_place(const Place& place) {
  const auto& [device, lexicon, index, depth, inputs, above, stream, channels, its_streams, interval, seed, values] = place;
  static_assert(std::is_integral_v<std::remove_cvref_t<decltype(index)>> && std::is_integral_v<std::remove_cvref_t<decltype(depth)>> &&
                std::is_integral_v<std::remove_cvref_t<decltype(inputs)>> && std::is_integral_v<std::remove_cvref_t<decltype(above)>> &&
                std::is_integral_v<std::remove_cvref_t<decltype(stream)>> && std::is_integral_v<std::remove_cvref_t<decltype(channels)>> &&
                std::is_integral_v<std::remove_cvref_t<decltype(its_streams)>> &&
                std::is_integral_v<std::remove_cvref_t<decltype(interval)>> && std::is_integral_v<std::remove_cvref_t<decltype(seed)>>);
}
static_assert(std::is_constructible_v<SituationLevel<double>, Device<double>&, Lexicon<double>&, const SituationSettings&, Index, Index,
                                      Index, Index, Index, std::uint64_t>);
static_assert(
    std::is_constructible_v<TokenLevel<double>, Device<double>&, Lexicon<double>&, const TokenSettings&, Index, Index, std::uint64_t>);
using FromBelow = void (Unit::*)(const Step<double>&, const Upward<double>&);
using FromAbove = void (Unit::*)(const Step<double>&, const Downward<double>&);
static_assert(std::is_same_v<decltype(&Unit::observe), FromBelow> && std::is_same_v<decltype(&Unit::begin_settling), FromBelow> &&
              std::is_same_v<decltype(&Unit::carry), FromBelow> && std::is_same_v<decltype(&Unit::emit), FromAbove> &&
              std::is_same_v<decltype(&Unit::forecast), FromAbove>);
static_assert(std::is_same_v<decltype(&Unit::settle), void (Unit::*)(const Upward<double>&, ConstView<double>)> &&
              std::is_same_v<decltype(&Unit::repredict), void (Unit::*)(const Downward<double>&)> &&
              std::is_same_v<decltype(&Unit::end_settling), void (Unit::*)(const Step<double>&)> &&
              std::is_same_v<decltype(&Unit::learn), void (Unit::*)(const Step<double>&)>);
// NOLINTEND(misc-redundant-expression)

std::vector<std::string> lines(bool every_token) {
  std::vector<std::string> all{"hierarchy.levels=4", "learning.rate=.03", "learning.warm_up=0", "level.0.priming=1"};
  for (const char* l : {"1", "2", "3"}) {
    const std::string level = "level." + std::string(l) + ".";
    if (every_token) all.push_back(level + "tick=1");
    for (const char* line : {"broad_interval=3", "broad_limit=20", "gate=1", "gate_threshold=.5", "carry_rate=.02", "broad_from_above=1",
                             "broad_cache=.2", "stability=.1", "bottleneck=.1", "consistency=.1", "reconstruction=.1", "contrastive=.1"})
      all.push_back(level + line);
  }
  return all;
}

std::vector<std::string> of_level(const std::vector<std::string>& names, Index l) {
  std::vector<std::string> found;
  for (const auto& name : names)
    if (name.rfind("level_" + std::to_string(l) + "/", 0) == 0) found.push_back(name);
  return found;
}

/// Adds .1 to every element behind a message or belief.
void disturb(Device<double>& device, ConstView<double> view) {
  if (view.data != nullptr)
    device.add_scalar(.1, {const_cast<double*>(view.data), view.rows, view.cols, view.ld});  // NOLINT: that is the point
}

/// One phase of all levels in the hierarchy's order; each level's messages are taken before anybody moves, so that a disturbance goes one
/// step far.
enum class Phase { observe, settle, repredict, emit, carry, forecast };

void play(Hierarchy<double>& hierarchy, Phase phase, Index l, const Step<double>& step) {
  Level<double>& level = hierarchy.level(l);
  const auto below = l > 0 ? hierarchy.level(l - 1).upward() : Upward<double>{};
  const auto above = l + 1 < hierarchy.depth() ? hierarchy.level(l + 1).downward() : Downward<double>{};
  switch (phase) {
    case Phase::observe: return level.observe(step, below);
    case Phase::settle: return level.settle(below, step.active);
    case Phase::repredict: return l + 1 < hierarchy.depth() ? level.repredict(above) : void();
    case Phase::emit: return level.emit(step, above);
    case Phase::carry: return level.carry(step, below);
    case Phase::forecast: return level.forecast(step, above);
  }
}

/// What level `watched` carries after one of its phases, level `l` disturbed (-1: none) after settling: its beliefs, and every message it
/// sends but
/// the relayed emission error, which is the token level's.
MemoryArchive after_disturbance(Index disturbed, Index watched, Phase phase) {
  Tiny<double> tiny(lines(true), streams);
  Hierarchy<double>& hierarchy = *tiny.hierarchy;
  Probe<double> probe(hierarchy, *tiny.world, tiny.learning.get());
  probe.start();
  probe.run(25);
  probe.begin();
  if (disturbed >= 0) {
    Level<double>& level = hierarchy.level(disturbed);
    for (const auto& node : level.nodes()) disturb(*tiny.device, node.belief);
    level.refresh();
    disturb(*tiny.device, level.downward().activity);
    disturb(*tiny.device, level.downward().stream);
    disturb(*tiny.device, level.downward().expected);
    disturb(*tiny.device, level.upward().feedback);
    if (disturbed == 0) disturb(*tiny.device, level.upward().emission_error);
    if (disturbed > 0) disturb(*tiny.device, level.upward().features);
  }
  play(hierarchy, phase, watched, probe.step());
  return state_of(hierarchy);
}

}  // namespace

TEST_CASE("locality: a level's state reaches its neighbours only, and those through messages") {
  for (const Phase phase : {Phase::settle, Phase::repredict, Phase::emit, Phase::carry, Phase::forecast})
    for (Index watched = 0; watched < 4; ++watched) {
      const auto still = after_disturbance(-1, watched, phase);
      for (Index disturbed = 0; disturbed < 4; ++disturbed) {
        if (disturbed == watched) continue;
        const bool neighbours = disturbed == watched + 1 || disturbed == watched - 1;
        INFO("phase " << static_cast<int>(phase) << " of level " << watched << ", level " << disturbed << " disturbed");
        const auto changed = of_level(differences(still, after_disturbance(disturbed, watched, phase)), watched);
        // The token level's own error is relayed upwards by every level: the one message that goes further, and it is the world's.
        const bool relayed = disturbed == 0 && phase == Phase::settle;
        if (!neighbours && !relayed) CHECK(changed.empty());
        if (neighbours && watched > 0 && phase == Phase::settle && disturbed < watched) CHECK_FALSE(changed.empty());
        if (neighbours && phase == Phase::forecast && disturbed > watched) CHECK_FALSE(changed.empty());
      }
    }
}

TEST_CASE("locality: no level's state can be read through the lexicon") {
  // Within a step the lexicon's vectors do not move, and no level reads the gradient that others have written.
  Tiny<double> tiny(lines(true), streams), other(lines(true), streams);
  Probe<double> a(*tiny.hierarchy, *tiny.world, tiny.learning.get()), b(*other.hierarchy, *other.world, other.learning.get());
  for (auto* probe : {&a, &b}) {
    probe->start();
    probe->run(10);
  }
  const auto before = weight_values(*tiny.hierarchy).at("lexicon").data;
  other.device->fill(other.hierarchy->lexicon().vectors.gradient, 7);
  for (auto* probe : {&a, &b}) {
    probe->begin();
    probe->hierarchy.carry(probe->step());
    probe->hierarchy.forecast(probe->step());
  }
  CHECK(weight_values(*tiny.hierarchy).at("lexicon").data == before);
  CHECK(differences(state_of(*tiny.hierarchy), state_of(*other.hierarchy)).empty());
}

TEST_CASE("locality: nothing of the future is used") {
  constexpr Index common = 40, length = 80;
  const auto record = [](std::uint64_t later) {
    ScriptedWorld world(streams, vocabulary, length, [later](Index t, Index j) {
      return random_word((t < common ? 1 : later) + static_cast<std::uint64_t>(10 * j), t, vocabulary);
    });
    Tiny<double> tiny(lines(false), streams);
    Probe<double> probe(*tiny.hierarchy, world, tiny.learning.get());
    probe.start();
    std::vector<std::vector<double>> recorded;
    for (Index t = 0; t < length; ++t) {
      probe.run(1);
      std::vector<double> all;
      for (Index l = 0; l < 4; ++l) {
        const auto s = tiny.hierarchy->level(l).snapshot();
        for (const auto view : {s.prediction, s.belief, s.prediction_error, s.error_norm, s.surprise, s.free_energy}) {
          const auto x = values<double>(view, *tiny.device);
          all.insert(all.end(), x.begin(), x.end());
        }
      }
      for (const auto& [name, weight] : weight_values(*tiny.hierarchy)) all.insert(all.end(), weight.data.begin(), weight.data.end());
      recorded.push_back(std::move(all));
    }
    return recorded;
  };
  const auto a = record(1), b = record(2);
  for (Index t = 0; t < common; ++t) CHECK(a[static_cast<std::size_t>(t)] == b[static_cast<std::size_t>(t)]);
  CHECK(a[common] != b[common]);
}

TEST_CASE("locality: an idle stream changes nothing and is not changed") {
  constexpr Index before = 30, idle = 3;
  // Stream 3 reads one of two histories while learning is off, then nothing, while the others learn.
  const auto run = [](std::uint64_t history) {
    ScriptedWorld world(streams, vocabulary, 1000, [history](Index t, Index j) {
      Word word = random_word(j == idle ? history : static_cast<std::uint64_t>(j), t, vocabulary);
      word.active = j != idle || t < before;
      return word;
    });
    Tiny<double> tiny(lines(false), streams);
    Probe<double> silent(*tiny.hierarchy, world, nullptr);
    silent.start();
    silent.run(before);
    const auto then = state_of(*tiny.hierarchy);
    Probe<double> learning(*tiny.hierarchy, world, tiny.learning.get());
    learning.run(40);
    const auto now = state_of(*tiny.hierarchy);
    for (const char* name : {"level_1/h", "level_2/h", "level_3/h", "level_1/kap", "level_2/kap", "level_3/kap", "level_1/features",
                             "level_2/mu", "level_3/mu", "level_1/belief", "level_3/rho_sum"}) {
      const ArchivedMatrix &a = then.at(name), &b = now.at(name);
      INFO(name);
      CHECK(std::equal(a.data.begin() + idle * a.rows, a.data.end(), b.data.begin() + idle * b.rows));
      CHECK_FALSE(a.data == b.data);
    }
    for (Index l = 0; l < 4; ++l) CHECK(values<double>(tiny.hierarchy->level(l).snapshot().error_norm, *tiny.device).size() == streams);
    return parameters_of(*tiny.hierarchy);
  };
  CHECK(differences(run(100), run(200)).empty());
}

TEST_CASE("locality: with learning off nothing of the model moves") {
  Tiny<double> tiny(lines(false), streams);
  Probe<double> learning(*tiny.hierarchy, *tiny.world, tiny.learning.get());
  learning.start();
  learning.run(40);
  const auto before = parameters_of(*tiny.hierarchy);
  Probe<double> silent(*tiny.hierarchy, *tiny.world, nullptr);
  silent.run(80);
  CHECK(differences(before, parameters_of(*tiny.hierarchy)).empty());
  for (const char* name :
       {"level_1/gain", "level_1/mean", "level_1/power", "level_1/gate/mean", "level_1/gate/variance", "level_1/broad_sharpness"})
    CHECK(before.items().count(name) == 1);
  learning.run(80);
  CHECK(differences(before, parameters_of(*tiny.hierarchy)).size() == before.items().size());  // and with learning on everything does
}
