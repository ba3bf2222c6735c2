// What a tick leaves behind, term by term: the features handed up, the step of the gain, the sign of the gate's evidence.

#include <catch2/catch.hpp>
#include <cmath>

#include "core/random.hpp"
#include "tests/support/level_rig.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index units = 4, vocabulary = 9, streams = 3;

std::vector<double> random_errors(Index t) {
  std::vector<double> rho(units * streams);
  for (std::size_t i = 0; i < rho.size(); ++i) rho[i] = random_normal(9, static_cast<std::uint32_t>(t), static_cast<std::uint32_t>(i));
  return rho;
}

void read_words(LevelRig<double>& rig, Index t) {
  for (std::size_t j = 0; j < streams; ++j) {
    const std::uint64_t bits = mix(static_cast<std::uint64_t>(t) * streams + j);
    rig.observation.id[j] = static_cast<std::int32_t>(bits % vocabulary);
    rig.observation.boundary[j] = (bits >> 20) % 5 == 0 ? sentence_end : 0;  // ticks fall apart
    if ((bits >> 20) % 25 == 0) rig.observation.boundary[j] |= document_end;
  }
}

}  // namespace

TEST_CASE("carry: features, innovation and the gain's step follow their equations") {
  SituationSettings settings;
  settings.tick = 3;
  settings.carry_rate = .01;
  LevelRig<double> rig(settings, units, vocabulary, streams);
  rig.start();
  const double a = std::exp(-1 / (settings.tau * settings.spread)), r = std::sqrt((1 - a) / (1 + a));
  std::vector<double> power(units, 0), since(streams, 0), features(2 * units * streams, 0);
  double updates = 0;
  for (Index t = 0; t < 120; ++t) {
    read_words(rig, t);
    const auto before = rig.state();
    const double gain = rig.level.gain();
    std::vector<double> belief, error, mu;
    mu = values<double>(rig.level.snapshot().prediction, *rig.device);
    rig.advance(random_errors(t), true, [&] {
      belief = values<double>(rig.level.snapshot().belief, *rig.device);
      error = values<double>(rig.level.snapshot().prediction_error, *rig.device);
    });
    double ticks = 0;
    for (std::size_t j = 0; j < streams; ++j) {
      since[j] += 1;
      ticks += rig.level.ticking()[j];
    }
    if (ticks > 0) {
      const double rate = std::max(.01, 1 / (updates + 1));
      updates += 1;
      for (std::size_t i = 0; i < units; ++i) {
        double squares = 0;
        for (std::size_t j = 0; j < streams; ++j) squares += rig.level.ticking()[j] != 0 ? error[j * units + i] * error[j * units + i] : 0;
        power[i] += rate * (squares / ticks - power[i]);
      }
    }
    double step = 0;
    const auto after = rig.state();
    for (std::size_t j = 0; j < streams; ++j) {
      if (rig.level.ticking()[j] == 0) continue;
      const bool document_ends = (rig.observation.boundary[j] & document_end) != 0;
      for (std::size_t i = 0; i < units; ++i) {
        const double delta = error[j * units + i] / std::sqrt(power[i] + 1e-12), k = since[j], keep = std::exp(-k / settings.carry_time);
        const double kap = before.at("kap").data[j * units + i];
        CHECK(error[j * units + i] == Approx(settings.precision * (belief[j * units + i] - mu[j * units + i])).epsilon(1e-9));
        step += settings.carry_rate * k * delta * kap / (streams * units);
        features[2 * j * units + i] = settings.feed_belief * r * std::tanh(belief[j * units + i]);
        features[(2 * j + 1) * units + i] = settings.feed_innovation / std::sqrt(3.0) * delta;
        const double expected = document_ends ? 0 : keep * kap + std::sqrt(1 - keep * keep) * delta;
        CHECK(after.at("kap").data[j * units + i] == Approx(expected).epsilon(1e-9).margin(1e-12));
      }
      since[j] = 0;
    }
    CHECK(rig.level.gain() == Approx(gain + step).epsilon(1e-9).margin(1e-12));
    for (std::size_t i = 0; i < features.size(); ++i)
      CHECK(after.at("features").data[i] == Approx(features[i]).epsilon(1e-9).margin(1e-12));
  }
  CHECK(updates > 60);
}

TEST_CASE("carry: a tick settles on the mean errors of its window") {
  SituationSettings settings;
  settings.tick = 4;
  settings.dropout = .3;
  settings.precision = 20;
  LevelRig<double> rig(settings, units, vocabulary, streams);
  std::vector<double> share;
  rig.level.visit_weights([&](Weight<double>& w) {
    if (w.name == "share_out") share = values<double>(w.value.view(), *rig.device);
  });
  rig.start();
  std::vector<double> mean_rho(units * streams, 0), mean_feedback(mean_rho), since(streams, 0);
  Index ticks = 0;
  for (Index t = 0; t < 60; ++t) {
    read_words(rig, t);
    const auto rho = random_errors(t), feedback = random_errors(1000 + t);
    const auto mu = values<double>(rig.level.snapshot().prediction, *rig.device);
    const auto drop = rig.state().at("drop").data;
    for (std::size_t i = 0; i < rho.size(); ++i) {
      mean_rho[i] += rho[i];
      mean_feedback[i] += feedback[i];
    }
    std::vector<double> belief, energy;
    rig.advance(
        rho, true,
        [&] {
          belief = values<double>(rig.level.snapshot().belief, *rig.device);
          Tensor<double> sum(*rig.device, streams);
          rig.level.add_energy(sum);
          energy = values<double>(sum.view(), *rig.device);
        },
        feedback);
    for (std::size_t j = 0; j < streams; ++j) {
      since[j] += 1;
      double expected_energy = 0;
      if (rig.level.ticking()[j] == 0) {
        CHECK(energy[j] == 0);
        continue;
      }
      ++ticks;
      for (std::size_t i = 0; i < units; ++i) {
        const std::size_t at = j * units + i;
        double drive = mean_feedback[at];
        for (std::size_t c = 0; c < units; ++c) drive += share[i * units + c] * mean_rho[j * units + c];  // Mo' rho
        drive *= drop[at] / since[j];
        const double f = std::tanh(mu[at]), x = mu[at] + (1 - f * f) * drive / settings.precision;
        CHECK(belief[at] == Approx(x).epsilon(1e-10));
        expected_energy += settings.precision / 2 * (x - mu[at]) * (x - mu[at]) - drive * (std::tanh(x) - f);
      }
      CHECK(energy[j] == Approx(expected_energy).epsilon(1e-7).margin(1e-12));
      for (std::size_t i = 0; i < units; ++i) mean_rho[j * units + i] = mean_feedback[j * units + i] = 0;
      since[j] = 0;
    }
  }
  CHECK(ticks > 50);
}

TEST_CASE("carry: errors can be scaled, which scales what is carried") {
  const auto carried = [](double scale) {
    SituationSettings settings;
    settings.tick = 1;
    settings.dropout = 0;
    LevelRig<double> rig(settings, units, vocabulary, streams);
    rig.start();
    for (Index t = 0; t < 20; ++t) {
      read_words(rig, t);
      rig.advance(random_errors(t), true);
    }
    const auto before = rig.state();
    rig.level.set_error_gain(std::vector<double>{1, scale, 1});
    rig.observation.boundary.assign(streams, 0);
    rig.advance(random_errors(20), false);
    const double a = std::exp(-1 / settings.carry_time);
    std::vector<double> injected;
    for (Index i = 0; i < units; ++i) injected.push_back(rig.state().at("kap")(i, 1) - a * before.at("kap")(i, 1));
    return injected;
  };
  const auto once = carried(1), twice = carried(2), none = carried(0);
  for (std::size_t i = 0; i < units; ++i) {
    CHECK(once[i] != 0);
    CHECK(twice[i] == Approx(2 * once[i]));
    CHECK(none[i] == Approx(0).margin(1e-14));
  }
}

TEST_CASE("carry: the gate opens on words that the level's prediction denies, not on those it expects") {
  SituationSettings settings;
  settings.tick = 1;
  settings.gate.on = true;
  settings.broad = {.1, 3, 20, sentence_end, 15, 0};
  LevelRig<double> rig(settings, units, vocabulary, streams);
  rig.level.visit_weights([&](Weight<double>& w) {
    std::vector<double> background(vocabulary, -std::log(9.0));
    background[0] -= 3;  // word 0 is denied, word 1 expected
    background[1] += 1;
    if (w.name == "broad_background") rig.device->upload(background, w.value);
    if (w.name == "broad_readout") rig.device->fill(w.value, 0);
  });
  rig.start();
  double most[streams] = {};
  for (Index t = 0; t < 30; ++t) {
    rig.observation.id = {t < 15 ? 2 : 0, t < 15 ? 2 : 1, 2};
    rig.advance(random_errors(t), false);
    for (std::size_t j = 0; j < streams; ++j) most[j] = std::max(most[j], rig.level.gate().openness()[j]);
  }
  CHECK(most[0] > .5);
  CHECK(most[1] < .01);
  CHECK(most[2] < .01);
}

TEST_CASE("carry: who learned without settling or never ticked hands no innovation up when it settles") {
  for (const auto& [settled, steps] : {std::pair(false, 60), std::pair(true, 60), std::pair(true, 0)}) {
    INFO((settled ? "settled" : "did not settle") << " while learning " << steps << " tokens");
    Tiny<double> learned({"hierarchy.levels=3", settled ? "relaxation.steps=2" : "relaxation.steps=0"});
    for (int t = 0; t < steps; ++t) learned.simulation->advance();
    MemoryArchive model = parameters_of(*learned.hierarchy);
    model.rewind();
    Tiny<double> reading({"hierarchy.levels=3", "relaxation.steps=2"}, 3, 1, 11, false);
    reading.hierarchy->archive_parameters(model);
    double error = 0, innovation = 0;
    for (int t = 0; t < 60; ++t) {
      reading.simulation->advance();
      const auto& level = reading.hierarchy->level(1);
      for (const double x : values<double>(level.snapshot().prediction_error, *reading.device)) error = std::max(error, std::abs(x));
      const Index n = level.units();
      for (const double x : values<double>(level.upward().features.rows_at(n, n), *reading.device))
        innovation = std::max(innovation, std::abs(x));
    }
    CHECK(error > 0);
    CHECK((innovation > 0) == (settled && steps > 0));
    CHECK(innovation < 100);
  }
}

TEST_CASE("carry: where levels forget, a document is read as if nothing had been read before it") {
  // Learning and settling off, so that memory is all that a level has; a document of 70 tokens after one of two others.
  constexpr Index before = 90, length = 70;
  for (const bool forgets : {true, false}) {
    std::vector<std::string> lines{"hierarchy.levels=4", "relaxation.steps=0"};
    for (const char* l : {"1", "2", "3"})
      for (const auto& line : {std::string("forgets=") + (forgets ? "1" : "0"), std::string("tau=") + std::to_string(10 * (l[0] - '0'))})
        lines.push_back("level." + std::string(l) + "." + line);
    std::vector<std::vector<double>> read[2];
    for (const std::uint64_t history : {1, 2}) {
      ScriptedWorld world(3, 11, before + length, [history](Index t, Index j) {
        Word word = random_word((t < before ? history : 7) + static_cast<std::uint64_t>(10 * j), t, 11);
        word.boundary = t == before - 1 ? document_end : word.boundary & sentence_end;
        return word;
      });
      Tiny<double> tiny(lines, 3, 1, 11);
      Probe<double> probe(*tiny.hierarchy, world, nullptr);
      probe.start();
      for (Index t = 0; t < before + length; ++t) {
        probe.run(1);
        if (t < before - 1) continue;
        std::vector<double> all;
        for (Index l = 1; l < 4; ++l) {
          const auto mu = values<double>(tiny.hierarchy->level(l).snapshot().prediction, *tiny.device);
          all.insert(all.end(), mu.begin(), mu.end());
        }
        read[history - 1].push_back(std::move(all));
      }
    }
    INFO("forgets " << forgets);
    CHECK((read[0] == read[1]) == forgets);
  }
}
