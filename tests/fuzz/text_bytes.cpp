// Random bytes are either refused with a DataError or read exactly.
#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "core/random.hpp"
#include "experiments/worlds/text/tokenizer.hpp"

namespace {

using namespace strata;
using namespace strata::text;

/// Bytes that are mostly one of: anything, structure characters, valid characters of random planes.
std::string random_bytes(std::uint64_t seed) {
  std::uint64_t n = 0;
  const auto below = [&](std::uint64_t count) { return mix(mix(seed) ^ ++n) % count; };
  const std::uint64_t kind = below(4), size = below(200);
  std::string out;
  for (std::uint64_t i = 0; i < size; ++i) {
    if (kind == 0 || (kind < 3 && below(400) == 0)) {
      out += static_cast<char>(below(256));
    } else if (kind == 1) {
      out += " \n\r\t\f\v.aB"[below(9)];
    } else {
      const std::uint64_t planes[] = {0x80, 0x800, 0x10000, 0x110000};
      auto code = static_cast<std::uint32_t>(below(planes[below(4)]));
      if (code >= 0xD800 && code < 0xE000) code = 'x';
      if (code < 0x80) {
        out += static_cast<char>(code);
      } else if (code < 0x800) {
        out += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
      } else if (code < 0x10000) {
        out += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
      } else {
        out += {static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 63)),
                static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("random bytes are refused or come back exactly", "[text]") {
  const Corpus training =
      corpus_from_bytes("training", "Some words to learn from.\n\nAnd some more of them, for good measure.\n\f\nThe end.\n");
  const Tokenizer tokenizer = Tokenizer::train(training, all_documents(training));
  int refused = 0, read = 0;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const std::string bytes = random_bytes(seed);
    Corpus corpus;
    try {
      corpus = corpus_from_bytes("random", bytes);
    } catch (const DataError&) {
      ++refused;
      const bool blank = bytes.find_first_not_of(std::string(" \n\r\t\f\v")) == std::string::npos;
      REQUIRE((first_invalid_utf8(bytes) >= 0 || blank || bytes.starts_with("\xEF\xBB\xBF")));
      continue;
    }
    ++read;
    REQUIRE(first_invalid_utf8(bytes) == -1);
    std::string whole;
    for (const Document& document : corpus.documents) {
      whole += tokenizer.decode(tokenizer.encode(corpus, document).ids, document.range.end == static_cast<std::int64_t>(bytes.size()));
    }
    REQUIRE(whole == bytes);
  }
  CHECK(refused > 500);
  CHECK(read > 1000);
}

TEST_CASE("a tokenizer can be learned from any text that can be read", "[text]") {
  int learned = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const std::string bytes = random_bytes(seed);
    try {
      const Corpus corpus = corpus_from_bytes("random", bytes);
      TokenizerOptions options;
      options.kind = seed % 2 == 0 ? "bpe" : "unigram";
      const Tokenizer tokenizer = Tokenizer::train(corpus, all_documents(corpus), options);
      const auto& last = corpus.documents.back();
      REQUIRE(tokenizer.decode(tokenizer.encode(corpus, last).ids) == corpus.bytes(last));
      ++learned;
    } catch (const DataError&) {}
  }
  CHECK(learned > 80);
}

TEST_CASE("a damaged tokenizer is refused or still a tokenizer, never worse", "[text]") {
  const Corpus corpus = corpus_from_bytes("training", "Some words to learn from.\n\nAnd some more of them.\n");
  std::vector<std::vector<std::uint8_t>> good;
  for (const char* kind : {"bpe", "words", "characters", "bytes"})
    good.push_back(Tokenizer::train(corpus, all_documents(corpus), {kind}).to_bytes());
  for (std::uint64_t seed = 0; seed < 1800; ++seed) {
    auto bytes = good[seed / 3 % 6 < 3 ? 0 : seed / 3 % 6 - 2];
    for (std::uint64_t hit = 0; hit <= mix(seed) % 3; ++hit)
      bytes[mix(seed ^ (hit << 20)) % bytes.size()] ^= static_cast<std::uint8_t>(1U << (mix(seed ^ hit) % 8));
    if (seed % 3 == 0) bytes.resize(mix(seed ^ 77) % bytes.size());
    try {
      const Tokenizer tokenizer = Tokenizer::from_bytes(bytes);
      const EncodedDocument document = tokenizer.encode(corpus, corpus.documents[0]);
      tokenizer.decode(document.ids);
      for (const std::int32_t id : document.ids) tokenizer.piece(id);
    } catch (const DataError&) {}
  }
}
