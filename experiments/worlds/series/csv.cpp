// Comma-separated numbers, line by line.

#include <charconv>
#include <cmath>
#include <string_view>

#include "core/error.hpp"
#include "experiments/worlds/series/series.hpp"

namespace strata::series {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  return first == std::string_view::npos ? std::string_view() : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// The lines of a text that say something, with their numbers.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {
    if (rest_.substr(0, 3) == "\xef\xbb\xbf") rest_.remove_prefix(3);
  }
  bool next() {
    while (!rest_.empty()) {
      const auto end = rest_.find('\n');
      line_ = rest_.substr(0, end);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      ++number_;
      if (line_.substr(0, 1) != "#") return true;
    }
    return false;
  }
  std::string_view line() const { return line_; }
  std::int64_t number() const { return number_; }
  bool blank() const { return trimmed(line_).empty(); }

 private:
  std::string_view rest_, line_;
  std::int64_t number_ = 0;
};

/// Cells of a line without surrounding blanks; a cell in double quotes may hold the separator and, doubled, the quote.
std::vector<std::string> cells_of(std::string_view line, char separator, const std::string& path, std::int64_t number) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      cells.back() += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == separator && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  if (quoted) throw DataError(path, number, "a double quote is not closed");
  for (std::string& cell : cells) cell = std::string(trimmed(cell));
  return cells;
}

bool parse(const std::string& cell, double& x) {
  const char* first = cell.data() + (cell.size() > 1 && cell[0] == '+' ? 1 : 0);
  const auto result = std::from_chars(first, cell.data() + cell.size(), x);
  return result.ec == std::errc() && result.ptr == cell.data() + cell.size();
}

double number_in(const std::string& cell, const std::string& column, const std::string& path, std::int64_t line) {
  if (cell.empty()) throw DataError(path, line, "column '" + column + "' is empty: a gap; fill it or leave the column out (world.column)");
  double x = 0;
  if (!parse(cell, x))
    throw DataError(path, line,
                    "column '" + column + "' holds '" + cell.substr(0, 40) + "', which is no number" +
                        (cell.find(',') != std::string::npos ? " (decimals take a point)" : ""));
  if (!std::isfinite(x)) throw DataError(path, line, "column '" + column + "' holds " + cell + ", which is not finite");
  return x;
}

std::vector<std::string> header_of(std::string_view line, char& separator, const std::string& path, std::int64_t number) {
  const auto found = line.find_first_of(",;\t");
  separator = found == std::string_view::npos ? ',' : line[found];
  auto names = cells_of(line, separator, path, number);
  for (std::size_t i = 0; i < names.size(); ++i) {
    double x = 0;
    if (parse(names[i], x)) throw DataError(path, number, "the first line must name the columns; it holds the number " + names[i]);
    if (names[i].empty()) throw DataError(path, number, "column " + std::to_string(i + 1) + " has no name");
    for (std::size_t k = 0; k < i; ++k)
      if (names[k] == names[i]) throw DataError(path, number, "two columns are called '" + names[i] + "'");
  }
  return names;
}

}  // namespace

Table read_csv(const std::string& path, const std::string& text, const Settings& settings) {
  Lines lines(text);
  bool any = lines.next();
  while (any && lines.blank()) any = lines.next();
  if (!any) throw DataError(path, 0, "is empty; a series has a line that names its columns and a row per step");
  char separator = ',';
  const auto names = header_of(lines.line(), separator, path, lines.number());
  const Choice choice = choose(path, names, settings);
  Table table;
  table.path = path;
  table.columns.resize(choice.columns.size());
  for (const std::size_t k : choice.columns) table.names.push_back(names[k]);
  std::int64_t blank = 0;  // where an empty line stood; one between rows is a missing row
  while (lines.next()) {
    if (lines.blank()) {
      if (blank == 0) blank = lines.number();
      continue;
    }
    if (blank != 0) throw DataError(path, blank, "is an empty line between rows: a gap");
    const auto cells = cells_of(lines.line(), separator, path, lines.number());
    if (cells.size() != names.size())
      throw DataError(
          path, lines.number(),
          "has " + std::to_string(cells.size()) + " cells where the first line names " + std::to_string(names.size()) + " columns");
    table.time.push_back(number_in(cells[choice.time], names[choice.time], path, lines.number()));
    for (std::size_t k = 0; k < choice.columns.size(); ++k)
      table.columns[k].push_back(number_in(cells[choice.columns[k]], table.names[k], path, lines.number()));
    table.lines.push_back(lines.number());
  }
  return table;
}

}  // namespace strata::series
