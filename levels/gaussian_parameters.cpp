#include <cmath>

#include "core/error.hpp"
#include "levels/gaussian.hpp"
#include "levels/registry.hpp"

namespace strata {

namespace {

/// Tokens, by position: every level eight times as slow as the one below.
double usual_tau(Index index) { return 8 * std::pow(8., static_cast<double>(std::min<Index>(index, 5))); }

/// The value, and how it is coupled to its neighbours.
ParameterTable value_parameters(Index index) {
  const GaussianSettings d;
  return {
      {"units", std::int64_t{d.units}, 1, 65536, {}, "units", "n, units of the value", ""},
      {"tau", usual_tau(index), 1e-3, 1e9, {}, "tokens", "time constant of persistence; where it is learned, the start", "model B"},
      {"spread", d.spread, 1, 1e3, {}, "1", "units' time constants reach from tau / spread to tau * spread", ""},
      {"coupling",
       std::string("residual"),
       0,
       0,
       {"residual", "leaky", "stream"},
       "",
       "to the level above: residual (its value passes through), leaky ((1 - a) of it), stream (by the output stream alone)",
       "model B"},
      {"gain", d.gain, -1e3, 1e3, {}, "1", "W starts as this times the identity where both levels have as many units", "measures"},
      {"share", d.share, 0, 0, {}, "", "adds its own share U f(x) to the output stream (the lowest level always does)", "model A"},
      {"activity",
       std::string("identity"),
       0,
       0,
       {"identity", "softmax"},
       "",
       "f of that share: the value itself, or its softmax, which makes the value log odds",
       ""},
      {"stubbornness", d.kappa, 1e-6, 1e3, {}, "1", "kappa: all evidence from below counts this much", "measures"},
      {"initial_sd", d.initial_sd, 0, 1e3, {}, "1", "standard deviation of U at the start", ""},
      {"share_gain",
       d.share_gain,
       -1e3,
       1e3,
       {},
       "1",
       "U starts with this times the identity where the stream has as many rows as units",
       ""},
  };
}

ParameterTable precision_parameters(Index index) {
  const GaussianSettings d;
  const double precision = std::sqrt(usual_tau(index) / 8) / .3;  // a slow level needs little gain to gather much
  return {
      {"precision_mode",
       std::string("predictive"),
       0,
       0,
       {"fixed", "scheduled", "learned", "predictive"},
       "",
       "pi fixed; scheduled from precision to precision_end; learned: 1 / error power; predictive: descends the predictive loss",
       ""},
      {"precision", precision, 1e-9, 1e12, {}, "1", "pi at the start, the same for every unit", ""},
      {"precision_end", d.precision_end, 1e-9, 1e12, {}, "1", "scheduled: pi after precision_steps", ""},
      {"precision_steps",
       d.precision_steps,
       1,
       1e12,
       {},
       "steps",
       "scheduled: learning steps until precision_end; learned: window of the mean",
       ""},
      {"precision_prior", d.precision_prior, 1, 1e12, {}, "steps", "learned: what the first value counts for", ""},
      {"precision_min", d.precision_min, 1e-12, 1e12, {}, "1", "least pi where it is learned", ""},
      {"precision_max", d.precision_max, 1e-12, 1e12, {}, "1", "largest pi where it is learned", ""},
      {"precision_speed", d.precision_speed, 0, 1e3, {}, "1", "predictive: step of log pi per step of a weight", ""},
  };
}

/// What else may be learned.
ParameterTable learning_parameters() {
  const GaussianSettings d;
  return {
      {"learn_tau", d.learn_tau, 0, 0, {}, "", "the time constant descends the predictive loss, by eligibility traces", "model B"},
      {"tau_min", d.tau_min, 1e-3, 1e9, {}, "tokens", "lower end of the band of a learned time constant", ""},
      {"tau_max", d.tau_max, 1e-3, 1e9, {}, "tokens", "upper end of that band", ""},
      {"tau_speed", d.tau_speed, 1e-6, 1e3, {}, "1", "step of logit(a) per step of a weight", ""},
      {"eligibility",
       d.eligibility,
       0,
       0,
       {},
       "",
       "U learns through the level's own inference as well, by a trace of the error it read",
       "model B"},
      {"noise", d.noise, 1e-12, 1e12, {}, "y^2", "numbers at the lowest level: variance of the observation, at the start", ""},
      {"learn_noise", d.learn_noise, 0, 0, {}, "", "that variance follows the residuals", ""},
  };
}

}  // namespace

ParameterTable GaussianSettings::parameters(Index index) {
  ParameterTable all;
  for (const ParameterTable& table : {value_parameters(index), precision_parameters(index), learning_parameters()})
    all.insert(all.end(), table.begin(), table.end());
  return all;
}

GaussianSettings GaussianSettings::from(Index index, const Values& values) {
  GaussianSettings s;
  s.index = index;
  s.units = values.integer("units");
  for (auto [name, to] : std::initializer_list<std::pair<const char*, double*>>{{"tau", &s.tau},
                                                                                {"spread", &s.spread},
                                                                                {"gain", &s.gain},
                                                                                {"stubbornness", &s.kappa},
                                                                                {"initial_sd", &s.initial_sd},
                                                                                {"share_gain", &s.share_gain},
                                                                                {"precision", &s.precision},
                                                                                {"precision_end", &s.precision_end},
                                                                                {"precision_steps", &s.precision_steps},
                                                                                {"precision_prior", &s.precision_prior},
                                                                                {"precision_min", &s.precision_min},
                                                                                {"precision_max", &s.precision_max},
                                                                                {"precision_speed", &s.precision_speed},
                                                                                {"tau_min", &s.tau_min},
                                                                                {"tau_max", &s.tau_max},
                                                                                {"tau_speed", &s.tau_speed},
                                                                                {"noise", &s.noise}})
    *to = values.real(name);
  s.share = values.flag("share");
  s.learn_tau = values.flag("learn_tau");
  s.eligibility = values.flag("eligibility");
  s.learn_noise = values.flag("learn_noise");
  const std::string& coupling = values.text("coupling");
  s.coupling = coupling == "leaky" ? Coupling::leaky : coupling == "stream" ? Coupling::stream : Coupling::residual;
  s.activity = values.text("activity") == "softmax" ? Activity::softmax : Activity::identity;
  const std::string& mode = values.text("precision_mode");
  s.mode = mode == "fixed"       ? Precision::fixed
           : mode == "scheduled" ? Precision::scheduled
           : mode == "learned"   ? Precision::learned
                                 : Precision::predictive;
  const std::string prefix = level_key(index);
  if (s.tau_min > s.tau_max) throw ConfigError(prefix + "tau_min", to_text(s.tau_min), "must not lie above tau_max, " + to_text(s.tau_max));
  if (s.learn_tau && (s.tau < s.tau_min || s.tau > s.tau_max))
    throw ConfigError(prefix + "tau", to_text(s.tau), "must lie in the band " + to_text(s.tau_min) + " to " + to_text(s.tau_max));
  if (s.precision_min > s.precision_max)
    throw ConfigError(prefix + "precision_min", to_text(s.precision_min), "must not lie above precision_max, " + to_text(s.precision_max));
  return s;
}

namespace {
template <class T>
std::unique_ptr<Level<T>> make(const LevelPlace<T>& place) {
  const Index stream = place.index == 0 && place.channels > 0 ? place.channels : place.stream;
  return std::make_unique<GaussianLevel<T>>(place.device, GaussianSettings::from(place.index, place.values), place.above, stream,
                                            place.index == 0 ? place.channels : 0, place.lexicon.units() == 0 && place.channels == 0,
                                            place.streams, place.seed);
}
}  // namespace

LevelKind gaussian_kind() {
  return {"gaussian",
          "a value that persists, with learned precision and time constant; reads tokens, numbers, or the level below",
          GaussianSettings::parameters,
          [](const Values& values, Index) { return values.integer("units"); },
          false,
          make<float>,
          make<double>};
}

}  // namespace strata
