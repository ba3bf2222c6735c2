#pragma once
// The categorical level: a belief over the states of a context that persists, switches now and then, and speaks through a stream of logits.
//
// Equations   forecast   q- = (1-h) q + h Pi a                       a = belief of the level above (1 at the top), h = 1/tau
//                        c_l = B q- + c_{l+1}                        the output stream handed down
//                        level 0: p = sum_c q-(c) p_c,               p_c = softmax(B_c + c_1): the mixture over its own states
//             evidence   d(c) = ln p_c(v) - ln p(v)                  above level 0: p_c ~ p exp(B_c - B q-), p = onehot - rho
//                        lam(c) = d(c) + (log likelihood of state c that the level below hands up), clipped: k/2 tanh(2 lam / k)
//             exact      Z(u) = (1-h) sum_c q(c) e^lam(c) + h sum_c Pi(c|u) e^lam(c),   feedback = ln Z        gather, going up
//                        x(c) = sum_u a(u) [(1-h) q(c) + h Pi(c|u)] e^(kappa lam(c)) / Z_kappa(u)              resolve, going down
//             serial     ln x <- ln x + gamma (ln q- + kappa m - ln x), normalised;   m = B' rho + slope of the energy below
//                        feedback = h Pi' (x / q-) / kappa
//             energy     F = KL(x | q-) / kappa - <x, d> (exact);   KL(x | q-) / kappa (serial: the emission's own energy holds the rest)
//             rho        level 0: onehot(v) - sum_c r(c) p_c,  r ~ q- e^d: minus the slope of its surprise in c_1
//             learning   E_k <- (1-h) q(k) / q-(k) E_k + (onehot - p_k - m at block k),  dB = sum_k x(k) E_k,  E_k <- E_k - dB
//                        m <- m + (rho - m) / w, w = contrast times the time constant of the level above, 1 step at least; m = 0 at
//                        the top and with contrast 0: what stays wrong for longer than a level's context lasts is left to the level
//                        above, which else may find nothing to learn. rho is that of the forecast
//                        dPi: expected switches, past ones as later tokens show them, counted with a memory that grows with age:
//                        S_k(c,u) <- (1-h) q(k) / q-(k) S_k(c,u) + [c = k] h a(u) Pi(k|u) / q-(k),  n += sum_k x(k) S_k,  S_k less that sum
//                        dln h: s_- = q- - q + (1-h) s,  dln h = sum (x / q-) s_-,  s <- (x / q-) s_- - x dln h
// Symbols     q, q-, x n x B probabilities; B V x n (V the rows of the stream), nats; Pi n x n_above, columns sum to 1; E V x n per state,
//             the slope of the log likelihood so far given that the state is k now, less its mean; kappa stubbornness, 1 = Bayes
// Discretisation  one step per token. Above a token level the stream is not V logits: then d = B' rho, dB = q- rho', without E
// Limit       one level with its true B, Pi, h is the exact forward filter of that chain, and dB, dln h the exact slopes of its surprise
//             summed over time (contrast 0); two states: evidence to switch (1/kappa)[ln(tau / pi) + ln tanh(kappa d / 2)]
// Source      forward filter of a hidden Markov chain, Rabiner 1989; its online slope, LeGland & Mevel 1997; messages on the chain of
//             levels, Pearl 1988; residual stream and stubbornness, model B

#include <vector>

#include "core/level.hpp"
#include "core/parameter.hpp"
#include "levels/emission.hpp"
#include "levels/registry.hpp"
#include "levels/separation.hpp"

namespace strata {

struct CategoricalSettings {
  Index index = 0;
  Index states = 4;           ///< n
  double tau = 8;             ///< steps; where learned, the start
  double stubbornness = 1;    ///< kappa
  double evidence_limit = 0;  ///< k, nats that a step may say for one state against another; 0: no limit
  double contrast = 0;        ///< w, steps, over the time constant of the level above; 0: m = 0
  double initial = .1;        ///< standard deviation of B at the start, nats
  double rate = 1;            ///< of the level's weights, times learning.rate
  bool eligibility = true;    ///< B learns through the belief's past
  bool learn_transition = true, learn_tau = false;
  double transition_prior = 500;      ///< switches that every parent state seems to have seen, evenly, before the first step
  double transition_memory = 1e4;     ///< steps whose switches count for Pi at the start; grows by a third of the age
  double tau_rate = .3;               ///< of ln tau, times learning.rate
  double tau_min = 1, tau_max = 1e7;  ///< band of a learned tau, steps
  Separation separation;              ///< of a learned tau from the neighbours'
  double parent_tau = 0;              ///< conditional only: steps after which the level above switches
  static ParameterTable parameters(Index index);
  static CategoricalSettings from(Index index, const Values& values);
  static CategoricalSettings shared(Index index, const Values& values);  ///< without what only the categorical kind offers
  void take_band(const Values& values,
                 const std::vector<double>& learned);  ///< tau_rate, tau_min, tau_max; ConfigError: `learned` steps outside
};

/// Where a categorical level stands.
struct CategoricalPlace {
  Index above = 0;         ///< units of the level above, 0 at the top
  Index stream = 0;        ///< rows of the output stream, 0 in a world of numbers
  bool vocabulary = true;  ///< the stream is V logits
  Index streams = 1;
  std::uint64_t seed = 0;
};

template <class T>
CategoricalPlace categorical_place(const LevelPlace<T>& p) {
  return {p.above, p.stream, p.lexicon.units() == 0, p.streams, p.seed};
}

template <class T>
class CategoricalLevel : public Level<T> {
 public:
  CategoricalLevel(Device<T>& device, const CategoricalSettings& settings, const CategoricalPlace& place);

  std::string kind() const override { return "categorical"; }
  Index units() const override { return settings_.states; }
  double time_constant() const override { return 1 / hazard_; }
  double stubbornness() const override { return settings_.stubbornness; }
  double dwell_time() const override;
  Index tick() const override { return 1; }
  std::span<const std::uint8_t> ticking() const override { return ticking_; }

  void observe(const Step<T>& step, const Upward<T>& below) override;
  void begin_settling(const Step<T>& step, const Upward<T>& below) override;
  void settle(const Upward<T>& below, ConstView<T> rate) override;
  void repredict(const Downward<T>& above) override;
  void emit(const Step<T>& step, const Downward<T>& above) override;
  void add_energy(View<T> energy) override;
  void keep() override;
  void restore(ConstView<T> mask) override;
  void end_settling(const Step<T>& step) override;
  void learn(const Step<T>& step) override;
  void accumulate(T scale, bool learning) override;
  void carry(const Step<T>& step, const Upward<T>& below) override;
  void forecast(const Step<T>& step, const Downward<T>& above) override;

  bool chains() const override { return true; }
  void settle_by_chain(bool on) override { chain_ = on; }
  void gather(const Step<T>& step, const Upward<T>& below) override;
  void resolve(const Step<T>& step, const Downward<T>& above) override;

  Downward<T> downward() const override { return {states(handed_), place_.stream > 0 ? stream_.view() : ConstView<T>{}, 1 / hazard_}; }
  Upward<T> upward() const override {
    return {rho_, place_.above > 0 ? parents(feedback_) : ConstView<T>{}, features_.view(), {}, 1 / hazard_};
  }
  Snapshot<T> snapshot() const override;
  void visit_weights(const std::function<void(Weight<T>&)>& visit) override;
  void archive_parameters(Archive& archive) override;
  void archive_state(Archive& archive) override;
  void reset_state() override;

  ConstView<T> contribution() const override { return own_.view(); }
  void clamp_downward(std::span<const std::uint8_t> clamped, ConstView<T> activity) override;
  bool clamps() const override { return true; }
  void score_with_stream(const Step<T>& step, ConstView<T> stream, View<T> loss) override;
  void held_share(View<T> stream) override;
  void held_energy(ConstView<T> stream, View<T> energy) override;

  /// What follows from a belief changed from outside: what is handed down, and what is said upwards.
  void refresh() override;
  View<T> settling_belief() { return states(x_); }

  // --- for tests and experiments that put known laws in
  Weight<T>& share() { return share_; }                           ///< B
  ConstView<T> transition() const { return transition_.view(); }  ///< Pi
  void set_transition(std::span<const T> columns);                ///< Pi, n x n_above dense
  /// Takes over what another level has learned: B, tau, age, and Pi where the level above is the one it was learned under; else Pi starts
  /// from how often each state was drawn. Throws ShapeError.
  void inherit(CategoricalLevel& other, bool same_above);

 protected:
  /// q- into `prior` from q and the activity of the level above (empty at the top). `held`: this is the forecast.
  virtual void predict(ConstView<T> above, View<T> prior, bool held);
  virtual void message();                  ///< feedback_ = ln Z from like_
  virtual void infer(ConstView<T> above);  ///< x_ from like_ and the belief above
  virtual void slope(View<T> to);          ///< to = minus the slope of KL(x | q-) in the belief above
  virtual void retained(View<T> to);       ///< to(c) = probability that the state is c, and was a step ago, undrawn, under the forecast
  virtual void redrawn(View<T> to);        ///< to(u) = probability that the parent is u and the state was drawn anew, under the forecast
  virtual std::vector<std::pair<const char*, Tensor<T>*>> state_tensors();

  // Beliefs are kept dense (1 x nB), so that one column per (stream, state) pair of other tensors meets one entry.
  View<T> states(Tensor<T>& x) const { return {x.view().data, n_, place_.streams, n_}; }
  ConstView<T> states(const Tensor<T>& x) const { return {x.view().data, n_, place_.streams, n_}; }
  View<T> pairs(Tensor<T>& x) const { return {x.view().data, x.cols(), 1, x.cols()}; }
  View<T> parents(Tensor<T>& x) const { return {x.view().data, parents_, place_.streams, parents_}; }
  ConstView<T> parents(const Tensor<T>& x) const { return {x.view().data, parents_, place_.streams, parents_}; }
  /// y = alpha W x + beta y, one column of x per stream.
  void product(T alpha, ConstView<T> w, ConstView<T> x, T beta, View<T> y);
  void settle_rounding();  ///< x_ sums to 1 exactly, and is nowhere 0
  void normalise_transition();
  void start_from_draws(const CategoricalLevel<T>& other);
  virtual double draw_rate() const { return hazard_; }  ///< draws of a state per step, whatever it then is

  Device<T>& device_;
  CategoricalSettings settings_;
  CategoricalPlace place_;
  Index n_, parents_;
  double hazard_;
  bool chain_ = true;                                          ///< the exact messages are in use, not sweeps
  double age_ = 0;                                             ///< steps learned from
  Tensor<T> transition_, switches_, ones_above_, column_sum_;  // Pi, n(c,u)
  Tensor<T> q_, prior_, prior_now_, x_, like_, work_, more_;   // 1 x nB
  Tensor<T> feedback_, parent_weight_, above_held_, redrawn_;  // 1 x n_above B: ln Z; a / Z; a of the forecast; P(u, new draw)
  Tensor<T> norm_;                                             // B x 1
  Tensor<T> arrivals_, xi_;                                    // n x n_above

 private:
  static constexpr double least_probability = 1e-30;  // keeps logarithms finite; far below every probability that matters

  bool lowest() const { return settings_.index == 0; }
  bool speaks() const override { return place_.stream > 0; }
  bool exact_evidence() const { return speaks() && place_.vocabulary; }
  void components(ConstView<T> base, View<T> to);
  void mixture(ConstView<T> weights, View<T> to);
  void pick(const Observation& o, ConstView<T> components, View<T> to);
  void read_evidence(const Step<T>& step, const Upward<T>& below);
  void hand(ConstView<T> belief);
  void speak(const Downward<T>& above);
  void drive(const Upward<T>& below, View<T> to);
  void limit(View<T> evidence);
  void weigh_evidence(T power);
  void divergence(View<T> energy);
  void persistence(const Step<T>& step);
  void learn_share(const Step<T>& step);
  /// Something stands above that has a time constant, and what lasts is left to it.
  bool contrasts() const { return !lasting_.empty() && tau_above_ > 0; }
  ConstView<T> lasting(const Step<T>& step);
  void learn_transition(const Step<T>& step);
  void read_without_parent(Archive& archive, Index parents);
  void learn_hazard(const Step<T>& step);
  void read_hazard();

  Emission<T> emission_;
  Weight<T> share_, log_hazard_;
  Tensor<T> dir_, lam_, belief_error_, handed_, clamp_, kept_x_, kept_prior_, kept_handed_, trace_, alpha_;  // 1 x nB
  Tensor<T> own_, stream_, base_, own_rho_, probability_;                                                    // V x B
  Tensor<T> lasting_;                                                    // V x B, m; empty without contrast
  Tensor<T> components_, scratch_components_, scored_components_, lse_;  // V x nB, 1 x nB
  Tensor<T> eligible_, switch_eligible_, share_error_, step_error_;      // (ld n) x nB, V x n
  Tensor<T> hazard_error_, surprise_, energy_, error_norm_, clamped_, sums_, shift_, features_, active_pairs_;
  ConstView<T> rho_;
  double tau_below_ = 0, tau_above_ = 0;  // the neighbours', as they last said
  bool clamping_ = false;
  std::vector<std::int32_t> stream_of_pair_, state_of_pair_;
  std::vector<Entry<T>> entries_;
  std::vector<std::uint8_t> ticking_;
  std::vector<T> host_;
};

}  // namespace strata
