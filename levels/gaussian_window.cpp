#include "levels/gaussian_window.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/parameter.hpp"

namespace strata {

GaussianWindow::GaussianWindow(std::vector<Level> levels, double observation_precision, std::vector<double> numbers)
    : levels_(std::move(levels)),
      observation_precision_(observation_precision),
      numbers_(std::move(numbers)),
      x_(levels_.size() * numbers_.size(), 0) {
  for (std::size_t l = 0; l < levels_.size(); ++l)
    if (!(levels_[l].precision > 0)) throw ConfigError(level_key(l, "precision"), to_text(levels_[l].precision), "must be positive");
  if (!(observation_precision > 0)) throw ConfigError("observation precision", to_text(observation_precision), "must be positive");
}

/// What a level adds to the one below it, per unit of its value.
double GaussianWindow::pass_down(Index level) const {
  const Level& below = levels_[static_cast<std::size_t>(level - 1)];
  return (1 - below.persistence) * below.gain;
}

double GaussianWindow::error(Index level, Index step) const {
  const Level& own = levels_[static_cast<std::size_t>(level)];
  double expected = step > 0 ? own.persistence * x_[place(level, step - 1)] : 0;
  if (level + 1 < static_cast<Index>(levels_.size())) expected += pass_down(level + 1) * x_[place(level + 1, step)];
  return x_[place(level, step)] - expected;
}

double GaussianWindow::move(Index level, Index step) {
  const Level& own = levels_[static_cast<std::size_t>(level)];
  double& x = x_[place(level, step)];
  double force = -own.precision * error(level, step), curvature = own.precision;
  if (step + 1 < steps()) {
    force += own.persistence * own.precision * error(level, step + 1);
    curvature += own.persistence * own.persistence * own.precision;
  }
  if (level > 0) {
    const double part = pass_down(level), precision = levels_[static_cast<std::size_t>(level - 1)].precision;
    force += part * precision * error(level - 1, step);
    curvature += part * part * precision;
  } else {
    force += observation_precision_ * (numbers_[static_cast<std::size_t>(step)] - x);
    curvature += observation_precision_;
  }
  x += force / curvature;
  return std::abs(force / curvature);
}

double GaussianWindow::sweep() {
  double most = 0;
  const auto depth = static_cast<Index>(levels_.size());
  for (Index t = 0; t < steps(); ++t)
    for (Index l = 0; l < depth; ++l) most = std::max(most, move(l, t));
  for (Index t = steps(); t-- > 0;)
    for (Index l = depth; l-- > 0;) most = std::max(most, move(l, t));
  return most;
}

Index GaussianWindow::settle(double tolerance, Index most) {
  Index sweeps = 0;
  while (sweeps < most) {
    ++sweeps;
    if (sweep() <= tolerance) break;
  }
  return sweeps;
}

double GaussianWindow::free_energy() const {
  double sum = 0;
  for (Index t = 0; t < steps(); ++t) {
    for (std::size_t l = 0; l < levels_.size(); ++l) sum += .5 * levels_[l].precision * std::pow(error(static_cast<Index>(l), t), 2);
    sum += .5 * observation_precision_ * std::pow(numbers_[static_cast<std::size_t>(t)] - x_[place(0, t)], 2);
  }
  return sum;
}

}  // namespace strata
