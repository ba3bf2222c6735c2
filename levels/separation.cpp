#include "levels/separation.hpp"

#include <algorithm>
#include <cmath>

namespace strata {

namespace {
constexpr double left = .5;  // k in the end
}

ParameterTable Separation::parameters() {
  const Separation d;
  return {{"tau_apart",
           d.ratio,
           1,
           1e6,
           {},
           "1",
           "while tau is learned, neighbours are held apart by this factor at first, the upper one slower; by its square root later",
           ""},
          {"tau_apart_steps", d.steps, 1, 1e12, {}, "steps", "over which that factor falls to its square root", ""}};
}

Separation Separation::from(const Values& values) { return {values.real("tau_apart"), values.real("tau_apart_steps")}; }

double Separation::slope(double below, double own, double above, double age) const {
  if (ratio == 1) return 0;  // nor is their order minded
  const double wanted = std::log(ratio) * std::max(left, 1 - (1 - left) * age / steps);
  const auto missing = [wanted](double slow, double fast) {
    return slow > 0 && fast > 0 ? std::max(0., wanted - std::log(slow / fast)) : 0;
  };
  return missing(own, below) - missing(above, own);
}

}  // namespace strata
