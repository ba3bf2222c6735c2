#pragma once
// The interface every level implements. The engine knows what a level IS, never which levels there are.
//
// Messages travel between neighbours only: Downward (predictions) from level l to l-1, Upward (errors) from l to l+1.
// What all levels share besides is the Lexicon (weights, never a level's state) and the Step (the world's observation).

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/archive.hpp"
#include "core/device/device.hpp"
#include "core/lexicon.hpp"
#include "core/objective/objective.hpp"
#include "core/observation.hpp"
#include "core/weight.hpp"

namespace strata {

/// What a level tells the level below. Views stay valid until the level's next phase.
template <class T>
struct Downward {
  ConstView<T> activity;   ///< f(x_l), n x B
  ConstView<T> stream;     ///< c_l = this level's share of the output stream plus that of every level above, n x B
  double time_constant{};  ///< tokens; 0: a kind that does not say
  /// d_l: what the level expects of the words of its own unit beyond the background, log odds, V x B, held between its evaluations; may be
  /// empty.
  ConstView<T> expected{};
};

/// What a level tells the level above.
template <class T>
struct Upward {
  ConstView<T> emission_error;  ///< rho = S (onehot - p), rows of the stream x B, nats; relayed unchanged from level 0
  /// d(-F)/d f(x_{l+1}) summed over the tokens this level settled for at this step, n_above x B, nats per unit of activity; may be empty.
  /// To a categorical level above, whose activity is its belief, this is the log likelihood of each of its states.
  ConstView<T> feedback;
  ConstView<T> features;              ///< s_{l+1}: what the level above integrates into its memory, held between ticks
  ConstView<T> feedback_precision{};  ///< -d feedback / d f(x_{l+1}), diagonal, n_above x B; empty: feedback is taken to first order
  double time_constant{};             ///< tokens; 0: a kind that does not say
};

/// One step as every level sees it.
template <class T>
struct Step {
  const Observation* observation = nullptr;
  std::uint64_t index = 0;  ///< steps since the start of training; keys the random numbers
  std::uint64_t seed = 0;
  Index slot = 0;           ///< position inside the current learning step, 0 .. K-1
  bool learning = false;    ///< false: everything learned is frozen
  bool training = false;    ///< learning, and not from a text that is scored (evaluate --plastic): activity is dropped out, and gains and
                            ///< running statistics, means over many streams, follow
  bool settling = true;     ///< beliefs will settle on the next token; false: no errors are needed
  bool last_sweep = false;  ///< emit: no sweep follows, so that only what other levels or learning read must be as settled
  ConstView<T> active;      ///< B x 1, 1 or 0
  Index active_count = 0;
};

/// What is recorded of a level at a step; empty views are not recorded.
template <class T>
struct Snapshot {
  ConstView<T> prediction;        ///< mu_l for the next token, n x B
  ConstView<T> belief;            ///< x_l as settled at its last tick, n x B
  ConstView<T> prediction_error;  ///< e_l of its last tick, n x B
  ConstView<T> error_norm;   ///< sqrt(pi_l k/tick) |x_l - mu_l| of a tick over k tokens (a joint level: k = tick = 1), B x 1, nats^(1/2)
  ConstView<T> surprise;     ///< -log p_l(token), B x 1, nats
  ConstView<T> free_energy;  ///< B x 1, nats
  ConstView<T> precision{};  ///< of the belief, n x B or B x 1, where it is itself inferred or learned
};

/// One value node of a level, as instruments see it.
template <class T>
struct ValueNode {
  View<T> belief;  ///< x_n, units x B
  T precision;     ///< pi_n
};

/// Ends of its own unit that a level found with the token just read: before the token that is `lag` tokens older. Empty where others tell it.
struct FoundEnds {
  std::span<const std::uint8_t> now;  ///< B entries, 1 where it found one
  Index lag = 0;                      ///< tokens
};

/// What a level computed.
struct Work {
  double tokens = 0;      ///< read, summed over streams
  double ticks = 0;       ///< settlings, summed over streams
  double operations = 0;  ///< multiply-adds of dense products with its weights and the lexicon, as they were done
};

/// Scores of a level's own (broad) predictions as they were made, summed over the words of their windows, which have closed; nats.
struct BroadScore {
  double weight = 0;                              ///< of the broad prediction in learning
  double closed = 0, predictions = 0, words = 0;  ///< windows that closed; of these scored, and words in them
  double nats = 0, unigram_nats = 0, entropy = 0, divergence = 0;
  std::vector<double> decaying_nats;  ///< decaying unigram of the level's recency counts, one per mixing weight decaying_weights()
};
/// Weights of the decaying unigram against the unigram, the best of which is reported.
inline const std::vector<double>& decaying_weights() {
  static const std::vector<double> weights{.1, .2, .3, .4, .5, .6, .7, .8, .9};
  return weights;
}

/// What predictions have cost while they were learned from, nats, and how many there were.
struct Loss {
  double nats = 0, count = 0;
};

template <class T>
class Level {
 public:
  virtual ~Level() = default;

  virtual std::string kind() const = 0;                        ///< name in levels/list.inc
  virtual Index units() const = 0;                             ///< n
  virtual double time_constant() const = 0;                    ///< tokens
  virtual double stubbornness() const { return 1; }            ///< kappa, exponent of the evidence that the level takes
  virtual Index tick() const = 0;                              ///< nominal tokens between two settlings
  bool joint() const { return tick() == 1 && !leaves_out(); }  ///< settles together with level 0 at every token
  /// Mean tokens between two switches to another state, where the level's states last and switch.
  virtual double dwell_time() const { return time_constant(); }

  // --- phases of a step, in the order of Simulation
  /// Reads the token: scores it under the forecast held, keeps the partners of the forecast for learning.
  virtual void observe(const Step<T>& step, const Upward<T>& below) = 0;
  /// Starts settling: fixes which streams settle at this step (ticking()) and the errors they settle on.
  virtual void begin_settling(const Step<T>& step, const Upward<T>& below) = 0;
  /// B entries: 1 where this level ticks at this step.
  virtual std::span<const std::uint8_t> ticking() const = 0;
  /// Moves x by one sweep of size `rate` (B x 1, 0 = masked) along mu - x + message / pi.
  virtual void settle(const Upward<T>& below, ConstView<T> rate) = 0;
  /// Recomputes mu after the level above moved.
  virtual void repredict(const Downward<T>& above) = 0;
  /// Recomputes what follows from x for the levels below (its share of the stream; at level 0 the emission).
  virtual void emit(const Step<T>& step, const Downward<T>& above) = 0;
  virtual void add_energy(View<T> energy) = 0;         ///< energy(j) += this level's part of F_now, nats
  virtual void keep() = 0;                             ///< remembers x before a sweep
  virtual void restore(ConstView<T> mask) = 0;         ///< takes x back where mask != 0
  virtual void end_settling(const Step<T>& step) = 0;  ///< errors, belief and feedback as settled
  /// Stashes (error, activity) columns; called while learning only.
  virtual void learn(const Step<T>& step) = 0;
  /// While learning: adds the stash, times `scale`, to the weights' gradients and empties it. Always: closes what waited for its outcome.
  virtual void accumulate(T scale, bool learning) = 0;
  virtual void carry(const Step<T>& step, const Upward<T>& below) = 0;
  virtual void forecast(const Step<T>& step, const Downward<T>& above) = 0;

  /// While false, what the level computes is no work of its own: an instrument's.
  virtual void count_work(bool on) { (void)on; }

  // --- what a schedule asks of a level
  /// It has a share of the output stream of its own, or reads the lexicon: level 0 only.
  virtual bool speaks() const { return false; }
  /// A hierarchy of fewer levels may end with it, with what it has learned under another.
  virtual bool can_end() const { return true; }
  /// The level's own predictions since this was last asked (those of words, where it makes any); nothing of the lowest, whose loss everybody knows.
  virtual Loss take_loss() { return {}; }
  /// Its memory has time constants that a schedule may shorten.
  virtual bool has_inertia() const { return false; }
  /// Time constants of its memory are `part` of the level's own, > 0. A kind without a memory of that sort stays as it is.
  virtual void set_inertia(double part) { (void)part; }

  // --- the exact chain (relaxation.scheme = exact): one sweep up, then one down, instead of settle; for kinds whose messages suffice
  virtual bool chains() const { return false; }
  /// Whether that is how it is going to settle.
  virtual void settle_by_chain(bool on) { (void)on; }
  /// Up: takes what the level below says of this level's activity (Upward::feedback and feedback_precision, everything below
  /// integrated out) and makes its own message for the level above.
  virtual void gather(const Step<T>& step, const Upward<T>& below) { (void)step, (void)below; }
  /// Down: the belief given that message and the belief of the level above.
  virtual void resolve(const Step<T>& step, const Downward<T>& above) { (void)step, (void)above; }

  virtual Downward<T> downward() const = 0;
  virtual Upward<T> upward() const = 0;
  virtual Snapshot<T> snapshot() const = 0;
  virtual void visit_weights(const std::function<void(Weight<T>&)>& visit) = 0;
  /// Numbers learned beside them: weights of the sparse features met so far.
  virtual Index sparse_parameters() const { return 0; }
  virtual void archive_parameters(Archive& archive) = 0;  ///< weights and running statistics: what a model is
  virtual void archive_state(Archive& archive) = 0;       ///< traces, counts, pending predictions: what a checkpoint adds
  /// Everything a stream carries goes back to its initial value (start of an experiment).
  virtual void reset_state() = 0;

  // --- instruments of experiments; levels without the quantity return empty or do nothing
  virtual ConstView<T> contribution() const { return {}; }                          ///< this level's own share of the stream, n x B
  virtual void set_error_gain(std::span<const T> per_stream) { (void)per_stream; }  ///< scales e_l in carry; 1 = untouched
  /// A setting of the level's that a cure (core/health.hpp) may change between two steps, by its key ("dropout"); null: none of that name.
  virtual double* dial(std::string_view key) {
    (void)key;
    return nullptr;
  }
  /// In the streams where `clamped` (B entries) is not 0 the level hands down `activity` (n x B) in place of its own f(x), and the share of
  /// the stream that follows from it; its own inference goes on. Lesions, swaps, top-down clamps. An empty span releases every stream.
  virtual void clamp_downward(std::span<const std::uint8_t> clamped, ConstView<T> activity) { (void)clamped, (void)activity; }
  virtual bool clamps() const { return false; }  ///< clamp_downward does what it says
  virtual void score_broad(bool on) { (void)on; }
  virtual const BroadScore* broad_score() const { return nullptr; }
  /// What the objective's terms were worth since score_broad(true).
  virtual std::vector<TermScore> term_scores() const { return {}; }
  /// What the i-th of them was worth in its last window, nats per token, B x 1.
  virtual ConstView<T> term_value(std::size_t i) const {
    (void)i;
    return {};
  }
  /// Of a level that finds the ends of its unit itself.
  virtual FoundEnds found_ends() const { return {}; }
  /// Tokens ahead that expectation() speaks of, at most; 0: a kind that expects no words.
  virtual Index horizon() const { return 0; }
  /// log_p (V x B) = log probabilities of what the level expects behind the tokens read, nats. Level 0: of the next token, as held and as
  /// observe() will score it. A level with a broad prediction: of a word of its unit to come, from its present belief. Between steps.
  virtual void expectation(View<T> log_p) { (void)log_p; }
  /// The same of level 0 with another stream c_1, n x B.
  virtual void expectation_with_stream(ConstView<T> stream, View<T> log_p) { (void)stream, (void)log_p; }
  /// Loss of the step's tokens under the held forecast with another stream c_1 (level 0 only); nats per stream into `loss`. Before observe.
  virtual void score_with_stream(const Step<T>& step, ConstView<T> stream, View<T> loss) { (void)step, (void)stream, (void)loss; }

  // --- instruments of the gradient test (tests/gradient), used between learn and accumulate; a kind without them fails there
  /// stream += this level's share of the forecast that was scored, with present weights; n x B.
  virtual void held_share(View<T> stream) { (void)stream; }
  /// energy(j) += the terms of F_now that this level's weights enter, nats, with present weights while beliefs, memory, partners, masks
  /// and targets are held where learning evaluates them: emission at f(mu_0) and `stream`, the sum of the held shares.
  virtual void held_energy(ConstView<T> stream, View<T> energy) { (void)stream, (void)energy; }
  /// The level's value nodes in the order in which they move.
  virtual std::vector<ValueNode<T>> nodes() { return {}; }
  /// Recomputes what follows from the level's own beliefs after they were changed from outside: its messages, which at level 0 follow emit().
  virtual void refresh() {}

  // --- sparse activation (levels/activation.hpp)
  virtual bool leaves_out() const { return false; }  ///< ticks: what it settles on is a window's errors, whatever tick()
  /// What the level computed since reset_state(), beside its terms of the objective; nothing where a kind does not count.
  virtual Work work() const { return {}; }
};

}  // namespace strata
