#pragma once
// The conditional level: a categorical level that holds its belief given each state of the level above. A context that acts on the one below
// through transitions alone is invisible to a level that keeps one belief for all parents; kept apart, the beliefs carry it.
//
// Equations   forecast   m(u) = (1-h') a(u) / [(1-h') a(u) + h' / n_above]         the parent is the one of the step before, given that it now is u
//                        P(c|u) = (1-h(u)) [m(u) Q(c|u) + (1 - m(u)) R(c|u)] + h(u) Pi(c|u),   q- = sum_u a-(u) P(c|u)
//                        R = Pi: a new parent draws the state anew (redraw);   R = x: the state outlives its parent
//             gather     Z(u) = sum_c P(c|u) e^lam(c),   feedback = ln Z
//             resolve    Q(c|u) = P(c|u) e^(kappa lam(c)) / Z_kappa(u),   x(c) = sum_u a(u) Q(c|u)
//             learning   as levels/categorical.hpp, with the weight of Pi in P for h and sum_u a-(u) [P(c|u) without Pi] for (1-h) q(c)
//                        dln h(w): s_w-(u,c) = what the forecast makes of s_w, linear as it is, + d forecast / dln h(w) at u = w
//                        dln h(w) = sum (x / q-) s_w-,  s_w <- (x / q-) s_w- - x dln h(w), over pairs (u, c) with x(u,c) = a(u) Q(c|u)
// Symbols     a, x the belief of the level above and the own one after the last token, a- its forecast, h' = 1 / parent_tau its hazard (at the top
//             m = 1); h(u) = 1 / tau, or one per parent state (tau_per_parent): then the level above is a belief about volatility, which sets how
//             fast this level expects to change; Q, P n x n_above per stream
// Limit       with true laws, a tree of these levels over one emission filters almost exactly (it drops what grandparents say of the present
//             state beyond the parent); two levels, the upper one silent, are exact, and so is dln h; at the top it is the categorical level
// Source      structured (tree) beliefs: Saul & Jordan 1996; hierarchical hidden Markov chains: Fine, Singer & Tishby 1998; hazards
//             that are themselves believed: Behrens et al. 2007, Nat. Neurosci. 10

#include "levels/categorical.hpp"

namespace strata {

struct ConditionalSettings : CategoricalSettings {
  std::string tau_per_parent;  ///< steps, one per state of the level above; empty: tau under all of them
  bool redraw = true;          ///< a switch of the level above draws the state anew
  bool learn_hazards = false;  ///< tau_per_parent is the start
};

template <class T>
class ConditionalLevel : public CategoricalLevel<T> {
 public:
  ConditionalLevel(Device<T>& device, const ConditionalSettings& settings, const CategoricalPlace& place);

  std::string kind() const override { return "conditional"; }
  bool can_end() const override { return false; }
  void begin_settling(const Step<T>& step, const Upward<T>& below) override;
  void end_settling(const Step<T>& step) override;
  void learn(const Step<T>& step) override;
  void accumulate(T scale, bool learning) override;
  void forecast(const Step<T>& step, const Downward<T>& above) override;
  void visit_weights(const std::function<void(Weight<T>&)>& visit) override;
  void archive_parameters(Archive& archive) override;
  void archive_state(Archive& archive) override;
  void carry(const Step<T>& step, const Upward<T>& below) override;
  void reset_state() override;

 protected:
  double draw_rate() const override { return redraw_ ? this->hazard_ + (1 - this->hazard_) * parent_hazard_ : this->hazard_; }
  void predict(ConstView<T> above, View<T> prior, bool held) override;
  void message() override;
  void infer(ConstView<T> above) override;
  void slope(View<T> to) override;
  void retained(View<T> to) override;
  void redrawn(View<T> to) override;
  std::vector<std::pair<const char*, Tensor<T>*>> state_tensors() override;

 private:
  View<T> list(Tensor<T>& x) const { return {x.view().data, x.cols(), 1, x.cols()}; }
  void weigh(ConstView<T> per_parent, Tensor<T>& tables, View<T> to);
  void condition(View<T> like);
  void expect();
  void take_posterior();
  void prepare_hazards(const std::vector<double>& hazards);
  void read_hazards();
  void learn_hazards(const Step<T>& step);
  void persisting(View<T> joint, View<T> to);
  void drift(Index parent);
  void follow(const Step<T>& step, Index parent);

  double parent_hazard_;
  bool redraw_, learns_hazards_;
  double tau_min_, tau_max_;
  Tensor<T> q_given_, given_, posterior_, table_;         // n x n_above B: Q, P, Q after the token
  Tensor<T> kept_, moved_, fresh_, stay_;                 // 1 x n_above B: weights in P of Q, x and Pi; 1 - h(u)
  Tensor<T> above_, above_now_, normaliser_;              // 1 x n_above B: a, a while settling, 1 / Z
  Weight<T> log_hazards_;                                 // 1 x n_above
  std::vector<Tensor<T>> traces_;                         // s_w, n x n_above B
  Tensor<T> ratio_, joint_, persist_, explicit_, slope_;  // n x n_above B: x / q-, x, what outlives the step, d forecast / dln h, s_w-
  Tensor<T> hazard_errors_, one_, mass_, gone_;           // 1 x n_above, 1 x 1, 1 x n_above B
  std::vector<T> host_hazards_, host_stay_;
  std::vector<std::int32_t> parent_of_pair_, stream_of_pair_;
};

}  // namespace strata
