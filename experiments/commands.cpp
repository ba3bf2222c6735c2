#include "experiments/commands.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>

#include "analysis/measure.hpp"
#include "core/error.hpp"
#include "core/objective/term.hpp"
#include "core/relaxation.hpp"
#include "experiments/experiment.hpp"
#include "experiments/forecast.hpp"
#include "experiments/invocation.hpp"
#include "experiments/sampled_study.hpp"
#include "experiments/text_study.hpp"
#include "experiments/worlds/registry.hpp"
#include "levels/build.hpp"
#include "levels/registry.hpp"

namespace strata {

namespace {

const std::vector<std::string> command_names{"train", "run", "evaluate", "forecast", "analyse", "inspect", "list", "describe", "devices"};

void expect_words(const std::string& command, const std::vector<std::string>& words, std::size_t count, const std::string& usage) {
  if (words.size() != count) throw ConfigError(command, words.empty() ? "" : words.back(), "is used as: strata " + usage);
}

void require_command(const std::string& command) {
  if (std::find(command_names.begin(), command_names.end(), command) == command_names.end())
    throw ConfigError("command", command, "there is no such command (strata --help)", nearest(command, command_names));
}

/// Options that a command would silently pass over are refused: who types them expects something of them.
void expect_options(const Options& options, const std::set<std::string>& allowed) {
  for (const std::string& option : options.given)
    if (option != "word" && allowed.count(option) == 0)
      throw ConfigError("--" + option, "", "means nothing to strata " + options.command + " (strata --help)");
}

/// Every key of a kind of level that stands at `level`.
ParameterTable keys_at(const LevelKind& kind, Index level) {
  ParameterTable keys = common_level_parameters(), own = kind.parameters(level);
  keys.insert(keys.end(), own.begin(), own.end());
  return keys;
}

/// Tables of keys that belong to no world, experiment or measure.
struct Setting {
  const char* name;
  const char* summary;
  std::vector<std::pair<std::string, ParameterTable>> tables;
};

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all{
      {"hierarchy", "how many levels, how wide", {{"hierarchy.", hierarchy_parameters()}}},
      {"level",
       "every level, by its number; here of the kinds that stand there unless level.L.kind says other",
       {{"level.0.", keys_at(find_level_kind("token"), 0)}, {"level.1.", keys_at(find_level_kind("situation"), 1)}}},
      {"relaxation", "how beliefs settle", {{"relaxation.", RelaxationSettings::parameters()}}},
      {"learning",
       "how weights change",
       {{"learning.", LearningSettings::parameters()},
        {"learning.", ScheduleSettings::parameters()},
        {"learning.", checkpoint_parameters()}}},
      {"monitor", "the levels' health while they learn, and its cures", {{"monitor.", HealthSettings::parameters()}}},
      {"growth", "how many levels wake while they learn", {{"growth.", GrowthSettings::parameters()}}},
      {"world", "how much of the text is read", {{"world.", amount_parameters()}}},
      {"record", "what a run records, and how often", {{"record.", RecordSettings::parameters()}}},
      {"forecast", "what the command `forecast` shows", {{"forecast.", forecast_parameters()}}},
      {"run", "what the options of the command line say, as config.ini holds it", {{"run.", run_parameters()}}},
  };
  return all;
}

constexpr const char* columns = "Keys for --set KEY=VALUE or a configuration: key, default, range, unit, meaning\n";

}  // namespace

int run_command(Options options, const std::vector<std::string>& words) {
  const std::string command = options.command;
  if (command == "train") {
    expect_words(command, words, 0, "train --text PATH [--out DIR] [--model FILE]");
    return train_command(std::move(options));
  }
  if (command == "run" || command == "evaluate") {
    if (command == "run" && words.size() != 1 && options.resume.empty())
      expect_words(command, words, 1, "run NAME --text PATH (strata list experiments)");
    if (command == "evaluate") expect_words(command, words, 0, "evaluate --text PATH [--held-out PATH] [--model FILE]");
    options.experiment = command == "evaluate" ? "evaluate" : (words.empty() ? "" : words[0]);
    return run_experiment_command(std::move(options));
  }
  if (command == "forecast") {
    expect_words(command, words, 0, "forecast --model MODEL.h5 [--text FILE | -]");
    expect_options(options, {"model", "text", "config", "set", "device", "isa", "threads", "json", "quiet"});
    return forecast_command(std::move(options));
  }
  if (command == "analyse") {
    expect_options(options, {"config", "set", "json", "quiet"});
    read_configuration(options);
    return analyse_command(options, words);
  }
  require_command(command);
  expect_options(options, {"quiet"});
  if (command == "inspect") return inspect_command(words);
  if (command == "list") return list_command(words);
  if (command == "describe") return describe_command(words);
  return devices_command();
}

int analyse_command(const Options& options, const std::vector<std::string>& words) {
  expect_words("analyse", words, 2, "analyse NAME TRACE.h5 (strata list measures)");
  Configuration configuration = options.configuration;
  const MeasureResult result = analyse(words[0], words[1], configuration);
  configuration.check_all_read();
  std::cout << (options.json ? to_json(result) + "\n" : to_table(result));
  return 0;
}

int list_command(const std::vector<std::string>& words) {
  if (words.size() > 1) expect_words("list", words, 1, "list [levels|terms|experiments|worlds|measures|settings]");
  static const std::vector<std::string> kinds{"levels", "terms", "experiments", "worlds", "measures", "settings"};
  const std::string wanted = words.empty() ? "" : words[0];
  bool any = false;
  const auto section = [&](const std::string& name, const auto& things, const auto& name_of, const auto& summary_of) {
    if (!wanted.empty() && wanted != name) return;
    any = true;
    std::printf("%s\n", name.c_str());
    for (const auto& thing : things)
      std::printf("  %-20s %s\n", std::string(name_of(thing)).c_str(), std::string(summary_of(thing)).c_str());
  };
  const auto name_of = [](const auto& x) { return x.name; };
  const auto summary_of = [](const auto& x) { return x.summary; };
  section("levels", level_kinds(), name_of, summary_of);
  section("terms", term_kinds(), name_of, summary_of);
  section("experiments", experiments(), name_of, summary_of);
  section("worlds", world_kinds(), name_of, summary_of);
  section("measures", measures(), name_of, summary_of);
  section("settings", settings(), name_of, summary_of);
  if (!any)
    throw ConfigError("list", wanted, "must be one of levels, terms, experiments, worlds, measures, settings", nearest(wanted, kinds));
  std::printf("\nstrata describe NAME says more. Keys of the world text are text.*, those of an experiment bear its name (evaluate.*).\n");
  return 0;
}

namespace {

/// "name: summary", the definition where there is one, and the tables.
std::string description(const std::string& name, const std::string& summary, const std::string& definition,
                        const std::vector<std::pair<std::string, ParameterTable>>& tables) {
  std::string text = name + ": " + summary + "\n\n" + (definition.empty() ? "" : definition + "\n\n") + columns;
  for (const auto& [prefix, table] : tables) text += describe(table, prefix);
  return text;
}

/// Everything that has a name, with its description.
std::vector<std::pair<std::string, std::string>> descriptions() {
  std::vector<std::pair<std::string, std::string>> all;
  for (const LevelKind& kind : level_kinds()) {
    // A kind that reads the world has keys of its own at the bottom; the token level stands nowhere else.
    std::vector<std::pair<std::string, ParameterTable>> tables;
    if (std::string(kind.name) != "situation") tables.emplace_back("level.0.", keys_at(kind, 0));
    if (std::string(kind.name) != "token") tables.emplace_back("level.1.", keys_at(kind, 1));
    if (tables.size() == 2 && describe(tables[0].second, "") == describe(tables[1].second, "")) tables.erase(tables.begin());
    all.emplace_back(kind.name, description(kind.name, kind.summary, "", tables));
  }
  for (const TermKind& kind : term_kinds()) {
    ParameterTable table;
    for (const Parameter& parameter : term_parameters())
      if (parameter.name == kind.name || parameter.name.rfind(std::string(kind.name) + "_", 0) == 0) table.push_back(parameter);
    all.emplace_back(kind.name,
                     description(kind.name, kind.summary,
                                 "A term of what situation levels learn; its equation: core/objective/" + std::string(kind.name) + ".cpp.",
                                 {{"level.1.", table}}));
  }
  for (const Experiment& e : experiments()) {
    std::string worlds = "Worlds (--world):";
    for (const std::string& world : e.worlds) worlds += " " + world;
    all.emplace_back(e.name, description(e.name, e.summary, e.definition + "\n" + worlds, {{e.name + ".", e.parameters}}));
  }
  for (const WorldKind& w : world_kinds()) {
    auto tables = w.parameters;
    if (w.make) tables.emplace_back("world.", drawing_parameters());
    all.emplace_back(w.name, description(w.name, w.summary, "", tables));
  }
  for (const Measure& measure : measures()) all.emplace_back(measure.name, describe(measure));
  for (const Setting& s : settings()) all.emplace_back(s.name, description(s.name, s.summary, "", s.tables));
  return all;
}

/// With one blank wherever several stand: tables pad their columns, each as its own keys need.
std::string blanks_once(std::string text) {
  text.erase(std::unique(text.begin(), text.end(), [](char a, char b) { return a == ' ' && b == ' '; }), text.end());
  return text;
}

/// A key and the line that says what it is.
std::vector<std::pair<std::string, std::string>> key_lines(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto end = line.find(' ', 2);
    if (line.starts_with("  ") && end != std::string::npos && line.substr(2, end - 2).find('.') != std::string::npos)
      found.emplace_back(line.substr(2, end - 2), line);
  }
  return found;
}

/// "level.3.tau" as 3 and "tau", "level.3" as 3 and ""; nothing where a word is of no level.
std::optional<std::pair<Index, std::string>> level_part(const std::string& word) {
  const std::string group = "level.";
  Index level = 0;
  if (!word.starts_with(group)) return std::nullopt;
  const char* const end = word.data() + word.size();
  const auto number = std::from_chars(word.data() + group.size(), end, level);
  if (number.ec != std::errc() || level < 0 || (number.ptr != end && *number.ptr != '.')) return std::nullopt;
  return std::pair(level, number.ptr == end ? "" : std::string(number.ptr + 1, end));
}

/// A key of a level for every kind that has it, with the default that it has at that level; "" where none has.
std::string level_key_description(Index level, const std::string& name) {
  const std::string prefix = level_key(level);
  std::string text;
  for (const LevelKind& kind : level_kinds()) {
    if (std::string(kind.name) == (level == 0 ? "situation" : "token")) continue;  // stands elsewhere
    for (const Parameter& p : keys_at(kind, level))
      if (p.name == name) text += std::string(kind.name) + "\n" + describe({p}, prefix);
  }
  return text.empty() ? text : prefix + name + ": a key of these kinds of level (strata list levels)\n\n" + columns + text;
}

/// What a name or a key stands for. Throws ConfigError naming the nearest.
std::string description_of(const std::string& word) {
  std::string wanted = word;
  if (const auto part = level_part(word)) {
    const auto& [level, key] = *part;
    if (std::string text = level_key_description(level, key); !text.empty()) return text;
    if (key.empty()) wanted = level == 0 ? "token" : "situation";             // the kind that stands there unless told otherwise
    if (!key.empty()) wanted = (level == 0 ? "level.0." : "level.1.") + key;  // levels above the lowest have the same keys
  }
  std::vector<std::string> known;
  std::vector<std::pair<std::string, std::string>> found;  // a line that says what the key is, and of what it is one
  for (const auto& [name, text] : descriptions()) {
    if (name == wanted) return text;
    known.push_back(name);
    for (const auto& [key, line] : key_lines(text)) {
      known.push_back(key);
      if (key != wanted) continue;
      const auto same =
          std::find_if(found.begin(), found.end(), [&line = line](const auto& f) { return blanks_once(f.first) == blanks_once(line); });
      if (same == found.end())
        found.emplace_back(line, name);
      else
        same->second += ", " + name;
    }
  }
  if (!found.empty()) {
    std::string text;
    for (const auto& [line, names] : found)
      text += "a key of " + names + "\n\n" + columns + line + "\n" + (&line == &found.back().first ? "" : "\n");
    return wanted + ": " + text;
  }
  if (std::find(command_names.begin(), command_names.end(), wanted) != command_names.end())
    throw ConfigError("describe", word, "is a command: strata --help says how it is used, strata list settings which keys it reads");
  std::string ending;  // keys that end so: "tau" for level.1.tau
  for (const std::string& key : known)
    if (key.ends_with("." + wanted) && ending.find(key) == std::string::npos) ending += (ending.empty() ? "" : ", ") + key;
  if (!ending.empty()) throw ConfigError("describe", word, "is the end of these keys: " + ending + "; describe one of them");
  std::string near = nearest(wanted, known);
  const auto asked = level_part(word), found_at = level_part(near);
  if (asked && found_at && !level_key_description(asked->first, found_at->second).empty()) near = level_key(asked->first, found_at->second);
  throw ConfigError("describe", word, "nothing has this name (strata list)", near);
}

std::string list_line(const std::string& name, const std::string& summary) {
  char line[300];
  std::snprintf(line, sizeof line, "  %-20s %s\n", name.c_str(), summary.c_str());
  return line;
}

/// The groups of keys that every command that learns has.
std::string learning_groups() {
  std::string text = "Learning, the levels and the text have keys of their own. strata describe GROUP says which:\n";
  for (const Setting& s : settings())
    if (std::string(s.name) != "forecast") text += list_line(s.name, s.summary);
  return text + list_line("text", "how a text is read (text.*)") +
         "strata describe KEY says what one key means; experiments/config/*.ini are ready configurations, README.md says more.\n";
}

}  // namespace

int describe_command(const std::vector<std::string>& words) {
  expect_words("describe", words, 1, "describe NAME (strata list)");
  std::cout << description_of(words[0]);
  return 0;
}

std::string command_help(const std::vector<std::string>& words) {
  const std::string& command = words[0];
  if (command == "help") return words.size() > 1 ? command_help({words.begin() + 1, words.end()}) : "";
  require_command(command);
  const std::string name = words.size() > 1 ? words[1] : "";
  if (command == "train") return "\n" + learning_groups();
  if (command == "evaluate" || (command == "run" && !name.empty())) {
    const Experiment& experiment = find_experiment(command == "evaluate" ? command : name);
    return "\n" + description_of(experiment.name) + (experiment.trained ? "\n" + learning_groups() : "");
  }
  if (command == "forecast") return "\n" + description_of(command);
  if (command == "analyse" && !name.empty()) return "\n" + describe(find_measure(name));
  std::string text;
  if (command == "run") {
    for (const Experiment& e : experiments()) text += list_line(e.name, e.summary);
    text = "\nExperiments; strata run NAME --help says the keys of one:\n" + text;
  }
  if (command == "analyse") {
    for (const Measure& measure : measures()) text += list_line(measure.name, measure.summary);
    text = "\nMeasures; strata analyse NAME --help says the keys of one:\n" + text;
  }
  return text;
}

int devices_command() {
  for (const DeviceDescription& device : list_devices())
    std::printf("%-10s %-12s %s\n", device.name.c_str(), device.available ? "available" : "absent", device.summary.c_str());
  return 0;
}

}  // namespace strata
