#pragma once
// A numeric series from a file: what the `series` world shows, step by step.
//
// Equation       value(t) = (column_1, .. column_C) of row t;  binary: token(t) = column_1 of row t, 0 or 1
// Symbols        columns in the file's own units; time in the file's unit, even steps of the median interval
// Discretisation one row is one step; a row may not be missing: a model would take the next value for the next step's
// Limit          what is read back is what the file says, to the last bit of a double
// Source         RFC 4180 (CSV); HDF5 as netCDF-4 lays a series out: one-dimensional datasets of one length
//
// CSV: the first line names the columns; cells parted by commas, semicolons or tabs (whichever comes first in that line); lines that open
// with '#' are left out. HDF5: a column is a one-dimensional dataset of numbers, by its name or path.

#include <cstdint>
#include <string>
#include <vector>

#include "core/parameter.hpp"

namespace strata::series {

struct Settings {
  std::vector<std::string> columns;  ///< empty: all but time
  std::string time;                  ///< empty: the column "time", else the first
  bool binary = false;               ///< one column of 0 and 1 becomes tokens
  bool uneven = false;               ///< time need only rise
};

ParameterTable parameters();
Settings settings(const Values& values);

struct Table {
  std::string path;
  std::vector<std::string> names;            ///< of the columns chosen, in that order
  std::vector<std::vector<double>> columns;  ///< rows of each
  std::vector<double> time;
  std::vector<std::int64_t> lines;  ///< of each row in the file, 1-based; empty in HDF5

  std::int64_t line(std::size_t row) const { return lines.empty() ? 0 : lines[row]; }
  /// "row 12", for files that have no lines; else nothing.
  std::string place(std::size_t row) const { return lines.empty() ? "row " + std::to_string(row + 1) + ": " : ""; }
};

/// Columns wanted of those that the file has, as places in `names`; `time` is taken out of the default.
struct Choice {
  std::size_t time = 0;
  std::vector<std::size_t> columns;
};
/// Throws ConfigError for a column that is not there, DataError where nothing is left to read.
Choice choose(const std::string& path, const std::vector<std::string>& names, const Settings& settings);

Table read_csv(const std::string& path, const std::string& text, const Settings& settings);
Table read_hdf5(const std::string& path, const Settings& settings);

/// Reads and checks: at least one row, every cell a finite number, time rising by even steps, 0 and 1 where binary.
/// Throws FileError, DataError naming file and line, ConfigError.
Table read(const std::string& path, const Settings& settings);

}  // namespace strata::series
