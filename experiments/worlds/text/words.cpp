#include "experiments/worlds/text/words.hpp"

namespace strata::text {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Lead byte of U+3000 .. U+9FFF: kana, Han and their punctuation.
bool begins_ideograph(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0xE3 && byte <= 0xE9;
}

}  // namespace

std::vector<Word> words_of(const Corpus& corpus, const EncodedDocument& document) {
  const std::string_view source = corpus.sources[static_cast<std::size_t>(document.source)].bytes;
  const auto at = [&](std::int64_t byte) { return source[static_cast<std::size_t>(byte)]; };
  std::vector<Word> words;
  bool open = false;  // the last word may go on
  for (Index t = 0; t < document.size(); ++t) {
    Span bytes{document.byte_begin(t), document.byte_end(t)};
    const bool empty = bytes.size() == 0;
    const std::int64_t begin = bytes.begin;
    while (bytes.begin < bytes.end && is_space(at(bytes.begin))) ++bytes.begin;
    if (bytes.size() == 0) {
      open = open && empty;  // a token without bytes parts nothing
      continue;
    }
    if (!open || bytes.begin > begin || begins_ideograph(at(bytes.begin))) {
      words.push_back({bytes, t, t + 1});
    } else {
      words.back().bytes.end = bytes.end;
      words.back().last = t + 1;
    }
    open = true;
  }
  return words;
}

}  // namespace strata::text
