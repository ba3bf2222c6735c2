// The way from bytes to ids: rules 1 to 4 of tokenizer.hpp.

#include <unordered_map>

#include "experiments/worlds/text/sentence_pieces.hpp"
#include "experiments/worlds/text/utf8.hpp"

namespace strata::text {
namespace {

constexpr std::size_t longest_word = 1024;       // a longer run without space is cut: SentencePiece's time is more than linear
constexpr std::size_t longest_cached_word = 48;  // bytes
constexpr std::size_t cached_words = std::size_t{1} << 18;

/// Encodes documents one after another. Words are encoded apart and remembered: no piece holds a space but at its start, so that
/// SentencePiece gives a sentence the pieces of its words.
class Encoder {
 public:
  Encoder(const SentencePieces& model, const Corpus& corpus) : model_(model), corpus_(corpus) {}

  EncodedDocument encode(const Document& document) {
    out_ = EncodedDocument();
    out_.index = document.index;
    out_.source = document.source;
    position_ = document.range.begin;
    line_start_ = true;
    text_ = corpus_.sources[static_cast<std::size_t>(document.source)].bytes;
    auto sentence = document.sentences.begin();
    for (std::size_t p = 0; p < document.paragraphs.size(); ++p) {
      const Span& paragraph = document.paragraphs[p];
      for (; sentence != document.sentences.end() && sentence->end <= paragraph.end; ++sentence) {
        run(sentence->end);
        out_.boundary.back() |= sentence_end;
      }
      run(paragraph.end);
      if (p + 1 < document.paragraphs.size()) end_paragraph(document.paragraphs[p + 1].begin);
    }
    end_document(document.range.end);
    out_.starts.push_back(position_);
    return std::move(out_);
  }

 private:
  /// Emits the bytes up to `end`.
  void run(std::int64_t end) {
    while (position_ < end) {
      const std::string_view rest = text_.substr(static_cast<std::size_t>(position_), static_cast<std::size_t>(end - position_));
      if (rest.starts_with(model_.separators.line)) {
        emit(model_.line, model_.separators.line.size());
        line_start_ = true;
      } else if (const std::size_t reserved = reserved_length(rest); reserved > 0) {
        for (std::size_t i = 0; i < reserved; ++i) emit_byte(rest[i]);
        line_start_ = rest.front() == '\n';
      } else if (line_start_ && model_.leading_space && rest.front() == ' ' && model_.space < 0) {
        emit_byte(' ');
        line_start_ = false;
      } else {
        word(rest.substr(0, word_length(rest)));
        line_start_ = false;
      }
    }
  }

  /// A word with the one space before it. Further spaces are words of their own.
  static std::size_t word_length(std::string_view rest) {
    std::size_t length = rest.front() == ' ' ? 1 : 0;
    while (length < rest.size() && rest[length] != ' ' && reserved_length(rest.substr(length)) == 0) {
      if (length >= longest_word && !is_continuation(rest[length])) break;
      ++length;
    }
    return length;
  }

  void word(std::string_view bytes) {
    if (line_start_ && model_.leading_space) {
      if (bytes.front() == ' ') {
        emit_all(pieces(" "), 1);  // keeps the real space from being taken for the one that is dropped
      } else {
        const auto& with_space = pieces(" " + std::string(bytes));
        const std::string& first = model_.bytes[static_cast<std::size_t>(with_space.front())];
        // Where the space would be a token of its own it buys nothing; a byte piece is never taken for it.
        if (first.size() > 1 && first.front() == ' ') {
          emit_all(with_space, 1);
          return;
        }
      }
    }
    emit_all(pieces(std::string(bytes)), 0);
  }

  const std::vector<std::int32_t>& pieces(const std::string& word) {
    if (const auto known = cache_.find(word); known != cache_.end()) return known->second;
    std::vector<int> found;
    std::size_t matched = 0;
    if (model_.processor.Encode(word, &found).ok()) {
      for (const int id : found) {
        const std::string& bytes = model_.bytes[static_cast<std::size_t>(id)];
        if (bytes.empty() || word.compare(matched, bytes.size(), bytes) != 0) break;
        matched += bytes.size();
      }
    }
    std::vector<std::int32_t> ids(found.begin(), found.end());
    if (matched != word.size()) {  // what SentencePiece cannot give back exactly is spelled in bytes
      ids.clear();
      for (const char c : word) ids.push_back(model_.byte_ids[static_cast<unsigned char>(c)]);
    }
    if (word.size() > longest_cached_word || cache_.size() >= cached_words) return uncached_ = std::move(ids);
    return cache_.emplace(word, std::move(ids)).first->second;
  }

  /// `dropped` bytes of the first token are not in the source.
  void emit_all(const std::vector<std::int32_t>& ids, std::size_t dropped) {
    for (const std::int32_t id : ids) {
      emit(id, model_.bytes[static_cast<std::size_t>(id)].size() - dropped);
      dropped = 0;
    }
  }

  void emit_byte(char c) { emit(model_.byte_ids[static_cast<unsigned char>(c)], 1); }

  void emit(std::int32_t id, std::size_t bytes) {
    out_.ids.push_back(id);
    out_.starts.push_back(position_);
    out_.boundary.push_back(0);
    position_ += static_cast<std::int64_t>(bytes);
  }

  void end_paragraph(std::int64_t next) {
    const std::string_view gap = text_.substr(static_cast<std::size_t>(position_), static_cast<std::size_t>(next - position_));
    if (gap.starts_with(model_.separators.paragraph)) {
      emit(model_.paragraph, model_.separators.paragraph.size());
    } else {
      run(next);
      emit(model_.paragraph, 0);
    }
    out_.boundary.back() |= sentence_end | paragraph_end;
    line_start_ = true;
    run(next);
  }

  void end_document(std::int64_t end) {
    const std::string_view gap = text_.substr(static_cast<std::size_t>(position_), static_cast<std::size_t>(end - position_));
    const bool file_end = end == static_cast<std::int64_t>(text_.size());
    if (!file_end && gap == model_.separators.document) {
      emit(model_.document, gap.size());
    } else {
      run(end);
      emit(model_.document, 0);
    }
    out_.boundary.back() |= sentence_end | paragraph_end | document_end;
  }

  const SentencePieces& model_;
  const Corpus& corpus_;
  std::string_view text_;
  EncodedDocument out_;
  std::int64_t position_ = 0;
  bool line_start_ = true;
  std::unordered_map<std::string, std::vector<std::int32_t>> cache_;
  std::vector<std::int32_t> uncached_;
};

}  // namespace

std::vector<EncodedDocument> SentencePieces::encode(const Corpus& corpus, const std::vector<const Document*>& documents) const {
  Encoder encoder(*this, corpus);
  std::vector<EncodedDocument> out;
  out.reserve(documents.size());
  for (const Document* each : documents) out.push_back(encoder.encode(*each));
  return out;
}

}  // namespace strata::text
