#pragma once
// Mutual information from counts and from moments, in nats.
//
// Equation   counts:   I = sum_ij p_ij ln(p_ij / (p_i p_j)), p_ij = n_ij / N; Miller-Madow subtracts (m_ij - m_i - m_j + 1) / (2 N),
//                      m the numbers of occupied cells, rows and columns
//            Gaussian: I = -1/2 sum_i ln(1 - r_i^2), r_i the canonical correlations
// Held out   canonical directions are fitted on one part of the data and correlated on another, so that directions found in noise have
//            r near 0; a held-out r below 0 counts as 0
// Limit      independent: 0 up to noise (the plug-in alone is (rows - 1)(columns - 1) / (2 N) too high);
//            scalar Gaussian pairs of correlation r: -ln(1 - r^2) / 2
// Source     Miller (1955); Hotelling (1936), Biometrika 28, 321; Kay (1992).

#include <Eigen/Core>
#include <span>

#include "core/observation.hpp"

namespace strata {

/// `counts` rows x columns, row-major, not negative (weights of a bootstrap are allowed). NaN when they add up to 0.
double information_of_counts(std::span<const double> counts, Index rows, Index columns, bool miller_madow = true);
/// Entropy of counts, plug-in or Miller-Madow.
double entropy_of_counts(std::span<const double> counts, bool miller_madow = true);

struct CanonicalDirections {
  Eigen::MatrixXd a, b;  ///< features x directions
  Eigen::VectorXd r;     ///< canonical correlations on the data they were fitted on, descending
  Eigen::VectorXd mean_a, mean_b;
};
/// Columns are samples; `penalty` times the mean variance is added to each covariance. Throws ShapeError when the samples differ.
CanonicalDirections canonical_directions(const Eigen::MatrixXd& x, const Eigen::MatrixXd& y, double penalty = 1e-6);

/// -1/2 sum ln(1 - r^2) over r > 0.
double gaussian_information(std::span<const double> r);

/// sum p ln(p / q), terms with p = 0 are 0 and q is floored at 1e-12.
double divergence(std::span<const float> p, std::span<const float> q);

}  // namespace strata
