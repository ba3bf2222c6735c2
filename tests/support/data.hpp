#pragma once
// Data sets that are not part of the repository.

#include <string>

namespace strata::test {

/// Path of `name` ("reuters", "hgf/continuous.csv") in the folder that the environment variable STRATA_DATA names, else in shared/data beside the source tree.
/// Where it is absent, prints "SKIPPED: reason" (which ctest reports as skipped) and returns "": the test then returns.
std::string data_path(const std::string& name);

}  // namespace strata::test
