#pragma once
// Which sources of observations there are. A new one is a folder or file here and one line in worlds/list.inc.

#include <string>
#include <utility>
#include <vector>

#include "core/parameter.hpp"

namespace strata {

struct WorldKind {
  std::string name, summary;
  std::vector<std::pair<std::string, ParameterTable>> parameters;  ///< key prefix and table
};

const std::vector<WorldKind>& world_kinds();
/// Throws ConfigError naming the nearest.
const WorldKind& find_world_kind(const std::string& name);

}  // namespace strata
