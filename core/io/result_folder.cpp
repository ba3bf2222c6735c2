#include "core/io/result_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <system_error>
#include <utility>

#include "core/error.hpp"
#include "core/io/file.hpp"
#include "core/io/provenance.hpp"

namespace strata {
namespace {

namespace fs = std::filesystem;

/// Without a trailing slash and without ".partial".
fs::path final_name(const fs::path& dir) {
  std::string text = dir.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  const std::string ending = ".partial";
  if (text.size() > ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0)
    text.resize(text.size() - ending.size());
  return text;
}

bool holds_something(const fs::path& dir) {
  std::error_code error;
  return fs::exists(dir) && !(fs::is_directory(dir) && fs::is_empty(dir, error));
}

/// True when there is nothing in an unfinished run's folder that it could go on from.
bool barely_begun(const fs::path& partial) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(partial, error))
    if (entry.path().filename() != "log.txt" && entry.path().filename() != "config.ini") return false;
  return !error;
}

}  // namespace

ResultFolder ResultFolder::create(const fs::path& dir) {
  const fs::path name = final_name(dir);
  if (fs::exists(name) && !fs::is_directory(name)) throw FileError(name.string(), "", "is a file; give a folder as --out");
  if (holds_something(name)) throw FileError(name.string(), "", "exists and holds a complete result; give another --out, or remove it");
  const fs::path partial = name.string() + ".partial";
  std::error_code error;
  std::vector<fs::path> made;  // what stands above it and was not there
  for (fs::path above = partial.parent_path(); !above.empty() && !fs::exists(above, error); above = above.parent_path())
    made.push_back(above);
  // Another run that ends may take away the empty folder above between the two calls: once more then.
  if (!partial.parent_path().empty()) fs::create_directories(partial.parent_path(), error);
  if (!error && !partial.parent_path().empty() && !fs::exists(partial.parent_path())) fs::create_directories(partial.parent_path(), error);
  if (!error && !fs::create_directory(partial, error) && !error) {
    if (!barely_begun(partial))
      throw FileError(partial.string(), "",
                      "is an unfinished run: go on with --resume " + name.string() + ", give another --out, or remove it");
  }
  if (error) throw FileError(name.string(), "", "this folder cannot be made: " + disk_reason(error.value()));
  ResultFolder folder(name, false);
  folder.made_ = made;
  return folder;
}

ResultFolder ResultFolder::resume(const fs::path& dir) {
  const fs::path name = final_name(dir);
  const fs::path partial = name.string() + ".partial";
  if (fs::is_directory(partial)) return ResultFolder(name, true);
  if (holds_something(name)) throw FileError(name.string(), "", "is complete: there is nothing to go on with");
  throw FileError(partial.string(), "", "there is no such unfinished run; give the folder that the interrupted run named");
}

fs::path ResultFolder::default_dir(const std::string& name, const std::string& determines, const fs::path& base) {
  std::string date;
  for (const char c : utc_now())  // 20260131-120000
    if (c == 'T' || (c >= '0' && c <= '9')) date += c == 'T' ? '-' : c;
  const std::string stem = (base / name / (date + "-" + sha256(determines).substr(0, 8))).string();
  std::string candidate = stem;
  for (int i = 2; fs::exists(candidate) || fs::exists(candidate + ".partial"); ++i) candidate = stem + "-" + std::to_string(i);
  return candidate;
}

ResultFolder::ResultFolder(fs::path dir, bool resumed) : dir_(std::move(dir)), partial_(dir_.string() + ".partial") {
  const std::string path = file("log.txt");
  log_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (log_ < 0) throw FileError(path, "", disk_reason(errno));
  if (::flock(log_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(log_);
    throw FileError(partial_.string(), "", "another strata is writing it; wait until that has ended");
  }
  if (resumed) {
    quiet_ = true;
    log("resumed " + utc_now());
    quiet_ = false;
  }
}

ResultFolder::~ResultFolder() {
  if (log_ < 0) return;
  std::error_code ignored;
  if (partial_ != dir_ && barely_begun(partial_)) {
    fs::remove_all(partial_, ignored);
    for (const fs::path& above : made_) fs::remove(above, ignored);  // stays where another run has put something
  }
  ::close(log_);
}

ResultFolder::ResultFolder(ResultFolder&& other) noexcept
    : dir_(std::move(other.dir_)),
      partial_(std::move(other.partial_)),
      made_(std::move(other.made_)),
      log_(std::exchange(other.log_, -1)),
      quiet_(other.quiet_) {}

void ResultFolder::log(const std::string& line) {
  const std::string text = line + "\n";
  if (!quiet_) std::cerr << text << std::flush;
  if (::write(log_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw FileError(file("log.txt"), "", disk_reason(errno));
}

void ResultFolder::write_text(const std::string& name, const std::string& text) {
  std::error_code error;
  fs::create_directories(fs::path(file(name)).parent_path(), error);
  write_atomically(file(name), text);
}

void ResultFolder::finish() {
  if (::rename(partial_.c_str(), dir_.c_str()) != 0) {
    const int number = errno;
    const bool taken = number == ENOTEMPTY || number == EEXIST || number == ENOTDIR;
    throw FileError(dir_.string(), "",
                    taken ? "appeared while the run went on; the result is complete in " + partial_.string() : disk_reason(number));
  }
  partial_ = dir_;
}

}  // namespace strata
