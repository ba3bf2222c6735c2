#pragma once
// The volatile level: a node of the hierarchical Gaussian filter, whose own precision is what the level above believes in.
//
// Equations   forecast   nu = exp(omega + kappa x_above)                  predicted volatility: variance of this level's step
//                        m = lambda mu + rho                              prior mean;  value coupling: m += kappa x_above, nu = exp(omega)
//                        1 / p = lambda^2 / pi + nu                       prior precision p, from the posterior (mu, pi) of the last step
//             gather     pi = p + h,  mu = m + g / pi                     posterior; (g, h) = what lies below says: slope and curvature
//                        update = ehgf, below coupled by volatility:      mu = m + g / p (mean first), pi as above
//             evidence   numbers   g = pi_u (u - m),  h = pi_u            at index 0
//                        binary    g = u - s,  h = s (1 - s),  s = 1 / (1 + e^-m)
//             messages   gamma = nu p,  delta = p (1 / pi + (mu - m)^2) - 1     effective precision, volatility prediction error
//                        volatility  feedback = kappa gamma delta / 2,  feedback_precision = kappa^2 gamma (gamma + (2 gamma - 1) delta) / 2
//                        value       feedback = kappa p (mu - m),       feedback_precision = kappa^2 p
//             learning   domega = gamma delta / 2,  dkappa = x_above times the message without its kappa
//             energy     F = KL(N(mu, 1/pi) | N(m, 1/p)) + expected nats of the input (binary: to second order), m and p as x_above has settled
// Symbols     mu, m (units of the input, or log-odds; above: log variance) and pi, p n x B; nu n x B variance per step; omega, kappa n x 1; u n x B
// Messages    Upward: feedback and feedback_precision are slope and curvature of the log likelihood in x_above at its prior mean, n_above x B;
//             features, 1 x B: 1 where the coupling is by volatility, 0 where by value: only in the former does an eHGF parent move its mean first.
//             Downward: activity = x, the prior mean between steps, the posterior mean while settling. No output stream.
//             A level above of as many units couples one to one; a level above of one unit is the parent of all.
// Discretisation  one pass up per step (relaxation.scheme = exact: gather); resolve only refreshes the energy. A step that is not observed
//             changes nothing. In the literature the observed binary node is level 1: a binary hierarchy of three levels is two here.
// Limit       one level of numbers is the Kalman filter of a random walk (lambda = 1) or an AR(1), and F its surprise; domega then is exactly
//             the slope of the surprise. gather is one Newton step on F. Published trajectories in tests/validation
// Source      Mathys et al. 2011, 2014; Weber et al. 2024 (value coupling, messages); mean-first order (eHGF) as in pyhgf, Legrand et al. 2024.
//             With lambda != 1 they leave the prior variance at 1 / pi + nu; here it is the AR(1)'s.

#include "core/level.hpp"
#include "core/parameter.hpp"

namespace strata {

struct VolatileSettings {
  Index index = 0;
  Index units = 1;  ///< n: the world's channels at index 0
  bool binary = false;
  double input_precision = 1e4;          ///< pi_u, per squared unit of the input
  double mean = 0, precision = 1;        ///< of the belief before the first step
  double omega = -4, kappa = 1;          ///< log variance per step; strength of the coupling to the level above
  bool value_coupled = false;            ///< the level above predicts the mean, not the volatility
  double drift = 0, autoconnection = 1;  ///< rho per step, lambda
  bool mean_first = true;                ///< eHGF
  bool learn_omega = false, learn_kappa = false;
  static ParameterTable parameters(Index index);
  static VolatileSettings from(Index index, const Values& values);
};

template <class T>
class VolatileLevel : public Level<T> {
 public:
  /// `above`: units of the level above, 0 at the top; `symbols`: V of a world of tokens, 0 of numbers (index 0 only).
  VolatileLevel(Device<T>& device, const VolatileSettings& settings, Index above, Index symbols, Index streams);

  std::string kind() const override { return "volatile"; }
  Index units() const override { return settings_.units; }
  /// What it learns under a level above is for that level's beliefs.
  bool can_end() const override { return false; }
  /// Steps in which a walk of volatility exp(omega), omega a mean over units, spreads to variance 1.
  double time_constant() const override;
  Index tick() const override { return 1; }
  std::span<const std::uint8_t> ticking() const override { return ticking_; }

  void observe(const Step<T>& step, const Upward<T>& below) override;
  void begin_settling(const Step<T>& step, const Upward<T>& below) override;
  /// Throws ConfigError: a step that raises F is part of the filter, and sweeps that take it back are another filter.
  void settle(const Upward<T>& below, ConstView<T> rate) override;
  void repredict(const Downward<T>& above) override;
  void emit(const Step<T>&, const Downward<T>&) override {}
  void add_energy(View<T> energy) override;
  void keep() override {}
  void restore(ConstView<T>) override {}
  void end_settling(const Step<T>& step) override;
  void learn(const Step<T>& step) override;
  void accumulate(T scale, bool learning) override;
  void carry(const Step<T>& step, const Upward<T>& below) override;
  void forecast(const Step<T>& step, const Downward<T>& above) override;

  bool chains() const override { return true; }
  /// Throws NumericalError where the posterior precision is not positive, or a belief not finite.
  void gather(const Step<T>& step, const Upward<T>& below) override;
  void resolve(const Step<T>& step, const Downward<T>& above) override;

  Downward<T> downward() const override { return {handed_.view(), {}}; }
  Upward<T> upward() const override { return {rho_, feedback_.view(), coupling_flag_.view(), curvature_.view()}; }
  Snapshot<T> snapshot() const override {
    return {m_.view(),           mu_.view(), error_.view(), error_norm_.view(), settings_.index == 0 ? surprise_.view() : ConstView<T>{},
            free_energy_.view(), pi_.view()};
  }
  void visit_weights(const std::function<void(Weight<T>&)>& visit) override;
  void archive_parameters(Archive& archive) override;
  void archive_state(Archive& archive) override;
  void reset_state() override;

  void clamp_downward(std::span<const std::uint8_t> clamped, ConstView<T> activity) override;
  bool clamps() const override { return true; }
  void score_with_stream(const Step<T>& step, ConstView<T> stream, View<T> loss) override;
  void held_energy(ConstView<T> stream, View<T> energy) override;

  ConstView<T> prior_precision() const { return p_.view(); }  ///< p of the forecast held, n x B

 private:
  bool coupled() const { return above_ > 0; }
  void read_input(const Step<T>& step);
  void predict(ConstView<T> from_above, View<T> mean, View<T> precision);
  void spread(const Downward<T>& above, View<T> to);
  void score(View<T> loss);
  void binary_loss(ConstView<T> mean, View<T> loss);
  void input_energy(View<T> energy);
  void listen(const Upward<T>& below);
  void speak();
  void hand_down();
  void divergence(ConstView<T> mean, ConstView<T> precision, View<T> energy);
  void check(const Observation* observation, ConstView<T> x, bool positive, const char* quantity);

  Device<T>& device_;
  VolatileSettings settings_;
  Index above_, symbols_, streams_;
  Weight<T> omega_, kappa_;
  Tensor<T> couple_;  // n_above x n, ones where units are coupled

  Tensor<T> mu_, pi_;                     // posterior of the last step read
  Tensor<T> m_, p_, gamma_, above_held_;  // forecast held: prior mean and precision, nu p, what the level above said
  Tensor<T> x_, q_;                       // belief while settling: prior, then posterior
  Tensor<T> m_now_, p_now_;               // the prior as the level above has settled
  Tensor<T> held_m_, held_p_;             // the prior with weights as they are now, for the gradient test
  Tensor<T> u_, slope_, bend_;            // input; (g, h) from below
  Tensor<T> error_, delta_, drive_, handed_, clamp_, clamped_, rho_out_, feedback_, curvature_, coupling_flag_;
  Tensor<T> work_[3], surprise_, error_norm_, free_energy_, column_;
  Tensor<T> stash_omega_, stash_kappa_;
  ConstView<T> rho_;  // emission error: own at index 0, else relayed
  bool clamping_ = false, below_by_volatility_ = false;
  std::int64_t step_ = -1;
  std::vector<std::uint8_t> ticking_;
  std::vector<T> host_;
};

}  // namespace strata
