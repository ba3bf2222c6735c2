// The gate opens as often as chance says, opens on contradiction, and lets go of what the level held.

#include <catch2/catch.hpp>
#include <cmath>

#include "core/random.hpp"
#include "levels/gate.hpp"
#include "tests/support/level_rig.hpp"

using namespace strata;
using namespace strata::test;

namespace {

double normal(std::uint64_t key, Index t, std::size_t j) {
  return random_normal(key, static_cast<std::uint32_t>(t), static_cast<std::uint32_t>(j));
}

}  // namespace

TEST_CASE("gate: white evidence opens it about as often as the Gaussian tail says") {
  // sqrt(2W) Z has unit variance under white y; between openings it starts from 0, which keeps the rate below the tail 1 - Phi(theta).
  constexpr std::size_t streams = 400;
  constexpr Index steps = 3000;
  for (const double window : {8.0, 16.0}) {
    GateSettings settings;
    settings.on = true;
    settings.window = window;
    Gate gate(settings, 0, streams);
    std::vector<double> evidence(streams);
    const std::vector<std::uint8_t> valid(streams, 1);
    for (Index t = 0; t < steps; ++t) {
      for (std::size_t j = 0; j < streams; ++j) evidence[j] = normal(3, t, j);
      gate.read(evidence, valid, false);
    }
    const double rate = static_cast<double>(gate.opened()) / static_cast<double>(gate.read_count());
    const double tail = .5 * std::erfc(settings.threshold / std::sqrt(2.0));
    INFO("window " << window << ": " << rate << " per token, tail " << tail);
    CHECK(gate.read_count() == static_cast<std::int64_t>(streams) * steps);
    CHECK(rate < tail);
    CHECK(rate > tail / 8);
    // The rate is that of first passages of a leaky sum: simulated once more from the equations.
    double openings = 0;
    const double keep = std::exp(-1 / window);
    for (std::size_t j = 0; j < streams; ++j) {
      double z = 0;
      for (Index t = 0; t < steps; ++t) {
        z = keep * z + (1 - keep) * std::min(3.0, std::max(-3.0, normal(3, t, j)));
        if (std::sqrt(2 * window) * z <= settings.threshold) continue;
        z = 0;
        openings += 1;
      }
    }
    CHECK(static_cast<double>(gate.opened()) == openings);
  }
}

TEST_CASE("gate: its moments are those of the evidence, and move only while learning") {
  GateSettings settings;
  settings.on = true;
  Gate gate(settings, 0, 200);
  std::vector<double> evidence(200);
  const std::vector<std::uint8_t> valid(200, 1);
  for (Index t = 0; t < 40000; ++t) {
    for (std::size_t j = 0; j < evidence.size(); ++j) evidence[j] = .4 + .5 * normal(5, t, j);
    gate.read(evidence, valid, true);
  }
  CHECK(gate.mean() == Approx(.4).margin(.01));
  CHECK(gate.variance() == Approx(.25).epsilon(.03));
  const double mean = gate.mean(), variance = gate.variance();
  evidence.assign(200, 3);
  gate.read(evidence, valid, false);
  CHECK(gate.mean() == mean);
  CHECK(gate.variance() == variance);
  gate.read(evidence, std::vector<std::uint8_t>(200, 0), true);
  CHECK(gate.mean() == mean);
}

TEST_CASE("gate: a burst of contradiction opens it once, then it starts over") {
  GateSettings settings;
  settings.on = true;
  Gate gate(settings, 0, 2);
  const std::vector<std::uint8_t> valid{1, 1};
  Index opened_at = -1;
  for (Index t = 0; t < 30; ++t) {
    gate.read(std::vector<double>{t < 20 ? 0.0 : 2.0, 0.0}, valid, false);
    CHECK(gate.openness()[1] < 1e-4);
    CHECK(gate.leak_factor(0) == Approx(1 - .9 * gate.openness()[0]));
    if (gate.openness()[0] > .5 && opened_at < 0) {
      opened_at = t;
      MemoryArchive archive;
      gate.archive_state(archive);
      CHECK(std::get<std::vector<double>>(archive.items().at("trace"))[0] == 0);
    }
  }
  // sqrt(16) (1 - e^(-n/8)) 2 > 2.75 at n = 4
  CHECK(opened_at == 23);
}

TEST_CASE("gate: evidence beyond 3 nats counts as 3, idle streams not at all") {
  GateSettings settings;
  settings.on = true;
  Gate a(settings, 0, 2), b(settings, 0, 2);
  a.read(std::vector<double>{50, 1}, std::vector<std::uint8_t>{1, 0}, true);
  b.read(std::vector<double>{3, -2}, std::vector<std::uint8_t>{1, 0}, true);
  MemoryArchive x, y;
  a.archive_state(x);
  b.archive_state(y);
  CHECK(differences(x, y).empty());
  CHECK(a.mean() == b.mean());
  CHECK(std::get<std::vector<double>>(x.items().at("trace"))[1] == 0);
}

TEST_CASE("gate: an open gate lets the traces go at once, and the carry at the next tick") {
  constexpr Index units = 4, vocabulary = 9, streams = 3;
  SituationSettings settings;
  settings.tick = 3;
  settings.dropout = 0;
  settings.gate.on = true;
  settings.gate.window = 2;
  settings.gate.threshold = .3;  // opens often, and half-opens most of the time
  settings.broad = {.1, 3, 20, sentence_end, 15, 0};
  LevelRig<double> rig(settings, units, vocabulary, streams);
  rig.level.visit_weights([&](Weight<double>& w) {
    if (w.name == "broad_background") w.randomise(1.5, 3, 1);  // a prediction that words can contradict
  });
  rig.start();
  std::vector<double> rho(units * streams), product(streams, 1), since(streams, 0);
  double most = 0;
  for (Index t = 0; t < 90; ++t) {
    for (std::size_t j = 0; j < streams; ++j)
      rig.observation.id[j] = static_cast<std::int32_t>(mix(static_cast<std::uint64_t>(t) * 3 + j) % vocabulary);
    for (std::size_t i = 0; i < rho.size(); ++i) rho[i] = normal(9, t, i);
    const auto before = rig.state();
    ArchivedMatrix delta{units, streams, {}};
    // Learning is on while nu settles, off when the carry is checked: kap's injection is then e / sqrt(nu) with the nu at hand.
    const bool learning = t < 30;
    rig.advance(rho, learning, [&] { delta.data = values<double>(rig.level.snapshot().prediction_error, *rig.device); });
    const auto after = rig.state();
    MemoryArchive parameters;
    rig.level.archive_parameters(parameters);
    const auto words = values<double>(rig.lexicon.vectors.value.view(), *rig.device);
    for (std::size_t j = 0; j < streams; ++j) {
      const auto stream = static_cast<Index>(j);
      const double open = rig.level.gate().openness()[j];
      most = std::max(most, open);
      ++since[j];
      const bool ticks = rig.level.ticking()[j] != 0;
      if (t >= 30) {
        const double taus[] = {settings.tau, settings.tau * settings.spread};
        for (Index q = 0; q < 2; ++q)
          for (Index i = 0; i < units; ++i) {
            const double a = std::exp(-1 / taus[q]);
            const double s = words[static_cast<std::size_t>(rig.observation.id[j] * units + i)] - parameters.at("mean")(i, 0);
            const double expected = a * (1 - .9 * open) * before.at("h")(q * units + i, stream) + std::sqrt(1 - a * a) * s;
            CHECK(after.at("h")(q * units + i, stream) == Approx(expected).epsilon(1e-10).margin(1e-12));
          }
        for (Index i = 0; i < units; ++i) {
          const double a = std::exp(-since[j] / settings.carry_time), kap = before.at("kap")(i, stream);
          const double innovation = delta(i, stream) / std::sqrt(parameters.at("power")(i, 0) + 1e-12);
          const double expected = ticks ? a * product[j] * kap + std::sqrt(1 - a * a) * innovation : kap;
          CHECK(after.at("kap")(i, stream) == Approx(expected).epsilon(1e-10).margin(1e-12));
        }
      }
      if (ticks) since[j] = 0, product[j] = 1;
      product[j] *= 1 - .9 * open;
    }
  }
  CHECK(most > .5);
}

TEST_CASE("gate: by words it opens where the subject changes, once, and seldom elsewhere") {
  constexpr Index vocabulary = 200, subjects = 4, every = 400, streams = 8;
  GateSettings settings;
  settings.on = settings.words = true;
  settings.window = 32;
  settings.threshold = 4;
  Gate gate(settings, vocabulary, streams), resumed(settings, vocabulary, streams);
  const std::vector<double> flat(vocabulary, -std::log(static_cast<double>(vocabulary)));
  const std::vector<std::uint8_t> valid(streams, 1);
  std::vector<std::int32_t> ids(streams);
  Index soon = 0, elsewhere = 0, changes = 0;
  for (Index t = 0; t < 20000; ++t) {
    for (std::size_t j = 0; j < streams; ++j) {
      const Index at = t + 50 * static_cast<Index>(j), subject = (at / every) % subjects;
      const auto drawn = mix(static_cast<std::uint64_t>(t) * streams + j);
      const auto word = static_cast<Index>((drawn >> 8) % vocabulary);
      ids[j] = static_cast<std::int32_t>(drawn % 4 == 0 ? word : word / subjects * subjects + subject);
      if (t < 5000) continue;
      changes += at % every == 0 ? 1 : 0;
    }
    gate.read_words(ids, flat, valid);
    if (t == 12000) {
      MemoryArchive kept;
      gate.archive_parameters(kept);
      gate.archive_state(kept);
      kept.rewind();
      resumed.archive_parameters(kept);
      resumed.archive_state(kept);
    } else if (t > 12000) {
      resumed.read_words(ids, flat, valid);
      REQUIRE(std::equal(gate.openness().begin(), gate.openness().end(), resumed.openness().begin()));
    }
    if (t < 5000) continue;
    for (std::size_t j = 0; j < streams; ++j) {
      if (gate.openness()[j] == 0) continue;
      CHECK(gate.leak_factor(j) == Approx(1 - settings.strength));
      ((t + 50 * static_cast<Index>(j)) % every < 40 ? soon : elsewhere) += 1;
    }
  }
  INFO(changes << " changes; opened " << soon << " times soon after one, " << elsewhere << " times elsewhere");
  CHECK(static_cast<double>(soon) > .8 * static_cast<double>(changes));
  CHECK(soon <= changes);
  CHECK(static_cast<double>(elsewhere) < .2 * static_cast<double>(changes));
}
