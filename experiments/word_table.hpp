#pragma once
// Columns of words side by side, one per level, for people.

#include <string>
#include <vector>

#include "experiments/expected_words.hpp"

namespace strata {

/// Places that UTF-8 text takes on a terminal, East Asian characters two.
std::size_t terminal_width(const std::string& text);

class WordTable {
 public:
  /// Words with their probability and lift, in the order given.
  void add_column(const std::string& heading, const std::vector<ExpectedWord>& words, const ReadableWords& readable);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> columns_;  // cells of one width, the heading first
};

}  // namespace strata
