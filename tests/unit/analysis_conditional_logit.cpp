// The weights of several scores in one choice: closed forms, recovery of what was drawn, and that no item chooses its own weights.

#include "analysis/conditional_logit.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "core/error.hpp"
#include "core/random.hpp"

using namespace strata;

TEST_CASE("choice weights: one score of two candidates has the log odds of being right") {
  std::vector<Eigen::MatrixXd> items;
  for (int i = 0; i < 40; ++i) {
    Eigen::MatrixXd x(2, 1);
    x << (i % 4 == 0 ? 0. : 2.), (i % 4 == 0 ? 2. : 0.);  // larger by 2 for the true one in three of four
    items.push_back(x);
  }
  CHECK(fit_choice(items, 0)[0] == Approx(std::log(3.) / 2).epsilon(1e-9));
  // With a penalty, slope 0 asks for  .75 d - p d = lambda sigma^2 w,  p = 1 / (1 + exp(- w d)), d = 2, sigma = 1.
  const double w = fit_choice(items, .1)[0];
  CHECK(2 * (.75 - 1 / (1 + std::exp(-2 * w))) == Approx(.1 * w).epsilon(1e-5));
  for (auto& x : items) x.array() += 1e9;  // what all candidates have in common says nothing
  CHECK(fit_choice(items, 0)[0] == Approx(std::log(3.) / 2).epsilon(1e-9));
  for (auto& x : items) x = (x.array() - 1e9) * 1000;
  CHECK(fit_choice(items, .1)[0] == Approx(w / 1000).epsilon(1e-6));  // in other units
}

TEST_CASE("choice weights: weights by which choices were drawn are found again") {
  const std::uint64_t base = random_base(3, 0, 0, 0);
  const Eigen::Vector3d truth(1.5, -.5, 0);
  std::vector<Eigen::MatrixXd> items;
  std::uint32_t at = 0;
  const auto uniform = [&] { return static_cast<double>(random_uniform(base, at++, 0)); };
  for (int i = 0; i < 20000; ++i) {
    Eigen::MatrixXd x(4, 3);
    for (Eigen::Index c = 0; c < 4; ++c)
      for (Eigen::Index k = 0; k < 3; ++k) x(c, k) = 3 * uniform();
    const Eigen::VectorXd e = (x * truth).array().exp();
    double left = uniform() * e.sum();
    Eigen::Index drawn = 0;
    while (drawn < 3 && (left -= e[drawn]) > 0) ++drawn;
    x.row(0).swap(x.row(drawn));
    items.push_back(x);
  }
  const Eigen::VectorXd found = fit_choice(items, 0);
  for (Eigen::Index k = 0; k < 3; ++k) CHECK(found[k] == Approx(truth[k]).margin(.05));
}

TEST_CASE("choice weights: a score that never differs weighs nothing, and choices that are always right stay finite") {
  std::vector<Eigen::MatrixXd> items(10, Eigen::MatrixXd(3, 2));
  for (std::size_t i = 0; i < items.size(); ++i) {
    const double same = .1 + static_cast<double>(i) / 10;  // three of these have a mean that rounding moves
    items[i] << 1, same, 0, same, 0, same;
  }
  const Eigen::VectorXd w = fit_choice(items);
  CHECK(w[1] == 0);
  CHECK(w[0] > 1);
  CHECK(std::isfinite(w[0]));
}

TEST_CASE("choice weights: an item's choice does not hang on its own truth") {
  // Scores that say nothing: an item that had a share in its own weights would be right more often than by chance.
  const std::uint64_t base = random_base(5, 0, 0, 0);
  std::uint32_t at = 0;
  double right = 0;
  constexpr int rounds = 300;
  for (int round = 0; round < rounds; ++round) {
    std::vector<Eigen::MatrixXd> items(6, Eigen::MatrixXd(2, 4));
    for (auto& x : items)
      for (Eigen::Index c = 0; c < 2; ++c)
        for (Eigen::Index k = 0; k < 4; ++k) x(c, k) = static_cast<double>(random_uniform(base, at++, 0));
    for (const auto& value : choose_by_other_half(items)) right += value[0] > value[1];
  }
  CHECK(right / (6 * rounds) == Approx(.5).margin(.04));
}

TEST_CASE("choice weights: what cannot be weighed is refused") {
  std::vector<Eigen::MatrixXd> items;
  CHECK_THROWS_AS(fit_choice(items), ShapeError);
  items.emplace_back(Eigen::MatrixXd::Zero(2, 3));
  CHECK_THROWS_AS(choose_by_other_half(items), ShapeError);
  items.emplace_back(Eigen::MatrixXd::Zero(2, 2));
  CHECK_THROWS_AS(fit_choice(items), ShapeError);
  CHECK_THROWS_AS(choose_by_other_half(items), ShapeError);
  items.back() = Eigen::MatrixXd::Constant(2, 3, std::nan(""));
  CHECK_THROWS_AS(fit_choice(items), ShapeError);
}
