#pragma once
// What a run was asked for: as keys of its config.ini, so that the file alone repeats the run, and as run.json in the working folder, so
// that --resume needs nothing but the folder.

#include <string>

#include "core/io/summary.hpp"
#include "experiments/options.hpp"

namespace strata {

/// Keys run.*: seed, text, held_out, foreign, model, device, ...
ParameterTable run_parameters();

/// Reads --config and --set into options.configuration. Throws FileError, ConfigError.
void read_configuration(Options& options);

/// Makes options and keys run.* agree: what was typed wins over the configuration, the configuration over the defaults.
void settle_run_keys(Options& options);

/// The request, for run.json. Paths stay as they were typed, beside the folder they are relative to.
Summary remembered(const Options& options);

/// The request that the interrupted run in `dir` (with or without ".partial") remembers. `now` gives what may differ: threads, json, quiet.
/// Throws FileError where there is none, ConfigError where `now` asks for something else.
Options recalled(const std::string& dir, const Options& now);

/// Name of the file in the working folder; it goes when the run is complete.
inline constexpr const char* request_name = "run.json";

/// A word for a shell, quoted where it must be.
std::string shell_word(const std::string& word);

/// "go on with: build/release/strata run NAME --resume DIR", the command as it was typed
std::string how_to_go_on(const Options& options, const std::string& dir);

/// First lines of config.ini: the command that repeats the run.
std::string config_heading(const Options& options);

}  // namespace strata
