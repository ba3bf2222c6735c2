#pragma once
// Whether the health of a hierarchy that learns is looked at (core/health.hpp), how often, and whether it is treated.

#include "core/observation.hpp"
#include "core/parameter.hpp"

namespace strata {

struct HealthSettings {
  Index every = 128;                                 ///< steps between two looks, rounded up to whole updates; 0: never
  bool cure = false;                                 ///< findings are treated
  static ParameterTable parameters();                ///< keys monitor.*
  static HealthSettings from(const Values& values);  ///< throws ConfigError for cures without looks
};

}  // namespace strata
