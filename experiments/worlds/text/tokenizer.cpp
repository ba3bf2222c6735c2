#include "experiments/worlds/text/tokenizer.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "experiments/worlds/text/plain_tokens.hpp"
#include "experiments/worlds/text/sentence_pieces.hpp"
#include "experiments/worlds/text/token_codec.hpp"
#include "experiments/worlds/text/utf8.hpp"

namespace strata::text {
namespace {

bool is_learned_by_sentence_piece(const std::string& kind) { return kind == "bpe" || kind == "unigram"; }

std::int64_t least_vocabulary(const std::string& kind) {
  if (is_learned_by_sentence_piece(kind)) return 300;  // 256 bytes, <unk>, three separators, and some pieces
  return kind == "words" ? 5 : 2;
}

void require_id(std::int32_t id, Index vocabulary) {
  if (id < 0 || id >= vocabulary) throw ShapeError("token id", "0 .. " + std::to_string(vocabulary - 1), std::to_string(id));
}

}  // namespace

DataError not_a_tokenizer(const std::string& why) {
  return DataError("tokenizer", 0, why + "; the model file is damaged or was written by another version of strata; train it again");
}

void append_field(std::vector<std::uint8_t>& out, std::string_view field) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<std::uint8_t>(std::uint64_t{field.size()} >> shift));
  out.insert(out.end(), field.begin(), field.end());
}

std::string FieldReader::take() {
  if (bytes_.size() - position_ < 8) throw not_a_tokenizer("its bytes end early");
  std::uint64_t size = 0;
  for (int shift = 0; shift < 64; shift += 8) size |= std::uint64_t{bytes_[position_++]} << shift;
  if (size > bytes_.size() - position_) throw not_a_tokenizer("its bytes end early");
  const auto first = bytes_.begin() + static_cast<std::ptrdiff_t>(position_);
  position_ += size;
  return {first, first + static_cast<std::ptrdiff_t>(size)};
}

bool begins_with(const std::vector<std::uint8_t>& bytes, std::string_view first_line) {
  return bytes.size() >= first_line.size() && std::equal(first_line.begin(), first_line.end(), bytes.begin(),
                                                         [](char c, std::uint8_t byte) { return static_cast<std::uint8_t>(c) == byte; });
}

const std::vector<std::string>& tokenizer_kinds() {
  static const std::vector<std::string> kinds = {"bpe", "unigram", "words", "characters", "bytes"};
  return kinds;
}

void require_usable(const TokenizerOptions& options) {
  const auto& kinds = tokenizer_kinds();
  if (std::find(kinds.begin(), kinds.end(), options.kind) == kinds.end())
    throw ConfigError("text.tokenizer", options.kind, "expected bpe, unigram, words, characters or bytes");
  if (const std::int64_t least = least_vocabulary(options.kind); options.vocabulary < least) {
    throw ConfigError("text.vocabulary", std::to_string(options.vocabulary),
                      "expected at least " + std::to_string(least) + " where text.tokenizer is " + options.kind +
                          (is_learned_by_sentence_piece(options.kind) ? ", which spells what it does not know in 256 bytes" : ""));
  }
}

Tokenizer::Tokenizer(std::unique_ptr<TokenCodec> codec) : codec_(std::move(codec)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::train(const Corpus& corpus, const std::vector<std::int32_t>& documents, const TokenizerOptions& options,
                           const Warn& warn) {
  require_usable(options);
  return Tokenizer(is_learned_by_sentence_piece(options.kind) ? learn_sentence_pieces(corpus, documents, options, warn)
                                                              : learn_plain_tokens(corpus, documents, options, warn));
}

std::vector<std::uint8_t> Tokenizer::to_bytes() const { return codec_->to_bytes(); }

Tokenizer Tokenizer::from_bytes(const std::vector<std::uint8_t>& bytes) {
  if (begins_with(bytes, SentencePieces::first_line)) return Tokenizer(restore_sentence_pieces(bytes));
  if (begins_with(bytes, plain_tokens_first_line)) return Tokenizer(restore_plain_tokens(bytes));
  throw not_a_tokenizer("it does not begin as one");
}

Index Tokenizer::vocabulary() const { return codec_->vocabulary(); }
std::int32_t Tokenizer::line_end() const { return codec_->special().line; }
std::int32_t Tokenizer::end_of_paragraph() const { return codec_->special().paragraph; }
std::int32_t Tokenizer::end_of_document() const { return codec_->special().document; }
std::int32_t Tokenizer::unknown() const { return codec_->special().unknown; }

EncodedDocument Tokenizer::encode(const Corpus& corpus, const Document& document) const {
  return std::move(codec_->encode(corpus, {&document}).front());
}

std::vector<EncodedDocument> Tokenizer::encode(const Corpus& corpus, const std::vector<std::int32_t>& documents) const {
  std::vector<const Document*> chosen;
  chosen.reserve(documents.size());
  for (const std::int32_t index : documents) chosen.push_back(&corpus.documents[static_cast<std::size_t>(index)]);
  return codec_->encode(corpus, chosen);
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, bool at_file_end) const {
  for (const std::int32_t id : ids) require_id(id, vocabulary());
  return codec_->decode(ids, at_file_end);
}

std::string Tokenizer::piece(std::int32_t id) const {
  require_id(id, vocabulary());
  return codec_->piece(id);
}

void hide_marks(std::vector<EncodedDocument>& documents, const Tokenizer& tokenizer) {
  for (EncodedDocument& document : documents) {
    document.told = false;
    std::size_t kept = 0;
    for (std::size_t t = 0; t < document.ids.size(); ++t) {
      const std::int32_t id = document.ids[t];
      if (id == tokenizer.line_end() || id == tokenizer.end_of_paragraph() || id == tokenizer.end_of_document()) {
        if (kept > 0) document.boundary[kept - 1] |= document.boundary[t];
        continue;
      }
      document.ids[kept] = id;
      document.starts[kept] = kept > 0 ? document.starts[t] : document.starts.front();
      document.boundary[kept++] = document.boundary[t];
    }
    document.starts[kept] = document.starts.back();
    document.ids.resize(kept);
    document.boundary.resize(kept);
    document.starts.resize(kept + 1);
  }
}

Index count_unknown(const Tokenizer& tokenizer, const Corpus& corpus, const std::vector<EncodedDocument>& documents) {
  const std::int32_t unknown = tokenizer.unknown();
  if (unknown < 0) return 0;
  const std::string written = tokenizer.piece(unknown);
  Index count = 0;
  for (const EncodedDocument& document : documents) {
    const std::string_view source = corpus.sources[static_cast<std::size_t>(document.source)].bytes;
    for (Index t = 0; t < document.size(); ++t) {
      if (document.ids[static_cast<std::size_t>(t)] != unknown) continue;
      const std::int64_t begin = document.byte_begin(t);
      std::string_view bytes = source.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(document.byte_end(t) - begin));
      while (!bytes.empty() && is_white_space(bytes.front())) bytes.remove_prefix(1);
      while (!bytes.empty() && is_white_space(bytes.back())) bytes.remove_suffix(1);
      count += bytes == written ? 0 : 1;
    }
  }
  return count;
}

std::vector<std::int64_t> count_tokens(const std::vector<EncodedDocument>& documents, Index vocabulary) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(vocabulary), 0);
  for (const EncodedDocument& document : documents) {
    for (const std::int32_t id : document.ids) ++counts[static_cast<std::size_t>(id)];
  }
  return counts;
}

std::vector<double> log_unigram(const std::vector<std::int64_t>& counts) {
  const std::int64_t total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  const double normaliser = std::log(static_cast<double>(total) + static_cast<double>(counts.size()));
  std::vector<double> nats;
  nats.reserve(counts.size());
  for (const std::int64_t count : counts) nats.push_back(std::log(static_cast<double>(count) + 1.0) - normaliser);
  return nats;
}

Index total_tokens(const std::vector<EncodedDocument>& documents) {
  return std::accumulate(documents.begin(), documents.end(), Index{0},
                         [](Index sum, const EncodedDocument& document) { return sum + document.size(); });
}

void require_tokens(const Corpus& corpus, const std::vector<EncodedDocument>& documents, Index needed) {
  const Index found = total_tokens(documents);
  if (found >= needed) return;
  throw DataError(corpus.sources.front().path, 0,
                  "the text is too short to learn from: " + std::to_string(found) + " tokens in " + std::to_string(documents.size()) +
                      " training documents, at least " + std::to_string(needed) + " are needed; give more text with --text");
}

}  // namespace strata::text
