#pragma once
// The exact observer of a nested world: the forward filter over its joint states.
//
// Equation   q(c|t) = q-(c) p(y|c) / Z, surprise -ln Z;   q-(c') = sum_c T(c'|c) q(c).  T is a sum over the highest level that switches:
//              q-(c) = prod_l (1-h_l) q(c) + D_0(c),   D_m(c_>=m) = Pi_m(c_m|c_m+1) [ D_m+1(c_>m) + w_m sum_{b != c_m} Q_m(c_>m, b) / (1 - Pi_m(b|c_m+1)) ],
//            D_L = 0, w_m = h_m prod_{j>m} (1-h_j), Q_m the marginal of q over the levels >= m: O(joint states) per step instead of its square.
//            Forgetting the levels >= k: after the posterior q(c) <- Q(c_<k) P(c_>=k | c_<k), P the long run: all that is carried to the next
//            step is what is believed of the lowest k contexts.
// Symbols    as in laws.hpp; arrays over joint states, context 0 fastest
// Limit      k = 0: the surprise is that of the unigram; brute-force enumeration of all paths (tests/validation/nested_filter.cpp)
// Source     Rabiner 1989, Proc. IEEE 77 (forward algorithm); Murphy & Paskin 2001 (hierarchical HMM in linear time)

#include <Eigen/Core>
#include <memory>

#include "experiments/worlds/nested/laws.hpp"
#include "experiments/worlds/source.hpp"

namespace strata::nested {

class Filter final : public Observer {
 public:
  /// `known` levels are remembered from step to step, those above are forgotten; < 0 or all of them: nothing is forgotten.
  /// Throws ConfigError (world.states) where the tables would not fit into memory.
  Filter(std::shared_ptr<const Laws> laws, Index streams, Index known = -1);

  Index levels() const override { return laws_->levels(); }
  Index units(Index level) const override { return laws_->level(level).transition.rows(); }
  void reset() override;
  /// Idle streams stay as they are. Throws ShapeError for another number of streams or a token the world does not have.
  void observe(const Observation& observation) override;
  double surprise(Index stream) const override { return surprise_[static_cast<std::size_t>(stream)]; }
  std::span<const double> belief(Index level, Index stream) const override;
  std::span<const double> prediction(Index level, Index stream) const override;
  std::span<const double> predictive(Index stream) const override;

  /// Probability of every joint state: after the observation, and for the next step.
  std::span<const double> joint_belief(Index stream) const;
  std::span<const double> joint_prediction(Index stream) const;

 private:
  /// Marginals of every level, made when first asked for.
  struct Marginals {
    std::vector<std::vector<double>> level;
    bool fresh = false;
  };
  struct Stream {
    Eigen::ArrayXd posterior, predicted;
    mutable Marginals after, before;
    mutable Eigen::ArrayXd predictive;
    mutable bool predictive_fresh = false;
  };

  void forget(Eigen::ArrayXd& q);
  void predict(const Eigen::ArrayXd& q, Eigen::ArrayXd& out);
  void coarsen(const Eigen::ArrayXd& q) const;
  std::span<const double> marginal(Marginals& marginals, const Eigen::ArrayXd& q, Index level) const;

  std::shared_ptr<const Laws> laws_;
  Index known_;
  Eigen::ArrayXXd emission_;            // joint states x V
  Eigen::ArrayXd long_run_, recalled_;  // P(c); P(c_>=k | c_<k) where levels are forgotten
  double stay_ = 1;
  std::vector<double> first_;                // w_m
  std::vector<Eigen::ArrayXXd> inverse_;     // 1 / (1 - Pi_m)
  mutable std::vector<Eigen::ArrayXd> sum_;  // Q_m, m = 0 unused
  std::vector<Eigen::ArrayXd> drawn_;        // D_m, m = 0 unused
  Eigen::ArrayXd low_;                       // Q of the known levels
  std::vector<Stream> streams_;
  std::vector<double> surprise_;
};

}  // namespace strata::nested
