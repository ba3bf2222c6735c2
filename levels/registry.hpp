#pragma once
// Which kinds of level there are. A new kind is one file that defines NAME_kind() and one line in levels/list.inc.

#include <memory>
#include <vector>

#include "core/level.hpp"
#include "core/parameter.hpp"

namespace strata {

/// Where a level stands, and what it is built with.
template <class T>
struct LevelPlace {
  Device<T>& device;
  Lexicon<T>& lexicon;
  Index index, depth;  ///< position, 0 lowest; number of levels
  Index inputs;        ///< rows of the features handed up by the level below, 0 for level 0
  Index above;         ///< units of the level above, 0 at the top
  Index streams, interval;
  std::uint64_t seed;
  const Values& values;
};

struct LevelKind {
  const char* name;
  const char* summary;
  ParameterTable (*parameters)(Index index);
  std::unique_ptr<Level<float>> (*make_float)(const LevelPlace<float>&);
  std::unique_ptr<Level<double>> (*make_double)(const LevelPlace<double>&);
};

const std::vector<LevelKind>& level_kinds();
/// Throws ConfigError naming the nearest kind.
const LevelKind& find_level_kind(const std::string& name);

}  // namespace strata
