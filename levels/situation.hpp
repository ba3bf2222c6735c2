#pragma once
// The situation level: a slow belief about what the text is in the middle of.
//
// Equations   h_q <- a_q h_q + sqrt(1 - a_q^2) (s - m),  a_q = exp(-1/tau_q),  q = shorter, longer               memory, every token
//                                                                                               (0 at a document's end where it forgets)
//             s = S w (token-fed) or what the level below handed up at its last tick (level-fed);  m slow mean of s
//             mu = V h + U f(x_above) + b + g kap                                                                prior
//             c = c_above + Mo f(x)                                                                             output stream, downwards
//             at a tick x settles on  f'(x) .* [Mo' rho + feedback],  errors averaged over the k tokens since the last tick
//             e = pi (x - mu);  delta = e / sqrt(nu), nu slow mean of e^2                                        innovation
//                                             delta = 0 where the level learned without settling (relaxation.steps = 0), and so has no nu
//             kap <- A kap + sqrt(1 - A^2) delta,  A = exp(-k / ct);  g += eta k <delta . kap> / n               carry, Kalman's condition
//             s for the level above = [c_f r f(x); c_d k^(-1/2) delta],  r = sqrt((1-a)/(1+a)) of the slower trace
//             where the level finds its unit's ends itself (levels/segmentation.hpp) it ticks when it has found one, at the next token
//             learning: dV = e h', dU = e f(x_above)', dMo = rho f(x)', all of the forecast that was wrong, times k
//             what the objective's terms want of mu (core/objective) is added to e where dV, dU and db are made of it
//             S behind the memory by its eligibility sqrt(1-a^2) a^(t-s) V_q' e;  tau_q, where learned, by dh/da (levels/time_scales.hpp)
// Symbols     x, mu, kap, e n x B; h (2 inputs) x B; V n x 2 inputs; U n x n_above; tau, ct, k tokens; eta per token
// Discretisation  ticks every ceil(tau/8) tokens and at the level's own boundary; between ticks x = mu and c are held
//             where activation_threshold > 0 ticks whose error is small are left out (levels/activation.hpp), and what only ticks change is
//             computed at ticks only: Mo learns from a window's sum of rho when it ends, the share is made with the Mo of the last tick
//             a window's energy is pi/2 |x - mu|^2 - <message, f(x) - f(mu)>: its mean energy to first order in f(x)
// Limit       linear-Gaussian unit: g kap reaches the Kalman gain (tests/validation)
// Source      Rao & Ballard 1999 (prediction and error units); Mehra 1970 (white innovations); Bellec et al. 2020 (eligibility)

#include <optional>

#include "core/level.hpp"
#include "core/objective/objective.hpp"
#include "core/parameter.hpp"
#include "levels/activation.hpp"
#include "levels/broad.hpp"
#include "levels/gate.hpp"
#include "levels/segmentation.hpp"
#include "levels/time_scales.hpp"

namespace strata {

struct SituationSettings {
  Index index = 1;    ///< position in the hierarchy, 1 = just above the token level
  double tau = 5;     ///< tokens, the shorter time constant
  double spread = 3;  ///< the longer is tau * spread
  Index tick = 0;     ///< tokens; 0: ceil(tau / 8)
  TimeScaleSettings time_scales;
  double activation_threshold = 0;  ///< theta; 0: computes at every tick
  bool token_fed = false;
  bool forgets = false;  ///< memory is cleared at a document's end, as what is carried always is
  bool carry = true;
  double carry_time = 20;       ///< ct, tokens
  double carry_rate = .003;     ///< eta
  double precision = 100;       ///< pi
  double dropout = .2;          ///< of f(x) while learning
  double feed_belief = .3;      ///< c_f
  double feed_innovation = .1;  ///< c_d
  bool eligibility = true;      ///< word vectors learn through the memory
  bool exact_eligibility = false;
  BroadSettings broad;
  GateSettings gate;
  std::optional<Values> terms;  ///< keys of the objective (core/objective/term.hpp); none: no terms
  std::uint8_t boundaries = sentence_end | paragraph_end | document_end;  ///< where it ticks besides its count
  SegmentationSettings segmentation;                                      ///< it finds the ends of its unit itself
  static ParameterTable parameters(Index index);
  static SituationSettings from(Index index, const Values& values);
};

template <class T>
class SituationLevel : public Level<T> {
 public:
  /// `inputs`: rows of the features handed up by the level below; `above`: units of the level above, 0 at the top.
  SituationLevel(Device<T>& device, Lexicon<T>& lexicon, const SituationSettings& settings, Index inputs, Index above, Index depth,
                 Index streams, Index interval, std::uint64_t seed);

  std::string kind() const override { return "situation"; }
  Index units() const override { return units_; }
  double time_constant() const override { return scales_.tau(0); }
  Index tick() const override { return tick_; }
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
  Loss take_loss() override { return broad_.take_loss(); }
  bool has_inertia() const override { return true; }
  void set_inertia(double part) override { scales_.set_inertia(part); }
  void count_work(bool on) override { products_.set_counting(on); }
  void carry(const Step<T>& step, const Upward<T>& below) override;
  void forecast(const Step<T>& step, const Downward<T>& above) override;

  Downward<T> downward() const override { return {fd_.view(), stream_.view(), 0, broad_.raised()}; }
  Upward<T> upward() const override { return {rho_, feedback_.view(), features_.view()}; }
  Snapshot<T> snapshot() const override {
    return {mu_.view(), belief_.view(), error_.view(), error_norm_.view(), surprise_.view(), penalty_.view()};
  }
  void visit_weights(const std::function<void(Weight<T>&)>& visit) override;
  void archive_parameters(Archive& archive) override;
  void archive_state(Archive& archive) override;
  void reset_state() override;

  ConstView<T> contribution() const override { return share_.view(); }
  void set_error_gain(std::span<const T> per_stream) override { error_gain_.assign(per_stream.begin(), per_stream.end()); }
  double* dial(std::string_view key) override;
  void score_broad(bool on) override {
    broad_.set_scoring(on);
    objective_.set_scoring(on);
  }
  std::vector<TermScore> term_scores() const override { return objective_.scores(); }
  ConstView<T> term_value(std::size_t i) const override { return objective_.value(i); }
  FoundEnds found_ends() const override { return {segmentation_.ends(), segmentation_.lag()}; }
  const BroadScore* broad_score() const override { return &broad_.score(); }
  Index horizon() const override { return broad_.horizon(); }
  void expectation(View<T> log_p) override { broad_.expectation(mu_, expected_, log_p); }
  void held_share(View<T> stream) override;
  void held_energy(ConstView<T> stream, View<T> energy) override;
  std::vector<ValueNode<T>> nodes() override { return {{x_, static_cast<T>(settings_.precision)}}; }
  void refresh() override;
  bool leaves_out() const override { return activation_.on(); }
  Work work() const override { return {tokens_, ticks_, products_.operations() + broad_.operations()}; }

  double gain() const { return gain_; }  ///< g
  const Gate& gate() const { return gate_; }

 private:
  static constexpr Index lag_stride = 8;  // of the older words that eligibility samples

  void create_weights(Index depth, std::uint64_t seed);
  void create_tensors(Index interval);
  void mark_ends(const Observation& observation);
  void fix_ticks(const Observation& observation);
  void gather_window(const Upward<T>& below);
  void choose_active(const Observation& observation);
  void average_window();
  void error_and_feedback();
  void stash_ticks(Index first);
  Index reach_of(double tau) const;
  void teach_words();
  void innovate(const Step<T>& step);
  void carry_innovation(const Step<T>& step);
  void open_gate(const Step<T>& step);
  std::span<const std::uint8_t> settling() const { return activation_.on() ? ticking_ : everyone_; }
  bool reads_words() const { return settings_.token_fed || settings_.index == 1; }
  void integrate(const Step<T>& step, ConstView<T> features);
  void forget(const Observation& observation);
  std::vector<std::pair<const char*, Tensor<T>*>> state_tensors();

  Device<T>& device_;
  Lexicon<T>& lexicon_;
  SituationSettings settings_;
  Index units_, inputs_, above_, streams_, tick_;
  T nominal_scale_;  // of gradients stashed at once, 1 / (B K)
  Weight<T> memory_in_, above_in_, bias_, share_out_;
  Broad<T> broad_;
  Objective<T> objective_;
  Gate gate_;
  TimeScales<T> scales_;
  Segmentation segmentation_;
  TickThreshold activation_;
  ActiveProducts<T> products_;
  double gain_ = 0, innovation_count_ = 0, mean_count_ = 0;
  bool sized_ = true;       // false: learned without settling, so that nobody knows how large its innovations usually are
  Tensor<T> mean_, power_;  // m (inputs), nu (n)

  Tensor<T> h_, h_used_, kap_, kap_used_, above_used_, base_, mu_, x_, f_, drop_, fd_, stream_, share_, features_, new_features_;
  Tensor<T> e_, error_, belief_, feedback_, message_, drive_, kept_x_, kept_f_, kept_fd_, kept_mu_, kept_above_, fd_mu_, tmp_, delta_,
      inverse_;
  Tensor<T> rho_sum_, feedback_sum_, error_norm_, new_norm_, penalty_, surprise_, column_, factor_, tick_mask_, word_, inputs_now_;
  Tensor<T> decay_, gate_left_, ek_, eligible_;
  ConstView<T> rho_;       // of the level below, relayed
  ConstView<T> expected_;  // by the level above
  ConstView<T> handed_;    // features of the level below
  Tensor<T> stash_e_, stash_h_, stash_above_, stash_rho_, stash_fd_;
  Index stashed_ = 0;        // slots
  Index stashed_ticks_ = 0;  // columns, where sparse
  Tensor<T> rho_window_;     // sum of rho as scored, where sparse

  std::vector<std::uint8_t> ticking_, forecasting_, left_out_, everyone_;
  std::vector<std::uint8_t> ends_;                      // bits of what ended with the token, the ends found with the last one among them
  std::vector<std::int64_t> count_, window_, elapsed_;  // tokens since the last tick; since the last one taken; k of the tick at this step
  double tokens_ = 0, ticks_ = 0;                       // read; taken
  std::vector<double> carried_gate_;                    // product of (1 - .9 o) since the last tick
  std::vector<T> error_gain_, host_, host2_;
  std::vector<double> nats_, evidence_;
  std::vector<std::int32_t> ring_;   // newest tokens per stream, for eligibility
  std::vector<std::int64_t> read_;   // tokens read per stream
  std::vector<std::int64_t> begin_;  // of these, those that memory no longer holds
  Index reach_ = 0;
  std::vector<Scatter<T>> scatters_;
};

}  // namespace strata
