// Recovery, errors and intervals against closed forms.

#include <catch2/catch.hpp>
#include <cmath>

#include "analysis/recovery.hpp"
#include "analysis/surprise.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "tests/support/analysis_trace.hpp"

using namespace strata;
using test::make_curves;
using test::times;

TEST_CASE("a displacement that falls as exp(-t/tau) has recovered after tau ln 10", "[analysis]") {
  for (const double tau : {5.0, 33.0, 101.0}) {
    const Curves curves = make_curves(times(-30, 999), 24, [=](double t, Index s) {
      const double height = 1.0 + static_cast<double>(s % 5);
      return t < 0 ? height * (t + 31.0) / 30.0 : height * std::exp(-(t + 1.0) / tau);
    });
    const Recovery found = recovery_of(curves);
    CAPTURE(tau);
    CHECK(found.recovery.value == Approx(tau * std::log(10.0)).epsilon(0.01));
    CHECK(found.recovery.low == Approx(found.recovery.value));
    CHECK(found.displacement.value == Approx((1.0 * 5 + 2.0 * 5 + 3.0 * 5 + 4.0 * 5 + 5.0 * 4) / 24.0));
    CHECK(found.censored_fraction == 0.0);
    CHECK(found.horizon == 1000.0);
  }
}

TEST_CASE("the average over trials is of distances, not of fractions", "[analysis]") {
  // One trial in four stands 9 times further away than the rest, which is back at once: 1/4 of the trials, 3/4 of the distance.
  const Curves curves = make_curves(
      times(-1, 999), 24, [](double t, Index s) { return s < 6 ? 9.0 * std::exp(-(t + 1.0) / 50.0) : std::exp(-(t + 1.0) / 1e-3); });
  CHECK(recovery_of(curves).recovery.value == Approx(50.0 * std::log(7.5)).epsilon(0.01));
}

TEST_CASE("not back by the end of the text is at least, and counted", "[analysis]") {
  const Recovery found =
      recovery_of(make_curves(times(-1, 299), 24, [](double t, Index s) { return std::exp(-(t + 1.0) / (s < 12 ? 20.0 : 1000.0)); }));
  CHECK(found.recovery.bound == Bound::at_least);
  CHECK(found.recovery.value == 300.0);
  CHECK(found.censored_fraction == 0.5);
}

TEST_CASE("error recovery and peak of a decaying error", "[analysis]") {
  // Baseline 2; passage of 10-20 tokens with error 2 (1 + 3); after it 2 (1 + 3 exp(-t/40)): back to 1.1 after 40 ln 30 tokens.
  std::vector<std::int64_t> passage;
  for (int s = 0; s < 30; ++s) passage.push_back(10 + s % 11);
  const Curves calm = make_curves(times(-60, 600), 30, [](double, Index) { return 2.0; });
  const Curves disturbed = make_curves(times(-60, 600), 30, [&](double t, Index s) {
    const double onset = -static_cast<double>(passage[static_cast<std::size_t>(s)]);
    if (t < onset) return 2.0;
    if (t == onset + 2.0) return 10.0;  // the third token of the passage is the worst
    return t < 0 ? 8.0 : 2.0 * (1.0 + 3.0 * std::exp(-(t + 1.0) / 40.0));
  });
  ErrorOptions single;
  single.window = 1.0;
  const ErrorResponse sharp = error_response(disturbed, calm, passage, {}, single);
  CHECK(sharp.peak.value == Approx(5.0));
  CHECK(sharp.peak_time == 2.0);
  const ErrorResponse found = error_response(disturbed, calm, passage);
  CHECK(found.baseline == Approx(2.0));
  CHECK(found.peak.value == Approx((4.0 * 4.0 + 5.0) / 5.0));  // the window of the first token: five tokens of the passage
  CHECK(found.peak_time == 0.0);
  CHECK(found.error_recovery.value == Approx(40.0 * std::log(30.0)).margin(1.5));
  // An error that comes later than the passage: nothing before its peak counts as back.
  const Curves late =
      make_curves(times(-60, 600), 30, [](double t, Index) { return 2.0 + 4.0 * std::exp(-(t - 80.0) * (t - 80.0) / 200.0); });
  const ErrorResponse after = error_response(late, calm, passage);
  CHECK(after.peak.value == Approx(3.0).epsilon(0.05));  // passages of unequal length smear a peak that lies behind them
  CHECK(after.error_recovery.value > 100.0);
  CHECK(after.error_recovery.value < 115.0);
  CHECK(error_response(make_curves(times(-60, 600), 30, [](double t, Index) { return t < 0 ? 2.0 : 3.0; }), calm, passage)
            .error_recovery.bound == Bound::at_least);
  // What never rose above 1.1 of the baseline has not recovered either.
  const ErrorResponse none =
      error_response(make_curves(times(-60, 600), 30, [](double t, Index) { return t < 0 ? 2.1 : 2.0; }), calm, passage);
  CHECK(none.peak.value == Approx(1.05));
  CHECK_FALSE(none.error_recovery.measured());
  CHECK_THROWS_AS(error_response(calm, make_curves(times(-60, 600), 30, [](double, Index) { return 0.0; }), passage), DataError);
}

TEST_CASE("an error that is only held is not back before the level's first tick", "[analysis]") {
  // Ticks every 32 tokens, recorded every 16. Until the first tick after the passage the level holds 1.05 of its baseline 2; the tick shows
  // what it had not seen: 2 (1 + 3 exp(-t/200)), back to 1.1 after 200 ln 30 tokens.
  const auto time = times(-97, 1199, 16);
  const std::vector<std::int64_t> passage(24, 96);
  const Curves calm = make_curves(time, 24, [](double, Index) { return 2.0; });
  const auto after = [&](double height) {
    return make_curves(time, 24, [=](double t, Index) {
      if (t < -1) return 9.0;  // the peak
      const double ticked = std::floor((t + 1.0) / 32.0) * 32.0;
      return ticked < 32.0 ? 2.1 : 2.0 * (1.0 + height * std::exp(-ticked / 200.0));
    });
  };
  ErrorOptions slow;
  slow.tick = 32.0;
  CHECK(error_response(after(3.0), calm, passage, {}, slow).error_recovery.value == Approx(200.0 * std::log(30.0)).margin(32.0));
  CHECK(error_response(after(0.0), calm, passage, {}, slow).error_recovery.value == 32.0);  // usual at the first tick: back then
  CHECK(error_response(after(3.0), calm, passage).error_recovery.value == 16.0);            // of a level that ticked at every token
}

TEST_CASE("excess nats after the passage are an integral, coarse sampling or not", "[analysis]") {
  for (const std::int64_t step : {1, 4}) {
    const auto time = times(-1, 399, step);
    const Curves calm = make_curves(time, 24, [](double, Index) { return 6.0; });
    const Curves disturbed = make_curves(time, 24, [](double t, Index) { return t < 0 ? 9.0 : 6.0 + 0.5 * std::exp(-(t + 1.0) / 50.0); });
    CHECK(excess_after(disturbed, calm).value == Approx(25.0).epsilon(step == 1 ? 0.011 : 0.045));
  }
}

TEST_CASE("bootstrap intervals of a Gaussian mean cover it about 95 times in 100", "[analysis]") {
  int covered = 0;
  const int repetitions = 400;
  for (int r = 0; r < repetitions; ++r) {
    std::vector<double> sample;
    for (std::uint32_t i = 0; i < 60; ++i)
      sample.push_back(3.0 + random_normal(random_base(77, static_cast<std::uint64_t>(r), 0, 4), i, 0));
    BootstrapOptions options;
    options.resamples = 500;
    options.seed = static_cast<std::uint64_t>(r);
    const Estimate mean = bootstrap_mean(sample, options);
    if (mean.low <= 3.0 && 3.0 <= mean.high) ++covered;
  }
  INFO("covered " << covered << " of " << repetitions);
  CHECK(covered >= 364);  // 91 %: the percentile interval of 60 values covers about 94 %, three binomial s.d. below
  CHECK(covered <= 394);
}

TEST_CASE("the interval of Pearson's r holds the true correlation", "[analysis]") {
  std::vector<double> x, y;
  for (std::uint32_t i = 0; i < 400; ++i) {
    const double a = random_normal(random_base(3, 0, 0, 5), i, 0), b = random_normal(random_base(3, 1, 0, 5), i, 0);
    x.push_back(a);
    y.push_back(0.6 * a + 0.8 * b);
  }
  const Estimate r = pearson(x, y);
  CHECK(r.value == Approx(0.6).margin(0.1));
  CHECK(r.low < 0.6);
  CHECK(r.high > 0.6);
  CHECK(r.high - r.low == Approx(2.0 * 1.96 * 0.64 / 20.0).epsilon(0.25));  // asymptotic s.d. (1 - r^2) / sqrt(n)
}
