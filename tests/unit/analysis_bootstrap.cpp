#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/bootstrap.hpp"
#include "core/error.hpp"

using namespace strata;

namespace {
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
}  // namespace

TEST_CASE("bootstrap draws are a pure function of seed, number and group", "[analysis]") {
  const BootstrapDraw a = resample(50, 7, 3, 0), b = resample(50, 7, 3, 0);
  CHECK(a.index == b.index);
  CHECK(a.index != resample(50, 8, 3, 0).index);
  CHECK(a.index != resample(50, 7, 4, 0).index);
  CHECK(a.index != resample(50, 7, 3, 1).index);
  CHECK(std::accumulate(a.weight.begin(), a.weight.end(), 0.0) == 50.0);
  for (std::size_t i = 0; i < 50; ++i)
    CHECK(a.weight[i] == static_cast<double>(std::count(a.index.begin(), a.index.end(), static_cast<Index>(i))));
}

TEST_CASE("every trial is drawn equally often", "[analysis]") {
  std::vector<double> hits(7, 0.0);
  for (Index number = 0; number < 3000; ++number) {
    const BootstrapDraw draw = resample(7, 11, number);
    for (std::size_t i = 0; i < 7; ++i) hits[i] += draw.weight[i];
  }
  for (const double count : hits) CHECK(count == Approx(3000.0).epsilon(0.06));  // 3 s.d. of a binomial of 21,000 draws
}

TEST_CASE("quantiles interpolate and keep infinite ends", "[analysis]") {
  const std::vector<double> five = {1, 2, 3, 4, 10};
  CHECK(quantile(five, 0.5) == 3.0);
  CHECK(quantile(five, 0.875) == Approx(7.0));
  const std::vector<double> ends = {-kInf, 1, 2, kInf};
  CHECK(quantile(ends, 0.0) == -kInf);
  CHECK(quantile(ends, 0.5) == Approx(1.5));
  CHECK(quantile(ends, 1.0) == kInf);
}

TEST_CASE("a joint draw sees the same trials in every statistic", "[analysis]") {
  const std::vector<double> x = {3, 1, 4, 1, 5, 9, 2, 6};
  const Statistics both = [&](std::span<const BootstrapDraw> draws) {
    double sum = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += draws[0].weight[i] * x[i];
    return std::vector<Bounded>{{sum}, {2.0 * sum}, {2.0 * sum / sum}};
  };
  const Index sizes[] = {8};
  const auto found = bootstrap(sizes, both);
  CHECK(found[1].low == Approx(2.0 * found[0].low));
  CHECK(found[2].low == Approx(2.0));
  CHECK(found[2].high == Approx(2.0));
}

TEST_CASE("blocks are drawn whole", "[analysis]") {
  // Three documents of 4, 1 and 2 trials: where trials of a document are alike, the interval is that of its documents, however many trials it has.
  const std::vector<double> of_document = {3, 1, 4}, count = {4, 1, 2};
  BootstrapOptions options;
  options.blocks = {7, 7, 2, 7, 5, 5, 7};
  const std::vector<double> value = {3, 3, 1, 3, 4, 4, 3};
  const auto mean = [](const std::vector<double>& x, const std::vector<double>& each) {
    return [&](const BootstrapDraw& draw) {
      double sum = 0, weight = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        sum += draw.weight[i] * each[i] * x[i];
        weight += draw.weight[i] * each[i];
      }
      return Bounded{sum / weight};
    };
  };
  const std::vector<double> ones(7, 1.0);
  const Estimate blocked = bootstrap(7, mean(value, ones), options), documents = bootstrap(3, mean(of_document, count));
  CHECK(blocked.value == Approx(documents.value));
  CHECK(blocked.low == Approx(documents.low));
  CHECK(blocked.high == Approx(documents.high));
  const Estimate trials = bootstrap(7, mean(value, ones));
  CHECK(blocked.high - blocked.low > trials.high - trials.low);
  options.blocks.assign(7, 1);
  CHECK_FALSE(bootstrap(7, mean(value, ones), options).has_interval());
  options.blocks.pop_back();
  CHECK_THROWS_AS(bootstrap(7, mean(value, ones), options), ShapeError);
  options.blocks.assign(3, 1);
  const Index two_groups[] = {3, 3};
  CHECK_THROWS_AS(bootstrap(
                      two_groups, [](std::span<const BootstrapDraw>) { return std::vector<Bounded>{{1.0}}; }, options),
                  ShapeError);
}

TEST_CASE("ends that rest on censored draws are open", "[analysis]") {
  const auto late = [](const BootstrapDraw& draw) { return draw.index[0] < 10 ? Bounded{50.0} : Bounded{600.0, Bound::at_least}; };
  const Estimate found = bootstrap(20, late);
  CHECK(found.value == 50.0);
  CHECK(found.low == 50.0);
  CHECK_FALSE(found.low_open);
  CHECK(found.high == 600.0);
  CHECK(found.high_open);
  const auto below = [](const BootstrapDraw& draw) { return draw.index[0] < 10 ? Bounded{2.0} : Bounded{0.5, Bound::at_most}; };
  CHECK(bootstrap(20, below).low_open);
  const auto undefined = [](const BootstrapDraw& draw) { return Bounded{draw.index[0] < 10 ? 1.0 : kNan}; };
  CHECK_FALSE(bootstrap(20, undefined).has_interval());
}

TEST_CASE("one trial has a value but no interval; none is an error", "[analysis]") {
  const Estimate one = bootstrap_mean(std::vector<double>{4.0});
  CHECK(one.value == 4.0);
  CHECK_FALSE(one.has_interval());
  CHECK_THROWS_AS(bootstrap_mean(std::vector<double>{}), ShapeError);
}

TEST_CASE("Pearson r on hand-made data", "[analysis]") {
  const std::vector<double> x = {1, 2, 3, 4, 5}, y = {2, 1, 4, 3, 7}, flat(5, 0.1), ones(5, 1.0);
  // sums of squares: xx = 10, yy = 21.2, xy = 12
  CHECK(weighted_pearson(x, y, ones) == Approx(12.0 / std::sqrt(10.0 * 21.2)));
  CHECK(std::isnan(weighted_pearson(x, flat, ones)));
  std::vector<double> minus(x);
  for (double& v : minus) v = 3.0 - 2.0 * v;
  CHECK(weighted_pearson(x, minus, ones) == Approx(-1.0));
  CHECK_THROWS_AS(pearson(x, std::vector<double>(4, 1.0)), ShapeError);
  const std::vector<double> twice = {1, 2, 3, 4, 5, 5}, again = {2, 1, 4, 3, 7, 7};
  CHECK(weighted_pearson(x, y, std::vector<double>{1, 1, 1, 1, 2}) == Approx(weighted_pearson(twice, again, std::vector<double>(6, 1.0))));
}

TEST_CASE("paired difference of two models over documents", "[analysis]") {
  const std::vector<double> a = {100, 220, 330}, b = {90, 200, 300}, tokens = {10, 20, 30};
  const Estimate found = paired_difference(a, b, tokens);
  CHECK(found.value == Approx(1.0));
  CHECK(found.low == Approx(1.0));  // every document gains exactly one nat per token
  CHECK(found.high == Approx(1.0));
  CHECK_THROWS_AS(paired_difference(a, b, std::vector<double>{1, 2}), ShapeError);
  CHECK_THROWS_AS(paired_difference(a, b, std::vector<double>{0, 0, 0}), DataError);
  CHECK_THROWS_AS(paired_difference(a, std::vector<double>{1, kNan, 2}, tokens), DataError);
}

TEST_CASE("Kaplan-Meier median and restricted mean", "[analysis]") {
  const std::vector<double> ones(4, 1.0), time = {1, 2, 3, 4};
  CHECK(censored_median(time, std::vector<std::uint8_t>{0, 0, 0, 0}, ones).value == 2.0);
  // The trial that left at 2 says nothing of what came after: survival 3/4, then 3/8.
  const Bounded later = censored_median(time, std::vector<std::uint8_t>{0, 1, 0, 0}, ones);
  CHECK(later.value == 3.0);
  CHECK(later.bound == Bound::exact);
  const Bounded never = censored_median(time, std::vector<std::uint8_t>{0, 1, 1, 1}, ones);
  CHECK(never.value == 4.0);
  CHECK(never.bound == Bound::at_least);
  CHECK(censored_mean(time, std::vector<std::uint8_t>{0, 0, 0, 0}, ones).bound == Bound::exact);
  const Bounded mean = censored_mean(time, std::vector<std::uint8_t>{0, 0, 0, 1}, ones);
  CHECK(mean.value == 2.5);
  CHECK(mean.bound == Bound::at_least);
}

TEST_CASE("ratios and differences of bounds keep their direction", "[analysis]") {
  const Bounded two{2}, six{6}, long_six{6, Bound::at_least}, long_two{2, Bound::at_least};
  CHECK(bounded_ratio(six, two).value == 3.0);
  CHECK(bounded_ratio(six, two).bound == Bound::exact);
  CHECK(bounded_ratio(long_six, two).bound == Bound::at_least);
  CHECK(bounded_ratio(six, long_two).bound == Bound::at_most);
  CHECK(std::isnan(bounded_ratio(long_six, long_two).value));
  CHECK(bounded_difference(six, long_two).bound == Bound::at_most);
  CHECK(bounded_difference(long_six, two).bound == Bound::at_least);
  CHECK(std::isnan(bounded_difference(long_six, long_two).value));
}
