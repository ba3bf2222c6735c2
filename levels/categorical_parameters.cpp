// The parameters of the categorical kinds.

#include "core/error.hpp"
#include "levels/categorical.hpp"
#include "levels/registry.hpp"

namespace strata {

LevelKind categorical_kind();

ParameterTable CategoricalSettings::parameters(Index index) {
  const CategoricalSettings d;
  double tau = 8;
  for (Index l = 0; l < index; ++l) tau *= 8;
  return {
      {"states", std::int64_t{d.states}, 2, 4096, {}, "states", "states n of the context", "model B"},
      {"tau", tau, 1, 1e12, {}, "steps", "time constant: a step in tau switches the context; where it is learned, the start", "model B"},
      {"stubbornness",
       d.stubbornness,
       1e-6,
       1e3,
       {},
       "1",
       "kappa, exponent of the evidence: below 1 the belief is heavy, 1 is Bayes",
       "model B"},
      {"evidence_limit",
       d.evidence_limit,
       0,
       1e6,
       {},
       "nats",
       "most that one step may say for one state against another; 0: no limit",
       "model B"},
      {"contrast",
       d.contrast,
       0,
       1e6,
       {},
       "1",
       "the share learns from errors less their running mean over this many time constants of the level above; 0: from errors whole",
       ""},
      {"initial", d.initial, 0, 100, {}, "nats", "standard deviation of the level's share of the logits at the start", "model B"},
      {"rate", d.rate, 0, 1e3, {}, "1", "learning rate of the level's weights, times learning.rate", ""},
      {"eligibility",
       d.eligibility,
       0,
       1,
       {},
       "",
       "the share learns through the belief's past, not from the present step alone",
       "LeGland & Mevel 1997"},
      {"learn_transition", d.learn_transition, 0, 1, {}, "", "Pi is learned from expected switches", "Baum et al. 1970"},
      {"transition_prior",
       d.transition_prior,
       1e-3,
       1e12,
       {},
       "switches",
       "evenly spread switches that Pi starts from: it waits for states that mean something",
       ""},
      {"transition_memory",
       d.transition_memory,
       1,
       1e12,
       {},
       "steps",
       "steps whose switches count at the start; grows by a third of the age",
       ""},
      {"learn_tau", d.learn_tau, 0, 1, {}, "", "tau is learned by the slope of the predictive log loss", "model B"},
      {"tau_rate", d.tau_rate, 0, 1e3, {}, "1", "learning rate of ln tau, times learning.rate", ""},
      {"tau_min", d.tau_min, 1, 1e12, {}, "steps", "least learned tau", ""},
      {"tau_max", d.tau_max, 1, 1e12, {}, "steps", "greatest learned tau", ""},
  };
}

namespace {
ParameterTable parameters(Index index) {
  ParameterTable table = CategoricalSettings::parameters(index);
  for (Parameter& p : table)
    if (p.name == "tau_rate") p.fallback = .5;  // levels that are held apart can afford it
  const ParameterTable apart = Separation::parameters();
  table.insert(table.end(), apart.begin(), apart.end());
  return table;
}
}  // namespace

CategoricalSettings CategoricalSettings::shared(Index index, const Values& v) {
  CategoricalSettings s;
  s.index = index;
  s.states = v.integer("states");
  s.tau = v.real("tau");
  s.stubbornness = v.real("stubbornness");
  s.evidence_limit = v.real("evidence_limit");
  s.contrast = v.real("contrast");
  s.initial = v.real("initial");
  s.rate = v.real("rate");
  s.eligibility = v.flag("eligibility");
  s.learn_transition = v.flag("learn_transition");
  s.transition_prior = v.real("transition_prior");
  s.transition_memory = v.real("transition_memory");
  return s;
}

void CategoricalSettings::take_band(const Values& v, const std::vector<double>& learned) {
  tau_rate = v.real("tau_rate");
  tau_min = v.real("tau_min");
  tau_max = v.real("tau_max");
  const std::string prefix = level_key(index);
  if (tau_min > tau_max) throw ConfigError(prefix + "tau_min", to_text(tau_min), "must not lie above tau_max, " + to_text(tau_max));
  for (const double start : learned)
    if (start < tau_min || start > tau_max)
      throw ConfigError(prefix + "tau", to_text(start), "must lie in the band " + to_text(tau_min) + " to " + to_text(tau_max));
}

CategoricalSettings CategoricalSettings::from(Index index, const Values& v) {
  CategoricalSettings s = shared(index, v);
  s.learn_tau = v.flag("learn_tau");
  s.separation = Separation::from(v);
  s.take_band(v, s.learn_tau ? std::vector<double>{s.tau} : std::vector<double>{});
  return s;
}

namespace {
template <class T>
std::unique_ptr<Level<T>> make(const LevelPlace<T>& p) {
  return std::make_unique<CategoricalLevel<T>>(p.device, CategoricalSettings::from(p.index, p.values), categorical_place(p));
}
}  // namespace

LevelKind categorical_kind() {
  return {"categorical", "a belief over the states of a context that persists and switches; evidence from tokens and from the level below",
          parameters,    [](const Values& values, Index) { return values.integer("states"); },
          false,         make<float>,
          make<double>};
}

}  // namespace strata
