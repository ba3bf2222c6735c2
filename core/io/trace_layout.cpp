#include "core/io/trace_layout.hpp"

#include <hdf5.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>

#include "core/error.hpp"

namespace strata {
namespace {

constexpr std::int64_t chunk_target = std::int64_t{1} << 16;  // bytes: one compressed block of a live trace
constexpr std::int64_t chunk_limit = std::int64_t{1} << 20;   // bytes: the default chunk cache of readers

std::string name_in(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

std::string scale_path(const std::string& dataset, const std::string& dimension) {
  const std::string parent = parent_path(dataset);
  return (parent == "/" ? "" : parent) + "/" + dimension;
}

/// Bytes of one fill element.
std::vector<std::uint8_t> fill_value(NumberType type) {
  std::vector<std::uint8_t> bytes(size_of(type), type == NumberType::u8 ? 0 : 0xff);  // all bits one: -1 in two's complement
  const float single = std::numeric_limits<float>::quiet_NaN();
  const double full = std::numeric_limits<double>::quiet_NaN();
  if (type == NumberType::f32) std::memcpy(bytes.data(), &single, sizeof single);
  if (type == NumberType::f64) std::memcpy(bytes.data(), &full, sizeof full);
  return bytes;
}

bool is_scale(const TraceSpec& spec) { return spec.dimensions.size() == 1 && spec.dimensions[0] == name_in(spec.path); }

void set_attribute(Hdf5File& file, const std::string& object, const TraceAttribute& attribute) {
  const auto list = [&](const auto& values) {
    using T = typename std::decay_t<decltype(values)>::value_type;
    file.set_numbers<T>(object, attribute.name, values, false);
  };
  if (const auto* text = std::get_if<std::string>(&attribute.value)) return file.set_text(object, attribute.name, *text);
  if (const auto* integer = std::get_if<std::int64_t>(&attribute.value)) return file.set_number(object, attribute.name, *integer);
  if (const auto* real = std::get_if<double>(&attribute.value)) return file.set_number(object, attribute.name, *real);
  if (const auto* bytes = std::get_if<std::vector<std::uint8_t>>(&attribute.value)) return list(*bytes);
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&attribute.value)) return list(*integers);
  list(std::get<std::vector<double>>(attribute.value));
}

/// Whole rows along the first dimension, about chunk_target bytes; a huge row is cut along the second dimension and on.
Shape chosen_chunk(const TraceSpec& spec) {
  if (!spec.chunk.empty()) return spec.chunk;
  Shape chunk = spec.sizes;
  for (auto& size : chunk) size = std::max<std::int64_t>(size, 1);
  chunk[0] = 1;
  const auto bytes = [&] { return elements(chunk) * static_cast<std::int64_t>(size_of(spec.type)); };
  for (std::size_t i = 1; i < chunk.size() && bytes() > chunk_limit; ++i)
    chunk[i] = std::max<std::int64_t>(1, chunk[i] / ((bytes() + chunk_limit - 1) / chunk_limit));
  chunk[0] = std::clamp<std::int64_t>(chunk_target / bytes(), 1, 1024);
  if (spec.sizes[0] != unlimited) chunk[0] = std::min(chunk[0], std::max<std::int64_t>(spec.sizes[0], 1));
  return chunk;
}

Hid creation_list(const TraceSpec& spec, int deflate) {
  Hid list(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_attr_creation_order(list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_fill_value(list, hdf5_native(spec.type), fill_value(spec.type).data());
  const bool growing = !spec.sizes.empty() && spec.sizes[0] == unlimited;
  if (!growing && elements(spec.sizes) * static_cast<std::int64_t>(size_of(spec.type)) <= chunk_target) {
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);  // nothing may be allocated for it once SWMR has begun
    return list;
  }
  const Shape chunk = chosen_chunk(spec);
  const std::vector<hsize_t> sizes(chunk.begin(), chunk.end());
  H5Pset_chunk(list, static_cast<int>(sizes.size()), sizes.data());
  if (deflate > 0) {
    H5Pset_shuffle(list);
    H5Pset_deflate(list, static_cast<unsigned>(deflate));
  }
  return list;
}

void require_sound(const TraceSpec& spec) {
  const auto wrong = [&](const std::string& expected, const std::string& got) { throw ShapeError("trace " + spec.path, expected, got); };
  if (spec.path.size() < 2 || spec.path[0] != '/') wrong("an absolute path", "'" + spec.path + "'");
  if (spec.dimensions.size() != spec.sizes.size()) wrong("one name per dimension", to_text(spec.sizes));
  for (std::size_t i = 1; i < spec.sizes.size(); ++i)
    if (spec.sizes[i] == unlimited) wrong("the unlimited dimension first", to_text(spec.sizes));
  if (spec.units.empty() || spec.units.find(" since ") != std::string::npos)
    wrong("units that readers do not take for dates", "'" + spec.units + "'");
  if (spec.long_name.empty()) wrong("a long_name", "none");
}

void create_dataset(Hdf5File& file, const TraceSpec& spec, int deflate) {
  const Hdf5Place place = file.place(spec.path);
  file.make_group(parent_path(spec.path));
  std::vector<hsize_t> sizes, limits;
  for (const std::int64_t size : spec.sizes) {
    sizes.push_back(size == unlimited ? 0 : static_cast<hsize_t>(size));
    limits.push_back(size == unlimited ? H5S_UNLIMITED : static_cast<hsize_t>(size));
  }
  const Hid space(sizes.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), limits.data()));
  const Hid list = creation_list(spec, deflate);
  {
    const Hid id(hdf5_check(H5Dcreate2(file.id(), spec.path.c_str(), hdf5_native(spec.type), space, H5P_DEFAULT, list, H5P_DEFAULT), place,
                            "be made"));
  }
  file.set_text(spec.path, "units", spec.units);
  file.set_text(spec.path, "long_name", spec.long_name);
  if (spec.type == NumberType::f32 && !is_scale(spec)) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    file.set_numbers<float>(spec.path, "_FillValue", std::span(&nan, 1), false);
  } else if (spec.type == NumberType::f64 && !is_scale(spec)) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    file.set_numbers<double>(spec.path, "_FillValue", std::span(&nan, 1), false);
  }
  for (const TraceAttribute& attribute : spec.attributes) set_attribute(file, spec.path, attribute);
}

void become_scale(Hdf5File& file, const std::string& path, std::int32_t number) {
  const Hid id = file.open_dataset(path);
  hdf5_check(H5DSset_scale(id, name_in(path).c_str()), file.place(path), "become a dimension scale");
  file.set_numbers<std::int32_t>(path, "_Netcdf4Dimid", std::span(&number, 1), true);
}

/// Scale of `dimension` for a dataset at `path`: fixed ones are filled with their indices.
void create_index(Hdf5File& file, const std::string& path, const std::string& dimension, std::int64_t size, int deflate,
                  std::int32_t number) {
  const bool time = dimension == "time";
  TraceSpec spec{path,
                 {dimension},
                 {size},
                 size == unlimited || time ? NumberType::i64 : NumberType::i32,
                 time ? "tokens" : "1",
                 time ? "tokens since the start" : "index of the " + dimension};
  create_dataset(file, spec, deflate);
  if (size > 0) {
    std::vector<std::int64_t> index(static_cast<std::size_t>(size));
    std::iota(index.begin(), index.end(), 0);
    hdf5_check(H5Dwrite(file.open_dataset(path), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, index.data()), file.place(path),
               "be written");
  }
  become_scale(file, path, number);
}

/// Size of the scale at `path`, unlimited where it can grow.
std::int64_t scale_size(const Hdf5File& file, const std::string& path) {
  const Hid space(H5Dget_space(file.open_dataset(path)));
  hsize_t size = 0, limit = 0;
  if (H5Sget_simple_extent_ndims(space) != 1)
    throw FileError(file.path(), path, "is used as a dimension, but has more than one dimension itself");
  H5Sget_simple_extent_dims(space, &size, &limit);
  return limit == H5S_UNLIMITED ? unlimited : static_cast<std::int64_t>(size);
}

void attach_scales(Hdf5File& file, const TraceSpec& spec) {
  const Hid id = file.open_dataset(spec.path);
  for (std::size_t i = 0; i < spec.dimensions.size(); ++i) {
    const std::string path = scale_path(spec.path, spec.dimensions[i]);
    const Hid scale = file.open_dataset(path);
    hdf5_check(H5DSattach_scale(id, scale, static_cast<unsigned>(i)), file.place(spec.path), "be tied to " + path);
  }
}

}  // namespace

void create_layout(Hdf5File& file, const TraceLayout& layout, int deflate) {
  std::int32_t number = 0;                    // netCDF-4 numbers the dimensions of a file
  std::map<std::string, std::int64_t> known;  // scales and their sizes
  for (const TraceSpec& spec : layout.datasets) {
    require_sound(spec);
    if (!is_scale(spec)) continue;
    create_dataset(file, spec, deflate);
    become_scale(file, spec.path, number++);
    known[spec.path] = spec.sizes[0];
  }
  for (const TraceSpec& spec : layout.datasets) {
    if (is_scale(spec)) continue;
    for (std::size_t i = 0; i < spec.dimensions.size(); ++i) {
      const std::string path = scale_path(spec.path, spec.dimensions[i]);
      if (known.count(path) == 0) {
        if (!file.exists(path)) create_index(file, path, spec.dimensions[i], spec.sizes[i], deflate, number++);
        known[path] = scale_size(file, path);
      }
      if (known[path] != spec.sizes[i])
        throw ShapeError("trace " + spec.path, spec.dimensions[i] + " = " + std::to_string(known[path]), std::to_string(spec.sizes[i]));
    }
    create_dataset(file, spec, deflate);
    attach_scales(file, spec);
  }
  for (const TraceGroup& group : layout.groups) {
    file.make_group(group.path);
    for (const TraceAttribute& attribute : group.attributes) set_attribute(file, group.path, attribute);
  }
}

}  // namespace strata
