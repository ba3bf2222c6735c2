#pragma once
// HDF5 files with typed errors: every call that fails becomes FileError{path, dataset, reason} and HDF5 itself prints nothing.
// Identifiers are plain 64-bit integers here, so that only sources under core/io see hdf5.h.
// Arrays are row-major; a shape lists the slowest dimension first. Reading converts between number types and never loses silently:
// real numbers asked for as whole numbers, and whole numbers that do not fit, are errors.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace strata {

/// Owns one HDF5 identifier (file, group, dataset, space, type, attribute, property list).
class Hid {
 public:
  Hid() = default;
  explicit Hid(std::int64_t id) : id_(id) {}
  ~Hid() { reset(); }
  Hid(Hid&& other) noexcept : id_(other.release()) {}
  Hid& operator=(Hid&& other) noexcept;
  std::int64_t get() const { return id_; }
  operator std::int64_t() const { return id_; }  // NOLINT: stands for the identifier in every call
  std::int64_t release();
  void reset() noexcept;

 private:
  std::int64_t id_ = -1;
};

/// Where a failing call was at work; becomes the FileError.
struct Hdf5Place {
  std::string path;     ///< of the file
  std::string dataset;  ///< object inside it, or empty
};

/// Must be called once per thread before its first HDF5 call: switches HDF5's own error printing off for the thread.
void hdf5_quiet();
/// Returns `result`, or throws FileError where it is negative. `action` completes "cannot ..."; full disks and truncated files are named.
std::int64_t hdf5_check(std::int64_t result, const Hdf5Place& place, const std::string& action);

/// Number types that files hold.
enum class NumberType : std::uint8_t { f32, f64, i32, i64, u8 };
std::size_t size_of(NumberType type);
std::string name_of(NumberType type);
std::int64_t hdf5_native(NumberType type);  ///< H5T_NATIVE_...; not owned
template <class T>
constexpr NumberType number_type();
template <>
constexpr NumberType number_type<float>() {
  return NumberType::f32;
}
template <>
constexpr NumberType number_type<double>() {
  return NumberType::f64;
}
template <>
constexpr NumberType number_type<std::int32_t>() {
  return NumberType::i32;
}
template <>
constexpr NumberType number_type<std::int64_t>() {
  return NumberType::i64;
}
template <>
constexpr NumberType number_type<std::uint8_t>() {
  return NumberType::u8;
}

using Shape = std::vector<std::int64_t>;
std::int64_t elements(const Shape& shape);  ///< product of the dimensions, 1 for a scalar
std::string to_text(const Shape& shape);    ///< "(100, 4, 32)"

std::string absolute_path(const std::string& object);  ///< of an object in a file: a missing leading slash is added
std::string parent_path(const std::string& path);      ///< of an absolute path: "/levels" for "/levels/1", "/" for "/levels"

template <class T>
struct Array {
  Shape shape;
  std::vector<T> data;
};

/// An open HDF5 file. Object names are absolute ("/levels/1/belief"); a missing leading slash is forgiven.
class Hdf5File {
 public:
  enum class Mode {
    read,   ///< a stale "being written" flag of a killed run is cleared first; a file that a living run writes opens as SWMR reader
    write,  ///< exists already; may be changed
    create  ///< replaces what is there
  };
  explicit Hdf5File(std::string path, Mode mode = Mode::read);
  /// A file in memory, to be stored by whoever takes image(); `path` only names it in errors.
  static Hdf5File in_memory(std::string path);
  ~Hdf5File();
  Hdf5File(Hdf5File&&) noexcept = default;
  Hdf5File& operator=(Hdf5File&&) noexcept = default;

  const std::string& path() const { return path_; }
  std::int64_t id() const { return file_.get(); }
  bool live() const { return live_; }  ///< opened as SWMR reader of a file that is being written
  /// Writes everything out; throws FileError. The destructor closes too, but cannot tell of errors.
  void close();
  void flush();
  std::vector<std::uint8_t> image();  ///< the whole file as bytes

  // --- looking
  bool exists(const std::string& object) const;
  bool is_group(const std::string& object) const;
  bool is_dataset(const std::string& object) const;
  std::vector<std::string> groups(const std::string& group = "/") const;        ///< names of the groups inside, sorted by name
  std::vector<std::string> datasets(const std::string& group = "/") const;      ///< names of the datasets inside, sorted by name
  std::vector<std::string> all_datasets(const std::string& group = "/") const;  ///< absolute paths, recursively
  Shape shape(const std::string& dataset) const;
  NumberType type(const std::string& dataset) const;  ///< smallest of ours that holds what is stored; FileError for text
  bool is_text(const std::string& dataset) const;

  // --- reading; T is float, double, int32_t, int64_t or uint8_t
  template <class T>
  Array<T> read(const std::string& dataset) const;
  /// The box of `count` elements from `start` in every dimension.
  template <class T>
  Array<T> read_slab(const std::string& dataset, const Shape& start, const Shape& count) const;
  /// The only element of a scalar or one-element dataset.
  template <class T>
  T read_scalar(const std::string& dataset) const;
  std::vector<std::string> read_texts(const std::string& dataset) const;  ///< fixed or variable length

  // --- attributes of a group or dataset ("/" for the file)
  std::vector<std::string> attributes(const std::string& object) const;
  bool has_attribute(const std::string& object, const std::string& name) const;
  bool is_text_attribute(const std::string& object, const std::string& name) const;
  double number_attribute(const std::string& object, const std::string& name) const;
  std::vector<double> numbers_attribute(const std::string& object, const std::string& name) const;
  std::int64_t integer_attribute(const std::string& object, const std::string& name) const;
  std::string text_attribute(const std::string& object, const std::string& name) const;

  // --- writing; parents are made as needed
  void make_group(const std::string& group);
  template <class T>
  void write(const std::string& dataset, const Shape& shape, std::span<const T> data);
  void write_texts(const std::string& dataset, const std::vector<std::string>& texts);
  template <class T>
  void set_numbers(const std::string& object, const std::string& name, std::span<const T> values, bool scalar);
  void set_number(const std::string& object, const std::string& name, std::int64_t value);
  void set_number(const std::string& object, const std::string& name, double value);
  void set_text(const std::string& object, const std::string& name, const std::string& text);

  Hdf5Place place(const std::string& object) const { return {path_, object}; }
  Hid open_object(const std::string& object) const;
  Hid open_dataset(const std::string& dataset) const;

 private:
  Hdf5File() = default;
  std::vector<std::string> children(const std::string& group, bool want_groups) const;
  Hid open_attribute(const Hid& object, const std::string& path, const std::string& name) const;

  std::string path_;
  Hid file_;
  bool live_ = false;
};

/// Access list for files that we write: library version "latest" (SWMR, checksums on metadata), everything closed with the file.
Hid hdf5_latest_access();
/// Creation lists that keep the order in which links and attributes were made, as netCDF-4 expects; `parents` makes missing groups.
Hid hdf5_ordered_file();
Hid hdf5_ordered_group();
Hid hdf5_make_parents();
Hid hdf5_text_type();  ///< variable-length UTF-8

/// True when the file's "open for writing" flag is set (by a living writer or by one that was killed).
bool hdf5_flagged(const std::string& path);
/// Clears that flag and makes the recorded end of the file true, after a kill. Throws FileError.
void hdf5_clear_flags(const std::string& path);
/// Marks the image of an open file as closed: clears the flag and renews the checksum that covers it (HDF5 1.10 forgets the latter).
void hdf5_seal_image(std::vector<std::uint8_t>& image);

/// Marks a file as being written by this process, until destroyed or killed. Kept apart from HDF5's own lock, which SWMR gives up.
class WriterLock {
 public:
  explicit WriterLock(const std::string& path);  ///< throws FileError when another process holds it
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;
  void sync_to_disk() const;                  ///< fsync; throws FileError
  static bool held(const std::string& path);  ///< by any process, this one included

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace strata
