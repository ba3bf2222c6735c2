#pragma once
// Leaky counts of recently read words, per stream, cleared at a document's end.
//
// Equation        r[w] <- exp(-1/tau) r[w] + [w = w_t],  one per time constant
// Discretisation  exact; decayed lazily when read
// Limit           a word read once at t has r = exp(-(now - t)/tau)

#include <cstdint>
#include <span>
#include <vector>

#include "core/archive.hpp"
#include "core/device/device.hpp"

namespace strata {

class Recency {
 public:
  Recency(Index streams, Index vocabulary, std::vector<double> time_constants);

  void read(Index stream, std::int32_t id);
  void clear(Index stream);
  void clear_all();

  /// Appends (word, column, saturation(r)) for every word of `stream` whose count under trace `i` is at least `floor`, by word age.
  template <class T, class Saturation>
  void entries(Index stream, std::size_t i, std::int32_t column, Saturation saturation, std::vector<Entry<T>>& out) const;

  void archive(Archive& archive);

 private:
  struct Stream {
    std::int64_t now = 0;
    std::vector<std::int32_t> words;     // in order of first reading
    std::vector<std::int32_t> position;  // V: index in words, -1 when absent
    std::vector<std::int64_t> stamp;     // parallel to words: when the counts were last brought up to date
    std::vector<float> counts;           // parallel to words, one per time constant each
  };
  float decayed(const Stream& s, std::size_t word, std::size_t i) const;
  void prune(Stream& s);

  static constexpr float floor_ = 1e-3F;
  Index vocabulary_;
  std::vector<std::vector<float>> decay_;  // per trace: exp(-dt/tau) for dt = 0 ..
  std::vector<Stream> streams_;
};

inline float Recency::decayed(const Stream& s, std::size_t word, std::size_t i) const {
  const auto age = static_cast<std::size_t>(s.now - s.stamp[word]);
  return age < decay_[i].size() ? s.counts[word * decay_.size() + i] * decay_[i][age] : 0.0F;
}

template <class T, class Saturation>
void Recency::entries(Index stream, std::size_t i, std::int32_t column, Saturation saturation, std::vector<Entry<T>>& out) const {
  const Stream& s = streams_[static_cast<std::size_t>(stream)];
  for (std::size_t k = 0; k < s.words.size(); ++k) {
    const float r = decayed(s, k, i);
    if (r >= floor_) out.push_back({s.words[k], column, static_cast<T>(saturation(r))});
  }
}

/// Saturations of the three time scales of word priming, fastest first.
inline double saturate(std::size_t trace, double r) {
  switch (trace) {
    case 0: return 4 * r / (1 + 2 * r);
    case 1: return 3 * r / (1 + r);
    default: return 2 * r / (1 + .5 * r);
  }
}

}  // namespace strata
