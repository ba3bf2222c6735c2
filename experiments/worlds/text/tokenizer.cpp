#include "experiments/worlds/text/tokenizer.hpp"

#include <cmath>
#include <cstring>
#include <numeric>

#include "core/error.hpp"
#include "experiments/worlds/text/tokenizer_model.hpp"

namespace strata::text {
namespace {

constexpr std::string_view magic = "strata tokenizer 1\n";
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

void append_field(std::vector<std::uint8_t>& out, const std::string& field) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<std::uint8_t>(std::uint64_t{field.size()} >> shift));
  out.insert(out.end(), field.begin(), field.end());
}

DataError not_a_tokenizer(const std::string& why) {
  return DataError("tokenizer", 0, why + "; the model file is damaged or was written by another version of strata; train it again");
}

std::string take_field(const std::vector<std::uint8_t>& in, std::size_t& position) {
  if (in.size() - position < 8) throw not_a_tokenizer("its bytes end early");
  std::uint64_t size = 0;
  for (int shift = 0; shift < 64; shift += 8) size |= std::uint64_t{in[position++]} << shift;
  if (size > in.size() - position) throw not_a_tokenizer("its bytes end early");
  const auto first = in.begin() + static_cast<std::ptrdiff_t>(position);
  position += size;
  return {first, first + static_cast<std::ptrdiff_t>(size)};
}

}  // namespace

void Tokenizer::Model::prepare() {
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

Tokenizer::Tokenizer(std::unique_ptr<Model> model) : model_(std::move(model)) { model_->prepare(); }
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::train(const Corpus& corpus, const std::vector<std::int32_t>& documents, const TokenizerOptions& options,
                           const Warn& warn) {
  auto model = std::make_unique<Model>();
  model->separators = find_separators(corpus, documents);
  model->leading_space = has_word_spaces(corpus, documents);
  model->proto = train_pieces(corpus, documents, options, model->leading_space, warn);
  return Tokenizer(std::move(model));
}

std::vector<std::uint8_t> Tokenizer::to_bytes() const {
  std::vector<std::uint8_t> out(magic.begin(), magic.end());
  for (const std::string* field : {&model_->separators.line, &model_->separators.paragraph, &model_->separators.document})
    append_field(out, *field);
  append_field(out, model_->leading_space ? "1" : "0");
  append_field(out, model_->proto);
  return out;
}

Tokenizer Tokenizer::from_bytes(const std::vector<std::uint8_t>& bytes) {
  if (bytes.size() < magic.size() || std::memcmp(bytes.data(), magic.data(), magic.size()) != 0)
    throw not_a_tokenizer("it does not begin as one");
  std::size_t position = magic.size();
  auto model = std::make_unique<Model>();
  model->separators.line = take_field(bytes, position);
  model->separators.paragraph = take_field(bytes, position);
  model->separators.document = take_field(bytes, position);
  model->leading_space = take_field(bytes, position) == "1";
  model->proto = take_field(bytes, position);
  if (position != bytes.size()) throw not_a_tokenizer("bytes are left over behind it");
  return Tokenizer(std::move(model));
}

Index Tokenizer::vocabulary() const { return static_cast<Index>(model_->bytes.size()); }
std::int32_t Tokenizer::line_end() const { return model_->line; }
std::int32_t Tokenizer::end_of_paragraph() const { return model_->paragraph; }
std::int32_t Tokenizer::end_of_document() const { return model_->document; }

std::string Tokenizer::decode(std::span<const std::int32_t> ids, bool at_file_end) const {
  std::string out;
  bool line_start = true;       // rule 3: one space is dropped here
  bool after_line_end = false;  // rule 1: a separator here has been spelled
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::int32_t id = ids[i];
    if (id < 0 || id >= vocabulary()) throw ShapeError("token id", "0 .. " + std::to_string(vocabulary() - 1), std::to_string(id));
    const std::string& bytes = model_->bytes[static_cast<std::size_t>(id)];
    if (id == model_->paragraph || id == model_->document) {
      const bool file_end = id == model_->document && at_file_end && i + 1 == ids.size();
      if (!after_line_end && !file_end) out += bytes;
      line_start = after_line_end = true;
      continue;
    }
    const bool virtual_space = line_start && model_->leading_space && bytes.starts_with(' ') && id != model_->byte_ids[' '];
    out.append(bytes, virtual_space ? 1 : 0);
    line_start = after_line_end = bytes.ends_with('\n');
  }
  return out;
}

std::string Tokenizer::piece(std::int32_t id) const {
  if (id < 0 || id >= vocabulary()) throw ShapeError("token id", "0 .. " + std::to_string(vocabulary() - 1), std::to_string(id));
  if (id == model_->line) return "<nl>";
  if (id == model_->paragraph) return "<eop>";
  if (id == model_->document) return "<eod>";
  return model_->processor.IdToPiece(id);
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
