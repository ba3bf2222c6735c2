#pragma once
// What a user may ask of the linear-Gaussian world (world.*). Its equations and symbols: kalman.hpp.
//
// Equation   a_l = exp(-1 / tau_l), by default 1 - a_l = 1 / (4 ratio^l);  q_l = 1 - a_l^2 by default: each level alone has variance 1
// Limit      the defaults: half-lives of the closed loop .88, 7.3, 62, 497 steps (tests/unit/linear_gaussian_world.cpp)

#include "core/parameter.hpp"
#include "experiments/worlds/linear_gaussian/kalman.hpp"

namespace strata::linear_gaussian {

ParameterTable parameters();

struct Settings {
  Chain chain;
  std::vector<double> tau;  ///< steps, lowest first
};
/// Throws ConfigError.
Settings settings(const Values& values);

}  // namespace strata::linear_gaussian
