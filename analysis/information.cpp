#include "analysis/information.hpp"

#include <Eigen/Cholesky>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace strata {
namespace {

using Eigen::MatrixXd;

double occupied(std::span<const double> counts) {
  return static_cast<double>(std::count_if(counts.begin(), counts.end(), [](double n) { return n > 0.0; }));
}

MatrixXd covariance(const MatrixXd& centred, double penalty) {
  MatrixXd out = centred * centred.transpose() / static_cast<double>(centred.cols());
  const double spread = out.trace() / static_cast<double>(out.rows());
  out.diagonal().array() += penalty * (spread > 0.0 ? spread : 1.0);
  return out;
}

}  // namespace

double entropy_of_counts(std::span<const double> counts, bool miller_madow) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  if (!(total > 0.0)) return std::numeric_limits<double>::quiet_NaN();
  double entropy = 0.0;
  for (const double n : counts)
    if (n > 0.0) entropy -= n / total * std::log(n / total);
  return miller_madow ? entropy + (occupied(counts) - 1.0) / (2.0 * total) : entropy;
}

double information_of_counts(std::span<const double> counts, Index rows, Index columns, bool miller_madow) {
  std::vector<double> row(static_cast<std::size_t>(rows), 0.0), column(static_cast<std::size_t>(columns), 0.0);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    row[i / column.size()] += counts[i];
    column[i % column.size()] += counts[i];
  }
  return entropy_of_counts(row, miller_madow) + entropy_of_counts(column, miller_madow) - entropy_of_counts(counts, miller_madow);
}

CanonicalDirections canonical_directions(const MatrixXd& x, const MatrixXd& y, double penalty) {
  if (x.cols() != y.cols() || x.cols() < 2)
    throw ShapeError("canonical correlation: samples", std::to_string(x.cols()) + ", at least two", std::to_string(y.cols()));
  CanonicalDirections out;
  out.mean_a = x.rowwise().mean();
  out.mean_b = y.rowwise().mean();
  const MatrixXd cx = x.colwise() - out.mean_a, cy = y.colwise() - out.mean_b;
  const Eigen::LLT<MatrixXd> lx(covariance(cx, penalty)), ly(covariance(cy, penalty));
  const MatrixXd cross = cx * cy.transpose() / static_cast<double>(x.cols());
  // Lx^-1 C Ly'^-1: the singular values are the correlations.
  const MatrixXd left = lx.matrixL().solve(cross);
  const MatrixXd whitened = ly.matrixL().solve(left.transpose()).transpose();
  const Eigen::BDCSVD<MatrixXd> svd(whitened, Eigen::ComputeThinU | Eigen::ComputeThinV);
  out.r = svd.singularValues();
  out.a = lx.matrixL().transpose().solve(svd.matrixU());
  out.b = ly.matrixL().transpose().solve(svd.matrixV());
  return out;
}

double gaussian_information(std::span<const double> r) {
  double sum = 0.0;
  for (const double x : r)
    if (x > 0.0) sum -= 0.5 * std::log1p(-std::min(x * x, 1.0 - 1e-12));
  return sum;
}

double divergence(std::span<const float> p, std::span<const float> q) {
  double sum = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double a = static_cast<double>(p[i]), b = std::max(static_cast<double>(q[i]), 1e-12);
    if (a > 0.0) sum += a * std::log(a / b);
  }
  return sum;
}

}  // namespace strata
