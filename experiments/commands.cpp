#include "experiments/commands.hpp"

#include <cstdio>
#include <iostream>

#include "analysis/measure.hpp"
#include "core/error.hpp"
#include "core/io/checkpoint.hpp"
#include "core/io/hdf5.hpp"
#include "core/relaxation.hpp"
#include "experiments/experiment.hpp"
#include "experiments/worlds/registry.hpp"
#include "levels/build.hpp"
#include "levels/registry.hpp"

namespace strata {

namespace {

const std::vector<std::string> command_names{"train", "run", "evaluate", "analyse", "inspect", "list", "describe", "devices"};

void expect_words(const std::string& command, const std::vector<std::string>& words, std::size_t count, const std::string& usage) {
  if (words.size() != count)
    throw ConfigError(command, words.empty() ? "" : words.back(), "is used as: strata " + usage);
}

void read_configuration(Options& options) {
  if (!options.config_file.empty()) options.configuration.read_ini(options.config_file);
  for (const auto& assignment : options.sets) options.configuration.set_assignment(assignment);
}

}  // namespace

int run_command(Options options, const std::vector<std::string>& words) {
  const std::string command = options.command;
  if (command == "train") {
    expect_words(command, words, 0, "train --text PATH [--out DIR] [--model FILE]");
    read_configuration(options);
    return train_command(std::move(options));
  }
  if (command == "run" || command == "evaluate") {
    if (command == "run" && words.size() != 1 && options.resume.empty())
      expect_words(command, words, 1, "run NAME --text PATH (strata list experiments)");
    if (command == "evaluate") expect_words(command, words, 0, "evaluate --text PATH [--held-out PATH] [--model FILE]");
    options.experiment = command == "evaluate" ? "evaluate" : (words.empty() ? "" : words[0]);
    read_configuration(options);
    return run_experiment_command(std::move(options));
  }
  if (command == "analyse") {
    read_configuration(options);
    return analyse_command(options, words);
  }
  if (command == "inspect") return inspect_command(words);
  if (command == "list") return list_command(words);
  if (command == "describe") return describe_command(words);
  if (command == "devices") return devices_command();
  throw ConfigError("command", command, "there is no such command (strata --help)", nearest(command, command_names));
}

int analyse_command(const Options& options, const std::vector<std::string>& words) {
  expect_words("analyse", words, 2, "analyse NAME TRACE.h5 (strata list measures)");
  Configuration configuration = options.configuration;
  const MeasureResult result = analyse(words[0], words[1], configuration);
  configuration.check_all_read();
  std::cout << (options.json ? to_json(result) + "\n" : to_table(result));
  return 0;
}

int inspect_command(const std::vector<std::string>& words) {
  expect_words("inspect", words, 1, "inspect FILE.h5");
  const Hdf5File file(words[0]);
  const auto names = file.attributes("/");
  std::cout << words[0] << "\n";
  for (const auto& name : names) {
    std::string value = file.is_text_attribute("/", name) ? file.text_attribute("/", name) : short_number(file.number_attribute("/", name));
    if (value.find('\n') != std::string::npos || value.size() > 200) value = "(" + std::to_string(value.size()) + " characters)";
    std::printf("  %-16s %s\n", name.c_str(), value.c_str());
  }
  std::fflush(stdout);
  double numbers = 0;
  for (const auto& path : file.all_datasets("/")) {
    std::string shape;
    double elements = 1;
    for (const auto size : file.shape(path)) {
      shape += (shape.empty() ? "" : " x ") + std::to_string(size);
      elements *= static_cast<double>(size);
    }
    numbers += elements;
    std::printf("  %-52s %s\n", path.c_str(), shape.empty() ? "1" : shape.c_str());
  }
  std::printf("  %.0f numbers in all\n", numbers);
  return 0;
}

int list_command(const std::vector<std::string>& words) {
  if (words.size() > 1) expect_words("list", words, 1, "list [levels|experiments|worlds|measures]");
  static const std::vector<std::string> kinds{"levels", "experiments", "worlds", "measures"};
  const std::string wanted = words.empty() ? "" : words[0];
  bool any = false;
  const auto section = [&](const std::string& name, const auto& things, const auto& name_of, const auto& summary_of) {
    if (!wanted.empty() && wanted != name) return;
    any = true;
    std::printf("%s\n", name.c_str());
    for (const auto& thing : things) std::printf("  %-20s %s\n", std::string(name_of(thing)).c_str(), std::string(summary_of(thing)).c_str());
  };
  const auto name_of = [](const auto& x) { return x.name; };
  const auto summary_of = [](const auto& x) { return x.summary; };
  section("levels", level_kinds(), name_of, summary_of);
  section("experiments", experiments(), name_of, summary_of);
  section("worlds", world_kinds(), name_of, summary_of);
  section("measures", measures(), name_of, summary_of);
  if (!any) throw ConfigError("list", wanted, "must be one of levels, experiments, worlds, measures", nearest(wanted, kinds));
  return 0;
}

int describe_command(const std::vector<std::string>& words) {
  expect_words("describe", words, 1, "describe NAME (strata list)");
  const std::string& name = words[0];
  std::vector<std::string> known;
  for (const LevelKind& kind : level_kinds()) {
    known.emplace_back(kind.name);
    if (name != kind.name) continue;
    const Index index = std::string(kind.name) == "token" ? 0 : 1;
    std::cout << kind.name << ": " << kind.summary << "\n\n" << describe(kind.parameters(index), "level." + std::to_string(index) + ".");
    return 0;
  }
  for (const Experiment& experiment : experiments()) {
    known.push_back(experiment.name);
    if (name != experiment.name) continue;
    std::cout << experiment.name << ": " << experiment.summary << "\n\n" << experiment.definition << "\n\n"
              << describe(experiment.parameters, experiment.name + ".");
    return 0;
  }
  for (const WorldKind& world : world_kinds()) {
    known.push_back(world.name);
    if (name != world.name) continue;
    std::cout << world.name << ": " << world.summary << "\n\n";
    for (const auto& [prefix, table] : world.parameters) std::cout << describe(table, prefix);
    return 0;
  }
  for (const Measure& measure : measures()) {
    known.push_back(measure.name);
    if (name == measure.name) {
      std::cout << describe(measure);
      return 0;
    }
  }
  const std::vector<std::pair<std::string, ParameterTable>> others{{"relaxation", RelaxationSettings::parameters()},
                                                                   {"learning", LearningSettings::parameters()},
                                                                   {"hierarchy", hierarchy_parameters()}};
  for (const auto& [key, table] : others) {
    known.push_back(key);
    if (name != key) continue;
    std::cout << describe(table, key + ".");
    return 0;
  }
  throw ConfigError("describe", name, "nothing has this name (strata list)", nearest(name, known));
}

int devices_command() {
  for (const DeviceDescription& device : list_devices())
    std::printf("%-10s %-12s %s\n", device.name.c_str(), device.available ? "available" : "absent", device.summary.c_str());
  return 0;
}

}  // namespace strata
