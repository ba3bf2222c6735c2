#include "experiments/worlds/text/plain_tokens.hpp"

#include <unicode/uchar.h>

#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "experiments/worlds/text/utf8.hpp"

namespace strata::text {
namespace {

constexpr std::string_view unknown_text = "<unk>";

std::string_view source_of(const Corpus& corpus, const Document& document) {
  return corpus.sources[static_cast<std::size_t>(document.source)].bytes;
}

/// Puts tokens one behind the other and the boundary bits of the document on them.
class Writer {
 public:
  explicit Writer(const Document& document) : document_(document), sentence_(document.sentences.begin()) {
    out_.index = document.index;
    out_.source = document.source;
  }

  /// The token before ends here. What precedes the first token belongs to it.
  void emit(std::int32_t id, std::int64_t begin) {
    if (!out_.ids.empty()) close(begin);
    out_.starts.push_back(out_.ids.empty() ? document_.range.begin : begin);
    out_.ids.push_back(id);
    out_.boundary.push_back(0);
  }

  EncodedDocument finish() {
    close(document_.range.end);
    out_.boundary.back() |= sentence_end | paragraph_end | document_end;
    out_.starts.push_back(document_.range.end);
    return std::move(out_);
  }

 private:
  /// The last token ends at `end`: marks what it has brought to its end.
  void close(std::int64_t end) {
    for (; sentence_ != document_.sentences.end() && sentence_->end <= end; ++sentence_) out_.boundary.back() |= sentence_end;
    const auto& paragraphs = document_.paragraphs;
    for (; next_paragraph_ < paragraphs.size() && paragraphs[next_paragraph_].begin <= end; ++next_paragraph_)
      out_.boundary.back() |= sentence_end | paragraph_end;
  }

  const Document& document_;
  std::vector<Span>::const_iterator sentence_;
  std::size_t next_paragraph_ = 1;
  EncodedDocument out_;
};

/// Counts strings that live elsewhere.
class Census {
 public:
  void add(std::string_view text) {
    Tally& tally = tallies_.try_emplace(text, Tally{0, tallies_.size()}).first->second;
    ++tally.count;
    ++total_;
  }
  void leave_out(std::string_view text) { tallies_.erase(text); }

  /// The `most` commonest, of equally common ones the first met.
  std::vector<std::string_view> commonest(std::size_t most) {
    std::vector<std::pair<std::string_view, Tally>> order(tallies_.begin(), tallies_.end());
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      return a.second.count != b.second.count ? a.second.count > b.second.count : a.second.first < b.second.first;
    });
    left_over_ = 0;
    for (std::size_t i = most; i < order.size(); ++i) left_over_ += order[i].second.count;
    order.resize(std::min(order.size(), most));
    std::vector<std::string_view> found;
    for (const auto& entry : order) found.push_back(entry.first);
    return found;
  }
  std::int64_t total() const { return total_; }
  std::int64_t left_over() const { return left_over_; }  ///< occurrences of what is not among the commonest

 private:
  struct Tally {
    std::int64_t count;
    std::size_t first;  ///< how many others were met before
  };
  std::unordered_map<std::string_view, Tally> tallies_;
  std::int64_t total_ = 0, left_over_ = 0;
};

/// Strings and their ids, from 0.
class Table {
 public:
  explicit Table(std::vector<std::string> entries) : entries_(std::move(entries)) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].empty() || !ids_.emplace(entries_[i], static_cast<std::int32_t>(i)).second)
        throw not_a_tokenizer("its vocabulary holds a token twice or an empty one");
    }
    if (entries_.empty() || entries_[0] != unknown_text) throw not_a_tokenizer("its vocabulary does not begin with <unk>");
  }
  Table(const Table&) = delete;  // ids_ looks into entries_
  Table& operator=(const Table&) = delete;

  /// 0, which is <unk>, where there is none.
  std::int32_t id(std::string_view text) const {
    const auto found = ids_.find(text);
    return found == ids_.end() ? 0 : found->second;
  }
  const std::string& operator[](std::int32_t id) const { return entries_[static_cast<std::size_t>(id)]; }
  std::int32_t size() const { return static_cast<std::int32_t>(entries_.size()); }

  std::vector<std::uint8_t> to_bytes(std::string_view kind) const {
    std::vector<std::uint8_t> out(plain_tokens_first_line.begin(), plain_tokens_first_line.end());
    append_field(out, kind);
    for (const std::string& entry : entries_) append_field(out, entry);
    return out;
  }

 private:
  std::vector<std::string> entries_;
  std::unordered_map<std::string_view, std::int32_t> ids_;
};

/// Calls word(begin, end) for every word in `span` of `source`, and line(begin) for every line end.
template <class OnWord, class OnLine>
void cut_words(std::string_view source, const Span& span, const OnWord& word, const OnLine& line) {
  const auto at = [&](std::int64_t byte) { return source[static_cast<std::size_t>(byte)]; };
  for (std::int64_t i = span.begin; i < span.end;) {
    const std::int64_t begin = i++;
    if (at(begin) == '\n') {
      line(begin > span.begin && at(begin - 1) == '\r' ? begin - 1 : begin);
    } else if (!is_white_space(at(begin))) {
      while (i < span.end && !is_white_space(at(i))) ++i;
      word(begin, i);
    }
  }
}

class WordTokens final : public TokenCodec {
 public:
  explicit WordTokens(std::vector<std::string> words) : words_(std::move(words)) {}
  Index vocabulary() const override { return words_.size() + 3; }
  SpecialIds special() const override { return {words_.size(), words_.size() + 1, words_.size() + 2, 0}; }
  std::vector<std::uint8_t> to_bytes() const override { return words_.to_bytes("words"); }

  std::vector<EncodedDocument> encode(const Corpus& corpus, const std::vector<const Document*>& documents) const override {
    std::vector<EncodedDocument> out;
    for (const Document* document : documents) out.push_back(encode(source_of(corpus, *document), *document));
    return out;
  }

  std::string decode(std::span<const std::int32_t> ids, bool at_file_end) const override {
    std::string out;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::int32_t separator = ids[i] - words_.size();
      if (separator < 0) {
        if (i > 0 && ids[i - 1] < words_.size()) out += ' ';
        out += words_[ids[i]];
      } else if (separator < 2) {
        out += separator == 0 ? "\n" : "\n\n";
      } else if (!at_file_end || i + 1 < ids.size()) {
        out += "\n\f\n";
      }
    }
    return out;
  }

  std::string piece(std::int32_t id) const override {
    static const char* const separators[] = {"<nl>", "<eop>", "<eod>"};
    return id < words_.size() ? words_[id] : separators[id - words_.size()];
  }

 private:
  EncodedDocument encode(std::string_view source, const Document& document) const {
    const SpecialIds ids = special();
    Writer writer(document);
    for (std::size_t p = 0; p < document.paragraphs.size(); ++p) {
      const Span& paragraph = document.paragraphs[p];
      cut_words(
          source, paragraph,
          [&](std::int64_t begin, std::int64_t end) {
            const auto word = source.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
            writer.emit(words_.id(word), begin);
          },
          [&](std::int64_t begin) { writer.emit(ids.line, begin); });
      writer.emit(p + 1 < document.paragraphs.size() ? ids.paragraph : ids.document, paragraph.end);
    }
    return writer.finish();
  }

  Table words_;
};

/// What cuts a text into units of known length, nothing left out between them.
class UnitTokens : public TokenCodec {
 public:
  std::vector<EncodedDocument> encode(const Corpus& corpus, const std::vector<const Document*>& documents) const override {
    std::vector<EncodedDocument> out;
    for (const Document* document : documents) {
      const auto source = source_of(corpus, *document);
      Writer writer(*document);
      for (std::int64_t begin = document->range.begin; begin < document->range.end;) {
        const auto unit = unit_at(source.substr(static_cast<std::size_t>(begin)));
        writer.emit(id(unit), begin);
        begin += static_cast<std::int64_t>(unit.size());
      }
      out.push_back(writer.finish());
    }
    return out;
  }

 private:
  virtual std::string_view unit_at(std::string_view text) const = 0;
  virtual std::int32_t id(std::string_view unit) const = 0;
};

class ByteTokens final : public UnitTokens {
 public:
  Index vocabulary() const override { return 256; }
  SpecialIds special() const override { return {}; }
  std::vector<std::uint8_t> to_bytes() const override {
    std::vector<std::uint8_t> out(plain_tokens_first_line.begin(), plain_tokens_first_line.end());
    append_field(out, "bytes");
    return out;
  }
  std::string decode(std::span<const std::int32_t> ids, bool) const override {
    std::string out;
    for (const std::int32_t id : ids) out += static_cast<char>(id);
    return out;
  }
  std::string piece(std::int32_t id) const override {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", static_cast<unsigned>(id) & 0xFFU);
    return text;
  }

 private:
  std::string_view unit_at(std::string_view text) const override { return text.substr(0, 1); }
  std::int32_t id(std::string_view unit) const override { return static_cast<unsigned char>(unit.front()); }
};

/// Of one character in UTF-8; of a damaged one any number.
std::int32_t code_point(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character.front());
  std::int32_t code = lead < 0x80 ? lead : lead < 0xE0 ? lead & 0x1F : lead < 0xF0 ? lead & 0x0F : lead & 0x07;
  for (std::size_t i = 1; i < character.size(); ++i) code = code << 6 | (static_cast<unsigned char>(character[i]) & 0x3F);
  return code;
}

class CharacterTokens final : public UnitTokens {
 public:
  explicit CharacterTokens(std::vector<std::string> characters) : characters_(std::move(characters)) {
    for (std::int32_t id = 1; id < characters_.size(); ++id) {
      if (characters_[id].size() > 4 || character_length(characters_[id]) != characters_[id].size())
        throw not_a_tokenizer("an entry of its vocabulary is not one character");
    }
  }
  Index vocabulary() const override { return characters_.size(); }
  SpecialIds special() const override { return {-1, -1, -1, 0}; }
  std::vector<std::uint8_t> to_bytes() const override { return characters_.to_bytes("characters"); }
  std::string decode(std::span<const std::int32_t> ids, bool) const override {
    std::string out;
    for (const std::int32_t id : ids) out += id == 0 ? "\xEF\xBF\xBD" : characters_[id];  // U+FFFD, as for a character that cannot be shown
    return out;
  }
  std::string piece(std::int32_t id) const override {
    const std::string& character = characters_[id];
    if (id == 0 || u_isgraph(code_point(character)) != 0) return character;
    if (character == " ") return "\xE2\x90\xA3";  // U+2423
    if (character == "\n") return "\\n";
    if (character == "\r") return "\\r";
    if (character == "\t") return "\\t";
    char text[16];
    std::snprintf(text, sizeof text, "<U+%04X>", static_cast<unsigned>(code_point(character)));
    return text;
  }

 private:
  std::string_view unit_at(std::string_view text) const override { return text.substr(0, character_length(text)); }
  std::int32_t id(std::string_view unit) const override { return characters_.id(unit); }

  Table characters_;
};

std::unique_ptr<TokenCodec> make(const std::string& kind, std::vector<std::string> entries) {
  if (kind == "words") return std::make_unique<WordTokens>(std::move(entries));
  if (kind == "characters") return std::make_unique<CharacterTokens>(std::move(entries));
  if (kind == "bytes" && entries.empty()) return std::make_unique<ByteTokens>();
  throw not_a_tokenizer("it is of no known kind");
}

Census count_words(const Corpus& corpus, const std::vector<std::int32_t>& documents) {
  Census census;
  for (const std::int32_t d : documents) {
    const Document& document = corpus.documents[static_cast<std::size_t>(d)];
    const auto source = source_of(corpus, document);
    for (const Span& paragraph : document.paragraphs) {
      const auto word = [&](std::int64_t begin, std::int64_t end) {
        census.add(source.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
      };
      cut_words(source, paragraph, word, [](std::int64_t) {});
    }
  }
  return census;
}

Census count_characters(const Corpus& corpus, const std::vector<std::int32_t>& documents) {
  Census census;
  for (const std::int32_t d : documents) {
    auto rest = corpus.bytes(corpus.documents[static_cast<std::size_t>(d)]);
    for (; !rest.empty(); rest.remove_prefix(character_length(rest))) census.add(rest.substr(0, character_length(rest)));
  }
  return census;
}

}  // namespace

std::unique_ptr<TokenCodec> learn_plain_tokens(const Corpus& corpus, const std::vector<std::int32_t>& documents,
                                               const TokenizerOptions& options, const Tokenizer::Warn& warn) {
  if (options.kind == "bytes") return make("bytes", {});
  const bool words = options.kind == "words";
  Census census = words ? count_words(corpus, documents) : count_characters(corpus, documents);
  if (words) census.leave_out(unknown_text);  // it has its id already
  const std::int64_t special = words ? 4 : 1;
  std::vector<std::string> entries = {std::string(unknown_text)};
  for (const auto entry : census.commonest(static_cast<std::size_t>(options.vocabulary - special))) entries.emplace_back(entry);
  if (census.left_over() > 0 && warn) {
    warn(std::to_string(census.left_over()) + " of the " + std::to_string(census.total()) + " " + options.kind +
         " of the training text are not among the commonest that text.vocabulary = " + std::to_string(options.vocabulary) +
         " has room for and are read as <unk>: bits per byte are then not comparable");
  }
  return make(options.kind, std::move(entries));
}

std::unique_ptr<TokenCodec> restore_plain_tokens(const std::vector<std::uint8_t>& bytes) {
  FieldReader fields(bytes, plain_tokens_first_line);
  const std::string kind = fields.take();
  std::vector<std::string> entries;
  while (!fields.at_end()) entries.push_back(fields.take());
  return make(kind, std::move(entries));
}

}  // namespace strata::text
