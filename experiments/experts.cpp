#include "experiments/experts.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.hpp"

namespace strata {

namespace {

constexpr double furthest = 30;  // nats below the largest logit

}  // namespace

ExpertMixture::ExpertMixture(std::size_t experts, std::size_t buckets, double rate, double first_share) : experts_(experts), rate_(rate) {
  if (experts < 1) throw ShapeError("ExpertMixture", "at least one expert", "none");
  if (buckets < 1) throw ShapeError("ExpertMixture", "at least one bucket", "none");
  if (!(rate >= 0)) throw ShapeError("ExpertMixture", "a rate >= 0", std::to_string(rate));
  if (!(first_share >= 0 && first_share < 1)) throw ShapeError("ExpertMixture", "a share in [0, 1)", std::to_string(first_share));
  logits_.assign(experts * buckets, 0);
  shares_.assign(experts * buckets, 1 / static_cast<double>(experts));
  if (first_share == 0 || experts == 1) return;
  const double other = (1 - first_share) / static_cast<double>(experts - 1);
  for (std::size_t k = 0; k < shares_.size(); ++k) {
    shares_[k] = k % experts == 0 ? first_share : other;
    logits_[k] = std::log(shares_[k]);
  }
}

/// Where a bucket's experts begin.
std::size_t ExpertMixture::first(std::size_t count, std::size_t bucket) const {
  if (count != experts_) throw ShapeError("ExpertMixture", std::to_string(experts_) + " experts", std::to_string(count));
  if (bucket >= buckets()) throw ShapeError("ExpertMixture", "a bucket below " + std::to_string(buckets()), std::to_string(bucket));
  return bucket * experts_;
}

std::span<const double> ExpertMixture::shares(std::size_t bucket) const {
  return std::span<const double>(shares_).subspan(first(experts_, bucket), experts_);
}

double ExpertMixture::probability(std::span<const double> experts, std::size_t bucket) const {
  const std::size_t begin = first(experts.size(), bucket);
  double p = 0;
  for (std::size_t i = 0; i < experts_; ++i) p += shares_[begin + i] * experts[i];
  return p;
}

void ExpertMixture::learn(std::span<const double> experts, std::size_t bucket) {
  const double p = probability(experts, bucket);
  if (!(p > 0)) return;
  const std::size_t begin = first(experts.size(), bucket);
  const std::span<double> logits = std::span<double>(logits_).subspan(begin, experts_),
                          shares = std::span<double>(shares_).subspan(begin, experts_);
  for (std::size_t i = 0; i < experts_; ++i) logits[i] += rate_ * shares[i] * (experts[i] / p - 1);
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (std::size_t i = 0; i < experts_; ++i) {
    logits[i] = std::max(logits[i] - largest, -furthest);
    shares[i] = std::exp(logits[i]);
    sum += shares[i];
  }
  for (double& share : shares) share /= sum;
}

}  // namespace strata
