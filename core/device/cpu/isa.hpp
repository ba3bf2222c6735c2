#pragma once
// Which instruction set the cpu device uses: asked for by --isa, limited by the processor, the same for kernels and products.

#include <string>

#include "core/device/cpu/kernels.hpp"

namespace strata {

/// The kernels for `isa` ("auto": the best this processor has). Throws ConfigError (unknown name), DeviceError (processor lacks it).
const KernelSet& choose_kernels(const std::string& isa);

/// Caps oneDNN at the level of `kernels`. It can be set once per process: throws DeviceError where another level is in use already.
void cap_products(const KernelSet& kernels);

/// The processor, at the level of `kernels`, multiplies bfloat16.
bool multiplies_briefly(const KernelSet& kernels);

/// The level oneDNN was capped at, or "" before the first cap_products.
std::string capped_level();

}  // namespace strata
