#pragma once
// Encoded documents as parallel streams of observations.
//
// TextWorld: for learning and scoring. Documents are dealt, in order, each to the stream with the fewest tokens so far; a stream that has
// run out is idle and masked. Every token of every document is read exactly once per pass, in order within its document. Where documents
// may be cut, one that is longer than its fair share of the tokens is dealt in parts: a text of one document keeps all streams busy.
// At several scales the streams are parted into as many groups, and each reads every document, in pieces of its own length: what is before a piece's
// beginning is not known to who reads it. Replay: some streams read what was read to its end before.
// ScriptedWorld: for experiments. Every stream reads a script, a list of pieces of documents, with events and extra boundaries.
//
// Worlds hold views: the encoded documents must outlive them.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/observation.hpp"
#include "core/parameter.hpp"
#include "experiments/worlds/text/corpus.hpp"
#include "experiments/worlds/text/tokenizer.hpp"

namespace strata {

/// Keys "text.*": language, sentences, tokenizer, vocabulary, hold_out, marks.
ParameterTable text_parameters();
/// Keys "world.*": streams, passes, shuffle, scales, replay.
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
  /// Tokens after which a document is over for the streams of each group, at the next end of a sentence; 0: at its own end. One group where empty.
  std::vector<Index> scales{};
  double replay =
      0;  ///< part of the streams that read documents, or parts of them, again, drawn from those that had been read to their end by then
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
    bool over = false;  ///< for who reads it the document is over at its end
    Index size() const { return end - begin; }
  };
  using Parts = std::vector<Part>;  ///< read one after another by one stream

  /// Streams first, first + stride, .. that read the whole text at one length, and what has been dealt to them so far.
  struct Group {
    std::size_t first = 0, stride = 1, replaying = 0;  ///< streams of it that replay
    Index length = 0;                                  ///< of pieces, tokens; 0: whole documents
    std::vector<Index> load;                           ///< per stream of the world, tokens
    std::multimap<Index, Parts> pending;               ///< by the time at which they will have been read
    std::vector<Parts> read;                           ///< by the time of the last replay
    std::uint64_t draws = 0;
  };
  void deal(const TextWorldOptions& options);
  void deal_to(Group& group, const std::vector<Parts>& order, std::uint64_t base);
  const Parts* to_replay(Group& group, std::size_t stream, std::uint64_t base);
  Index give(std::size_t stream, const Parts& parts);
  void count_readings();
  Parts in_pieces(const Part& part, Index length) const;
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
