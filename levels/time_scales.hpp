#pragma once
// The time constants of a level's memory, fixed or learned by what they do to its predictions.
//
// Equation    h_q <- o a_q h_q + sqrt(1 - a_q^2) s,   a_q = exp(-1/tau_q),  tau_q = tau_q(0) exp(y_q),  |y_q| <= ln(band)
//             dh_q/da <- o (h_q + a_q dh_q/da) - a_q / sqrt(1 - a_q^2) s
//             at a tick  dy_q = sum over streams of k (V_q' e) . dh_q/da  a_q / tau_q,  dh_q/da as the forecast that was wrong held it
// Symbols     q = shorter, longer; h, s inputs x B, o what a gate leaves of the leak, e and k the error and the tokens of a tick; tau tokens
// Discretisation  exact while s is given: what a slower memory would change of the features it reads, and the broad prediction, whose window
//             closes later, have no say. The tick stays that of the time constant at the start
// Limit       band 1: fixed; a lone trace whose best time constant is known finds it (tests/property/time_scales.cpp)
// Source      Williams & Zipser 1989, real-time recurrent learning, which is exact and cheap for a diagonal memory (Mozer 1989)

#include <array>
#include <functional>

#include "core/weight.hpp"

namespace strata {

struct TimeScaleSettings {
  bool learned = false;
  double band = 3;  ///< learned time constants stay within this factor of where they began
  double rate = 1;  ///< of ln tau, times the learning rate
};

template <class T>
class TimeScales {
 public:
  /// `tau` and `tau * spread`: the two time constants at the start, tokens; `inputs` rows per trace.
  TimeScales(Device<T>& device, const TimeScaleSettings& settings, double tau, double spread, Index inputs, Index streams);

  bool learned() const { return settings_.learned; }
  double tau(int q) const { return tau_[static_cast<std::size_t>(q)]; }    ///< in force, tokens
  double leak(int q) const { return leak_[static_cast<std::size_t>(q)]; }  ///< a_q, of the part of tau that inertia has
  double longest(int q) const;  ///< that it can come to be, or four times what it is at the start
  /// Time constants are `part` of the level's own from now on (core/schedule.hpp).
  void set_inertia(double part);
  /// Takes up what learning made of them, within the band.
  void derive();

  /// Before trace q of `memory` (inputs x B) integrates `centred`: how it will depend on a. `gate`, `decay` (B x 1): o and o a.
  void follow(int q, ConstView<T> gate, ConstView<T> decay, ConstView<T> active, ConstView<T> memory, ConstView<T> centred);
  /// In streams of `mask` (B x 1) the forecast is made from memory as it is.
  void hold(ConstView<T> mask);
  /// `back`: k V' e, 2 inputs x B, 0 where there was no tick.
  void learn(T scale, ConstView<T> back);
  void forget(Index stream);

  void visit_weights(const std::function<void(Weight<T>&)>& visit);
  void archive_state(Archive& archive);
  void reset();

 private:
  Device<T>& device_;
  TimeScaleSettings settings_;
  std::array<double, 2> start_, tau_{}, leak_{};
  double part_ = 1;
  Index inputs_;
  Weight<T> log_tau_;             // y
  Tensor<T> slope_, slope_used_;  // dh/da, now and when the forecast was made; 2 inputs x B
  Tensor<T> work_, column_;
};

}  // namespace strata
