#pragma once
// Tokens that are counted, not learned: words, characters, bytes.
//
//   words       what white space (blanks, tabs, line ends) parts, as it stands. Ids: <unk>, the commonest words of the training text (of
//               equally common ones the first), <nl>, <eop>, <eod>. White space is no token: a word's range runs to where the next token
//               begins. Every line end is one token: <nl> inside a paragraph, <eop> with the blank lines behind it, <eod> at the end of the
//               document, also where its last line has no end. A text that itself says "<unk>" (the Penn Treebank) means that id.
//   characters  Unicode code points, line ends and blanks among them. Ids: <unk>, the commonest characters. N characters are N tokens.
//   bytes       256 ids. N bytes are N tokens, and every text is known.
//
// Boundary bits lie on the token that holds the last byte: of a sentence; of the white space behind a paragraph (<eop>); of a document
// (<eod>). A word in which two sentences end carries one bit.
//
// An unknown word or character costs only its id, and white space between words costs nothing: bits per byte of these two kinds cannot be
// compared with those of kinds that keep every byte.

#include <memory>
#include <string_view>
#include <vector>

#include "experiments/worlds/text/token_codec.hpp"

namespace strata::text {

constexpr std::string_view plain_tokens_first_line = "strata plain tokens 1\n";

/// options.kind: words, characters or bytes. Calls `warn` where the training text holds what the vocabulary has no room for.
std::unique_ptr<TokenCodec> learn_plain_tokens(const Corpus& corpus, const std::vector<std::int32_t>& documents,
                                               const TokenizerOptions& options, const Tokenizer::Warn& warn);

/// From what to_bytes() gave. Throws DataError.
std::unique_ptr<TokenCodec> restore_plain_tokens(const std::vector<std::uint8_t>& bytes);

}  // namespace strata::text
