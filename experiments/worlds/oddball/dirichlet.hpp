#pragma once
// Counting with forgetting: the Dirichlet filter, the observer that error after repetition is held against.
//
// Equation   p(v) = alpha_v / sum alpha;   alpha <- alpha0 + a (alpha - alpha0) + onehot(y),  a = exp(-1/memory) (memory 0: a = 1)
//            so that alpha_v(t) = alpha0 + sum_s a^(t-1-s) [y_s = v]
// Symbols    alpha V pseudo-counts, alpha0 their prior, memory steps; surprise -ln p(y) before counting y
// Limit      a = 1: Laplace's rule of succession (n_v + alpha0) / (n + V alpha0), the exact predictive of a constant law under a Dirichlet prior
// Source     Meyniel, Maheu & Dehaene 2016, PLoS Comput. Biol. 12 (leaky integration); the decay stands for a law that may have changed

#include <Eigen/Core>

#include "experiments/worlds/source.hpp"

namespace strata::oddball {

class DirichletFilter final : public Observer {
 public:
  /// `prior` > 0 pseudo-counts per token, `memory` in steps, 0 for a perfect one.
  DirichletFilter(Index vocabulary, Index streams, double prior, double memory);

  Index levels() const override { return 1; }
  Index units(Index) const override { return counts_.rows(); }
  void reset() override;
  void observe(const Observation& observation) override;
  double surprise(Index stream) const override { return surprise_(stream); }
  /// The tone heard is certain; before the first step nothing is.
  std::span<const double> belief(Index, Index stream) const override { return column(belief_, stream); }
  std::span<const double> prediction(Index, Index stream) const override { return column(predictive_, stream); }
  std::span<const double> predictive(Index stream) const override { return column(predictive_, stream); }

 private:
  static std::span<const double> column(const Eigen::ArrayXXd& array, Index stream) {
    return {array.data() + stream * array.rows(), static_cast<std::size_t>(array.rows())};
  }

  double prior_, keep_;
  Eigen::ArrayXXd counts_, belief_, predictive_;  // V x streams; counts without their prior
  Eigen::ArrayXd surprise_;
};

}  // namespace strata::oddball
