#include "experiments/worlds/oddball/paradigms.hpp"

#include <array>
#include <cmath>

#include "core/error.hpp"

namespace strata::oddball {
namespace {

using Entries = std::vector<Eigen::Triplet<double>>;

constexpr Index tones_per_trial = 5;
constexpr double most_transitions = 4e6;

Chain blank(const std::string& name, Index states, Index vocabulary, std::size_t levels) {
  Chain chain;
  chain.name = name;
  chain.transition.resize(states, states);
  chain.emission.setZero(states, vocabulary);
  chain.start.setZero(states);
  chain.long_run.setZero(states);
  chain.label.assign(levels, std::vector<std::int32_t>(static_cast<std::size_t>(states)));
  chain.place.assign(static_cast<std::size_t>(states), 0);
  return chain;
}

Chain local_global(const Settings& s) {
  const Index places = tones_per_trial + s.gap;
  Chain chain = blank("the local-global oddball", 4 * places, 3, 3);
  chain.contexts = {3, 4, 2};
  const auto length = static_cast<double>(places);
  chain.time_constants = {length / 2, length, length * s.block};  // the tone changes twice per trial
  chain.opens.assign(static_cast<std::size_t>(4 * places), 0);
  chain.deviant = chain.opens;
  const auto chance = [&](Index block, Index trial) { return block == trial ? s.rule : 1 - s.rule; };
  Entries entries;
  for (Index kind = 0; kind < 4; ++kind) {
    const Index block = kind / 2, trial = kind % 2;
    for (Index place = 0; place < places; ++place) {
      const Index state = kind * places + place;
      const auto at = static_cast<std::size_t>(state);
      const Index tone = place >= tones_per_trial ? 2 : place == tones_per_trial - 1 ? trial : 0;
      chain.emission(state, tone) = 1;
      chain.label[0][at] = static_cast<std::int32_t>(tone);
      chain.label[1][at] = static_cast<std::int32_t>(kind);
      chain.label[2][at] = static_cast<std::int32_t>(block);
      chain.place[at] = static_cast<std::int32_t>(place);
      chain.opens[at] = place == 0 ? 1 : 0;
      chain.deviant[at] = place == tones_per_trial - 1 && (trial == 1 || trial != block) ? 1 : 0;
      chain.long_run(state) = chance(block, trial) / 2 / length;
      if (place == 0) chain.start(state) = chance(block, trial) / 2;
      if (place + 1 < places) {
        entries.emplace_back(state + 1, state, 1);
        continue;
      }
      for (Index next = 0; next < 4; ++next)
        entries.emplace_back(next * places, state, (next / 2 == block ? 1 - 1 / s.block : 1 / s.block) * chance(next / 2, next % 2));
    }
  }
  chain.transition.setFromTriplets(entries.begin(), entries.end());
  return chain;
}

Chain roving(const Settings& s) {
  Chain chain = blank("the roving oddball", s.tones * s.longest, s.tones, 1);
  const auto tones = static_cast<double>(s.tones);
  const double mean = static_cast<double>(s.shortest + s.longest) / 2;
  chain.contexts = {s.tones};
  chain.time_constants = {mean};
  Entries entries;
  for (Index tone = 0; tone < s.tones; ++tone) {
    for (Index heard = 0; heard < s.longest; ++heard) {  // repetitions before this one
      const Index state = tone * s.longest + heard;
      const auto at = static_cast<std::size_t>(state);
      chain.emission(state, tone) = 1;
      chain.label[0][at] = static_cast<std::int32_t>(tone);
      chain.place[at] = static_cast<std::int32_t>(heard);
      const auto at_least = [&](Index n) {  // P(train has n tones or more)
        return n <= s.shortest ? 1. : static_cast<double>(s.longest - n + 1) / static_cast<double>(s.longest - s.shortest + 1);
      };
      chain.long_run(state) = at_least(heard + 1) / mean / tones;
      if (heard == 0) chain.start(state) = 1 / tones;
      const double more = heard + 1 == s.longest ? 0 : at_least(heard + 2) / at_least(heard + 1);
      if (more > 0) entries.emplace_back(state + 1, state, more);
      for (Index other = 0; more < 1 && other < s.tones; ++other) {
        if (other != tone) entries.emplace_back(other * s.longest, state, (1 - more) / (tones - 1));
      }
    }
  }
  chain.transition.setFromTriplets(entries.begin(), entries.end());
  return chain;
}

Chain many_standards(const Settings& s) {
  Chain chain = blank("the many-standards sequence", s.tones, s.tones, 1);
  const double chance = 1 / static_cast<double>(s.tones);
  chain.contexts = {s.tones};
  chain.time_constants = {1 / (1 - chance)};
  Entries entries;
  for (Index tone = 0; tone < s.tones; ++tone) {
    chain.emission(tone, tone) = 1;
    chain.label[0][static_cast<std::size_t>(tone)] = static_cast<std::int32_t>(tone);
    chain.start(tone) = chain.long_run(tone) = chance;
    for (Index next = 0; next < s.tones; ++next) entries.emplace_back(next, tone, chance);
  }
  chain.transition.setFromTriplets(entries.begin(), entries.end());
  return chain;
}

Chain hazard(const Settings& s) {
  Chain chain = blank("the hazard blocks", 2 * s.grid, 2, 2);
  const auto grid = static_cast<double>(s.grid);
  const std::array<double, 2> hazards{s.stable, s.volatility};
  chain.contexts = {s.grid, 2};
  chain.time_constants = {std::min(1e9, 2 / (s.stable + s.volatility)), s.block};
  Entries entries;
  for (Index state = 0; state < 2 * s.grid; ++state) {
    const Index block = state / s.grid, i = state % s.grid;
    const auto at = static_cast<std::size_t>(state);
    const double p = static_cast<double>(i + 1) / (grid + 1);
    chain.emission(state, 0) = 1 - p;
    chain.emission(state, 1) = p;
    chain.label[0][at] = static_cast<std::int32_t>(i);
    chain.label[1][at] = static_cast<std::int32_t>(block);
    chain.start(state) = chain.long_run(state) = 1 / (2 * grid);
    for (Index next = 0; next < 2 * s.grid; ++next) {
      const Index into = next / s.grid;
      const double h = hazards[static_cast<std::size_t>(into)];
      const double jump = h / grid + (next % s.grid == i ? 1 - h : 0);
      const double weight = (into == block ? 1 - 1 / s.block : 1 / s.block) * jump;
      if (weight > 0) entries.emplace_back(next, state, weight);
    }
  }
  chain.deviant.assign(static_cast<std::size_t>(2 * s.grid), 0);
  chain.transition.setFromTriplets(entries.begin(), entries.end());
  return chain;
}

void check_control(const Settings& s) {
  if (s.control == "many_standards" && s.paradigm != "roving")
    throw ConfigError("world.control", s.control, "is the control of world.paradigm = roving, not of " + s.paradigm);
  if (s.control == "no_volatility" && s.paradigm != "hazard")
    throw ConfigError("world.control", s.control, "is the control of world.paradigm = hazard, not of " + s.paradigm);
}

void check_trains(const Settings& s) {
  if (s.shortest > s.longest)
    throw ConfigError("world.shortest", std::to_string(s.shortest), "is more than world.longest = " + std::to_string(s.longest));
  const auto tones = static_cast<double>(s.tones), longest = static_cast<double>(s.longest);
  if (s.paradigm == "roving" && tones * tones * longest > most_transitions)
    throw ConfigError("world.tones", std::to_string(s.tones),
                      "with trains of up to " + std::to_string(s.longest) + " is too large a world; use fewer tones or shorter trains");
}

}  // namespace

ParameterTable parameters() {
  const std::string local = "Bekinschtein et al. 2009", train = "Garrido et al. 2008", volatile_ = "Behrens et al. 2007";
  return {
      {"paradigm", std::string("local_global"), 0, 0, {"local_global", "roving", "hazard"}, "", "which sequence is played", ""},
      {"control",
       std::string("none"),
       0,
       0,
       {"none", "many_standards", "no_volatility"},
       "",
       "a sequence in which the effect must fail: many_standards (roving), no_volatility (hazard)",
       ""},
      {"observer",
       std::string("dirichlet"),
       0,
       0,
       {"dirichlet", "laws"},
       "",
       "roving: the exact observer counts tones and forgets, or knows the trains",
       "Meyniel et al. 2016"},
      {"rule", .8, .5, .999, {}, "1", "local_global: part of a block's trials that follow its rule", local},
      {"gap", std::int64_t{3}, 1, 64, {}, "tokens", "local_global: silence after the five tones", local},
      {"block",
       std::int64_t{0},
       0,
       1e9,
       {},
       "trials",
       "local_global, hazard: mean length of a block; 0: 100 trials of local_global, 400 of hazard",
       volatile_},
      {"tones", std::int64_t{8}, 2, 256, {}, "tones", "roving: different tones", train},
      {"shortest", std::int64_t{3}, 1, 1000, {}, "tones", "roving: shortest train", train},
      {"longest", std::int64_t{11}, 1, 1000, {}, "tones", "roving: longest train", train},
      {"memory", 10., 0, 1e9, {}, "steps", "roving: time constant of the counting observer; 0: it forgets nothing", "Meyniel et al. 2016"},
      {"concentration", 1., 1e-6, 1e6, {}, "counts", "roving: pseudo-counts per tone of the counting observer", "Dirichlet prior"},
      {"hazards",
       std::string("0.01, 0.1"),
       0,
       0,
       {},
       "1",
       "hazard: probability per step that p is drawn anew, in stable and in volatile blocks",
       volatile_},
      {"grid", std::int64_t{19}, 2, 199, {}, "values", "hazard: values that p can have, i / (grid + 1)", volatile_},
  };
}

Settings settings(const Values& values) {
  Settings s;
  s.paradigm = values.text("paradigm");
  s.control = values.text("control");
  s.counting = values.text("observer") == "dirichlet";
  s.rule = values.real("rule");
  s.gap = values.integer("gap");
  s.tones = values.integer("tones");
  s.shortest = values.integer("shortest");
  s.longest = values.integer("longest");
  s.memory = values.real("memory");
  s.concentration = values.real("concentration");
  s.grid = values.integer("grid");
  s.block = values.real("block") > 0 ? values.real("block") : s.paradigm == "hazard" ? 400 : 100;
  const std::vector<double> hazards = real_list("world.hazards", values.text("hazards"), 0, 1);
  if (hazards.size() != 2 || hazards[0] > hazards[1])
    throw ConfigError("world.hazards", values.text("hazards"),
                      "must be two numbers, the stable blocks' and the volatile blocks', the smaller first");
  s.stable = hazards[0];
  s.volatility = hazards[1];
  check_control(s);
  check_trains(s);
  if (s.control == "no_volatility") s.stable = s.volatility = std::sqrt(hazards[0] * hazards[1]);
  return s;
}

Chain make_chain(const Settings& s) {
  if (s.paradigm == "hazard") return hazard(s);
  if (s.paradigm == "local_global") return local_global(s);
  return s.control == "many_standards" ? many_standards(s) : roving(s);
}

}  // namespace strata::oddball
