#pragma once
// One reading of a sampled world: a hierarchy and the exact observers read the same steps, and a trace keeps what each of them held.
//
// Recorded   / the model; /world/context the true contexts, where they are states; /world/value the numbers shown, where they are numbers, and
//            /world/innovation what the exact observer did not expect of them;
//            /conditions/exact the exact observer (beliefs and surprise); /conditions/exact_L the exact observer to whom the levels from L on
//            are forgotten at every step; /conditions/unigram the long-run frequencies (of numbers: their Gaussian);
//            with lesions, for levels that can be clamped: /conditions/lesion_l and swap_l, the model's surprise when level l hands down its slow mean, or what level l of
//            another stream hands down, in place of its own belief. Its inference goes on; the copies read the same steps side by side.

#include <string>

#include "core/hierarchy.hpp"
#include "experiments/sampled_study.hpp"

namespace strata {

struct WorldReading {
  Index streams = 1;
  Index length = 0;        ///< steps of every stream
  Index from = 0;          ///< first step that is recorded
  Index every = 1;         ///< steps between two recorded rows of the levels
  std::uint64_t seed = 1;  ///< of the steps drawn
  bool learning = false;
  bool exact = true;    ///< the exact observer, where the world has one
  bool partial = true;  ///< and those who know its lowest levels alone
  bool lesions = false;
  std::string what = "reading";
};

struct WorldReadingTimes {
  double model_seconds = 0, observer_seconds = 0;  ///< observer: the exact observer of the whole world alone
  std::int64_t tokens = 0;                         ///< read by the model, copies not counted
};

/// Whether some level can be clamped, and so lesioned.
bool lesionable(Hierarchy<float>& hierarchy);

/// Streams that a hierarchy needs for `reading`: copies for lesions included.
Index streams_needed(const WorldReading& reading, Index depth);

/// Reads and writes `path`: the world itself when learning, else stretches of it (Source::stretches). Throws Interrupted at Ctrl-C, FileError, NumericalError.
WorldReadingTimes read_world(SampledStudy& study, Hierarchy<float>& hierarchy, const WorldReading& reading, const std::string& experiment,
                             const std::string& path, Progress& progress);

}  // namespace strata
