#pragma once
// The folder of a run: DIR.partial while it goes on, renamed to DIR when it is complete. A DIR that exists is therefore always whole.

#include <filesystem>
#include <string>

#include "core/io/summary.hpp"

namespace strata {

class ResultFolder {
 public:
  /// Makes DIR.partial. Throws FileError when DIR is complete already, when DIR.partial is there (of a run that goes on or was
  /// interrupted), or when it cannot be made or written.
  static ResultFolder create(const std::filesystem::path& dir);
  /// Opens what an interrupted run left; `dir` with or without ".partial". Throws FileError when it is complete, absent, or in use.
  static ResultFolder resume(const std::filesystem::path& dir);
  /// results/NAME/DATE-HASH with DATE in UTC and 8 hex digits of the SHA-256 of what determines the run; a number is added where that is taken.
  static std::filesystem::path default_dir(const std::string& name, const std::string& determines,
                                           const std::filesystem::path& base = "results");

  /// An unfinished folder stays for --resume, unless it holds nothing but log.txt and config.ini: then it goes.
  ~ResultFolder();
  ResultFolder(ResultFolder&& other) noexcept;
  ResultFolder& operator=(ResultFolder&&) = delete;

  std::filesystem::path dir() const { return dir_; }                                      ///< the final name
  std::filesystem::path working_dir() const { return partial_; }                          ///< DIR.partial until finish(), then DIR
  std::string file(const std::string& name) const { return (partial_ / name).string(); }  ///< inside the folder as it is now

  /// Appends a line to log.txt and, unless quiet, writes it to standard error.
  void log(const std::string& line);
  void set_quiet(bool quiet) { quiet_ = quiet; }

  void write_text(const std::string& name, const std::string& text);  ///< whole or not at all; throws FileError
  void write_config(const std::string& ini) { write_text("config.ini", ini); }
  /// Throws NumericalError naming the key of a value that is not finite; then nothing is written.
  void write_summary(const Summary& summary) { write_text("summary.json", summary.to_json()); }

  /// Renames DIR.partial into DIR. Throws FileError.
  void finish();

 private:
  ResultFolder(std::filesystem::path dir, bool resumed);

  std::filesystem::path dir_, partial_;
  std::vector<std::filesystem::path>
      made_;      ///< folders above it that were made for it, the lowest first; they go with a run that barely began
  int log_ = -1;  ///< descriptor of log.txt; its lock shows that the run is alive
  bool quiet_ = false;
};

}  // namespace strata
