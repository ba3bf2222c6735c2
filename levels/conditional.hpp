#pragma once
// The conditional level: a categorical level that holds its belief given each state of the level above. A context that acts on the one below
// through transitions alone is invisible to a level that keeps one belief for all parents; kept apart, the beliefs carry it.
//
// Equations   forecast   k(u) = (1-h) (1-h') a(u) / [(1-h') a(u) + h' / n_above]   no new draw, given that the parent now is u
//                        P(c|u) = k(u) Q(c|u) + (1 - k(u)) Pi(c|u),   q- = sum_u a-(u) P(c|u)
//             gather     Z(u) = sum_c P(c|u) e^lam(c),   feedback = ln Z
//             resolve    Q(c|u) = P(c|u) e^(kappa lam(c)) / Z_kappa(u),   x(c) = sum_u a(u) Q(c|u)
//             learning   as levels/categorical.hpp, with 1 - k(u) for h and sum_u a-(u) k(u) Q(c|u) for (1-h) q(c)
// Symbols     a the belief of the level above after the last token, a- its forecast, h' = 1 / parent_tau its hazard (at the top k = 1-h); Q, P n x n_above per stream
// Limit       with true laws, a tree of these levels over one emission filters almost exactly (it drops what grandparents say of the present
//             state beyond the parent); at the top it is the categorical level
// Source      structured (tree) beliefs: Saul & Jordan 1996; hierarchical hidden Markov chains: Fine, Singer & Tishby 1998

#include "levels/categorical.hpp"

namespace strata {

template <class T>
class ConditionalLevel : public CategoricalLevel<T> {
 public:
  ConditionalLevel(Device<T>& device, const CategoricalSettings& settings, const CategoricalPlace& place);

  std::string kind() const override { return "conditional"; }
  void end_settling(const Step<T>& step) override;
  void carry(const Step<T>& step, const Upward<T>& below) override;
  void reset_state() override;

 protected:
  void predict(ConstView<T> above, View<T> prior, bool held) override;
  void message() override;
  void infer(ConstView<T> above) override;
  void slope(View<T> to) override;
  void retained(View<T> to) override;
  void redrawn(View<T> to) override;
  std::vector<std::pair<const char*, Tensor<T>*>> state_tensors() override;

 private:
  bool top() const { return this->place_.above == 0; }
  View<T> list(Tensor<T>& x) const { return {x.view().data, x.cols(), 1, x.cols()}; }
  void weigh(ConstView<T> per_parent, Tensor<T>& tables, View<T> to);
  void condition(View<T> like);

  double parent_hazard_;
  Tensor<T> q_given_, given_, posterior_, table_;            // n x n_above B: Q, P, Q after the token
  Tensor<T> kept_, fresh_, above_, above_now_, normaliser_;  // 1 x n_above B: k, 1 - k, a, a while settling, 1 / Z
  std::vector<std::int32_t> parent_of_pair_, stream_of_pair_;
};

}  // namespace strata
