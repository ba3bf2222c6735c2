#pragma once
// Text to tokens and back. Of five kinds bpe, unigram and bytes keep every byte; words and characters (like bytes in plain_tokens.hpp) can
// meet what they do not know. Whatever the kind, the ranges of a document's tokens touch, and their lengths sum to the document.
//
// bpe and unigram: the pieces are SentencePiece's (Kudo & Richardson 2018; BPE, Sennrich et al. 2016, or unigram, Kudo 2018), learned from
// the training documents only. Three ids are appended to them, whose bytes are the commonest form of each separator in the training text:
//   <nl>   end of a line inside a paragraph          e.g. "\n"
//   <eop>  blank line: end of a paragraph            e.g. "\n\n"      carries sentence_end | paragraph_end
//   <eod>  form feed: end of a document              e.g. "\n\f\n"    carries sentence_end | paragraph_end | document_end
// The last token of every sentence carries sentence_end; no token reaches over the end of a sentence, a line or a paragraph.
//
// Four rules keep every byte, whatever the source holds:
//   1. A separator of another form is spelled out in ordinary tokens, and the <eop> or <eod> behind it has no bytes. The reader of the ids
//      can tell: a spelled separator ends in a line end, and a token that ends in a line end never stands before one that has bytes.
//      What a longer separator has beyond the common form follows <eop> as ordinary tokens.
//   2. The <eod> at the end of a file has no bytes; the file's last bytes are spelled out.
//   3. Where words are parted by spaces, the first word of a line is encoded with a space before it that the source does not hold, so
//      that a word is the same token wherever the line was wrapped; one space is dropped again at the start of a line. (SentencePiece's own
//      dummy prefix does this at the start of a sentence only, and cannot be told from a real space.)
//   4. SentencePiece writes a space as U+2581. A real U+2581, control characters and characters outside the vocabulary become byte pieces.
// So the bytes of a document's tokens are the document's bytes, in order, and their lengths sum to the size of the file.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/observation.hpp"
#include "experiments/worlds/text/corpus.hpp"

namespace strata::text {

/// A document as tokens. Token i holds bytes [byte_begin(i), byte_end(i)) of the source file; neighbours touch, and a range may be empty.
struct EncodedDocument {
  std::int32_t index = 0;              ///< Document::index
  std::int32_t source = 0;             ///< the work it belongs to
  std::vector<std::int32_t> ids;       ///< n
  std::vector<std::int64_t> starts;    ///< n + 1: starts[i] is where token i begins, starts[n] where the document ends
  std::vector<std::uint8_t> boundary;  ///< n, bits of Boundary
  bool told = true;                    ///< whoever reads it is told of them

  Index size() const { return static_cast<Index>(ids.size()); }
  std::int64_t byte_begin(Index token) const { return starts[static_cast<std::size_t>(token)]; }
  std::int64_t byte_end(Index token) const { return starts[static_cast<std::size_t>(token) + 1]; }
};

struct TokenizerOptions {
  std::string kind = "bpe";                            ///< one of tokenizer_kinds()
  std::int64_t vocabulary = 8000;                      ///< ids in all, the special ones among them; bytes are 256 whatever it says
  std::int64_t sample_bytes = std::int64_t{16} << 20;  ///< bpe, unigram: at most this much text is looked at, sentences drawn by `seed`
  std::uint64_t seed = 1;
};

/// bpe, unigram, words, characters, bytes.
const std::vector<std::string>& tokenizer_kinds();

/// Throws ConfigError: no such kind, or a vocabulary that is too small for it.
void require_usable(const TokenizerOptions& options);

class TokenCodec;

class Tokenizer {
 public:
  using Warn = std::function<void(const std::string&)>;

  /// Learns from the given documents of `corpus`. `warn` is called with one line where SentencePiece cannot make as many pieces of the text
  /// as asked for (the most that work are taken), and where words or characters of the text find no room in the vocabulary. Throws
  /// ConfigError (kind, vocabulary too small) and DataError (nothing to learn from).
  static Tokenizer train(const Corpus& corpus, const std::vector<std::int32_t>& documents, const TokenizerOptions& options = {},
                         const Warn& warn = {});

  /// Restores what to_bytes() gave. Throws DataError when it is something else or of another version.
  static Tokenizer from_bytes(const std::vector<std::uint8_t>& bytes);
  std::vector<std::uint8_t> to_bytes() const;

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  Index vocabulary() const;               ///< V
  std::int32_t line_end() const;          ///< <nl>; -1, as the two below, where a kind has no such id (characters, bytes)
  std::int32_t end_of_paragraph() const;  ///< <eop>
  std::int32_t end_of_document() const;   ///< <eod>
  std::int32_t unknown() const;           ///< <unk>; -1 where every text can be spelled

  EncodedDocument encode(const Corpus& corpus, const Document& document) const;
  std::vector<EncodedDocument> encode(const Corpus& corpus, const std::vector<std::int32_t>& documents) const;

  /// The bytes that `ids` stand for, read as from the start of a line. `at_file_end`: an <eod> in last place is the end of a file (rule 2).
  /// Of words: parted by one space each, whatever white space stood between them.
  std::string decode(std::span<const std::int32_t> ids, bool at_file_end = true) const;

  /// For people: the piece with U+2581 for a space, "<0x41>" for a byte, "<eop>", "<eod>", "<nl>"; the word; the character, white space and
  /// control characters in a readable form.
  std::string piece(std::int32_t id) const;

 private:
  explicit Tokenizer(std::unique_ptr<TokenCodec> codec);
  std::unique_ptr<TokenCodec> codec_;
};

/// The same without <nl>, <eop> and <eod>, and nobody is told where anything ends: what ended with them ends with the token before. Each must be
/// of a kind that has these.
void hide_marks(std::vector<EncodedDocument>& documents, const Tokenizer& tokenizer);

/// Tokens of `documents` that the tokenizer does not know; a text that itself says "<unk>" is known to.
Index count_unknown(const Tokenizer& tokenizer, const Corpus& corpus, const std::vector<EncodedDocument>& documents);

/// Occurrences of every id (V).
std::vector<std::int64_t> count_tokens(const std::vector<EncodedDocument>& documents, Index vocabulary);

/// ln((count + 1) / (total + V)), nats: add-one smoothing (V).
std::vector<double> log_unigram(const std::vector<std::int64_t>& counts);

Index total_tokens(const std::vector<EncodedDocument>& documents);

/// Throws DataError, with the tokens found and needed, when `documents` hold fewer than `needed` tokens: too little to learn from.
void require_tokens(const Corpus& corpus, const std::vector<EncodedDocument>& documents, Index needed);

}  // namespace strata::text
