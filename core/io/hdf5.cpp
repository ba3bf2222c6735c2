#include "core/io/hdf5.hpp"

#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <type_traits>

#include "core/error.hpp"
#include "core/io/file.hpp"

static_assert(std::is_same_v<hid_t, std::int64_t>, "the headers of core/io keep HDF5 identifiers in 64-bit integers");

namespace strata {
namespace {

/// What HDF5's error stack of this thread says.
struct Failure {
  int number = 0;          // errno of the system call that failed, 0 when none did
  std::string innermost;   // the first thing that went wrong
  std::string everything;  // all descriptions, for recognising kinds of failure
};

herr_t collect(unsigned, const H5E_error2_t* error, void* data) {
  auto& failure = *static_cast<Failure*>(data);
  const std::string text = error->desc != nullptr ? error->desc : "";
  if (failure.innermost.empty()) failure.innermost = text;
  failure.everything += text + "\n";
  if (const auto at = text.find("errno = "); at != std::string::npos && failure.number == 0)
    failure.number = std::atoi(text.c_str() + at + 8);
  return 0;
}

std::string reason_of(const Failure& failure, const std::string& action) {
  const auto says = [&](const char* words) { return failure.everything.find(words) != std::string::npos; };
  if (failure.number == ENOSPC || failure.number == EDQUOT || failure.number == EFBIG) return disk_reason(failure.number);
  if (says("unable to lock file")) return "another program is writing it; wait until that has ended";
  if (says("already open for write") || says("SWMR")) return "it is marked as being written by another program; wait until that has ended";
  if (says("truncated file") || says("eof") || says("EOF") || says("file read failed") || says("addr overflow") || says("superblock"))
    return "the file is truncated or damaged (cannot " + action + "); make it again";
  if (failure.number != 0) return "cannot " + action + ": " + disk_reason(failure.number);
  return "cannot " + action + (failure.innermost.empty() ? "" : " (HDF5: " + failure.innermost + ")");
}

/// FileError for what can be seen without HDF5: absent, a folder, not permitted, empty, another kind of file.
void require_hdf5(const std::string& path, bool writable) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) throw FileError(path, "", disk_reason(errno));
  if (S_ISDIR(about.st_mode)) throw FileError(path, "", "is a folder, not a file");
  if (::access(path.c_str(), writable ? R_OK | W_OK : R_OK) != 0)
    throw FileError(path, "", writable ? disk_reason(errno) : std::string("cannot be read: ") + std::strerror(errno));
  if (about.st_size == 0) throw FileError(path, "", "is empty");
  std::ifstream in(path, std::ios::binary);
  const char signature[] = "\x89HDF\r\n\x1a\n";
  for (std::int64_t at = 0; at + 8 <= about.st_size; at = at == 0 ? 512 : at * 2) {  // a user block may precede the signature
    char found[8] = {};
    in.seekg(at);
    if (in.read(found, 8) && std::memcmp(found, signature, 8) == 0) return;
  }
  throw FileError(path, "", "is not an HDF5 file; give a model or trace that strata (or another program) wrote as HDF5");
}

}  // namespace

void hdf5_quiet() {
  // Errors travel as exceptions; and a file that could not be closed (disk full) must not make HDF5 complain once more at exit.
  static const herr_t no_exit_handler = H5dont_atexit();
  thread_local const herr_t no_printing = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  static_cast<void>(no_exit_handler);
  static_cast<void>(no_printing);
}

std::int64_t hdf5_check(std::int64_t result, const Hdf5Place& place, const std::string& action) {
  if (result >= 0) return result;
  Failure failure;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect, &failure);
  throw FileError(place.path, place.dataset, reason_of(failure, action));
}

Hid& Hid::operator=(Hid&& other) noexcept {
  if (this != &other) {
    reset();
    id_ = other.release();
  }
  return *this;
}

std::int64_t Hid::release() {
  const std::int64_t id = id_;
  id_ = -1;
  return id;
}

void Hid::reset() noexcept {
  if (id_ >= 0) {
    hdf5_quiet();
    H5Idec_ref(id_);
  }
  id_ = -1;
}

std::size_t size_of(NumberType type) {
  switch (type) {
    case NumberType::f64:
    case NumberType::i64: return 8;
    case NumberType::f32:
    case NumberType::i32: return 4;
    case NumberType::u8: break;
  }
  return 1;
}

std::string name_of(NumberType type) {
  switch (type) {
    case NumberType::f64: return "float64";
    case NumberType::i64: return "int64";
    case NumberType::f32: return "float32";
    case NumberType::i32: return "int32";
    case NumberType::u8: break;
  }
  return "uint8";
}

std::int64_t hdf5_native(NumberType type) {
  switch (type) {
    case NumberType::f64: return H5T_NATIVE_DOUBLE;
    case NumberType::i64: return H5T_NATIVE_INT64;
    case NumberType::f32: return H5T_NATIVE_FLOAT;
    case NumberType::i32: return H5T_NATIVE_INT32;
    case NumberType::u8: break;
  }
  return H5T_NATIVE_UINT8;
}

std::int64_t elements(const Shape& shape) {
  std::int64_t n = 1;
  for (const std::int64_t size : shape) n *= size;
  return n;
}

std::string to_text(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + ")";
}

std::string absolute_path(const std::string& object) { return object.empty() || object[0] != '/' ? "/" + object : object; }

std::string parent_path(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

Hid hdf5_latest_access() {
  hdf5_quiet();
  Hid access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  H5Pset_file_locking(access, 0, 1);  // WriterLock keeps writers apart, also while SWMR is on, when HDF5's own lock is given up
  return access;
}

Hid hdf5_ordered_file() {
  Hid list(H5Pcreate(H5P_FILE_CREATE));
  H5Pset_link_creation_order(list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_attr_creation_order(list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  return list;
}

Hid hdf5_ordered_group() {
  Hid list(H5Pcreate(H5P_GROUP_CREATE));
  H5Pset_link_creation_order(list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_attr_creation_order(list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  return list;
}

Hid hdf5_make_parents() {
  Hid list(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_create_intermediate_group(list, 1);
  return list;
}

Hid hdf5_text_type() {
  Hid type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

Hdf5File::Hdf5File(std::string path, Mode mode) : path_(std::move(path)) {
  hdf5_quiet();
  if (mode == Mode::create) {
    file_ = Hid(hdf5_check(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, hdf5_ordered_file(), hdf5_latest_access()), place(""), "be created"));
    return;
  }
  require_hdf5(path_, mode == Mode::write);
  if (mode == Mode::write) {
    if (hdf5_flagged(path_) && !WriterLock::held(path_)) hdf5_clear_flags(path_);
    file_ = Hid(hdf5_check(H5Fopen(path_.c_str(), H5F_ACC_RDWR, hdf5_latest_access()), place(""), "be opened for writing"));
    return;
  }
  if (hdf5_flagged(path_)) {
    // A flag without a living writer is left over from a kill. Other programs take no WriterLock, so only our own files are repaired.
    const bool written = WriterLock::held(path_);
    file_ = Hid(H5Fopen(path_.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, H5P_DEFAULT));
    live_ = file_ >= 0;
    const bool stale = !written && (!live_ || has_attribute("/", "strata_version"));
    if (!stale && live_) return;
    file_.reset();
    live_ = false;
    if (stale && ::access(path_.c_str(), W_OK) == 0) hdf5_clear_flags(path_);
  }
  file_ = Hid(hdf5_check(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), place(""), "be opened"));
}

Hdf5File Hdf5File::in_memory(std::string path) {
  Hdf5File file;
  file.path_ = std::move(path);
  const Hid access = hdf5_latest_access();
  H5Pset_fapl_core(access, std::size_t{1} << 22, 0);
  // The name is no file on disk, but HDF5 tells open files apart by it; the counter makes it this file's own.
  static std::atomic<std::uint64_t> counter{0};
  const std::string name = file.path_ + "#" + std::to_string(++counter);
  file.file_ = Hid(hdf5_check(H5Fcreate(name.c_str(), H5F_ACC_TRUNC, hdf5_ordered_file(), access), file.place(""), "be made in memory"));
  return file;
}

Hdf5File::~Hdf5File() = default;

void Hdf5File::close() {
  if (file_ < 0) return;
  const std::int64_t id = file_.release();
  hdf5_check(H5Fclose(id), place(""), "be closed");
}

void Hdf5File::flush() { hdf5_check(H5Fflush(file_, H5F_SCOPE_GLOBAL), place(""), "be written"); }

std::vector<std::uint8_t> Hdf5File::image() {
  flush();
  const auto size = hdf5_check(H5Fget_file_image(file_, nullptr, 0), place(""), "be stored");
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  hdf5_check(H5Fget_file_image(file_, bytes.data(), bytes.size()), place(""), "be stored");
  hdf5_seal_image(bytes);
  return bytes;
}

}  // namespace strata
