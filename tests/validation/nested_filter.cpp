// The exact filter of the nested world against what it must equal: every path summed one by one, the dense transition matrix, and the
// frequencies with which what it believes is true.
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>

#include "core/random.hpp"
#include "experiments/worlds/nested/filter.hpp"
#include "tests/support/world_source.hpp"

namespace {

using namespace strata;
using namespace strata::nested;

Settings world(std::vector<Index> states, std::vector<double> tau, std::vector<double> leak, std::uint64_t tables, Index vocabulary = 3) {
  Settings s;
  s.kind = "direct";
  s.beta.assign(states.size(), 1.);
  s.states = std::move(states);
  s.tau = std::move(tau);
  s.leak = std::move(leak);
  s.vocabulary = vocabulary;
  s.tables = tables;
  return s;
}

std::vector<Index> contexts_of(const Laws& laws, Index joint) {
  std::vector<Index> c;
  for (const Index n : laws.settings().states) {
    c.push_back(joint % n);
    joint /= n;
  }
  return c;
}

/// P(to | from) straight from the words of the definition: which level switches first, seen from the top?
double step_probability(const Laws& laws, Index from, Index to) {
  const auto a = contexts_of(laws, from), b = contexts_of(laws, to);
  const auto pi = [&](std::size_t l) { return laws.level(static_cast<Index>(l)).transition.col(l + 1 == a.size() ? 0 : b[l + 1]); };
  double total = from == to ? 1. : 0.;
  for (const double tau : laws.settings().tau) total *= 1 - 1 / tau;
  double quiet = 1;  // no level above `first` switches
  for (std::size_t first = a.size(); first-- > 0;) {
    double p = quiet / laws.settings().tau[first];
    quiet *= 1 - 1 / laws.settings().tau[first];
    for (std::size_t l = a.size() - 1; l > first; --l) p *= a[l] == b[l] ? 1. : 0.;
    p *= a[first] == b[first] ? 0. : pi(first)(b[first]) / (1 - pi(first)(a[first]));
    for (std::size_t l = 0; l < first; ++l) p *= pi(l)(b[l]);
    total += p;
  }
  return total;
}

Eigen::MatrixXd dense_transition(const Laws& laws) {
  const Index n = laws.settings().joint_states();
  Eigen::MatrixXd T(n, n);
  for (Index from = 0; from < n; ++from) {
    for (Index to = 0; to < n; ++to) T(to, from) = step_probability(laws, from, to);
  }
  return T;
}

Eigen::VectorXd long_run_by_iteration(const Eigen::MatrixXd& T) {
  Eigen::MatrixXd power = T;
  for (int i = 0; i < 40; ++i) {
    power = power * power;
    power.array().rowwise() /= power.colwise().sum().array().eval();
  }
  return power.col(0);
}

Observation token(Index id) {
  Observation o = test::room_for(1);
  o.id[0] = static_cast<std::int32_t>(id);
  o.active[0] = 1;
  return o;
}

double largest_difference(std::span<const double> a, const Eigen::VectorXd& b) {
  return (Eigen::Map<const Eigen::VectorXd>(a.data(), static_cast<Index>(a.size())) - b).cwiseAbs().maxCoeff();
}

std::vector<Settings> small_worlds() {
  return {world({3}, {5}, {0}, 1), world({3, 2}, {2, 7}, {.05, .05}, 2), world({2, 3, 2}, {1, 3, 9}, {.2, .01, 0}, 3),
          world({4, 3, 2, 2}, {8, 1.5, 20, 90}, {0, .05, .3, 1}, 4, 5),
          world({3, 2, 2, 2, 3, 2}, {2, 4, 8, 16, 32, 64}, {.1, .1, .1, .1, 0, .1}, 5, 4)};
}

}  // namespace

TEST_CASE("the nested filter equals the sum over every path of contexts", "[nested]") {
  for (const Settings& settings :
       {world({3}, {5}, {0}, 1), world({3, 2}, {2, 7}, {.05, .05}, 2), world({2, 2, 2}, {1, 3, 9}, {.2, .01, 0}, 3)}) {
    const auto laws = std::make_shared<const Laws>(settings);
    const Index n = settings.joint_states(), length = 5;
    const Eigen::MatrixXd T = dense_transition(*laws);
    const Eigen::VectorXd start = long_run_by_iteration(T);
    const Eigen::ArrayXXd p = laws->emissions();
    const std::vector<Index> tokens{0, 2, 2, 1, 0};
    Filter filter(laws, 1);
    double surprises = 0;
    for (Index t = 0; t < length; ++t) {
      filter.observe(token(tokens[static_cast<std::size_t>(t)]));
      surprises += filter.surprise(0);
      // All n^(t+1) paths up to here: the weight of each goes to its last state.
      Eigen::VectorXd last = Eigen::VectorXd::Zero(n);
      std::vector<Index> path(static_cast<std::size_t>(t) + 1, 0);
      for (bool more = true; more;) {
        double weight = start(path[0]) * p(path[0], tokens[0]);
        for (std::size_t i = 1; i < path.size(); ++i) weight *= T(path[i], path[i - 1]) * p(path[i], tokens[i]);
        last(path.back()) += weight;
        std::size_t i = 0;
        while (i < path.size() && ++path[i] == n) path[i++] = 0;
        more = i < path.size();
      }
      CHECK(surprises == Approx(-std::log(last.sum())).margin(1e-12));
      last /= last.sum();
      CHECK(largest_difference(filter.joint_belief(0), last) < 1e-12);
      for (Index l = 0; l < laws->levels(); ++l) {
        Eigen::VectorXd marginal = Eigen::VectorXd::Zero(filter.units(l));
        for (Index c = 0; c < n; ++c) marginal(contexts_of(*laws, c)[static_cast<std::size_t>(l)]) += last(c);
        CHECK(largest_difference(filter.belief(l, 0), marginal) < 1e-12);
      }
    }
  }
}

TEST_CASE("the nested filter equals the dense transition matrix, its start is the long run", "[nested]") {
  for (const Settings& settings : small_worlds()) {
    const auto laws = std::make_shared<const Laws>(settings);
    const Eigen::MatrixXd T = dense_transition(*laws);
    REQUIRE((T.colwise().sum().array() - 1).abs().maxCoeff() < 1e-12);
    const Eigen::VectorXd long_run = laws->stationary(0);
    CHECK((T * long_run - long_run).cwiseAbs().maxCoeff() < 1e-14);
    if (settings.tau[settings.tau.size() - 1] > 1) CHECK((long_run_by_iteration(T) - long_run).cwiseAbs().maxCoeff() < 1e-11);
    const Eigen::ArrayXXd p = laws->emissions();
    Filter filter(laws, 1);
    Eigen::VectorXd prior = long_run;
    for (Index t = 0; t < 300; ++t) {
      const auto v = static_cast<Index>(mix(static_cast<std::uint64_t>(t)) % static_cast<std::uint64_t>(settings.vocabulary));
      filter.observe(token(v));
      Eigen::VectorXd q = prior.array() * p.col(v);
      REQUIRE(filter.surprise(0) == Approx(-std::log(q.sum())).margin(1e-12));
      q /= q.sum();
      prior = T * q;
      REQUIRE(largest_difference(filter.joint_belief(0), q) < 1e-12);
      REQUIRE(largest_difference(filter.joint_prediction(0), prior) < 1e-12);
      REQUIRE(largest_difference(filter.predictive(0), p.matrix().transpose() * prior) < 1e-12);
    }
  }
}

TEST_CASE("a nested filter that forgets carries the known contexts alone; knowing nothing is the unigram", "[nested]") {
  for (const Settings& settings : small_worlds()) {
    const auto laws = std::make_shared<const Laws>(settings);
    const Index n = settings.joint_states();
    const Eigen::MatrixXd T = dense_transition(*laws);
    const Eigen::VectorXd long_run = laws->stationary(0);
    const Eigen::ArrayXXd p = laws->emissions();
    const std::vector<double> unigram = laws->log_unigram();
    Index low = 1;
    for (Index known = 0; known <= laws->levels(); ++known) {
      Filter filter(laws, 1, known);
      Eigen::VectorXd prior = long_run;
      for (Index t = 0; t < 100; ++t) {
        const auto v = static_cast<Index>(mix(static_cast<std::uint64_t>(t)) % static_cast<std::uint64_t>(settings.vocabulary));
        filter.observe(token(v));
        Eigen::VectorXd q = prior.array() * p.col(v), carried(n);
        REQUIRE(filter.surprise(0) == Approx(-std::log(q.sum())).margin(1e-12));
        if (known == 0) REQUIRE(filter.surprise(0) == Approx(-unigram[static_cast<std::size_t>(v)]).margin(1e-12));
        q /= q.sum();
        for (Index c = 0; c < n; ++c) {
          double here = 0, run = 0;
          for (Index d = c % low; d < n; d += low) {
            here += q(d);
            run += long_run(d);
          }
          carried(c) = run > 0 ? here * long_run(c) / run : 0;
        }
        prior = T * carried;
        REQUIRE(largest_difference(filter.joint_belief(0), carried) < 1e-12);
        REQUIRE(largest_difference(filter.joint_prediction(0), prior) < 1e-11);
      }
      if (known < laws->levels()) low *= settings.states[static_cast<std::size_t>(known)];
    }
  }
}

TEST_CASE("what the nested filter believes is true as often as it believes it", "[nested]") {
  const auto source = test::world_source("nested", {"world.levels=3"});
  const Index streams = 8, length = 30000;
  const auto filter = source->observer(streams);
  const auto world = source->open(streams, length, 5);
  constexpr std::size_t bins = 10;
  std::vector<std::array<double, bins>> said(3), seen(3), count(3);
  Observation out = test::room_for(streams);
  while (world->next(out)) {
    filter->observe(out);
    for (Index b = 0; b < streams; ++b) {
      for (std::size_t l = 0; l < 3; ++l) {
        const auto q = filter->belief(static_cast<Index>(l), b);
        for (std::size_t c = 0; c < q.size(); ++c) {
          const std::size_t bin = std::min(bins - 1, static_cast<std::size_t>(q[c] * bins));
          said[l][bin] += q[c];
          seen[l][bin] += out.context[static_cast<std::size_t>(b) * 3 + l] == static_cast<std::int32_t>(c) ? 1. : 0.;
          count[l][bin] += 1;
        }
      }
    }
  }
  for (std::size_t l = 0; l < 3; ++l) {
    double error = 0, total = 0;
    for (std::size_t i = 0; i < bins; ++i) {
      error += std::abs(said[l][i] - seen[l][i]);
      total += count[l][i];
      if (count[l][i] > 4000) CHECK(said[l][i] / count[l][i] == Approx(seen[l][i] / count[l][i]).margin(.05));
    }
    CAPTURE(l);
    CHECK(error / total < .01);  // expected calibration error
  }
}
