#pragma once
// The laws of a nested world: who switches when, to what, and which tokens each joint context speaks.
//
// Equation   From the top (m = L-1 .. 0), while no level above has switched: level m switches with probability h_m = 1/tau_m to ANOTHER
//            state a, P(a | b, u) = Pi_m(a|u) / (1 - Pi_m(b|u)), b its state, u its parent's. When it does, every lower level is drawn
//            anew from its Pi given its new parent. Token: p(v|c) = softmax_v( sum_l B_l[v, c_l] ).
//            Stationary: a tree, P(c) = X_top(c_top) prod_m X_m(c_m | c_m+1); with s = prod_{j>m} (1 - h_j), column u of X_m solves
//            x = s (1-h) x + s h R_u x + (1-s) Pi_m(.|u)   (R_u the redraw above); at the top x(a) ~ Pi(a) (1 - Pi(a)) by detailed balance.
// Symbols    L levels, 0 lowest; n_l states; tau_l steps; Pi_m, X_m  n_m x n_{m+1} (top: one column); B_l  V x n_l, nats, centred over states
// Limit      one level: stationary ~ Pi (1 - Pi); equal emissions in every state: unigram = p(v|c)
// Source     hierarchical semi-Markov sources: Fine, Singer & Tishby 1998, Machine Learning 32; here all dwell times are geometric

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/observation.hpp"
#include "core/parameter.hpp"

namespace strata::nested {

/// What the user chose, checked. Lists have one entry per level, lowest first.
struct Settings {
  std::string kind;
  std::vector<Index> states;
  std::vector<double> tau;   ///< steps, >= 1
  std::vector<double> beta;  ///< standard deviation of B_l, nats
  std::vector<double> leak;  ///< weight in Pi of a state that is not allowed (allowed: 1); of the top level unused
  Index vocabulary = 32;
  std::uint64_t tables = 0;  ///< seed of Pi and B

  Index levels() const { return static_cast<Index>(states.size()); }
  Index joint_states() const;
};

/// Keys world.* of the nested world.
ParameterTable parameters();
/// Throws ConfigError: lists of another length than world.levels, sizes that cannot be, a level that has nowhere to switch.
Settings settings(const Values& values);

struct LevelLaw {
  double hazard = 0;           ///< 1/tau
  Eigen::MatrixXd transition;  ///< Pi: states x parent states (top: x 1), columns sum to 1
  Eigen::MatrixXd stationary;  ///< long-run probability given the parent, same shape
  Eigen::MatrixXd share;       ///< B: V x states, nats
};

class Laws {
 public:
  explicit Laws(Settings settings);

  const Settings& settings() const { return settings_; }
  const LevelLaw& level(Index l) const { return levels_[static_cast<std::size_t>(l)]; }
  Index levels() const { return settings_.levels(); }
  Index vocabulary() const { return settings_.vocabulary; }

  /// Moves a stream's contexts (lowest first) on by a step. The first step (step 0) draws them from the long run.
  void advance(std::span<std::int32_t> contexts, std::uint64_t base, bool first) const;
  /// p(v|c) into `p` (V).
  void emission(std::span<const std::int32_t> contexts, std::span<double> p) const;
  /// Long-run probability of every joint state with levels >= `from`; index: context `from` fastest.
  Eigen::ArrayXd stationary(Index from) const;
  /// p(v|c) of every joint state: joint states x V, one column per token, context 0 fastest.
  Eigen::ArrayXXd emissions() const;
  std::vector<double> log_unigram() const;  ///< nats

 private:
  void draw_transitions();
  void draw_shares();
  void solve_stationary();

  Settings settings_;
  std::vector<LevelLaw> levels_;
};

}  // namespace strata::nested
