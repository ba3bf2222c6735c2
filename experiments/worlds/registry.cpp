#include "experiments/worlds/registry.hpp"

#include "core/error.hpp"

namespace strata {

#define STRATA_WORLD(name) WorldKind name##_world();
#include "experiments/worlds/list.inc"
#undef STRATA_WORLD

const std::vector<WorldKind>& world_kinds() {
  static const std::vector<WorldKind> kinds{
#define STRATA_WORLD(name) name##_world(),
#include "experiments/worlds/list.inc"
#undef STRATA_WORLD
  };
  return kinds;
}

const WorldKind& find_world_kind(const std::string& name) {
  std::vector<std::string> names;
  for (const WorldKind& kind : world_kinds()) {
    if (kind.name == name) return kind;
    names.push_back(kind.name);
  }
  throw ConfigError("--world", name, "no such world (strata list worlds)", nearest(name, names));
}

}  // namespace strata
