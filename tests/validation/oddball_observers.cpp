// The exact observers of the oddball world against enumeration and counting, and the laboratory's signatures in them.
#include <array>
#include <catch2/catch.hpp>
#include <cmath>

#include "experiments/worlds/oddball/chain.hpp"
#include "experiments/worlds/oddball/dirichlet.hpp"
#include "experiments/worlds/oddball/paradigms.hpp"
#include "tests/support/world_source.hpp"

namespace {

using namespace strata;
using namespace strata::oddball;

Observation token(Index id) {
  Observation o = test::room_for(1);
  o.id[0] = static_cast<std::int32_t>(id);
  o.active[0] = 1;
  return o;
}

/// P(outcomes, block now): every path of blocks and every configuration of change points, a stretch between two of which is worth the mean over
/// the values of p of its likelihood.
std::array<double, 2> hazard_evidence(const Settings& s, const std::vector<Index>& y) {
  const std::size_t length = y.size();
  std::array<double, 2> total{};
  for (std::size_t blocks = 0; blocks < std::size_t{1} << length; ++blocks) {
    for (std::size_t jumps = 0; jumps < std::size_t{1} << (length - 1); ++jumps) {  // bit t-1: p is drawn anew before step t
      double weight = .5;
      for (std::size_t t = 1; t < length; ++t) {
        const auto now = blocks >> t & 1U, was = blocks >> (t - 1) & 1U;
        const double h = now == 1 ? s.volatility : s.stable;
        weight *= (now == was ? 1 - 1 / s.block : 1 / s.block) * ((jumps >> (t - 1) & 1U) == 1 ? h : 1 - h);
      }
      for (std::size_t begin = 0; begin < length;) {
        std::size_t end = begin + 1;
        while (end < length && (jumps >> (end - 1) & 1U) == 0) ++end;
        double mean = 0;
        for (Index i = 1; i <= s.grid; ++i) {
          const double p = static_cast<double>(i) / static_cast<double>(s.grid + 1);
          double likelihood = 1;
          for (std::size_t t = begin; t < end; ++t) likelihood *= y[t] == 1 ? p : 1 - p;
          mean += likelihood / static_cast<double>(s.grid);
        }
        weight *= mean;
        begin = end;
      }
      total[blocks >> (length - 1) & 1U] += weight;
    }
  }
  return total;
}

}  // namespace

TEST_CASE("the change-point observer equals the sum over every configuration of change points and blocks", "[oddball]") {
  for (const Index grid : {3, 19}) {
    Settings s;
    s.paradigm = "hazard";
    s.block = 7;
    s.grid = grid;
    s.stable = .05;
    s.volatility = .4;
    const auto chain = std::make_shared<const Chain>(make_chain(s));
    for (const std::vector<Index>& outcomes :
         {std::vector<Index>{1, 1, 1, 1, 1, 0, 0}, std::vector<Index>{0, 1, 0, 0, 1, 1, 0}, std::vector<Index>{0, 0, 0, 0, 0, 0, 1}}) {
      ChainFilter filter(chain, 1);
      double surprises = 0;
      std::vector<Index> heard;
      for (const Index y : outcomes) {
        filter.observe(token(y));
        heard.push_back(y);
        surprises += filter.surprise(0);
        const auto evidence = hazard_evidence(s, heard);
        REQUIRE(surprises == Approx(-std::log(evidence[0] + evidence[1])).margin(1e-12));
        REQUIRE(filter.belief(1, 0)[1] == Approx(evidence[1] / (evidence[0] + evidence[1])).margin(1e-12));
        heard.push_back(1);
        const auto next = hazard_evidence(s, heard);
        heard.pop_back();
        REQUIRE(filter.predictive(0)[1] == Approx((next[0] + next[1]) / (evidence[0] + evidence[1])).margin(1e-12));
      }
    }
  }
}

TEST_CASE("the local-global observer equals the sum over every course of blocks and trials", "[oddball]") {
  Settings s;
  s.paradigm = "local_global";
  s.gap = 1;
  s.block = 4;
  const auto chain = std::make_shared<const Chain>(make_chain(s));
  const std::vector<Index> trials{1, 1, 0, 1, 0, 0, 0};
  ChainFilter filter(chain, 1);
  double surprises = 0;
  for (std::size_t n = 0; n < trials.size(); ++n) {
    for (Index place = 0; place < 6; ++place) {
      filter.observe(token(place == 5 ? 2 : place == 4 ? trials[n] : 0));
      surprises += filter.surprise(0);
      if (place != 4) CHECK(filter.surprise(0) == Approx(0).margin(1e-12));  // only the fifth tone is open
    }
    double total = 0, second = 0;
    for (std::size_t blocks = 0; blocks < std::size_t{1} << (n + 1); ++blocks) {
      double weight = .5;
      for (std::size_t i = 0; i <= n; ++i) {
        if (i > 0) weight *= (blocks >> i & 1U) == (blocks >> (i - 1) & 1U) ? .75 : .25;
        weight *= static_cast<std::size_t>(trials[i]) == (blocks >> i & 1U) ? .8 : .2;
      }
      total += weight;
      if ((blocks >> n & 1U) == 1) second += weight;
    }
    CHECK(surprises == Approx(-std::log(total)).margin(1e-12));
    CHECK(filter.belief(2, 0)[1] == Approx(second / total).margin(1e-12));
  }
}

TEST_CASE("the observer that knows the trains expects their end as their lengths say", "[oddball]") {
  const auto source = test::world_source("oddball", {"world.paradigm=roving", "world.observer=laws"});
  const auto observer = source->observer(1), blind = source->observer(1, 0);
  const auto world = source->open(1, 5000, 3);
  Observation o = test::room_for(1);
  std::int64_t before = -1;
  while (world->next(o)) {
    observer->observe(o);
    blind->observe(o);
    CHECK(blind->surprise(0) == Approx(std::log(8.)).margin(1e-12));
    const auto heard = static_cast<double>(before + 1);  // tones of the train up to the last one
    if (before >= 0) {
      const double ends = heard < 3 ? 0 : 1 / (11 - heard + 1);
      REQUIRE(observer->surprise(0) == Approx(o.byte_begin[0] == 0 ? -std::log(ends / 7) : -std::log(1 - ends)).margin(1e-12));
    }
    before = o.byte_begin[0];
  }
}

TEST_CASE("the Dirichlet filter equals counting, with and without forgetting", "[oddball]") {
  const std::vector<Index> tones{0, 0, 2, 2, 2, 1, 0, 3, 3, 2, 2, 2, 2, 0};
  for (const double memory : {0., 2.5, 10.}) {
    for (const double prior : {.2, 1.}) {
      DirichletFilter filter(5, 1, prior, memory);
      for (std::size_t t = 0; t < tones.size(); ++t) {
        std::array<double, 5> count{};
        double total = 0;
        for (std::size_t past = 0; past < t; ++past) {
          const double weight = memory > 0 ? std::exp(-static_cast<double>(t - 1 - past) / memory) : 1;
          count.at(static_cast<std::size_t>(tones[past])) += weight;
          total += weight;
        }
        for (std::size_t v = 0; v < 5; ++v)
          CHECK(filter.predictive(0)[v] == Approx((prior + count[v]) / (5 * prior + total)).margin(1e-12));
        filter.observe(token(tones[t]));
        CHECK(filter.surprise(0) ==
              Approx(-std::log((prior + count.at(static_cast<std::size_t>(tones[t]))) / (5 * prior + total))).margin(1e-12));
      }
    }
  }
}

TEST_CASE("oddball observers that forget know the token and its place, or nothing", "[oddball]") {
  const auto source = test::world_source("oddball", {"world.block=20"});
  const auto unigram = source->log_unigram();
  std::array<double, 4> nats{};
  std::vector<std::unique_ptr<Observer>> observers;
  for (Index k = 0; k < 4; ++k) observers.push_back(source->observer(1, k));
  const auto world = source->open(1, 80000, 5);
  Observation o = test::room_for(1);
  while (world->next(o)) {
    for (std::size_t k = 0; k < 4; ++k) {
      observers[k]->observe(o);
      nats[k] += observers[k]->surprise(0) / 10000;  // per trial
    }
    REQUIRE(observers[0]->surprise(0) == Approx(-unigram[static_cast<std::size_t>(o.id[0])]).margin(1e-12));
  }
  // Knowing where one is, but not the block: the fifth tone is a coin. Knowing the block: its rule, nearly.
  CHECK(nats[1] == Approx(std::log(2.)).margin(1e-9));
  CHECK(nats[3] < nats[1] - .05);
  CHECK(nats[3] > -.8 * std::log(.8) - .2 * std::log(.2));
  CHECK(nats[2] == Approx(nats[3]).margin(1e-9));  // the kind of trial names its block
}

TEST_CASE("local-global: the exact observer is surprised by what breaks the rule, whatever the tone", "[oddball]") {
  const auto source = test::world_source("oddball", {});
  const auto observer = source->observer(1);
  const auto world = source->open(1, 160000, 6);
  Observation o = test::room_for(1);
  std::array<double, 4> sum{}, count{};
  while (world->next(o)) {
    observer->observe(o);
    if (o.byte_begin[0] != 4) continue;
    sum[static_cast<std::size_t>(o.context[1])] += observer->surprise(0);
    count[static_cast<std::size_t>(o.context[1])] += 1;
  }
  for (std::size_t kind = 0; kind < 4; ++kind) sum[kind] /= count[kind];
  CHECK(sum[1] > sum[0] + 1);  // block xxxxx: xxxxY is the deviant
  CHECK(sum[2] > sum[3] + 1);  // block xxxxY: xxxxx is
}

TEST_CASE("roving: the counting observer's surprise falls with repetition; with many standards there is nothing to fall from",
          "[oddball]") {
  std::array<double, 2> deviance{};
  for (const bool control : {false, true}) {
    const auto source =
        test::world_source("oddball", {"world.paradigm=roving", control ? "world.control=many_standards" : "world.control=none"});
    const auto observer = source->observer(1);
    const auto world = source->open(1, 100000, 7);
    Observation o = test::room_for(1);
    std::array<double, 11> sum{}, count{};
    while (world->next(o)) {
      observer->observe(o);
      const auto n = static_cast<std::size_t>(std::min<std::int64_t>(10, o.byte_begin[0]));
      sum[n] += observer->surprise(0);
      count[n] += 1;
    }
    if (!control) {
      for (std::size_t n = 1; n < 11; ++n) CHECK(sum[n] / count[n] < sum[n - 1] / count[n - 1]);
    }
    deviance[control] = sum[0] / count[0];
  }
  CHECK(deviance[0] > deviance[1] + .2);  // the same tones as often, but a deviant only where there is a standard
}

TEST_CASE("hazard: the exact observer learns faster in volatile blocks, and alike where the volatility is the same", "[oddball]") {
  for (const bool control : {false, true}) {
    const auto source =
        test::world_source("oddball", {"world.paradigm=hazard", control ? "world.control=no_volatility" : "world.control=none"});
    const auto observer = source->observer(1);
    const auto world = source->open(1, 200000, 8);
    Observation o = test::room_for(1);
    std::array<double, 2> rate{}, count{};
    double before = observer->predictive(0)[1];
    while (world->next(o)) {
      observer->observe(o);
      const double after = observer->predictive(0)[1];
      rate[static_cast<std::size_t>(o.context[1])] += learning_rate(before, after, o.id[0]);
      count[static_cast<std::size_t>(o.context[1])] += 1;
      before = after;
    }
    const double stable = rate[0] / count[0], volatile_ = rate[1] / count[1];
    CAPTURE(stable, volatile_);
    if (control) {
      CHECK(volatile_ / stable == Approx(1).margin(.05));
    } else {
      CHECK(volatile_ / stable > 1.15);
    }
  }
}
