#include "experiments/worlds/text/choices.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/random.hpp"

namespace strata::text {

namespace {

constexpr std::size_t fewest_units = 3;  // to be put in another order
constexpr std::size_t looked_at = 40;    // sentences of other documents among which the one of the nearest length intrudes
constexpr std::size_t halves = 4;        // documents whose second halves are told apart

/// Draws keyed by the item, so that one item does not depend on how many came before it.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint32_t test, std::size_t item) : base_(random_base(seed, item, test, 0xc401ce)) {}
  std::size_t below(std::size_t n) {
    return static_cast<std::size_t>(static_cast<double>(random_uniform(base_, drawn_++, 0)) * static_cast<double>(n));
  }
  template <class X>
  void shuffle(std::vector<X>& list) {
    for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[below(i)]);
  }

 private:
  std::uint64_t base_;
  std::uint32_t drawn_ = 0;
};

std::vector<Script> one_by_one(const std::vector<Segment>& units) {
  std::vector<Script> parts;
  parts.reserve(units.size());
  for (const Segment& unit : units) parts.push_back({unit});
  return parts;
}

/// The units in another order.
std::vector<Segment> reordered(const std::vector<Segment>& units, Draws& draws) {
  std::vector<std::size_t> order(units.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  do draws.shuffle(order);
  while (std::is_sorted(order.begin(), order.end()));
  std::vector<Segment> moved;
  moved.reserve(units.size());
  for (const std::size_t i : order) moved.push_back(units[i]);
  return moved;
}

Choice order_item(const std::vector<Segment>& units, Draws& draws) {
  Choice item;
  const auto moved = reordered(units, draws);
  item.candidates.push_back({units, 0, {}, one_by_one(units)});
  item.candidates.push_back({moved, 0, {}, one_by_one(moved)});
  return item;
}

/// Text [first, last) of the units as one script.
Script stretch(const std::vector<Segment>& units, std::size_t first, std::size_t last) {
  return {units.begin() + static_cast<std::ptrdiff_t>(first), units.begin() + static_cast<std::ptrdiff_t>(last)};
}

Script joined(const Script& a, const Script& b) {
  Script both = a;
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

/// All documents cut into units.
struct Units {
  std::vector<std::vector<Segment>> of;
  /// A document of at least so many units, none of those named; of.size() where none is found.
  std::size_t other_than(const std::vector<std::size_t>& named, std::size_t at_least, Draws& draws) const {
    for (int tries = 0; tries < 1000; ++tries) {
      const std::size_t other = draws.below(of.size());
      if (of[other].size() >= at_least && std::find(named.begin(), named.end(), other) == named.end()) return other;
    }
    return of.size();
  }
};

/// Sentence `at` of a document and one of another document in its place.
bool intrude(const Units& sentences, std::size_t document, Draws& draws, Choice& item) {
  const auto& units = sentences.of[document];
  const std::size_t at = 1 + draws.below(units.size() - 1);
  const Segment* nearest = nullptr;
  const auto distance = [&](const Segment& s) { return std::abs(s.size() - units[at].size()); };
  for (std::size_t k = 0; k < looked_at; ++k) {
    const std::size_t other = sentences.other_than({document}, 2, draws);
    if (other == sentences.of.size()) return false;
    const Segment& s = sentences.of[other][1 + draws.below(sentences.of[other].size() - 1)];  // a first sentence may be a headline
    if (nearest == nullptr || distance(s) < distance(*nearest)) nearest = &s;
  }
  const Script before = stretch(units, 0, at), after = stretch(units, at + 1, units.size());
  for (const Segment* sentence : {&units[at], nearest}) {
    const Script middle{*sentence};
    item.candidates.push_back({joined(joined(before, middle), after), script_tokens(before), middle, {joined(before, after), middle}});
  }
  return true;
}

bool follow(const Units& paragraphs, std::size_t document, Draws& draws, Choice& item) {
  const auto& units = paragraphs.of[document];
  const std::size_t at = 1 + draws.below(units.size() - 2);
  const Script context = stretch(units, 0, at);
  const auto offer = [&](const Segment& paragraph) {
    item.candidates.push_back({joined(context, {paragraph}), script_tokens(context), {paragraph}, {context, {paragraph}}});
  };
  offer(units[at]);
  offer(units[at + 1 + draws.below(units.size() - at - 1)]);
  std::vector<std::size_t> named{document};
  for (int k = 0; k < 2; ++k) {
    const std::size_t other = paragraphs.other_than(named, 2, draws);
    if (other == paragraphs.of.size()) return false;
    named.push_back(other);
    offer(paragraphs.of[other][1 + draws.below(paragraphs.of[other].size() - 1)]);
  }
  return true;
}

bool halve(const Units& sentences, std::size_t document, Draws& draws, Choice& item) {
  const auto& units = sentences.of[document];
  const Script context = stretch(units, 0, units.size() / 2);
  std::vector<std::size_t> named{document};
  while (named.size() < halves) {
    named.push_back(sentences.other_than(named, fewest_units, draws));
    if (named.back() == sentences.of.size()) return false;
  }
  for (const std::size_t from : named) {
    const auto& its = sentences.of[from];
    const Script half = stretch(its, its.size() / 2, its.size());
    item.candidates.push_back({joined(context, half), script_tokens(context), half, {context, half}});
  }
  return true;
}

}  // namespace

std::vector<Segment> units_of(const EncodedDocument& document, std::uint8_t end, Index length) {
  std::vector<Segment> units;
  if (document.size() == 0) return units;
  const Index last = document.size() - ((document.boundary.back() & document_end) != 0 ? 1 : 0);
  bool open = false;  // a paragraph that the next sentence goes on with
  const auto close = [&](Index begin, Index behind, bool ends_paragraph) {
    if (behind - begin > 1) {  // less is white space between two marks
      if (end == paragraph_end && open)
        units.back().end = behind;
      else
        units.push_back({&document, begin, behind, 0, 0, forced_tick});
      open = true;
    }
    open = open && !ends_paragraph;
  };
  Index begin = 0;
  for (Index t = 0; t < last; ++t) {
    const auto ends = document.boundary[static_cast<std::size_t>(t)];
    if ((ends & (sentence_end | paragraph_end)) == 0) continue;
    const bool mark = (ends & paragraph_end) != 0 && ((ends & sentence_end) == 0 || t == begin);
    close(begin, mark ? t : t + 1, (ends & paragraph_end) != 0);
    begin = t + 1;
  }
  close(begin, last, true);
  while (!units.empty() && units.back().end > length) units.pop_back();
  return units;
}

std::vector<ChoiceTest> make_choices(const std::vector<EncodedDocument>& documents, const ChoiceOptions& options) {
  Units sentences, paragraphs;
  for (const auto& document : documents) {
    sentences.of.push_back(units_of(document, sentence_end, options.length));
    paragraphs.of.push_back(units_of(document, paragraph_end, options.length));
  }
  std::vector<ChoiceTest> tests{
      {"sentence order", {}}, {"intruder", {}}, {"next paragraph", {}}, {"second half", {}}, {"paragraph order", {}}};
  for (std::uint32_t test = 0; test < tests.size(); ++test) {
    const Units& units = test == 2 || test == 4 ? paragraphs : sentences;
    std::vector<std::size_t> usable;
    for (std::size_t d = 0; d < documents.size(); ++d)
      if (units.of[d].size() >= fewest_units) usable.push_back(d);
    Draws(options.seed, test, 0).shuffle(usable);
    for (const std::size_t d : usable) {
      if (static_cast<Index>(tests[test].items.size()) == options.count) break;
      Draws draws(options.seed, test, d + 1);
      Choice item;
      bool made = true;
      switch (test) {
        case 1: made = intrude(units, d, draws, item); break;
        case 2: made = follow(units, d, draws, item); break;
        case 3: made = halve(units, d, draws, item); break;
        default: item = order_item(units.of[d], draws);
      }
      if (made) tests[test].items.push_back(std::move(item));
    }
  }
  return tests;
}

}  // namespace strata::text
