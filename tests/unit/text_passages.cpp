// Places and passages of the experiments: deterministic, of like length, from where they should be.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <tuple>

#include "core/error.hpp"
#include "core/random.hpp"
#include "experiments/worlds/text/passages.hpp"

namespace {

using namespace strata;
using namespace strata::text;

/// Works of documents of paragraphs (1 to 5 sentences of 4 to 40 tokens, then <eop>), with lengths drawn by number.
std::vector<EncodedDocument> library(int works, int documents_per_work, int paragraphs) {
  std::vector<EncodedDocument> out;
  std::uint64_t dice = 1;
  const auto draw = [&](std::uint64_t from, std::uint64_t to) { return from + mix(++dice) % (to - from + 1); };
  for (int d = 0; d < works * documents_per_work; ++d) {
    EncodedDocument document;
    document.index = 100 + d;
    document.source = d / documents_per_work;
    const auto add = [&](std::uint8_t boundary) {
      document.ids.push_back(static_cast<std::int32_t>(document.ids.size()));
      document.starts.push_back(static_cast<std::int64_t>(document.ids.size()));
      document.boundary.push_back(boundary);
    };
    for (int p = 0; p < paragraphs; ++p) {
      for (std::uint64_t s = draw(1, 5); s > 0; --s) {
        for (std::uint64_t t = draw(3, 39); t > 0; --t) add(0);
        add(sentence_end);
      }
      add(p + 1 < paragraphs ? sentence_end | paragraph_end : sentence_end | paragraph_end | document_end);
    }
    document.starts.push_back(static_cast<std::int64_t>(document.ids.size()) + 1);
    out.push_back(document);
  }
  return out;
}

bool bit(const EncodedDocument& document, Index token, std::uint8_t which) {
  return (document.boundary[static_cast<std::size_t>(token)] & which) != 0;
}

PassageOptions options_of(Unit unit) {
  PassageOptions options;
  options.unit = unit;
  options.count = 60;
  options.length = unit == Unit::sentence ? 25 : 70;
  options.context = 150;
  options.room = 300;
  options.seed = 5;
  return options;
}

void check_place(const Place& place, const PassageOptions& options) {
  CHECK(place.at >= options.context);
  CHECK(place.document->size() - 1 - place.at >= options.room);
  if (options.unit == Unit::sentence) {
    CHECK(bit(*place.document, place.at - 1, sentence_end));
    CHECK_FALSE(bit(*place.document, place.at - 1, paragraph_end));
    CHECK_FALSE(bit(*place.document, place.at, paragraph_end));  // inside a paragraph: another sentence follows
  } else {
    CHECK(bit(*place.document, place.at - 1, paragraph_end));
  }
  Index shortest = 1 << 30, longest = 0;
  for (const auto& [origin, passage] : place.passages) {
    shortest = std::min(shortest, passage.size());
    longest = std::max(longest, passage.size());
    CHECK(passage.size() >= options.length / 2);
    CHECK(passage.size() <= 2 * options.length);
    const std::uint8_t end = options.unit == Unit::sentence ? sentence_end : paragraph_end;
    CHECK((passage.begin == 0 || bit(*passage.document, passage.begin - 1, end)));
    CHECK(bit(*passage.document, passage.end - 1, end));
    for (Index t = passage.begin; t + 1 < passage.end; ++t) CHECK_FALSE(bit(*passage.document, t, end));
    CHECK_FALSE(bit(*passage.document, passage.end - 1, document_end));
    if (origin == Origin::work) CHECK(passage.document->source != place.document->source);
    if (origin == Origin::document) CHECK(passage.document->source == place.document->source);
    if (origin != Origin::foreign) CHECK(passage.document->index != place.document->index);
  }
  CHECK(static_cast<double>(longest) <= (1 + options.tolerance) * static_cast<double>(shortest) + 1e-9);
}

auto key(const Place& place) {
  return std::make_tuple(place.document->index, place.at, place.passages.at(Origin::work).document->index,
                         place.passages.at(Origin::work).begin);
}

}  // namespace

TEST_CASE("places lie between whole units and passages are of like length", "[text]") {
  const auto documents = library(3, 4, 30);
  for (const Unit unit : {Unit::sentence, Unit::paragraph}) {
    const PassageOptions options = options_of(unit);
    const auto places = choose_places(documents, options);
    REQUIRE(places.size() == 60);
    std::set<std::pair<std::int32_t, Index>> distinct;
    std::set<std::int32_t> used;
    std::set<std::pair<std::int32_t, Index>> passages;
    for (const Place& place : places) {
      check_place(place, options);
      CHECK(place.passages.size() == 2);
      distinct.insert({place.document->index, place.at});
      used.insert(place.document->index);
      passages.insert({place.passages.at(Origin::work).document->index, place.passages.at(Origin::work).begin});
    }
    CHECK(distinct.size() == 60);
    CHECK(used.size() == documents.size());  // spread over all of them
    CHECK(passages.size() > 40);             // hardly ever the same passage twice
  }
}

TEST_CASE("the seed decides places and passages", "[text]") {
  const auto documents = library(3, 4, 30);
  PassageOptions options = options_of(Unit::sentence);
  const auto first = choose_places(documents, options), again = choose_places(documents, options);
  for (std::size_t i = 0; i < first.size(); ++i) CHECK(key(first[i]) == key(again[i]));
  options.seed = 6;
  const auto other = choose_places(documents, options);
  bool same = true;
  for (std::size_t i = 0; i < first.size(); ++i) same = same && key(first[i]) == key(other[i]);
  CHECK_FALSE(same);
}

TEST_CASE("passages may come from a foreign file", "[text]") {
  const auto documents = library(1, 3, 30), foreign = library(1, 2, 30);
  CHECK(available_origins(documents) == std::vector<Origin>{Origin::document});
  CHECK(available_origins(documents, foreign) == std::vector<Origin>{Origin::document, Origin::foreign});
  CHECK(available_origins(library(2, 1, 3)) == std::vector<Origin>{Origin::work});
  PassageOptions options = options_of(Unit::sentence);
  options.origins = {Origin::foreign};
  options.count = 20;
  for (const Place& place : choose_places(documents, options, foreign)) {
    check_place(place, options);
    CHECK(std::any_of(foreign.begin(), foreign.end(),
                      [&](const auto& document) { return &document == place.passages.at(Origin::foreign).document; }));
  }
}

TEST_CASE("passages from three origins agree in length with one another", "[text]") {
  const auto documents = library(3, 4, 30), foreign = library(1, 4, 40);
  PassageOptions options = options_of(Unit::sentence);
  options.origins = {Origin::foreign, Origin::work, Origin::document};
  options.length = 30;
  for (const Place& place : choose_places(documents, options, foreign)) {
    CHECK(place.passages.size() == 3);
    check_place(place, options);
  }
}

TEST_CASE("too little text says how many places were found", "[text]") {
  PassageOptions options = options_of(Unit::paragraph);
  options.count = 5000;
  CHECK_THROWS_WITH(choose_places(library(2, 2, 20), options), Catch::Contains("of 5000 places for a foreign paragraph"));
  options.count = 1;
  options.room = 100000;
  CHECK_THROWS_WITH(choose_places(library(2, 2, 20), options), Catch::Contains("only 0 of 1") && Catch::Contains("100000 behind"));
  CHECK_THROWS_WITH(choose_places(library(1, 4, 20), options_of(Unit::sentence)), Catch::Contains("another work"));
  CHECK_THROWS_WITH(choose_places(library(4, 1, 20), options_of(Unit::sentence)), Catch::Contains("another document"));
  CHECK_THROWS_AS(choose_switches(library(1, 1, 20), PairOptions{}), DataError);
  CHECK_THROWS_AS(choose_twins(library(1, 2, 20), PairOptions{}), DataError);
}

TEST_CASE("both copies of an insertion share the continuation and its forced tick", "[text]") {
  const auto documents = library(3, 4, 30);
  const auto places = choose_places(documents, options_of(Unit::sentence));
  const Place& place = places.front();
  const Script plain = undisturbed(place, 300), cut = undisturbed(place, 300, 100), with = disturbed(place, Origin::work, 300);
  REQUIRE(plain.size() == 2);
  REQUIRE(with.size() == 3);
  CHECK(plain[0].begin == 0);
  CHECK(plain[0].end == place.at);
  CHECK(plain[0].last_boundary == forced_tick);
  CHECK(cut[0].begin == place.at - 100);
  CHECK(with[0].last_boundary == 0);
  CHECK(with[1].first_event == surprise_on);
  CHECK(with[1].last_event == surprise_off);
  CHECK(with[1].last_boundary == forced_tick);
  CHECK(with[1].size() == place.passages.at(Origin::work).size());
  CHECK(plain[1].begin == place.at);
  CHECK(plain[1].size() == 300);
  CHECK(with[2].begin == plain[1].begin);
  CHECK(with[2].end == plain[1].end);
  CHECK(script_tokens(undisturbed(place, 1 << 30)) == place.document->size() - 1);  // never the <eod>
  const Script home = at_home(place, Origin::work, 40);
  const Passage& passage = place.passages.at(Origin::work);
  REQUIRE(home.size() == 3);
  CHECK(home[0].document == place.document);
  CHECK(home[0].begin == place.at - 40);
  CHECK(home[0].end == place.at);
  CHECK(home[1].document == passage.document);
  CHECK(home[1].begin == std::max<Index>(0, passage.begin - 40));
  CHECK(home[1].end == passage.begin);
  CHECK(home[2].begin == passage.begin);
  CHECK(home[2].end == passage.end);
  CHECK(home[2].last_boundary == forced_tick);
  Place bare = place;
  Passage& first = bare.passages.at(Origin::work);
  first = {first.document, 19, 19 + first.size()};
  CHECK(at_home(bare, Origin::work, 40).size() == 1);  // no context of its own: the history alone
  first = {first.document, 20, 20 + first.size()};
  CHECK(at_home(bare, Origin::work, 40).size() == 3);
}

TEST_CASE("a switch, its two references and twins read what they should", "[text]") {
  const auto documents = library(3, 4, 30);
  PairOptions options;
  options.count = 40;
  options.room = 300;
  const auto switches = choose_switches(documents, options);
  REQUIRE(switches.size() == 40);
  for (const Switch& place : switches) {
    CHECK(place.from->source != place.to->source);
    CHECK(std::min(place.from_at, place.to_at) >= options.context);
    CHECK(std::abs(place.from_at - place.to_at) <= 60);
    CHECK(bit(*place.to, place.to_at - 1, sentence_end));
    const Script read = always(place, 300), switched = change(place, 300), stayed = stay(place, 300);
    CHECK(read[0].document == place.to);
    CHECK(switched[0].document == place.from);
    CHECK(switched[1].first_event == context_switch);
    CHECK(read[1].first_event == 0);
    for (const Script* script : {&read, &switched, &stayed}) CHECK((*script)[1].size() == 300);
    CHECK(read[1].begin == switched[1].begin);
    CHECK(stayed[1].begin == stayed[0].end);
    for (const Script* script : {&read, &switched, &stayed}) CHECK((*script)[0].last_boundary == forced_tick);
  }
  const auto twins = choose_twins(documents, options);
  REQUIRE(twins.size() == 40);
  std::set<std::tuple<std::int32_t, std::int32_t, std::int32_t>> distinct;
  for (const Twin& twin : twins) {
    distinct.insert({twin.history_a->index, twin.history_b->index, twin.common->index});
    CHECK(std::set<std::int32_t>{twin.history_a->index, twin.history_b->index, twin.common->index}.size() == 3);
    CHECK(twin.end_a >= options.context);
    CHECK(twin.end_a <= options.history);
    const Script a = copy_a(twin, 300), b = copy_b(twin, 300);
    CHECK(a[0].begin == 0);
    CHECK(a[1].begin == 0);
    CHECK(a[1].size() == 300);
    CHECK(b[1].document == a[1].document);
    CHECK(b[0].document != a[0].document);
  }
  CHECK(distinct.size() == 40);
  // All there are: each of 12 documents after every pair of the 11 others.
  options.count = 12 * 55;
  for (const Twin& twin : choose_twins(documents, options)) {
    CHECK(std::set<std::int32_t>{twin.history_a->index, twin.history_b->index, twin.common->index}.size() == 3);
  }
  options.count += 1;
  CHECK_THROWS_AS(choose_twins(documents, options), DataError);
}

TEST_CASE("contrasts: two histories of one document, how it goes on, and another document") {
  const auto documents = library(3, 4, 120);
  PairOptions options;
  options.count = 30;
  options.context = 60;
  options.history = 200;
  options.room = 150;
  const auto contrasts = choose_contrasts(documents, options);
  REQUIRE(contrasts.size() == 30);
  std::set<std::pair<std::int32_t, Index>> distinct;
  for (const Contrast& c : contrasts) {
    distinct.insert({c.document->index, c.at});
    CHECK(c.other != c.document);
    CHECK(std::min(c.middle - c.begin, c.at - c.middle) >= options.context);
    for (const Index length : {c.middle - c.begin, c.at - c.middle}) CHECK(length <= options.history);
    CHECK((c.begin == 0 || bit(*c.document, c.begin - 1, sentence_end)));
    CHECK(bit(*c.document, c.middle - 1, sentence_end));
    CHECK(bit(*c.document, c.at - 1, sentence_end));
    const Script on_a = copy_a(c, true, 150), on_b = copy_b(c, true, 150), off_a = copy_a(c, false, 150), off_b = copy_b(c, false, 150);
    CHECK(on_a[0].end == on_b[0].begin);
    CHECK(on_b[0].end == on_b[1].begin);
    CHECK(on_b[1].first_event == 0);
    CHECK(on_a[1].begin == on_b[1].begin);
    CHECK(off_a[0].begin == on_a[0].begin);
    CHECK(off_b[0].begin == on_b[0].begin);
    for (const Script* script : {&off_a, &off_b}) {
      CHECK((*script)[1].document == c.other);
      CHECK((*script)[1].begin == 0);
      CHECK((*script)[1].first_event == context_switch);
    }
    for (const Script* script : {&on_a, &on_b, &off_a, &off_b}) {
      CHECK((*script)[1].size() == 150);
      CHECK((*script)[0].last_boundary == forced_tick);
    }
  }
  CHECK(distinct.size() == 30);
  options.count = 100000;
  CHECK_THROWS_AS(choose_contrasts(documents, options), DataError);
  // A document without an end of a sentence has no place, and one whose last sentence is long no place twice.
  auto odd = library(1, 2, 120);
  for (auto& boundary : odd[0].boundary) boundary &= static_cast<std::uint8_t>(~sentence_end);
  for (std::size_t t = 400; t < odd[1].boundary.size(); ++t) odd[1].boundary[t] &= static_cast<std::uint8_t>(~sentence_end);
  CHECK_THROWS_AS(choose_contrasts(odd, options), DataError);
}
