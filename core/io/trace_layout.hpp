#pragma once
// What a trace consists of, and how it is laid out in the file so that netCDF-4 readers (xarray), h5py, MATLAB and h5dump all open it:
// every dimension of a dataset in group G is named by the dimension scale G/DIMENSION (HDF5 dimension scales, netCDF-4 conventions).

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/io/hdf5.hpp"

namespace strata {

struct TraceAttribute {
  std::string name;
  std::variant<std::string, std::int64_t, double, std::vector<std::uint8_t>, std::vector<std::int64_t>, std::vector<double>> value;
};

/// Size of the dimension along which rows are appended. It comes first, and a group has one of them (usually `time`).
inline constexpr std::int64_t unlimited = -1;

/// One dataset. `units` and `long_name` are never empty ("1" for plain numbers); units must not read "... since ...", which readers take for dates.
struct TraceSpec {
  std::string path;                     ///< "/levels/1/belief"
  std::vector<std::string> dimensions;  ///< {"time", "stream", "unit"}
  Shape sizes;                          ///< {unlimited, 4, 64}; a fixed first size is allowed (write_block)
  NumberType type = NumberType::f32;
  std::string units = "1";
  std::string long_name;
  std::vector<TraceAttribute> attributes = {};  ///< flag_values, flag_meanings, ...
  Shape chunk = {};                             ///< empty: whole rows, about 64 KiB
};

struct TraceGroup {
  std::string path;  ///< "/" for the file
  std::vector<TraceAttribute> attributes;
};

/// A dataset named like its only dimension is that dimension's scale and is written like any other (append or write_block).
/// Scales that are not listed are made: fixed ones hold 0, 1, 2, ...; an unlimited one counts on by itself where nothing was appended.
struct TraceLayout {
  std::vector<TraceGroup> groups;
  std::vector<TraceSpec> datasets;
};

/// Makes groups, scales, datasets and attributes in a file that is new. Throws ShapeError for a dimension of two sizes.
/// Floating-point datasets have the fill value NaN, int32 and int64 -1, uint8 0. `deflate` 0 (none) to 9.
void create_layout(Hdf5File& file, const TraceLayout& layout, int deflate);

}  // namespace strata
