#pragma once
// Encoded documents as parallel streams of observations.
//
// TextWorld: for learning and scoring. Documents are dealt, in order, each to the stream with the fewest tokens so far; a stream that has
// run out is idle and masked. Every token of every document is read exactly once per pass, in order within its document. Where documents
// may be cut, one that is longer than its fair share of the tokens is dealt in parts: a text of one document keeps all streams busy.
// ScriptedWorld: for experiments. Every stream reads a script, a list of pieces of documents, with events and extra boundaries.
//
// Worlds hold views: the encoded documents must outlive them.

#include <cstdint>
#include <string>
#include <vector>

#include "core/observation.hpp"
#include "core/parameter.hpp"
#include "experiments/worlds/text/corpus.hpp"
#include "experiments/worlds/text/tokenizer.hpp"

namespace strata {

/// Keys "text.*": language, sentences, tokenizer, vocabulary, hold_out.
ParameterTable text_parameters();
/// Keys "world.*": streams, passes, shuffle.
ParameterTable world_parameters();

namespace text {

CorpusOptions corpus_options(const Values& text);
TokenizerOptions tokenizer_options(const Values& text, std::uint64_t seed);

struct TextWorldOptions {
  Index streams = 32;
  Index passes = 1;
  bool shuffle = true;  ///< a new order of documents for every pass; false: in the order given
  std::uint64_t seed = 1;
  /// A document of more tokens than ceil(tokens / streams) is read in equal parts no longer than that, in order within each. A cut is no
  /// boundary. With shuffle every pass cuts at other places: the first part is shorter then, and the same stream reads it after the last.
  bool cut = false;
};

TextWorldOptions text_world_options(const Values& world, std::uint64_t seed);

class TextWorld : public World {
 public:
  /// Throws ShapeError when streams or passes are less than 1.
  TextWorld(const std::vector<EncodedDocument>& documents, Index vocabulary, const TextWorldOptions& options);

  Index streams() const override { return static_cast<Index>(queues_.size()); }
  Index vocabulary() const override { return vocabulary_; }
  Index tokens() const override { return tokens_; }
  /// Steps until every stream has ended: the longest queue.
  Index steps() const override;
  bool next(Observation& out) override;
  /// Cursors. Restoring into a world of other documents or options throws ShapeError: it would read other tokens.
  void archive(Archive& archive) override;

 private:
  /// Tokens [begin, end) of a document, in one pass.
  struct Part {
    std::int32_t document = 0, pass = 0;  ///< place in documents_
    Index begin = 0, end = 0;
    Index size() const { return end - begin; }
  };
  using Parts = std::vector<Part>;  ///< read one after another by one stream

  void deal(const TextWorldOptions& options);
  std::vector<Parts> cut(std::int32_t document, Index share, Index pass, const TextWorldOptions& options) const;
  std::int64_t fingerprint() const;

  const std::vector<EncodedDocument>& documents_;
  Index vocabulary_;
  Index tokens_ = 0;
  std::vector<Parts> queues_;                ///< per stream, all passes
  std::vector<std::int64_t> place_, token_;  ///< per stream: place in its queue, token in that part
};

/// Tokens [begin, end) of a document. The event and boundary bits are added to those of the first or last token.
struct Segment {
  const EncodedDocument* document = nullptr;
  Index begin = 0, end = 0;
  std::uint8_t first_event = 0, last_event = 0;
  std::uint8_t last_boundary = 0;

  Index size() const { return end - begin; }
};

using Script = std::vector<Segment>;

Index script_tokens(const Script& script);

/// Cuts a list of scripts into consecutive batches of at most `streams`.
std::vector<std::vector<Script>> in_batches(const std::vector<Script>& scripts, Index streams);

class ScriptedWorld : public World {
 public:
  /// Stream s reads scripts[s], after delays[s] idle steps where delays are given; streams beyond the last script are idle. Throws ShapeError
  /// for more scripts than streams or a segment outside its document.
  ScriptedWorld(std::vector<Script> scripts, Index vocabulary, Index streams, std::vector<Index> delays = {});

  Index streams() const override { return streams_; }
  Index vocabulary() const override { return vocabulary_; }
  Index tokens() const override;
  bool next(Observation& out) override;
  void archive(Archive& archive) override;

 private:
  std::vector<Script> scripts_;
  Index vocabulary_, streams_;
  std::vector<std::int64_t> segment_, token_,
      delay_;  ///< per stream: place in its script, tokens of that segment already read, idle steps left
};

}  // namespace text
}  // namespace strata
