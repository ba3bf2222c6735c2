#include "core/io/archive_hdf5.hpp"

#include <cmath>
#include <type_traits>

#include "core/error.hpp"

namespace strata {

Hdf5Archive::Hdf5Archive(Hdf5File& file, Direction direction, std::string root)
    : file_(file), loading_(direction == Direction::load), scopes_{std::move(root)} {
  if (!loading_) file_.make_group(scopes_[0]);
}

std::string Hdf5Archive::at(std::string_view name) const { return scopes_.back() + "/" + std::string(name); }

void Hdf5Archive::enter(std::string_view name) {
  scopes_.push_back(at(name));
  if (!loading_) file_.make_group(scopes_.back());
}

void Hdf5Archive::leave() { scopes_.pop_back(); }

/// A stored number of another type would be converted and no longer be the same bits.
template <class T>
void Hdf5Archive::exact(const std::string& path) const {
  const NumberType stored = file_.type(path);
  if (stored != number_type<T>())
    throw FileError(file_.path(), path, "holds " + name_of(stored) + " where " + name_of(number_type<T>()) + " is expected");
}

template <class T>
void Hdf5Archive::scalar(std::string_view name, T& x) {
  const std::string path = at(name);
  if (!loading_) return file_.write<T>(path, {}, {&x, 1});
  exact<T>(path);
  x = file_.read_scalar<T>(path);
}

template <class T>
void Hdf5Archive::require_finite(const std::string& path, const std::vector<T>& data, bool infinity_allowed) const {
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (std::isfinite(data[i]) || (infinity_allowed && !std::isnan(data[i]))) continue;
    const std::string quantity = "element " + std::to_string(i) + " of " + path + (loading_ ? " in " : ", to be saved in ") + file_.path();
    throw NumericalError(0, scopes_.back(), quantity, static_cast<double>(data[i]),
                         loading_ ? "the file is damaged: take an earlier one or train again"
                                  : "nothing was saved and an earlier file is kept; lower the learning rate");
  }
}

template <class T>
void Hdf5Archive::list(std::string_view name, std::vector<T>& x) {
  const std::string path = at(name);
  if (!loading_) {
    if constexpr (std::is_floating_point_v<T>) require_finite(path, x, true);
    return file_.write<T>(path, {static_cast<std::int64_t>(x.size())}, x);
  }
  exact<T>(path);
  auto stored = file_.read<T>(path);
  if (stored.shape.size() != 1) throw ShapeError(file_.path() + " " + path, "one dimension", to_text(stored.shape));
  if constexpr (std::is_floating_point_v<T>) require_finite(path, stored.data, true);
  x = std::move(stored.data);
}

template <class T>
void Hdf5Archive::dense(std::string_view name, std::vector<T>& data, Index rows, Index cols) {
  const std::string path = at(name);
  const Shape shape{cols, rows};  // column-major here is row-major there, with the dimensions exchanged
  if (!loading_) {
    require_finite(path, data, false);
    return file_.write<T>(path, shape, data);
  }
  exact<T>(path);
  auto stored = file_.read<T>(path);
  if (stored.shape != shape) {
    const auto swapped = [](const Shape& s) { return s.size() == 2 ? Shape{s[1], s[0]} : s; };
    throw ShapeError(file_.path() + " " + path, to_text(swapped(shape)) + " (rows, columns)", to_text(swapped(stored.shape)));
  }
  require_finite(path, stored.data, false);
  data = std::move(stored.data);
}

void Hdf5Archive::value(std::string_view name, std::int64_t& x) { scalar(name, x); }
void Hdf5Archive::value(std::string_view name, double& x) { scalar(name, x); }

void Hdf5Archive::value(std::string_view name, std::string& x) {
  // Bytes, because an HDF5 string can neither be empty nor hold a zero byte without loss.
  std::vector<std::uint8_t> bytes(x.begin(), x.end());
  list(name, bytes);
  if (loading_) x.assign(bytes.begin(), bytes.end());
  if (!loading_) file_.set_text(at(name), "content", "text as UTF-8 bytes");
}

void Hdf5Archive::value(std::string_view name, std::vector<std::uint8_t>& x) { list(name, x); }
void Hdf5Archive::value(std::string_view name, std::vector<std::int32_t>& x) { list(name, x); }
void Hdf5Archive::value(std::string_view name, std::vector<std::int64_t>& x) { list(name, x); }
void Hdf5Archive::value(std::string_view name, std::vector<float>& x) { list(name, x); }
void Hdf5Archive::value(std::string_view name, std::vector<double>& x) { list(name, x); }
void Hdf5Archive::matrix(std::string_view name, std::vector<float>& data, Index rows, Index cols) { dense(name, data, rows, cols); }
void Hdf5Archive::matrix(std::string_view name, std::vector<double>& data, Index rows, Index cols) { dense(name, data, rows, cols); }

}  // namespace strata
