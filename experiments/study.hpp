#pragma once
// What every command about text works on: the documents, the tokenizer, the device, and hierarchies that share one model file.

#include <memory>

#include "core/hierarchy.hpp"
#include "core/io/provenance.hpp"
#include "core/learning.hpp"
#include "core/recorder.hpp"
#include "experiments/options.hpp"
#include "experiments/progress.hpp"
#include "experiments/worlds/text/passages.hpp"
#include "experiments/worlds/text/text_world.hpp"
#include "experiments/worlds/text/tokenizer.hpp"

namespace strata {

/// Keys that belong to runs on text rather than to one room: how much is read (world.*), how often a checkpoint is written (learning.*).
ParameterTable amount_parameters();
ParameterTable checkpoint_parameters();

/// Documents of one reading, encoded.
struct Documents {
  text::Corpus corpus;
  std::vector<text::EncodedDocument> encoded;
};

class Study {
 public:
  /// Reads --text and --held-out, takes the tokenizer from --model or learns one from the training documents.
  /// Throws ConfigError, DataError, FileError; nothing is written.
  Study(Options options, Progress& progress);

  Options options;
  std::unique_ptr<Device<float>> device;
  text::Corpus corpus, held_out_corpus;  ///< held_out_corpus is empty where held-out documents are part of corpus
  std::vector<text::EncodedDocument> training, held_out;
  Documents foreign;
  std::unique_ptr<text::Tokenizer> tokenizer;
  std::vector<double> log_unigram;  ///< V, nats, from the training documents
  std::vector<InputFile> inputs;
  bool foreign_given = false;

  Index vocabulary() const { return tokenizer->vocabulary(); }
  /// The corpus that held_out's documents lie in.
  const text::Corpus& scored_corpus() const { return held_out_corpus.documents.empty() ? corpus : held_out_corpus; }
  Index streams() const { return streams_; }
  Index interval() const { return interval_; }
  double checkpoint_seconds() const { return checkpoint_seconds_; }
  const LearningSettings& learning() const { return learning_; }
  const Values& world_values() const { return world_; }
  const RecordSettings& record() const { return record_; }

  /// A hierarchy of this study's configuration, with untrained weights.
  std::unique_ptr<Hierarchy<float>> make_hierarchy(Index streams);
  /// The same with the weights of `model`.
  std::unique_ptr<Hierarchy<float>> load_hierarchy(const std::string& model, Index streams);

  /// vocabulary and parameters: what a model file and a checkpoint have in common.
  void archive_model(Archive& archive, Hierarchy<float>& hierarchy);
  std::map<std::string, std::string> notes() const;  ///< configuration, seed, provenance, for a model file
  Provenance provenance() const;
  /// The configuration for a model or a trace, which travel: without run.text and other paths of this machine (inputs names and digests the files).
  std::string configuration_text() const;
  std::vector<TraceAttribute> trace_attributes(const std::string& experiment) const;  ///< of the root of a trace

 private:
  void read_documents(Progress& progress);
  void take_tokenizer(const std::vector<std::int32_t>& documents, Progress& progress);
  void adopt_model_configuration();

  Index streams_ = 32, interval_ = 8;
  double checkpoint_seconds_ = 30;
  LearningSettings learning_;
  RecordSettings record_;
  Values text_, world_;
};

}  // namespace strata
