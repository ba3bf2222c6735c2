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
  }
  return out;
}

}  // namespace

TEST_CASE("every token of every document is read once per pass, in order within its document", "[text]") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto documents = random_documents(seed);
    const TextWorldOptions options{static_cast<Index>(1 + mix(seed ^ 1) % 9), static_cast<Index>(1 + mix(seed ^ 2) % 3), seed % 2 == 0,
                                   seed};
    auto world = std::make_unique<TextWorld>(documents, 100, options);
    std::vector<std::vector<int>> reads(documents.size());  // per document and token
    for (std::size_t d = 0; d < documents.size(); ++d) reads[d].assign(documents[d].ids.size(), 0);
    struct Cursor {
      std::int32_t document = -1;
      std::int64_t next = 0;
      bool idle = false;
    };
    std::vector<Cursor> cursors(static_cast<std::size_t>(options.streams));
    Observation out;
    out.resize(options.streams);
    Index steps = 0, tokens = 0;
    while (world->next(out)) {
      ++steps;
      for (std::size_t s = 0; s < cursors.size(); ++s) {
        Cursor& cursor = cursors[s];
        if (out.active[s] == 0) {
          cursor.idle = true;
          continue;
        }
        REQUIRE_FALSE(cursor.idle);  // once idle, always idle
        ++tokens;
        const auto d = static_cast<std::size_t>(out.document[s]);
        const std::int64_t token = out.byte_begin[s];
        if (token == 0) {
          REQUIRE((cursor.document < 0 || cursor.next == documents[static_cast<std::size_t>(cursor.document)].size()));
        } else {
          REQUIRE(out.document[s] == cursor.document);
          REQUIRE(token == cursor.next);
        }
        cursor.document = out.document[s];
        cursor.next = token + 1;
        ++reads[d][static_cast<std::size_t>(token)];
      }
      if (mix(seed ^ static_cast<std::uint64_t>(steps)) % 11 == 0) {  // stop and go on in a new world
        MemoryArchive archive;
        world->archive(archive);
        archive.rewind();
        world = std::make_unique<TextWorld>(documents, 100, options);
        world->archive(archive);
      }
    }
    for (const auto& document : reads) {
      for (const int count : document) REQUIRE(count == options.passes);
    }
    REQUIRE(tokens == world->tokens());
    REQUIRE(tokens == options.passes * total_tokens(documents));
    REQUIRE(steps == world->steps());
  }
}
