#pragma once
// Flexibility: the token level keeps alternatives open, a term of the objective.
//
// Equation    G = KL(u || p) = sum_w u(w) (ln u(w) - ln p(w)),   p = softmax(logits);   -dG/dlogits = u - p
//             with weight w the error of the output is onehot - p + w (u - p): towards E it is E onehot - E p + w (E u - E p)
// Symbols     u V x 1 the background (unigram), p V x B, G B x 1, nats per token
// Limit       w -> inf: p = u
// Source      label smoothing, Szegedy et al. 2016; towards the unigram, Pereyra et al. 2017
//
// A helper of the token level, called inside its phases. What n-gram features add to the logits counts in G and does not learn from it.

#include <vector>

#include "core/lexicon.hpp"
#include "core/objective/objective.hpp"

namespace strata {

template <class T>
class Flexibility {
 public:
  /// `units`: rows of the token level's own words. Weight 0: nothing is held and nothing is done.
  Flexibility(Device<T>& device, const Lexicon<T>& lexicon, double weight, Index units, Index streams);

  bool on() const { return weight_ != 0; }
  T weight() const { return weight_; }
  /// What u says through words E, S and the bias beta0, with present weights; to be called when they have changed.
  void refresh(const Weight<T>& own, const Weight<T>& shared, ConstView<T> bias);
  /// out (rows of the words x B) += w (words u - mean), `mean` being words p; of the token level's own words or of the shared ones.
  void add_message(bool own, ConstView<T> mean, View<T> out);
  /// loss(j) += w KL(u || p) in streams that read, from the normaliser and what p was made of: f(y), c_0 (may be empty) and further entries of the logits.
  void add_value(ConstView<T> f, ConstView<T> stream, ConstView<T> normaliser, std::span<const Entry<T>> extra, ConstView<T> active,
                 View<T> loss);
  /// The part of the gradient of words W that is made of u: gradient (n x V) += scale w (sum of activity's columns) u'.
  void add_gradient(T scale, ConstView<T> activity, View<T> gradient);
  /// The same of the bias, `count` columns of ones.
  void add_bias_gradient(T scale, Index count, View<T> gradient);
  /// u of a word.
  double background(std::int32_t word) const { return host_background_[static_cast<std::size_t>(word)]; }

  void set_scoring(bool on);
  std::vector<TermScore> scores() const { return on() ? std::vector<TermScore>{score_} : std::vector<TermScore>{}; }
  /// Takes what add_value() found last into the scores.
  void score(std::span<const std::uint8_t> active);
  ConstView<T> value() const { return value_.view(); }  ///< KL(u || p) that add_value() found last, nats, B x 1

 private:
  Device<T>& device_;
  T weight_;
  Tensor<T> background_;                             // u
  Tensor<T> own_, shared_, own_back_, shared_back_;  // E u, S u; the same by the weights of the way back
  Tensor<T> sum_own_, sum_shared_, bias_, value_;    // sums of activity; beta0' u, 1 x 1
  std::vector<double> host_background_;
  std::vector<T> host_;
  double entropy_ = 0, bias_value_ = 0;  // H(u), nats
  TermScore score_;
  bool scoring_ = false;
};

}  // namespace strata
