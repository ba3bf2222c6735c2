// Every scheme settles in the same beliefs; they differ in the way there.

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index streams = 3;

/// A trained text hierarchy of four levels that all tick at every token.
Tiny<double> text_hierarchy(const std::string& scheme = "serial") {
  std::vector<std::string> lines{"hierarchy.levels=4",    "relaxation.steps=4",          "relaxation.tolerance=0",
                                 "learning.rate=.02",     "learning.warm_up=0",          "level.0.context_dropout=0",
                                 "level.1.precision=100", "level.2.precision=30",        "level.3.precision=50",
                                 "relaxation.rate=.5",    "level.0.hidden_precision=40", "relaxation.scheme=" + scheme};
  for (const char* l : {"1", "2", "3"})
    for (const char* line : {"tick=1", "tau=3", "dropout=0", "carry_rate=.02"}) lines.push_back("level." + std::string(l) + "." + line);
  return Tiny<double>(lines, streams);
}

/// What one token settled in with a scheme, after 30 tokens with the default one; nodes of all levels one after the other.
std::vector<double> settled(Scheme scheme, Index sweeps, double* first_moved = nullptr) {
  Tiny<double> tiny = text_hierarchy();
  Probe<double> probe(*tiny.hierarchy, *tiny.world, tiny.learning.get());
  probe.start();
  probe.run(30);
  auto& settings = tiny.hierarchy->relaxation().settings;
  settings.scheme = scheme;
  settings.steps = sweeps;
  std::vector<double> before, all;
  for (Index l = 0; l < 4; ++l)
    for (const auto& node : tiny.hierarchy->level(l).nodes())
      for (const double x : values<double>(node.belief, *tiny.device)) before.push_back(x);
  probe.begin();
  for (Index l = 0; l < 4; ++l)
    for (const auto& node : tiny.hierarchy->level(l).nodes())
      for (const double x : values<double>(node.belief, *tiny.device)) all.push_back(x);
  if (first_moved != nullptr) *first_moved = relative_distance(before, all);
  return all;
}

double largest(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

}  // namespace

TEST_CASE("relaxation: red-black, jacobi and gradient settle where serial does") {
  double moved = 0;
  const auto serial = settled(Scheme::serial, 1000, &moved);
  CHECK(moved > 1e-2);
  CHECK(largest(settled(Scheme::serial, 2000), serial) < 1e-12);
  CHECK(largest(settled(Scheme::red_black, 1000), serial) < 1e-8);
  CHECK(largest(settled(Scheme::jacobi, 1000), serial) < 1e-8);
  CHECK(largest(settled(Scheme::gradient, 20000), serial) < 1e-8);
}

TEST_CASE("relaxation: schemes take different ways") {
  const auto serial = settled(Scheme::serial, 1), end = settled(Scheme::serial, 1000);
  for (const Scheme scheme : {Scheme::red_black, Scheme::jacobi, Scheme::gradient}) CHECK(largest(settled(scheme, 1), serial) > 1e-6);
  // The token level's x_0 is a hundred times less precise than the upper levels: without a preconditioner it has hardly started.
  CHECK(largest(settled(Scheme::gradient, 8), end) > 5 * largest(settled(Scheme::serial, 8), end));
}

TEST_CASE("relaxation: the exact chain names the level that does not chain") {
  try {
    text_hierarchy("exact");
    FAIL("a token level chained");
  } catch (const ConfigError& error) {
    CHECK(error.key == "relaxation.scheme");
    CHECK(std::string(error.what()).find("level 0 (token)") != std::string::npos);
  }
}
