#pragma once
// A study of text: the documents, the tokenizer.

#include "experiments/study.hpp"
#include "experiments/worlds/text/passages.hpp"
#include "experiments/worlds/text/text_world.hpp"
#include "experiments/worlds/text/tokenizer.hpp"

namespace strata {

/// How much of the text is read (world.*).
ParameterTable amount_parameters();

/// Documents of one reading, encoded.
struct Documents {
  text::Corpus corpus;
  std::vector<text::EncodedDocument> encoded;
};

class TextStudy final : public Study {
 public:
  /// Reads --text and --held-out, takes the tokenizer from --model or learns one from the training documents.
  /// Throws ConfigError, DataError, FileError; nothing is written.
  TextStudy(Options options, Progress& progress);

  text::Corpus corpus, held_out_corpus;  ///< held_out_corpus is empty where held-out documents are part of corpus
  std::vector<text::EncodedDocument> training, held_out;
  Documents foreign;
  std::unique_ptr<text::Tokenizer> tokenizer;
  bool foreign_given = false;

  /// Takes what options.configuration says now of everything but the text: what is built and learned from here on. Throws ConfigError.
  void take_settings();

  Index vocabulary() const override { return tokenizer->vocabulary(); }
  std::unique_ptr<World> training_world() override;
  void describe(Summary& summary) const override;
  std::string level_name(Index level) const override;
  /// The corpus that held_out's documents lie in.
  const text::Corpus& scored_corpus() const { return held_out_corpus.documents.empty() ? corpus : held_out_corpus; }

 private:
  void archive_vocabulary(Archive& archive) override;
  void read_documents(Progress& progress);
  void hide_marks();
  void take_tokenizer(const std::vector<std::int32_t>& documents, Progress& progress);

  Values text_, world_;
};

}  // namespace strata
