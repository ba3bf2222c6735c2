#pragma once
// A stretch of a sampled world, kept: what twins and splices are made of.

#include <cstdint>
#include <vector>

#include "experiments/worlds/source.hpp"

namespace strata {

/// `length` steps of one stream.
struct Episode {
  std::vector<std::int32_t> id;       ///< per step
  std::vector<double> value;          ///< channels per step; empty in a world of tokens
  std::vector<std::int32_t> context;  ///< true contexts per step, lowest level first; empty where unknown
  std::vector<std::uint8_t> event;    ///< bits of Event per step

  Index length() const { return static_cast<Index>(id.size()); }
};

/// `count` independent stretches of `length` steps: a pure function of the source and `seed`.
std::vector<Episode> draw_episodes(const Source& source, Index count, Index length, std::uint64_t seed);

/// `first`, then `then`, from its first step to its `steps`-th.
Episode joined(const Episode& first, const Episode& then, Index steps);

/// Stream s reads episodes[s]; streams beyond the last are idle. Throws ShapeError for more episodes than streams.
std::unique_ptr<World> replay(std::vector<Episode> episodes, const Source& source, Index streams);

}  // namespace strata
