// Writing numbers, texts and attributes into HDF5 files.
#include <hdf5.h>

#include "core/error.hpp"
#include "core/io/hdf5.hpp"

namespace strata {
namespace {

Hid space_of(const Shape& shape) {
  if (shape.empty()) return Hid(H5Screate(H5S_SCALAR));
  const std::vector<hsize_t> sizes(shape.begin(), shape.end());
  return Hid(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr));
}

/// Attributes are replaced, not changed, so that the new value may have another type or length.
Hid fresh_attribute(const Hid& object, const std::string& name, std::int64_t type, std::int64_t space, const Hdf5Place& place) {
  if (H5Aexists(object, name.c_str()) > 0) hdf5_check(H5Adelete(object, name.c_str()), place, "replace the attribute '" + name + "'");
  return Hid(
      hdf5_check(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), place, "make the attribute '" + name + "'"));
}

}  // namespace

void Hdf5File::make_group(const std::string& group) {
  const std::string path = absolute_path(group);
  if (path == "/" || exists(path)) return;
  make_group(parent_path(path));
  const Hid id(hdf5_check(H5Gcreate2(file_, path.c_str(), H5P_DEFAULT, hdf5_ordered_group(), H5P_DEFAULT), place(path), "be made"));
}

template <class T>
void Hdf5File::write(const std::string& dataset, const Shape& shape, std::span<const T> data) {
  const std::string path = absolute_path(dataset);
  if (elements(shape) != static_cast<std::int64_t>(data.size()))
    throw ShapeError(path_ + " " + path, to_text(shape), std::to_string(data.size()) + " elements");
  make_group(parent_path(path));
  const std::int64_t type = hdf5_native(number_type<T>());
  const Hid id(
      hdf5_check(H5Dcreate2(file_, path.c_str(), type, space_of(shape), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), place(path), "be made"));
  if (!data.empty()) hdf5_check(H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data()), place(path), "be written");
}

void Hdf5File::write_texts(const std::string& dataset, const std::vector<std::string>& texts) {
  const std::string path = absolute_path(dataset);
  make_group(parent_path(path));
  const Hid type = hdf5_text_type();
  std::vector<const char*> words;
  words.reserve(texts.size());
  for (const std::string& text : texts) words.push_back(text.c_str());
  const Hid space = space_of({static_cast<std::int64_t>(texts.size())});
  const Hid id(hdf5_check(H5Dcreate2(file_, path.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), place(path), "be made"));
  if (!words.empty()) hdf5_check(H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, words.data()), place(path), "be written");
}

template <class T>
void Hdf5File::set_numbers(const std::string& object, const std::string& name, std::span<const T> values, bool scalar) {
  const Hid id = open_object(object);
  const std::int64_t type = hdf5_native(number_type<T>());
  const Hid space = space_of(scalar ? Shape{} : Shape{static_cast<std::int64_t>(values.size())});
  const Hid attribute = fresh_attribute(id, name, type, space, place(object));
  if (!values.empty()) hdf5_check(H5Awrite(attribute, type, values.data()), place(object), "write the attribute '" + name + "'");
}

void Hdf5File::set_number(const std::string& object, const std::string& name, std::int64_t value) {
  set_numbers<std::int64_t>(object, name, {&value, 1}, true);
}

void Hdf5File::set_number(const std::string& object, const std::string& name, double value) {
  set_numbers<double>(object, name, {&value, 1}, true);
}

void Hdf5File::set_text(const std::string& object, const std::string& name, const std::string& text) {
  const Hid id = open_object(object);
  const Hid type = hdf5_text_type(), space(H5Screate(H5S_SCALAR));
  const Hid attribute = fresh_attribute(id, name, type, space, place(object));
  const char* first = text.c_str();
  hdf5_check(H5Awrite(attribute, type, &first), place(object), "write the attribute '" + name + "'");
}

#define STRATA_WRITE(T)                                                                \
  template void Hdf5File::write(const std::string&, const Shape&, std::span<const T>); \
  template void Hdf5File::set_numbers(const std::string&, const std::string&, std::span<const T>, bool);
STRATA_WRITE(float)
STRATA_WRITE(double)
STRATA_WRITE(std::int32_t)
STRATA_WRITE(std::int64_t)
STRATA_WRITE(std::uint8_t)
#undef STRATA_WRITE

}  // namespace strata
