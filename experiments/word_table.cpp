#include "experiments/word_table.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace strata {

namespace {

constexpr std::size_t columns_side_by_side = 4;

bool is_wide(std::uint32_t c) {
  return (c >= 0x1100 && c < 0x1160) || (c >= 0x2E80 && c < 0xA4D0) || (c >= 0xAC00 && c < 0xD7A4) || (c >= 0xF900 && c < 0xFB00) ||
         (c >= 0xFE30 && c < 0xFE70) || (c >= 0xFF00 && c < 0xFF61) || (c >= 0x1F300 && c < 0x1FA00) || (c >= 0x20000 && c < 0x40000);
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, terminal_width(text)), ' ');
}

std::string numbers(const ExpectedWord& word) {
  char text[48];
  const double percent = 100 * word.p;
  std::snprintf(text, sizeof text, "%6.*f %% %6.*fx", percent < 1 ? 2 : 1, percent, word.lift < 10 ? 1 : 0, word.lift);
  return text;
}

}  // namespace

std::size_t terminal_width(const std::string& text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    std::uint32_t c = lead < 0x80 ? lead : lead < 0xE0 ? lead & 0x1FU : lead < 0xF0 ? lead & 0x0FU : lead & 0x07U;
    for (; i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U; ++i)
      c = c << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
    width += is_wide(c) ? 2 : 1;
  }
  return width;
}

void WordTable::add_column(const std::string& heading, const std::vector<ExpectedWord>& words, const ReadableWords& readable) {
  std::size_t width = terminal_width(heading);
  for (const ExpectedWord& word : words) width = std::max(width, terminal_width(readable(word.id)));
  std::vector<std::string> cells{padded(heading, width) + "        p    lift"};
  for (const ExpectedWord& word : words) cells.push_back(padded(readable(word.id), width) + numbers(word));
  columns_.push_back(std::move(cells));
}

std::string WordTable::text() const {
  std::string all;
  for (std::size_t first = 0; first < columns_.size(); first += columns_side_by_side) {
    const auto begin = columns_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(columns_side_by_side, columns_.size() - first));
    std::size_t rows = 0;
    for (auto column = begin; column != end; ++column) rows = std::max(rows, column->size());
    if (first > 0) all += "\n";
    for (std::size_t row = 0; row < rows; ++row) {
      std::string line;
      for (auto column = begin; column != end; ++column)
        line += padded(row < column->size() ? (*column)[row] : "", terminal_width(column->front())) + "    ";
      all += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
  }
  return all;
}

}  // namespace strata
