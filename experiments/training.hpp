#pragma once
// Learning a hierarchy from text, with checkpoints that a Ctrl-C or a kill leaves behind.

#include <optional>
#include <string>

#include "core/io/checkpoint.hpp"
#include "core/io/summary.hpp"
#include "experiments/study.hpp"

namespace strata {

/// In the working folder while the run is not complete.
inline constexpr const char* checkpoint_name = "checkpoint.h5";
inline const FileKind checkpoint_file{"strata checkpoint", 11};

/// Seconds from one checkpoint to the next, of which the one before took `took`: `every`, more where they would take more than a fiftieth of the time,
/// but not more than ten minutes for that; 0 stays 0, after every update.
double checkpoint_wait(double every, double took);

/// Trains and writes `model`. Every so often (checkpoint_wait() of learning.checkpoint_seconds) a checkpoint is written to `checkpoint`; where one
/// lies there already, training goes on from it and ends in the same bits as an uninterrupted run. On Ctrl-C: a last checkpoint, then Interrupted
/// with `how_to_go_on`. Throws DataError where the texts are no longer those that the checkpoint was made from.
/// What is known of the training goes into the model file's attribute `training` and is returned: tokens, nats_per_token (of level 0 while
/// learning, over all passes), parameters, updates, seconds (of learning, interrupted parts added up), tokens_per_second, health
/// (experiments/health_report.hpp), growth (of dynamic depth: experiments/growth_report.hpp), woken (of a curriculum: updates after which each level
/// woke), and of levels what add_work() says. Of dynamic depth the model is of the levels awake at the end. That number, and what cures have left
/// changed, goes into the attribute `cured`, which load_hierarchy() follows.
Summary train(Study& study, const std::string& model, const std::string& checkpoint, const std::string& how_to_go_on, Progress& progress);

/// operations_per_token (multiply-adds) and ticks_per_token, where the level's kind counts them.
void add_work(Summary& level, const Work& work);

/// What train() returned when it made `model`, or nothing where the file does not say. Throws DataError as train() does.
std::optional<Summary> training_of(const Study& study, const std::string& model);

}  // namespace strata
