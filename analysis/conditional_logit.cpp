#include "analysis/conditional_logit.hpp"

#include <Eigen/Cholesky>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "core/error.hpp"

namespace strata {

namespace {

constexpr int most_steps = 50, most_halvings = 30;

/// Value, slope and curvature of the mean log probability of the true candidates at w, without the penalty.
struct Fit {
  double value = 0;
  Eigen::VectorXd slope;
  Eigen::MatrixXd curvature;  ///< of - value
};

Fit fit_at(const std::vector<Eigen::MatrixXd>& items, const Eigen::VectorXd& w) {
  Fit fit{0, Eigen::VectorXd::Zero(w.size()), Eigen::MatrixXd::Zero(w.size(), w.size())};
  for (const Eigen::MatrixXd& x : items) {
    const Eigen::VectorXd u = x * w;
    const double most = u.maxCoeff();
    const Eigen::VectorXd e = (u.array() - most).exp();
    const Eigen::VectorXd p = e / e.sum();
    const Eigen::VectorXd mean = x.transpose() * p;
    fit.value += u[0] - most - std::log(e.sum());
    fit.slope += x.row(0).transpose() - mean;
    fit.curvature += x.transpose() * p.asDiagonal() * x - mean * mean.transpose();
  }
  const auto n = static_cast<double>(items.size());
  fit.value /= n;
  fit.slope /= n;
  fit.curvature /= n;
  return fit;
}

/// The scores less those of the first candidate, which softmax does not notice: what all candidates have in common is exactly 0.
std::vector<Eigen::MatrixXd> against_first(std::span<const Eigen::MatrixXd> items) {
  std::vector<Eigen::MatrixXd> apart;
  apart.reserve(items.size());
  for (const Eigen::MatrixXd& x : items) apart.emplace_back(x.rowwise() - x.row(0));
  return apart;
}

/// Spread of every score about the mean of its item.
Eigen::VectorXd spread_within(const std::vector<Eigen::MatrixXd>& items) {
  Eigen::VectorXd squares = Eigen::VectorXd::Zero(items.front().cols());
  double rows = 0;
  for (const Eigen::MatrixXd& x : items) {
    squares += (x.rowwise() - x.colwise().mean()).colwise().squaredNorm().transpose();
    rows += static_cast<double>(x.rows());
  }
  return (squares / rows).cwiseSqrt();
}

void check(const char* where, std::span<const Eigen::MatrixXd> items, std::size_t least) {
  if (items.size() < least) throw ShapeError(where, std::to_string(least) + " items at least", std::to_string(items.size()));
  for (const Eigen::MatrixXd& x : items) {
    if (x.rows() == 0 || x.cols() != items.front().cols())
      throw ShapeError(where, "candidates with as many scores in every item", "not so");
    if (!x.allFinite()) throw ShapeError(where, "finite scores", "not finite");
  }
}

}  // namespace

Eigen::VectorXd fit_choice(std::span<const Eigen::MatrixXd> items, double penalty) {
  check("fit_choice", items, 1);
  std::vector<Eigen::MatrixXd> scaled = against_first(items);
  const Eigen::VectorXd unit = spread_within(scaled).unaryExpr([](double s) { return s > 0 ? 1 / s : 0; });
  for (Eigen::MatrixXd& x : scaled) x = x * unit.asDiagonal();

  Eigen::VectorXd w = Eigen::VectorXd::Zero(unit.size());
  const auto penalised = [&](const Fit& fit, const Eigen::VectorXd& at) { return fit.value - penalty / 2 * at.squaredNorm(); };
  Fit fit = fit_at(scaled, w);
  for (int step = 0; step < most_steps; ++step) {
    // Scores that never differ have neither slope nor curvature: a trifle on the diagonal leaves them at 0.
    const Eigen::MatrixXd curvature = fit.curvature + (penalty + 1e-12) * Eigen::MatrixXd::Identity(w.size(), w.size());
    const Eigen::VectorXd slope = fit.slope - penalty * w;
    Eigen::VectorXd move = curvature.ldlt().solve(slope);
    if (!(slope.dot(move) > 1e-14)) break;
    Fit next = fit_at(scaled, w + move);
    const auto climbs = [&] { return penalised(next, w + move) > penalised(fit, w); };
    for (int k = 0; k < most_halvings && !climbs(); ++k) {
      move /= 2;
      next = fit_at(scaled, w + move);
    }
    if (!climbs()) break;  // no further than rounding allows
    w += move;
    fit = std::move(next);
  }
  return unit.cwiseProduct(w);
}

std::vector<Eigen::VectorXd> choose_by_other_half(std::span<const Eigen::MatrixXd> items, double penalty) {
  check("choose_by_other_half", items, 2);
  std::array<std::vector<Eigen::MatrixXd>, 2> half;
  for (std::size_t i = 0; i < items.size(); ++i) half[i % 2].push_back(items[i]);
  const std::array<Eigen::VectorXd, 2> w{fit_choice(half[1], penalty), fit_choice(half[0], penalty)};
  std::vector<Eigen::VectorXd> values;
  values.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) values.emplace_back(items[i] * w[i % 2]);
  return values;
}

}  // namespace strata
