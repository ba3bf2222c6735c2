#pragma once
// SentencePiece's pieces (kinds bpe and unigram), with the rules of tokenizer.hpp that keep every byte. Internal to tokenizer.cpp,
// sentence_pieces.cpp, tokenizer_training.cpp and encoder.cpp.

#include <sentencepiece_processor.h>

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/worlds/text/token_codec.hpp"

namespace strata::text {

struct Separators {
  std::string line = "\n", paragraph = "\n\n", document = "\n\f\n";
};

struct SentencePieces final : TokenCodec {
  static constexpr std::string_view first_line = "strata tokenizer 1\n";

  std::string proto;          ///< SentencePiece's serialised model
  Separators separators;      ///< bytes of <nl>, <eop>, <eod>
  bool leading_space = true;  ///< rule 3: words are parted by spaces

  // Derived from the above by prepare().
  sentencepiece::SentencePieceProcessor processor;
  std::vector<std::string> bytes;            ///< of every id, as if a separator had its own
  std::array<std::int32_t, 256> byte_ids{};  ///< id of every byte piece
  std::int32_t line = 0, paragraph = 0, document = 0;
  std::int32_t space = -1;  ///< the piece of a lone space, -1 where there is none

  /// Throws DataError when `proto` is no model with byte pieces.
  void prepare();

  Index vocabulary() const override { return static_cast<Index>(bytes.size()); }
  SpecialIds special() const override { return {line, paragraph, document, -1}; }  // <unk> is never used: bytes spell what is unknown
  std::vector<EncodedDocument> encode(const Corpus& corpus, const std::vector<const Document*>& documents) const override;
  std::string decode(std::span<const std::int32_t> ids, bool at_file_end) const override;
  std::string piece(std::int32_t id) const override;
  std::vector<std::uint8_t> to_bytes() const override;
};

std::unique_ptr<TokenCodec> learn_sentence_pieces(const Corpus& corpus, const std::vector<std::int32_t>& documents,
                                                  const TokenizerOptions& options, const Tokenizer::Warn& warn);

/// From what to_bytes() gave. Throws DataError.
std::unique_ptr<TokenCodec> restore_sentence_pieces(const std::vector<std::uint8_t>& bytes);

/// Trains SentencePiece; defined in tokenizer_training.cpp.
std::string train_pieces(const Corpus& corpus, const std::vector<std::int32_t>& documents, const TokenizerOptions& options,
                         bool leading_space, const Tokenizer::Warn& warn);

/// The commonest form of each separator in `documents`.
Separators find_separators(const Corpus& corpus, const std::vector<std::int32_t>& documents);

/// Whether words are parted by spaces: at least one character in twenty is one.
bool has_word_spaces(const Corpus& corpus, const std::vector<std::int32_t>& documents);

/// Characters that never reach SentencePiece: controls, its own space mark U+2581 and its mark U+2585. Returns their length at the start of
/// `text`, or 0.
inline std::size_t reserved_length(std::string_view text) {
  const auto c = static_cast<unsigned char>(text.front());
  if (c < 0x20 || c == 0x7F) return 1;
  return text.starts_with("\xE2\x96\x81") || text.starts_with("\xE2\x96\x85") ? 3 : 0;
}

/// Number of special ids that follow the pieces.
constexpr std::int64_t separator_ids = 3;

}  // namespace strata::text
