// `strata inspect FILE.h5`: what is in a model, a checkpoint or a trace, in words; then every array with its size.

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.hpp"
#include "core/io/hdf5.hpp"
#include "core/io/summary.hpp"
#include "experiments/commands.hpp"

namespace strata {

namespace {

/// An attribute as text, "" where there is none.
std::string attribute(const Hdf5File& file, const std::string& object, const std::string& name) {
  if (!file.has_attribute(object, name)) return "";
  if (file.is_text_attribute(object, name)) return file.text_attribute(object, name);
  std::ostringstream text;
  text << file.number_attribute(object, name);
  return text.str();
}

void line(const std::string& name, const std::string& value) {
  if (!value.empty()) std::printf("  %-14s %s\n", name.c_str(), value.c_str());
}

std::string made_by(const Hdf5File& file) {
  const std::string version = attribute(file, "/", "strata_version"), created = attribute(file, "/", "created");
  if (version.empty()) return "not made by strata";
  const std::string commit = attribute(file, "/", "commit").substr(0, 12),
                    changed = attribute(file, "/", "dirty") == "true" ? ", changed" : "";
  return "strata " + version + " (" + commit + changed + ")" + (created.empty() ? "" : ", " + created);
}

std::string ran_on(const Hdf5File& file) {
  const std::string device = attribute(file, "/", "device"), threads = attribute(file, "/", "threads");
  return device.empty() ? ""
                        : "device " + device + " " + attribute(file, "/", "isa") + ", " + threads +
                              (threads == "1" ? " thread" : " threads") + ", seed " + attribute(file, "/", "seed");
}

std::string learned(const Hdf5File& file) {
  const std::string note = attribute(file, "/", "training");
  if (note.empty()) return "";
  const Summary s = Summary::from_json(note, file.path());
  char text[160];
  std::snprintf(text, sizeof text, "%.0f tokens, %.3f nats/token on the way, %.0f parameters", s.number("tokens").value_or(0),
                s.number("nats_per_token").value_or(0), s.number("parameters").value_or(0));
  return text;
}

/// "emma.txt (887071 bytes), ..."; a long list is cut.
std::string inputs(const Hdf5File& file) {
  const auto list = nlohmann::json::parse(attribute(file, "/", "inputs"), nullptr, false);
  if (!list.is_array()) return "";
  std::string text;
  for (std::size_t i = 0; i < list.size() && i < 8; ++i)
    if (list[i].is_object())
      text += (i == 0 ? "" : ", ") + list[i].value("name", "") + " (" + std::to_string(list[i].value("bytes", std::int64_t{0})) + " bytes)";
  return list.size() > 8 ? text + ", and " + std::to_string(list.size() - 8) + " more" : text;
}

/// "300 times, 32 streams, 48 units" from the largest dataset of a level.
std::string extent(const Hdf5File& file, const std::string& group) {
  Shape shape;
  for (const std::string& name : file.datasets(group)) {
    const Shape found = file.shape(group + "/" + name);
    if (found.size() > shape.size()) shape = found;
  }
  static const char* const names[] = {" times", " streams", " units"};
  std::string text;
  for (std::size_t i = 0; i < shape.size() && i < 3; ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]) + names[i];
  return text;
}

void print_levels(const Hdf5File& file, const std::string& prefix) {
  if (!file.is_group(prefix + "levels")) return;
  for (const std::string& level : file.groups(prefix + "levels")) {
    const std::string group = prefix + "levels/" + level;
    std::string text = attribute(file, group, "name");
    const std::string constant = attribute(file, group, "time_constant"), tick = attribute(file, group, "tick");
    if (!constant.empty()) text += ", time constant " + constant + " tokens";
    if (!tick.empty()) text += ", tick " + tick;
    line("level " + level, text + (text.empty() ? "" : ": ") + extent(file, group));
  }
}

void print_trace(const Hdf5File& file) {
  line("experiment", attribute(file, "/", "experiment"));
  print_levels(file, "/");
  if (!file.is_group("/conditions")) return;
  for (const std::string& name : file.groups("/conditions")) {
    const std::string reference = attribute(file, "/conditions/" + name, "reference");
    line("condition",
         name + (reference.empty() ? "" : ", to be compared with " + (reference == "/" ? std::string("the root levels") : reference)));
  }
}

void print_configuration(const Hdf5File& file) {
  std::istringstream lines(attribute(file, "/", "config"));
  bool any = false;
  for (std::string text; std::getline(lines, text); any = true) std::printf("%s  %s\n", any ? "" : "configuration\n", text.c_str());
}

void print_arrays(const Hdf5File& file) {
  double numbers = 0;
  std::printf("arrays\n");
  for (const auto& path : file.all_datasets("/")) {
    const Shape shape = file.shape(path);
    std::string text;
    for (const auto size : shape) text += (text.empty() ? "" : " x ") + std::to_string(size);
    numbers += static_cast<double>(elements(shape));
    std::printf("  %-52s %s\n", path.c_str(), text.empty() ? "1" : text.c_str());
  }
  std::printf("  %.0f numbers in all\n", numbers);
}

}  // namespace

int inspect_command(const std::vector<std::string>& words) {
  if (words.size() != 1) throw ConfigError("inspect", words.empty() ? "" : words.back(), "is used as: strata inspect FILE.h5");
  const Hdf5File file(words[0]);
  std::string kind = attribute(file, "/", "kind");
  const bool trace = kind.empty() && file.is_group("/levels");
  if (kind.empty()) kind = trace ? "trace" : "HDF5 file, neither a model nor a trace";
  std::printf("%s: a %s\n", words[0].c_str(), kind.c_str());
  line("made by", made_by(file));
  line("run", ran_on(file));
  line("learned from", learned(file));
  line("texts", inputs(file));
  if (trace) print_trace(file);
  print_configuration(file);
  print_arrays(file);
  return 0;
}

}  // namespace strata
