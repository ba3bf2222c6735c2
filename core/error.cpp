#include "core/error.hpp"

#include <sstream>

namespace strata {
namespace {

std::string config_message(const std::string& key, const std::string& value, const std::string& allowed, const std::string& nearest) {
  std::string text = "'" + key + "'";
  if (!value.empty()) text += " = '" + value + "'";
  text += ": " + allowed;
  if (!nearest.empty()) text += "; did you mean '" + nearest + "'?";
  return text;
}

std::string data_message(const std::string& file, std::int64_t line, const std::string& reason) {
  return file + (line > 0 ? ":" + std::to_string(line) : "") + ": " + reason;
}

std::string numerical_message(std::int64_t step, const std::string& level, const std::string& quantity, double value,
                              const std::string& advice) {
  std::ostringstream out;
  out << "step " << step << ", level " << level << ": " << quantity << " is " << value << "; " << advice;
  return out.str();
}

}  // namespace

ConfigError::ConfigError(std::string k, std::string v, std::string a, std::string n)
    : Error(config_message(k, v, a, n)), key(std::move(k)), value(std::move(v)), allowed(std::move(a)), nearest(std::move(n)) {}

DataError::DataError(std::string f, std::int64_t l, std::string r)
    : Error(data_message(f, l, r)), file(std::move(f)), line(l), reason(std::move(r)) {}

ShapeError::ShapeError(std::string w, std::string e, std::string g)
    : Error(w + ": expected " + e + ", got " + g), where(std::move(w)), expected(std::move(e)), got(std::move(g)) {}

NumericalError::NumericalError(std::int64_t s, std::string l, std::string q, double v, std::string a)
    : Error(numerical_message(s, l, q, v, a)), step(s), level(std::move(l)), quantity(std::move(q)), value(v), advice(std::move(a)) {}

DeviceError::DeviceError(std::string c, int n, std::string r)
    : Error(c + (n != 0 ? " (code " + std::to_string(n) + ")" : "") + ": " + std::move(r)), call(std::move(c)), code(n) {}

FileError::FileError(std::string p, std::string d, std::string r)
    : Error(p + (d.empty() ? "" : " [" + d + "]") + ": " + std::move(r)), path(std::move(p)), dataset(std::move(d)) {}

Interrupted::Interrupted(std::string how_to_go_on) : Error("interrupted; " + std::move(how_to_go_on)) {}

}  // namespace strata
