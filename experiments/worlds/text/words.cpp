#include "experiments/worlds/text/words.hpp"

#include "experiments/worlds/text/utf8.hpp"

namespace strata::text {
namespace {

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
    const Span token{document.byte_begin(t), document.byte_end(t)};
    Span bytes = token;
    while (bytes.begin < bytes.end && is_white_space(at(bytes.end - 1))) --bytes.end;
    // What stands before white space inside a token is a byte order mark: no token holds two words.
    for (std::int64_t i = bytes.begin; i < bytes.end; ++i) bytes.begin = is_white_space(at(i)) ? i + 1 : bytes.begin;
    if (bytes.size() == 0) {
      open = open && token.size() == 0;  // a token without bytes parts nothing
      continue;
    }
    if (!open || bytes.begin > token.begin || begins_ideograph(at(bytes.begin))) {
      words.push_back({bytes, t, t + 1});
    } else {
      words.back().bytes.end = bytes.end;
      words.back().last = t + 1;
    }
    open = bytes.end == token.end;
  }
  return words;
}

}  // namespace strata::text
