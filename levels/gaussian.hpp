#pragma once
// The Gaussian level: a value that persists, with a precision per unit, coupled to the level above by its value, by the output stream, or both.
//
// Equations   residual   mu = W x_above + a (x - W x_above)(t-1)            what the level above says passes through, only what it did not say decays
//             leaky      mu = a x(t-1) + (1 - a) W x_above                  linear-Gaussian chain of measures.md with W = gain
//             stream     mu = a x(t-1)                                      levels meet in the output stream alone
//             c = c_above + U f(x)                                          output stream; index 0: token ~ softmax(b + c) or y = b + c + noise
//                        f(x) = x, or softmax(x): the value is then the log odds of n causes, and U what each of them says
//             settling   x <- x + rate D^-1 [pi (mu - x) + G],  G = kappa (U' rho + feedback),  D = pi + H, H the curvature of what is below
//                        With softmax the gradient is J G, J = df/dx: log odds take the evidence itself, as Bayes' rule does (mirror descent)
//             exact      up: G, H at the forecast, to the level above s W' (pi/D) G and (s W)^2' (pi/D) H, s = 1 or 1 - a; down: x = mu + D^-1 G
//                        around the forecast, mu after the level above has settled
//             e = pi (x - mu);  feedback = s W' e, feedback_precision = (s W)^2' pi
// Learning    dU = rho f(x)' of the forecast, dW = s e x_above', db = rho, x_above that of the forecast; and by eligibility traces of the
//             predictive loss, post-synaptic factor G, with softmax J G:
//               U also where it reads:  dU += r (a G / D)',  r <- a r + rho                    (learn through the level's own inference)
//               time scale:  s_a = dmu/da: s_a <- (x - ..)(t-1) + a (pi/D) s_a,  dlogit(a) = sum G s_a a (1 - a)
//               gain 1/pi:   s_k <- (pi/D) (a s_k + x - mu),  dlog(1/pi) = G a s_k             (precision_mode = predictive)
//             precision_mode = learned: 1/pi <- running mean of (x - mu)^2 D/H over streams, the prior counting as precision_prior steps:
//               (x - mu)^2 is on average 1/pi - 1/D where the filter is right (innovations as large as it expects)
// Symbols     x, mu, e, G, H, pi n x B; W n x n_above; U stream x n; a n x 1, tau tokens, a = exp(-1/tau); kappa stubbornness; y channels x B
// Discretisation  every level moves at every token; units' tau spread geometrically from tau/spread to tau spread; H is diagonal
// Limit       one unit per level: exact is the Kalman filter whose predicted covariance is diag(1/pi), and equals the full filter with
//             lambda* of measures.md (tests/validation/gaussian_kalman.cpp); learned precision reaches the Kalman gain
// Source      Rao & Ballard 1999; Friston 2008 (precision); Mehra 1970 (learned covariances); Bellec et al. 2020 (eligibility); model B

#include "core/level.hpp"
#include "core/parameter.hpp"
#include "levels/emission.hpp"
#include "levels/gaussian_emission.hpp"

namespace strata {

struct GaussianSettings {
  enum class Coupling { residual, leaky, stream };
  enum class Activity { identity, softmax };
  enum class Precision { fixed, scheduled, learned, predictive };
  Index index = 0, units = 16;
  double tau = 8;     ///< tokens
  double spread = 1;  ///< units' time constants reach from tau / spread to tau * spread
  Coupling coupling = Coupling::residual;
  double gain = 1;                         ///< W starts as gain times the identity, where that fits
  bool share = true;                       ///< adds U f(x) to the output stream (always so at index 0)
  Activity activity = Activity::identity;  ///< f of that share
  double kappa = 1;                        ///< stubbornness: all evidence counts this much
  double initial_sd = .3;                  ///< of U; a third of it, over the root of the units, of W
  double share_gain = 0;                   ///< U starts with this times the identity, where that fits
  Precision mode = Precision::predictive;
  double precision = 10;                             ///< pi at the start
  double precision_end = 100;                        ///< scheduled: pi after `precision_steps` learning steps
  double precision_steps = 10000;                    ///< scheduled: over how many; learned: window of the running mean
  double precision_prior = 100;                      ///< learned: steps that the first value counts for
  double precision_min = 1e-3, precision_max = 1e6;  ///< learned, predictive: bounds
  double precision_speed = 2, tau_speed = 20;        ///< step of log pi and of logit a per step of a weight
  bool learn_tau = false;
  double tau_min = 1, tau_max = 1e6;  ///< tokens, the band of a learned time constant
  bool eligibility = true;            ///< U learns through the level's own inference
  double noise = 1;                   ///< variance of numbers around y, index 0
  bool learn_noise = true;
  static ParameterTable parameters(Index index);
  static GaussianSettings from(Index index, const Values& values);
};

template <class T>
class GaussianLevel : public Level<T> {
 public:
  /// `above`: units of the level above, 0 at the top; `stream`: rows of the output stream; `channels` > 0: index 0 shows numbers;
  /// `logits`: the stream's rows are logits of the tokens, so that levels above 0 know the emission's curvature.
  GaussianLevel(Device<T>& device, const GaussianSettings& settings, Index above, Index stream, Index channels, bool logits, Index streams,
                std::uint64_t seed);

  std::string kind() const override { return "gaussian"; }
  Index units() const override { return settings_.units; }
  double time_constant() const override { return tau_; }
  double stubbornness() const override { return settings_.kappa; }
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
  /// Throws ConfigError where sweeps lack what a precision is learned from.
  void settle_by_chain(bool on) override;
  void gather(const Step<T>& step, const Upward<T>& below) override;
  void resolve(const Step<T>& step, const Downward<T>& above) override;

  Downward<T> downward() const override { return {handed_.view(), stream_.view()}; }
  Upward<T> upward() const override;
  Snapshot<T> snapshot() const override;
  void visit_weights(const std::function<void(Weight<T>&)>& visit) override;
  void archive_parameters(Archive& archive) override;
  void archive_state(Archive& archive) override;
  void reset_state() override;

  ConstView<T> contribution() const override { return share_.view(); }
  double* dial(std::string_view key) override {
    return key == "precision_min" ? &settings_.precision_min : key == "precision_max" ? &settings_.precision_max : nullptr;
  }
  void clamp_downward(std::span<const std::uint8_t> clamped, ConstView<T> activity) override;
  bool clamps() const override { return true; }
  void score_with_stream(const Step<T>& step, ConstView<T> stream, View<T> loss) override;
  void held_share(View<T> stream) override;
  void held_energy(ConstView<T> stream, View<T> energy) override;
  std::vector<ValueNode<T>> nodes() override;
  void refresh() override;

  /// pi of every unit from now on, whatever precision_mode says, n numbers; an empty span gives it back. Throws ShapeError.
  void set_precision(std::span<const double> per_unit);
  const std::vector<double>& precision() const { return pi_host_; }

 private:
  bool coupled() const { return above_ > 0 && settings_.coupling != GaussianSettings::Coupling::stream; }
  bool lowest() const { return settings_.index == 0; }
  bool numbers() const { return numbers_mode_; }
  bool log_odds() const { return settings_.activity == GaussianSettings::Activity::softmax; }
  /// -d loss / dx, where g_ is what the belief moves along.
  ConstView<T> loss_drive() const { return log_odds() ? g_loss_.view() : g_.view(); }
  bool leaky() const { return settings_.coupling == GaussianSettings::Coupling::leaky; }
  ConstView<T> rho(const Upward<T>& below) const;
  void activate();
  void through_activity(ConstView<T> g, View<T> out);
  void say(const Downward<T>& above);
  void listen(const Upward<T>& below);
  void weigh(const Upward<T>& below);
  void invert();
  void move(ConstView<T> rate);
  void bend(const Step<T>& step, const Upward<T>& below);
  void from_above(ConstView<T> activity, View<T> out);
  void error_and_feedback();
  void tell_curvature(ConstView<T> evidence);
  void hand_down();
  void derive();
  void derive_precision();
  void learn_precision(const Step<T>& step);
  void trace(const Step<T>& step);
  std::vector<std::pair<const char*, Tensor<T>*>> state_tensors();

  Device<T>& device_;
  GaussianSettings settings_;
  Index above_, rows_, streams_;
  bool logits_, shares_, numbers_mode_;
  double tau_ = 0;
  Weight<T> share_out_, above_in_, time_scale_, log_gain_;
  Emission<T> tokens_;
  GaussianEmission<T> numbers_;
  Tensor<T> a_, s_;  // n x 1: persistence; 1, or 1 - a
  Tensor<T> pi_, memory_, base_, mu_, x_, e_, g_, h_, variance_;
  Tensor<T> above_used_, above_held_, said_, handed_, f_, f_held_, slope_, g_loss_, share_, stream_;
  Tensor<T> feedback_, feedback_precision_, square_in_, square_out_, rho_held_, p_;
  Tensor<T> kept_x_, kept_mu_, kept_above_, belief_, error_;
  Tensor<T> rho_trace_, slope_tau_, moved_tau_, moved_gain_;  // eligibilities
  Tensor<T> share_sum_, above_sum_, tau_sum_, gain_sum_;      // what learning has gathered since the last update
  Tensor<T> clamp_, clamped_, work_[2], column_, row_, error_norm_, free_energy_;
  ConstView<T> rho_;
  bool clamping_ = false, forced_ = false;
  const Observation* seen_ = nullptr;    // of the last observe; for the gradient test
  double steps_ = 0;                     // learning steps seen
  std::vector<double> pi_host_, power_;  // per unit
  std::vector<std::uint8_t> ticking_;
  std::vector<Entry<T>> targets_;
  std::vector<T> host_, host2_;
};

}  // namespace strata
