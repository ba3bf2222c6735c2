// Switches of document and twin histories (second half of passages.hpp).

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "experiments/worlds/text/passages.hpp"
#include "experiments/worlds/text/shuffle.hpp"

namespace strata::text {
namespace {

/// Documents in an order drawn by `seed`, each with the token indices behind its sentences, ascending. Behind <eop> counts, <eod> does not.
struct Reading {
  const EncodedDocument* document;
  std::vector<Index> ends;

  Index last() const { return document->size() - 1; }  // the <eod> is not read
};

std::vector<Reading> readings(const std::vector<EncodedDocument>& documents, std::uint64_t seed) {
  std::vector<Reading> all;
  for (const EncodedDocument& document : documents) {
    Reading reading{&document, {}};
    for (Index t = 0; t + 1 < document.size(); ++t) {
      if ((document.boundary[static_cast<std::size_t>(t)] & sentence_end) != 0) reading.ends.push_back(t + 1);
    }
    all.push_back(std::move(reading));
  }
  shuffle(all, seed);
  return all;
}

Index nearest_end(const Reading& reading, Index token) {
  const auto above = std::lower_bound(reading.ends.begin(), reading.ends.end(), token);
  if (above == reading.ends.end()) return reading.ends.empty() ? 0 : reading.ends.back();
  if (above == reading.ends.begin()) return *above;
  return *above - token < token - *(above - 1) ? *above : *(above - 1);
}

Index last_end(const Reading& reading, Index token) {
  const auto above = std::upper_bound(reading.ends.begin(), reading.ends.end(), token);
  return above == reading.ends.begin() ? 0 : *(above - 1);
}

/// The first end of a sentence at or behind a token; 0 is one.
Index first_end(const Reading& reading, Index token) {
  if (token == 0) return 0;
  const auto at = std::lower_bound(reading.ends.begin(), reading.ends.end(), token);
  return at == reading.ends.end() ? reading.last() : *at;
}

/// Another document than the i-th with room enough, a different one for every turn; none where there is none.
const Reading* another(const std::vector<Reading>& all, std::size_t i, std::size_t turn, Index room) {
  for (std::size_t step = 0; step + 1 < all.size(); ++step) {
    const Reading& other = all[(i + 1 + (turn + step) % (all.size() - 1)) % all.size()];
    if (other.last() >= room) return &other;
  }
  return nullptr;
}

void require(std::size_t found, const PairOptions& options, const std::string& what) {
  if (static_cast<Index>(found) >= options.count) return;
  const auto key = [&](const std::string& name) { return named_key(options.experiment, name); };
  throw DataError("held-out text", 0,
                  "only " + std::to_string(found) + " of " + std::to_string(options.count) + " " + what + " found with " +
                      std::to_string(options.context) + " tokens before" + key("context") + " and " + std::to_string(options.room) +
                      key("room") + " behind time 0; give more or longer held-out documents, or ask for fewer" + key(options.counted));
}

Script joined(const EncodedDocument& before, Index before_begin, Index before_end, const EncodedDocument& after, Index after_begin,
              Index room) {
  const Index end = after_begin + std::min(room, std::max<Index>(0, after.size() - 1 - after_begin));
  const std::uint8_t event = &before == &after && before_end == after_begin ? 0 : context_switch;
  return {Segment{&before, before_begin, before_end, 0, 0, forced_tick}, Segment{&after, after_begin, end, event, 0, 0}};
}

}  // namespace

std::vector<Switch> choose_switches(const std::vector<EncodedDocument>& documents, const PairOptions& options) {
  const std::vector<Reading> all = readings(documents, options.seed);
  std::vector<Switch> found;
  // Other works first, then other documents of the same work; every sweep pairs each document with another partner.
  for (const bool same_work : {false, true}) {
    for (std::size_t step = 1; step < all.size(); ++step) {
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (static_cast<Index>(found.size()) == options.count) return found;
        const Reading& to = all[i];
        const Reading& from = all[(i + step) % all.size()];
        if ((to.document->source == from.document->source) != same_work) continue;
        const Index to_at = nearest_end(to, std::min(to.last() / 2, options.history));
        const Index from_at = nearest_end(from, to_at);
        const bool fits =
            std::min(to_at, from_at) >= options.context && to.last() - to_at >= options.room && from.last() - from_at >= options.room;
        if (fits) found.push_back({from.document, to.document, from_at, to_at});
      }
    }
  }
  require(found.size(), options, "switches of document");
  return found;
}

Script always(const Switch& place, Index room) { return joined(*place.to, 0, place.to_at, *place.to, place.to_at, room); }
Script change(const Switch& place, Index room) { return joined(*place.from, 0, place.from_at, *place.to, place.to_at, room); }
Script stay(const Switch& place, Index room) { return joined(*place.from, 0, place.from_at, *place.from, place.from_at, room); }

std::vector<Twin> choose_twins(const std::vector<EncodedDocument>& documents, const PairOptions& options) {
  const std::vector<Reading> all = readings(documents, options.seed ^ 0x7477696e);
  const std::size_t n = all.size();
  std::vector<Twin> found;
  for (std::size_t gap = 1; gap < n; ++gap) {
    for (std::size_t step = 1; step + gap < n; ++step) {
      for (std::size_t i = 0; i < n; ++i) {
        if (static_cast<Index>(found.size()) == options.count) return found;
        const Reading& common = all[i];
        const Reading& a = all[(i + step) % n];
        const Reading& b = all[(i + step + gap) % n];
        const Index length = std::min({a.last(), b.last(), options.history});
        const Index end_a = last_end(a, length), end_b = last_end(b, length);
        if (std::min(end_a, end_b) < options.context || common.last() < options.room) continue;
        found.push_back({a.document, b.document, common.document, end_a, end_b});
      }
    }
  }
  require(found.size(), options, "twin histories");
  return found;
}

Script copy_a(const Twin& twin, Index room) { return joined(*twin.history_a, 0, twin.end_a, *twin.common, 0, room); }
Script copy_b(const Twin& twin, Index room) { return joined(*twin.history_b, 0, twin.end_b, *twin.common, 0, room); }

std::vector<Contrast> choose_contrasts(const std::vector<EncodedDocument>& documents, const PairOptions& options) {
  const std::vector<Reading> all = readings(documents, options.seed ^ 0x636f6e74);
  std::vector<std::pair<std::size_t, Contrast>> fitting;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Reading& own = all[i];
    for (const Index at : own.ends) {
      if (own.last() - at < options.room) break;
      const Index length = std::min(options.history, at / 2);
      const Index middle = first_end(own, at - length), begin = first_end(own, std::max<Index>(0, middle - length));
      if (std::min(at - middle, middle - begin) >= options.context)
        fitting.emplace_back(i, Contrast{own.document, nullptr, begin, middle, at});
    }
  }
  // As far apart as there is text for so many.
  std::vector<Contrast> found;
  for (std::size_t k = 0; k < static_cast<std::size_t>(options.count) && fitting.size() >= static_cast<std::size_t>(options.count); ++k) {
    auto [i, place] = fitting[k * fitting.size() / static_cast<std::size_t>(options.count)];
    const Reading* other = another(all, i, k, options.room);
    if (other == nullptr) break;
    place.other = other->document;
    found.push_back(place);
  }
  require(fitting.size() < static_cast<std::size_t>(options.count) ? fitting.size() : found.size(), options, "places that go on or do not");
  return found;
}

Script copy_a(const Contrast& c, bool goes_on, Index room) {
  return joined(*c.document, c.begin, c.middle, goes_on ? *c.document : *c.other, goes_on ? c.at : 0, room);
}

Script copy_b(const Contrast& c, bool goes_on, Index room) {
  return joined(*c.document, c.middle, c.at, goes_on ? *c.document : *c.other, goes_on ? c.at : 0, room);
}

}  // namespace strata::text
