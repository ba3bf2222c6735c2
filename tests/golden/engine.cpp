// A small fixed run whose numbers are known. They change when the engine computes something else: then look why, and only then write the
// new ones.
// Everything is double on the reference device; 1e-9 leaves room for the order of sums in another build of Eigen.

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/support/probe.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

TEST_CASE("golden: 300 tokens in 4 streams, four levels") {
  constexpr Index streams = 4, vocabulary = 13;
  std::vector<std::string> lines{"hierarchy.levels=4", "learning.rate=.01", "level.0.priming=1"};
  for (const char* l : {"1", "2", "3"})
    for (const char* line : {"broad_interval=6", "gate=1", "gate_threshold=1"}) lines.push_back("level." + std::string(l) + "." + line);
  Tiny<double> tiny(lines, streams, 8, vocabulary);
  ScriptedWorld world(streams, vocabulary, 1000,
                      [](Index t, Index j) { return random_word(static_cast<std::uint64_t>(j), t, vocabulary); });
  Probe<double> probe(*tiny.hierarchy, world, tiny.learning.get(), 8);
  probe.start();
  double nats = 0, settled = 0, broad[4] = {}, error[4] = {}, gain[4] = {};
  for (int t = 0; t < 300; ++t) {
    probe.begin();
    const auto& trace = tiny.hierarchy->relaxation().trace().free_energy;
    settled += trace.front() - trace.back();
    for (const double x : values<double>(tiny.hierarchy->level(0).snapshot().surprise, *tiny.device)) nats += x;
    for (Index l = 0; l < 4; ++l)
      for (const double x : values<double>(tiny.hierarchy->level(l).snapshot().error_norm, *tiny.device)) error[l] += x;
    for (Index l = 1; l < 4; ++l)
      for (const double x : values<double>(tiny.hierarchy->level(l).snapshot().surprise, *tiny.device)) broad[l] += x;
    probe.end();
  }
  const auto parameters = parameters_of(*tiny.hierarchy);
  for (Index l = 1; l < 4; ++l) gain[l] = std::get<double>(parameters.items().at("level_" + std::to_string(l) + "/gain"));
  double weights = 0;
  for (const auto& [name, weight] : weight_values(*tiny.hierarchy))
    for (const double x : weight.data) weights += x * x;
  const std::vector<double> found{nats,     settled,  error[0], error[1], error[2], error[3], broad[1],
                                  broad[2], broad[3], gain[1],  gain[2],  gain[3],  weights};
  const std::vector<double> golden{3080.61830991328,   7.66635028346086,   238.813383713428, 5.3377272545268, 1.93781701974585,
                                   0.66972066259299,   3077.98861635734,   3078.99808327044, 3078.0314147574, 0.00488161253443991,
                                   -0.011219608827165, 0.0198354994117936, 486.439549886946};
  REQUIRE(found.size() == golden.size());
  for (std::size_t i = 0; i < golden.size(); ++i) {
    char digits[64];
    std::snprintf(digits, sizeof digits, "number %zu: %.15g", i, found[i]);
    INFO(digits);
    CHECK(found[i] == Approx(golden[i]).epsilon(1e-9).margin(1e-12));
  }
}
