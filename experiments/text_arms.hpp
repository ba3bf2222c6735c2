#pragma once
// Arms of an experiment on text: the model given, and a control that is trained under other keys on the text given; each reads the same.

#include <string>
#include <vector>

#include "experiments/experiment.hpp"
#include "experiments/text_variant.hpp"
#include "experiments/trials.hpp"

namespace strata {

/// Trains under the study's present keys, or takes what an interrupted run trained. `words` tells the user what is trained. Returns what train() does.
Summary obtain_trained(Bench& bench, const std::string& model, const std::string& checkpoint, const std::string& words);
/// The same into NAME.h5 of the result folder, and returns where that is. `words` tells the user what is trained.
std::string train_variant(Bench& bench, const std::string& name, const std::string& words);

/// The key `control` of an experiment that trains one.
Parameter control_parameter(const std::string& which);
/// Whether it is asked for, and there is a text to train it on.
bool wants_control(const Bench& bench);

/// Reads the trials with the weights of `model`, learning off, and records them into `path`.
void record_texts(Bench& bench, const std::string& model, const std::vector<Condition>& conditions, const TrialWindow& window,
                  const std::string& path);

}  // namespace strata
