// Half-lives, ratios and thirds against curves whose answers are known in closed form.

#include <catch2/catch.hpp>
#include <cmath>

#include "analysis/evidence.hpp"
#include "analysis/half_life.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "tests/support/analysis_trace.hpp"

using namespace strata;
using test::make_curves;
using test::times;

namespace {

const double kLn2 = std::log(2.0);

/// Two copies of a leaky integrator x <- a x + (1-a) u with the same input from time 0 on, different histories before.
Curves twin_integrators(double tau, Index pairs, const std::vector<std::int64_t>& time) {
  const double a = std::exp(-1.0 / tau);
  Series copies[2];
  for (int copy = 0; copy < 2; ++copy) {
    copies[copy].time = time;
    copies[copy].streams = pairs;
    copies[copy].units = 4;
    copies[copy].value.resize(time.size() * static_cast<std::size_t>(pairs) * 4);
    for (Index s = 0; s < pairs; ++s)
      for (Index u = 0; u < 4; ++u) {
        const auto row = static_cast<std::uint32_t>(4 * s + u);
        double x = random_normal(random_base(5, 0, static_cast<std::uint32_t>(copy), 1), row, 0);
        std::size_t k = 0;
        for (std::int64_t t = -1; k < time.size(); ++t) {
          if (t >= 0) x = a * x + (1.0 - a) * random_normal(random_base(5, static_cast<std::uint64_t>(t + 1), 0, 2), row, 0);
          if (time[k] != t) continue;
          copies[copy].value[(k * static_cast<std::size_t>(pairs) + static_cast<std::size_t>(s)) * 4 + static_cast<std::size_t>(u)] =
              static_cast<float>(x);
          ++k;
        }
      }
  }
  return distance(copies[0], copies[1], {}, Distance::euclidean);
}

FallingCurves exponential(double tau, Index pairs, std::int64_t last, double spread = 0.0) {
  return FallingCurves(make_curves(times(-1, last), pairs,
                                   [=](double t, Index s) {
                                     const double own =
                                         tau * std::exp(spread * random_normal(random_base(9, 1, 0, 3), static_cast<std::uint32_t>(s), 0));
                                     return (1.0 + static_cast<double>(s)) * std::exp(-(t + 1.0) / own);
                                   }),
                       true);
}

}  // namespace

TEST_CASE("the half-life of a leaky integrator is tau ln 2", "[analysis]") {
  for (const double tau : {3.0, 15.0, 100.0, 500.0}) {
    const std::vector<FallingCurves> one = {
        FallingCurves(twin_integrators(tau, 30, times(-1, static_cast<std::int64_t>(3.0 * tau))), true)};
    const HalfLives found = half_lives(one);
    CAPTURE(tau);
    CHECK(found.half_life[0].value == Approx(tau * kLn2).epsilon(0.02));
    CHECK(found.half_life[0].bound == Bound::exact);
    CHECK(found.censored_fraction[0] == 0.0);
  }
}

TEST_CASE("coarse sampling does not move the half-life", "[analysis]") {
  for (const std::int64_t step : {5, 16, 32}) {
    const std::vector<FallingCurves> one = {FallingCurves(twin_integrators(100.0, 30, times(-1, 400, step)), true)};
    CHECK(half_lives(one).half_life[0].value == Approx(100.0 * kLn2).epsilon(0.02));
  }
}

TEST_CASE("equal time constants give ratio 1, ordered ones their own ratio", "[analysis]") {
  const std::vector<FallingCurves> equal = {exponential(20, 40, 300, 0.3), exponential(20, 40, 300, 0.3), exponential(20, 40, 300, 0.3)};
  const HalfLives same = half_lives(equal);
  for (std::size_t l = 1; l < 3; ++l) {
    CHECK(same.ratio[l].value == Approx(1.0));
    CHECK(same.ratio[l].low == Approx(1.0));  // jointly resampled: the same pairs stand above and below
    CHECK(same.ratio[l].high == Approx(1.0));
  }
  CHECK(same.rho.value == Approx(1.0));

  // Half-lives on whole tokens, where interpolation between samples has nothing to add.
  std::vector<FallingCurves> ladder;
  for (const double half_life : {4.0, 16.0, 64.0, 256.0}) ladder.push_back(exponential(half_life / kLn2, 40, 2000));
  const HalfLives found = half_lives(ladder);
  CHECK_FALSE(found.ratio[0].measured());
  for (std::size_t l = 1; l < 4; ++l) CHECK(found.ratio[l].value == Approx(4.0).epsilon(1e-9));
  CHECK(found.rho.value == Approx(4.0).epsilon(1e-9));
  CHECK(half_lives(ladder).rho.low == found.rho.low);
}

TEST_CASE("each pair counts the same, whatever its distance", "[analysis]") {
  // One pair stands a thousand times further apart and falls slowly; the mean of normalised curves is the same as with equal starts.
  const auto value = [](double big) {
    return make_curves(times(-1, 400), 3,
                       [=](double t, Index s) { return s == 0 ? big * std::exp(-(t + 1.0) / 100.0) : std::exp(-(t + 1.0) / 10.0); });
  };
  const std::vector<FallingCurves> far = {FallingCurves(value(1000.0), true)}, near = {FallingCurves(value(1.0), true)};
  CHECK(half_lives(far).half_life[0].value == Approx(half_lives(near).half_life[0].value));
}

TEST_CASE("what has not halved is at least, and counted", "[analysis]") {
  // A quarter of the pairs never falls: the mean halves all the same, later.
  const std::vector<FallingCurves> some = {
      FallingCurves(make_curves(times(-1, 200), 40, [](double t, Index s) { return s < 10 ? 1.0 : std::exp(-(t + 1.0) / 20.0); }), true)};
  const HalfLives found = half_lives(some);
  CHECK(found.censored_fraction[0] == 0.25);
  CHECK(found.half_life[0].bound == Bound::exact);
  CHECK(found.half_life[0].value == Approx(20.0 * std::log(3.0)).epsilon(0.01));  // 1/4 + 3/4 exp(-t/20) = 1/2
  CHECK(found.of_pair[0][0].bound == Bound::at_least);
  CHECK(found.of_pair[0][0].value == 201.0);
  CHECK(found.of_pair[0][39].value == Approx(20.0 * kLn2).epsilon(0.01));

  const std::vector<FallingCurves> slow = {exponential(20, 40, 200), exponential(1000, 40, 200)};
  const HalfLives late = half_lives(slow);
  CHECK(late.half_life[1].bound == Bound::at_least);
  CHECK(late.half_life[1].value == 201.0);
  CHECK(late.half_life[1].high_open);
  CHECK(late.censored_fraction[1] == 1.0);
  CHECK(late.ratio[1].bound == Bound::at_least);
  CHECK(late.ratio[1].value == Approx(201.0 / (20.0 * kLn2)).epsilon(0.01));
  CHECK(late.rho.bound == Bound::at_least);
}

TEST_CASE("thirds by surprise find the faster third", "[analysis]") {
  // Pairs with more surprise forget faster: tau = 60, 30, 15 for the low, middle and high third, in shuffled order.
  const Index pairs = 90;
  const auto third = [](Index s) { return (s * 7) % 90 / 30; };
  const std::vector<FallingCurves> one = {FallingCurves(
      make_curves(times(-1, 400), pairs,
                  [&](double t, Index s) { return std::exp(-(t + 1.0) / (60.0 / std::pow(2.0, static_cast<double>(third(s))))); }),
      true)};
  std::vector<double> surprise;
  for (Index s = 0; s < pairs; ++s) surprise.push_back(4.0 + static_cast<double>((s * 7) % 90) / 90.0);
  const HalfLifeThirds found = half_life_thirds(one, surprise);
  CHECK(found.half_life[0][0].value == Approx(60.0 * kLn2).epsilon(0.01));
  CHECK(found.half_life[0][1].value == Approx(30.0 * kLn2).epsilon(0.01));
  CHECK(found.half_life[0][2].value == Approx(15.0 * kLn2).epsilon(0.01));
  CHECK(found.high_minus_low[0].value == Approx(-45.0 * kLn2).epsilon(0.01));
  CHECK(found.high_minus_low[0].high < 0.0);
  CHECK(found.surprise[0] < found.surprise[1]);
  CHECK(found.surprise[1] < found.surprise[2]);
  CHECK_THROWS_AS(half_life_thirds(one, std::vector<double>(89, 1.0)), ShapeError);
}

TEST_CASE("half-lives under two conditions differ by what they differ by, pair by pair", "[analysis]") {
  // Pairs differ widely among themselves (tau 20 to 100), the conditions by a factor of 2 within every pair.
  const auto of_pair = [](double factor) {
    return FallingCurves(make_curves(times(-1, 600), 80,
                                     [=](double t, Index s) { return std::exp(-(t + 1.0) / (factor * (20.0 + static_cast<double>(s)))); }),
                         true);
  };
  const std::vector<FallingCurves> slow = {of_pair(1), exponential(50, 80, 600)}, fast = {of_pair(.5), exponential(50, 80, 600)};
  const auto gaps = half_life_gaps(fast, slow);
  CHECK(gaps[0].value == Approx(half_lives(fast).half_life[0].value - half_lives(slow).half_life[0].value));
  CHECK(gaps[0].high < 0);
  CHECK(gaps[0].high - gaps[0].low < .6 * (half_lives(slow).half_life[0].high - half_lives(slow).half_life[0].low));  // paired
  CHECK(gaps[1].value == Approx(0).margin(1e-9));
  CHECK_THROWS_AS(half_life_gaps(fast, std::vector<FallingCurves>{of_pair(1)}), ShapeError);
  CHECK_THROWS_AS(half_life_gaps(fast, std::vector<FallingCurves>{exponential(50, 40, 600), exponential(50, 40, 600)}), ShapeError);
}

TEST_CASE("evidence is the excess summed up to the half-life", "[analysis]") {
  const Curves excess = make_curves(times(-1, 400), 40, [](double, Index s) { return s % 2 == 0 ? 0.25 : 0.75; });
  const std::vector<FallingCurves> levels = {exponential(20, 40, 400), exponential(100, 40, 400), exponential(5000, 40, 400)};
  const auto found = evidence(excess, levels, true);
  CHECK(found[0].value == Approx(0.5 * 20.0 * kLn2).epsilon(0.02));
  CHECK(found[1].value == Approx(0.5 * 100.0 * kLn2).epsilon(0.02));
  CHECK(found[1].low < found[1].value);
  CHECK(found[1].high > found[1].value);
  CHECK(found[2].bound == Bound::at_least);
  CHECK(found[2].value == Approx(0.5 * 401.0));
  CHECK(accumulated(excess, std::vector<double>(40, 1.0), 2.5) == Approx(1.25));
  const Curves coarse = make_curves(times(3, 399, 4), 40, [](double, Index) { return 0.5; });
  CHECK(accumulated(coarse, std::vector<double>(40, 1.0), 10.0) == Approx(5.0));
}
