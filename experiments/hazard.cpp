// Hazard: the learning rate rises where the world is volatile.
//
// Design    a model reads fresh stable and volatile blocks with learning off; again with the message of the volatility level clamped at its
//           slow mean (a model without it); and in the control world, whose two kinds of block have one hazard
// Measures  learning_rate on the three readings, beside the exact change-point observer of the same steps
// Limit     without a difference of volatility the rise is 0; without a volatility level it is that of the exact observer to whom the block is
//           forgotten at every step (uncertainty about p alone: about a fifth of the whole)
// Source    Behrens et al. 2007, Nat. Neurosci. 10; Glaze, Kable & Gold 2015, eLife 4

#include "experiments/signatures.hpp"

namespace strata {

Experiment hazard_experiment();

namespace {

Findings run(Bench& bench) {
  Findings findings;
  const std::string whole = bench.folder.file("trace.h5"), fixed = bench.folder.file("fixed_volatility.h5"),
                    control = bench.folder.file("no_volatility.h5");
  read_blocks(bench, whole);
  read_blocks(bench, fixed, mean_beliefs(whole));
  read_control(bench, control, "no_volatility");
  bench.progress.say("measuring");
  add_measure(findings, "learning_rate", whole, "", "intact");
  add_measure(findings, "learning_rate", fixed, "fixed_volatility", "volatility level's message clamped");
  add_measure(findings, "learning_rate", control, "no_volatility", "one hazard in all blocks");
  return findings;
}

}  // namespace

Experiment hazard_experiment() {
  return {"hazard",
          "blocks of volatility: the learning rate rises with it, near the exact observer's; two controls in which it must not",
          "Change of the prediction per prediction error, in stable and in volatile blocks: see strata describe learning_rate.\n"
          "`fixed_volatility`: every level above the lowest hands down its slow mean; its rise is to be that of the exact observer\n"
          "without a belief about volatility (without_volatility_). `no_volatility`: the world's control, whose rise is 0.",
          reading_parameters(),
          {{"steps", "4096"}, {"streams", "8"}},
          run,
          {"oddball"},
          true,
          true,
          [](Bench& bench) { require_paradigm(bench, "hazard", true); }};
}

}  // namespace strata
