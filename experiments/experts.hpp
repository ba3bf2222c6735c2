#pragma once
// Several forecasters of the next word as one, with shares that follow who was right: an online mixture.
//
// Equation        p(w) = sum_i s_i p_i(w),   s = softmax(W);   after the word was read   W_i <- W_i + rate (s_i p_i / p - s_i)
// Symbols         p_i(w) what expert i gave the word, s_i its share, W_i the logit of that, all 1;  rate, 1
// Discretisation  one step of gradient ascent on ln p per word, W held at most 30 below the largest: a share can always grow again
// Limit           one expert: p is its own; an expert that is the truth among others that are not: its share goes to 1
// Source          Jacobs, Jordan, Nowlan & Hinton 1991, Neural Computation 3 (gated experts), the gate without inputs but a bucket

#include <cstddef>
#include <span>
#include <vector>

namespace strata {

class ExpertMixture {
 public:
  /// Shares of their own for each of `buckets` kinds of moment (such as how long a history the n-gram model has seen). At first the first expert
  /// has `first_share`, the others what it leaves, in equal parts; 0: all are equal.
  /// Throws ShapeError for no expert, no bucket, a rate that is negative or a share that is not in [0, 1).
  explicit ExpertMixture(std::size_t experts, std::size_t buckets = 1, double rate = .02, double first_share = 0);

  /// sum_i s_i p_i.
  double probability(std::span<const double> experts, std::size_t bucket = 0) const;
  /// Learns from what the experts gave the word that came. Where all gave it nothing, nothing is learned.
  void learn(std::span<const double> experts, std::size_t bucket = 0);
  /// s of a bucket; they sum to 1.
  std::span<const double> shares(std::size_t bucket = 0) const;

  std::size_t experts() const { return experts_; }
  std::size_t buckets() const { return logits_.size() / experts_; }

 private:
  std::size_t first(std::size_t count, std::size_t bucket) const;

  std::size_t experts_;
  double rate_;
  std::vector<double> logits_, shares_;  // experts x buckets, the experts of a bucket side by side
};

}  // namespace strata
