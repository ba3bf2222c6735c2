// What a volatile level is told, and the kind's entry in the registry.

#include "core/error.hpp"
#include "levels/registry.hpp"
#include "levels/volatile.hpp"

namespace strata {

LevelKind volatile_kind();

namespace {
constexpr double widest_log_variance = 80;  // e^80 is still a float
}

ParameterTable VolatileSettings::parameters(Index index) {
  const VolatileSettings d;
  const double most = widest_log_variance;
  ParameterTable table{
      {"units", std::int64_t{d.units}, 1, 65536, {}, "units", "nodes n side by side; at level 0 the channels of the world", ""},
      {"initial_mean", d.mean, -1e30, 1e30, {}, "1", "mean of the belief before the first step", ""},
      {"initial_precision", d.precision, 1e-30, 1e30, {}, "1", "precision of the belief before the first step", ""},
      {"omega", d.omega, -most, most, {}, "ln variance", "tonic part of the log volatility per step", "Mathys et al. 2011"},
      {"kappa", d.kappa, -most, most, {}, "1", "strength of the coupling to the level above", "Mathys et al. 2011"},
      {"coupling",
       std::string("volatility"),
       0,
       0,
       {"volatility", "value"},
       "",
       "what the level above predicts of this one: the log variance of its steps, or its mean",
       "Weber et al. 2024"},
      {"drift", d.drift, -1e30, 1e30, {}, "1", "what is added to the mean at every step", "Weber et al. 2024"},
      {"autoconnection", d.autoconnection, 0, 1, {}, "1", "part of the mean that persists from step to step", "Weber et al. 2024"},
      {"learn_omega", d.learn_omega, 0, 1, {}, "", "omega descends the free energy", "levels/volatile.hpp"},
      {"learn_kappa", d.learn_kappa, 0, 1, {}, "", "kappa descends the free energy", "levels/volatile.hpp"},
  };
  if (index == 0) {
    table.push_back({"input",
                     std::string("auto"),
                     0,
                     0,
                     {"auto", "numbers", "binary"},
                     "",
                     "numbers with noise, or outcomes 0 and 1; auto: a world of tokens is binary",
                     ""});
    table.push_back({"input_precision", d.input_precision, 1e-30, 1e30, {}, "1", "pi_u, precision of numbers observed", ""});
  } else {
    table.push_back({"update",
                     std::string("ehgf"),
                     0,
                     0,
                     {"ehgf", "classic"},
                     "",
                     "order of a volatility parent's update: mean first by its prior precision, or precision first",
                     "Legrand et al. 2024"});
  }
  return table;
}

VolatileSettings VolatileSettings::from(Index index, const Values& v) {
  VolatileSettings s;
  s.index = index;
  s.units = v.integer("units");
  s.mean = v.real("initial_mean");
  s.precision = v.real("initial_precision");
  s.omega = v.real("omega");
  s.kappa = v.real("kappa");
  s.value_coupled = v.text("coupling") == "value";
  s.drift = v.real("drift");
  s.autoconnection = v.real("autoconnection");
  s.learn_omega = v.flag("learn_omega");
  s.learn_kappa = v.flag("learn_kappa");
  if (index == 0) {
    s.binary = v.text("input") == "binary";
    s.input_precision = v.real("input_precision");
  } else {
    s.mean_first = v.text("update") == "ehgf";
  }
  return s;
}

namespace {

template <class T>
std::unique_ptr<Level<T>> make(const LevelPlace<T>& p) {
  auto settings = VolatileSettings::from(p.index, p.values);
  const std::string prefix = level_key(p.index);
  const Index symbols = p.index == 0 && p.channels == 0 ? p.stream : 0, n = settings.units;
  if (symbols > 0) {
    if (symbols != 2)
      throw ConfigError(prefix + "kind", "volatile", "reads numbers or two tokens, and this world has " + std::to_string(symbols));
    if (p.values.text("input") == "numbers") throw ConfigError(prefix + "input", "numbers", "this world shows tokens; take auto or binary");
    settings.binary = true;
  }
  const Index shown = symbols > 0 ? 1 : p.channels;
  if (p.index == 0 && n != shown)
    throw ConfigError(prefix + "units", std::to_string(n),
                      symbols > 0 ? "must be 1 in a world of tokens" : "must be the world's channels, " + std::to_string(shown));
  if (p.index > 0 && p.inputs != 1) throw ConfigError(prefix + "kind", "volatile", "stands at level 0 or above a volatile level");
  if (p.above != 0 && p.above != 1 && p.above != n)
    throw ConfigError(level_key(p.index + 1, "units"), std::to_string(p.above),
                      "above a volatile level must be 1 or its units, " + std::to_string(n));
  if (p.above == 0 && settings.learn_kappa) throw ConfigError(prefix + "learn_kappa", "true", "the highest level is coupled to none");
  return std::make_unique<VolatileLevel<T>>(p.device, settings, p.above, symbols, p.streams);
}

Index units(const Values& values, Index) { return values.integer("units"); }

}  // namespace

LevelKind volatile_kind() {
  return {"volatile",
          "hierarchical Gaussian filter: each level's precision is the belief of the level above; numbers, or two tokens",
          VolatileSettings::parameters,
          units,
          false,
          make<float>,
          make<double>};
}

}  // namespace strata
