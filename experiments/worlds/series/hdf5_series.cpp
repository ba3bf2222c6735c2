// A series in an HDF5 file: one-dimensional datasets of one length.

#include "core/error.hpp"
#include "core/io/hdf5.hpp"
#include "experiments/worlds/series/series.hpp"

namespace strata::series {
namespace {

bool is_column(const Hdf5File& file, const std::string& dataset) { return file.shape(dataset).size() == 1 && !file.is_text(dataset); }

std::vector<double> column_of(const Hdf5File& file, const std::string& name) {
  if (file.is_text(name)) throw DataError(file.path(), 0, "dataset '" + name + "' holds text where numbers are expected");
  if (file.shape(name).size() != 1)
    throw DataError(file.path(), 0, "dataset '" + name + "' has shape " + to_text(file.shape(name)) + "; a column has one dimension");
  return file.read<double>(name).data;
}

/// What may be chosen: datasets of the root that are columns, and what the user names, wherever it lies.
std::vector<std::string> names_in(const Hdf5File& file, const Settings& settings) {
  std::vector<std::string> names;
  for (const std::string& name : file.datasets())
    if (is_column(file, name)) names.push_back(name);
  const auto add = [&](const std::string& name) {
    for (const std::string& known : names)
      if (known == name) return;
    if (!name.empty() && file.exists(name) && !file.is_group(name)) names.push_back(name);
  };
  for (const std::string& name : settings.columns) add(name);
  add(settings.time);
  return names;
}

}  // namespace

Table read_hdf5(const std::string& path, const Settings& settings) {
  hdf5_quiet();
  const Hdf5File file(path);
  const auto names = names_in(file, settings);
  if (names.empty())
    throw DataError(path, 0, "has no one-dimensional dataset of numbers in its root; name columns by their path (world.column)");
  const Choice choice = choose(path, names, settings);
  Table table;
  table.path = path;
  table.time = column_of(file, names[choice.time]);
  for (const std::size_t k : choice.columns) {
    table.names.push_back(names[k]);
    table.columns.push_back(column_of(file, names[k]));
    if (table.columns.back().size() != table.time.size())
      throw DataError(path, 0,
                      "dataset '" + names[k] + "' has " + std::to_string(table.columns.back().size()) + " rows where '" +
                          names[choice.time] + "' has " + std::to_string(table.time.size()));
  }
  return table;
}

}  // namespace strata::series
