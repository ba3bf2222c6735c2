#pragma once
// A window of time as value nodes: the same linear-Gaussian levels, but every step's belief goes on settling while later ones come in.
//
// Equation   F = sum_t [ pi_y/2 (y(t) - x_0(t))^2 + sum_l pi_l/2 e_l(t)^2 ],   e_l(t) = x_l(t) - a_l x_l(t-1) - (1 - a_l) g_l x_{l+1}(t)
//            x_l(t) <- x_l(t) + [ - pi_l e_l(t) + a_l pi_l e_l(t+1) + (1 - a_{l-1}) g_{l-1} pi_{l-1} e_{l-1}(t) + (l = 0) pi_y (y - x_0) ] / D
//            D the sum of the squares of those factors, each times its precision: the node's curvature
// Symbols    T x L nodes of one unit; a persistence, g gain, pi precision of every level, lowest first; y, pi_y numbers observed
// Discretisation  a node hears its neighbours alone: the levels above and below, the steps before and after; x(-1) = 0. Sweeps run
//            through time forwards, then backwards (symmetric Gauss-Seidel), so that news travel the whole window both ways
// Limit      pi = 1 / q, pi_y = 1 / r: at rest the beliefs are the Rauch-Tung-Striebel smoother (tests/validation/gaussian_smoother.cpp)
// Source     Rauch, Tung & Striebel 1965; Friston 2008; Bell 1994, SIAM J. Optim. 4 (the smoother as least squares)

#include <vector>

#include "core/observation.hpp"

namespace strata {

class GaussianWindow {
 public:
  struct Level {
    double persistence, gain, precision;
  };
  /// Lowest level first; the gain of the highest is not used. Beliefs start at 0. Throws ConfigError for precisions that are not positive.
  GaussianWindow(std::vector<Level> levels, double observation_precision, std::vector<double> numbers);

  /// Every node once forwards in time and once backwards; the largest move.
  double sweep();
  /// Sweeps until no node moves by more than `tolerance`, at most `most` of them; how many it took.
  Index settle(double tolerance, Index most);
  double free_energy() const;  ///< nats
  double belief(Index level, Index step) const { return x_[place(level, step)]; }
  Index steps() const { return static_cast<Index>(numbers_.size()); }

 private:
  std::size_t place(Index level, Index step) const {
    return static_cast<std::size_t>(step) * levels_.size() + static_cast<std::size_t>(level);
  }
  double error(Index level, Index step) const;
  double move(Index level, Index step);
  double pass_down(Index level) const;

  std::vector<Level> levels_;
  double observation_precision_;
  std::vector<double> numbers_, x_;
};

}  // namespace strata
