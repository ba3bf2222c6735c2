#pragma once
// Which sources of observations there are. A new one is a folder or file here and one line in worlds/list.inc.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/parameter.hpp"
#include "experiments/worlds/source.hpp"

namespace strata {

struct WorldKind {
  std::string name, summary;
  std::vector<std::pair<std::string, ParameterTable>> parameters;  ///< key prefix and table
  /// Makes the world from its world.* values; `inputs` are the files of --text. Throws ConfigError, DataError, FileError.
  /// Empty for text, which is read, not sampled (experiments/text_study).
  std::function<std::unique_ptr<Source>(const Values& values, const std::vector<std::string>& inputs)> make;
  bool reads = false;  ///< the files of --text; others draw what they show
};

const std::vector<WorldKind>& world_kinds();
/// Throws ConfigError naming the nearest.
const WorldKind& find_world_kind(const std::string& name);

}  // namespace strata
