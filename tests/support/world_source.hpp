#pragma once
// A sampled world made from assignments "key=value", as the command line makes it.

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/parameter.hpp"
#include "experiments/worlds/registry.hpp"

namespace strata::test {

inline std::unique_ptr<Source> world_source(const std::string& name, std::initializer_list<std::string> assignments,
                                            const std::vector<std::string>& inputs = {}) {
  Configuration configuration;
  for (const std::string& assignment : assignments) configuration.set_assignment(assignment);
  const WorldKind& kind = find_world_kind(name);
  Values values;
  for (const auto& [prefix, table] : kind.parameters) values = configuration.resolve(table, prefix);
  configuration.check_all_read();
  return kind.make(values, inputs);
}

/// A world's observation, sized.
inline Observation room_for(Index streams) {
  Observation out;
  out.resize(streams);
  return out;
}

}  // namespace strata::test
