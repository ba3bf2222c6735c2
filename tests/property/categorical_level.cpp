// What holds for the categorical kinds whatever they read: the exact filter in the limit, masks, saving, bursts, clamps, settling.

#include <catch2/catch.hpp>

#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/memory_archive.hpp"
#include "tests/support/categorical_rig.hpp"
#include "tests/support/probe.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index vocabulary = 5;

Word token(Index time, Index stream) {
  Word word;
  word.id = some_token(static_cast<std::uint64_t>(7 + stream), time, vocabulary);
  word.active = !(stream == 1 && time >= 20 && time < 35);
  return word;
}

std::vector<std::string> learning(Index levels) {
  const char* const initial[] = {"1", ".7", ".5"};
  std::vector<std::string> all{"learning.rate=.02", "learning.warm_up=0"};
  for (Index l = 0; l < levels; ++l) all.push_back("level." + std::to_string(l) + ".initial=" + initial[l]);
  return all;
}

template <class T>
std::vector<T> everything(CategoricalRig<T>& rig) {
  std::vector<T> all = rig.surprise();
  for (Index l = 0; l < rig.hierarchy->depth(); ++l)
    for (const auto& part : {rig.belief(l), rig.host(rig.level(l).snapshot().prediction), rig.host(rig.level(l).share().value.view())})
      all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<std::string> with(std::vector<std::string> lines, const std::vector<std::string>& more) {
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

}  // namespace

TEST_CASE("categorical: one level is the forward filter of its chain") {
  const std::string kind = GENERATE("categorical", "conditional");
  CategoricalRig<double> rig(kind, 1, 1, vocabulary, 60, token, {"level.0.states=3", "level.0.tau=6", "level.0.initial=1.5"});
  const std::vector<double> pi{.5, .2, .3};
  rig.level(0).set_transition(pi);
  const auto share = rig.host(rig.level(0).share().value.view());
  double p[3][vocabulary], q[3] = {1. / 3, 1. / 3, 1. / 3};
  for (int c = 0; c < 3; ++c) {
    double sum = 0;
    for (int v = 0; v < vocabulary; ++v) sum += p[c][v] = std::exp(share[static_cast<std::size_t>(c * vocabulary + v)]);
    for (int v = 0; v < vocabulary; ++v) p[c][v] /= sum;
  }
  rig.simulation->start();
  for (Index t = 0; t < 60; ++t) {
    REQUIRE(rig.simulation->advance());
    double evidence = 0;
    for (std::size_t c = 0; c < 3; ++c) evidence += q[c] = (q[c] * 5 / 6 + pi[c] / 6) * p[c][token(t, 0).id];
    for (double& x : q) x /= evidence;
    CHECK(rig.surprise()[0] == Approx(-std::log(evidence)).epsilon(1e-12));
    for (std::size_t c = 0; c < 3; ++c) CHECK(rig.belief(0)[c] == Approx(q[c]).epsilon(1e-12));
    CHECK(rig.host(rig.level(0).snapshot().free_energy)[0] == Approx(-std::log(evidence)).epsilon(1e-10));
  }
}

TEST_CASE("categorical: streams go side by side, and an idle stream changes nothing") {
  const std::string kind = GENERATE("categorical", "conditional");
  const auto lines = with(learning(3), {"learning.rate=0", "level.0.contrast=2", "level.1.contrast=2"});
  CategoricalRig<double> together(kind, 3, 3, vocabulary, 60, token, lines, true);
  together.simulation->start();
  std::vector<double> before, after;
  for (Index t = 0; t < 60; ++t) {
    together.simulation->advance();
    if (t == 19 || t == 34) (t == 19 ? before : after) = together.belief(2);
  }
  CHECK(std::vector<double>(before.begin() + 4, before.begin() + 8) == std::vector<double>(after.begin() + 4, after.begin() + 8));
  CHECK(std::vector<double>(before.begin(), before.begin() + 4) != std::vector<double>(after.begin(), after.begin() + 4));
  for (Index j = 0; j < 3; ++j) {
    CategoricalRig<double> alone(
        kind, 3, 1, vocabulary, j == 1 ? 45 : 60, [&](Index t, Index) { return token(j == 1 && t >= 20 ? t + 15 : t, j); },
        with(lines, {"level.0.learn_transition=0", "level.1.learn_transition=0", "level.2.learn_transition=0"}), false);
    CategoricalRig<double> apart(kind, 3, 3, vocabulary, 60, token,
                                 with(lines, {"level.0.learn_transition=0", "level.1.learn_transition=0", "level.2.learn_transition=0"}));
    for (auto* rig : {&alone, &apart}) {
      rig->simulation->start();
      rig->simulation->run();
    }
    for (Index l = 0; l < 3; ++l)
      for (std::size_t c = 0; c < 4; ++c)
        CHECK(apart.belief(l)[static_cast<std::size_t>(j) * 4 + c] == Approx(alone.belief(l)[c]).epsilon(1e-12));
  }
}

TEMPLATE_TEST_CASE("categorical: a saved run goes on with the same bits, on every device", "", float, double) {
  const std::string device = GENERATE("reference", "cpu"), kind = GENERATE("categorical", "conditional");
  const std::string steps = GENERATE("1", "0");
  auto lines = with(learning(3), {"level.0.contrast=2", "level.1.contrast=2", "relaxation.steps=" + steps});
  if (kind == "categorical") lines.insert(lines.end(), {"level.0.learn_tau=1", "level.1.learn_tau=1", "level.1.tau=20", "level.2.tau=30"});
  const auto make = [&](Index first) {
    return CategoricalRig<TestType>(
        kind, 3, 3, vocabulary, 60 - first, [=](Index t, Index j) { return token(t + first, j); }, lines, true, device);
  };
  auto whole = make(0);
  whole.simulation->start();
  MemoryArchive state, parameters, optimiser;
  for (int t = 0; t < 60; ++t) {
    if (t == 25) {
      whole.hierarchy->archive_state(state);
      whole.hierarchy->archive_parameters(parameters);
      whole.hierarchy->archive_optimiser(optimiser);
      whole.learning->archive(optimiser);
    }
    whole.simulation->advance();
  }
  auto resumed = make(25);
  for (auto* archive : {&state, &parameters, &optimiser}) archive->rewind();
  resumed.hierarchy->archive_state(state);
  resumed.hierarchy->archive_parameters(parameters);
  resumed.hierarchy->archive_optimiser(optimiser);
  resumed.learning->archive(optimiser);
  resumed.simulation->run();
  CHECK(everything(whole) == everything(resumed));
}

TEST_CASE("categorical: a burst of ten tokens flips no limited top level, and flips an unlimited one") {
  const bool limited = GENERATE(false, true);
  const auto script = [](Index t, Index) { return Word{t >= 200 && t < 210 ? 1 : 0, 0, true}; };
  CategoricalRig<double> rig("categorical", 2, 1, 2, 260, script,
                             {"level.0.states=2", "level.1.states=2", "level.1.tau=4096", "level.0.tau=8",
                              "level.1.evidence_limit=" + std::string(limited ? ".8" : "0")});
  rig.set_share(0, {.2, 0, 0, .2});
  rig.set_share(1, {2, 0, 0, 2});
  rig.simulation->start();
  double other = 0;
  for (Index t = 0; t < 260; ++t) {
    rig.simulation->advance();
    other = std::max(other, rig.belief(1)[1] * static_cast<double>(t >= 200));
    if (t == 199) CHECK(rig.belief(1)[0] > .99);
  }
  CHECK((other < .5) == limited);
  CHECK(rig.belief(1)[0] > .99);
}

TEST_CASE("categorical: rho is minus the slope of the surprise in the stream from above") {
  CategoricalRig<double> rig("categorical", 2, 3, vocabulary, 20, token, learning(2));
  rig.simulation->start();
  const Index v = vocabulary, streams = 3;
  int checked = 0;
  rig.simulation->before_observe = [&](const Step<double>& step) {
    if (step.index < 12) return;
    const auto stream = rig.host(rig.level(1).downward().stream);
    Tensor<double> moved(*rig.device, v, streams), loss(*rig.device, streams);
    const auto score = [&](std::size_t k, double shift) {
      auto x = stream;
      x[k] += shift;
      rig.device->upload(x, moved);
      rig.level(0).score_with_stream(step, moved.view(), loss);
      return rig.host(loss.view())[k / static_cast<std::size_t>(v)];
    };
    std::vector<double> slopes;
    for (std::size_t k = 0; k < stream.size(); ++k) slopes.push_back((score(k, 1e-5) - score(k, -1e-5)) / 2e-5);
    rig.level(0).observe(step, {});
    const auto rho = rig.host(rig.level(0).upward().emission_error);
    for (std::size_t k = 0; k < slopes.size(); ++k) CHECK(rho[k] == Approx(-slopes[k]).epsilon(1e-6).margin(1e-9));
    CHECK(rig.surprise()[0] == Approx(score(0, 0)).epsilon(1e-12));
    ++checked;
  };
  rig.simulation->run();
  CHECK(checked == 8);
}

TEST_CASE("categorical: a clamped level speaks with another's voice, and is released") {
  CategoricalRig<double> free("categorical", 2, 2, vocabulary, 30, token, learning(2)),
      clamped("categorical", 2, 2, vocabulary, 30, token, learning(2));
  Tensor<double> other(*clamped.device, 4, 2);
  clamped.device->upload(std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0}, other);
  for (auto* rig : {&free, &clamped}) rig->simulation->start();
  for (Index t = 0; t < 30; ++t) {
    if (t == 5) clamped.level(1).clamp_downward(std::vector<std::uint8_t>{1, 0}, other.view());
    if (t == 15) clamped.level(1).clamp_downward({}, {});
    free.simulation->advance();
    clamped.simulation->advance();
    if (t == 10) {
      const auto share = clamped.host(clamped.level(1).share().value.view()), stream = clamped.host(clamped.level(1).downward().stream);
      for (std::size_t v = 0; v < vocabulary; ++v) CHECK(stream[v] == Approx(share[v]).epsilon(1e-14));
      CHECK(clamped.surprise()[0] != free.surprise()[0]);
      CHECK(clamped.surprise()[1] == free.surprise()[1]);
    }
  }
  CHECK(clamped.host(clamped.level(1).downward().activity)[0] < 1);
}

TEST_CASE("categorical: sweeps lower the free energy and reach the fixed point of all orders") {
  const std::string kind = GENERATE("categorical", "conditional");
  std::vector<std::vector<double>> found;
  for (const char* scheme : {"serial", "red_black", "jacobi"}) {
    CategoricalRig<double> rig(kind, 3, 2, vocabulary, 8, token,
                               with(learning(3), {"relaxation.scheme=" + std::string(scheme), "relaxation.steps=400", "relaxation.rate=.3",
                                                  "relaxation.tolerance=0"}));
    rig.simulation->start();
    std::vector<double> all;
    for (int t = 0; t < 8; ++t) {
      rig.simulation->advance();
      const auto& energy = rig.hierarchy->relaxation().trace().free_energy;
      for (std::size_t s = 1; s < energy.size(); ++s) CHECK(energy[s] <= energy[s - 1] + 1e-5 * std::abs(energy[s - 1]));
      CHECK(energy.back() < energy.front());
      for (Index l = 0; l < 3; ++l)
        for (const double x : rig.belief(l)) all.push_back(x);
    }
    found.push_back(all);
  }
  for (std::size_t i = 0; i < found[0].size(); ++i) {
    CHECK(found[1][i] == Approx(found[0][i]).margin(1e-6));
    CHECK(found[2][i] == Approx(found[0][i]).margin(1e-6));
  }
}

TEST_CASE("categorical: a situation of categories over a Gaussian level over words settles on what the text is about") {
  // Two themes of words that change every 60 tokens, and a category that speaks for the words of each.
  const std::string kind = GENERATE("categorical", "conditional");
  const auto theme = [](Index t) { return (t / 60) % 2; };
  const auto script = [&](Index t, Index j) {
    const auto id = static_cast<std::int32_t>(3 * theme(t) + random_word(static_cast<std::uint64_t>(j), t, 3).id);
    return Word{id, 0, true};
  };
  Configuration configuration;
  for (const std::string& line : {std::string("hierarchy.levels=3"), std::string("hierarchy.units=6"), std::string("level.0.units=6"),
                                  std::string("level.0.hidden=6"), std::string("level.0.context=1"), std::string("level.1.kind=gaussian"),
                                  "level.2.kind=" + kind, std::string("level.2.states=2"), std::string("level.2.tau=60")})
    configuration.set_assignment(line);
  const auto device = make_device<double>({"reference", "auto", 0});
  const Index streams = 2, length = 1200;
  ScriptedWorld world(streams, 6, length, script);
  const auto hierarchy = build_hierarchy<double>(configuration, *device, std::vector<double>(6, -std::log(6.)), streams, 1, 1);
  auto& words = hierarchy->lexicon().vectors;
  words.randomise(.6, 1, 0);
  auto& top = dynamic_cast<CategoricalLevel<double>&>(hierarchy->level(2));
  Tensor<double> about(*device, 6, 2);
  device->upload(std::vector<double>{1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1}, about);
  device->gemm(false, false, .5, words.value.view(), about.view(), 0, top.share().value);
  Simulation<double> simulation(*hierarchy, world, nullptr, 1, 1);
  simulation.start();
  double sum[2] = {0, 0}, count[2] = {0, 0};
  for (Index t = 0; t < length; ++t) {
    REQUIRE(simulation.advance());
    const auto& energy = hierarchy->relaxation().trace().free_energy;
    CHECK(energy.back() <= energy.front() + 1e-9);
    if (t % 60 < 30) continue;
    const auto q = values<double>(hierarchy->level(2).snapshot().belief, *device);
    sum[theme(t)] += q[0];
    count[theme(t)] += 1;
  }
  INFO(kind << ": " << sum[0] / count[0] << " " << sum[1] / count[1]);
  CHECK(std::abs(sum[0] / count[0] - sum[1] / count[1]) > .5);
}

TEST_CASE("categorical: a level that sleeps pushes no time constant and is left nothing to learn") {
  std::vector<std::vector<double>> found;
  for (const char* tau : {"level.2.tau=9", "level.2.tau=2000"}) {
    CategoricalRig<double> rig("categorical", 3, 1, vocabulary, 300, token,
                               with(learning(3), {"level.0.learn_tau=1", "level.1.learn_tau=1", "level.2.learn_tau=1", "level.0.tau=9",
                                                  "level.1.tau=9", "level.0.contrast=1", "level.1.contrast=1", tau}),
                               true);
    rig.hierarchy->set_awake(2);
    rig.simulation->start();
    rig.simulation->run();
    std::vector<double> all = rig.surprise();
    for (Index l = 0; l < 2; ++l) {
      const auto share = rig.host(rig.level(l).share().value.view());
      all.insert(all.end(), share.begin(), share.end());
      all.push_back(rig.level(l).time_constant());
    }
    CHECK(rig.level(1).time_constant() > rig.level(0).time_constant());  // those awake part all the same
    found.push_back(all);
  }
  CHECK(found[0] == found[1]);
}

TEST_CASE("categorical: what was learned under a level that sleeps is read by a hierarchy without it") {
  const auto lines = with(learning(2), {"level.0.learn_tau=1", "level.1.learn_tau=1", "level.0.states=3"});
  CategoricalRig<double> learned("categorical", 3, 1, vocabulary, 300, token, with(lines, {"level.2.states=4"}), true);
  learned.hierarchy->set_awake(2);
  learned.simulation->start();
  learned.simulation->run();
  MemoryArchive parameters;
  learned.hierarchy->archive_parameters(parameters);
  parameters.rewind();
  CategoricalRig<double> narrow("categorical", 2, 1, vocabulary, 60, token, lines);
  narrow.hierarchy->archive_parameters(parameters);
  CategoricalRig<double> wide("categorical", 3, 1, vocabulary, 60, token, with(lines, {"level.2.states=4"}));
  wide.hierarchy->archive_parameters(parameters);
  wide.hierarchy->set_awake(2);
  narrow.simulation->start();
  wide.simulation->start();
  for (Index t = 0; t < 60; ++t) {
    narrow.simulation->advance();
    wide.simulation->advance();
    REQUIRE(narrow.surprise()[0] == Approx(wide.surprise()[0]).epsilon(1e-10));
  }
  CHECK(parameters.at("level_1/switches").cols == 4);
  learned.hierarchy->set_awake(3);
  learned.simulation->start();
  MemoryArchive whole;  // of a parent that was awake there is no doing without
  learned.hierarchy->archive_parameters(whole);
  whole.rewind();
  CHECK_THROWS_AS(narrow.hierarchy->archive_parameters(whole), ShapeError);
}

TEST_CASE("categorical: a level takes over what another has learned, and its transitions where the level above stays") {
  auto lines = with(learning(3), {"level.0.learn_tau=1", "level.1.learn_tau=1", "level.2.learn_tau=1"});
  CategoricalRig<double> learned("categorical", 3, 1, vocabulary, 400, token, lines, true);
  learned.simulation->start();
  learned.simulation->run();
  const auto reads = [&](bool above_stays) {
    CategoricalRig<double> rig("categorical", 3, 1, vocabulary, 40, token, lines, true);
    for (Index l = 0; l < 3; ++l) rig.level(l).inherit(learned.level(l), l != 0 || above_stays);
    for (Index l = 0; l < 3; ++l) CHECK(rig.level(l).time_constant() == learned.level(l).time_constant());
    const auto transition = rig.host(rig.level(0).transition());
    rig.simulation->start();
    rig.simulation->run();  // learns on: by its age as well
    return std::pair(everything(rig), transition);
  };
  MemoryArchive parameters;
  learned.hierarchy->archive_parameters(parameters);
  parameters.rewind();
  CategoricalRig<double> saved("categorical", 3, 1, vocabulary, 40, token, lines, true);
  saved.hierarchy->archive_parameters(parameters);
  saved.simulation->start();
  saved.simulation->run();
  CHECK(reads(true).first == everything(saved));
  const auto [other, transition] = reads(false);
  CHECK(other != everything(saved));
  // Under another parent each state starts as likely as it was drawn, whatever the parent was.
  const ArchivedMatrix& counted = parameters.at("level_0/switches");
  const double all = std::accumulate(counted.data.begin(), counted.data.end(), 0.);
  for (std::size_t i = 0; i < transition.size(); ++i) {
    double drawn = 0;
    for (std::size_t j = i % 4; j < counted.data.size(); j += 4) drawn += counted.data[j];
    CHECK(transition[i] == Approx(drawn / all).epsilon(1e-5));
    CHECK(transition[i] != .25);
  }
  CategoricalRig<double> small("categorical", 1, 1, vocabulary, 40, token, {"level.0.states=3"});
  CHECK_THROWS_AS(small.level(0).inherit(learned.level(0), false), ShapeError);
  CategoricalRig<double> alone("categorical", 1, 1, vocabulary, 40, token, {});
  CHECK_THROWS_AS(alone.level(0).inherit(learned.level(0), true), ShapeError);
  alone.level(0).inherit(learned.level(0), false);
  CHECK(alone.level(0).time_constant() == learned.level(0).time_constant());
}

TEST_CASE("categorical: where nothing settles, a conditional level's tables stay what was forecast") {
  const std::string scheme = GENERATE("exact", "serial");
  CategoricalRig<double> rig(
      "conditional", 3, 2, vocabulary, 20, [](Index t, Index j) { return token(t, j); },
      {"relaxation.steps=0", "relaxation.scheme=" + scheme}, false);
  rig.simulation->start();
  for (int t = 0; t < 20; ++t) {
    const auto before = state_of(*rig.hierarchy);
    rig.simulation->advance();
    const auto after = state_of(*rig.hierarchy);
    for (const auto& [name, item] : after.items())
      if (const auto place = name.rfind("q_given"); place != std::string::npos)
        CHECK(std::get<ArchivedMatrix>(item).data == before.at(name.substr(0, place) + "given").data);
  }
}
