#pragma once
// Typed errors. Facts are fields; the message says what, where, expected, got and what to do.
// The command line turns each class into one line on standard error and its own exit code (see exit_code()).

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace strata {

/// Base of everything strata throws for what a user can do wrong or the machine can refuse.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  /// Exit code of the `strata` command for this class of error (interface: 2 usage, 3 data, 4 numerical, 5 device, 6 file).
  virtual int exit_code() const noexcept = 0;
};

/// A key, option or value that cannot be used. `nearest` is the known key closest in spelling, or empty.
class ConfigError : public Error {
 public:
  ConfigError(std::string key, std::string value, std::string allowed, std::string nearest = "");
  int exit_code() const noexcept override { return 2; }
  std::string key, value, allowed, nearest;
};

/// Input that cannot be read as what it should be. `line` is 1-based, 0 where no line applies.
class DataError : public Error {
 public:
  DataError(std::string file, std::int64_t line, std::string reason);
  int exit_code() const noexcept override { return 3; }
  std::string file;
  std::int64_t line;
  std::string reason;
};

/// Arrays whose shapes do not fit one another.
class ShapeError : public Error {
 public:
  ShapeError(std::string where, std::string expected, std::string got);
  int exit_code() const noexcept override { return 3; }
  std::string where, expected, got;
};

/// A quantity that stopped being finite.
class NumericalError : public Error {
 public:
  NumericalError(std::int64_t step, std::string level, std::string quantity, double value, std::string advice);
  int exit_code() const noexcept override { return 4; }
  std::int64_t step;
  std::string level, quantity;
  double value;
  std::string advice;
};

/// A device that is absent, or a call on it that failed.
class DeviceError : public Error {
 public:
  DeviceError(std::string call, int code, std::string reason);
  int exit_code() const noexcept override { return 5; }
  std::string call;
  int code;
};

/// A file that cannot be opened, read or written. `dataset` names the object inside it, or is empty.
class FileError : public Error {
 public:
  FileError(std::string path, std::string dataset, std::string reason);
  int exit_code() const noexcept override { return 6; }
  std::string path, dataset;
};

/// The user asked to stop (SIGINT). Work up to the last step boundary is kept; exit code 130.
class Interrupted : public Error {
 public:
  explicit Interrupted(std::string how_to_go_on);
  int exit_code() const noexcept override { return 130; }
};

}  // namespace strata
