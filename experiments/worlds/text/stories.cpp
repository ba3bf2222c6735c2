#include "experiments/worlds/text/stories.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/error.hpp"
#include "experiments/worlds/text/passages.hpp"
#include "experiments/worlds/text/shuffle.hpp"

namespace strata::text {
namespace {

constexpr std::size_t as_frequent = 16;  // words among which one as frequent is drawn

/// Takes documents one after another until there are so many tokens; empty where they run out.
class Shelf {
 public:
  Shelf(const std::vector<EncodedDocument>& documents, std::uint64_t seed) {
    for (const EncodedDocument& document : documents) order_.push_back(&document);
    shuffle(order_, seed ^ 0x53746f72);
  }

  Script take(Index tokens) {
    Script script;
    for (Index missing = tokens; missing > 0;) {
      if (next_ == order_.size()) return {};
      const EncodedDocument& document = *order_[next_++];
      const Index end = std::min(missing, words_end(document));
      if (end > 0) script.push_back(Segment{&document, 0, end, 0, 0, 0});
      missing -= end;
    }
    return script;
  }

 private:
  static Index words_end(const EncodedDocument& document) {
    return document.size() - (document.size() > 0 && (document.boundary.back() & document_end) != 0 ? 1 : 0);
  }

  std::vector<const EncodedDocument*> order_;
  std::size_t next_ = 0;
};

/// Tokens at which a part ends.
std::vector<Script> cut(const Script& text, const std::function<bool(const Segment&, Index token, Index place)>& ends) {
  std::vector<Script> parts(1);
  Index place = 0;
  for (const Segment& segment : text) {
    Index begin = segment.begin;
    for (Index t = segment.begin; t < segment.end; ++t, ++place) {
      const bool last = t + 1 == segment.end, cuts = ends(segment, t, place);
      if (!last && !cuts) continue;
      parts.back().push_back(Segment{segment.document, begin, t + 1, 0, 0, 0});
      begin = t + 1;
      if (cuts) parts.emplace_back();
    }
  }
  if (parts.back().empty()) parts.pop_back();
  return parts;
}

bool may_change(const EncodedDocument& document, Index t, const ChangeOptions& options) {
  const auto i = static_cast<std::size_t>(t);
  if (options.words[static_cast<std::size_t>(document.ids[i])] == 0) return false;
  return t + 1 == document.size() || options.parts[static_cast<std::size_t>(document.ids[i + 1])] == 0;
}

/// Ids of `sorted` (ascending ln u) nearest to `log_u`, `id` itself left out; at most `count`.
std::vector<std::int32_t> nearest_in_frequency(const std::vector<std::int32_t>& sorted, double log_u, std::int32_t id, std::size_t count,
                                               const std::vector<double>& log_unigram) {
  const auto frequency = [&](std::int32_t w) { return log_unigram[static_cast<std::size_t>(w)]; };
  auto above = std::lower_bound(sorted.begin(), sorted.end(), log_u, [&](std::int32_t w, double x) { return frequency(w) < x; });
  auto below = above;
  std::vector<std::int32_t> found;
  while (found.size() < count && (below != sorted.begin() || above != sorted.end())) {
    const bool up = below == sorted.begin() || (above != sorted.end() && frequency(*above) - log_u < log_u - frequency(*(below - 1)));
    const std::int32_t w = up ? *above++ : *--below;
    if (w != id) found.push_back(w);
  }
  return found;
}

}  // namespace

std::vector<Story> make_stories(const std::vector<EncodedDocument>& documents, const StoryOptions& options) {
  Shelf shelf(documents, options.seed);
  std::vector<Story> stories;
  while (static_cast<Index>(stories.size()) < options.count) {
    Story story{shelf.take(options.length), {}};
    bool complete = !story.text.empty();
    for (std::size_t k = 0; k < options.pasts && complete; ++k) {
      story.pasts.push_back(shelf.take(options.history));
      complete = !story.pasts.back().empty();
      if (complete) story.pasts.back().back().last_boundary = forced_tick;
    }
    if (!complete) {
      const auto key = [&](const std::string& name) { return named_key(options.experiment, name); };
      const std::string pasts = options.pasts == 0
                                    ? ""
                                    : ", each with " + std::to_string(options.pasts) + " times " + std::to_string(options.history) +
                                          key("history") + " tokens of other documents before it";
      throw DataError("held-out text", 0,
                      "only " + std::to_string(stories.size()) + " of " + std::to_string(options.count) + " stretches of " +
                          std::to_string(options.length) + key(options.span) + " tokens found" + pasts +
                          "; give more held-out text, or ask for fewer" + key(options.counted) + " or shorter");
    }
    stories.push_back(std::move(story));
  }
  return stories;
}

std::vector<Script> blocks_of(const Script& text, Index tokens) {
  return cut(text, [&](const Segment&, Index, Index place) { return (place + 1) % tokens == 0; });
}

std::vector<Script> unit_blocks_of(const Script& text, std::uint8_t end) {
  return cut(text, [&](const Segment& segment, Index t, Index) {
    if (t + 1 == segment.end) return true;
    const auto bits = [&](Index at) { return segment.document->boundary[static_cast<std::size_t>(at)]; };
    return (bits(t) & end) != 0 && (bits(t + 1) & paragraph_end) == 0;
  });
}

Reordered reordered(const std::vector<Script>& parts, std::uint64_t seed) {
  std::vector<Index> first(parts.size(), 0);
  for (std::size_t k = 1; k < parts.size(); ++k) first[k] = first[k - 1] + script_tokens(parts[k - 1]);
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  shuffle(order, seed);
  Reordered out;
  for (const std::size_t k : order) {
    out.script.insert(out.script.end(), parts[k].begin(), parts[k].end());
    out.script.back().last_boundary = forced_tick;
    for (Index i = 0; i < script_tokens(parts[k]); ++i) out.place.push_back(first[k] + i);
  }
  return out;
}

std::vector<std::int32_t> changeable_words(const std::vector<EncodedDocument>& documents, const ChangeOptions& options) {
  std::vector<std::uint8_t> there(options.words.size(), 0);
  for (const EncodedDocument& document : documents)
    for (Index t = 0; t < document.size(); ++t)
      if (may_change(document, t, options)) there[static_cast<std::size_t>(document.ids[static_cast<std::size_t>(t)])] = 1;
  std::vector<std::int32_t> ids;
  for (std::size_t id = 0; id < there.size(); ++id)
    if (there[id] != 0) ids.push_back(static_cast<std::int32_t>(id));
  std::stable_sort(ids.begin(), ids.end(), [&](std::int32_t a, std::int32_t b) {
    return options.log_unigram[static_cast<std::size_t>(a)] < options.log_unigram[static_cast<std::size_t>(b)];
  });
  return ids;
}

Changed change_words(const EncodedDocument& document, Index from, Index end, const EncodedDocument& other,
                     const std::vector<std::int32_t>& drawn_from, const ChangeOptions& options) {
  const auto log_u = [&](std::int32_t id) { return options.log_unigram[static_cast<std::size_t>(id)]; };
  const auto related = changeable_words({other}, options);
  Changed out{document, document};
  const auto change = [&](Index t) {
    const auto i = static_cast<std::size_t>(t);
    const std::int32_t old = document.ids[i];
    const auto nearest = nearest_in_frequency(related, log_u(old), old, 1, options.log_unigram);
    if (nearest.empty()) return;
    const auto alike = nearest_in_frequency(drawn_from, log_u(nearest.front()), old, as_frequent, options.log_unigram);
    if (alike.empty()) return;
    out.related.ids[i] = nearest.front();
    out.random.ids[i] = alike[random_below(mix(options.seed) ^ i, alike.size())];
    out.related_distance += std::abs(log_u(out.related.ids[i]) - log_u(old));
    out.random_distance += std::abs(log_u(out.random.ids[i]) - log_u(old));
    ++out.words;
  };
  std::vector<Index> sentence;  // its words that may be changed
  for (Index t = from; t < end; ++t) {
    if (may_change(document, t, options)) sentence.push_back(t);
    if ((document.boundary[static_cast<std::size_t>(t)] & sentence_end) == 0 && t + 1 < end) continue;
    shuffle(sentence, mix(options.seed) ^ static_cast<std::uint64_t>(t));
    sentence.resize(std::min(sentence.size(), static_cast<std::size_t>(options.per_sentence)));
    for (const Index w : sentence) change(w);
    sentence.clear();
  }
  return out;
}

}  // namespace strata::text
