#include "core/io/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "core/error.hpp"

namespace strata {
namespace {

/// A descriptor that closes; close() tells of errors that only closing shows (network file systems).
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : id_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() {
    if (id_ >= 0) ::close(id_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int id() const { return id_; }
  bool close() {
    const int id = id_;
    id_ = -1;
    return ::close(id) == 0;
  }

 private:
  int id_;
};

bool write_all(int descriptor, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

std::filesystem::path folder_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? std::filesystem::path(".") : parent;
}

}  // namespace

std::string disk_reason(int number) {
  std::string text = std::strerror(number);
  if (number == ENOSPC || number == EDQUOT) return "the disk is full (" + text + "); free some space or write elsewhere";
  if (number == EFBIG) return "the disk is full, or a file-size limit is reached (" + text + "); write elsewhere or raise the limit";
  if (number == EACCES || number == EPERM || number == EROFS)
    return "cannot be written (" + text + "); choose a place that you may write to";
  if (number == ENOENT) return "there is no such file or folder";
  return text;
}

void write_atomically(const std::string& path, std::span<const std::uint8_t> bytes) {
  const std::string partial = path + ".partial";
  const auto fail = [&](int number) {
    ::unlink(partial.c_str());
    throw FileError(path, "", disk_reason(number));
  };
  {
    Descriptor file(partial, O_WRONLY | O_CREAT | O_TRUNC);
    if (file.id() < 0) throw FileError(path, "", disk_reason(errno));
    if (!write_all(file.id(), bytes) || (::fsync(file.id()) != 0 && errno != EINVAL) || !file.close()) fail(errno);
  }
  if (::rename(partial.c_str(), path.c_str()) != 0) fail(errno);
  // The new name must reach the disk as well; a file system that cannot sync folders is not an error.
  Descriptor folder(folder_of(path).string(), O_RDONLY | O_DIRECTORY);
  if (folder.id() >= 0) static_cast<void>(::fsync(folder.id()));
}

void write_atomically(const std::string& path, const std::string& text) {
  write_atomically(path, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void require_writable(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(folder_of(path), error);
  if (error && !std::filesystem::is_directory(folder_of(path))) throw FileError(path, "", disk_reason(error.value()));
  if (std::filesystem::is_directory(path)) throw FileError(path, "", "is a folder; give the name of a file");
  const std::string partial = path + ".partial";
  Descriptor file(partial, O_WRONLY | O_CREAT);
  if (file.id() < 0) throw FileError(path, "", disk_reason(errno));
  ::unlink(partial.c_str());
}

std::string read_file(const std::string& path) {
  const auto refuse = [&path](int number) {
    throw FileError(path, "", number == ENOENT ? disk_reason(number) : "cannot be read (" + std::string(std::strerror(number)) + ")");
  };
  if (std::filesystem::is_directory(path)) throw FileError(path, "", "is a folder, not a file");
  std::ifstream in(path, std::ios::binary);
  if (!in) refuse(errno);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad()) refuse(errno);
  return text;
}

}  // namespace strata
