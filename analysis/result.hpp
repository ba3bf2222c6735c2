#pragma once
// What a measure found: named values per level, printed as a short table for people or as JSON for scripts.
// A value that was not measured is absent. A value known only as a bound stands under NAME_at_least (or NAME_at_most) instead of NAME,
// so that no script takes a bound for a value. An interval stands under NAME_ci95 = [low, high]; NAME_ci95_low_open or _high_open = true
// marks an end that is a bound itself.

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "analysis/bootstrap.hpp"

namespace strata {

using MeasuredValue = std::variant<bool, std::int64_t, double, std::string, std::vector<double>>;

/// Fields in the order they were set.
class MeasuredValues {
 public:
  /// Sets or replaces. Numbers that are not finite are left out (absent means not measured).
  void set(const std::string& name, MeasuredValue value);
  void set(const std::string& name, const char* value) { set(name, MeasuredValue(std::string(value))); }
  /// Value, or bound, and interval as described above. Nothing for an estimate that was not measured.
  void set(const std::string& name, const Estimate& estimate);

  const MeasuredValue* find(const std::string& name) const;  ///< nullptr when absent
  double number(const std::string& name) const;              ///< NaN when absent or not a number
  const std::vector<std::pair<std::string, MeasuredValue>>& fields() const { return fields_; }

  /// Cell of a table: "28.3 [25.1, 31]", ">= 600 [420, >= 600]", "-" when absent.
  std::string cell(const std::string& name) const;

 private:
  std::vector<std::pair<std::string, MeasuredValue>> fields_;
};

/// One column of the table: field of the level records, and heading with unit.
struct TableColumn {
  std::string field, heading;
};

struct MeasureResult {
  std::string name;                                                      ///< of the measure, or of the part (a condition)
  MeasuredValues values;                                                 ///< what holds for all levels together
  std::vector<MeasuredValues> levels;                                    ///< lowest first; each has at least "name"
  std::vector<TableColumn> columns;                                      ///< of the table
  std::vector<std::pair<std::string, std::vector<TableColumn>>> tables;  ///< further tables of the same levels, each with a title
  std::vector<std::string> notes;                                        ///< printed below the table, and listed in the JSON as "notes"
  std::vector<MeasureResult> parts;  ///< e.g. one per condition; in JSON under "conditions", keyed by name

  const MeasureResult* part(const std::string& name) const;  ///< nullptr when absent
};

/// Adds the fields of `from.levels` to the level records of `into` with the same "name" (missing levels are appended), replacing equal
/// names. How an experiment collects `levels` of summary.json from several measures.
void merge_levels(std::vector<MeasuredValues>& into, const std::vector<MeasuredValues>& from);

/// Aligned text: title, one row per level, notes; then the parts. Ends with a newline.
std::string to_table(const MeasureResult& result);

/// JSON object: values at the top, "levels": [...], "conditions": {name: ...}, "notes": [...]. Never NaN, never null. No newline at the
/// end.
std::string to_json(const MeasureResult& result, int indent = 2);

/// JSON array of records, as `levels` in summary.json.
std::string to_json(const std::vector<MeasuredValues>& records, int indent = 2);

/// Number for people: three significant digits, no exponent between 1e-3 and 1e6.
std::string short_number(double value);

/// An estimate for people, e.g. "4.1 [3.5, 4.9]".
std::string short_text(const Estimate& estimate);

}  // namespace strata
