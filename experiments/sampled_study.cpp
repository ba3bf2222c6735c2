#include "experiments/sampled_study.hpp"

#include <algorithm>

#include "levels/registry.hpp"

namespace strata {

ParameterTable drawing_parameters() {
  return {{"tokens", std::int64_t{300000}, 1, 1e12, {}, "steps", "length of every stream", ""},
          {"streams", std::int64_t{1}, 1, 4096, {}, "streams", "independent streams side by side", ""}};
}

SampledStudy::SampledStudy(Options its_options) : Study(std::move(its_options)) {
  Configuration& c = options.configuration;
  const WorldKind& kind = find_world_kind(options.world);
  Values values;
  for (const auto& [prefix, table] : kind.parameters) values = c.resolve(table, prefix);
  source = kind.make(values, options.text);
  for (const std::string& path : options.text) inputs.push_back(input_file(path));
  const Values drawing = c.resolve(drawing_parameters(), "world.");
  streams_ = drawing.integer("streams");
  length_ = drawing.integer("tokens");
  log_unigram = source->log_unigram();
  suit_hierarchy();
  settle_configuration(std::min<Index>(2, vocabulary()));
}

/// Assigns what the world knows about its levels to keys that the user left open.
void SampledStudy::suit_hierarchy() {
  Configuration& c = options.configuration;
  const auto suggest = [&](const std::string& key, const std::string& value) {
    if (!c.has(key)) c.set(key, value);
  };
  const auto contexts = source->contexts();
  const auto time_constants = source->time_constants();
  suggest("hierarchy.levels", std::to_string(std::max<std::size_t>(1, contexts.size())));
  suggest("relaxation.scheme", "exact");
  suggest("learning.interval", "1");
  const Index depth = c.resolve({{"levels", std::int64_t{1}, 1, 16, {}, "levels", "", ""}}, "hierarchy.").integer("levels");
  for (std::size_t l = 0; l < static_cast<std::size_t>(depth); ++l) {
    const std::string level = level_key(l);
    suggest(level + "kind", vocabulary() > 0 ? "categorical" : "gaussian");
    const LevelKind& kind = find_level_kind(c.resolve({{"kind", std::string(), 0, 0, {}, "", "", ""}}, level).text("kind"));
    for (const Parameter& p : kind.parameters(static_cast<Index>(l))) {
      if (p.name == "states" && l < contexts.size() && contexts[l] > 0) suggest(level + p.name, std::to_string(contexts[l]));
      if (p.name == "tau" && l < time_constants.size()) suggest(level + p.name, to_text(time_constants[l]));
      if (p.name == "parent_tau" && l + 1 < time_constants.size()) suggest(level + p.name, to_text(time_constants[l + 1]));
    }
  }
}

void SampledStudy::describe(Summary& s) const {
  s.set("world", options.world);
  if (vocabulary() > 0) s.set("vocabulary", static_cast<std::int64_t>(vocabulary()));
  if (channels() > 0) s.set("channels", static_cast<std::int64_t>(channels()));
  s.set("steps", static_cast<std::int64_t>(length_)).set("streams", static_cast<std::int64_t>(streams_));
}

}  // namespace strata
