#pragma once
// Where sentences end, by ICU (Unicode Standard Annex 29) for the language of the text.
// Two things are added to ICU's rules: a known abbreviation (Mr., St.) ends no sentence (CLDR's suppressions), and what goes on with a
// small letter is the same sentence ("Why?" said she.). A single line break is white space, since prose is hard-wrapped.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace strata::text {

/// Half-open range of bytes.
struct Span {
  std::int64_t begin = 0, end = 0;
  std::int64_t size() const { return end - begin; }
  bool operator==(const Span& other) const { return begin == other.begin && end == other.end; }
};

/// ISO 639 code from the dominant script: Hangul "ko", a fair share of kana "ja", Han "zh", else "en" (whose rules serve other alphabets
/// too).
std::string dominant_language(std::string_view utf8);

/// Splits paragraphs into sentences. Not for use by two threads at once.
class SentenceSplitter {
 public:
  /// `language`: ISO 639 code. Throws ConfigError when ICU does not know it.
  explicit SentenceSplitter(const std::string& language);
  ~SentenceSplitter();
  SentenceSplitter(SentenceSplitter&&) noexcept;

  /// Appends to `out` the sentences of `paragraph` (valid UTF-8), shifted by `offset`, without the white space around them.
  /// Time and memory beyond `out` are linear in the paragraph and bounded by a window: a paragraph may be 50 MB long.
  void split(std::string_view paragraph, std::int64_t offset, std::vector<Span>& out);

 private:
  struct Icu;
  std::unique_ptr<Icu> icu_;
};

/// Appends one sentence per line that is not blank, without the white space around it.
void split_lines(std::string_view paragraph, std::int64_t offset, std::vector<Span>& out);

}  // namespace strata::text
