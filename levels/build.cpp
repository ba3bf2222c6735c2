#include "levels/build.hpp"

#include <string_view>

#include "core/error.hpp"
#include "levels/registry.hpp"

namespace strata {

namespace {
constexpr double lexicon_sd = .1;
constexpr Index most_levels = 16;
constexpr std::string_view situation = "situation";

ParameterTable kind_parameters(Index index) {
  std::vector<std::string> names;
  for (const LevelKind& kind : level_kinds()) names.emplace_back(kind.name);
  return {{"kind", std::string(index == 0 ? "token" : "situation"), 0, 0, names, "", "kind of the level (strata list levels)", ""}};
}
}  // namespace

ParameterTable hierarchy_parameters() {
  return {
      {"levels", std::int64_t{4}, 1, most_levels, {}, "levels", "number of levels, the token level included", ""},
      {"units", std::int64_t{48}, 1, 65536, {}, "units", "units n of the lexicon and of every situation level", "model A"},
      {"feedback",
       std::string("tied"),
       0,
       0,
       {"tied", "mirrored", "signs"},
       "",
       "what errors return by: the weights of the prediction, or weights of their own with the same local updates, begun by what noise shows of "
       "those of the prediction, or by their signs alone",
       "Kolen & Pollack 1994; Akrout et al. 2019; Liao et al. 2016"},
  };
}

template <class T>
std::unique_ptr<Hierarchy<T>> build_hierarchy(Configuration& configuration, Device<T>& device, const std::vector<double>& log_unigram,
                                              Index streams, Index interval, std::uint64_t seed, Index channels) {
  const Values shape = configuration.resolve(hierarchy_parameters(), "hierarchy.");
  const Index depth = shape.integer("levels"), units = shape.integer("units");
  const std::string feedback = shape.text("feedback");
  const bool separate = feedback != "tied";
  for (Index l = depth; l < most_levels; ++l) configuration.spare(level_key(l));
  std::vector<const LevelKind*> kinds;
  std::vector<Values> values;
  std::vector<Index> units_of;
  std::vector<double> paces;
  for (Index l = 0; l < depth; ++l) {
    const std::string prefix = level_key(l);
    kinds.push_back(&find_level_kind(configuration.resolve(kind_parameters(l), prefix).text("kind")));
    paces.push_back(configuration.resolve(common_level_parameters(), prefix).real("pace"));
    values.push_back(configuration.resolve(kinds.back()->parameters(l), prefix));
    units_of.push_back(kinds.back()->units(values.back(), units));
  }
  const auto rank = [&](Index l) {
    const std::string& unit = values[static_cast<std::size_t>(l)].text("unit");
    return unit == "sentence" ? 0 : unit == "paragraph" ? 1 : 2;
  };
  for (Index l = 2; l < depth; ++l)
    if (kinds[static_cast<std::size_t>(l)]->name == situation && kinds[static_cast<std::size_t>(l - 1)]->name == situation &&
        rank(l) < rank(l - 1))
      throw ConfigError(level_key(l, "unit"), values[static_cast<std::size_t>(l)].text("unit"),
                        "a level's unit may not be smaller than that of the level below it");
  const bool spoken = depth > 1 || (kinds[0]->name == std::string_view("token") && values[0].flag("share"));
  const Index words = !kinds[0]->uses_lexicon ? 0 : spoken ? units : 1;
  auto lexicon = std::make_unique<Lexicon<T>>(device, words, log_unigram, lexicon_sd, seed);
  lexicon->used = spoken;
  const auto vocabulary = static_cast<Index>(log_unigram.size());
  std::vector<std::unique_ptr<Level<T>>> levels;
  for (Index l = 0; l < depth; ++l) {
    const auto i = static_cast<std::size_t>(l);
    if (separate && !kinds[i]->uses_lexicon)
      throw ConfigError("hierarchy.feedback", feedback,
                        "is for token and situation levels; level " + std::to_string(l) + " is " + kinds[i]->name);
    if (l > 0 && kinds[i]->uses_lexicon && words == 0)
      throw ConfigError(level_key(l, "kind"), kinds[i]->name, "reads the words of a token level; make level.0.kind=token");
    const Index inputs = l == 0 ? 0 : levels.back()->upward().features.rows;
    const Index stream = l == 0 ? vocabulary : levels[0]->upward().emission_error.rows;
    const LevelPlace<T> place{device, *lexicon, l,       depth,    inputs, l + 1 < depth ? units_of[i + 1] : 0,
                              stream, channels, streams, interval, seed,   values[i]};
    if constexpr (std::is_same_v<T, float>)
      levels.push_back(kinds[i]->make_float(place));
    else
      levels.push_back(kinds[i]->make_double(place));
    levels.back()->visit_weights([pace = paces[i]](Weight<T>& weight) { weight.rate *= pace; });
  }
  const auto relaxation = RelaxationSettings::from(configuration.resolve(RelaxationSettings::parameters(), "relaxation."));
  auto hierarchy = std::make_unique<Hierarchy<T>>(device, std::move(lexicon), std::move(levels), streams, relaxation);
  if (separate) {
    std::uint32_t place = 0;
    hierarchy->visit_weights([&](Weight<T>& weight) {
      if (!weight.decays || !weight.returns) return;  // biases and gains carry no error
      if (feedback == "mirrored")
        weight.mirror(seed, place++);
      else
        weight.share_signs(seed, place++);
    });
  }
  return hierarchy;
}

template std::unique_ptr<Hierarchy<float>> build_hierarchy<float>(Configuration&, Device<float>&, const std::vector<double>&, Index, Index,
                                                                  std::uint64_t, Index);
template std::unique_ptr<Hierarchy<double>> build_hierarchy<double>(Configuration&, Device<double>&, const std::vector<double>&, Index,
                                                                    Index, std::uint64_t, Index);

}  // namespace strata
