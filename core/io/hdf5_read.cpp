// Looking into HDF5 files and reading numbers, texts and attributes.
#include <hdf5.h>

#include <algorithm>
#include <limits>
#include <type_traits>

#include "core/error.hpp"
#include "core/io/hdf5.hpp"

namespace strata {
namespace {

std::string joined(const std::string& group, const std::string& name) {
  const std::string base = absolute_path(group);
  return base == "/" ? base + name : base + "/" + name;
}

Shape shape_of(std::int64_t space) {
  const int rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> sizes(static_cast<std::size_t>(std::max(rank, 0)));
  if (rank > 0) H5Sget_simple_extent_dims(space, sizes.data(), nullptr);
  return {sizes.begin(), sizes.end()};
}

bool holds_numbers(std::int64_t type) {
  const H5T_class_t kind = H5Tget_class(type);
  return kind == H5T_INTEGER || kind == H5T_FLOAT || kind == H5T_ENUM;
}

void require_numbers(std::int64_t type, const Hdf5Place& place) {
  if (!holds_numbers(type)) throw FileError(place.path, place.dataset, "does not hold numbers");
}

/// Hands `read` a buffer of the type that loses nothing and narrows what it delivers to T.
template <class T, class Read>
std::vector<T> converted(std::int64_t stored, std::size_t count, const Hdf5Place& place, const Read& read) {
  if constexpr (std::is_floating_point_v<T>) {
    std::vector<T> data(count);
    read(hdf5_native(number_type<T>()), data.data());
    return data;
  } else {
    if (H5Tget_class(stored) == H5T_FLOAT)
      throw FileError(place.path, place.dataset, "holds real numbers where whole numbers are expected");
    std::vector<std::int64_t> wide(count);
    read(hdf5_native(NumberType::i64), wide.data());
    if constexpr (std::is_same_v<T, std::int64_t>) {
      return wide;
    } else {
      std::vector<T> data(count);
      for (std::size_t i = 0; i < count; ++i) {
        if (wide[i] < std::numeric_limits<T>::min() || wide[i] > std::numeric_limits<T>::max())
          throw FileError(place.path, place.dataset,
                          "holds " + std::to_string(wide[i]) + ", which does not fit into " + name_of(number_type<T>()));
        data[i] = static_cast<T>(wide[i]);
      }
      return data;
    }
  }
}

/// Text of fixed or variable length, from a dataset or an attribute.
template <class Read>
std::vector<std::string> texts_of(std::int64_t type, std::int64_t space, const Read& read) {
  const auto count = static_cast<std::size_t>(std::max<hssize_t>(H5Sget_simple_extent_npoints(space), 0));
  std::vector<std::string> texts(count);
  if (count == 0) return texts;
  if (H5Tis_variable_str(type) > 0) {
    Hid memory = hdf5_text_type();
    H5Tset_cset(memory, H5Tget_cset(type));
    std::vector<char*> words(count, nullptr);
    read(memory, words.data());
    for (std::size_t i = 0; i < count; ++i)
      if (words[i] != nullptr) texts[i] = words[i];
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, words.data());
    return texts;
  }
  const std::size_t width = H5Tget_size(type);
  std::vector<char> flat(count * width);
  read(type, flat.data());
  for (std::size_t i = 0; i < count; ++i) {
    const char* first = flat.data() + i * width;
    std::size_t size = 0;
    while (size < width && first[size] != '\0') ++size;
    if (H5Tget_strpad(type) == H5T_STR_SPACEPAD)
      while (size > 0 && first[size - 1] == ' ') --size;
    texts[i].assign(first, size);
  }
  return texts;
}

}  // namespace

bool Hdf5File::exists(const std::string& object) const {
  hdf5_quiet();
  const std::string path = absolute_path(object);
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (part != "/" && H5Lexists(file_, part.c_str(), H5P_DEFAULT) <= 0) return false;
    if (at == std::string::npos) return true;
  }
}

Hid Hdf5File::open_object(const std::string& object) const {
  const std::string path = absolute_path(object);
  if (!exists(path)) throw FileError(path_, path, "is missing from the file");
  return Hid(hdf5_check(H5Oopen(file_, path.c_str(), H5P_DEFAULT), place(path), "be opened"));
}

Hid Hdf5File::open_dataset(const std::string& dataset) const {
  Hid id = open_object(dataset);
  if (H5Iget_type(id) != H5I_DATASET) throw FileError(path_, absolute_path(dataset), "is a group where a dataset is expected");
  return id;
}

bool Hdf5File::is_group(const std::string& object) const { return exists(object) && H5Iget_type(open_object(object)) == H5I_GROUP; }
bool Hdf5File::is_dataset(const std::string& object) const { return exists(object) && H5Iget_type(open_object(object)) == H5I_DATASET; }

std::vector<std::string> Hdf5File::children(const std::string& group, bool want_groups) const {
  const Hid id = open_object(group);
  if (H5Iget_type(id) != H5I_GROUP) throw FileError(path_, absolute_path(group), "is a dataset where a group is expected");
  H5G_info_t about;
  hdf5_check(H5Gget_info(id, &about), place(group), "be listed");
  std::vector<std::string> names;
  for (hsize_t i = 0; i < about.nlinks; ++i) {
    const auto size =
        hdf5_check(H5Lget_name_by_idx(id, ".", H5_INDEX_NAME, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT), place(group), "be listed");
    std::string name(static_cast<std::size_t>(size) + 1, '\0');
    H5Lget_name_by_idx(id, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(), H5P_DEFAULT);
    name.pop_back();
    const Hid child(H5Oopen(id, name.c_str(), H5P_DEFAULT));  // a link that leads nowhere is passed over
    if (child >= 0 && H5Iget_type(child) == (want_groups ? H5I_GROUP : H5I_DATASET)) names.push_back(name);
  }
  return names;
}

std::vector<std::string> Hdf5File::groups(const std::string& group) const { return children(group, true); }
std::vector<std::string> Hdf5File::datasets(const std::string& group) const { return children(group, false); }

std::vector<std::string> Hdf5File::all_datasets(const std::string& group) const {
  std::vector<std::string> paths;
  for (const std::string& name : datasets(group)) paths.push_back(joined(group, name));
  for (const std::string& name : groups(group)) {
    const auto inside = all_datasets(joined(group, name));
    paths.insert(paths.end(), inside.begin(), inside.end());
  }
  return paths;
}

Shape Hdf5File::shape(const std::string& dataset) const { return shape_of(Hid(H5Dget_space(open_dataset(dataset)))); }

NumberType Hdf5File::type(const std::string& dataset) const {
  const Hid type(H5Dget_type(open_dataset(dataset)));
  require_numbers(type, place(absolute_path(dataset)));
  const std::size_t size = H5Tget_size(type);
  if (H5Tget_class(type) == H5T_FLOAT) return size <= 4 ? NumberType::f32 : NumberType::f64;
  const Hid base(H5Tget_class(type) == H5T_ENUM ? H5Tget_super(type) : H5Tcopy(type));
  const bool is_signed = H5Tget_sign(base) != H5T_SGN_NONE;
  if (size == 1 && !is_signed) return NumberType::u8;
  return size < 4 || (size == 4 && is_signed) ? NumberType::i32 : NumberType::i64;
}

bool Hdf5File::is_text(const std::string& dataset) const { return H5Tget_class(Hid(H5Dget_type(open_dataset(dataset)))) == H5T_STRING; }

template <class T>
Array<T> Hdf5File::read(const std::string& dataset) const {
  const Hid id = open_dataset(dataset);
  const Hid type(H5Dget_type(id)), space(H5Dget_space(id));
  const Hdf5Place here = place(absolute_path(dataset));
  require_numbers(type, here);
  Array<T> array{shape_of(space), {}};
  array.data = converted<T>(type, static_cast<std::size_t>(elements(array.shape)), here, [&](std::int64_t memory, void* buffer) {
    hdf5_check(H5Dread(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer), here, "be read");
  });
  return array;
}

template <class T>
Array<T> Hdf5File::read_slab(const std::string& dataset, const Shape& start, const Shape& count) const {
  const Hid id = open_dataset(dataset);
  const Hid type(H5Dget_type(id)), space(H5Dget_space(id));
  const Hdf5Place here = place(absolute_path(dataset));
  require_numbers(type, here);
  const Shape whole = shape_of(space);
  bool inside = start.size() == whole.size() && count.size() == whole.size();
  for (std::size_t i = 0; inside && i < whole.size(); ++i) inside = start[i] >= 0 && count[i] >= 0 && start[i] + count[i] <= whole[i];
  if (!inside)
    throw FileError(path_, here.dataset,
                    "has shape " + to_text(whole) + ", so " + to_text(count) + " from " + to_text(start) + " cannot be read");
  Array<T> array{count, {}};
  if (elements(count) == 0 || whole.empty()) return whole.empty() ? read<T>(dataset) : array;
  const std::vector<hsize_t> first(start.begin(), start.end()), size(count.begin(), count.end());
  H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, size.data(), nullptr);
  const Hid memory_space(H5Screate_simple(static_cast<int>(size.size()), size.data(), nullptr));
  array.data = converted<T>(type, static_cast<std::size_t>(elements(count)), here, [&](std::int64_t memory, void* buffer) {
    hdf5_check(H5Dread(id, memory, memory_space, space, H5P_DEFAULT, buffer), here, "be read");
  });
  return array;
}

template <class T>
T Hdf5File::read_scalar(const std::string& dataset) const {
  const Array<T> array = read<T>(dataset);
  if (array.data.size() != 1)
    throw FileError(path_, absolute_path(dataset), "has shape " + to_text(array.shape) + " where one number is expected");
  return array.data[0];
}

std::vector<std::string> Hdf5File::read_texts(const std::string& dataset) const {
  const Hid id = open_dataset(dataset);
  const Hid type(H5Dget_type(id)), space(H5Dget_space(id));
  const Hdf5Place here = place(absolute_path(dataset));
  if (H5Tget_class(type) != H5T_STRING) throw FileError(path_, here.dataset, "does not hold text");
  return texts_of(type, space, [&](std::int64_t memory, void* buffer) {
    hdf5_check(H5Dread(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer), here, "be read");
  });
}

std::vector<std::string> Hdf5File::attributes(const std::string& object) const {
  const Hid id = open_object(object);
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5A_info_t*, void* data) -> herr_t {
    static_cast<std::vector<std::string>*>(data)->push_back(name);
    return 0;
  };
  hdf5_check(H5Aiterate2(id, H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names), place(object), "be listed");
  return names;
}

Hid Hdf5File::open_attribute(const Hid& object, const std::string& path, const std::string& name) const {
  if (H5Aexists(object, name.c_str()) <= 0) throw FileError(path_, absolute_path(path), "has no attribute '" + name + "'");
  return Hid(hdf5_check(H5Aopen(object, name.c_str(), H5P_DEFAULT), place(path), "open the attribute '" + name + "'"));
}

bool Hdf5File::has_attribute(const std::string& object, const std::string& name) const {
  return exists(object) && H5Aexists(open_object(object), name.c_str()) > 0;
}

bool Hdf5File::is_text_attribute(const std::string& object, const std::string& name) const {
  const Hid id = open_object(object);
  return H5Tget_class(Hid(H5Aget_type(open_attribute(id, object, name)))) == H5T_STRING;
}

std::vector<double> Hdf5File::numbers_attribute(const std::string& object, const std::string& name) const {
  const Hid id = open_object(object);
  const Hid attribute = open_attribute(id, object, name);
  const Hid type(H5Aget_type(attribute)), space(H5Aget_space(attribute));
  if (!holds_numbers(type)) throw FileError(path_, absolute_path(object), "its attribute '" + name + "' does not hold numbers");
  std::vector<double> numbers(static_cast<std::size_t>(elements(shape_of(space))));
  if (!numbers.empty())
    hdf5_check(H5Aread(attribute, H5T_NATIVE_DOUBLE, numbers.data()), place(object), "read the attribute '" + name + "'");
  return numbers;
}

double Hdf5File::number_attribute(const std::string& object, const std::string& name) const {
  const auto numbers = numbers_attribute(object, name);
  if (numbers.size() != 1) throw FileError(path_, absolute_path(object), "its attribute '" + name + "' is not one number");
  return numbers[0];
}

std::int64_t Hdf5File::integer_attribute(const std::string& object, const std::string& name) const {
  const Hid id = open_object(object);
  const Hid attribute = open_attribute(id, object, name);
  const Hid type(H5Aget_type(attribute)), space(H5Aget_space(attribute));
  if (H5Tget_class(type) != H5T_INTEGER || elements(shape_of(space)) != 1)
    throw FileError(path_, absolute_path(object), "its attribute '" + name + "' is not one whole number");
  std::int64_t value = 0;
  hdf5_check(H5Aread(attribute, H5T_NATIVE_INT64, &value), place(object), "read the attribute '" + name + "'");
  return value;
}

std::string Hdf5File::text_attribute(const std::string& object, const std::string& name) const {
  const Hid id = open_object(object);
  const Hid attribute = open_attribute(id, object, name);
  const Hid type(H5Aget_type(attribute)), space(H5Aget_space(attribute));
  if (H5Tget_class(type) != H5T_STRING) throw FileError(path_, absolute_path(object), "its attribute '" + name + "' is not text");
  const auto texts = texts_of(type, space, [&](std::int64_t memory, void* buffer) {
    hdf5_check(H5Aread(attribute, memory, buffer), place(object), "read the attribute '" + name + "'");
  });
  if (texts.size() != 1) throw FileError(path_, absolute_path(object), "its attribute '" + name + "' is not one text");
  return texts[0];
}

#define STRATA_READ(T)                                                                         \
  template Array<T> Hdf5File::read(const std::string&) const;                                  \
  template Array<T> Hdf5File::read_slab(const std::string&, const Shape&, const Shape&) const; \
  template T Hdf5File::read_scalar(const std::string&) const;
STRATA_READ(float)
STRATA_READ(double)
STRATA_READ(std::int32_t)
STRATA_READ(std::int64_t)
STRATA_READ(std::uint8_t)
#undef STRATA_READ

}  // namespace strata
