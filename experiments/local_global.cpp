// Local-global: a tone that breaks the run, and a trial that breaks the rule of its block.
//
// Design    a model that learned online on the world's blocks reads fresh ones with learning off; then again with every top-down message
//           clamped at its slow mean
// Measures  local_global_effects on both readings, per level
// Limit     without top-down messages nothing below the top can know the rule: its global effect is 0, the local one stays
// Source    Bekinschtein et al. 2009, PNAS 106; Chao et al. 2018, Neuron 100

#include "experiments/signatures.hpp"

namespace strata {

Experiment local_global_experiment();

namespace {

Findings run(Bench& bench) {
  Findings findings;
  const std::string whole = bench.folder.file("trace.h5"), clamped = bench.folder.file("clamped.h5");
  read_blocks(bench, whole);
  read_blocks(bench, clamped, mean_beliefs(whole));
  bench.progress.say("measuring");
  add_measure(findings, "local_global_effects", whole, "", "intact");
  add_measure(findings, "local_global_effects", clamped, "clamped", "top-down messages clamped");
  return findings;
}

}  // namespace

Experiment local_global_experiment() {
  return {"local_global",
          "local-global oddball: local effect at the lowest level, global effect above, gone when top-down messages are clamped",
          "Errors of every level from the fifth tone on, by kind of trial and rule of the block, as Cohen's d: see strata describe\n"
          "local_global_effects. `clamped`: the same with every level's message down replaced by its slow mean.",
          reading_parameters(),
          {{"steps", "4096"}, {"streams", "8"}},
          run,
          {"oddball"},
          true,
          true,
          [](Bench& bench) { require_paradigm(bench, "local_global", true); }};
}

}  // namespace strata
