#pragma once
// What the command line says, before anything is read.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/device/device.hpp"
#include "core/parameter.hpp"

namespace strata {

struct Options {
  std::string command;     ///< train, run, evaluate, ...
  std::string experiment;  ///< NAME of `strata run NAME`
  std::string world = "text";
  std::vector<std::string> text, held_out, foreign;
  std::string model, out, resume;
  std::string model_out;  ///< `train --model FILE`: where the model goes besides the result folder
  std::uint64_t seed = 1;
  int seeds = 1;
  DeviceOptions device;
  bool standard_input = false;  ///< the text to read is standard input, in place of held_out
  bool quick = false, json = false, quiet = false;
  bool figures = true;            ///< run.figures
  std::set<std::string> given;    ///< names of the options that were typed, without dashes
  std::string vocabulary_from;    ///< a checkpoint or model of this very run that holds the vocabulary already; or empty
  std::string config_file;        ///< --config
  std::string config_text;        ///< what stood in it
  std::vector<std::string> sets;  ///< --set, in order
  Configuration configuration;    ///< what those two assign
};

}  // namespace strata
