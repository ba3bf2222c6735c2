#pragma once
// Evidence and tokens to switch where the true contexts are known: what it takes a level to accept a new context.
//
// Equation   after a switch of the true context of level l at t0, with q belief(t), p the prior for token t (prediction at t - 1):
//            E_l = 1/kappa_l sum_(t = t0..) { ln q(new)/q(old) - ln p(new)/p(old) }     until q(new) passes 1/2
//            N_l = tokens read from t0 to that crossing; inertia = N(model) / N(exact) over the same switches
// Symbols    E_l nats of log-likelihood ratio, as the observer itself takes it from below (change of log-odds by the token, without the
//            change that time brings); kappa_l stubbornness (attribute `stubbornness` of the level's group, 1 where absent), so that E_l
//            is the evidence that arrived, not what the level made of it. Contexts of learned levels: context_belief.hpp.
// Discretisation   inside the token of the crossing E and N count the fraction of the step of log-odds up to 0 (linear)
// Reported   Kaplan-Meier medians, as on text, for the context often switches again before it was believed: such a switch is "at least"
//            what had come by then (so is one cut off by the end of the recording); rho and inertia from medians. Means of the completed
//            switches with the last token counted whole (what a reader of tables of Wald's test expects) stand beside them.
// Limit      two states, mean ratio d per token, rate 1/tau of switching, pi the new state's share of a switch: E = 1/kappa
//            [ln(tau/pi) + ln tanh(kappa d / 2)], N = E / d; evidence grows linearly over levels whose tau grow geometrically, tokens
//            geometrically
// Source     Wald, Sequential Analysis (1947); Veliz-Cuba, Kilpatrick & Josic (2016), SIAM Review 58, 264.

#include <vector>

#include "analysis/context_belief.hpp"
#include "analysis/measure.hpp"

namespace strata {

struct ContextSwitch {
  std::int64_t time;
  Index stream;
  Bounded evidence, tokens;
  double whole_evidence, whole_tokens;  ///< with all of the last token
  bool foreseen;                        ///< the new context was believed before its first token was read: 0 nats, 0 tokens
};

/// Every switch of the true context at consecutive samples; throws DataError when samples are not one token apart or have no prior.
std::vector<ContextSwitch> context_switches(const ContextBelief& belief, double stubbornness = 1.0);

/// What both measures report of a trace with /world/context. `name`: evidence or tokens_to_switch; it chooses the columns.
/// Per level: evidence_nats, tokens_to_switch, evidence_completed_mean, tokens_completed_mean, switches, foreseen_fraction,
/// tokens_to_switch_censored_fraction; with /conditions/exact the same with exact_ in front, and inertia_ratio. Top: evidence_rho,
/// tokens_to_switch_rho, exact_... . A level with fewer than 30 switches is not measured; a note says how many it had.
MeasureResult report_context_switches(const Trace& trace, const Values& values, const std::string& name);

}  // namespace strata
