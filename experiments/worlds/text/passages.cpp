#include "experiments/worlds/text/passages.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "core/error.hpp"
#include "experiments/worlds/text/shuffle.hpp"

namespace strata::text {
namespace {

constexpr std::size_t most_anchors = 256;  // passages tried at a place before it is given up

bool has(std::uint8_t bits, std::uint8_t bit) { return (bits & bit) != 0; }

/// Whole units of a document. A sentence takes what stands before it (its space); <eop> alone is no sentence; the document's last paragraph
/// ends with <eod> and is no unit, since it would end the document it is put into.
std::vector<Passage> units_of(const EncodedDocument& document, Unit unit) {
  std::vector<Passage> units;
  Index begin = 0;
  for (Index t = 0; t < document.size(); ++t) {
    const std::uint8_t bits = document.boundary[static_cast<std::size_t>(t)];
    const bool ends = unit == Unit::sentence ? has(bits, sentence_end) : has(bits, paragraph_end);
    if (!ends) continue;
    const bool wanted = unit == Unit::sentence ? !has(bits, paragraph_end) : !has(bits, document_end);
    if (wanted) units.push_back({&document, begin, t + 1});
    begin = t + 1;
  }
  return units;
}

/// Token indices where a passage may be inserted: behind a sentence that another follows in its paragraph, or behind <eop>.
std::vector<Index> places_of(const EncodedDocument& document, const PassageOptions& options) {
  std::vector<Index> places;
  Index previous = -1;  // end of the sentence before, in the same paragraph
  const auto take = [&](Index at) {
    if (at >= options.context && document.size() - 1 - at >= options.room) places.push_back(at);
  };
  for (Index t = 0; t < document.size(); ++t) {
    const std::uint8_t bits = document.boundary[static_cast<std::size_t>(t)];
    if (options.unit == Unit::paragraph) {
      if (has(bits, paragraph_end) && !has(bits, document_end)) take(t + 1);
      continue;
    }
    if (has(bits, paragraph_end)) {
      previous = -1;
    } else if (has(bits, sentence_end)) {
      if (previous >= 0) take(previous);
      previous = t + 1;
    }
  }
  return places;
}

/// Passages to choose from, by length, with the number of times each has been used.
class Pool {
 public:
  Pool(const std::vector<EncodedDocument>& documents, const PassageOptions& options) : options_(options) {
    const Index shortest = std::max<Index>(1, options.length / 2), longest = 2 * options.length;
    for (const EncodedDocument& document : documents) {
      for (const Passage& unit : units_of(document, options.unit)) {
        if (unit.size() >= shortest && unit.size() <= longest) entries_.push_back({unit, 0, 0});
      }
    }
    std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.passage.size() < b.passage.size(); });
    for (std::size_t i = 0; i < entries_.size(); ++i) entries_[i].dice = mix(mix(options.seed) ^ i);
  }

  /// Entries fit for `place` with lengths in [shortest, longest]: fresh ones first, then near `aim`, then by lot.
  std::vector<std::size_t> fit(const Place& place, Origin origin, double shortest, double longest, Index aim) const {
    std::vector<std::size_t> found;
    const auto first = std::lower_bound(entries_.begin(), entries_.end(), shortest, [](const Entry& entry, double length) {
      return static_cast<double>(entry.passage.size()) < length;
    });
    for (auto entry = first; entry != entries_.end() && static_cast<double>(entry->passage.size()) <= longest; ++entry) {
      if (allowed(place, origin, *entry->passage.document)) found.push_back(static_cast<std::size_t>(entry - entries_.begin()));
    }
    const auto key = [&](std::size_t i) {
      const Entry& entry = entries_[i];
      return std::make_tuple(entry.used, std::abs(entry.passage.size() - aim) * 10 / std::max<Index>(1, aim), entry.dice);
    };
    std::sort(found.begin(), found.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
    return found;
  }

  const Passage& passage(std::size_t i) const { return entries_[i].passage; }
  void use(std::size_t i) { ++entries_[i].used; }

 private:
  struct Entry {
    Passage passage;
    Index used;
    std::uint64_t dice;
  };

  static bool allowed(const Place& place, Origin origin, const EncodedDocument& document) {
    if (origin == Origin::foreign) return true;
    if (origin == Origin::work) return document.source != place.document->source;
    return document.source == place.document->source && document.index != place.document->index;
  }

  const PassageOptions& options_;
  std::vector<Entry> entries_;
};

/// Finds a passage from every origin whose lengths agree; the scarcest origin leads.
bool furnish(Place& place, const PassageOptions& options, std::map<Origin, Pool*>& pools) {
  const bool scarce = std::count(options.origins.begin(), options.origins.end(), Origin::document) > 0;
  const Origin anchor_origin = scarce ? Origin::document : options.origins.front();
  // Lengths within this factor of the anchor's differ by at most the tolerance from one another.
  const double factor = std::sqrt(1.0 + options.tolerance);
  const auto length = static_cast<double>(options.length);
  auto anchors = pools[anchor_origin]->fit(place, anchor_origin, length / 2, length * 2, options.length);
  anchors.resize(std::min(anchors.size(), most_anchors));
  for (const std::size_t anchor : anchors) {
    std::map<Origin, std::size_t> chosen = {{anchor_origin, anchor}};
    const Index size = pools[anchor_origin]->passage(anchor).size();
    for (const Origin origin : options.origins) {
      if (origin == anchor_origin) continue;
      const auto fitting = pools[origin]->fit(place, origin, static_cast<double>(size) / factor, static_cast<double>(size) * factor, size);
      if (!fitting.empty()) chosen[origin] = fitting.front();
    }
    if (chosen.size() < std::set<Origin>(options.origins.begin(), options.origins.end()).size()) continue;
    for (const auto& [origin, entry] : chosen) {
      place.passages[origin] = pools[origin]->passage(entry);
      pools[origin]->use(entry);
    }
    return true;
  }
  return false;
}

/// Candidates of all documents, one of each document in turn.
std::vector<Place> spread_places(const std::vector<EncodedDocument>& documents, const PassageOptions& options) {
  std::vector<std::vector<Place>> by_document;
  std::size_t deepest = 0;
  for (const EncodedDocument& document : documents) {
    std::vector<Place> places;
    for (const Index at : places_of(document, options)) places.push_back({&document, at, {}});
    shuffle(places, mix(options.seed) ^ static_cast<std::uint64_t>(document.index));
    deepest = std::max(deepest, places.size());
    if (!places.empty()) by_document.push_back(std::move(places));
  }
  shuffle(by_document, options.seed);
  std::vector<Place> all;
  for (std::size_t round = 0; round < deepest; ++round) {
    for (const auto& places : by_document) {
      if (round < places.size()) all.push_back(places[round]);
    }
  }
  return all;
}

std::string origin_names(const std::vector<Origin>& origins) {
  std::string names;
  for (const Origin origin : origins) names += (names.empty() ? "" : " and ") + std::string(name_of(origin));
  return names;
}

Script with_history(const EncodedDocument& document, Index at, Index history, std::uint8_t last_boundary) {
  return {Segment{&document, at - std::min(at, history), at, 0, 0, last_boundary}};
}

Segment continuation(const EncodedDocument& document, Index at, Index room) {
  return Segment{&document, at, at + std::min(room, std::max<Index>(0, document.size() - 1 - at)), 0, 0, 0};
}

}  // namespace

const char* name_of(Unit unit) { return unit == Unit::sentence ? "sentence" : "paragraph"; }

const char* name_of(Origin origin) { return origin == Origin::work ? "work" : origin == Origin::document ? "document" : "foreign"; }

std::vector<Origin> available_origins(const std::vector<EncodedDocument>& documents, const std::vector<EncodedDocument>& foreign) {
  std::map<std::int32_t, Index> works;
  for (const EncodedDocument& document : documents) ++works[document.source];
  const bool together = std::any_of(works.begin(), works.end(), [](const auto& work) { return work.second > 1; });
  std::vector<Origin> origins;
  if (works.size() > 1) origins.push_back(Origin::work);
  if (together) origins.push_back(Origin::document);
  if (!foreign.empty()) origins.push_back(Origin::foreign);
  return origins;
}

std::vector<Place> choose_places(const std::vector<EncodedDocument>& documents, const PassageOptions& options,
                                 const std::vector<EncodedDocument>& foreign) {
  if (options.origins.empty()) throw ShapeError("origins of passages", "at least one", "none");
  const auto available = available_origins(documents, foreign);
  for (const Origin origin : options.origins) {
    if (std::count(available.begin(), available.end(), origin) > 0) continue;
    throw DataError("held-out text", 0,
                    std::string("no passages from another ") + name_of(origin) +
                        ": a work is a file, so give several files, or documents parted by form feeds" + ", or --foreign FILE");
  }
  Pool own(documents, options), other(foreign, options);
  std::map<Origin, Pool*> pools = {{Origin::work, &own}, {Origin::document, &own}, {Origin::foreign, &other}};
  const std::vector<Place> candidates = spread_places(documents, options);
  std::vector<Place> places;
  for (const Place& candidate : candidates) {
    if (static_cast<Index>(places.size()) == options.count) break;
    Place place = candidate;
    if (furnish(place, options, pools)) places.push_back(std::move(place));
  }
  if (static_cast<Index>(places.size()) < options.count) {
    const auto key = [&](const std::string& name) { return named_key(options.experiment, name); };
    throw DataError("held-out text", 0,
                    "only " + std::to_string(places.size()) + " of " + std::to_string(options.count) + " places for a foreign " +
                        name_of(options.unit) + " found (" + std::to_string(candidates.size()) + " places have " +
                        std::to_string(options.context) + " tokens before" + key("context") + " and " + std::to_string(options.room) +
                        key("room") + " behind them; passages of about " + std::to_string(options.length) + key(name_of(options.unit)) +
                        " tokens from another " + origin_names(options.origins) + "); give more held-out text or ask for fewer" +
                        key("places") + " or shorter");
  }
  return places;
}

Script undisturbed(const Place& place, Index room, Index history) {
  Script script = with_history(*place.document, place.at, history, forced_tick);
  script.push_back(continuation(*place.document, place.at, room));
  return script;
}

Script disturbed(const Place& place, Origin origin, Index room, Index history) {
  const Passage& passage = place.passages.at(origin);
  Script script = with_history(*place.document, place.at, history, 0);
  script.push_back(Segment{passage.document, passage.begin, passage.end, surprise_on, surprise_off, forced_tick});
  script.push_back(continuation(*place.document, place.at, room));
  return script;
}

Script at_home(const Place& place, Origin origin, Index history) {
  const Passage& passage = place.passages.at(origin);
  Script script = with_history(*place.document, place.at, history, 0);
  if (passage.begin < own_context) return script;
  script.push_back(with_history(*passage.document, passage.begin, history, 0).front());
  script.push_back(Segment{passage.document, passage.begin, passage.end, surprise_on, surprise_off, forced_tick});
  return script;
}

}  // namespace strata::text
