#include "analysis/text_tiling.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "core/error.hpp"

namespace strata {

namespace {

using Counts = std::unordered_map<std::int32_t, double>;

std::unordered_set<std::int32_t> commonest(std::span<const std::int32_t> words, std::size_t count) {
  std::unordered_map<std::int32_t, std::size_t> seen;
  for (const auto word : words) ++seen[word];
  std::vector<std::pair<std::size_t, std::int32_t>> order;
  order.reserve(seen.size());
  for (const auto& [word, times] : seen) order.emplace_back(times, word);
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  std::unordered_set<std::int32_t> out;
  for (std::size_t i = 0; i < count; ++i) out.insert(order[i].second);
  return out;
}

double cosine(const Counts& a, const Counts& b) {
  double both = 0, left = 0, right = 0;
  for (const auto& [word, n] : a) {
    left += n * n;
    if (const auto found = b.find(word); found != b.end()) both += n * found->second;
  }
  for (const auto& [word, n] : b) right += n * n;
  return left > 0 && right > 0 ? both / std::sqrt(left * right) : 0;
}

/// s of every gap, smoothed.
std::vector<double> cohesion(std::span<const std::int32_t> words, const TextTilingOptions& o) {
  if (o.sequence == 0 || o.block == 0) throw ShapeError("TextTiling", "sequences and blocks of at least 1", "0");
  const std::size_t sequences = words.size() / o.sequence;
  if (sequences < 2) return {};
  const auto dull = commonest(words, o.common);
  const auto add = [&](Counts& counts, std::size_t first, std::size_t last) {
    for (std::size_t t = first * o.sequence; t < std::min(words.size(), last * o.sequence); ++t)
      if (!dull.contains(words[t])) counts[words[t]] += 1;
  };
  std::vector<double> raw(sequences - 1), out(sequences - 1);
  for (std::size_t g = 0; g + 1 < sequences; ++g) {
    const std::size_t k = std::min({o.block, g + 1, sequences - g - 1});
    Counts before, behind;
    add(before, g + 1 - k, g + 1);
    add(behind, g + 1, g + 1 + k);
    raw[g] = cosine(before, behind);
  }
  for (std::size_t g = 0; g < raw.size(); ++g) {
    const std::size_t first = g > 0 ? g - 1 : 0, last = std::min(raw.size(), g + 2);
    out[g] = std::accumulate(raw.begin() + static_cast<std::ptrdiff_t>(first), raw.begin() + static_cast<std::ptrdiff_t>(last), 0.) /
             static_cast<double>(last - first);
  }
  return out;
}

Flags at_gaps(std::span<const std::int32_t> words, const std::vector<double>& depths, std::size_t count, std::size_t sequence) {
  const Flags gaps = largest_peaks(depths, count, 1);
  Flags out(words.size(), 0);
  for (std::size_t g = 0; g < gaps.size(); ++g)
    if (gaps[g] != 0) out[(g + 1) * sequence] = 1;
  return out;
}

}  // namespace

std::vector<double> tiling_depths(std::span<const std::int32_t> words, const TextTilingOptions& options) {
  const std::vector<double> s = cohesion(words, options);
  std::vector<double> depth(s.size());
  for (std::size_t g = 0; g < s.size(); ++g) {
    std::size_t left = g, right = g;
    while (left > 0 && s[left - 1] >= s[left]) --left;
    while (right + 1 < s.size() && s[right + 1] >= s[right]) ++right;
    depth[g] = s[left] + s[right] - 2 * s[g];
  }
  return depth;
}

Flags tiling_boundaries(std::span<const std::int32_t> words, std::size_t count, const TextTilingOptions& options) {
  return at_gaps(words, tiling_depths(words, options), count, options.sequence);
}

Flags tiling_boundaries(std::span<const std::int32_t> words, const TextTilingOptions& options) {
  const std::vector<double> depths = tiling_depths(words, options);
  if (depths.empty()) return Flags(words.size(), 0);
  const auto n = static_cast<double>(depths.size());
  const double mean = std::accumulate(depths.begin(), depths.end(), 0.) / n;
  double squares = 0;
  for (const double d : depths) squares += (d - mean) * (d - mean);
  const double least = mean - std::sqrt(squares / n) / 2;
  const Flags peaks = largest_peaks(depths, depths.size(), 1);
  std::size_t deep = 0;
  for (std::size_t g = 0; g < depths.size(); ++g) deep += peaks[g] != 0 && depths[g] > least ? 1 : 0;
  return at_gaps(words, depths, deep, options.sequence);
}

}  // namespace strata
