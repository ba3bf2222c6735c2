#pragma once
// `strata forecast`: what each level expects at the end of a text.

#include "core/parameter.hpp"

namespace strata {

/// Keys forecast.*
ParameterTable forecast_parameters();

}  // namespace strata
