#pragma once
// Linear decoders: what can be read out of a level's vector by one layer of weights.
//
// Equation   ridge:     W = Y X' (X X' + lambda N I)^-1 on centred X and one-hot Y; argmax reads out
//            logistic:  maximise mean ln softmax(W x + b)[label] - lambda/2 |W|^2
// Symbols    X features x N samples; label 0 .. classes-1; lambda = penalty times the mean variance of a feature
// Method     logistic: the Hessian is at most (1 - 1/K)/2 of (covariance + mean mean'), so steps preconditioned by that bound descend
//            without a line search; accelerated (Nesterov) and restarted when the loss rises
// Limit      features that are the classes' true posteriors: ridge returns them unchanged. Two Gaussians of equal covariance: logistic
//            approaches Fisher's discriminant W = S^-1 (m1 - m0).
// Source     Boehning (1992), Annals of the Institute of Statistical Mathematics 44, 197 (the bound); O'Donoghue & Candes (2015) (restart).

#include <Eigen/Core>
#include <span>

#include "core/observation.hpp"

namespace strata {

struct LinearDecoder {
  Eigen::MatrixXd weight;  ///< classes x features
  Eigen::VectorXd bias;    ///< classes

  Eigen::MatrixXd scores(const Eigen::MatrixXd& x) const { return (weight * x).colwise() + bias; }  ///< classes x samples
  /// Softmax of the scores; probabilities only of a logistic decoder.
  Eigen::MatrixXd probabilities(const Eigen::MatrixXd& x) const;
};

/// Both throw ShapeError when labels and samples differ or there is no sample.
LinearDecoder fit_ridge(const Eigen::MatrixXd& x, std::span<const Index> label, Index classes, double penalty = 1e-3);
LinearDecoder fit_logistic(const Eigen::MatrixXd& x, std::span<const Index> label, Index classes, double penalty = 1e-3,
                           int iterations = 200);

/// Share of samples whose largest score is their label.
double accuracy(const Eigen::MatrixXd& scores, std::span<const Index> label);
/// Per sample, the class of the largest score.
std::vector<Index> winners(const Eigen::MatrixXd& scores);

}  // namespace strata
