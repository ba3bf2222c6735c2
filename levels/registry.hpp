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
  Index stream;    ///< rows of the output stream c_1 and of the emission error: the lexicon's units above a token level, V above another
  Index channels;  ///< numbers that the world shows at each step; 0: tokens
  Index streams, interval;
  std::uint64_t seed;
  const Values& values;
};

struct LevelKind {
  const char* name;
  const char* summary;
  ParameterTable (*parameters)(Index index);
  /// Units that the level above sees (rows of its activity), from the level's values and hierarchy.units.
  Index (*units)(const Values& values, Index hierarchy_units);
  bool uses_lexicon;  ///< reads or learns the shared word vectors; where the lowest level does not, the lexicon is empty
  std::unique_ptr<Level<float>> (*make_float)(const LevelPlace<float>&);
  std::unique_ptr<Level<double>> (*make_double)(const LevelPlace<double>&);
};

/// Keys of a level of any kind: pace.
ParameterTable common_level_parameters();

const std::vector<LevelKind>& level_kinds();
/// Throws ConfigError naming the nearest kind.
const LevelKind& find_level_kind(const std::string& name);

}  // namespace strata
