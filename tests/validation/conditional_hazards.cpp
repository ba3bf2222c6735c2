// A conditional level whose hazard depends on the state above it, against every path of states and parents; its hazards' slopes.

#include <catch2/catch.hpp>

#include <cmath>

#include "core/error.hpp"
#include "core/memory_archive.hpp"
#include "tests/support/categorical_rig.hpp"
#include "tests/support/gradient_check.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr int states = 3, parents = 2, vocabulary = 4;
constexpr double parent_tau = 7;
const std::array<double, parents> taus{20, 2.5};
const std::vector<double> pi{.5, .2, .3, .1, .6, .3};  // P(state | drawn anew, parent), one column per parent

Word token(Index time, Index stream) { return {some_token(static_cast<std::uint64_t>(5 + stream), time, vocabulary), 0, true}; }

std::vector<std::string> lines(bool redraw, const std::array<double, parents>& tau, const std::vector<std::string>& more = {}) {
  std::vector<std::string> all{"level.0.states=3",
                               "level.0.initial=1.5",
                               "level.0.tau_per_parent=" + to_text(tau[0]) + "," + to_text(tau[1]),
                               "level.0.parent_tau=" + to_text(parent_tau),
                               std::string("level.0.redraw=") + (redraw ? "1" : "0"),
                               "level.0.learn_transition=0",
                               "level.1.kind=categorical",
                               "level.1.states=2",
                               "level.1.initial=0",
                               "level.1.tau=" + to_text(parent_tau),
                               "level.1.learn_transition=0"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// P(v|c), as the rig's level 0 emits: state by state.
std::vector<double> emission(CategoricalRig<double>& rig) {
  auto p = rig.host(rig.level(0).share().value.view());
  for (std::size_t c = 0; c < states; ++c) {
    double sum = 0;
    for (std::size_t v = 0; v < vocabulary; ++v) sum += p[c * vocabulary + v] = std::exp(p[c * vocabulary + v]);
    for (std::size_t v = 0; v < vocabulary; ++v) p[c * vocabulary + v] /= sum;
  }
  return p;
}

/// P(next parent and state | parent and state), by the words of levels/conditional.hpp.
double move(std::size_t from, std::size_t to, bool redraw) {
  const std::size_t u = from / states, c = from % states, parent = to / states, state = to % states;
  const double stay = c == state ? 1 : 0, fresh = pi[parent * states + state], h = 1 / taus[parent];
  const double outlived = (1 - h) * stay + h * fresh;
  return (u == parent ? (1 - 1 / parent_tau) * outlived : 0) + 1 / parent_tau / parents * (redraw ? fresh : outlived);
}

/// sum over every path that ends in `last` of its probability and that of the tokens 0 .. time.
double paths(Index time, std::size_t last, bool redraw, const std::vector<double>& p) {
  constexpr std::size_t pairs = parents * states;
  double sum = 0;
  for (std::size_t from = 0; from < pairs; ++from)
    sum += (time == 0 ? 1. / pairs : paths(time - 1, from, redraw, p)) * move(from, last, redraw);
  return sum * p[last % states * vocabulary + static_cast<std::size_t>(token(time, 0).id)];
}

struct HazardSlopes {
  double surprise = 0;
  std::vector<double> learned, share;
};

HazardSlopes run(CategoricalRig<double>& rig) {
  Probe<double> probe(*rig.hierarchy, *rig.world, rig.learning.get());
  probe.start();
  HazardSlopes slopes;
  for (Index t = 0; t < 40; ++t) {
    probe.begin();
    for (const double x : rig.surprise()) slopes.surprise += x;
    rig.hierarchy->accumulate(1, true);  // gathers: a rate of 0 leaves gradients where they are
    rig.hierarchy->carry(probe.step());
    rig.hierarchy->forecast(probe.step());
  }
  rig.level(0).visit_weights([&](Weight<double>& weight) {
    if (weight.name == "log_hazards") slopes.learned = rig.host(weight.gradient.view());
    if (weight.name == "share") slopes.share = rig.host(weight.gradient.view());
  });
  return slopes;
}

HazardSlopes hazard_slopes(bool redraw, const std::array<double, parents>& tau) {
  CategoricalRig<double> rig("conditional", 2, 2, vocabulary, 40, token,
                             lines(redraw, tau, {"level.0.learn_tau_per_parent=1", "learning.rate=0", "learning.warm_up=0"}), true);
  rig.level(0).set_transition(pi);
  return run(rig);
}

}  // namespace

TEST_CASE("conditional: a hazard per parent state is the sum over every path of states and parents", "[validation]") {
  const bool redraw = GENERATE(true, false);
  CategoricalRig<double> rig("conditional", 2, 1, vocabulary, 6, token, lines(redraw, taus));
  rig.level(0).set_transition(pi);
  const auto p = emission(rig);
  double before = 1, apart = 0;
  rig.simulation->start();
  for (Index t = 0; t < 6; ++t) {
    REQUIRE(rig.simulation->advance());
    double all = 0, state[states] = {}, parent[parents] = {};
    for (std::size_t pair = 0; pair < states * parents; ++pair) {
      const double weight = paths(t, pair, redraw, p);
      all += weight;
      state[pair % states] += weight;
      parent[pair / states] += weight;
    }
    INFO("redraw " << redraw << ", token " << t);
    CHECK(rig.surprise()[0] == Approx(-std::log(all / before)).margin(1e-12));
    for (std::size_t c = 0; c < states; ++c) CHECK(rig.belief(0)[c] == Approx(state[c] / all).margin(1e-12));
    for (std::size_t u = 0; u < parents; ++u) CHECK(rig.belief(1)[u] == Approx(parent[u] / all).margin(1e-12));
    before = all;
    apart = std::max(apart, std::abs(parent[0] / all - .5));
  }
  CHECK(apart > .02);  // the tokens say something about the parent
}

TEST_CASE("gradients: hazards per parent state follow exactly the slope of the surprise", "[gradient]") {
  const bool redraw = GENERATE(true, false);
  const auto learned = hazard_slopes(redraw, taus).learned;
  REQUIRE(learned.size() == parents);
  const double h = 1e-4;
  for (std::size_t u = 0; u < parents; ++u) {
    const auto at = [&](double shift) {
      auto tau = taus;
      tau[u] *= std::exp(-shift);
      return hazard_slopes(redraw, tau).surprise;
    };
    INFO("redraw " << redraw << ", parent state " << u);
    CHECK(std::abs(learned[u]) > .01);
    CHECK(learned[u] == Approx(-(at(h) - at(-h)) / (2 * h)).epsilon(1e-6));
  }
}

TEST_CASE("conditional: where nothing depends on the parent the level is the categorical one, and learns as it does", "[validation]") {
  CategoricalRig<double> whole("conditional", 2, 2, vocabulary, 40, token, lines(false, {5, 5}, {"learning.rate=0", "learning.warm_up=0"}),
                               true);
  CategoricalRig<double> alone(
      "categorical", 1, 2, vocabulary, 40, token,
      {"level.0.states=3", "level.0.initial=1.5", "level.0.tau=5", "level.0.learn_transition=0", "learning.rate=0", "learning.warm_up=0"},
      true);
  whole.level(0).set_transition(std::vector<double>{.5, .2, .3, .5, .2, .3});
  alone.level(0).set_transition(std::vector<double>{.5, .2, .3});
  const HazardSlopes of_two = run(whole), of_one = run(alone);
  CHECK(of_two.surprise == Approx(of_one.surprise).epsilon(1e-12));
  REQUIRE(of_two.share.size() == of_one.share.size());
  for (std::size_t i = 0; i < of_one.share.size(); ++i) CHECK(of_two.share[i] == Approx(of_one.share[i]).epsilon(1e-9).margin(1e-12));
}

TEST_CASE("conditional: hazards per parent state are refused where they do not fit", "[validation]") {
  const auto build = [](const std::vector<std::string>& more) {
    CategoricalRig<double> rig("conditional", 2, 1, vocabulary, 6, token, lines(true, taus, more));
  };
  build({});
  for (const char* wrong :
       {"level.0.tau_per_parent=3", "level.0.tau_per_parent=3,4,5", "level.0.tau_per_parent=.5,4", "level.0.tau_per_parent=3,four"})
    CHECK_THROWS_AS(build({wrong}), ConfigError);
  CHECK_THROWS_AS(build({"level.1.kind=conditional", "level.1.tau_per_parent=3,4"}), ConfigError);
  CHECK_THROWS_AS(build({"level.0.tau_per_parent=", "level.0.learn_tau_per_parent=1"}), ConfigError);
}

TEST_CASE("conditional: learned hazards per parent state go on with the same bits after saving", "[validation]") {
  constexpr Index length = 60, saved = 25;
  const auto make = [](Index first) {
    const auto sparse = [first](Index time, Index stream) {
      Word word = token(time + first, stream);
      word.active = !(stream == 1 && time + first >= 10 && time + first < 35);
      return word;
    };
    return CategoricalRig<float>(
        "conditional", 2, 2, vocabulary, length - first, sparse,
        lines(false, taus, {"level.0.learn_tau_per_parent=1", "level.0.tau_rate=1", "learning.rate=.02", "learning.warm_up=0"}), true);
  };
  auto whole = make(0);
  whole.simulation->start();
  MemoryArchive state, parameters, optimiser;
  std::vector<double> idle[2];  // the trace of a stream before and after its pause
  for (Index t = 0; t < length; ++t) {
    for (const bool after : {false, true})
      if (t == (after ? 35 : 10)) {
        MemoryArchive now;
        whole.hierarchy->archive_state(now);
        const auto both = now.at("level_0/hazard_trace_0").data;  // streams one after the other
        idle[after].assign(both.begin() + static_cast<std::ptrdiff_t>(both.size() / 2), both.end());
      }
    if (t == saved) {
      whole.hierarchy->archive_state(state);
      whole.hierarchy->archive_parameters(parameters);
      whole.hierarchy->archive_optimiser(optimiser);
      whole.learning->archive(optimiser);
    }
    whole.simulation->advance();
  }
  auto resumed = make(saved);
  for (auto* archive : {&state, &parameters, &optimiser}) archive->rewind();
  resumed.hierarchy->archive_state(state);
  resumed.hierarchy->archive_parameters(parameters);
  resumed.hierarchy->archive_optimiser(optimiser);
  resumed.learning->archive(optimiser);
  resumed.simulation->run();
  CHECK(whole.surprise() == resumed.surprise());
  CHECK(whole.belief(0) == resumed.belief(0));
  CHECK(whole.level(0).time_constant() == resumed.level(0).time_constant());
  CHECK(idle[0] == idle[1]);
  CHECK(std::abs(std::log(whole.level(0).time_constant() * (1 / taus[0] + 1 / taus[1]) / 2)) > .01);  // something was learned
}
