// Whether a file is being written: the flag inside it, and the lock of a living writer.
#include <fcntl.h>
#include <hdf5.h>
#include <sys/file.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <fstream>

#include "core/error.hpp"
#include "core/io/file.hpp"
#include "core/io/hdf5.hpp"

namespace strata {
namespace {

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

constexpr std::size_t flags_at = 11;     // file consistency flags of a superblock of version 2 or 3 (HDF5 file format 3.0, II.A)
constexpr std::size_t checksum_at = 44;  // with 8-byte addresses, as the library makes them

/// The checksum of HDF5 metadata: Bob Jenkins, "lookup3", hashlittle() with initial value 0.
std::uint32_t lookup3(const std::uint8_t* key, std::size_t size) {
  const auto word = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4 && at + i < size; ++i) value |= std::uint32_t{key[at + i]} << 8 * i;
    return value;
  };
  std::uint32_t a = 0xdeadbeef + static_cast<std::uint32_t>(size), b = a, c = a;
  std::size_t at = 0;
  for (; size - at > 12; at += 12) {
    a += word(at), b += word(at + 4), c += word(at + 8);
    a -= c, a ^= std::rotl(c, 4), c += b;
    b -= a, b ^= std::rotl(a, 6), a += c;
    c -= b, c ^= std::rotl(b, 8), b += a;
    a -= c, a ^= std::rotl(c, 16), c += b;
    b -= a, b ^= std::rotl(a, 19), a += c;
    c -= b, c ^= std::rotl(b, 4), b += a;
  }
  a += word(at), b += word(at + 4), c += word(at + 8);
  c ^= b, c -= std::rotl(b, 14);
  a ^= c, a -= std::rotl(c, 11);
  b ^= a, b -= std::rotl(a, 25);
  c ^= b, c -= std::rotl(b, 16);
  a ^= c, a -= std::rotl(c, 4);
  b ^= a, b -= std::rotl(a, 14);
  c ^= b, c -= std::rotl(b, 24);
  return c;
}

}  // namespace

void hdf5_seal_image(std::vector<std::uint8_t>& image) {
  if (image.size() < checksum_at + 4 || image[8] < 2 || image[9] != 8) return;  // older superblocks have no checksum
  image[flags_at] = 0;
  const std::uint32_t sum = lookup3(image.data(), checksum_at);
  for (std::size_t i = 0; i < 4; ++i) image[checksum_at + i] = static_cast<std::uint8_t>(sum >> 8 * i);
}

bool hdf5_flagged(const std::string& path) {
  unsigned char head[flags_at + 1] = {};  // signature (8 bytes), version, size of offsets, size of lengths, flags
  std::ifstream in(path, std::ios::binary);
  return in.read(reinterpret_cast<char*>(head), sizeof head) && head[8] == 3 && head[flags_at] != 0;
}

void hdf5_clear_flags(const std::string& path) {
  hdf5_quiet();
  const Hdf5Place place{path, ""};
  const Hid access = hdf5_latest_access();
  // The two properties by which the library's own h5clear opens such a file.
  const hbool_t yes = 1;
  hdf5_check(H5Pset(access, "clear_status_flags", &yes), place, "be repaired");
  hdf5_check(H5Pset(access, "skip_eof_check", &yes), place, "be repaired");
  Hid file(hdf5_check(H5Fopen(path.c_str(), H5F_ACC_RDWR, access), place, "be repaired after a run was killed"));
  hdf5_check(H5Fincrement_filesize(file, 0), place, "be repaired after a run was killed");
  hdf5_check(H5Fclose(file.release()), place, "be repaired after a run was killed");
}

WriterLock::WriterLock(const std::string& path) : path_(path), descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) throw FileError(path, "", disk_reason(errno));
  // An "open file description" lock: closing another descriptor of the same file does not lose it, and the kernel frees it after a kill.
  struct flock lock = whole_file();
  if (::fcntl(descriptor_, F_OFD_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES)) {
    ::close(descriptor_);
    descriptor_ = -1;
    throw FileError(path, "", "another strata is writing it; wait until that has ended, or write elsewhere");
  }
}

WriterLock::~WriterLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void WriterLock::sync_to_disk() const {
  if (descriptor_ >= 0 && ::fsync(descriptor_) != 0 && errno != EINVAL) throw FileError(path_, "", disk_reason(errno));
}

bool WriterLock::held(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return false;
  struct flock lock = whole_file();
  bool held = ::fcntl(descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  if (!held && ::flock(descriptor, LOCK_EX | LOCK_NB) != 0) held = true;  // HDF5's own lock, by any program that writes without SWMR
  ::close(descriptor);
  return held;
}

}  // namespace strata
