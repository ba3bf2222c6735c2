#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "experiments/worlds/nested/laws.hpp"

namespace strata::nested {
namespace {

constexpr Index deepest = 6;
constexpr double most_states = 4096;          // of one level
constexpr double most_joint = 1e7;            // of all levels together: the long run is summed over them
constexpr double most_entries = 4294967296.;  // joint states times vocabulary

/// What a kind gives where the user leaves a list empty; longer than the four levels of the designs, so that deeper worlds go on sensibly.
struct Defaults {
  std::vector<double> beta;
  double leak;
};

Defaults defaults(const std::string& kind) {
  if (kind == "geo") return {{1.6, .7, .3, .13, .056, .024}, .05};
  if (kind == "nested") return {{2, 0, 0, 0, 0, 0}, .01};
  return {{1.2, .8, .7, .6, .5, .4}, .05};
}

/// The list of `key`, one entry per level; empty text: the first entries of `fallback`.
std::vector<double> level_list(const Values& values, const std::string& name, Index levels, double minimum, double maximum,
                               std::vector<double> fallback) {
  const std::string key = "world." + name;
  const std::string& text = values.text(name);
  fallback.resize(static_cast<std::size_t>(levels));
  std::vector<double> list = real_list(key, text, minimum, maximum);
  if (list.empty()) return fallback;
  if (static_cast<Index>(list.size()) != levels)
    throw ConfigError(
        key, text,
        "has " + std::to_string(list.size()) + " numbers for " + std::to_string(levels) +
            " levels; give one per level, lowest first, or nothing for the defaults (world.levels sets how many levels there are)");
  return list;
}

std::vector<Index> state_counts(const Values& values, Index levels) {
  const std::string& text = values.text("states");
  std::vector<Index> counts;
  for (const double x : level_list(values, "states", levels, 2, most_states, {6, 4, 3, 2, 2, 2})) {
    if (x != std::trunc(x))
      throw ConfigError("world.states", text, "must be whole numbers, at least 2 (a context needs another to switch to)");
    counts.push_back(static_cast<Index>(x));
  }
  return counts;
}

void check_sizes(const Settings& s, const std::string& text) {
  double joint = 1;
  for (const Index n : s.states) joint *= static_cast<double>(n);
  if (joint > most_joint)
    throw ConfigError("world.states", text,
                      "make " + to_text(joint) + " joint states and 10,000,000 are the most; use fewer states or levels");
  if (joint * static_cast<double>(s.vocabulary) > most_entries)
    throw ConfigError("world.vocabulary", std::to_string(s.vocabulary),
                      "times " + to_text(joint) + " joint states is too large a table; use a smaller vocabulary or fewer states");
}

/// A single allowed state without a leak is a prison: nothing is left to switch to.
void check_rows(const Settings& s, const std::string& text) {
  for (Index l = 0; l + 1 < s.levels(); ++l) {
    const auto at = static_cast<std::size_t>(l);
    const Index allowed = (s.states[at] + 1) / 2;
    if (allowed == 1 && s.leak[at] == 0)
      throw ConfigError("world.leak", text,
                        "leaves level " + std::to_string(l) + " a row of zeros: a single one of its " + std::to_string(s.states[at]) +
                            " states is allowed and no other can be reached; give that level a leak above 0 or at least 3 states");
  }
}

}  // namespace

Index Settings::joint_states() const {
  Index n = 1;
  for (const Index s : states) n *= s;
  return n;
}

ParameterTable parameters() {
  const std::string nothing;
  const std::string source = "measures: nested world";
  return {
      {"kind",
       std::string("direct"),
       0,
       0,
       {"direct", "geo", "nested"},
       "",
       "direct: every level speaks; geo: the higher the softer; nested: the lowest alone speaks, the others act through it",
       source},
      {"levels", std::int64_t{4}, 1, static_cast<double>(deepest), {}, "levels", "contexts, one above the other", source},
      {"states", nothing, 0, 0, {}, "states", "states of each level's context, lowest first; nothing: 6, 4, 3, 2, 2, 2", source},
      {"tau", nothing, 0, 0, {}, "steps", "time constant of each level, lowest first; nothing: 8, then 8 times more per level", source},
      {"beta",
       nothing,
       0,
       0,
       {},
       "nats",
       "standard deviation of what each level adds to the logits, lowest first; nothing: the kind's",
       source},
      {"leak",
       nothing,
       0,
       0,
       {},
       "1",
       "weight of states that the level above does not allow, lowest first; nothing: the kind's (.05, nested .01)",
       source},
      {"vocabulary", std::int64_t{32}, 2, 65536, {}, "tokens", "V: tokens there are", source},
      {"tables", std::int64_t{1}, 0, 9007199254740992., {}, "", "seed of the tables: which states are allowed, what each level adds", ""},
  };
}

Settings settings(const Values& values) {
  Settings s;
  s.kind = values.text("kind");
  const Index levels = values.integer("levels");
  const Defaults fallback = defaults(s.kind);
  std::vector<double> tau;
  for (Index l = 0; l < deepest; ++l) tau.push_back(8 * std::pow(8., static_cast<double>(l)));
  s.states = state_counts(values, levels);
  s.tau = level_list(values, "tau", levels, 1, 1e9, tau);
  s.beta = level_list(values, "beta", levels, 0, 10, fallback.beta);
  s.leak = level_list(values, "leak", levels, 0, 1, std::vector<double>(deepest, fallback.leak));
  s.vocabulary = values.integer("vocabulary");
  s.tables = static_cast<std::uint64_t>(values.integer("tables"));
  check_sizes(s, values.text("states"));
  check_rows(s, values.text("leak"));
  return s;
}

}  // namespace strata::nested
