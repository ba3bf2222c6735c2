#pragma once
// The token level: predicts the next token from a short context and the stream of the levels above.
//
// Equations   ctx = [E w_t; ..; E w_{t-K0+1}]      mu_a = W1 ctx + b_a      mu_0 = W2 f(x_a) + W3 ctx + b_0      f = tanh
//             logits = E' f(x_0) + S' c_0 + beta0 (+ word priming + n-gram features),   c_0 = c_1
//             level.0.share=true: n units more, x_0 = [y; z]: logits = E' f(y) + S' c_0 + .., c_0 = c_1 + f(z), a share as every level has it;
//             words of the context are read by E and S then, [E w; S w] instead of E w
//             settling: message_0 = f'(x_0) .* [E; S] (onehot - p) (without a share E alone),  message_a = f'(x_a) .* W2' e_0,  e_n = pi_n (x_n - mu_n)
//             learning: dW2 = e_0 f(x_a)', dW3 = e_0 ctx', dW1 = e_a ctx', output E and S from the PREDICTED x_0: f(mu_0) (onehot - p)',
//             input E (level.0.embeddings=separate: E_in) from W3' e_0 + W1' e_a on the context words
//             with flexibility onehot - p + w (u - p) stands for onehot - p (levels/flexibility.hpp)
//             where feedback is separate, errors come back by weights of their own instead of E, S, W1', W2', W3'
// Symbols     E d x V, D = d (d + n with a share), W1 Ha x K0 D, W2 D x Ha, W3 D x K0 D, S n x V (the shared lexicon), c_1 n x B; all
//             activities units x streams
// Limit       one sweep with gamma = 1 and large pi_a equals back-propagation of -ln p(w)
// Source      predictive coding of a two-layer network, Whittington & Bogacz 2017; log-bilinear context, Mnih & Hinton 2007

#include <memory>

#include "core/level.hpp"
#include "core/parameter.hpp"
#include "levels/flexibility.hpp"
#include "levels/ngrams.hpp"
#include "levels/recency.hpp"

namespace strata {

struct TokenSettings {
  Index units = 64;               ///< d
  Index hidden = 192;             ///< Ha
  Index context = 5;              ///< K0
  double precision = 1;           ///< pi_0
  double hidden_precision = 100;  ///< pi_a
  double context_dropout = .1;
  bool priming = false;
  NgramSettings ngrams;
  double dropout = 0;  ///< of f(x_0) and f(x_a) while learning
  bool separate_embeddings = false;
  double flexibility = 0;  ///< weight of what keeps alternatives open (levels/flexibility.hpp)
  bool share = false;      ///< the level has n units more, which are its share of the output stream
  static ParameterTable parameters();
  static TokenSettings from(const Values& values);
};

template <class T>
class TokenLevel : public Level<T> {
 public:
  TokenLevel(Device<T>& device, Lexicon<T>& lexicon, const TokenSettings& settings, Index streams, Index interval, std::uint64_t seed);

  std::string kind() const override { return "token"; }
  Index units() const override { return units_; }
  double time_constant() const override { return 1; }
  Index tick() const override { return 1; }
  std::span<const std::uint8_t> ticking() const override { return ticking_; }

  void observe(const Step<T>& step, const Upward<T>& below) override;
  void begin_settling(const Step<T>& step, const Upward<T>& below) override;
  void settle(const Upward<T>& below, ConstView<T> rate) override;
  void repredict(const Downward<T>&) override {}  // no path from the level above but the stream
  void emit(const Step<T>& step, const Downward<T>& above) override;
  void add_energy(View<T> energy) override;
  void keep() override;
  void restore(ConstView<T> mask) override;
  void end_settling(const Step<T>& step) override;
  void learn(const Step<T>& step) override;
  void accumulate(T scale, bool learning) override;
  void carry(const Step<T>& step, const Upward<T>& below) override;
  void forecast(const Step<T>& step, const Downward<T>& above) override;

  Downward<T> downward() const override { return {}; }
  Upward<T> upward() const override { return {rho_.view(), {}, word_.view()}; }
  Snapshot<T> snapshot() const override {
    return {mu_0_.view(), belief_.view(), e0_.view(), error_norm_.view(), surprise_.view(), free_energy_.view()};
  }
  void visit_weights(const std::function<void(Weight<T>&)>& visit) override;
  bool speaks() const override { return settings_.share; }
  Index sparse_parameters() const override { return ngrams_ ? ngrams_->size() : 0; }
  void archive_parameters(Archive& archive) override;
  void archive_state(Archive& archive) override;
  void reset_state() override;
  void score_with_stream(const Step<T>& step, ConstView<T> stream, View<T> loss) override;
  Index horizon() const override { return 1; }
  void expectation(View<T> log_p) override { expectation_with_stream(held_stream(), log_p); }
  void expectation_with_stream(ConstView<T> stream, View<T> log_p) override;
  void held_energy(ConstView<T> stream, View<T> energy) override;
  double* dial(std::string_view key) override { return key == "precision" ? &settings_.precision : nullptr; }
  void score_broad(bool on) override { flexibility_.set_scoring(on); }
  std::vector<TermScore> term_scores() const override { return flexibility_.scores(); }
  ConstView<T> term_value(std::size_t) const override { return flexible_.view(); }
  std::vector<ValueNode<T>> nodes() override;
  void refresh() override;

 private:
  void create_weights(std::uint64_t seed);
  void create_tensors(Index interval);
  void collect_targets(const Observation& observation, bool learning);
  void gather_targets();
  void collect_extra();
  void read_ngram_errors();
  void drop(const Step<T>& step);
  /// What follows from f(x_0) and a stream, in the streams that read: the normaliser, and where `mean_0`, `mean_c`, `p` have data, E p, S p, p.
  void expect(ConstView<T> f, ConstView<T> stream, View<T> normaliser, View<T> mean_0, View<T> mean_c, View<T> p);
  void expect_separately(ConstView<T> f, ConstView<T> stream, View<T> normaliser, View<T> mean_0, View<T> mean_c, View<T> p);
  /// loss = -ln p(w) of this step's words, 0 in idle streams, from the normaliser that expect() found for f and stream.
  void score(ConstView<T> active, ConstView<T> f, ConstView<T> stream, ConstView<T> normaliser, View<T> loss);
  /// E (onehot - p), which no one reads after the last sweep, and S (onehot - p), 0 where nothing speaks in S, from what expect() found.
  void messages(const Step<T>& step);
  /// The words of the context as they are read with present weights: `ctx`, K0 D x B, not masked.
  void read_context(View<T> ctx);
  /// c_0 from c_1 (no data: no level above) and f(x_0): kept in `total_` where the level has a share. No data: nothing speaks.
  ConstView<T> total(ConstView<T> stream, ConstView<T> f);
  ConstView<T> held_stream() const { return streamed_ ? stream_held_.view() : ConstView<T>{}; }
  void prime();
  /// What flexibility adds to the loss of a forecast.
  void add_flexibility(ConstView<T> active, ConstView<T> f, ConstView<T> stream, ConstView<T> normaliser, View<T> loss);
  void learn_words(T scale);
  void clear_stash();

  Device<T>& device_;
  Lexicon<T>& lexicon_;
  TokenSettings settings_;
  Index streams_, units_;  // B, D
  Weight<T> embedding_, embedding_in_, hidden_in_, hidden_out_, direct_, hidden_bias_, bias_, output_bias_, priming_gain_;
  std::vector<std::pair<Weight<T>*, Index>> read_by_;  // what reads the words of the context: first row of each among a word's D

  // the forecast held and the settling beliefs, units x B
  std::vector<std::int32_t> context_;  // K0 x B ids, newest first, stream-major inside each position
  Tensor<T> ctx_, ctx_mask_, mu_a_, base_, mu_0_;
  Tensor<T> drop_0_, drop_a_, fd_0_, fd_a_;  // masks of dropout; f as it goes on
  Tensor<T> x_a_, f_a_, x_0_, f_0_, e_a_, e0_, message_a_, gradient_0_, rho_, word_;
  Tensor<T> kept_x_a_, kept_f_a_, kept_x_0_, kept_f_0_, kept_mu_0_, kept_loss_, kept_gradient_0_, kept_rho_;
  Tensor<T> normaliser_, mean_0_, mean_c_;           // of the last expect()
  Tensor<T> target_0_, target_bias_, target_extra_;  // of this step's words: columns of E, of beta0, priming; those of S are word_
  Tensor<T> dot_0_, dot_c_, part_, active_, scored_, loss_, surprise_, belief_, error_norm_, free_energy_, scratch_energy_;
  Tensor<T> p_, back_;                       // separate feedback: p of the streams that read; means by weights of the way back
  std::uint64_t version_ = 0;                // of the output weights; 0: they may have changed
  Tensor<T> stream_held_;                    // c_1 of the forecast, zero without levels above
  bool streamed_ = false;                    // there are levels above
  Tensor<T> total_;                          // c_0
  std::vector<std::int32_t> ids_, reading_;  // this step's words; the streams that read one
  std::vector<Entry<T>> extra_;              // priming of the forecast's logits, by stream
  std::vector<std::uint8_t> ticking_;

  // stashes: columns of the streams that read, step after step
  Tensor<T> stash_p_, stash_f_0_, stash_stream_, stash_e_0_, stash_e_a_, stash_f_a_, stash_ctx_, stash_ctx_mask_, context_error_;
  std::vector<std::int32_t> stash_context_;
  std::vector<Scatter<T>> stash_words_;  // target column: the word read; source column: of the stash
  std::vector<Scatter<T>> scatters_;
  Index stashed_ = 0, observed_ = 0;  // columns; those before this step's

  Flexibility<T> flexibility_;
  Tensor<T> flexible_;  // KL(u || p) of the forecast scored last
  std::unique_ptr<Recency> recency_;
  std::unique_ptr<Ngrams> ngrams_;
  std::vector<Ngrams::Reading> ngram_readings_;
  std::size_t ngram_first_ = 0;  // where theirs begin in extra_
  std::vector<Entry<T>> ngram_entries_;
  std::vector<T> ngram_p_, gains_;
  std::vector<Entry<T>> primed_[3], stash_primed_[3], stash_hits_[3], word_entries_;  // hits: the word read was primed
};

}  // namespace strata
