// The parts that measures share: blocks, decoders, information, assignment of states, boundary scores. Each against a closed form or a
// published example.

#include <Eigen/Core>
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <random>

#include "analysis/autocorrelation.hpp"
#include "analysis/blocks.hpp"
#include "analysis/boundaries.hpp"
#include "analysis/context_belief.hpp"
#include "analysis/decoder.hpp"
#include "analysis/information.hpp"
#include "core/error.hpp"

using namespace strata;

namespace {

Flags flags_of(const std::string& text) {
  Flags out;
  for (const char c : text) out.push_back(c == '1' ? 1 : 0);
  return out;
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("blocks give the standard error of a mean of dependent samples, single samples do not", "[analysis]") {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  const double a = 0.9;
  const std::size_t samples = 100000;
  const auto width = [&](std::size_t length) {
    random.seed(3);
    BlockSums sums(samples, 1, length, 2);
    double x = 0.0;
    for (std::size_t t = 0; t < samples; ++t) {
      x = a * x + std::sqrt(1.0 - a * a) * normal(random);
      sums.at(t, 0)[0] += x;
      sums.at(t, 0)[1] += 1.0;
    }
    const Estimate mean = block_bootstrap(sums, [](std::span<const double> t) { return std::vector<Bounded>{{t[0] / t[1]}}; })[0];
    return (mean.high - mean.low) / 3.92;
  };
  const double expected = std::sqrt((1.0 + a) / (1.0 - a) / static_cast<double>(samples));
  CHECK(width(500) == Approx(expected).epsilon(0.15));
  CHECK(width(100) < expected * 1.15);
  CHECK(width(1000) > 3.0 * 1.0 / std::sqrt(static_cast<double>(samples)));
  CHECK(block_length(10000, 2, 50.0) == 100);
  CHECK(block_length(10000, 1, 4000.0) == 500);  // 20 blocks must remain
  CHECK(block_length(10000, 1, std::nan("")) == 50);
  CHECK(block_length(10000, 1, 4000.0, 7) == 7);
  CHECK_THROWS_AS(BlockSums(0, 1, 1, 1), ShapeError);
}

TEST_CASE("ridge returns posteriors that are given as features, logistic finds Fisher's discriminant", "[analysis]") {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  const Index n = 20000;
  Eigen::MatrixXd x(2, n), posterior(2, n);
  std::vector<Index> label;
  // Classes at (0, 0) and (2, 1), covariance ((1, .5), (.5, 1)): S^-1 (m1 - m0) = (2, 0).
  for (Index i = 0; i < n; ++i) {
    label.push_back(uniform(random) < 0.3 ? 1 : 0);
    const double u = normal(random), v = 0.5 * u + std::sqrt(0.75) * normal(random);
    x.col(i) << u + (label.back() == 1 ? 2.0 : 0.0), v + (label.back() == 1 ? 1.0 : 0.0);
    const double odds = std::log(0.3 / 0.7) + 2.0 * x(0, i) - 2.0;
    posterior(1, i) = 1.0 / (1.0 + std::exp(-odds));
    posterior(0, i) = 1.0 - posterior(1, i);
  }
  const LinearDecoder logistic = fit_logistic(x, label, 2, 1e-6, 500);
  const Eigen::VectorXd w = (logistic.weight.row(1) - logistic.weight.row(0)).transpose();
  CHECK(w(0) == Approx(2.0).epsilon(0.05));
  CHECK(w(1) == Approx(0.0).margin(0.08));
  CHECK(logistic.bias(1) - logistic.bias(0) == Approx(std::log(0.3 / 0.7) - 2.0).epsilon(0.05));
  const Eigen::MatrixXd p = logistic.probabilities(x);
  CHECK((p - posterior).cwiseAbs().mean() < 0.01);
  const LinearDecoder ridge = fit_ridge(posterior, label, 2);
  CHECK((ridge.scores(posterior) - posterior).cwiseAbs().mean() < 0.01);
  CHECK(accuracy(ridge.scores(posterior), label) == Approx(accuracy(posterior, label)).margin(0.003));
  CHECK_THROWS_AS(fit_ridge(x, std::span(label).first(3), 2), ShapeError);
  CHECK_THROWS_AS(fit_logistic(x, label, 1), ShapeError);
}

TEST_CASE("information from counts and from Gaussian pairs", "[analysis]") {
  const std::vector<double> equal = {25, 25, 25, 25}, same = {50, 0, 0, 50};
  CHECK(information_of_counts(equal, 2, 2, false) == Approx(0.0).margin(1e-12));
  CHECK(information_of_counts(same, 2, 2, false) == Approx(std::log(2.0)));
  CHECK(entropy_of_counts(equal, false) == Approx(std::log(4.0)));

  // Independent draws: the plug-in is (r - 1)(c - 1) / 2N too high on average, Miller-Madow is not.
  std::mt19937_64 random(7);
  double plain = 0.0, corrected = 0.0;
  for (int repeat = 0; repeat < 400; ++repeat) {
    std::vector<double> counts(16, 0.0);
    for (int i = 0; i < 300; ++i) counts[random() % 16] += 1.0;
    plain += information_of_counts(counts, 4, 4, false) / 400.0;
    corrected += information_of_counts(counts, 4, 4) / 400.0;
  }
  CHECK(plain == Approx(9.0 / 600.0).epsilon(0.1));
  CHECK(corrected == Approx(0.0).margin(0.0015));

  // Two pairs of correlations .8 and .3 hidden by a mixture of the units, and six units of noise.
  std::normal_distribution<double> normal;
  const Index n = 40000;
  Eigen::MatrixXd x(5, n), y(5, n);
  for (Index i = 0; i < n; ++i) {
    for (Index u = 0; u < 5; ++u) x(u, i) = normal(random);
    for (Index u = 0; u < 5; ++u) y(u, i) = normal(random);
    y(0, i) = 0.8 * x(0, i) + 0.6 * y(0, i);
    y(1, i) = 0.3 * x(1, i) + std::sqrt(0.91) * y(1, i);
    const double a = x(0, i), b = y(0, i);
    x(0, i) = a + x(1, i);
    x(2, i) += 3.0 * a;
    y(3, i) += b;
  }
  const CanonicalDirections found = canonical_directions(x, y);
  CHECK(found.r(0) == Approx(0.8).epsilon(0.01));
  CHECK(found.r(1) == Approx(0.3).epsilon(0.05));
  CHECK(found.r(2) < 0.03);
  const double r[] = {0.8, 0.3, -0.02};
  CHECK(gaussian_information(r) == Approx(-0.5 * std::log(0.36) - 0.5 * std::log(0.91)));
  const float p[] = {0.5F, 0.5F, 0.0F}, q[] = {0.25F, 0.25F, 0.5F};
  CHECK(divergence(p, q) == Approx(std::log(2.0)));
  CHECK(divergence(p, p) == Approx(0.0).margin(1e-9));
}

TEST_CASE("the assignment of states is the best of all", "[analysis]") {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  for (int repeat = 0; repeat < 200; ++repeat) {
    const Index n = 1 + repeat % 5;
    std::vector<double> gain(static_cast<std::size_t>(n * n));
    for (double& g : gain) g = uniform(random);
    const auto total = [&](const std::vector<Index>& columns) {
      double sum = 0.0;
      for (Index i = 0; i < n; ++i) sum += gain[static_cast<std::size_t>(i * n + columns[static_cast<std::size_t>(i)])];
      return sum;
    };
    std::vector<Index> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), Index{0});
    double best = -1e9;
    do { best = std::max(best, total(all)); } while (std::next_permutation(all.begin(), all.end()));
    CHECK(total(best_assignment(gain, n)) == Approx(best));
  }
}

TEST_CASE("Pk and WindowDiff of published examples", "[analysis]") {
  // The worked examples of the Natural Language Toolkit's metrics.segmentation.
  const Flags a = flags_of("000100000010"), b = flags_of("000010000100"), c = flags_of("100000010000");
  CHECK(window_diff(a, a, 3) == 0.0);
  CHECK(window_diff(a, b, 3) == Approx(0.30).margin(0.005));
  CHECK(window_diff(b, c, 3) == Approx(0.80).margin(0.005));
  const Flags often = flags_of(repeated("0100", 100));
  CHECK(pk(often, flags_of(repeated("1", 400)), 2) == Approx(0.50).margin(0.005));
  CHECK(pk(often, flags_of(repeated("0", 400)), 2) == Approx(0.50).margin(0.005));
  CHECK(pk(often, often, 2) == 0.0);
  CHECK(half_segment(often) == 2);
  CHECK_THROWS_AS(pk(a, often, 2), ShapeError);
  CHECK_THROWS_AS(window_diff(a, b, 0), ShapeError);
}

TEST_CASE("hits are one to one and peaks keep their distance", "[analysis]") {
  //                            0123456789
  const Flags truth = flags_of("0010010010"), detected = flags_of("0001110000");
  CHECK(hits(truth, detected, 0) == std::vector<std::pair<std::size_t, std::size_t>>{{5, 5}});
  CHECK(hits(truth, detected, 1) == std::vector<std::pair<std::size_t, std::size_t>>{{2, 3}, {5, 4}});
  CHECK(hits(flags_of("0110"), flags_of("0100"), 1).size() == 1);  // one detection cannot find two boundaries
  const std::vector<double> signal = {0, 3, 2, 2.5, 0, 1, 0, 0, 9, 0};
  CHECK(largest_peaks(signal, 2, 1) == flags_of("0100000010"));
  CHECK(largest_peaks(signal, 3, 1) == flags_of("0101000010"));
  CHECK(largest_peaks(signal, 3, 3) == flags_of("0100010010"));
  const std::vector<Flags> one = {truth}, two = {detected};
  const BoundaryScore score = score_boundaries(one, two, 2, 1, 2);
  CHECK(score.f1.value == Approx(2.0 * 2.0 / 6.0));
  CHECK(score.pk.value == Approx(pk(truth, detected, 2)));
  CHECK(score.window_diff.value == Approx(window_diff(truth, detected, 2)));
  CHECK(score.boundaries == 3.0);
}

TEST_CASE("an exponential on an offset is fitted to rounding; what outlasts the lags is a bound", "[analysis]") {
  std::vector<double> x, y, flat;
  for (int i = 1; i <= 40; ++i) {
    x.push_back(i);
    y.push_back(0.7 * std::exp(-i / 6.5) - 0.05);
    flat.push_back(1.0 - 0.0001 * i);
  }
  const ExponentialFit fit = fit_exponential(x, y);
  CHECK(fit.tau.value == Approx(6.5).epsilon(1e-5));
  CHECK(fit.tau.bound == Bound::exact);
  CHECK(fit.scale == Approx(0.7).epsilon(1e-4));
  CHECK(fit.offset == Approx(-0.05).epsilon(1e-4));
  CHECK(fit_exponential(x, flat).tau.bound == Bound::at_least);
  CHECK_THROWS_AS(fit_exponential(std::span(x).first(3), std::span(y).first(3)), ShapeError);
}
