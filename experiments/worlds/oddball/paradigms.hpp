#pragma once
// The paradigms of the oddball world, each a hidden chain.
//
// local_global  Trials of five tones and a gap: xxxxx or xxxxY (tokens x 0, y 1, gap 2). A block's rule is one of the two and holds in `rule` of
//               its trials; after each trial the block ends with probability 1/block.
//               Contexts  0 tone kind (x, y, gap)   1 trial kind, 2 block + (0 xxxxx, 1 xxxxY)   2 block (its rule: 0 xxxxx, 1 xxxxY)
//               The fifth tone is at place 4. It is a local deviant where it is y, a global one where the trial is not the block's rule.
// roving        A tone is repeated `shortest` .. `longest` times (uniform), then another tone takes over (uniform). Context 0: the tone.
//               Control many_standards: every tone uniform and independent: as rare as a deviant, with no standard to deviate from.
// hazard        Outcome 1 with probability p, one of `grid` values i/(grid+1). p is drawn anew (uniform) with the block's hazard; after each
//               step the block (0 stable, 1 volatile) ends with probability 1/block. Contexts  0 which p   1 block
//               Control no_volatility: both blocks have the geometric mean of the hazards.
// Limit         expected frequencies in closed form (tests/unit/oddball_world.cpp)
// Source        Bekinschtein et al. 2009, PNAS 106; Garrido et al. 2008, NeuroImage 42; Behrens et al. 2007, Nat. Neurosci. 10

#include <memory>

#include "core/parameter.hpp"
#include "experiments/worlds/oddball/chain.hpp"

namespace strata::oddball {

struct Settings {
  std::string paradigm, control;
  bool counting = false;  ///< roving: the observer counts (Dirichlet); else it knows the laws
  double rule = .8;
  Index gap = 3, tones = 8, shortest = 3, longest = 11, grid = 19;
  double block = 100;  ///< trials (local_global), steps (hazard)
  double memory = 10, concentration = 1;
  double stable = .01, volatility = .1;  ///< hazards, after the control
};

/// Keys world.* of the oddball world.
ParameterTable parameters();
/// Throws ConfigError: a control of another paradigm, trains that cannot be, a list of hazards that is not two.
Settings settings(const Values& values);

Chain make_chain(const Settings& settings);

/// Learning rate of one trial: how far the estimate moved per unit of prediction error. `before` and `after` are the probability of outcome 1
/// predicted for this trial and for the next (exp(-surprise) gives it back from a trace), `outcome` is 0 or 1.
inline double learning_rate(double before, double after, double outcome) { return (after - before) / (outcome - before); }

}  // namespace strata::oddball
