#pragma once
// Settling: serial bottom-up sweeps over the value nodes, accepted, damped and stopped per stream.
//
// Equation       x_n <- x_n + gamma (mu_n - x_n + message_n / pi_n),  n from the lowest node up; mu_n follows x_{n+1}
// Energy         F_now = sum_n pi_n/2 |x_n - mu_n|^2 + CE(token), nats, per stream
// Acceptance     a stream whose F_now rose by more than 1e-6 of itself takes its x back and halves its gamma
// Stopping       a stream whose F_now fell by less than `tolerance` of itself is masked from then on
// Limit          one sweep with gamma = 1 and large pi is exact back-propagation of the instantaneous loss (tests/gradient)
// Source         Rao & Ballard 1999; Whittington & Bogacz 2017; schemes as in any Gauss-Seidel text

#include <memory>
#include <vector>

#include "core/level.hpp"
#include "core/parameter.hpp"

namespace strata {

struct RelaxationSettings {
  Index steps = 4;          ///< sweeps at most; 0: beliefs stay at their predictions
  double rate = .5;         ///< gamma
  double tolerance = 1e-4;  ///< relative fall of F_now below which a stream has settled; 0 never stops early
  static ParameterTable parameters();
  static RelaxationSettings from(const Values& values);
};

/// What settling did at one step, summed over streams.
struct RelaxationTrace {
  std::vector<double> free_energy;  ///< mean F_now over active streams after 0, 1, .. steps sweeps of the joint group, nats
  std::int64_t rejections = 0;      ///< streams times sweeps taken back
  std::int64_t sweeps = 0;          ///< streams times sweeps tried
};

template <class T>
class Relaxation {
 public:
  Relaxation(Device<T>& device, Index streams, const RelaxationSettings& settings);

  /// Settles the levels that tick at this step: those that tick at every token together with level 0, the others one by one from
  /// below on their averaged errors. Throws NumericalError when an energy is not finite.
  void settle(std::vector<std::unique_ptr<Level<T>>>& levels, const Step<T>& step);

  const RelaxationTrace& trace() const { return trace_; }
  RelaxationSettings settings;

 private:
  void settle_group(std::vector<std::unique_ptr<Level<T>>>& levels, std::size_t low, std::size_t high, const Step<T>& step,
                    std::span<const std::uint8_t> mask);
  void sweep(std::vector<std::unique_ptr<Level<T>>>& levels, std::size_t low, std::size_t high, const Step<T>& step);
  void measure(std::vector<std::unique_ptr<Level<T>>>& levels, std::size_t low, std::size_t high, std::vector<T>& energy);
  bool judge(std::span<const std::uint8_t> mask);
  void check(const std::vector<T>& energy, std::span<const std::uint8_t> mask, const Step<T>& step, std::size_t low) const;

  Device<T>& device_;
  RelaxationTrace trace_;
  Tensor<T> rate_, energy_, rejected_;
  std::vector<T> rate_host_, energy_host_, kept_energy_, rejected_host_;
};

}  // namespace strata
