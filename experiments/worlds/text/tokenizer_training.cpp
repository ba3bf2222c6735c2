// How a tokenizer is learned: which sentences SentencePiece sees, and what is done when the text is too small for the vocabulary.

#include <sentencepiece_trainer.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "core/error.hpp"
#include "core/random.hpp"
#include "experiments/worlds/text/sentence_pieces.hpp"
#include "experiments/worlds/text/utf8.hpp"

namespace strata::text {
namespace {

constexpr std::int64_t byte_and_unknown_ids = 257;
constexpr std::size_t longest_sentence = 4000;  // bytes; SentencePiece drops what is longer than 4192, so longer ones are cut

/// Hands strings to SentencePiece one by one.
class Sentences : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(const std::vector<std::string>& sentences) : sentences_(sentences) {}
  bool done() const override { return next_ >= sentences_.size(); }
  void Next() override { ++next_; }
  const std::string& value() const override { return sentences_[next_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& sentences_;
  std::size_t next_ = 0;
};

/// Cuts a sentence where reserved characters stand and where it grows too long. Line ends and other white space become the space before the
/// next word, as the encoder has it (rule 3).
void append_sentence(std::string_view text, bool leading_space, std::vector<std::string>& out) {
  const std::string start = leading_space ? " " : "";
  std::string part = start;
  const auto flush = [&] {
    if (part.size() > start.size()) out.push_back(part);
    part = start;
  };
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t reserved = reserved_length(text.substr(i));
    const bool too_long = part.size() >= longest_sentence && !is_continuation(text[i]);
    if (reserved > 0 || too_long || (text[i] == ' ' && part.size() + 256 >= longest_sentence)) flush();
    if (reserved > 0 || (text[i] == ' ' && part == start && leading_space)) {
      i += std::max<std::size_t>(reserved, 1);
    } else {
      part += text[i++];
    }
  }
  flush();
}

/// The sentences to learn from: all of them, or a drawn sample in the order of the text. "Drawn" depends on the seed and the sentence's
/// number.
std::vector<std::string> training_sentences(const Corpus& corpus, const std::vector<std::int32_t>& documents,
                                            const TokenizerOptions& options, bool leading_space) {
  std::int64_t bytes = 0;
  for (const std::int32_t d : documents) bytes += corpus.documents[static_cast<std::size_t>(d)].range.size();
  const double share = static_cast<double>(options.sample_bytes) / static_cast<double>(std::max<std::int64_t>(bytes, 1));
  const std::uint64_t base = random_base(options.seed, 0, 0, 0x746f6b);
  std::vector<std::string> out;
  std::uint32_t number = 0;
  std::int64_t taken = 0;
  for (const std::int32_t d : documents) {
    const Document& document = corpus.documents[static_cast<std::size_t>(d)];
    for (const Span& sentence : document.sentences) {
      if (share < 1.0 && static_cast<double>(random_uniform(base, number++, 0)) >= share) continue;
      if (taken >= options.sample_bytes) return out;
      // One sentence may be the whole text (a line of 50 MB without a full stop).
      auto text = corpus.bytes(document, sentence);
      if (auto room = static_cast<std::size_t>(options.sample_bytes - taken); room < text.size()) {
        while (is_continuation(text[room])) ++room;
        text = text.substr(0, room);
      }
      append_sentence(text, leading_space, out);
      taken += static_cast<std::int64_t>(text.size());
    }
  }
  return out;
}

/// Cuts out of the sentences all characters but the `count` commonest: byte pieces will spell them.
std::vector<std::string> keep_commonest(const std::vector<std::string>& sentences, std::size_t count) {
  std::map<std::string, std::int64_t, std::less<>> counts;
  for (const std::string_view sentence : sentences) {
    for (std::size_t i = 0; i < sentence.size(); i += character_length(sentence.substr(i)))
      ++counts[std::string(sentence.substr(i, character_length(sentence.substr(i))))];
  }
  std::vector<std::pair<std::string, std::int64_t>> order(counts.begin(), counts.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  order.resize(std::min(order.size(), count));
  const std::map<std::string, std::int64_t, std::less<>> kept(order.begin(), order.end());
  std::vector<std::string> out;
  for (const std::string_view sentence : sentences) {
    std::string part;
    for (std::size_t i = 0; i < sentence.size();) {
      const std::string_view character = sentence.substr(i, character_length(sentence.substr(i)));
      i += character.size();
      if (kept.find(character) != kept.end()) {
        part += character;
      } else if (!part.empty()) {
        out.push_back(std::exchange(part, {}));
      }
    }
    if (!part.empty()) out.push_back(part);
  }
  return out;
}

std::string most_frequent(const std::unordered_map<std::string, std::int64_t>& counts, const std::string& fallback) {
  std::string best = fallback;
  std::int64_t most = 0;
  for (const auto& [form, count] : counts) {
    if (count > most || (count == most && form < best)) {  // ties must not depend on the order of a hash table
      best = form;
      most = count;
    }
  }
  return best;
}

sentencepiece::util::Status train_once(const std::vector<std::string>& sentences, const TokenizerOptions& options, std::int64_t pieces,
                                       std::string& proto) {
  proto.clear();
  Sentences iterator(sentences);
  const std::unordered_map<std::string, std::string> arguments = {
      {"model_type", options.kind},
      {"vocab_size", std::to_string(pieces)},
      {"character_coverage", "0.9995"},  // the rest is spelled in bytes
      {"hard_vocab_limit", "false"},     // fewer pieces than asked for are no error
      {"byte_fallback", "true"},
      {"normalization_rule_name", "identity"},
      {"remove_extra_whitespaces", "false"},
      {"add_dummy_prefix", "false"},
      {"split_by_whitespace", "true"},
      {"unk_id", "0"},
      {"unk_piece", "<no such piece>"},  // so that a text may hold "<unk>", as the Penn Treebank does
      {"bos_id", "-1"},
      {"eos_id", "-1"},
      {"pad_id", "-1"},
      {"num_threads", "1"},
      {"input_sentence_size", "0"},
      {"minloglevel", "4"},  // above "fatal": nothing is written to standard error
  };
  return sentencepiece::SentencePieceTrainer::Train(arguments, &iterator, &proto);
}

}  // namespace

Separators find_separators(const Corpus& corpus, const std::vector<std::int32_t>& documents) {
  std::unordered_map<std::string, std::int64_t> lines, paragraphs, ends;
  for (const std::int32_t d : documents) {
    const Document& document = corpus.documents[static_cast<std::size_t>(d)];
    const std::string_view source = corpus.sources[static_cast<std::size_t>(document.source)].bytes;
    for (std::size_t p = 0; p < document.paragraphs.size(); ++p) {
      const std::string_view text = corpus.bytes(document, document.paragraphs[p]);
      for (std::size_t i = text.find('\n'); i != std::string_view::npos; i = text.find('\n', i + 1))
        ++lines[i > 0 && text[i - 1] == '\r' ? "\r\n" : "\n"];
      const bool last = p + 1 == document.paragraphs.size();
      const std::int64_t next = last ? document.range.end : document.paragraphs[p + 1].begin;
      if (last && next == static_cast<std::int64_t>(source.size())) continue;  // a file's end is no separator
      const Span gap{document.paragraphs[p].end, next};
      if (gap.size() <= 16) ++(last ? ends : paragraphs)[std::string(corpus.bytes(document, gap))];
    }
  }
  Separators found;
  found.paragraph = most_frequent(paragraphs, found.paragraph);
  found.document = most_frequent(ends, found.document);
  // A text without line ends inside paragraphs shows what it uses by its blank lines.
  found.line = most_frequent(lines, found.paragraph.starts_with("\r\n") ? "\r\n" : "\n");
  return found;
}

bool has_word_spaces(const Corpus& corpus, const std::vector<std::int32_t>& documents) {
  std::int64_t spaces = 0, characters = 0;
  for (const std::int32_t d : documents) {
    for (const char c : corpus.bytes(corpus.documents[static_cast<std::size_t>(d)])) {
      spaces += c == ' ' ? 1 : 0;
      characters += is_continuation(c) ? 0 : 1;
    }
  }
  return 20 * spaces >= characters;
}

std::string train_pieces(const Corpus& corpus, const std::vector<std::int32_t>& documents, const TokenizerOptions& options,
                         bool leading_space, const Tokenizer::Warn& warn) {
  std::vector<std::string> sentences = training_sentences(corpus, documents, options, leading_space);
  // Text of nothing but reserved characters is spelled in bytes; SentencePiece still wants a sentence.
  if (sentences.empty()) sentences.emplace_back("a");
  const std::int64_t pieces = options.vocabulary - separator_ids;
  std::string proto;
  auto status = train_once(sentences, options, pieces, proto);
  // Every common character becomes a piece. Where that leaves no room, half of the room is for characters.
  if (const std::int64_t room = pieces - byte_and_unknown_ids; !status.ok() && room > 1) {
    sentences = keep_commonest(sentences, static_cast<std::size_t>(room / 2));
    status = train_once(sentences, options, pieces, proto);
  }
  if (!status.ok()) {
    throw ConfigError("text.vocabulary", std::to_string(options.vocabulary),
                      std::string("SentencePiece cannot make a vocabulary of this size: ") + status.error_message());
  }
  sentencepiece::SentencePieceProcessor processor;
  if (!processor.LoadFromSerializedProto(proto).ok())
    throw DataError(corpus.sources.front().path, 0, "SentencePiece cannot read the model it made");
  if (processor.GetPieceSize() < pieces && warn) {
    warn("the text supports a vocabulary of " + std::to_string(processor.GetPieceSize() + separator_ids) + ", not " +
         std::to_string(options.vocabulary) + "; that many are used");
  }
  return proto;
}

}  // namespace strata::text
