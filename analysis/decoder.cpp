#include "analysis/decoder.hpp"

#include <Eigen/Cholesky>
#include <cmath>
#include <limits>
#include <string>

#include "core/error.hpp"

namespace strata {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

MatrixXd one_hot(std::span<const Index> label, Index classes) {
  MatrixXd y = MatrixXd::Zero(classes, static_cast<Index>(label.size()));
  for (std::size_t i = 0; i < label.size(); ++i) y(label[i], static_cast<Index>(i)) = 1.0;
  return y;
}

void check(const MatrixXd& x, std::span<const Index> label, Index classes) {
  if (x.cols() != static_cast<Index>(label.size()) || x.cols() == 0)
    throw ShapeError("linear decoder: labels", std::to_string(x.cols()) + " as samples, at least one", std::to_string(label.size()));
  for (const Index k : label)
    if (k < 0 || k >= classes) throw ShapeError("linear decoder: label", "0 .. " + std::to_string(classes - 1), std::to_string(k));
}

void softmax(MatrixXd& scores) {
  for (Index i = 0; i < scores.cols(); ++i) {
    auto column = scores.col(i).array();
    column = (column - column.maxCoeff()).exp();
    column /= column.sum();
  }
}

/// Covariance of the centred features plus the penalty; `spread` is the mean variance of a feature (1 where nothing varies).
MatrixXd penalised(const MatrixXd& centred, double penalty, double& spread) {
  MatrixXd covariance = centred * centred.transpose() / static_cast<double>(centred.cols());
  spread = covariance.trace() / static_cast<double>(covariance.rows());
  if (!(spread > 0.0)) spread = 1.0;
  covariance.diagonal().array() += penalty * spread;
  return covariance;
}

}  // namespace

MatrixXd LinearDecoder::probabilities(const MatrixXd& x) const {
  MatrixXd p = scores(x);
  softmax(p);
  return p;
}

LinearDecoder fit_ridge(const MatrixXd& x, std::span<const Index> label, Index classes, double penalty) {
  check(x, label, classes);
  const VectorXd mean = x.rowwise().mean();
  const MatrixXd centred = x.colwise() - mean, y = one_hot(label, classes);
  double spread = 1.0;
  const MatrixXd covariance = penalised(centred, penalty, spread);
  LinearDecoder out;
  out.weight = covariance.llt().solve(centred * y.transpose() / static_cast<double>(x.cols())).transpose();
  out.bias = y.rowwise().mean() - out.weight * mean;
  return out;
}

LinearDecoder fit_logistic(const MatrixXd& x, std::span<const Index> label, Index classes, double penalty, int iterations) {
  check(x, label, classes);
  const VectorXd mean = x.rowwise().mean();
  const MatrixXd centred = x.colwise() - mean, y = one_hot(label, classes);
  const double n = static_cast<double>(x.cols());
  double spread = 1.0;
  MatrixXd bound = 0.5 * penalised(centred, 0.0, spread);
  const double lambda = penalty * spread;
  bound.diagonal().array() += std::max(lambda, 1e-9 * spread);
  const Eigen::LLT<MatrixXd> solver(bound);
  const VectorXd share = (y.rowwise().mean().array() + 0.5 / n).matrix();

  MatrixXd weight = MatrixXd::Zero(classes, x.rows()), ahead = weight;
  VectorXd bias = share.array().log().matrix(), bias_ahead = bias;
  double momentum = 1.0, last = std::numeric_limits<double>::infinity();
  for (int step = 0; step < iterations; ++step) {
    MatrixXd p = (ahead * centred).colwise() + bias_ahead;
    softmax(p);
    const double loss = -(p.cwiseProduct(y).colwise().sum().array().max(1e-300).log().sum()) / n + 0.5 * lambda * ahead.squaredNorm();
    if (loss > last + 1e-12) {  // overshot: begin again from the last point without momentum
      ahead = weight;
      bias_ahead = bias;
      momentum = 1.0;
      last = std::numeric_limits<double>::infinity();
      continue;
    }
    const MatrixXd error = p - y;
    const MatrixXd gradient = error * centred.transpose() / n + lambda * ahead;
    const VectorXd bias_gradient = error.rowwise().mean();
    const MatrixXd next = ahead - solver.solve(gradient.transpose()).transpose();
    const VectorXd bias_next = bias_ahead - 2.0 * bias_gradient;
    const double faster = 0.5 * (1.0 + std::sqrt(1.0 + 4.0 * momentum * momentum)), push = (momentum - 1.0) / faster;
    ahead = next + push * (next - weight);
    bias_ahead = bias_next + push * (bias_next - bias);
    weight = next;
    bias = bias_next;
    momentum = faster;
    if (last - loss < 1e-9 && step > 10 && std::isfinite(last)) break;
    last = loss;
  }
  return {weight, bias - weight * mean};
}

std::vector<Index> winners(const MatrixXd& scores) {
  std::vector<Index> out(static_cast<std::size_t>(scores.cols()));
  for (Index i = 0; i < scores.cols(); ++i) scores.col(i).maxCoeff(&out[static_cast<std::size_t>(i)]);
  return out;
}

double accuracy(const MatrixXd& scores, std::span<const Index> label) {
  const std::vector<Index> best = winners(scores);
  double right = 0.0;
  for (std::size_t i = 0; i < best.size(); ++i) right += best[i] == label[i] ? 1.0 : 0.0;
  return right / static_cast<double>(best.size());
}

}  // namespace strata
