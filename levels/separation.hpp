#pragma once
// What keeps the time constants of neighbouring levels apart while they are learned.
//
// Equation    P = 1/2 sum_l max(0, k ln r - ln(tau_l+1 / tau_l))^2 nats per learning step, beside the surprise; k falls from 1 to 1/2 over the
//             first `steps` steps and stays. slope(l) = -dP / dln tau_l
// Why         from equal time constants nothing says which level is to be the slow one: two of them take the fastest context by chance, and no
//             later step parts them. The levels of a hierarchy differ, the upper one slower: that much is known before the first token. The
//             factor that is left later, sqrt(r), lies below those of the worlds: the surprise alone decides then
// Symbols     tau of a level and its neighbours, steps, 0: a neighbour that says nothing; r, 1: off, neighbours may also change places
// Limit       neighbours further apart than r^k: slope 0; two levels alone: slopes k ln r - ln(tau_1 / tau_0), one the negative of the other

#include "core/parameter.hpp"

namespace strata {

struct Separation {
  double ratio = 8;    ///< r
  double steps = 1e5;  ///< learning steps
  static ParameterTable parameters();
  static Separation from(const Values& values);
  /// Of ln tau of the level whose time constant is `own`; `age`: learning steps so far.
  double slope(double below, double own, double above, double age) const;
};

}  // namespace strata
