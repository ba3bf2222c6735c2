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

/// Stretches of `length` steps for `trials` trials, `each` of them for every one: [each * trial + k] (Source::stretches). A pure function of
/// the source and `seed`. Throws DataError where a series is too short for them.
std::vector<Episode> draw_episodes(const Source& source, Index trials, Index each, Index length, std::uint64_t seed);

/// `first`, then steps [from, from + steps) of `then`, or as many of them as there are.
Episode joined(const Episode& first, const Episode& then, Index steps, Index from = 0);

/// Stream s reads episodes[s], after delays[s] idle steps where delays are given; streams beyond the last are idle. Throws ShapeError for more
/// episodes than streams.
std::unique_ptr<World> replay(std::vector<Episode> episodes, const Source& source, Index streams, std::vector<Index> delays = {});

}  // namespace strata
