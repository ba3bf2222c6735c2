#include "experiments/worlds/linear_gaussian/settings.hpp"

#include <cmath>

#include "core/error.hpp"

namespace strata::linear_gaussian {
namespace {

constexpr Eigen::Index deepest = 8;
constexpr double least_tau = 1e-3, most_tau = 1e9;  // steps
constexpr double first_loss = .25;                  // of the lowest level's value in a step

/// The numbers of `name`, one per level; nothing where the user said nothing. `alike`: a single one stands for every level.
std::vector<double> level_list(const Values& values, const std::string& name, Eigen::Index levels, double minimum, double maximum,
                               bool alike) {
  const std::string key = "world." + name;
  const std::string& text = values.text(name);
  std::vector<double> list = real_list(key, text, minimum, maximum);
  if (alike && list.size() == 1) list.assign(static_cast<std::size_t>(levels), list[0]);
  if (list.empty() || static_cast<Eigen::Index>(list.size()) == levels) return list;
  throw ConfigError(key, text,
                    "has " + std::to_string(list.size()) + " numbers for " + std::to_string(levels) +
                        " levels; give one per level, lowest first, " + (alike ? "one for all, " : "") +
                        "or nothing for the default (world.levels sets how many levels there are)");
}

}  // namespace

ParameterTable parameters() {
  const std::string nothing, source = "measures: linear-Gaussian chain";
  return {
      {"levels", std::int64_t{4}, 1, static_cast<double>(deepest), {}, "levels", "values, one above the other", source},
      {"tau",
       nothing,
       0,
       0,
       {},
       "steps",
       "time constant of each level, lowest first: a = exp(-1 / tau); nothing: 3.5, 31, 255, 2047 .. (see ratio)",
       source},
      {"ratio",
       8.0,
       1e-3,
       1e3,
       {},
       "1",
       "where tau says nothing: in a step the lowest level loses a quarter of its value, each level above this many times less",
       source},
      {"gain",
       std::string("1"),
       0,
       0,
       {},
       "1",
       "g: what a level draws the level below towards, per unit of its own; one for all, or one per level, lowest first (the highest has none "
       "below it that asks: its own is unused)",
       source},
      {"noise",
       nothing,
       0,
       0,
       {},
       "x^2",
       "q: variance of each level's innovations, one for all or lowest first; nothing: each level alone has variance 1",
       source},
      {"observation_noise", 1.0, 1e-12, 1e12, {}, "y^2", "r: variance of what is observed around the lowest level's value", source},
  };
}

Settings settings(const Values& values) {
  const Eigen::Index levels = values.integer("levels");
  Settings s;
  s.tau = level_list(values, "tau", levels, least_tau, most_tau, false);
  const double ratio = values.real("ratio");
  for (Eigen::Index l = 0; static_cast<Eigen::Index>(s.tau.size()) < levels; ++l)
    s.tau.push_back(-1 / std::log1p(-first_loss / std::pow(ratio, static_cast<double>(l))));
  for (std::size_t l = 0; l < s.tau.size(); ++l)
    if (!(s.tau[l] >= least_tau && s.tau[l] <= most_tau))
      throw ConfigError("world.ratio", to_text(ratio),
                        "leaves level " + std::to_string(l) + " no time constant within " + to_text(least_tau) + " and " +
                            to_text(most_tau) + " steps; use fewer levels, or give world.tau");
  for (const double tau : s.tau) s.chain.persistence.push_back(std::exp(-1 / tau));
  s.chain.gain = level_list(values, "gain", levels, -1e3, 1e3, true);
  if (s.chain.gain.empty()) s.chain.gain.assign(static_cast<std::size_t>(levels), 1.);
  s.chain.noise = level_list(values, "noise", levels, 0, 1e12, true);
  if (s.chain.noise.empty())
    for (const double tau : s.tau) s.chain.noise.push_back(-std::expm1(-2 / tau));
  s.chain.observation_noise = values.real("observation_noise");
  return s;
}

}  // namespace strata::linear_gaussian
