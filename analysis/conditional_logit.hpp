#pragma once
// Several scores of every candidate, weighed into one choice.
//
// Equation   p(c) = softmax over the candidates c of w . x(c);  maximise mean ln p(the true candidate) - lambda/2 |sigma w|^2
// Symbols    x(c) scores of a candidate; sigma the scores' spread about the mean of their item; lambda penalty, 1
// Method     Newton steps, halved where they would not climb (the objective is concave)
// Limit      one score that is larger by d for the true of two candidates in a share q of the items, smaller by d in the rest: w d = ln(q / (1 - q)), lambda = 0
// Source     McFadden 1974, in Frontiers in Econometrics, 105

#include <Eigen/Core>
#include <span>
#include <vector>

namespace strata {

/// w of items whose first candidate is the true one, each of candidates x scores. Scores that never differ within an item weigh nothing.
/// Throws ShapeError where there is no item, an item has no candidate, items have unequal numbers of scores, or a score is not finite.
Eigen::VectorXd fit_choice(std::span<const Eigen::MatrixXd> items, double penalty = 1e-2);

/// By w fitted on the other items of two halves (every second item), w . x of each item's candidates, so that no item chooses its own weights.
/// Throws ShapeError as fit_choice does, and where there are not two items.
std::vector<Eigen::VectorXd> choose_by_other_half(std::span<const Eigen::MatrixXd> items, double penalty = 1e-2);

}  // namespace strata
