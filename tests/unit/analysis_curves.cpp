#include <catch2/catch.hpp>
#include <cmath>

#include "analysis/curves.hpp"
#include "analysis/surprise.hpp"
#include "analysis/tokens_to_switch.hpp"
#include "core/error.hpp"
#include "tests/support/analysis_trace.hpp"

using namespace strata;
using test::make_curves;
using test::times;

namespace {

Series series(std::vector<std::int64_t> time, Index streams, Index units, std::vector<float> value) {
  return {std::move(time), streams, units, std::move(value)};
}

}  // namespace

TEST_CASE("distances align samples by their time", "[analysis]") {
  const Series a = series({-1, 0, 2}, 1, 2, {0, 0, 1, 1, 3, 4});
  const Series b = series({-1, 1, 2, 3}, 1, 2, {3, 4, 9, 9, 0, 0, 9, 9});
  const Curves found = distance(a, b, {}, Distance::euclidean);
  CHECK(found.time == std::vector<std::int64_t>{-1, 2});
  CHECK(found.value == std::vector<double>{5.0, 5.0});
  CHECK(distance(a, b, {}, Distance::total_variation).value == std::vector<double>{3.5, 3.5});
  CHECK_THROWS_AS(distance(a, series({-1}, 1, 3, {0, 0, 0}), {}, Distance::euclidean), ShapeError);
  CHECK_THROWS_AS(distance(a, series({7}, 1, 2, {0, 0}), {}, Distance::euclidean), DataError);
  const std::vector<std::int64_t> wrong = {1, 1};
  CHECK_THROWS_AS(distance(a, a, wrong, Distance::euclidean), ShapeError);
}

TEST_CASE("fill beyond a trial's end is not data", "[analysis]") {
  const Series a = series({0, 1, 2}, 2, 1, {1, 1, 1, 1, 1, 1}), b = series({0, 1, 2}, 2, 1, {0, 0, 0, 0, 0, 0});
  const std::vector<std::int64_t> valid = {3, 1};
  CHECK(distance(a, b, valid, Distance::euclidean).valid == std::vector<std::uint8_t>{1, 1, 1, 1, 0, 0});
}

TEST_CASE("inside the passage the reference stands still at its last state", "[analysis]") {
  const Series disturbed = series({-3, -2, -1, 0}, 2, 1, {1, 1, 2, 2, 4, 4, 8, 8});
  const Series reference = series({-3, -2, -1, 0}, 2, 1, {50, 50, 60, 60, 1, 1, 5, 5});
  const std::vector<std::int64_t> passage = {3, 2};
  const Curves found = displacement(disturbed, reference, passage, {}, Distance::euclidean);
  CHECK(found.time == std::vector<std::int64_t>{-3, -2, -1, 0});
  CHECK(found.value == std::vector<double>{0, 1, 3, 3, 0, 1, 3, 3});
  CHECK(found.valid == std::vector<std::uint8_t>{1, 1, 1, 1, 0, 1, 1, 1});  // the second passage is shorter
}

TEST_CASE("the start is time -1, else the latest before, else the first sample", "[analysis]") {
  CHECK(start_sample(std::vector<std::int64_t>{-3, -2, -1, 0, 1}) == 2);
  CHECK(start_sample(std::vector<std::int64_t>{-9, -5, 0, 1}) == 1);
  CHECK(start_sample(std::vector<std::int64_t>{0, 1, 2}) == 0);
  CHECK(start_sample(std::vector<std::int64_t>{5, 6}) == 0);
}

TEST_CASE("averages over trials use those that still have text, the same above and below", "[analysis]") {
  // Trial 0 is huge and ends after two tokens; trial 1 halves every two tokens. A ratio to the start of both would fall to a tenth by
  // attrition alone.
  Curves curves = make_curves(times(-1, 9), 2, [](double t, Index s) { return s == 0 ? 100.0 : std::pow(0.5, (t + 1.0) / 2.0); });
  for (std::size_t k = 3; k < curves.time.size(); ++k) curves.valid[curves.place(k, 0)] = 0, curves.value[curves.place(k, 0)] = 0.0;
  const FallingCurves falling(curves, false);
  CHECK(falling.horizon() == 10.0);  // half of the trials, one of two, to the end
  const std::vector<double> ones = {1.0, 1.0}, first = {2.0, 0.0};
  const Bounded found = falling.fall_time(ones, 0.1);
  CHECK(found.bound == Bound::exact);
  CHECK(found.value == Approx(2.0 * std::log2(10.0)).margin(0.05));
  CHECK(falling.fall_time(first, 0.1).bound == Bound::at_least);
  CHECK(falling.fall_time(first, 0.1).value == 2.0);
  CHECK(falling.fall_time_of(0, 0.5).bound == Bound::at_least);
  CHECK(falling.fall_time_of(1, 0.5).value == Approx(2.0));
}

TEST_CASE("beyond the horizon nothing is claimed", "[analysis]") {
  Curves curves = make_curves(times(-1, 20), 3, [](double t, Index) { return t < 15 ? 1.0 : 0.0; });
  for (Index s = 0; s < 2; ++s)
    for (std::size_t k = 6; k < curves.time.size(); ++k) curves.valid[curves.place(k, s)] = 0;
  const FallingCurves falling(curves, true);
  CHECK(falling.horizon() == 5.0);
  const Bounded found = falling.fall_time(std::vector<double>(3, 1.0), 0.5);
  CHECK(found.bound == Bound::at_least);
  CHECK(found.value == 5.0);
}

TEST_CASE("copies that do not differ at the start are left out", "[analysis]") {
  const Curves curves = make_curves(times(-1, 20), 2, [](double t, Index s) { return s == 0 ? 0.0 : std::exp(-(t + 1.0) / 5.0); });
  const FallingCurves falling(curves, true);
  CHECK(falling.used() == 1);
  CHECK(std::isnan(falling.fall_time_of(0, 0.5).value));
  CHECK(falling.fall_time(std::vector<double>{1, 1}, 0.5).value == Approx(5.0 * std::log(2.0)).epsilon(0.01));
  CHECK(std::isnan(falling.fall_time(std::vector<double>{2, 0}, 0.5).value));
}

TEST_CASE("tokens to switch on constructed crossings", "[analysis]") {
  // Distances to the new document 10 - t, to the old one t: nearer to the new one first at t = 6, after seven tokens.
  const Curves to_always = make_curves(times(-1, 8), 2, [](double t, Index s) { return s == 0 ? 10.0 - t : 10.0; });
  const Curves to_stayed = make_curves(times(-1, 8), 2, [](double t, Index s) { return s == 0 ? t : 1.0; });
  const auto found = tokens_to_switch(to_always, to_stayed);
  CHECK(found[0].value == 7.0);  // at t = 5 the two are equal: not nearer
  CHECK(found[0].bound == Bound::exact);
  CHECK(found[1].value == 9.0);
  CHECK(found[1].bound == Bound::at_least);
  const std::vector<std::vector<Bounded>> levels = {{{2}, {2}, {4}}, {{8}, {8}, {16, Bound::at_least}}};
  const SwitchSummary summary = summarise_switches(levels);
  CHECK(summary.levels[0].median.value == 2.0);
  CHECK(summary.levels[1].median.value == 8.0);
  CHECK(summary.levels[0].mean.value == Approx(8.0 / 3.0));
  CHECK(summary.levels[1].mean.bound == Bound::at_least);
  CHECK(summary.levels[1].censored_fraction == Approx(1.0 / 3.0));
  CHECK(summary.rho.value == 4.0);
  CHECK(summary.rho.low == 4.0);  // trials are drawn jointly: the ratio is 4 in every one of them
}

TEST_CASE("inertia ratio is paired over trials", "[analysis]") {
  std::vector<Bounded> model, exact;
  for (int i = 1; i <= 40; ++i) {
    exact.push_back({static_cast<double>(i)});
    model.push_back({3.0 * i});
  }
  const Estimate found = inertia_ratio(model, exact);
  CHECK(found.value == Approx(3.0));
  CHECK(found.low == Approx(3.0));
  CHECK(found.high == Approx(3.0));
  model[39].bound = Bound::at_least;  // the slowest is still above the median
  CHECK(inertia_ratio(model, exact).value == Approx(3.0));
  for (std::size_t i = 15; i < 40; ++i) model[i].bound = Bound::at_least;
  CHECK(inertia_ratio(model, exact).bound == Bound::at_least);
  CHECK_THROWS_AS(inertia_ratio(model, std::vector<Bounded>(3, Bounded{1.0})), ShapeError);
}

TEST_CASE("time since the passage began, and its excess nats", "[analysis]") {
  const std::vector<std::int64_t> passage = {3, 1};
  const Curves disturbed = make_curves(times(-4, 2), 2, [&](double t, Index s) {
    return t < 0 && t >= -static_cast<double>(passage[static_cast<std::size_t>(s)]) ? 9.0 : 2.0;
  });
  const Curves calm = make_curves(times(-4, 2), 2, [](double, Index) { return 2.0; });
  const auto nats = excess_of_passage(disturbed, calm, passage);
  CHECK(nats[0] == Approx(21.0));
  CHECK(nats[1] == Approx(7.0));
  const Curves onset = from_onset(disturbed, passage);
  CHECK(onset.time.front() == 0);
  CHECK(onset.value[onset.place(2, 0)] == 9.0);
  CHECK(onset.value[onset.place(3, 0)] == 2.0);
  CHECK(onset.value[onset.place(1, 1)] == 2.0);
  const Peak peak = peak_of(onset, std::vector<double>{1.0, 1.0}, 1.0);
  CHECK(peak.value == 9.0);
  CHECK(peak.time == 0.0);
  CHECK(excess_after(disturbed, calm).value == Approx(0.0));
}
