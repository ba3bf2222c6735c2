#include "experiments/commands.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <set>

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

/// Options that a command would silently pass over are refused: who types them expects something of them.
void expect_options(const Options& options, const std::set<std::string>& allowed) {
  for (const std::string& option : options.given)
    if (option != "word" && allowed.count(option) == 0)
      throw ConfigError("--" + option, "", "means nothing to strata " + options.command + " (strata --help)");
}

/// Tables of keys that belong to no level, world, experiment or measure.
struct Setting {
  const char* name;
  const char* summary;
  std::vector<std::pair<std::string, ParameterTable>> tables;
};

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all{
      {"hierarchy", "how many levels, how wide", {{"hierarchy.", hierarchy_parameters()}}},
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
  if (std::find(command_names.begin(), command_names.end(), command) == command_names.end())
    throw ConfigError("command", command, "there is no such command (strata --help)", nearest(command, command_names));
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
    const auto keys_at = [&](Index level) {
      ParameterTable keys = common_level_parameters(), own = kind.parameters(level);
      keys.insert(keys.end(), own.begin(), own.end());
      return keys;
    };
    if (std::string(kind.name) != "situation") tables.emplace_back("level.0.", keys_at(0));
    if (std::string(kind.name) != "token") tables.emplace_back("level.1.", keys_at(1));
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

}  // namespace

int describe_command(const std::vector<std::string>& words) {
  expect_words("describe", words, 1, "describe NAME (strata list)");
  std::vector<std::string> known;
  for (const auto& [name, text] : descriptions()) {
    known.push_back(name);
    if (name != words[0]) continue;
    std::cout << text;
    return 0;
  }
  throw ConfigError("describe", words[0], "nothing has this name (strata list)", nearest(words[0], known));
}

int devices_command() {
  for (const DeviceDescription& device : list_devices())
    std::printf("%-10s %-12s %s\n", device.name.c_str(), device.available ? "available" : "absent", device.summary.c_str());
  return 0;
}

}  // namespace strata
