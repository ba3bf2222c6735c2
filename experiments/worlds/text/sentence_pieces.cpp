#include "experiments/worlds/text/sentence_pieces.hpp"

namespace strata::text {
namespace {

constexpr std::string_view space_mark = "\xE2\x96\x81";

std::string unescape(const std::string& piece) {
  std::string bytes;
  for (std::size_t i = 0; i < piece.size();) {
    if (piece.compare(i, space_mark.size(), space_mark) == 0) {
      bytes += ' ';
      i += space_mark.size();
    } else {
      bytes += piece[i++];
    }
  }
  return bytes;
}

}  // namespace

void SentencePieces::prepare() {
  if (!processor.LoadFromSerializedProto(proto).ok()) throw not_a_tokenizer("SentencePiece cannot read it");
  const int pieces = processor.GetPieceSize();
  byte_ids.fill(-1);
  for (int id = 0; id < pieces; ++id) {
    const std::string& piece = processor.IdToPiece(id);
    if (processor.IsByte(id)) {  // "<0xE2>"
      const auto value = static_cast<std::size_t>(std::stoul(piece.substr(3, 2), nullptr, 16));
      byte_ids[value] = id;
      bytes.emplace_back(1, static_cast<char>(value));
    } else {
      bytes.push_back(processor.IsUnknown(id) || processor.IsControl(id) ? std::string() : unescape(piece));
      if (bytes.back() == " ") space = id;
    }
  }
  for (const std::int32_t id : byte_ids) {
    if (id < 0) throw not_a_tokenizer("it has no byte pieces");
  }
  line = pieces;
  paragraph = pieces + 1;
  document = pieces + 2;
  bytes.insert(bytes.end(), {separators.line, separators.paragraph, separators.document});
}

std::unique_ptr<TokenCodec> learn_sentence_pieces(const Corpus& corpus, const std::vector<std::int32_t>& documents,
                                                  const TokenizerOptions& options, const Tokenizer::Warn& warn) {
  auto pieces = std::make_unique<SentencePieces>();
  pieces->separators = find_separators(corpus, documents);
  pieces->leading_space = has_word_spaces(corpus, documents);
  pieces->proto = train_pieces(corpus, documents, options, pieces->leading_space, warn);
  pieces->prepare();
  return pieces;
}

std::vector<std::uint8_t> SentencePieces::to_bytes() const {
  std::vector<std::uint8_t> out(first_line.begin(), first_line.end());
  for (const std::string* field : {&separators.line, &separators.paragraph, &separators.document}) append_field(out, *field);
  append_field(out, leading_space ? "1" : "0");
  append_field(out, proto);
  return out;
}

std::unique_ptr<TokenCodec> restore_sentence_pieces(const std::vector<std::uint8_t>& bytes) {
  FieldReader fields(bytes, SentencePieces::first_line);
  auto pieces = std::make_unique<SentencePieces>();
  pieces->separators.line = fields.take();
  pieces->separators.paragraph = fields.take();
  pieces->separators.document = fields.take();
  pieces->leading_space = fields.take() == "1";
  pieces->proto = fields.take();
  if (!fields.at_end()) throw not_a_tokenizer("bytes are left over behind it");
  pieces->prepare();
  return pieces;
}

std::string SentencePieces::decode(std::span<const std::int32_t> ids, bool at_file_end) const {
  std::string out;
  bool line_start = true;       // rule 3: one space is dropped here
  bool after_line_end = false;  // rule 1: a separator here has been spelled
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::int32_t id = ids[i];
    const std::string& token = bytes[static_cast<std::size_t>(id)];
    if (id == paragraph || id == document) {
      const bool file_end = id == document && at_file_end && i + 1 == ids.size();
      if (!after_line_end && !file_end) out += token;
      line_start = after_line_end = true;
      continue;
    }
    const bool virtual_space = line_start && leading_space && token.starts_with(' ') && id != byte_ids[' '];
    out.append(token, virtual_space ? 1 : 0);
    line_start = after_line_end = token.ends_with('\n');
  }
  return out;
}

std::string SentencePieces::piece(std::int32_t id) const {
  if (id == line) return "<nl>";
  if (id == paragraph) return "<eop>";
  if (id == document) return "<eod>";
  return processor.IdToPiece(id);
}

}  // namespace strata::text
