#pragma once
// Does a table fit into the memory there is? Asked before it is made, because the system kills who asks for too much.

#include <string>

namespace strata {

/// Bytes that new allocations can take before the machine runs out (Linux: MemAvailable); infinite where that is not known.
double available_memory();

/// Throws ConfigError on `key` = `value` when `bytes` do not fit into nine tenths of `available`. `what` names what is too large.
void require_memory(const std::string& key, const std::string& value, const std::string& what, double bytes,
                    double available = available_memory());

}  // namespace strata
