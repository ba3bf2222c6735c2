#pragma once
// One table of parameters per thing. The table feeds the command line, --help, validation, `strata describe` and the trace's attributes.

#include <cstdint>
#include <iosfwd>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace strata {

using ParameterValue = std::variant<bool, std::int64_t, double, std::string>;

/// One parameter. For numbers the allowed range is [minimum, maximum]; for text, `choices` (empty: any).
struct Parameter {
  std::string name;  ///< without prefix: "tau" in level.2.tau
  ParameterValue fallback;
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices;
  std::string unit;  ///< "tokens", "nats", "1", ...
  std::string help;
  std::string source;  ///< paper or equation, may be empty
};

using ParameterTable = std::vector<Parameter>;

/// The resolved values of one table.
class Values {
 public:
  bool flag(const std::string& name) const;
  std::int64_t integer(const std::string& name) const;
  double real(const std::string& name) const;  ///< integers are converted
  const std::string& text(const std::string& name) const;

 private:
  friend class Configuration;
  std::map<std::string, ParameterValue> values_;
};

/// All assignments "key = value" of a run, from defaults, an INI file and --set, later ones winning.
/// A key that no table reads is an error that names the nearest known key (check_all_read).
class Configuration {
 public:
  /// Reads "key = value" lines, [section] headers prefixing "section."; '#' and ';' start comments. Throws FileError, ConfigError.
  void read_ini(const std::string& path);
  /// The same from what stood in a file. `name` stands in errors.
  void read_ini_text(const std::string& ini_text, const std::string& name);
  /// The same from text (the configuration inside a model file), but what is already assigned stays. `name` stands in errors.
  void adopt(const std::string& ini_text, const std::string& name);
  void set(const std::string& key, const std::string& value);
  void set_assignment(const std::string& key_equals_value);  ///< "level.2.tau=64"; throws ConfigError
  bool has(const std::string& key) const;
  const std::map<std::string, std::string>& assignments() const { return assigned_; }
  std::string assigned(const std::string& key) const;  ///< as it stands there; "" where nothing assigns it
  bool has_from_file(const std::string& key) const {
    return from_file_.contains(key);
  }  ///< whether an INI file assigned it, and nothing since

  /// Values of `table` under `prefix` ("level.2."); validates type, range and choices, marks the keys as read and remembers
  /// the resolved values for resolved(). Throws ConfigError.
  Values resolve(const ParameterTable& table, const std::string& prefix);

  /// Keys below `prefix` ("level.3.") that an INI file assigned need not be read (those of a model must be): one file serves hierarchies of several depths.
  void spare(const std::string& prefix) { spared_.push_back(prefix); }

  /// Throws ConfigError for the first assigned key that nothing read, with the nearest key that something did read.
  void check_all_read() const;

  /// Every resolved key with its value as text, sorted; written as config.ini, it reproduces the run.
  std::map<std::string, std::string> resolved() const { return resolved_; }
  std::string to_ini() const;

 private:
  static std::vector<std::pair<std::string, std::string>> read_assignments(std::istream& in, const std::string& path);

  std::map<std::string, std::string> assigned_;
  std::map<std::string, std::string> resolved_;
  std::set<std::string> from_file_;
  std::vector<std::string> spared_;
};

/// "level.2.tau", the key of a level; without a name the prefix of all its keys, "level.2."
std::string level_key(std::int64_t level, const std::string& name = "");
/// L of a key level.L or level.L.NAME, -1 of any other.
std::int64_t level_of(std::string_view key);

/// The candidate with the smallest edit distance to `word`, or "" when none is near (more than max(2, size/3) edits).
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

/// Formats a table as aligned help text ("name  default  range  unit  help").
std::string describe(const ParameterTable& table, const std::string& prefix);

/// Without blanks at its ends.
std::string trimmed(const std::string& text);

/// Numbers of a comma-separated list ("8, 64, 512"); each within [minimum, maximum]. Throws ConfigError naming `key`.
std::vector<double> real_list(const std::string& key, const std::string& text, double minimum, double maximum);

/// Text of a value that reads back to the same bits.
std::string to_text(const ParameterValue& value);

/// Whether two assignments of a key say the same: ".75" is 0.75, "on" is true.
bool same_value(const std::string& a, const std::string& b);

}  // namespace strata
