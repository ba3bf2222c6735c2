#include "core/parameter.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "core/error.hpp"
#include "core/io/file.hpp"

namespace strata {
namespace {

constexpr double exact_integers = 9007199254740992.0;  // 2^53: every whole number below it is a double

std::string real_text(double x) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, x);
  return {buffer, end.ptr};
}

bool whole(const ParameterValue& value) { return std::holds_alternative<std::int64_t>(value); }

/// "a whole number from 1 to 8000", "one of a, b", ...: what the user may write.
std::string allowed_text(const Parameter& p) {
  if (std::holds_alternative<bool>(p.fallback)) return "must be true or false";
  if (std::holds_alternative<std::string>(p.fallback)) {
    std::string text = "must be one of";
    for (std::size_t i = 0; i < p.choices.size(); ++i) text += (i == 0 ? " " : ", ") + p.choices[i];
    return p.choices.empty() ? "may be any text" : text;
  }
  std::string text = whole(p.fallback) ? "must be a whole number" : "must be a number";
  const bool below = std::isfinite(p.minimum), above = std::isfinite(p.maximum);
  if (below && above) text += " from " + real_text(p.minimum) + " to " + real_text(p.maximum);
  if (below && !above) text += ", at least " + real_text(p.minimum);
  if (!below && above) text += ", at most " + real_text(p.maximum);
  if (!p.unit.empty() && p.unit != "1") text += " (" + p.unit + ")";
  return text;
}

std::optional<double> parse_real(const std::string& text) {
  double x = 0;
  const char* first = text.data() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
  const auto result = std::from_chars(first, text.data() + text.size(), x);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return x;
}

/// A whole number, also written as 1e6 as long as that is exact.
std::optional<std::int64_t> parse_integer(const std::string& text) {
  std::int64_t x = 0;
  const char* first = text.data() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
  const auto result = std::from_chars(first, text.data() + text.size(), x);
  if (result.ec == std::errc() && result.ptr == text.data() + text.size()) return x;
  const auto real = parse_real(text);
  if (!real || std::abs(*real) > exact_integers || std::trunc(*real) != *real) return std::nullopt;
  return static_cast<std::int64_t>(*real);
}

std::optional<bool> parse_flag(const std::string& text) {
  for (const char* word : {"true", "1", "yes", "on"})
    if (text == word) return true;
  for (const char* word : {"false", "0", "no", "off"})
    if (text == word) return false;
  return std::nullopt;
}

/// Infinity is accepted only where the table itself uses it ("no limit"); NaN never.
bool in_range(const Parameter& p, double x) {
  if (std::isnan(x)) return false;
  if (std::isinf(x)) {
    const auto* fallback = std::get_if<double>(&p.fallback);
    return fallback != nullptr && std::isinf(*fallback) && x >= p.minimum && x <= p.maximum;
  }
  return x >= p.minimum && x <= p.maximum;
}

ParameterValue parsed(const Parameter& p, const std::string& key, const std::string& raw) {
  const std::string text = trimmed(raw);
  if (std::holds_alternative<bool>(p.fallback)) {
    if (const auto x = parse_flag(text)) return *x;
  } else if (whole(p.fallback)) {
    if (const auto x = parse_integer(text); x && in_range(p, static_cast<double>(*x))) return *x;
  } else if (std::holds_alternative<double>(p.fallback)) {
    if (const auto x = parse_real(text); x && in_range(p, *x)) return *x;
  } else {
    if (p.choices.empty() || std::find(p.choices.begin(), p.choices.end(), raw) != p.choices.end()) return raw;
    throw ConfigError(key, raw, allowed_text(p), nearest(raw, p.choices));
  }
  throw ConfigError(key, raw.empty() ? "(nothing)" : raw, allowed_text(p));
}

/// A quoted value with its escapes undone; `rest` is what follows the opening quote. Throws ConfigError when the quote is not closed.
std::string unquoted(const std::string& key, const std::string& rest) {
  std::string text;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      const std::string after = trimmed(rest.substr(i + 1));
      if (!after.empty() && after[0] != '#' && after[0] != ';') break;
      return text;
    }
    if (rest[i] == '\\' && i + 1 < rest.size()) {
      const char next = rest[++i];
      text += next == 'n' ? '\n' : next == 'r' ? '\r' : next == 't' ? '\t' : next;
    } else {
      text += rest[i];
    }
  }
  throw ConfigError(key, "\"" + rest, "a quoted value ends with a single closing quote");
}

/// The value of "key = value": quotes undone, or cut before a comment that follows a blank.
std::string ini_value(const std::string& key, const std::string& raw) {
  std::string text = trimmed(raw);
  if (!text.empty() && text[0] == '"') return unquoted(key, text.substr(1));
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool after_blank = i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t';
    if (after_blank && (text[i] == '#' || text[i] == ';')) return trimmed(text.substr(0, i));
  }
  return text;
}

/// Text that ini_value() reads back to the same characters.
std::string ini_quoted(const std::string& text) {
  const bool plain = text == trimmed(text) && text.find_first_of("\"\n\r\t#;\\") == std::string::npos;
  if (plain) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == '\t') {
      quoted += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
  }
  return quoted + "\"";
}

/// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  return cost[a.size()][b.size()];
}

template <class T>
const T& held(const std::map<std::string, ParameterValue>& values, const std::string& name) {
  const auto found = values.find(name);
  if (found == values.end() || !std::holds_alternative<T>(found->second))
    throw std::logic_error("parameter '" + name + "' is not in the table that was resolved, or has another type");
  return std::get<T>(found->second);
}

}  // namespace

std::string level_key(std::int64_t level, const std::string& name) { return "level." + std::to_string(level) + "." + name; }

std::int64_t level_of(std::string_view key) {
  constexpr std::string_view group = "level.";
  std::int64_t level = -1;
  if (!key.starts_with(group)) return -1;
  key.remove_prefix(group.size());
  const auto [end, failed] = std::from_chars(key.data(), key.data() + key.size(), level);
  return failed == std::errc() && (end == key.data() + key.size() || *end == '.') ? level : -1;
}

std::string trimmed(const std::string& text) {
  const char* blanks = " \t\r\n\f\v";
  const auto first = text.find_first_not_of(blanks);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool Values::flag(const std::string& name) const { return held<bool>(values_, name); }
std::int64_t Values::integer(const std::string& name) const { return held<std::int64_t>(values_, name); }
const std::string& Values::text(const std::string& name) const { return held<std::string>(values_, name); }

double Values::real(const std::string& name) const {
  const auto found = values_.find(name);
  if (found != values_.end() && whole(found->second)) return static_cast<double>(std::get<std::int64_t>(found->second));
  return held<double>(values_, name);
}

void Configuration::read_ini(const std::string& path) { read_ini_text(read_file(path), path); }

void Configuration::read_ini_text(const std::string& ini_text, const std::string& name) {
  std::istringstream in(ini_text);
  for (const auto& [key, value] : read_assignments(in, name)) {
    set(key, value);
    from_file_.insert(key);
  }
}

void Configuration::adopt(const std::string& ini_text, const std::string& name) {
  std::istringstream in(ini_text);
  for (const auto& [key, value] : read_assignments(in, name))
    if (!has(key)) set(key, value);
}

std::vector<std::pair<std::string, std::string>> Configuration::read_assignments(std::istream& in, const std::string& path) {
  std::vector<std::pair<std::string, std::string>> found;
  std::string line, section;
  for (std::int64_t number = 1; std::getline(in, line); ++number) {
    if (number == 1 && line.rfind("\xef\xbb\xbf", 0) == 0) line.erase(0, 3);
    const std::string text = trimmed(line);
    if (text.empty() || text[0] == '#' || text[0] == ';') continue;
    const std::string place = path + ":" + std::to_string(number);
    if (text[0] == '[') {
      const auto close = text.find(']');
      if (close == std::string::npos) throw ConfigError(place, text, "a section is written [name]");
      section = trimmed(text.substr(1, close - 1));
      if (!section.empty()) section += '.';
      continue;
    }
    const auto equals = text.find('=');
    const std::string key = trimmed(text.substr(0, equals));
    if (equals == std::string::npos || key.empty()) throw ConfigError(place, text, "a line is 'key = value', '[section]' or a comment");
    found.emplace_back(section + key, ini_value(section + key, text.substr(equals + 1)));
  }
  return found;
}

void Configuration::set(const std::string& key, const std::string& value) {
  assigned_[key] = value;
  from_file_.erase(key);
}

void Configuration::set_assignment(const std::string& key_equals_value) {
  const auto equals = key_equals_value.find('=');
  const std::string key = trimmed(key_equals_value.substr(0, equals));
  if (equals == std::string::npos || key.empty())
    throw ConfigError("--set", key_equals_value, "must be KEY=VALUE, as in --set level.2.tau=64");
  set(key, trimmed(key_equals_value.substr(equals + 1)));
}

bool Configuration::has(const std::string& key) const { return assigned_.count(key) != 0; }

std::string Configuration::assigned(const std::string& key) const {
  const auto found = assigned_.find(key);
  return found == assigned_.end() ? "" : found->second;
}

Values Configuration::resolve(const ParameterTable& table, const std::string& prefix) {
  Values values;
  for (const Parameter& p : table) {
    const std::string key = prefix + p.name;
    const auto found = assigned_.find(key);
    ParameterValue value = found == assigned_.end() ? p.fallback : parsed(p, key, found->second);
    resolved_[key] = to_text(value);
    values.values_[p.name] = std::move(value);
  }
  return values;
}

void Configuration::check_all_read() const {
  const auto spared = [this](const std::string& key) {
    return from_file_.contains(key) &&
           std::any_of(spared_.begin(), spared_.end(), [&key](const std::string& prefix) { return key.starts_with(prefix); });
  };
  std::vector<std::string> known;
  for (const auto& entry : resolved_) known.push_back(entry.first);
  for (const auto& [key, value] : assigned_)
    if (resolved_.count(key) == 0 && !spared(key)) throw ConfigError(key, value, "there is no such key in this run", nearest(key, known));
}

std::string Configuration::to_ini() const {
  std::string text;
  for (const auto& [key, value] : resolved_) text += key + " = " + ini_quoted(value) + "\n";
  return text;
}

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  const std::size_t allowed = std::max<std::size_t>(2, word.size() / 3);
  std::size_t best = allowed + 1;
  std::string answer;
  for (const std::string& candidate : candidates) {
    const std::size_t gap = word.size() > candidate.size() ? word.size() - candidate.size() : candidate.size() - word.size();
    if (gap >= best) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= best) continue;
    best = distance;
    answer = candidate;
  }
  return answer;
}

bool same_value(const std::string& a, const std::string& b) {
  if (a == b) return true;
  if (const auto x = parse_real(a), y = parse_real(b); x && y) return *x == *y;
  const auto x = parse_flag(a), y = parse_flag(b);
  return x && y && *x == *y;
}

std::vector<double> real_list(const std::string& key, const std::string& text, double minimum, double maximum) {
  std::vector<double> numbers;
  std::istringstream fields(text);
  for (std::string field; std::getline(fields, field, ',');) {
    const auto x = parse_real(trimmed(field));
    if (!x || !(*x >= minimum && *x <= maximum))
      throw ConfigError(key, text, "must be numbers from " + real_text(minimum) + " to " + real_text(maximum) + ", separated by commas");
    numbers.push_back(*x);
  }
  return numbers;
}

std::string to_text(const ParameterValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return real_text(*real);
  return std::get<std::string>(value);
}

std::string describe(const ParameterTable& table, const std::string& prefix) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::size_t> width(4, 0);
  for (const Parameter& p : table) {
    std::string range = "any";
    if (std::holds_alternative<bool>(p.fallback)) range = "true, false";
    if (std::holds_alternative<std::string>(p.fallback) && !p.choices.empty()) {
      range.clear();
      for (const std::string& choice : p.choices) range += (range.empty() ? "" : ", ") + choice;
    }
    if (whole(p.fallback) || std::holds_alternative<double>(p.fallback)) {
      const std::string low = std::isfinite(p.minimum) ? real_text(p.minimum) : "",
                        high = std::isfinite(p.maximum) ? real_text(p.maximum) : "";
      if (!low.empty() || !high.empty()) {
        range = low;
        range.append("..").append(high);
      }
    }
    const std::string fallback = to_text(p.fallback);
    rows.push_back({prefix + p.name, fallback.empty() ? "-" : fallback, range, p.unit.empty() ? "-" : p.unit,
                    p.help + (p.source.empty() ? "" : " [" + p.source + "]")});
    for (std::size_t i = 0; i < width.size(); ++i) width[i] = std::max(width[i], rows.back()[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    text += "  ";
    for (std::size_t i = 0; i < width.size(); ++i) {
      text += row[i];
      text.append(width[i] - row[i].size() + 2, ' ');
    }
    text += row.back() + "\n";
  }
  return text;
}

}  // namespace strata
