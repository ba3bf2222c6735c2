// The `strata` command: what the words mean is in commands.hpp; here they are read.

#include <poll.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>

#include "core/error.hpp"
#include "core/io/file.hpp"
#include "core/io/provenance.hpp"
#include "experiments/commands.hpp"

namespace po = boost::program_options;

namespace strata {
namespace {

po::options_description options_description(Options& o, std::vector<std::string>& sets, std::string& config, std::int64_t& seed) {
  po::options_description d("Options", 120, 60);
  d.add_options()("help,h", "this text");
  d.add_options()("version", "version, commit and compiler");
  d.add_options()("world", po::value(&o.world)->value_name("NAME"), "source of observations (text)");
  d.add_options()("text", po::value(&o.text)->composing()->value_name("PATH"), "a UTF-8 file, or a folder of .txt files; repeatable");
  d.add_options()("held-out", po::value(&o.held_out)->composing()->value_name("PATH"),
                  "text to score on; without it every tenth document of --text, never trained on, or as text.hold_out says");
  d.add_options()("foreign", po::value(&o.foreign)->composing()->value_name("FILE"), "where surprise_recovery takes foreign passages from");
  d.add_options()("model", po::value(&o.model)->value_name("FILE"), "a trained model; `train` writes it");
  d.add_options()("out", po::value(&o.out)->value_name("DIR"), "result folder (default results/NAME/DATE-HASH)");
  d.add_options()("config", po::value(&config)->value_name("FILE.ini"), "configuration, see experiments/config");
  d.add_options()("set", po::value(&sets)->composing()->value_name("KEY=VALUE"), "one key, as in --set level.2.tau=64; repeatable");
  d.add_options()("resume", po::value(&o.resume)->value_name("DIR"), "go on with an interrupted run");
  d.add_options()("seed", po::value(&seed)->value_name("N"), "seed of everything random (1)");
  d.add_options()("seeds", po::value(&o.seeds)->value_name("K"), "K runs with seeds N, N+1, ..; one summary with the spread");
  d.add_options()("threads", po::value(&o.device.threads)->value_name("N"), "threads (all); results do not depend on it");
  d.add_options()("device", po::value(&o.device.name)->value_name("NAME"), "reference, cpu, cuda or check (cpu)");
  d.add_options()("isa", po::value(&o.device.isa)->value_name("NAME"), "instruction set: auto, x86-64-v2, x86-64-v3, x86-64-v4");
  d.add_options()("plastic", "evaluate: also score while going on learning, each token before it is learned from");
  d.add_options()("quick", po::bool_switch(&o.quick), "the smallest run that still means something");
  d.add_options()("json", po::bool_switch(&o.json), "summary to standard output, as JSON");
  d.add_options()("quiet", po::bool_switch(&o.quiet), "no progress");
  return d;
}

/// Every long option of `d`, with its dashes.
std::vector<std::string> option_names(const po::options_description& d) {
  std::vector<std::string> names;
  for (const auto& o : d.options()) names.push_back("--" + o->long_name());
  return names;
}

/// What is wrong with an option that is known, in our words.
[[noreturn]] void bad_option(const po::error_with_option_name& e) {
  const std::string option = e.get_option_name(), what = e.what();
  if (dynamic_cast<const po::validation_error*>(&e) != nullptr) {
    const auto begin = what.find("('"), end = what.find("')");  // the argument ('12a') for option ...
    throw ConfigError(option, begin < end && end != std::string::npos ? what.substr(begin + 2, end - begin - 2) : "",
                      "must be a whole number");
  }
  if (dynamic_cast<const po::multiple_occurrences*>(&e) != nullptr) throw ConfigError(option, "", "is given twice");
  const auto* syntax = dynamic_cast<const po::invalid_syntax*>(&e);
  if (syntax != nullptr && syntax->kind() == po::invalid_syntax::missing_parameter)
    throw ConfigError(option, "", "needs a value (strata --help)");
  if (syntax != nullptr && syntax->kind() == po::invalid_syntax::extra_parameter)
    throw ConfigError(option, "", "takes no value (strata --help)");
  throw ConfigError(option, "", what + " (strata --help)");
}

void require_range(const char* option, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low || value > high)
    throw ConfigError(option, std::to_string(value), "must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
}

void usage(std::ostream& out, const po::options_description& d) {
  out << "strata: hierarchies of predictive-coding levels that read text\n\n"
         "  strata train --text PATH               learn a hierarchy\n"
         "  strata run NAME --text PATH            run an experiment (trains first when no --model)\n"
         "  strata evaluate --text PATH            score held-out text, level by level\n"
         "  strata forecast --model MODEL.h5       read a text (--text FILE, or standard input), say what each level expects next\n"
         "  strata analyse NAME TRACE.h5           one measure from a recorded trace\n"
         "  strata inspect FILE.h5                 what is in a model or a trace\n"
         "  strata list [levels|terms|experiments|worlds|measures|settings]\n"
         "  strata describe NAME                   definition and parameters of any of these\n"
         "  strata devices                         what strata can run on here\n\n"
      << d << "\nExit codes: 0 done, 2 usage or configuration, 3 data, 4 numerical, 5 device, 6 file, 130 interrupted\n";
}

/// Whoever read standard output through a pipe has gone, as `head` does: no fault of anybody's.
bool reader_left() {
  pollfd out{STDOUT_FILENO, 0, 0};
  return poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
}

/// Throws FileError where standard output could not be written. Ends the process, as the system would have, where nobody reads on.
void close_output() {
  std::cout.flush();
  if (std::fflush(stdout) == 0 && std::cout) return;
  if (reader_left()) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  throw FileError("standard output", "", "cannot be written; is the disk full?");
}

int dispatch(int argc, char** argv) {
  Options o;
  std::vector<std::string> words, sets;
  std::string config;
  std::int64_t seed = 1;
  po::options_description shown = options_description(o, sets, config, seed), all;
  all.add(shown).add_options()("word", po::value(&words));
  po::positional_options_description positional;
  positional.add("word", -1);
  po::variables_map map;
  try {
    const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(argc, argv).options(all).positional(positional).style(style).run(), map);
    po::notify(map);
  } catch (const po::unknown_option& e) {
    throw ConfigError(e.get_option_name(), "", "there is no such option (strata --help)",
                      nearest(e.get_option_name(), option_names(shown)));
  } catch (const po::error_with_option_name& e) { bad_option(e); } catch (const po::error& e) {
    throw ConfigError("command line", "", std::string(e.what()) + " (strata --help)");
  }
  if (map.count("version") != 0) {
    const Provenance build = build_provenance();
    std::cout << "strata " << build.strata_version << " (" << build.commit << (build.dirty ? ", changed" : "") << ", " << build.compiler
              << ")\n";
    return 0;
  }
  if (map.count("help") != 0 || words.empty() || words[0] == "help") {
    const bool asked = map.count("help") != 0 || !words.empty();
    const std::string own = words.empty() ? "" : command_help(words);  // first: it may refuse the words
    usage(asked ? std::cout : std::cerr, shown);
    std::cout << own;
    return asked ? 0 : 2;
  }
  require_range("--seed", seed, 0, 9007199254740992);  // 2^53: exact in JSON
  require_range("--seeds", o.seeds, 1, 1000);
  require_range("--threads", o.device.threads, 0, 1024);
  o.seed = static_cast<std::uint64_t>(seed);
  for (const auto& [name, value] : map)
    if (!value.defaulted()) o.given.insert(name);
  o.command = words[0];
  o.config_file = config;
  if (map.count("plastic") != 0) {
    if (words[0] != "evaluate" && !(words[0] == "run" && words.size() > 1 && words[1] == "evaluate"))
      throw ConfigError("--plastic", "", "means nothing to strata " + words[0] + "; strata evaluate takes it");
    sets.emplace_back("evaluate.plastic=true");
  }
  o.sets = sets;
  words.erase(words.begin());
  return run_command(std::move(o), words);
}

}  // namespace
}  // namespace strata

int main(int argc, char** argv) {
  try {
    const int code = strata::dispatch(argc, argv);
    strata::close_output();
    return code;
  } catch (const strata::Error& e) {
    std::fprintf(stderr, "strata: %s\n", e.what());
    return e.exit_code();
  } catch (const std::bad_alloc&) {
    std::fputs("strata: out of memory; use fewer world.streams or a smaller vocabulary\n", stderr);
    return 5;
  } catch (const std::filesystem::filesystem_error& e) {
    std::fprintf(stderr, "strata: %s: %s\n", e.path1().c_str(), strata::disk_reason(e.code().value()).c_str());
    return 6;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "strata: %s\n", e.what());
    return 6;
  }
}
