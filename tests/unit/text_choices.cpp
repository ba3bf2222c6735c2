// Texts to choose between: the same words in another order, one stranger among them, and nothing of the answer in what they share.

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "core/random.hpp"
#include "experiments/worlds/text/choices.hpp"

using namespace strata;
using namespace strata::text;

namespace {

/// Sentences of 3 to 8 words, paragraphs of 1 to 4 sentences closed by a mark, an <eod>; words are numbered so that each tells its place.
std::vector<EncodedDocument> make_documents(std::size_t count) {
  std::vector<EncodedDocument> documents(count);
  for (std::size_t d = 0; d < count; ++d) {
    EncodedDocument& document = documents[d];
    document.index = document.source = static_cast<std::int32_t>(d);
    const auto add = [&](std::uint8_t boundary) {
      document.ids.push_back(static_cast<std::int32_t>(1000 * d + document.ids.size()));
      document.boundary.push_back(boundary);
    };
    const std::uint64_t paragraphs = 2 + mix(d) % 4;
    for (std::uint64_t p = 0; p < paragraphs; ++p) {
      const std::uint64_t sentences = 1 + mix(d * 100 + p) % 4;
      for (std::uint64_t s = 0; s < sentences; ++s) {
        const std::uint64_t words = 3 + mix(d * 1000 + p * 10 + s) % 6;
        for (std::uint64_t w = 0; w < words; ++w) add(w + 1 == words ? sentence_end : 0);
      }
      if (p + 1 < paragraphs) add(paragraph_end);  // as the tokenizer does: the last one ends with the document
    }
    add(sentence_end | paragraph_end | document_end);
    for (std::size_t t = 0; t <= document.ids.size(); ++t) document.starts.push_back(static_cast<std::int64_t>(t));
  }
  return documents;
}

std::vector<std::int32_t> words_of(const Script& script) {
  std::vector<std::int32_t> words;
  for (const Segment& s : script) words.insert(words.end(), s.document->ids.begin() + s.begin, s.document->ids.begin() + s.end);
  return words;
}

std::multiset<std::int32_t> bag_of(const Script& script) {
  const auto words = words_of(script);
  return {words.begin(), words.end()};
}

}  // namespace

TEST_CASE("choices: units cover a document but for its marks") {
  for (const auto& document : make_documents(12))
    for (const std::uint8_t end : {sentence_end, paragraph_end}) {
      const auto units = units_of(document, end, 1000);
      REQUIRE_FALSE(units.empty());
      const auto bits = [&](Index t) { return document.boundary[static_cast<std::size_t>(t)]; };
      Index next = 0;
      for (const Segment& unit : units) {
        CHECK(unit.begin == next);
        CHECK(unit.size() >= 3);
        CHECK((bits(unit.begin) & paragraph_end) == 0);  // neither begins nor ends with a mark
        CHECK(bits(unit.end - 1) == sentence_end);
        next = unit.end + (bits(unit.end) == paragraph_end ? 1 : 0);
      }
      CHECK(next == document.size() - 1);
      const Index half = document.size() / 2;
      const auto fewer = units_of(document, end, half);
      CHECK((fewer.empty() || fewer.back().end <= half));
      CHECK(fewer.size() < units.size());
    }
}

TEST_CASE("choices: the text as written comes first, the others differ by what the test is named for") {
  const auto documents = make_documents(40);
  ChoiceOptions options;
  options.count = 25;
  const auto tests = make_choices(documents, options);
  REQUIRE(tests.size() == 5);
  for (const auto& test : tests) {
    INFO(test.name);
    CHECK(test.items.size() >= 10);
    CHECK(test.items.size() <= 25);
    for (const auto& item : test.items) {
      const auto& own = item.candidates.front();
      const auto written = words_of(own.script);
      CHECK(std::is_sorted(written.begin(), written.end()));  // as it was written
      CHECK(written.front() % 1000 == 0);                     // from the beginning
      for (const auto& candidate : item.candidates) {
        const auto words = words_of(candidate.script);
        for (const auto& other : item.candidates) CHECK((&other == &candidate || words_of(other.script) != words));
        // What all begin with is the same.
        CHECK(std::equal(written.begin(), written.begin() + candidate.from, words.begin()));
        CHECK(candidate.from == own.from);
        CHECK(candidate.parts.size() >= 2);
        if (candidate.alone.empty()) {
          CHECK(bag_of(candidate.script) == bag_of(own.script));
          continue;
        }
        // The words taken off are those that stand right behind the common beginning.
        const auto alone = words_of(candidate.alone);
        REQUIRE(static_cast<std::size_t>(candidate.from) + alone.size() <= words.size());
        CHECK(std::equal(alone.begin(), alone.end(), words.begin() + candidate.from));
      }
    }
  }
  for (const auto& item : tests[1].items) {  // the intruder is of another document, and of about the same length
    const auto &own = item.candidates[0].alone, &other = item.candidates[1].alone;
    CHECK(own.front().document != other.front().document);
    CHECK(other.front().begin > 0);  // no headline among sentences
    CHECK(std::abs(own.front().size() - other.front().size()) <= 2);
  }
  for (const auto& item : tests[2].items) {
    REQUIRE(item.candidates.size() == 4);
    const auto* document = item.candidates[0].script.front().document;
    CHECK(item.candidates[1].alone.front().document == document);
    CHECK(item.candidates[1].alone.front().begin >= item.candidates[0].alone.front().end);
    for (std::size_t k : {2, 3}) CHECK(item.candidates[k].alone.front().document != document);
    CHECK(item.candidates[2].alone.front().document != item.candidates[3].alone.front().document);
  }
}

TEST_CASE("choices: a function of documents, options and seed; items are spread over the documents") {
  const auto documents = make_documents(40);
  ChoiceOptions options;
  options.count = 20;
  const auto words = [&](std::uint64_t seed) {
    options.seed = seed;
    std::vector<std::vector<std::int32_t>> all;
    for (const auto& test : make_choices(documents, options))
      for (const auto& item : test.items)
        for (const auto& candidate : item.candidates) all.push_back(words_of(candidate.script));
    return all;
  };
  CHECK(words(3) == words(3));
  CHECK(words(3) != words(4));
  for (const auto& test : make_choices(documents, options)) {
    std::map<const EncodedDocument*, int> of;
    for (const auto& item : test.items) ++of[item.candidates.front().script.front().document];
    for (const auto& [document, items] : of) CHECK(items == 1);
  }
  CHECK(make_choices({}, options).front().items.empty());
  CHECK(make_choices(make_documents(1), options)[1].items.empty());  // nobody to intrude
}
