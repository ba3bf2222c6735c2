// No token lost, none read twice, whatever the documents, the streams and the passes, also across restarts.
#include <algorithm>
#include <catch2/catch.hpp>

#include "core/memory_archive.hpp"
#include "core/random.hpp"
#include "experiments/worlds/text/text_world.hpp"

namespace {

using namespace strata;
using namespace strata::text;

std::vector<EncodedDocument> random_documents(std::uint64_t seed) {
  std::vector<EncodedDocument> out(1 + mix(seed) % 20);
  for (std::size_t d = 0; d < out.size(); ++d) {
    const std::size_t size = mix(seed ^ (d << 8)) % 40;  // some are empty
    out[d].index = static_cast<std::int32_t>(d);
    for (std::size_t t = 0; t <= size; ++t) out[d].starts.push_back(static_cast<std::int64_t>(t));
    for (std::size_t t = 0; t < size; ++t) out[d].ids.push_back(static_cast<std::int32_t>(t));
    out[d].boundary.assign(size, 0);
    if (size > 0) out[d].boundary.back() = document_end;
  }
  return out;
}

/// What a world delivers: per pass, document and token how often it was read, and per pass and document where reading began.
struct Reading {
  std::vector<std::vector<std::vector<int>>> reads;
  std::vector<std::vector<std::vector<std::int64_t>>> begins;
  Index steps = 0, tokens = 0;
};

/// Reads a world to its end; stops now and then and goes on in a new one.
Reading read_all(const std::vector<EncodedDocument>& documents, const TextWorldOptions& options) {
  auto world = std::make_unique<TextWorld>(documents, 100, options);
  Reading all;
  std::vector<std::vector<int>> none(documents.size());  // per document and token
  for (std::size_t d = 0; d < documents.size(); ++d) none[d].assign(documents[d].ids.size(), 0);
  all.reads.assign(static_cast<std::size_t>(options.passes), none);
  all.begins.assign(static_cast<std::size_t>(options.passes), std::vector<std::vector<std::int64_t>>(documents.size()));
  struct Cursor {
    std::int32_t document = -1, pass = 0;
    std::int64_t next = 0;
    bool idle = false;
  };
  std::vector<Cursor> cursors(static_cast<std::size_t>(options.streams));
  Observation out;
  out.resize(options.streams);
  for (; world->next(out); ++all.steps) {
    for (std::size_t s = 0; s < cursors.size(); ++s) {
      Cursor& cursor = cursors[s];
      cursor.idle = cursor.idle || out.active[s] == 0;
      REQUIRE(cursor.idle == (out.active[s] == 0));  // once idle, always idle
      if (cursor.idle) continue;
      const auto d = static_cast<std::size_t>(out.document[s]), pass = static_cast<std::size_t>(out.pass[s]);
      const std::int64_t token = out.byte_begin[s];
      REQUIRE(out.pass[s] >= cursor.pass);
      REQUIRE(out.boundary[s] == documents[d].boundary[static_cast<std::size_t>(token)]);  // a cut is no boundary
      const bool goes_on = out.document[s] == cursor.document && out.pass[s] == cursor.pass && token == cursor.next;
      if (!goes_on) all.begins[pass][d].push_back(token);
      cursor = {out.document[s], out.pass[s], token + 1, false};
      ++all.reads[pass][d][static_cast<std::size_t>(token)];
      ++all.tokens;
    }
    if (mix(options.seed ^ static_cast<std::uint64_t>(all.steps)) % 11 == 0) {  // stop and go on in a new world
      MemoryArchive archive;
      world->archive(archive);
      archive.rewind();
      world = std::make_unique<TextWorld>(documents, 100, options);
      world->archive(archive);
    }
  }
  REQUIRE(all.tokens == world->tokens());
  REQUIRE(all.steps == world->steps());
  return all;
}

}  // namespace

TEST_CASE("every token of every document is read once per pass, in order within its document or its part", "[text]") {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    auto documents = random_documents(seed);
    if (seed % 5 == 0) documents.resize(1);
    const bool cut = mix(seed ^ 3) % 2 == 0;
    const TextWorldOptions options{static_cast<Index>(1 + mix(seed ^ 1) % 9), static_cast<Index>(1 + mix(seed ^ 2) % 3), seed % 2 == 0,
                                   seed, cut};
    INFO("seed " << seed);
    const Reading all = read_all(documents, options);
    const Index total = total_tokens(documents), share = (total + options.streams - 1) / options.streams;
    REQUIRE(all.tokens == options.passes * total);
    for (std::size_t pass = 0; pass < all.reads.size(); ++pass) {
      for (std::size_t d = 0; d < documents.size(); ++d) {
        for (const int count : all.reads[pass][d]) REQUIRE(count == 1);
        const Index size = documents[d].size();
        const auto& begins = all.begins[pass][d];
        if (!cut || size <= share) {
          REQUIRE(begins == std::vector<std::int64_t>(size > 0 ? 1 : 0, 0));
          continue;
        }
        // Parts that meet in one stream may be read without a break, so that there are at most as many beginnings as parts.
        REQUIRE(static_cast<Index>(begins.size()) <= (size + share - 1) / share + (options.shuffle ? 1 : 0));
      }
    }
    if (cut) REQUIRE(all.steps <= (options.passes + 1) * std::max<Index>(share, 1));  // nothing that is dealt is longer than a share
    if (cut && documents.size() == 1) REQUIRE(all.steps <= options.passes * share);
  }
}
