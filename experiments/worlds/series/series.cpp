// Which columns are read, and what a series may not do.

#include "experiments/worlds/series/series.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/io/file.hpp"

namespace strata::series {
namespace {

constexpr double uneven_part = 1e-3;  // of a step: what rounding of printed times may make
const std::string hdf5_signature = "\x89HDF\r\n\x1a\n";

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    const auto first = text.find_first_not_of(" \t", begin);
    if (first < end) names.push_back(text.substr(first, text.find_last_not_of(" \t", end - 1) - first + 1));
    begin = end + 1;
  }
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  std::string all;
  for (std::size_t i = 0; i < names.size() && i < 8; ++i) all += (i == 0 ? "" : ", ") + names[i];
  return names.size() > 8 ? all + ", .." : all;
}

std::size_t find(const std::string& key, const std::string& name, const std::string& path, const std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw ConfigError(key, name, "no such column in " + path + " (it has " + listed(names) + ")", nearest(name, names));
  return static_cast<std::size_t>(found - names.begin());
}

void check_finite(const Table& table) {
  const auto check = [&](const std::vector<double>& column, const std::string& name) {
    for (std::size_t t = 0; t < column.size(); ++t)
      if (!std::isfinite(column[t]))
        throw DataError(table.path, table.line(t),
                        table.place(t) + "column '" + name + "' holds " + to_text(column[t]) + ", which is not finite");
  };
  check(table.time, "time");
  for (std::size_t k = 0; k < table.columns.size(); ++k) check(table.columns[k], table.names[k]);
}

/// Time rises, and by even steps: what is not there must not be taken for the next step.
void check_time(const Table& table, bool uneven) {
  std::vector<double> steps;
  for (std::size_t t = 1; t < table.time.size(); ++t) {
    steps.push_back(table.time[t] - table.time[t - 1]);
    if (steps.back() <= 0)
      throw DataError(table.path, table.line(t),
                      table.place(t) + "time " + to_text(table.time[t]) + " follows " + to_text(table.time[t - 1]) +
                          "; sort the rows by time, one row per time");
  }
  if (uneven || steps.size() < 2) return;
  auto sorted = steps;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  for (std::size_t t = 0; t < steps.size(); ++t)
    if (std::abs(steps[t] - *middle) > uneven_part * *middle)
      throw DataError(table.path, table.line(t + 1),
                      table.place(t + 1) + "a gap: time " + to_text(table.time[t + 1]) + " follows " + to_text(table.time[t]) +
                          ", where steps are " + to_text(*middle) + "; fill in the missing rows, or set world.uneven = true");
}

void check_binary(const Table& table) {
  if (table.columns.size() != 1)
    throw ConfigError("world.binary", "true",
                      "reads one column and " + table.path + " gives " + listed(table.names) + "; name one (world.column)");
  for (std::size_t t = 0; t < table.time.size(); ++t)
    if (table.columns[0][t] != 0 && table.columns[0][t] != 1)
      throw DataError(
          table.path, table.line(t),
          table.place(t) + "column '" + table.names[0] + "' holds " + to_text(table.columns[0][t]) + " where world.binary reads 0 or 1");
}

}  // namespace

ParameterTable parameters() {
  return {
      {"column", std::string(), 0, 0, {}, "", "columns to read, parted by commas; nothing: all but time", ""},
      {"time", std::string(), 0, 0, {}, "", "the time column; nothing: 'time', else the first", ""},
      {"binary", false, 0, 1, {}, "", "one column of 0 and 1, read as two tokens", ""},
      {"uneven", false, 0, 1, {}, "", "times need only rise; each row is one step whatever lies between", ""},
  };
}

Settings settings(const Values& values) {
  Settings s;
  s.columns = split(values.text("column"));
  s.time = values.text("time");
  s.binary = values.flag("binary");
  s.uneven = values.flag("uneven");
  return s;
}

Choice choose(const std::string& path, const std::vector<std::string>& names, const Settings& settings) {
  Choice choice;
  const auto time = std::find(names.begin(), names.end(), "time");
  if (!settings.time.empty())
    choice.time = find("world.time", settings.time, path, names);
  else if (time != names.end())
    choice.time = static_cast<std::size_t>(time - names.begin());
  for (const std::string& name : settings.columns) {
    const std::size_t k = find("world.column", name, path, names);
    if (k == choice.time) throw ConfigError("world.column", name, "is the time column; name another (world.time)");
    if (std::find(choice.columns.begin(), choice.columns.end(), k) != choice.columns.end())
      throw ConfigError("world.column", name, "is named twice");
    choice.columns.push_back(k);
  }
  for (std::size_t k = 0; k < names.size() && settings.columns.empty(); ++k)
    if (k != choice.time) choice.columns.push_back(k);
  if (choice.columns.empty())
    throw DataError(path, 0, "has the one column '" + names[choice.time] + "', which is taken for time; a series has time and values");
  return choice;
}

Table read(const std::string& path, const Settings& settings) {
  const std::string bytes = read_file(path);
  const bool hdf5 = bytes.compare(0, hdf5_signature.size(), hdf5_signature) == 0;
  Table table = hdf5 ? read_hdf5(path, settings) : read_csv(path, bytes, settings);
  if (table.time.empty()) throw DataError(path, 0, "names its columns but has no rows");
  check_finite(table);
  check_time(table, settings.uneven);
  if (settings.binary) check_binary(table);
  return table;
}

}  // namespace strata::series
