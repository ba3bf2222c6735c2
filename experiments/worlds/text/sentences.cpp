#include "experiments/worlds/text/sentences.hpp"

#include <unicode/brkiter.h>
#include <unicode/filteredbrk.h>
#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <algorithm>

#include "core/error.hpp"
#include "experiments/worlds/text/utf8.hpp"

namespace strata::text {
namespace {

// Bytes that ICU sees at a time. Boundaries within a window are final but for the last, which waits for what follows.
constexpr std::int64_t window_bytes = std::int64_t{1} << 18;

void append_trimmed(std::string_view text, std::int64_t begin, std::int64_t end, std::int64_t offset, std::vector<Span>& out) {
  while (begin < end && is_white_space(text[static_cast<std::size_t>(begin)])) ++begin;
  while (end > begin && is_white_space(text[static_cast<std::size_t>(end - 1)])) --end;
  if (begin < end) out.push_back({offset + begin, offset + end});
}

std::int64_t utf8_bytes(const icu::UnicodeString& text, std::int32_t first, std::int32_t last) {
  std::int64_t bytes = 0;
  for (std::int32_t i = first; i < last; ++i) {
    const char16_t unit = text[i];
    // A surrogate is half of a four-byte character.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xD800 && unit < 0xE000) ? 2 : 3;
  }
  return bytes;
}

/// The text from `position` on begins, after opening quotes and white space, with a small letter.
bool goes_on(const icu::UnicodeString& text, std::int32_t position) {
  while (position < text.length()) {
    const UChar32 c = text.char32At(position);
    if (u_isalnum(c)) return u_islower(c) != 0;
    const auto type = u_charType(c);
    if (!u_isUWhiteSpace(c) && type != U_INITIAL_PUNCTUATION && type != U_START_PUNCTUATION && c != '"' && c != '\'') return false;
    position = text.moveIndex32(position, 1);
  }
  return false;
}

}  // namespace

struct SentenceSplitter::Icu {
  std::unique_ptr<icu::BreakIterator> sentences;
};

SentenceSplitter::SentenceSplitter(const std::string& language) : icu_(std::make_unique<Icu>()) {
  const icu::Locale locale = icu::Locale::createFromName(language.c_str());
  if (locale.isBogus() || *locale.getISO3Language() == '\0') {
    throw ConfigError("text.language", language, "expected auto or an ISO 639 code such as en, de, ko, ja, zh");
  }
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<icu::BreakIterator> plain(icu::BreakIterator::createSentenceInstance(locale, status));
  if (U_FAILURE(status)) throw ConfigError("text.language", language, std::string("ICU has no sentence rules: ") + u_errorName(status));
  std::unique_ptr<icu::FilteredBreakIteratorBuilder> filter(icu::FilteredBreakIteratorBuilder::createInstance(locale, status));
  if (U_SUCCESS(status)) {
    icu_->sentences.reset(filter->build(plain.release(), status));
  } else {
    icu_->sentences = std::move(plain);  // no list of abbreviations for this language
  }
  if (icu_->sentences == nullptr) throw ConfigError("text.language", language, "ICU could not make a sentence iterator");
}

SentenceSplitter::~SentenceSplitter() = default;
SentenceSplitter::SentenceSplitter(SentenceSplitter&&) noexcept = default;

void SentenceSplitter::split(std::string_view paragraph, std::int64_t offset, std::vector<Span>& out) {
  const auto length = static_cast<std::int64_t>(paragraph.size());
  std::int64_t window = 0;          // first byte ICU sees
  std::int64_t sentence_begin = 0;  // before `window` only in a sentence longer than a window
  while (window < length) {
    std::int64_t end = std::min(length, window + window_bytes);
    while (end < length && is_continuation(paragraph[static_cast<std::size_t>(end)])) --end;
    std::string part(paragraph.substr(static_cast<std::size_t>(window), static_cast<std::size_t>(end - window)));
    std::replace_if(part.begin(), part.end(), is_white_space, ' ');  // a line break must not end a sentence
    const auto utf16 = icu::UnicodeString::fromUTF8(part);
    icu_->sentences->setText(utf16);
    std::int32_t previous = icu_->sentences->first();
    std::int64_t position = window;  // byte of `previous`
    std::int64_t resume = window;    // byte of the last boundary that was taken
    for (std::int32_t next = icu_->sentences->next(); next != icu::BreakIterator::DONE; next = icu_->sentences->next()) {
      position += utf8_bytes(utf16, previous, next);
      previous = next;
      if (position >= end) break;
      if (goes_on(utf16, next)) continue;
      append_trimmed(paragraph, sentence_begin, position, offset, out);
      sentence_begin = resume = position;
    }
    window = resume > window && end < length ? resume : end;
  }
  append_trimmed(paragraph, sentence_begin, length, offset, out);
}

void split_lines(std::string_view paragraph, std::int64_t offset, std::vector<Span>& out) {
  std::size_t begin = 0;
  while (begin < paragraph.size()) {
    const std::size_t newline = std::min(paragraph.find('\n', begin), paragraph.size());
    append_trimmed(paragraph, static_cast<std::int64_t>(begin), static_cast<std::int64_t>(newline), offset, out);
    begin = newline + 1;
  }
}

std::string dominant_language(std::string_view utf8) {
  const auto sample = utf8.substr(0, std::size_t{1} << 20);
  const auto text = icu::UnicodeString::fromUTF8(icu::StringPiece(sample.data(), static_cast<std::int32_t>(sample.size())));
  std::int64_t hangul = 0, kana = 0, han = 0, letters = 0;
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const UChar32 c = text.char32At(i);
    if (!u_isalpha(c)) continue;
    ++letters;
    UErrorCode status = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(c, &status);
    hangul += script == USCRIPT_HANGUL ? 1 : 0;
    kana += script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA ? 1 : 0;
    han += script == USCRIPT_HAN ? 1 : 0;
  }
  // An East Asian character says about as much as two or three letters of an alphabet: a third of the letters decides.
  if (3 * (hangul + kana + han) < letters || letters == 0) return "en";
  if (hangul >= kana + han) return "ko";
  return 10 * kana >= han ? "ja" : "zh";  // Japanese prose is about half kana, Chinese prose holds none
}

}  // namespace strata::text
