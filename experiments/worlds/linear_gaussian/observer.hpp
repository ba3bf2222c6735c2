#pragma once
// The exact observer of the linear-Gaussian world, for any number of streams: Kalman filters that share their covariances.
//
// Equations  as in kalman.hpp. Covariances and gains depend on how many numbers a stream has shown, not on which: they are worked out once per
//            count, and no more once the filter has come to rest. A step of a stream is a product with A and one with K.
//            Forgetting the levels >= k: after the posterior, what is known of them is what the long run says given the levels < k,
//              m_u = B m_k,  P_uk = B P_k,  P_uu = B P_k B' + S_uu - B S_ku,  B = S_uk S_kk^-1, S the long-run covariance
// Symbols    k levels known (index k), u forgotten; belief m, prediction A m of the next step, per level one number
// Limit      k = all: KalmanFilter; k = 0: y ~ N(0, S_00 + r) at every step, the unigram of a world of numbers
// Source     Kalman 1960; the same forgetting as the nested world's filter (worlds/nested/filter.hpp)

#include "experiments/worlds/linear_gaussian/kalman.hpp"
#include "experiments/worlds/source.hpp"

namespace strata::linear_gaussian {

/// Gains and variances by the count of numbers read.
class Schedule {
 public:
  Schedule(const Chain& chain, Index known);

  /// Makes the entries up to the `count`-th number, from 0; later ones are those of the rest where it has been reached.
  void reach(Index count);
  /// K, levels numbers, and behind them P^-_00 + r: what the `count`-th number meets. Valid until reach().
  const double* entry(Index count) const;
  Index entries() const { return static_cast<Index>(values_.size()) / width_; }
  /// m -> m with the forgotten levels recalled, [1 0; B 0]; the identity where nothing is forgotten.
  const Eigen::MatrixXd& recall() const { return recall_; }

 private:
  void step();

  Chain chain_;
  Index width_;
  Eigen::MatrixXd spread_, persistences_, noises_, recall_, recalled_, covariance_;
  bool rest_ = false;
  std::vector<double> values_;
};

class ChainObserver final : public Observer {
 public:
  /// `known` < 0 or all of them: nothing is forgotten. Throws ConfigError (world.streams) where the streams would not fit into memory.
  ChainObserver(const Chain& chain, Index streams, Index known = -1);

  Index levels() const override { return levels_; }
  Index units(Index) const override { return 1; }
  void reset() override;
  /// Idle streams stay as they are. Throws ShapeError for another number of streams, DataError for a number that is none.
  void observe(const Observation& observation) override;
  double surprise(Index stream) const override { return surprise_[static_cast<std::size_t>(stream)]; }
  std::span<const double> belief(Index level, Index stream) const override { return one(mean_, level, stream); }
  std::span<const double> prediction(Index level, Index stream) const override { return one(predicted_, level, stream); }
  std::span<const double> predictive(Index stream) const override { return {next_.data() + 2 * stream, 2}; }

 private:
  std::span<const double> one(const std::vector<double>& values, Index level, Index stream) const {
    return {values.data() + stream * levels_ + level, 1};
  }
  void read(Index stream, double y);

  Index levels_, streams_;
  Schedule schedule_;
  Eigen::MatrixXd transition_;
  bool forgets_;
  std::vector<Index> count_;                                // numbers each stream has shown
  std::vector<double> mean_, predicted_, next_, surprise_;  // levels x streams; next: mean and variance of the next number
};

}  // namespace strata::linear_gaussian
