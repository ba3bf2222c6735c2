// Roving: error and surprise fall as a tone is repeated, as those of an observer that counts and forgets.
//
// Design    a model that learned online reads fresh trains with learning off; then the many-standards sequence, in which every tone is as
//           rare as a deviant but there is no standard to deviate from
// Measures  repetition on both readings
// Limit     the observer alone (memory 10, concentration 1): deviant 2.52 nats in trains, 2.19 among many standards
//           That observer's whole count is constant, so what a tone costs follows from its own past alone, as in stimulus-specific adaptation:
//           these sequences do not tell the two apart. local_global does: clamped, it is adaptation, which has no global effect.
// Source    Garrido et al. 2008, NeuroImage 42; Wacongne et al. 2012, J. Neurosci. 32

#include "experiments/signatures.hpp"

namespace strata {

Experiment roving_experiment();

namespace {

Findings run(Bench& bench) {
  Findings findings;
  const std::string trains = bench.folder.file("trace.h5"), control = bench.folder.file("many_standards.h5");
  read_blocks(bench, trains);
  read_control(bench, control, "many_standards");
  bench.progress.say("measuring");
  add_measure(findings, "repetition", trains, "", "trains");
  add_measure(findings, "repetition", control, "many_standards", "many standards");
  const auto excess = [&](const char* key) {
    const auto deviant = findings.summary.number(key), standard = findings.summary.section("many_standards").number(key);
    return deviant && standard ? std::optional<double>(*deviant - *standard) : std::nullopt;
  };
  findings.summary.set("deviant_above_many_standards_nats", excess("deviant_nats"));
  findings.summary.set("exact_deviant_above_many_standards_nats", excess("exact_deviant_nats"));
  return findings;
}

}  // namespace

Experiment roving_experiment() {
  return {"roving",
          "roving standards: error falls with repetition, beside an observer that counts and forgets; many-standards control",
          "Mean surprise and error by repetitions since the tone changed: see strata describe repetition. `many_standards`: the same\n"
          "model on a sequence without standards; a deviant should cost more than a tone there.",
          reading_parameters(),
          {{"steps", "4096"}, {"streams", "8"}},
          run,
          {"oddball"},
          true,
          true,
          [](Bench& bench) { require_paradigm(bench, "roving", false); }};
}

}  // namespace strata
