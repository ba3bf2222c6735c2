// Stories: every document once, every part once in another order, and words changed where they may be, to what they may be changed to.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "core/error.hpp"
#include "core/random.hpp"
#include "experiments/worlds/text/stories.hpp"

using namespace strata;
using namespace strata::text;

namespace {

constexpr std::int32_t vocabulary = 4000, mark = 3999;

/// Six paragraphs of three sentences of five to nine words; words are numbered, 100 d + place, so that each tells where it stood.
std::vector<EncodedDocument> make_documents(std::size_t count) {
  std::vector<EncodedDocument> documents(count);
  for (std::size_t d = 0; d < count; ++d) {
    EncodedDocument& document = documents[d];
    document.index = document.source = static_cast<std::int32_t>(d);
    const auto add = [&](std::int32_t id, std::uint8_t boundary) {
      document.ids.push_back(id);
      document.boundary.push_back(boundary);
    };
    for (std::uint64_t p = 0; p < 6; ++p) {
      for (std::uint64_t s = 0; s < 3; ++s) {
        const std::uint64_t words = 5 + mix(d * 100 + p * 10 + s) % 5;
        for (std::uint64_t w = 0; w < words; ++w)
          add(static_cast<std::int32_t>(200 * d + document.ids.size()), w + 1 == words ? sentence_end : 0);
      }
      add(mark, sentence_end | paragraph_end | (p == 5 ? document_end : 0));
    }
    for (std::size_t t = 0; t <= document.ids.size(); ++t) document.starts.push_back(static_cast<std::int64_t>(t));
  }
  return documents;
}

std::vector<std::int32_t> words_of(const Script& script) {
  std::vector<std::int32_t> words;
  for (const Segment& s : script) words.insert(words.end(), s.document->ids.begin() + s.begin, s.document->ids.begin() + s.end);
  return words;
}

Script joined(const std::vector<Script>& parts) {
  Script all;
  for (const Script& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

StoryOptions options_of(Index count) {
  StoryOptions options;
  options.count = count;
  options.length = 300;
  options.history = 50;
  return options;
}

}  // namespace

TEST_CASE("stories have their length, no document in two places, and no end of a document") {
  const auto documents = make_documents(24);
  const auto stories = make_stories(documents, options_of(3));
  REQUIRE(stories.size() == 3);
  std::map<const EncodedDocument*, int> used;
  for (const Story& story : stories) {
    CHECK(script_tokens(story.text) == 300);
    REQUIRE(story.pasts.size() == 2);
    for (const Script& past : story.pasts) {
      CHECK(script_tokens(past) == 50);
      CHECK(past.back().last_boundary == forced_tick);
    }
    for (const Script* script : {&story.text, &story.pasts[0], &story.pasts[1]})
      for (const Segment& segment : *script) {
        ++used[segment.document];
        CHECK((segment.document->boundary[static_cast<std::size_t>(segment.end - 1)] & document_end) == 0);
      }
  }
  for (const auto& [document, times] : used) CHECK(times == 1);
  CHECK(words_of(make_stories(documents, options_of(2))[1].text) == words_of(stories[1].text));
  auto other = options_of(3);
  other.seed = 2;
  CHECK(words_of(make_stories(documents, other)[0].text) != words_of(stories[0].text));
  CHECK_THROWS_AS(make_stories(documents, options_of(9)), DataError);
}

TEST_CASE("parts make up the text, and an order of them reads each once at its place") {
  const auto documents = make_documents(24);
  const Script text = make_stories(documents, options_of(1))[0].text;
  const auto words = words_of(text);
  for (const Index tokens : {1, 7, 64, 300, 1000}) {
    const auto parts = blocks_of(text, tokens);
    CHECK(static_cast<Index>(parts.size()) == (300 + tokens - 1) / tokens);
    for (std::size_t k = 0; k + 1 < parts.size(); ++k) CHECK(script_tokens(parts[k]) == tokens);
    CHECK(words_of(joined(parts)) == words);
    const Reordered moved = reordered(parts, 5);
    const auto read = words_of(moved.script);
    REQUIRE(moved.place.size() == words.size());
    for (std::size_t i = 0; i < read.size(); ++i) CHECK(read[i] == words[static_cast<std::size_t>(moved.place[i])]);
    CHECK(std::set<Index>(moved.place.begin(), moved.place.end()).size() == words.size());
    if (parts.size() > 4) {
      CHECK(read != words);
      CHECK(read != words_of(reordered(parts, 6).script));
    }
    Index ticks = 0;
    for (const Segment& segment : moved.script) ticks += segment.last_boundary == forced_tick ? 1 : 0;
    CHECK(ticks == static_cast<Index>(parts.size()));
  }
}

TEST_CASE("sentences and paragraphs of a story are whole, with their marks") {
  const auto documents = make_documents(24);
  const Script text = make_stories(documents, options_of(1))[0].text;
  for (const std::uint8_t end : {sentence_end, paragraph_end}) {
    const auto parts = unit_blocks_of(text, end);
    CHECK(words_of(joined(parts)) == words_of(text));
    for (std::size_t k = 0; k + 1 < parts.size(); ++k) {
      const Segment& last = parts[k].back();
      const bool whole = last.end + 1 == last.document->size();  // the document, but for its <eod>
      CHECK((whole || (last.document->boundary[static_cast<std::size_t>(last.end - 1)] & end) != 0));
      CHECK(words_of(parts[k]).front() != mark);
      Index within = 0;  // ends before its own: a mark may follow its sentence
      for (const Segment& s : parts[k])
        for (Index t = s.begin; t < s.end; ++t)
          within += (s.document->boundary[static_cast<std::size_t>(t)] & end) != 0 && s.document->ids[static_cast<std::size_t>(t)] != mark
                        ? 1
                        : 0;
      CHECK(within == (end == sentence_end ? 1 : within));
    }
  }
  CHECK(unit_blocks_of(text, sentence_end).size() > 2 * unit_blocks_of(text, paragraph_end).size());
}

TEST_CASE("one word of a sentence is changed, the same to the same, at the same places both ways") {
  auto documents = make_documents(6);
  EncodedDocument& text = documents[0];
  for (std::size_t t = 0; t < text.ids.size(); t += 4) text.ids[t] = 7;  // a word that comes again and again
  ChangeOptions options;
  options.words.assign(vocabulary, 1);
  options.words[mark] = options.words[8] = 0;
  options.parts.assign(vocabulary, 0);
  options.parts[10] = 1;
  for (std::int32_t id = 0; id < vocabulary; ++id)
    options.log_unigram.push_back(-3 - static_cast<double>(mix(static_cast<std::uint64_t>(id)) % 1000) / 200);
  const auto words = changeable_words(documents, options);
  CHECK(std::is_sorted(words.begin(), words.end(), [&](auto a, auto b) {
    return options.log_unigram[static_cast<std::size_t>(a)] < options.log_unigram[static_cast<std::size_t>(b)];
  }));
  CHECK(std::count(words.begin(), words.end(), mark) == 0);
  const Index from = 30, end = text.size() - 12;
  const Changed changed = change_words(text, from, end, documents[1], words, options);
  const std::set<std::int32_t> theirs(documents[1].ids.begin(), documents[1].ids.end());
  std::map<std::int32_t, std::set<std::int32_t>> related, random;
  Index count = 0, in_sentence = 0;
  for (Index t = 0; t < text.size(); ++t) {
    const auto i = static_cast<std::size_t>(t);
    CHECK((changed.related.ids[i] != text.ids[i]) == (changed.random.ids[i] != text.ids[i]));
    if (changed.related.ids[i] != text.ids[i]) {
      CHECK(t >= from);
      CHECK(t < end);
      CHECK(options.words[static_cast<std::size_t>(text.ids[i])] == 1);
      CHECK((i + 1 == text.ids.size() || text.ids[i + 1] != 10));
      CHECK(theirs.count(changed.related.ids[i]) == 1);
      CHECK(options.words[static_cast<std::size_t>(changed.random.ids[i])] == 1);
      related[text.ids[i]].insert(changed.related.ids[i]);
      random[text.ids[i]].insert(changed.random.ids[i]);
      ++count;
      ++in_sentence;
    }
    CHECK(in_sentence <= 1);
    if ((text.boundary[i] & sentence_end) != 0) in_sentence = 0;
  }
  CHECK(count == changed.words);
  CHECK(count >= 10);
  for (const auto& [old, to] : related) CHECK(to.size() == 1);
  options.per_sentence = 100;
  const Changed all = change_words(text, from, end, documents[1], words, options);
  CHECK(all.words > 3 * changed.words);
  // As frequent as the related words, give or take a neighbour: among many words that is close.
  CHECK(std::abs(all.random_distance - all.related_distance) / static_cast<double>(all.words) < .2);
  std::set<std::int32_t> sevens;
  for (std::size_t i = 0; i < text.ids.size(); ++i)
    if (text.ids[i] == 7 && static_cast<Index>(i) >= from) sevens.insert(all.random.ids[i]);
  CHECK(sevens.size() > 4);
}
