#include "levels/segmentation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace strata {

namespace {
constexpr double clip = 4, surprise_part = .5;
constexpr double prior = 2000, most = 50000;  // kappa; tokens of beginnings above which their counts are halved
constexpr double first_threshold = 8, threshold_rate = .005;
constexpr double slow_rate = 2e-4;
constexpr double none = -std::numeric_limits<double>::max();
}  // namespace

Segmentation::Segmentation(const SegmentationSettings& settings, Index vocabulary, Index streams)
    : settings_(settings), later_(settings.window / 2), threshold_(first_threshold) {
  if (!settings.on) return;
  const auto s = static_cast<std::size_t>(streams);
  begins_.assign(static_cast<std::size_t>(vocabulary), 0);
  evidence_.resize(s * static_cast<std::size_t>(settings.window));
  words_.resize(s * static_cast<std::size_t>(lag() + 1));
  for (auto* x : {&sum_, &best_}) x->resize(s);
  for (auto* x : {&place_, &since_, &waited_}) x->resize(s);
  ends_.resize(s);
  reset();
}

void Segmentation::reset() {
  std::fill(evidence_.begin(), evidence_.end(), 0.0);
  std::fill(words_.begin(), words_.end(), 0);
  std::fill(sum_.begin(), sum_.end(), 0.0);
  std::fill(best_.begin(), best_.end(), none);
  std::fill(place_.begin(), place_.end(), 0);
  std::fill(since_.begin(), since_.end(), 0);
  std::fill(waited_.begin(), waited_.end(), 0);
  std::fill(ends_.begin(), ends_.end(), std::uint8_t{0});
  found_ = 0;
}

void Segmentation::read(std::span<const std::int32_t> ids, std::span<const double> surprise, std::span<const std::uint8_t> valid,
                        std::span<const double> log_unigram, bool learning) {
  for (std::size_t j = 0; j < ids.size(); ++j) {
    if (valid[j] == 0) continue;
    ends_[j] = 0;
    add(j, ids[j], surprise[j], log_unigram[static_cast<std::size_t>(ids[j])]);
  }
  if (learning) learn(surprise, valid);
}

void Segmentation::add(std::size_t j, std::int32_t id, double surprise, double log_unigram) {
  const auto n = static_cast<std::size_t>(settings_.window), held = static_cast<std::size_t>(lag() + 1);
  const double begins = std::log((begins_[static_cast<std::size_t>(id)] + prior * std::exp(log_unigram)) / (begun_ + prior));
  const double y = std::clamp(begins - log_unigram + surprise_part * (surprise - mean_), -clip, clip);
  double& oldest = evidence_[j * n + static_cast<std::size_t>(place_[j]) % n];
  sum_[j] += y - std::exchange(oldest, y);
  words_[j * held + static_cast<std::size_t>(place_[j]) % held] = id;
  ++place_[j];
  ++since_[j];
  ++waited_[j];
  if (sum_[j] > threshold_ && sum_[j] > best_[j] && since_[j] >= settings_.window) {
    best_[j] = sum_[j];
    waited_[j] = 0;
  }
  if (best_[j] == none || waited_[j] < later_) return;
  ends_[j] = 1;
  ++found_;
  since_[j] = waited_[j];
  best_[j] = none;
}

void Segmentation::learn(std::span<const double> surprise, std::span<const std::uint8_t> valid) {
  double tokens = 0, nats = 0, ends = 0;
  for (std::size_t j = 0; j < ends_.size(); ++j) {
    if (valid[j] == 0) continue;
    tokens += 1;
    nats += surprise[j];
    ends += ends_[j];
    if (ends_[j] != 0) learn_beginning(j);
  }
  if (tokens == 0) return;
  threshold_ += threshold_rate * (ends / tokens * settings_.every - 1);
  mean_ += std::max(slow_rate, 1 / ++reads_) * (nats / tokens - mean_);
  if (begun_ <= most) return;
  for (double& count : begins_) count /= 2;
  begun_ /= 2;
}

/// The n tokens behind the end just found.
void Segmentation::learn_beginning(std::size_t j) {
  const auto held = static_cast<std::size_t>(lag() + 1);
  const std::int64_t first = std::max<std::int64_t>(0, place_[j] - lag() - 1);
  for (std::int64_t t = first; t < first + settings_.window; ++t)
    begins_[static_cast<std::size_t>(words_[j * held + static_cast<std::size_t>(t) % held])] += 1;
  begun_ += static_cast<double>(settings_.window);
}

void Segmentation::archive_parameters(Archive& archive) {
  archive.value("begins", begins_);
  archive.value("begun", begun_);
  archive.value("mean", mean_);
  archive.value("threshold", threshold_);
  archive.value("reads", reads_);
}

void Segmentation::archive_state(Archive& archive) {
  archive.value("evidence", evidence_);
  archive.value("sum", sum_);
  archive.value("best", best_);
  archive.value("words", words_);
  archive.value("place", place_);
  archive.value("since", since_);
  archive.value("waited", waited_);
  archive.value("ends", ends_);
  archive.value("found", found_);
}

}  // namespace strata
