#include "levels/recency.hpp"

#include <cmath>

namespace strata {

Recency::Recency(Index streams, Index vocabulary, std::vector<double> time_constants)
    : vocabulary_(vocabulary), streams_(static_cast<std::size_t>(streams)) {
  for (const double tau : time_constants) {
    std::vector<float> table(static_cast<std::size_t>(std::ceil(8 * tau)) + 1);  // exp(-8) of a count is below the floor for all but bursts
    for (std::size_t dt = 0; dt < table.size(); ++dt) table[dt] = static_cast<float>(std::exp(-static_cast<double>(dt) / tau));
    decay_.push_back(std::move(table));
  }
  clear_all();
}

void Recency::read(Index stream, std::int32_t id) {
  Stream& s = streams_[static_cast<std::size_t>(stream)];
  ++s.now;
  auto& where = s.position[static_cast<std::size_t>(id)];
  const std::size_t traces = decay_.size();
  if (where < 0) {
    where = static_cast<std::int32_t>(s.words.size());
    s.words.push_back(id);
    s.stamp.push_back(s.now);
    s.counts.insert(s.counts.end(), traces, 1.0F);
    if (s.words.size() % 512 == 0) prune(s);
    return;
  }
  const auto k = static_cast<std::size_t>(where);
  for (std::size_t i = 0; i < traces; ++i) s.counts[k * traces + i] = decayed(s, k, i) + 1.0F;
  s.stamp[k] = s.now;
}

void Recency::prune(Stream& s) {
  const std::size_t traces = decay_.size();
  std::size_t kept = 0;
  for (std::size_t k = 0; k < s.words.size(); ++k) {
    bool alive = false;
    for (std::size_t i = 0; i < traces; ++i) alive |= decayed(s, k, i) >= floor_;
    s.position[static_cast<std::size_t>(s.words[k])] = alive ? static_cast<std::int32_t>(kept) : -1;
    if (!alive) continue;
    s.words[kept] = s.words[k];
    s.stamp[kept] = s.stamp[k];
    for (std::size_t i = 0; i < traces; ++i) s.counts[kept * traces + i] = s.counts[k * traces + i];
    ++kept;
  }
  s.words.resize(kept);
  s.stamp.resize(kept);
  s.counts.resize(kept * traces);
}

void Recency::clear(Index stream) {
  Stream& s = streams_[static_cast<std::size_t>(stream)];
  for (const auto word : s.words) s.position[static_cast<std::size_t>(word)] = -1;
  s.position.resize(static_cast<std::size_t>(vocabulary_), -1);
  s.words.clear();
  s.stamp.clear();
  s.counts.clear();
  s.now = 0;
}

void Recency::clear_all() {
  for (std::size_t j = 0; j < streams_.size(); ++j) clear(static_cast<Index>(j));
}

void Recency::archive(Archive& archive) {
  std::vector<std::int64_t> sizes, nows, stamps;
  std::vector<std::int32_t> words;
  std::vector<float> counts;
  for (const Stream& s : streams_) {
    sizes.push_back(static_cast<std::int64_t>(s.words.size()));
    nows.push_back(s.now);
    words.insert(words.end(), s.words.begin(), s.words.end());
    stamps.insert(stamps.end(), s.stamp.begin(), s.stamp.end());
    counts.insert(counts.end(), s.counts.begin(), s.counts.end());
  }
  archive.value("sizes", sizes);
  archive.value("now", nows);
  archive.value("words", words);
  archive.value("stamps", stamps);
  archive.value("counts", counts);
  if (!archive.loading()) return;
  const auto traces = static_cast<std::int64_t>(decay_.size());
  std::int64_t first = 0;
  for (std::size_t j = 0; j < streams_.size(); ++j) {
    clear(static_cast<Index>(j));
    Stream& s = streams_[j];
    s.now = nows[j];
    s.words.assign(words.begin() + first, words.begin() + first + sizes[j]);
    s.stamp.assign(stamps.begin() + first, stamps.begin() + first + sizes[j]);
    s.counts.assign(counts.begin() + first * traces, counts.begin() + (first + sizes[j]) * traces);
    for (std::size_t k = 0; k < s.words.size(); ++k) s.position[static_cast<std::size_t>(s.words[k])] = static_cast<std::int32_t>(k);
    first += sizes[j];
  }
}

}  // namespace strata
