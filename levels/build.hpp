#pragma once
// From a configuration to a hierarchy of registered levels.

#include <memory>

#include "core/hierarchy.hpp"
#include "core/parameter.hpp"

namespace strata {

/// Keys hierarchy.*: how many levels, how many units the lexicon (and every situation level) has.
ParameterTable hierarchy_parameters();

/// Builds hierarchy.levels levels (level.L.kind, level.L.*; level 0 is the token level by default, the others situation levels).
/// `log_unigram` has one entry per word, nats; it is empty in a world of numbers, which shows `channels` of them. Throws ConfigError.
template <class T>
std::unique_ptr<Hierarchy<T>> build_hierarchy(Configuration& configuration, Device<T>& device, const std::vector<double>& log_unigram,
                                              Index streams, Index interval, std::uint64_t seed, Index channels = 0);

}  // namespace strata
