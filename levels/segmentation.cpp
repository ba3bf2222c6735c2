#include "levels/segmentation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "levels/running_rate.hpp"

namespace strata {

namespace {
constexpr double clip = 4, surprise_part = .5;
constexpr double beginning_prior = 2000, most = 50000;  // kappa_b; tokens of beginnings above which their counts are halved
constexpr double first_threshold = 8, threshold_rate = .005;
constexpr double slow_rate = 2e-4;
constexpr double none = -std::numeric_limits<double>::max();
}  // namespace

Segmentation::Segmentation(const SegmentationSettings& settings, Index vocabulary, Index streams)
    : settings_(settings),
      change_(settings.on ? settings.window : 0, settings.on ? settings.window : 0, settings.on ? vocabulary : 0,
              settings.on ? streams : 0),
      later_(settings.window / 2),
      threshold_(first_threshold) {
  if (!settings.on) return;
  const auto s = static_cast<std::size_t>(streams);
  begins_.assign(static_cast<std::size_t>(vocabulary), 0);
  evidence_.resize(s * static_cast<std::size_t>(settings.window));
  sums_.resize(s * static_cast<std::size_t>(later_));
  best_.resize(s);
  waited_.resize(s);
  ends_.resize(s);
  reset();
}

void Segmentation::reset() {
  std::fill(evidence_.begin(), evidence_.end(), 0.0);
  std::fill(sums_.begin(), sums_.end(), none);
  std::fill(best_.begin(), best_.end(), none);
  change_.reset();
  std::fill(waited_.begin(), waited_.end(), 0);
  std::fill(ends_.begin(), ends_.end(), std::uint8_t{0});
  found_ = 0;
}

void Segmentation::read(std::span<const std::int32_t> ids, std::span<const double> surprise, std::span<const std::uint8_t> valid,
                        std::span<const double> log_unigram, bool learning) {
  for (std::size_t j = 0; j < ids.size(); ++j) {
    if (valid[j] == 0) continue;
    ends_[j] = 0;
    const auto n = static_cast<std::size_t>(settings_.window), at = static_cast<std::size_t>(change_.place(j));
    change_.read(j, ids[j]);
    evidence_[j * n + at % n] = beginning(ids[j], surprise[j], log_unigram[static_cast<std::size_t>(ids[j])]);
    double sum = change_.evidence(j, log_unigram);
    for (std::size_t i = 0; i < static_cast<std::size_t>(settings_.beginning); ++i) sum += evidence_[j * n + (at + 1 + i) % n];
    add(j, sum);
  }
  if (learning) learn(surprise, valid);
}

double Segmentation::beginning(std::int32_t id, double surprise, double log_unigram) const {
  const double begins =
      std::log((begins_[static_cast<std::size_t>(id)] + beginning_prior * std::exp(log_unigram)) / (begun_ + beginning_prior));
  return std::clamp(begins - log_unigram + surprise_part * (surprise - mean_), -clip, clip);
}

void Segmentation::restart(std::size_t stream) {
  change_.restart(stream);
  best_[stream] = none;
  ends_[stream] = 0;
}

/// B of one token more.
void Segmentation::add(std::size_t j, double sum) {
  const auto newest = std::span(sums_).subspan(j * static_cast<std::size_t>(later_), static_cast<std::size_t>(later_));
  ++waited_[j];
  if (change_.measurable(j) && sum > threshold_ && sum > best_[j] && sum > *std::max_element(newest.begin(), newest.end())) {
    best_[j] = sum;
    waited_[j] = 0;
  }
  newest[static_cast<std::size_t>((change_.place(j) - 1) % later_)] = sum;
  if (best_[j] == none || waited_[j] < later_) return;
  ends_[j] = 1;
  ++found_;
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
  mean_ += running_rate(reads_++, slow_rate) * (nats / tokens - mean_);
  if (begun_ <= most) return;
  for (double& count : begins_) count /= 2;
  begun_ /= 2;
}

/// The m tokens behind the end just found.
void Segmentation::learn_beginning(std::size_t j) {
  const std::int64_t first = change_.place(j) - lag() - 1;
  for (std::int64_t t = first; t < first + settings_.beginning; ++t) begins_[static_cast<std::size_t>(change_.word(j, t))] += 1;
  begun_ += static_cast<double>(settings_.beginning);
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
  archive.value("sums", sums_);
  archive.value("best", best_);
  change_.archive_state(archive);
  archive.value("waited", waited_);
  archive.value("ends", ends_);
  archive.value("found", found_);
}

}  // namespace strata
