#pragma once
// Tokens back to words, for reports: what is printed and shaded is a word, what was read are its tokens.

#include <vector>

#include "experiments/worlds/text/tokenizer.hpp"

namespace strata::text {

/// Characters of one word without the white space around them, and the tokens [first, last) that hold them.
struct Word {
  Span bytes;  ///< of the source file
  Index first = 0, last = 0;
};

/// Words are parted by white space; a Han or kana character that begins a token begins a word. Tokens of white space and separators
/// belong to no word; every other token belongs to exactly one, and words come in order. `document` must be of `corpus`.
std::vector<Word> words_of(const Corpus& corpus, const EncodedDocument& document);

}  // namespace strata::text
