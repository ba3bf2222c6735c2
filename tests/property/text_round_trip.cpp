// decode(encode(bytes)) == bytes for random texts made of everything that has ever been awkward.
#include <algorithm>
#include <catch2/catch.hpp>

#include "core/random.hpp"
#include "experiments/worlds/text/tokenizer.hpp"

namespace {

using namespace strata;
using namespace strata::text;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : seed_(seed) {}
  std::uint64_t below(std::uint64_t count) { return mix(seed_ ^ mix(++n_)) % count; }

 private:
  std::uint64_t seed_, n_ = 0;
};

const std::vector<std::string> awkward = {" ",
                                          "  ",
                                          "\n",
                                          "\n\n",
                                          "\n\n\n",
                                          "\r\n",
                                          "\r\n\r\n",
                                          "\r",
                                          "\t",
                                          "\v",
                                          "\f",
                                          "\n\f\n",
                                          "\n\f\n\n",
                                          "\r\n\f\r\n",
                                          "\n \f \n",
                                          " \n \t\n",
                                          "\xEF\xBB\xBF",
                                          "\xE2\x96\x81",
                                          "\xE2\x96\x85",
                                          "\xC2\xA0",
                                          "\xE3\x80\x80",
                                          "\xE2\x80\xA8",
                                          "\xC2\x85",
                                          std::string(1, '\0'),
                                          "\x7F",
                                          "\x1B",
                                          "<unk>",
                                          "<0x41>",
                                          "<eop>",
                                          "\xF0\x9F\x98\x80",
                                          "\xEF\xBF\xBF",
                                          "\xF4\x8F\xBF\xBF",
                                          "\xCC\x81",
                                          "\xE2\x80\x8D"};
const std::vector<std::string> ordinary = {"the",        "lady",  "came",     "home",    "Mr.",    "Dr. Smith",
                                           "said.",      "Why?",  "\"Yes!\"", "1,234.5", "국민이", "대통령을.",
                                           "猫である。", "naïve", "Ünder",    "no",      "a",      "x-y"};

std::string random_text(Dice& dice, std::uint64_t pieces, std::uint64_t awkward_share) {
  std::string out;
  for (std::uint64_t i = 0; i < pieces; ++i) {
    if (dice.below(100) < awkward_share) {
      out += awkward[dice.below(awkward.size())];
    } else {
      out += ordinary[dice.below(ordinary.size())] + (dice.below(10) == 0 ? "" : " ");
    }
  }
  out += "z";  // never white space alone
  return dice.below(2) == 0 ? out : out + awkward[dice.below(awkward.size())];
}

void check_whole(const Tokenizer& tokenizer, const std::string& bytes) {
  const Corpus corpus = corpus_from_bytes("random", bytes);
  std::string whole;
  std::int64_t lengths = 0, position = 0;
  for (const Document& document : corpus.documents) {
    const EncodedDocument encoded = tokenizer.encode(corpus, document);
    const bool file_end = document.range.end == static_cast<std::int64_t>(bytes.size());
    whole += tokenizer.decode(encoded.ids, file_end);
    REQUIRE(encoded.starts.front() == position);
    REQUIRE(std::is_sorted(encoded.starts.begin(), encoded.starts.end()));
    position = encoded.starts.back();
    for (Index t = 0; t < encoded.size(); ++t) lengths += encoded.byte_end(t) - encoded.byte_begin(t);
    // Exactly one <eod>, at the end, as many <eop> as gaps between paragraphs, a sentence_end behind every sentence.
    REQUIRE(std::count(encoded.ids.begin(), encoded.ids.end(), tokenizer.end_of_document()) == 1);
    REQUIRE(encoded.ids.back() == tokenizer.end_of_document());
    REQUIRE(std::count(encoded.ids.begin(), encoded.ids.end(), tokenizer.end_of_paragraph()) ==
            static_cast<std::ptrdiff_t>(document.paragraphs.size()) - 1);
    std::vector<std::int64_t> ends;
    for (Index t = 0; t < encoded.size(); ++t) {
      const auto bits = encoded.boundary[static_cast<std::size_t>(t)];
      if ((bits & sentence_end) != 0 && (bits & paragraph_end) == 0) ends.push_back(encoded.byte_end(t));
    }
    REQUIRE(ends.size() == document.sentences.size());
    for (std::size_t s = 0; s < ends.size(); ++s) REQUIRE(ends[s] == document.sentences[s].end);
  }
  REQUIRE(whole == bytes);
  REQUIRE(lengths == static_cast<std::int64_t>(bytes.size()));
}

/// Token that holds byte `byte`, the last where empty ones follow it.
Index holder(const EncodedDocument& document, std::int64_t byte) {
  return std::upper_bound(document.starts.begin(), document.starts.end(), byte) - document.starts.begin() - 1;
}

void check_counted(const Tokenizer& tokenizer, const std::string& kind, const std::string& bytes) {
  const Corpus corpus = corpus_from_bytes("random", bytes);
  std::int64_t position = 0;
  std::string whole;
  for (const Document& document : corpus.documents) {
    const EncodedDocument encoded = tokenizer.encode(corpus, document);
    whole += tokenizer.decode(encoded.ids, false);
    REQUIRE(encoded.starts.front() == position);
    REQUIRE(encoded.starts.size() == encoded.ids.size() + 1);
    REQUIRE(std::is_sorted(encoded.starts.begin(), encoded.starts.end()));
    position = encoded.starts.back();
    std::vector<std::uint8_t> expected(encoded.ids.size(), 0);
    const auto mark = [&](std::int64_t end, int bits) {
      auto& token = expected[static_cast<std::size_t>(holder(encoded, end - 1))];
      token = static_cast<std::uint8_t>(token | bits);
    };
    for (const Span& sentence : document.sentences) mark(sentence.end, sentence_end);
    for (std::size_t p = 1; p < document.paragraphs.size(); ++p) mark(document.paragraphs[p].begin, sentence_end | paragraph_end);
    expected.back() |= sentence_end | paragraph_end | document_end;
    REQUIRE(encoded.boundary == expected);
    const auto text = corpus.bytes(document);
    if (kind == "bytes") REQUIRE(encoded.ids.size() == text.size());
    if (kind == "characters") REQUIRE(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }) == encoded.size());
    if (kind == "words") {
      const auto lines = std::count(text.begin(), text.begin() + (document.paragraphs.back().end - document.range.begin), '\n');
      REQUIRE(std::count(encoded.ids.begin(), encoded.ids.end(), tokenizer.line_end()) <= lines);
      REQUIRE(std::count(encoded.ids.begin(), encoded.ids.end(), tokenizer.end_of_paragraph()) + 1 ==
              static_cast<std::ptrdiff_t>(document.paragraphs.size()));
    }
  }
  REQUIRE(position == static_cast<std::int64_t>(bytes.size()));
  if (kind == "bytes") REQUIRE(whole == bytes);
}

}  // namespace

TEST_CASE("any text comes back byte for byte from any tokenizer, and its token lengths sum to its size", "[text]") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Dice dice(seed);
    // A tokenizer that learned from text of this kind, in several of which other separators are the commonest.
    const Corpus training = corpus_from_bytes("training", random_text(dice, 3000, 5 * seed));
    TokenizerOptions options;
    options.vocabulary = 350 + static_cast<std::int64_t>(100 * (seed % 3));
    options.kind = seed % 2 == 0 ? "bpe" : "unigram";
    const Tokenizer tokenizer = Tokenizer::train(training, all_documents(training), options);
    for (int trial = 0; trial < 60; ++trial) {
      const std::string bytes = random_text(dice, 1 + dice.below(120), dice.below(100));
      INFO("seed " << seed << " trial " << trial << ": " << Catch::StringMaker<std::string>::convert(bytes));
      check_whole(tokenizer, bytes);
    }
  }
}

TEST_CASE("whatever counts its tokens instead of learning them keeps ranges and boundaries in any text", "[text]") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Dice dice(seed);
    const Corpus training = corpus_from_bytes("training", random_text(dice, 1000, 5 * seed));
    const std::vector<std::string> kinds = {"words", "characters", "bytes"};
    const std::string kind = kinds[seed % 3];
    const Tokenizer tokenizer = Tokenizer::train(training, all_documents(training), {kind, 40});
    for (int trial = 0; trial < 60; ++trial) {
      const std::string bytes = random_text(dice, 1 + dice.below(120), dice.below(100));
      INFO("seed " << seed << " trial " << trial << ": " << Catch::StringMaker<std::string>::convert(bytes));
      check_counted(tokenizer, kind, bytes);
    }
  }
}
