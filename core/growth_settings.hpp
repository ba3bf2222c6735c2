#pragma once
// Whether the depth of a hierarchy changes while it learns (core/growth.hpp), and how its use is looked at (core/depth_in_use.hpp).

#include "core/observation.hpp"
#include "core/parameter.hpp"

namespace strata {

struct GrowthSettings {
  bool dynamic = false;
  Index first = 2;                     ///< levels awake at the start
  Index trial = 16384;                 ///< tokens between two judgements of a trial
  double price = .002;                 ///< nats per token
  double threshold = 2;                ///< k, standard errors
  Index every = 8;                     ///< tokens between two looks at how many levels a stream uses (core/depth_in_use.hpp)
  double switching = .02;              ///< part of belief that such a look shares out among all depths
  static ParameterTable parameters();  ///< keys growth.*
  static GrowthSettings from(const Values& values);
};

}  // namespace strata
