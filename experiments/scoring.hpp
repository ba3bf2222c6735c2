#pragma once
// Scores a trained hierarchy on held-out documents, token by token and document by document: learning off, or going on learning while it
// reads (prequentially: every token is scored before it is learned from, nothing is dropped out, running statistics stay; documents read
// side by side are learned from together, so that such a score depends on the number of streams).

#include <optional>
#include <string>
#include <vector>

#include "core/hierarchy.hpp"
#include "experiments/expert_panel.hpp"
#include "experiments/text_study.hpp"

namespace strata {

/// Sums per held-out document, in the order of TextStudy::held_out.
struct DocumentScores {
  std::vector<double> nats, tokens;
  double total_nats() const;
  double total_tokens() const;
  double nats_per_token() const { return total_nats() / total_tokens(); }
};

/// What the stream's parts are worth to the next token: losses with a part replaced by its slow mean, or by another document's.
/// Entry 0: the whole stream; entry l: level l's share. Sums per document over the tokens that were sampled.
struct StreamScores {
  std::vector<double> tokens, intact;           ///< per document
  std::vector<std::vector<double>> mean, swap;  ///< [part][document]
  /// How much a part narrows what is possible below: entropy of the next token with the part's slow mean in its place, minus that of the token level as it is.
  /// Sums per document over the tokens at which it was looked at, nats.
  std::vector<double> looked;                ///< per document
  std::vector<std::vector<double>> narrows;  ///< [part][document]
  /// False where no moment had two documents side by side (one held-out document, one stream, a short text): nothing to swap with.
  bool measured() const;
};

/// How many levels were in use (core/depth_in_use.hpp): sums per held-out document, and over the first and the second half of every document.
struct DepthScores {
  std::vector<double> levels;  ///< per document
  double begin = 0, end = 0, begin_tokens = 0, end_tokens = 0;
};

struct Scores {
  DocumentScores documents;
  DocumentScores mixture;  ///< with the experts beside it, where options had them
  StreamScores stream;
  DepthScores depth;                          ///< empty where depth is not dynamic
  std::vector<BroadScore> broad;              ///< per level, entry 0 empty
  std::vector<std::vector<TermScore>> terms;  ///< of the objective, per level
  std::vector<double> free_energy;            ///< mean F_now after 0, 1, .. sweeps, nats per token
  double rejected_fraction = 0;               ///< sweeps taken back
  double seconds = 0;
};

struct ScoringOptions {
  Index stream_every = 0;   ///< sample the stream's worth every so many tokens; 0: not at all
  Index entropy_every = 0;  ///< of these, every so many are looked at for how much the stream narrows; 0: none
  bool broad = true;
  std::string what = "scoring";
  std::string trace;                        ///< where the reading is recorded; empty: not recorded
  std::optional<LearningSettings> plastic;  ///< goes on learning so; the hierarchy's weights are changed
  bool fresh = false;  ///< plastic, of an untrained hierarchy: as in training statistics run, the rate falls to the end, dropout drops
  ExpertPanel* experts = nullptr;
};

Scores score_held_out(TextStudy& study, Hierarchy<float>& hierarchy, const ScoringOptions& options, Progress& progress);

/// Nats per token of the training unigram on the held-out documents.
double unigram_nats(const TextStudy& study);
/// The same, or 0 where tokens do not spell the bytes: words leave out white space, <unk> what it stands for.
double comparable_bytes(const TextStudy& study);
/// Bytes that the held-out documents consist of.
double held_out_bytes(const TextStudy& study);

}  // namespace strata
