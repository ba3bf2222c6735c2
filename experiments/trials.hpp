#pragma once
// Has a reader read scripted texts or stretches of a sampled world, and records what every level held around each trial's event.
//
// A condition is one script per trial; stream s = trial s, and time 0 is the first token after the event (trace schema: analysis/README.md).
// Beside its tokens each condition has its own events: what ended with a token, the ends of the inserted passage, the switch.
// Trials are read in batches of the hierarchy's streams; every condition starts each trial from an empty state.

#include <string>
#include <vector>

#include "core/hierarchy.hpp"
#include "core/io/trace.hpp"
#include "experiments/text_study.hpp"
#include "experiments/trial_reader.hpp"
#include "experiments/worlds/episode.hpp"

namespace strata {

struct Condition {
  std::string name;                   ///< "/" for the root of the trace, else below /conditions
  std::string reference;              ///< "/" or "/conditions/NAME"; empty: compared with nothing
  std::string home;                   ///< "/conditions/NAME" where the passages are read in their own documents; empty: nowhere
  std::vector<text::Script> scripts;  ///< per trial, in a study of text
  std::vector<Episode> episodes;      ///< per trial, in a study of a sampled world
  std::vector<Index> zero;            ///< per trial: tokens read before time 0
  std::vector<std::int32_t> passage;  ///< per trial: tokens of the inserted passage; empty: none
  bool beliefs = false;               ///< record x as well as mu
  std::string donor;   ///< at time 0 level `grafted` takes the state it has in this condition, one named before; empty: none does
  Index grafted = -1;  ///< and that level alone is recorded

  Index trials() const { return static_cast<Index>(std::max(scripts.size(), episodes.size())); }
  Index tokens() const;  ///< of all trials
};

struct TrialWindow {
  Index before = 160;  ///< tokens recorded before time 0
  Index after = 1500;  ///< tokens recorded from time 0 on
};

/// What pairs `experiment` asks for by its keys `counted` (how many), context, history and room.
text::PairOptions pair_options(const Study& study, const Values& values, const std::string& experiment,
                               const std::string& counted = "pairs");

/// Adds the two copies of a list of twins, "/" and `twin`, that read `after` tokens of the common text at most.
void add_twins(std::vector<Condition>& conditions, const std::vector<text::Twin>& twins, Index after);

/// Adds `goes_on` and `contradicts`, each with a reference of its own (NAME_a): behind two histories of one document its continuation, and another document.
void add_contrasts(std::vector<Condition>& conditions, const std::vector<text::Contrast>& contrasts, Index after);

/// Adds `always`, `switch` and, where asked for, `stayed` for a list of switches, `after` tokens each.
void add_switches(std::vector<Condition>& conditions, const std::vector<text::Switch>& switches, Index after, bool stayed);

/// Runs every condition and writes `path`; returns the window recorded, which reaches no further back than the shortest history. All conditions
/// have the same number of trials. Stops with Interrupted at Ctrl-C.
TrialWindow record_trials(Study& study, TrialReader& reader, const std::vector<Condition>& conditions, const TrialWindow& window,
                          const std::string& experiment, const std::string& path, Progress& progress);

}  // namespace strata
