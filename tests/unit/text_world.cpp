// Documents in parallel streams, scripts, and cursors that survive a restart.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "core/error.hpp"
#include "core/memory_archive.hpp"
#include "experiments/worlds/text/text_world.hpp"

namespace {

using namespace strata;
using namespace strata::text;

/// Documents of the given lengths; token t of document d has id 100 d + t and bytes [10 t, 10 t + 10).
std::vector<EncodedDocument> documents_of(const std::vector<int>& lengths) {
  std::vector<EncodedDocument> out;
  for (std::size_t d = 0; d < lengths.size(); ++d) {
    EncodedDocument document;
    document.index = static_cast<std::int32_t>(d);
    for (int t = 0; t < lengths[d]; ++t) {
      document.ids.push_back(static_cast<std::int32_t>(100 * d) + t);
      document.starts.push_back(10 * t);
      document.boundary.push_back(t + 1 == lengths[d] ? sentence_end | paragraph_end | document_end : 0);
    }
    document.starts.push_back(10 * lengths[d]);
    out.push_back(document);
  }
  return out;
}

std::vector<std::vector<std::int32_t>> read_all(World& world) {
  std::vector<std::vector<std::int32_t>> ids(static_cast<std::size_t>(world.streams()));
  Observation out;
  out.resize(world.streams());
  while (world.next(out)) {
    for (std::size_t s = 0; s < ids.size(); ++s) {
      if (out.active[s] != 0) ids[s].push_back(out.id[s]);
    }
  }
  return ids;
}

TextWorldOptions in_order(Index streams, Index passes = 1) { return {streams, passes, false, 1}; }

}  // namespace

TEST_CASE("documents go to the shortest queue, and an idle stream is masked", "[text]") {
  const auto documents = documents_of({5, 2, 2, 3});
  TextWorld world(documents, 1000, in_order(2));
  CHECK(world.tokens() == 12);
  CHECK(world.steps() == 7);
  Observation out;
  out.resize(2);
  std::vector<std::int32_t> first, second;
  for (Index step = 0; world.next(out); ++step) {
    first.push_back(out.active[0] != 0 ? out.id[0] : -1);
    second.push_back(out.active[1] != 0 ? out.id[1] : -1);
    if (step == 4) {
      CHECK(out.boundary[0] == (sentence_end | paragraph_end | document_end));
      CHECK(out.byte_begin[0] == 40);
      CHECK(out.byte_end[0] == 50);
    }
    if (step == 5) {
      CHECK(out.active[0] == 0);
      CHECK(out.document[0] == -1);
      CHECK(out.id[0] == 0);
      CHECK(out.document[1] == 3);
    }
  }
  CHECK(first == std::vector<std::int32_t>{0, 1, 2, 3, 4, -1, -1});
  CHECK(second == std::vector<std::int32_t>{100, 101, 200, 201, 300, 301, 302});
  const Observation before = out;
  CHECK_FALSE(world.next(out));
  CHECK(out.id == before.id);  // untouched at the end
}

TEST_CASE("each pass deals the documents in another order, the same for the same seed", "[text]") {
  const auto documents = documents_of({3, 3, 3, 3, 3, 3, 3, 3});
  TextWorld world(documents, 1000, {1, 2, true, 7}), again(documents, 1000, {1, 2, true, 7}), other(documents, 1000, {1, 2, true, 8});
  const auto ids = read_all(world)[0];
  CHECK(ids == read_all(again)[0]);
  CHECK(ids != read_all(other)[0]);
  std::vector<std::int32_t> first(ids.begin(), ids.begin() + 24), second(ids.begin() + 24, ids.end());
  CHECK(first != second);
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  CHECK(first == second);
}

TEST_CASE("a restored world reads on where it was, and refuses another text", "[text]") {
  const auto documents = documents_of({5, 2, 4, 3, 6});
  TextWorld whole(documents, 1000, {2, 2, true, 3});
  Observation expected, out;
  expected.resize(2);
  out.resize(2);
  for (int step = 0; step < 9; ++step) whole.next(expected);
  MemoryArchive archive;
  whole.archive(archive);
  archive.rewind();
  TextWorld resumed(documents, 1000, {2, 2, true, 3});
  resumed.archive(archive);
  for (bool more = true; more;) {
    more = whole.next(expected);
    CHECK(resumed.next(out) == more);
    CHECK(out.id == expected.id);
    CHECK(out.active == expected.active);
  }
  TextWorld seed(documents, 1000, {2, 2, true, 4});
  CHECK_THROWS_AS(seed.archive(archive), ShapeError);
  auto changed = documents;
  changed[2].ids[1] += 1;
  TextWorld text(changed, 1000, {2, 2, true, 3});
  CHECK_THROWS_AS(text.archive(archive), ShapeError);
}

TEST_CASE("a long document is read in parts by all streams, cut elsewhere in every pass", "[text]") {
  const auto documents = documents_of({20, 4});
  TextWorldOptions options = in_order(3, 2);
  options.cut = true;  // a share is 8 tokens: parts of 6, 7, 7
  TextWorld world(documents, 1000, options);
  CHECK(world.tokens() == 48);
  CHECK(world.steps() <= 17);
  const auto ids = read_all(world);
  for (std::size_t s = 0; s < 3; ++s) CHECK(ids[s][0] == std::vector<std::int32_t>{0, 6, 13}[s]);
  CHECK(std::vector<std::int32_t>(ids[0].begin(), ids[0].begin() + 7) == std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 100});

  options.shuffle = true;
  std::vector<std::vector<std::int32_t>> begins(2);  // per pass: tokens where a stream begins to read the long document
  TextWorld shuffled(documents, 1000, options);
  Observation out;
  out.resize(3);
  for (std::vector<std::int32_t> next(3, -1); shuffled.next(out);) {
    for (std::size_t s = 0; s < 3; ++s) {
      if (out.active[s] == 0) {
        CHECK(out.pass[s] == 0);
        continue;
      }
      if (out.id[s] != next[s] && out.id[s] < 100) begins[static_cast<std::size_t>(out.pass[s])].push_back(out.id[s]);
      next[s] = out.id[s] + 1;
      CHECK((out.boundary[s] != 0) == (out.id[s] == 19 || out.id[s] == 103));
    }
  }
  for (auto& pass : begins) std::sort(pass.begin(), pass.end());
  CHECK(begins[0] != begins[1]);

  // Documents that are no longer than their share are dealt as they are without cuts.
  const auto even = documents_of({3, 3, 3, 3, 3, 3, 3, 3});
  TextWorldOptions whole{2, 2, true, 7, false}, parted{2, 2, true, 7, true};
  TextWorld first(even, 1000, whole), second(even, 1000, parted);
  CHECK(read_all(first) == read_all(second));
}

TEST_CASE("a world whose parts lie elsewhere does not go on where another was", "[text]") {
  auto documents = documents_of({9});
  for (auto& id : documents[0].ids) id = 7;  // the tokens do not tell, and all parts are one token long
  const TextWorldOptions options{9, 1, true, 3, true};
  MemoryArchive archive;
  TextWorld(documents, 1000, options).archive(archive);
  for (const TextWorldOptions& other : {TextWorldOptions{9, 1, true, 4, true}, TextWorldOptions{9, 1, false, 3, true}}) {
    archive.rewind();
    TextWorld resumed(documents, 1000, other);
    CHECK_THROWS_AS(resumed.archive(archive), ShapeError);
  }
  archive.rewind();
  CHECK_NOTHROW(TextWorld(documents, 1000, options).archive(archive));
}

TEST_CASE("scripts join pieces of documents, with events at the ends of a passage", "[text]") {
  const auto documents = documents_of({6, 6});
  const Script script = {Segment{&documents[0], 0, 2, 0, 0, 0}, Segment{&documents[1], 3, 5, surprise_on, surprise_off, forced_tick},
                         Segment{&documents[0], 2, 2, surprise_on, surprise_on, forced_tick},  // empty: nothing
                         Segment{&documents[0], 2, 4, 0, 0, 0}};
  const Script single = {Segment{&documents[1], 5, 6, context_switch, surprise_off, 0}};
  ScriptedWorld world({script, single}, 1000, 3);
  CHECK(world.tokens() == 7);
  CHECK(script_tokens(script) == 6);
  Observation out;
  out.resize(3);
  std::vector<std::int32_t> ids;
  std::vector<int> events, boundaries;
  for (int step = 0; world.next(out); ++step) {
    ids.push_back(out.id[0]);
    events.push_back(out.event[0]);
    boundaries.push_back(out.boundary[0]);
    CHECK(out.active[1] == (step == 0 ? 1 : 0));
    CHECK(out.active[2] == 0);
    if (step == 0) CHECK(out.event[1] == (context_switch | surprise_off));
    if (step == 0) CHECK(out.boundary[1] == (sentence_end | paragraph_end | document_end));
  }
  CHECK(ids == std::vector<std::int32_t>{0, 1, 103, 104, 2, 3});
  CHECK(events == std::vector<int>{0, 0, surprise_on, surprise_off, 0, 0});
  CHECK(boundaries == std::vector<int>{0, 0, 0, forced_tick, 0, 0});
}

TEST_CASE("many scripts run in batches, and wrong ones are refused", "[text]") {
  const auto documents = documents_of({4});
  const std::vector<Script> scripts(7, Script{Segment{&documents[0], 0, 4, 0, 0, 0}});
  const auto batches = in_batches(scripts, 3);
  REQUIRE(batches.size() == 3);
  CHECK(batches[0].size() == 3);
  CHECK(batches[2].size() == 1);
  CHECK_THROWS_AS(ScriptedWorld(scripts, 10, 3), ShapeError);
  CHECK_THROWS_AS(ScriptedWorld({Script{Segment{&documents[0], 0, 5, 0, 0, 0}}}, 10, 3), ShapeError);
  CHECK_THROWS_AS(ScriptedWorld({Script{Segment{}}}, 10, 3), ShapeError);
  CHECK_THROWS_AS(TextWorld(documents, 10, in_order(0)), ShapeError);
  CHECK_THROWS_AS(TextWorld(documents, 10, in_order(1, 0)), ShapeError);

  ScriptedWorld world(batches[0], 10, 3);
  Observation out;
  out.resize(3);
  world.next(out);
  MemoryArchive archive;
  world.archive(archive);
  archive.rewind();
  ScriptedWorld resumed(batches[0], 10, 3);
  resumed.archive(archive);
  resumed.next(out);
  CHECK(out.id == std::vector<std::int32_t>{1, 1, 1});
}

TEST_CASE("the tables of parameters give the defaults that the worlds have", "[text]") {
  Configuration configuration;
  configuration.set("text.vocabulary", "500");
  configuration.set("world.streams", "4");
  const Values text = configuration.resolve(text_parameters(), "text."), world = configuration.resolve(world_parameters(), "world.");
  CHECK(tokenizer_options(text, 9).vocabulary == 500);
  CHECK(tokenizer_options(text, 9).seed == 9);
  CHECK(tokenizer_options(text, 9).kind == "bpe");
  CHECK(corpus_options(text).language == "auto");
  CHECK(text_world_options(world, 9).streams == 4);
  CHECK(text_world_options(world, 9).shuffle);
  CHECK_NOTHROW(configuration.check_all_read());
  configuration.set("text.tokenizer", "word");
  CHECK_THROWS_AS(configuration.resolve(text_parameters(), "text."), ConfigError);
}

TEST_CASE("at several scales every group reads the whole text, in pieces of its own", "[text]") {
  auto documents = documents_of({7, 3, 5});
  documents[0].boundary[2] = sentence_end;
  TextWorldOptions options = in_order(2);
  options.scales = {2, 0};
  TextWorld world(documents, 1000, options);
  CHECK(world.tokens() == 30);
  Observation out;
  out.resize(2);
  std::vector<std::int32_t> ids[2], ends[2], passes[2];
  while (world.next(out))
    for (std::size_t s = 0; s < 2; ++s) {
      ids[s].push_back(out.id[s]);
      passes[s].push_back(out.pass[s]);
      if ((out.boundary[s] & document_end) != 0) ends[s].push_back(out.id[s]);
    }
  CHECK(ids[0] == ids[1]);
  CHECK(ids[0].size() == 15);
  CHECK(ends[0] ==
        std::vector<std::int32_t>{2, 6, 102, 203, 204});  // at the end of a sentence, or after twice as many tokens; a rest is a piece
  CHECK(ends[1] == std::vector<std::int32_t>{6, 102, 204});
  CHECK(passes[0] == std::vector<std::int32_t>(15, 0));
  CHECK(passes[1] == std::vector<std::int32_t>(15, 0));  // side by side: neither has been read when the other is begun
}

TEST_CASE("at several scales a pass is what has been read to its end before", "[text]") {
  const auto documents = documents_of({4, 4, 4, 4, 4, 4});
  TextWorldOptions options{4, 2, true, 5};
  options.scales = {2, 0};
  TextWorld world(documents, 1000, options);
  Observation out;
  out.resize(4);
  std::map<std::int32_t, std::vector<Index>> begun, ended;  // by token: when it was read
  for (Index step = 0; world.next(out); ++step)
    for (std::size_t s = 0; s < 4; ++s) {
      if (out.active[s] == 0) continue;
      const auto& before = begun[out.id[s]];
      CHECK(out.pass[s] <= static_cast<std::int32_t>(before.size()));
      if (out.pass[s] == 0) CHECK(std::none_of(before.begin(), before.end(), [&](Index then) { return step - then > 8; }));
      begun[out.id[s]].push_back(step);
    }
  for (const auto& [id, times] : begun) CHECK(times.size() == 4);  // two passes at two scales
}

TEST_CASE("a world of several scales that replays goes on where it was, and knows itself from others", "[text]") {
  const auto documents = documents_of(std::vector<int>(30, 6));
  TextWorldOptions options{4, 2, true, 5};
  options.cut = true;
  options.scales = {3, 0};
  options.replay = .5;
  TextWorld whole(documents, 1000, options);
  Observation out;
  out.resize(4);
  for (int step = 0; step < 37; ++step) REQUIRE(whole.next(out));
  MemoryArchive checkpoint;
  whole.archive(checkpoint);
  const auto rest = read_all(whole);
  TextWorld again(documents, 1000, options);
  checkpoint.rewind();
  again.archive(checkpoint);
  CHECK(read_all(again) == rest);
  options.scales = {};
  options.replay = 0;
  TextWorld other(documents, 1000, options);
  checkpoint.rewind();
  CHECK_THROWS_AS(other.archive(checkpoint), ShapeError);
  options.scales = {1, 2, 3, 4, 5};
  CHECK_THROWS_AS(TextWorld(documents, 1000, options), ShapeError);
}

TEST_CASE("what is replayed has been read to its end before", "[text]") {
  const auto documents = documents_of(std::vector<int>(40, 5));
  TextWorldOptions options = in_order(4);
  options.replay = .5;
  TextWorld world(documents, 10000, options), again(documents, 10000, options);
  Observation out;
  out.resize(4);
  std::set<std::int32_t> over, fresh;
  Index replayed = 0, read = 0;
  while (world.next(out)) {
    for (std::size_t s = 0; s < 4; ++s) {
      if (out.active[s] == 0) continue;
      ++read;
      if (out.pass[s] == 0) {
        CHECK(fresh.insert(out.id[s]).second);  // everything new once
        continue;
      }
      ++replayed;
      CHECK(s < 2);
      CHECK(over.contains(out.document[s]));
    }
    for (std::size_t s = 0; s < 4; ++s)
      if (out.active[s] != 0 && (out.boundary[s] & document_end) != 0) over.insert(out.document[s]);
  }
  CHECK(fresh.size() == 200);
  CHECK(read == world.tokens());
  CHECK(replayed > 150);
  CHECK(read_all(again).size() == 4);
  options.replay = .9;
  options.streams = 1;
  TextWorld single(documents, 10000, options);  // who reads alone reads on
  CHECK(single.tokens() == 200);
}
