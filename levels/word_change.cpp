#include "levels/word_change.hpp"

#include <algorithm>
#include <cmath>

namespace strata {

namespace {
constexpr double kappa = 300;
}

WordChange::WordChange(std::int64_t newest, std::int64_t before, Index vocabulary, Index streams)
    : newest_(newest), kept_(newest + before), unlike_(static_cast<std::size_t>(before + 1)) {
  // The sum over i of ln [(kappa + l + i) / (kappa + i)]: one more of l takes the first factor off and puts one behind the last.
  for (std::int64_t l = 0; l < before; ++l)
    unlike_[static_cast<std::size_t>(l + 1)] =
        unlike_[static_cast<std::size_t>(l)] + std::log1p(static_cast<double>(newest) / (kappa + static_cast<double>(l)));
  const auto s = static_cast<std::size_t>(streams);
  words_.resize(s * static_cast<std::size_t>(kept_));
  place_.resize(s);
  begin_.resize(s);
  held_before_.resize(static_cast<std::size_t>(vocabulary));
  held_.resize(static_cast<std::size_t>(vocabulary));
}

double WordChange::highest(std::int64_t newest, std::int64_t before) { return WordChange(newest, before, 0, 0).unlike_.back(); }

void WordChange::read(std::size_t stream, std::int32_t id) {
  const std::int64_t at = place_[stream]++ % kept_;
  words_[stream * static_cast<std::size_t>(kept_) + static_cast<std::size_t>(at)] = id;
}

std::int32_t WordChange::word(std::size_t stream, std::int64_t place) const {
  return words_[stream * static_cast<std::size_t>(kept_) + static_cast<std::size_t>(place % kept_)];
}

double WordChange::evidence(std::size_t stream, std::span<const double> log_unigram) {
  if (!measurable(stream)) return 0;
  const std::int64_t end = place_[stream], middle = end - newest_, first = std::max(begin_[stream], end - kept_);
  for (std::int64_t t = first; t < middle; ++t) ++held_before_[static_cast<std::size_t>(word(stream, t))];
  double sum = unlike_[static_cast<std::size_t>(middle - first)];
  for (std::int64_t t = middle; t < end; ++t) {
    const auto id = static_cast<std::size_t>(word(stream, t));
    if (held_before_[id] > 0) sum -= std::log1p(held_before_[id] / (kappa * std::exp(log_unigram[id]) + held_[id]));
    ++held_[id];
  }
  for (std::int64_t t = first; t < end; ++t) {
    const auto id = static_cast<std::size_t>(word(stream, t));
    held_before_[id] = held_[id] = 0;
  }
  return sum;
}

void WordChange::archive_state(Archive& archive) {
  archive.value("words", words_);
  archive.value("place", place_);
  archive.value("begin", begin_);
}

void WordChange::reset() {
  std::fill(words_.begin(), words_.end(), 0);
  std::fill(place_.begin(), place_.end(), 0);
  std::fill(begin_.begin(), begin_.end(), 0);
}

}  // namespace strata
