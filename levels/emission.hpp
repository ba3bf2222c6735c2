#pragma once
// The emission of a lowest level that reads tokens without a lexicon: softmax over V tokens of the output stream.
//
// Equations   logits = b + c_0,   p = softmax(logits),   surprise = -ln p(v),   rho = onehot(v) - p,   db = rho under the forecast
// Symbols     b V x 1, c_0 V x B (own share of the lowest level plus c_1), rho V x B, surprise B x 1, nats
// Limit       without a stream b converges to the log frequencies of the tokens, whose surprise is the unigram entropy
// Source      multinomial logistic regression; residual stream of logits, model B
//
// A helper of levels (categorical, conditional, gaussian), which call it inside their own phases. It knows no belief and no neighbour.

#include <vector>

#include "core/level.hpp"

namespace strata {

template <class T>
class Emission {
 public:
  Emission() = default;
  Emission(Device<T>& device, Index vocabulary, Index streams);

  /// Logits of the next token from the total stream c_0, V x B: the forecast that observe() scores.
  void forecast(ConstView<T> stream);
  /// Scores the token read under the forecast held; rho and loss start there.
  void observe(const Step<T>& step);
  /// Settling: rho and loss under another total stream.
  void emit(ConstView<T> stream);
  void add_energy(View<T> energy) { device_->axpby(T(1), loss_, T(1), energy); }
  void keep();
  void restore(ConstView<T> mask);
  /// Takes the error of the forecast into the bias; called while learning only.
  void learn();
  /// While learning: the errors gathered, times `scale`, become the bias's gradient. Empties them in any case.
  void accumulate(T scale, bool learning);

  ConstView<T> rho() const { return rho_.view(); }            ///< onehot - p under the last forecast or emit, V x B; 0 in idle streams
  ConstView<T> scored() const { return scored_.view(); }      ///< onehot - p under the forecast, V x B: what learning descends
  ConstView<T> surprise() const { return surprise_.view(); }  ///< -ln p(v) under the forecast, B x 1, nats; 0 in idle streams
  ConstView<T> loss() const { return loss_.view(); }          ///< -ln p(v) under the last forecast or emit, B x 1, nats

  /// -ln p(v) of the step's tokens under another total stream with present weights: `loss`, B x 1, nats. Nothing else changes.
  void score_with_stream(const Step<T>& step, ConstView<T> stream, View<T> loss);
  void visit_weights(const std::function<void(Weight<T>&)>& visit) { visit(bias_); }
  void archive_state(Archive& archive) { archive.tensor("logits", logits_); }
  /// Streams start over: a forecast must follow.
  void reset_state();

 private:
  void read_targets(const Observation& observation);
  void score(ConstView<T> stream, View<T> error, View<T> loss);

  Device<T>* device_ = nullptr;
  Weight<T> bias_;
  Tensor<T> logits_, rho_, scored_, kept_rho_, error_sum_, work_;
  Tensor<T> surprise_, loss_, kept_loss_;
  std::vector<Entry<T>> targets_;
};

}  // namespace strata
