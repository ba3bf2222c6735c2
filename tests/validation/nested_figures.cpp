// The figures of the design: what the world costs to know nothing of, what it costs at best, what each level is worth; and that the
// contexts that are recorded are those of the laws.
#include <array>
#include <catch2/catch.hpp>
#include <cmath>

#include "experiments/worlds/nested/laws.hpp"
#include "tests/support/world_source.hpp"

namespace {

using namespace strata;

/// Mean surprise of the exact observers that know 0, 1, .. all levels, nats per token.
std::vector<double> costs(const Source& source, Index length) {
  constexpr Index streams = 4;
  std::vector<std::unique_ptr<Observer>> observers;
  for (Index k = 0; k <= static_cast<Index>(source.contexts().size()); ++k) observers.push_back(source.observer(streams, k));
  std::vector<double> nats(observers.size());
  const auto world = source.open(streams, length, 11);
  Observation out = test::room_for(streams);
  while (world->next(out)) {
    for (std::size_t k = 0; k < observers.size(); ++k) {
      observers[k]->observe(out);
      for (Index b = 0; b < streams; ++b) nats[k] += observers[k]->surprise(b) / static_cast<double>(streams * length);
    }
  }
  return nats;
}

}  // namespace

TEST_CASE("the nested worlds cost what the design says", "[nested]") {
  struct Expected {
    std::string kind;
    std::array<double, 4> gain;
  };
  const std::vector<Expected> kinds{
      {"direct", {.27, .15, .09, .04}}, {"geo", {.39, .10, .018, .0016}}, {"nested", {.53, .017, .0016, .0001}}};
  for (const Expected& expected : kinds) {
    std::array<double, 4> mean{};
    constexpr int tables = 4;
    for (int table = 1; table <= tables; ++table) {
      const auto source = test::world_source("nested", {"world.kind=" + expected.kind, "world.tables=" + std::to_string(table)});
      const auto nats = costs(*source, 15000);
      CAPTURE(expected.kind, table, nats);
      CHECK(nats.front() > 3.05);
      CHECK(nats.front() < std::log(32.));
      CHECK(nats.front() - nats.back() > .3);
      CHECK(nats.front() - nats.back() < .7);
      for (std::size_t l = 0; l < 4; ++l) {
        CHECK(nats[l] - nats[l + 1] > (l < 3 ? 0. : -1e-4));
        mean[l] += (nats[l] - nats[l + 1]) / tables;
      }
    }
    CAPTURE(expected.kind, mean);
    // The tables decide much: half to twice the design's figure, the smallest ones (under .002) within a factor 3.
    for (std::size_t l = 0; l < 4; ++l) {
      const double wide = expected.gain[l] < .002 ? 3 : 2;
      CHECK(mean[l] < wide * expected.gain[l]);
      if (expected.gain[l] > 1e-3) CHECK(mean[l] > expected.gain[l] / wide);
    }
    CHECK(mean[0] > mean[1]);
    if (expected.kind != "direct") CHECK(mean[1] > 4 * mean[2]);
  }
}

TEST_CASE("true contexts: how often, for how long, and what is spoken in them", "[nested]") {
  const auto source = test::world_source("nested", {"world.tau=4,20,100", "world.levels=3", "world.leak=.05,.05,.05"});
  nested::Settings settings;
  settings.kind = "direct";
  settings.states = {6, 4, 3};
  settings.tau = {4, 20, 100};
  settings.beta = {1.2, .8, .7};
  settings.leak = {.05, .05, .05};
  settings.tables = 1;
  const nested::Laws laws(settings);
  constexpr Index streams = 16, length = 40000;
  const auto world = source->open(streams, length, 3);
  Observation out = test::room_for(streams);
  std::vector<std::int32_t> before;
  std::array<double, 3> switches{};
  std::vector<double> joint(72), spoken(32);
  while (world->next(out)) {
    for (std::size_t b = 0; b < streams; ++b) {
      const std::int32_t* c = out.context.data() + 3 * b;
      joint.at(static_cast<std::size_t>(c[0]) + 6 * (static_cast<std::size_t>(c[1]) + 4 * static_cast<std::size_t>(c[2]))) +=
          1. / (streams * length);
      spoken[static_cast<std::size_t>(out.id[b])] += 1. / (streams * length);
      for (std::size_t l = 0; l < 3 && !before.empty(); ++l) switches[l] += c[l] != before[3 * b + l] ? 1. : 0.;
    }
    before = out.context;
  }
  const Eigen::ArrayXd occupancy = laws.stationary(0);
  double distance = 0;
  for (Index i = 0; i < 72; ++i) distance += std::abs(occupancy(i) - joint[static_cast<std::size_t>(i)]) / 2;
  CHECK(distance < .02);
  const auto unigram = source->log_unigram();
  for (std::size_t v = 0; v < 32; ++v) CHECK(spoken[v] == Approx(std::exp(unigram[v])).margin(.0015));
  // The top stays for its time constant on average; lower ones are also swept along, and a draw from above may leave them where they are.
  CHECK(streams * length / switches[2] == Approx(100).epsilon(.04));
  double swept = 0;  // probability that level 1 is drawn anew to another state: only by a switch of the top
  const auto& pi = laws.level(1).transition;
  const Eigen::MatrixXd pair = Eigen::Map<const Eigen::MatrixXd>(laws.stationary(1).data(), 4, 3);
  for (Index u = 0; u < 3; ++u) {
    for (Index c = 0; c < 4; ++c) {
      for (Index w = 0; w < 3; ++w) swept += w == u ? 0 : pair(c, u) * (1 - pi(c, w)) / 2 / 100;
    }
  }
  const double rate = swept + .99 / 20;
  CHECK(streams * length / switches[1] == Approx(1 / rate).epsilon(.03));
  CHECK(streams * length / switches[1] < 21);
  CHECK(streams * length / switches[0] < 4.2);
  CHECK(streams * length / switches[0] > 3.3);
}
