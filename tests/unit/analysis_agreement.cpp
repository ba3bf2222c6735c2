// Agreement of two readings, alignment, forgetting, divergence and the shortest scale, against leaky integrators whose answers are known.

#include <catch2/catch.hpp>
#include <cmath>

#include "analysis/agreement.hpp"
#include "analysis/measure.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "tests/support/analysis_trace.hpp"

using namespace strata;
using test::times;

namespace {

constexpr Index pairs = 400, units = 16;

float noise(std::uint64_t of, std::int64_t time, Index row) {
  return static_cast<float>(random_normal(random_base(11, static_cast<std::uint64_t>(time + 1'000'000), 0, static_cast<std::uint32_t>(of)),
                                          static_cast<std::uint32_t>(row), 0));
}

/// A leak x <- a x + sqrt(1 - a^2) u per trial and unit at times -1 ... last: input `past` before time 0, `text` from then on. `mean` is added
/// per unit, in a copy's own way.
Series leak(double tau, std::uint64_t past, std::uint64_t text, std::int64_t last, std::int64_t step = 1, double mean = 0) {
  Series out;
  out.time = times(-1, last, step);
  out.streams = pairs;
  out.units = units;
  out.value.resize(out.time.size() * static_cast<std::size_t>(pairs * units));
  const double a = std::exp(-1 / tau);
  for (Index row = 0; row < pairs * units; ++row) {
    double x = static_cast<double>(noise(past, -1, row));
    std::size_t k = 0;
    for (std::int64_t t = -1; k < out.time.size(); ++t) {
      if (t >= 0) x = a * x + std::sqrt(1 - a * a) * static_cast<double>(noise(text, t, row));
      if (out.time[k] == t)
        out.value[k++ * static_cast<std::size_t>(pairs * units) + static_cast<std::size_t>(row)] = static_cast<float>(x + mean);
    }
  }
  return out;
}

/// Predictions of levels that leak so, under `prefix`.
void write_leaks(Hdf5File& file, const std::string& prefix, const std::vector<double>& taus, std::uint64_t past, std::uint64_t text) {
  for (std::size_t l = 0; l < taus.size(); ++l) {
    const Series x = leak(taus[l], past, text, 99);
    test::write_level(file, prefix + "/levels/" + std::to_string(l), "prediction", x.time, pairs, units, [&](double t, Index s, Index u) {
      return static_cast<double>(x.at(static_cast<std::size_t>(t + 1), s)[static_cast<std::size_t>(u)]);
    });
  }
}

const std::vector<double> once(static_cast<std::size_t>(pairs), 1.0);

}  // namespace

TEST_CASE("a leak of fixed time constant builds a context as fast as it lets one go", "[analysis]") {
  for (const double tau : {6.0, 30.0, 100.0})
    for (const std::int64_t step : {1, 4}) {
      if (tau < 5.0 * static_cast<double>(step)) continue;  // straight lines between samples do not follow it
      const auto last = static_cast<std::int64_t>(tau);
      // Means of their own do not count: copies are centred one by one.
      const auto twin = agreement_curves(leak(tau, 1, 3, last, step, 5.0), leak(tau, 2, 3, last, step, -2.0), {});
      const auto parted = agreement_curves(leak(tau, 1, 3, last, step), leak(tau, 1, 4, last, step), {});
      const Bounded align = twin.turning_time(once, true), forget = parted.turning_time(once, false);
      CAPTURE(tau, step, align.value, forget.value);
      CHECK(align.bound == Bound::exact);
      CHECK(align.value == Approx(tau / 2 * std::log(2.0)).epsilon(0.08));
      CHECK(forget.value == Approx(tau / 2 * std::log(2.0)).epsilon(0.08));
      CHECK(twin.correlation(0, once) == Approx(0).margin(0.1));
      CHECK(parted.correlation(0, once) == Approx(1));
    }
}

TEST_CASE("what is held between ticks does not move the turning time", "[analysis]") {
  const double tau = 100;
  const auto held = [&](std::uint64_t past, std::uint64_t text) {
    Series out = leak(tau, past, text, 119, 10);
    const auto row = static_cast<std::ptrdiff_t>(pairs * units);
    for (std::size_t k = 0; k < out.time.size(); ++k)  // a tick every 30 tokens
      std::copy_n(out.value.begin() + static_cast<std::ptrdiff_t>(k - k % 3) * row, row,
                  out.value.begin() + static_cast<std::ptrdiff_t>(k) * row);
    return out;
  };
  const Bounded align = agreement_curves(held(1, 3), held(2, 3), {}).turning_time(once, true);
  const Bounded forget = agreement_curves(held(1, 3), held(1, 4), {}).turning_time(once, false);
  CHECK(align.value == Approx(tau / 2 * std::log(2.0)).epsilon(0.1));
  CHECK(forget.value == Approx(tau / 2 * std::log(2.0)).epsilon(0.1));
}

TEST_CASE("a curve that does not turn while there is text is at least its last time", "[analysis]") {
  const auto twin = agreement_curves(leak(100, 1, 3, 9), leak(100, 2, 3, 9), {});
  const Bounded align = twin.turning_time(once, true);
  CHECK(align.bound == Bound::at_least);
  CHECK(align.value == 10);
  CHECK(twin.turning_time(once, true, .1).bound == Bound::exact);
}

TEST_CASE("trials count while they have text, and averages end with half of them", "[analysis]") {
  std::vector<std::int64_t> valid(static_cast<std::size_t>(pairs), 20);
  std::fill(valid.begin(), valid.begin() + pairs / 4, 6);  // a quarter ends at 6, another never
  std::fill(valid.end() - pairs / 4, valid.end(), 41);
  const Series a = leak(30, 1, 3, 40);
  Series b = leak(30, 2, 3, 40);
  const auto all = agreement_curves(a, b, {}), some = agreement_curves(a, b, valid);
  CHECK(all.elapsed.size() == 42);
  CHECK(some.elapsed.size() == 21);  // times -1 ... 19
  CHECK(some.correlation(6, once) == all.correlation(6, once));
  CHECK(some.correlation(7, once) != all.correlation(7, once));
  CHECK(some.at[7 * static_cast<std::size_t>(pairs)].aa == 0);
  b.units = 4;
  CHECK_THROWS_AS(agreement_curves(a, b, {}), ShapeError);
}

TEST_CASE("divergence is 0 for one text, 1 for two, and the root of the changed share in between", "[analysis]") {
  const auto d = [](const Series& a, const Series& b) { return pooled(agreement_of_trials(a, b, {}), once).divergence(); };
  Series a = leak(1e-3, 1, 3, 99), b = leak(1e-3, 1, 4, 99);
  CHECK(d(a, a) == 0);
  CHECK(d(a, b) == Approx(1).epsilon(0.02));
  // A quarter of the tokens differs: half as far apart.
  Series c = a;
  const auto row = static_cast<std::size_t>(pairs * units);
  for (std::size_t k = 1; k < a.time.size(); k += 4)
    std::copy_n(b.value.begin() + static_cast<std::ptrdiff_t>(k * row), row, c.value.begin() + static_cast<std::ptrdiff_t>(k * row));
  CHECK(d(a, c) == Approx(0.5).epsilon(0.02));
  // A shift that lasts counts: both copies are centred together.
  Series shifted = a;
  for (float& x : shifted.value) x += 2;
  CHECK(d(a, shifted) == Approx(2 / std::sqrt(2 * (1.0 + 1.0))).epsilon(0.02));
}

TEST_CASE("the shortest scale of a leak is 2.48 time constants", "[analysis]") {
  std::vector<double> scale, r;
  for (double n = 1; n <= 2048; n *= 1.2) scale.push_back(n);
  for (const double tau : {4.0, 60.0, 300.0}) {
    r.clear();
    for (const double n : scale) r.push_back(1 - (1 - std::exp(-2 * n / tau)) * tau / (2 * n));
    CHECK(shortest_scale(scale, r, 1).value == Approx(2.48 * tau).epsilon(0.01));
    for (double& x : r) x *= .9;
    CHECK(shortest_scale(scale, r, .9).value == Approx(2.48 * tau).epsilon(0.01));
  }
  CHECK(shortest_scale(scale, r, 2).bound == Bound::at_least);
  CHECK(shortest_scale(scale, r, .001).bound == Bound::at_most);
  CHECK(std::isnan(shortest_scale(scale, r, std::nan("")).value));
  CHECK_THROWS_AS(shortest_scale(scale, std::vector<double>{1}, 1), ShapeError);
}

TEST_CASE("alignment and divergence are measured on a trace", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("trace.h5");
  const std::vector<double> taus{6, 60};
  {
    Hdf5File file(path, Hdf5File::Mode::create);
    write_leaks(file, "", taus, 1, 3);
    write_leaks(file, "/conditions/twin", taus, 2, 3);
    write_leaks(file, "/conditions/parted", taus, 1, 4);
  }
  const MeasureResult found = analyse("alignment", path);
  REQUIRE(found.levels.size() == 2);
  for (std::size_t l = 0; l < 2; ++l) {
    CHECK(found.levels[l].number("alignment_time") == Approx(taus[l] / 2 * std::log(2.0)).epsilon(0.1));
    CHECK(found.levels[l].number("forgetting_per_alignment") == Approx(1).epsilon(0.15));
  }
  CHECK(found.values.number("alignment_growth") == Approx(10).epsilon(0.15));
  Configuration configuration;
  configuration.set("analyse.condition", "twin");
  configuration.set("analyse.control", "parted");
  const MeasureResult apart = analyse("divergence", path, configuration);
  // Mean of exp(-2t/tau) over the 100 times from 0 on is the share that the past still has; another text takes what is left.
  for (std::size_t l = 0; l < 2; ++l) {
    double past = 0;
    for (int t = 1; t <= 100; ++t) past += std::exp(-2 * t / taus[l]) / 100;
    CHECK(apart.levels[l].number("divergence") == Approx(std::sqrt(past)).epsilon(0.05));
    CHECK(apart.levels[l].number("control_divergence") == Approx(std::sqrt(1 - past)).epsilon(0.05));
  }
  CHECK(apart.values.number("divergence_growth") > 2);
  CHECK(apart.values.number("control_divergence_growth") < 1);
}

TEST_CASE("what lets go in half the time that it took to build is measured so on a trace", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("trace.h5");
  const std::vector<double> taus{12, 60};
  {
    Hdf5File file(path, Hdf5File::Mode::create);
    write_leaks(file, "", taus, 1, 3);
    write_leaks(file, "/conditions/twin", taus, 2, 3);
    write_leaks(file, "/conditions/parted", {taus[0] / 3, taus[1] / 3}, 1,
                4);  // exp(-t/tau) exp(-3t/tau) is left in common, not exp(-2t/tau)
  }
  const MeasureResult found = analyse("alignment", path);
  REQUIRE(found.levels.size() == 2);
  for (std::size_t l = 0; l < 2; ++l) {
    const double turn = taus[l] / 2 * std::log(2.0);
    CHECK(found.levels[l].number("alignment_time") == Approx(turn).epsilon(.1));
    CHECK(found.levels[l].number("forgetting_time") == Approx(turn / 2).epsilon(.1));
    CHECK(found.levels[l].number("forgetting_per_alignment") == Approx(.5).epsilon(.15));
  }
}
