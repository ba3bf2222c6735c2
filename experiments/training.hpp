#pragma once
// Learning a hierarchy from text, with checkpoints that a Ctrl-C or a kill leaves behind.

#include <string>

#include "experiments/study.hpp"

namespace strata {

struct TrainingSummary {
  std::int64_t tokens = 0;
  double seconds = 0;       ///< of learning in this process
  double nats_per_token = 0;  ///< of level 0 while learning, over all passes
  Index parameters = 0;
  Index updates = 0;
};

/// Trains and writes `model`. Every half minute or so a checkpoint is written to `checkpoint`; where one lies there already, training goes on
/// from it and ends in the same bits as an uninterrupted run. On Ctrl-C: a last checkpoint, then Interrupted with `how_to_go_on`.
TrainingSummary train(Study& study, const std::string& model, const std::string& checkpoint, const std::string& how_to_go_on, Progress& progress);

}  // namespace strata
