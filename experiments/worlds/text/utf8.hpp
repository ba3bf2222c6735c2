#pragma once
// Characters of valid UTF-8.

#include <cstddef>
#include <string_view>

namespace strata::text {

inline bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// Bytes of the character that `text` (not empty) begins with.
inline std::size_t character_length(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && is_continuation(text[length])) ++length;
  return length;
}

/// The white space that parts words.
inline bool is_white_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace strata::text
