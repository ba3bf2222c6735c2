#pragma once
// A situation level's broad prediction: the bag of words of its own next unit, learned without peeking.
//
// Equation    p_l = softmax( beta0 + d_l ),   d_l = beta (S' M f(mu_l) + rec .* sat(r_l)) + gamma ln(1 + r_l / (kappa u)) + alpha d_{l+1}
//             behind gamma: a unigram u that weighs kappa words, with the words just read (a Dirichlet's mean; its sum falls out), so that few words
//             say little; kappa begins at (1-m)/m min(tau, 100), where that many words are m of the mixture (m = 0: left out)
//             d_{l+1}: what the level above expects beyond the background, held since its last evaluation: it is handed down, so that a
//             level says only in what its near future departs from what its wider situation makes one expect (alpha = 0: it stands alone)
//             target q_l: words from the moment to the end of the next sentence (60 tokens at most), paragraph (300), this document
//             (2,000), never across a document's end; a window counts as the words in it do, w_n = words in it / mean: what is far off, of
//             which there is more, weighs as much, word by word, as what is near
//             when the window closes: dM = w w_n beta S (q-p) f', dS = w w_n beta M f (q-p)', drec, dbeta0 with the weights of then, and
//             through mu_l e = w w_n f'(mu_l) .* beta M' S (q - p): dV = e h', dU = e f(x_{l+1})' with the partners stored at the moment
//             the scalars (ln beta, gamma, ln kappa, alpha) learn from p_l as it was made (S has met the window's words by the time it
//             closes), at a rate that falls as 1 / windows met (Robbins & Monro 1951): the last ones must not decide how sure a level is
// Symbols     S n x V the lexicon, M n x n, beta0 and rec V x 1, r_l leaky counts with the longer of the level's time constants
// Discretisation  evaluated at the first tick at least `interval` tokens after the last evaluation, staggered by stream; at a forced tick
//             (the end of an inserted passage, in both copies) whatever its count, so that the copies' phases agree
//             scores and scalars are of watched windows: all, or where many pend at once (a document's) every so many-th, 16 to 31 of a stream
// Limit       a constant source: p_l -> the word frequencies, cross entropy -> their entropy

#include <memory>

#include "core/level.hpp"
#include "levels/recency.hpp"

namespace strata {

struct BroadSettings {
  double weight = .1;                ///< w_l
  Index interval = 16;               ///< tokens between two evaluations at least
  Index limit = 60;                  ///< tokens of a window at most
  std::uint8_t unit = sentence_end;  ///< the boundary that ends a unit
  double time_constant = 15;         ///< tokens, of the recency counts
  std::size_t saturation = 0;        ///< which saturation (levels/recency.hpp)
  bool from_above = false;           ///< takes d_{l+1}
  double cache = 0;                  ///< m, of which kappa begins
  Index width = 4;                   ///< columns evaluated together
};

/// What the moment's prediction was made from; columns are streams.
template <class T>
struct Partners {
  ConstView<T> mu, memory, above;  ///< n x B, inputs x B, n_above x B (may be empty)
  ConstView<T> expected;           ///< V x B, d_{l+1} (may be empty)
};

template <class T>
class Broad {
 public:
  Broad(Device<T>& device, Lexicon<T>& lexicon, const BroadSettings& settings, Index inputs, Index above, Index streams, Index interval,
        std::uint64_t seed, std::uint32_t level);

  /// Reads the step's tokens: counts, history, windows that close. `boundary`: bits of what ended with each, B entries.
  void read(const Observation& observation, std::span<const std::uint8_t> boundary);
  /// Evaluates the prediction of streams that ticked and are due. `boundary` tells what ended with the token just read
  /// (nothing where a stream is idle), B entries.
  void evaluate(std::span<const std::uint8_t> ticked, std::span<const std::uint8_t> boundary, const Partners<T>& partners);
  /// A prediction that is due at a tick that is left out (B entries, 1) is not made: the one in force stays for another `interval` tokens.
  void leave_out(std::span<const std::uint8_t> ticks);
  /// Scores every watched window that closed, as it was predicted, and while learning turns every window that closed into gradients. `memory_in`, `above_in` and `bias` are the level's V, U, b.
  void settle(T scale, bool learning, Weight<T>& memory_in, Weight<T>* above_in, Weight<T>& bias);

  /// -ln p_l(ids[j]) under the prediction in force, nats, B entries; streams without one yet use the unigram.
  void surprise(std::span<const std::int32_t> ids, std::span<double> out);
  /// log_p (V x B): what would be predicted from `mu` (n x B), `expected` and the words read by now, nats; the prediction in force stays.
  void expectation(ConstView<T> mu, ConstView<T> expected, View<T> log_p);
  /// d_l of the prediction in force, log odds against the background, V x B; 0 from a document's end to the next evaluation.
  ConstView<T> raised() const { return raised_.view(); }
  Index horizon() const { return settings_.limit; }  ///< tokens of a window at most

  void visit_weights(const std::function<void(Weight<T>&)>& visit);
  void archive_parameters(Archive& archive);
  void archive_state(Archive& archive);
  void reset();
  /// Turning it on begins a new score.
  void set_scoring(bool on) {
    if (on && !scoring_) {
      score_ = {};
      score_.weight = settings_.weight;
    }
    scoring_ = on;
  }
  const BroadScore& score() const { return score_; }
  /// Nats and words of the watched windows that closed while learning, since this was last asked.
  Loss take_loss() { return std::exchange(learned_, {}); }
  double operations() const { return operations_; }  ///< multiply-adds of dense products since reset()

 private:
  /// What a level gives to its own view, to the words just read, and to the level above.
  struct Scalars {
    double beta = 1, gamma = 1, log_kappa = 0, alpha = 0;
  };
  struct Window {
    std::int32_t stream = 0, column = 0, made = -1, boundaries = 0;  // made: of pool_made_, where the window is watched
    std::int64_t begin = 0, end = 0;                                 // token positions of the stream, [begin, end)
    Scalars made_by;
    double length() const { return static_cast<double>(end - begin); }
  };
  /// Watched windows that were learned from.
  struct Met {
    double windows = 0, words = 0;
  };
  void evaluate_block(std::span<const std::int32_t> due, const Partners<T>& partners);
  void predict(std::span<const std::int32_t> streams, ConstView<T> mu, ConstView<T> expected, View<T> out, View<T> normaliser);
  void open_window(std::int32_t stream, std::uint8_t boundary, const Partners<T>& partners);
  void logits(ConstView<T> f, View<T> out);
  void count(Index columns) { operations_ += static_cast<double>((readout_.size() + lexicon_.vectors.size()) * columns); }
  void settle_made(std::span<const Window> block, bool learning, Scalars& slopes);
  void add_slopes(std::span<const Window> block, Scalars& slopes);
  void learn_scalars(const Scalars& slopes);
  void learn_block(std::span<const Window> block, T scale, Weight<T>& memory_in, Weight<T>* above_in, Weight<T>& bias);
  void score_block(std::span<const Window> block);
  void archive_history(Archive& archive);
  void archive_windows(Archive& archive);
  void bag(std::span<const Window> block, bool as_made);
  void add_counts(std::span<const Entry<float>> counts, std::int32_t column, const Scalars& by);
  double saturated(double r) const { return saturate(settings_.saturation, r); }

  Device<T>& device_;
  Lexicon<T>& lexicon_;
  BroadSettings settings_;
  Index streams_, capacity_, stride_;
  Weight<T> readout_, background_, recency_gain_;
  Scalars scalars_;
  Met met_;
  Recency recency_;

  std::vector<std::vector<std::int32_t>> history_;  // per stream, a ring
  std::vector<std::int64_t> position_;              // tokens read per stream
  std::vector<std::int64_t> since_;                 // tokens since the last evaluation
  std::vector<std::int64_t> opened_;                // windows opened per stream: every stride_-th is watched
  std::vector<Window> open_, closed_, watched_;
  std::vector<std::int32_t> free_, made_free_;     // columns of the pools
  std::vector<std::vector<Entry<float>>> counts_;  // of pending windows, by column: recency when they opened

  Tensor<T> pool_mu_, pool_memory_, pool_above_, pool_expected_;  // partners of pending windows
  Tensor<T> pool_made_;                                           // and, of those watched, their logits as they were made
  Tensor<T> held_, held_normaliser_, raised_;                     // prediction in force, V x B, B x 1 and V x B
  std::vector<std::uint8_t> ready_;
  std::vector<std::uint8_t> ended_, unit_ends_;  // per stream: the last token ended a unit; this token ends one for the windows
  Tensor<T> f_, mf_, back_, square_, memory_, above_, expected_, logits_, residual_, normaliser_, entropy_, divergence_, loss_, share_;
  std::vector<Entry<T>> targets_, recent_, cached_, asked_;
  std::vector<Entry<float>> counts_now_;
  std::vector<std::int32_t> due_, columns_, made_columns_, words_;
  std::vector<T> host_, host_normaliser_;
  BroadScore score_;
  bool scoring_ = false;
  Loss learned_;
  double operations_ = 0;
};

}  // namespace strata
