#include "analysis/result.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

namespace strata {
namespace {

using Json = nlohmann::ordered_json;

bool finite(const MeasuredValue& value) {
  if (const auto* x = std::get_if<double>(&value)) return std::isfinite(*x);
  if (const auto* list = std::get_if<std::vector<double>>(&value))
    return std::all_of(list->begin(), list->end(), [](double x) { return std::isfinite(x); });
  return true;
}

Json json_of(const MeasuredValues& record) {
  Json out = Json::object();
  for (const auto& [name, value] : record.fields()) std::visit([&, key = name](const auto& x) { out[key] = x; }, value);
  return out;
}

Json json_of(const MeasureResult& result) {
  Json out = json_of(result.values);
  if (!result.levels.empty()) {
    Json levels = Json::array();
    for (const MeasuredValues& level : result.levels) levels.push_back(json_of(level));
    out["levels"] = std::move(levels);
  }
  if (!result.parts.empty()) {
    Json parts = Json::object();
    for (const MeasureResult& part : result.parts) parts[part.name] = json_of(part);
    out["conditions"] = std::move(parts);
  }
  if (!result.notes.empty()) out["notes"] = result.notes;
  return out;
}

/// Columns on a terminal: UTF-8 continuation bytes take no room (level names may be in any language).
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void print_rows(std::ostream& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widest(rows.front().size(), 0);
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widest[c] = std::max(widest[c], width(row[c]));
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c)
      line += "  " + row[c] + std::string(c + 1 < row.size() ? widest[c] - width(row[c]) : 0, ' ');
    out << line << "\n";
  }
}

void print_levels(std::ostream& out, const std::vector<MeasuredValues>& levels, const std::vector<TableColumn>& columns) {
  if (levels.empty() || columns.empty()) return;
  std::vector<std::vector<std::string>> rows(1);
  for (const TableColumn& column : columns) rows[0].push_back(column.heading);
  for (const MeasuredValues& level : levels) {
    rows.emplace_back();
    for (const TableColumn& column : columns) rows.back().push_back(level.cell(column.field));
  }
  print_rows(out, rows);
}

void print(std::ostream& out, const MeasureResult& result) {
  out << result.name << "\n";
  print_levels(out, result.levels, result.columns);
  for (const auto& [title, columns] : result.tables) {
    out << "  " << title << "\n";
    print_levels(out, result.levels, columns);
  }
  for (const std::string& note : result.notes) out << "  " << note << "\n";
  for (const MeasureResult& part : result.parts) print(out, part);
}

std::string bound_text(double value, bool at_least, bool at_most) {
  return (at_least ? ">= " : at_most ? "<= " : "") + short_number(value);
}

}  // namespace

void MeasuredValues::set(const std::string& name, MeasuredValue value) {
  if (!finite(value)) return;
  const auto place = std::find_if(fields_.begin(), fields_.end(), [&](const auto& field) { return field.first == name; });
  if (place == fields_.end())
    fields_.emplace_back(name, std::move(value));
  else
    place->second = std::move(value);
}

void MeasuredValues::set(const std::string& name, const Estimate& estimate) {
  if (!estimate.measured()) return;
  const std::string key = name + (estimate.bound == Bound::at_least ? "_at_least" : estimate.bound == Bound::at_most ? "_at_most" : "");
  set(key, MeasuredValue(estimate.value));
  if (!estimate.has_interval()) return;
  set(name + "_ci95", MeasuredValue(std::vector<double>{estimate.low, estimate.high}));
  if (estimate.low_open) set(name + "_ci95_low_open", MeasuredValue(true));
  if (estimate.high_open) set(name + "_ci95_high_open", MeasuredValue(true));
}

const MeasuredValue* MeasuredValues::find(const std::string& name) const {
  const auto place = std::find_if(fields_.begin(), fields_.end(), [&](const auto& field) { return field.first == name; });
  return place == fields_.end() ? nullptr : &place->second;
}

double MeasuredValues::number(const std::string& name) const {
  const MeasuredValue* field = find(name);
  if (field == nullptr) return std::numeric_limits<double>::quiet_NaN();
  if (const auto* x = std::get_if<double>(field)) return *x;
  if (const auto* x = std::get_if<std::int64_t>(field)) return static_cast<double>(*x);
  return std::numeric_limits<double>::quiet_NaN();
}

std::string MeasuredValues::cell(const std::string& name) const {
  if (const MeasuredValue* field = find(name)) {
    if (const auto* text = std::get_if<std::string>(field)) return *text;
    if (const auto* whole = std::get_if<std::int64_t>(field)) return std::to_string(*whole);
    if (const auto* flag = std::get_if<bool>(field)) return *flag ? "yes" : "no";
  }
  std::string text = "-";
  if (!std::isnan(number(name))) text = short_number(number(name));
  if (!std::isnan(number(name + "_at_least"))) text = bound_text(number(name + "_at_least"), true, false);
  if (!std::isnan(number(name + "_at_most"))) text = bound_text(number(name + "_at_most"), false, true);
  const MeasuredValue* interval = find(name + "_ci95");
  if (interval == nullptr || text == "-") return text;
  const auto& ends = std::get<std::vector<double>>(*interval);
  return text + " [" + bound_text(ends[0], false, find(name + "_ci95_low_open") != nullptr) + ", " +
         bound_text(ends[1], find(name + "_ci95_high_open") != nullptr, false) + "]";
}

const MeasureResult* MeasureResult::part(const std::string& wanted) const {
  const auto place = std::find_if(parts.begin(), parts.end(), [&](const MeasureResult& p) { return p.name == wanted; });
  return place == parts.end() ? nullptr : &*place;
}

void merge_levels(std::vector<MeasuredValues>& into, const std::vector<MeasuredValues>& from) {
  for (const MeasuredValues& level : from) {
    const std::string name = level.cell("name");
    auto place = std::find_if(into.begin(), into.end(), [&](const MeasuredValues& r) { return r.cell("name") == name; });
    if (place == into.end()) place = into.insert(into.end(), MeasuredValues{});
    for (const auto& [key, value] : level.fields()) place->set(key, value);
  }
}

std::string to_table(const MeasureResult& result) {
  std::ostringstream out;
  print(out, result);
  return out.str();
}

// Text of other people's files may hold bytes that are not UTF-8: they become U+FFFD rather than an exception.
std::string to_json(const MeasureResult& result, int indent) {
  return json_of(result).dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string to_json(const std::vector<MeasuredValues>& records, int indent) {
  Json out = Json::array();
  for (const MeasuredValues& record : records) out.push_back(json_of(record));
  return out.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string short_number(double value) {
  if (value == 0.0) return "0";
  const double size = std::abs(value);
  std::ostringstream out;
  if (size >= 1e6 || size < 1e-3) {
    out.precision(2);
    out << std::scientific << value;
  } else {
    const int before = static_cast<int>(std::floor(std::log10(size))) + 1;
    out.precision(std::max(0, 3 - before));
    out << std::fixed << value;
  }
  return out.str();
}

std::string short_text(const Estimate& estimate) {
  MeasuredValues record;
  record.set("x", estimate);
  return record.cell("x");
}

}  // namespace strata
