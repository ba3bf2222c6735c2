#pragma once
// Settling: sweeps over the value nodes, accepted, damped and stopped per stream; or the exact chain.
//
// Equation       x_n <- x_n + gamma (mu_n - x_n + message_n / pi_n);  the emission is recomputed once per sweep
// Schemes        serial      n from the lowest level up; the level below follows at once (Gauss-Seidel)
//                red_black   levels 0, 2, .. together, then 1, 3, ..: neighbours alternate as in serial; levels of one colour meet in the
//                            emission alone, so that it is damped Jacobi within a colour
//                jacobi      all levels at once, on what the others held before the sweep
//                gradient    all at once and without preconditioner: x_n <- x_n + gamma pi_n / max pi (mu_n - x_n + message_n / pi_n); a level
//                            of several nodes moves them one after the other
//                exact       one sweep up gathers what all that lies below says of each level, one down resolves every belief given that
//                            and the level above; exact where levels pass on mean and precision (a block tridiagonal solve). No gamma,
//                            nothing to accept or stop. For hierarchies of kinds that chain
// Energy         F_now = sum_n pi_n/2 |x_n - mu_n|^2 + CE(token), nats, per stream
// Acceptance     a stream whose F_now rose by more than 1e-6 of itself takes its x back and halves its gamma
// Stopping       a stream whose F_now fell by less than `tolerance` of itself is masked from then on
// Limit          all schemes settle in the same beliefs, exact in one sweep (tests/validation)
//                one serial sweep with gamma = 1 and large pi is exact back-propagation of the instantaneous loss (tests/gradient)
// Source         Rao & Ballard 1999; Whittington & Bogacz 2017; Saad 2003, ch. 4 (Jacobi, Gauss-Seidel, red-black); Rauch, Tung & Striebel 1965 (exact)

#include <memory>
#include <vector>

#include "core/level.hpp"
#include "core/parameter.hpp"

namespace strata {

enum class Scheme { serial, red_black, jacobi, gradient, exact };

struct RelaxationSettings {
  Index steps = 4;          ///< sweeps at most; 0: beliefs stay at their predictions
  double rate = .5;         ///< gamma
  double tolerance = 1e-4;  ///< relative fall of F_now below which a stream has settled; 0 never stops early
  Scheme scheme = Scheme::serial;
  static ParameterTable parameters();
  static RelaxationSettings from(const Values& values);
};

/// What settling did at one step, summed over streams.
struct RelaxationTrace {
  std::vector<double> free_energy;  ///< mean F_now over active streams after 0, 1, .. steps sweeps of the joint group, nats
  std::int64_t rejections = 0;      ///< streams times sweeps taken back
  std::int64_t sweeps = 0;          ///< streams times sweeps tried
  double further = 0;               ///< what one sweep more would have lowered that mean by, nats; where Relaxation::probing asked for it
};

template <class T>
class Relaxation {
 public:
  Relaxation(Device<T>& device, Index streams, const RelaxationSettings& settings);

  /// Settles those of the lowest `awake` levels that tick at this step: those that tick at every token together with level 0, the others one by one from
  /// below on their averaged errors. Scheme exact: all levels in one chain; throws ConfigError where a level does not chain.
  /// Throws NumericalError when an energy is not finite.
  void settle(std::vector<std::unique_ptr<Level<T>>>& levels, std::size_t awake, const Step<T>& step);

  const RelaxationTrace& trace() const { return trace_; }
  RelaxationSettings settings;
  bool probing = false;  ///< the joint group also tries a sweep more and takes it back: no belief is other for it

 private:
  using Levels = std::vector<std::unique_ptr<Level<T>>>;

  void settle_chain(Levels& levels, std::size_t awake, const Step<T>& step);
  void settle_group(Levels& levels, std::size_t low, std::size_t high, const Step<T>& step, std::span<const std::uint8_t> mask);
  void sweep(Levels& levels, std::size_t low, std::size_t high, const Step<T>& step);
  void move_serially(Levels& levels, std::size_t low, std::size_t high);
  void move_by_colour(Levels& levels, std::size_t low, std::size_t high);
  void move_at_once(Levels& levels, std::size_t low, std::size_t high);
  void descend(Levels& levels, std::size_t l, T unit);
  void measure(Levels& levels, std::size_t low, std::size_t high, std::vector<T>& energy);
  bool judge(std::span<const std::uint8_t> mask);
  void probe(Levels& levels, std::size_t high, const Step<T>& last, std::span<const std::uint8_t> mask);
  void check(Levels& levels, std::size_t low, std::size_t high, const Step<T>& step, std::span<const std::uint8_t> mask);

  Device<T>& device_;
  RelaxationTrace trace_;
  Tensor<T> rate_, energy_, rejected_;
  Tensor<T> slow_rate_;                         // gradient: the step of the least precise node
  std::vector<std::vector<Tensor<T>>> before_;  // gradient: beliefs of every level's nodes before it moves; made at first use
  std::vector<T> rate_host_, energy_host_, kept_energy_, rejected_host_;
};

}  // namespace strata
