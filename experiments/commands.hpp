#pragma once
// The words of the `strata` command.

#include <string>
#include <vector>

#include "experiments/options.hpp"

namespace strata {

/// Runs options.command with the words that follow it; returns the exit code. Throws strata::Error.
int run_command(Options options, const std::vector<std::string>& words);

/// What `strata --help` says of the words behind `strata` beside the options: their keys, and where to read more; "" where they have none.
/// Throws ConfigError for words that nothing is called.
std::string command_help(const std::vector<std::string>& words);

// --- each word
int train_command(Options options);
int run_experiment_command(Options options);  ///< `run NAME` and `evaluate`
int forecast_command(Options options);
int analyse_command(const Options& options, const std::vector<std::string>& words);
int inspect_command(const std::vector<std::string>& words);
int list_command(const std::vector<std::string>& words);
int describe_command(const std::vector<std::string>& words);
int devices_command();

}  // namespace strata
