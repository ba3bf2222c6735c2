#include "levels/registry.hpp"

#include "core/error.hpp"

namespace strata {

#define STRATA_LEVEL(name) LevelKind name##_kind();
#include "levels/list.inc"
#undef STRATA_LEVEL

const std::vector<LevelKind>& level_kinds() {
  static const std::vector<LevelKind> kinds{
#define STRATA_LEVEL(name) name##_kind(),
#include "levels/list.inc"
#undef STRATA_LEVEL
  };
  return kinds;
}

ParameterTable common_level_parameters() {
  return {{"pace", 1.0, 0, 1e3, {}, "1", "learning rate of the level's dense weights, times learning.rate", ""}};
}

const LevelKind& find_level_kind(const std::string& name) {
  std::vector<std::string> names;
  for (const LevelKind& kind : level_kinds()) {
    if (name == kind.name) return kind;
    names.emplace_back(kind.name);
  }
  throw ConfigError("kind", name, "no such kind of level (strata list levels)", nearest(name, names));
}

}  // namespace strata
