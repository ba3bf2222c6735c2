// Words, characters and bytes as tokens.
#include <algorithm>
#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "experiments/worlds/text/tokenizer.hpp"
#include "experiments/worlds/text/words.hpp"
#include "tests/support/data.hpp"

namespace {

using namespace strata;
using namespace strata::text;

using Strings = std::vector<std::string>;

struct Example {
  Example(const std::string& kind, const std::string& bytes, std::int64_t vocabulary = 8000, const CorpusOptions& reading = {})
      : corpus(corpus_from_bytes("memory.txt", bytes, reading)),
        tokenizer(
            Tokenizer::train(corpus, all_documents(corpus), {kind, vocabulary}, [this](const std::string& line) { warning += line; })) {}

  EncodedDocument encode(const std::string& bytes) const {
    const Corpus text = corpus_from_bytes("m", bytes);
    return tokenizer.encode(text, text.documents[0]);
  }
  Strings pieces(const EncodedDocument& document) const {
    Strings out;
    for (const std::int32_t id : document.ids) out.push_back(tokenizer.piece(id));
    return out;
  }
  Strings pieces(const std::string& bytes) const { return pieces(encode(bytes)); }

  std::string warning;
  Corpus corpus;
  Tokenizer tokenizer;
};

/// The bytes of every token.
Strings ranges(const EncodedDocument& document, const std::string& bytes) {
  Strings out;
  for (Index t = 0; t < document.size(); ++t) {
    const auto begin = static_cast<std::size_t>(document.byte_begin(t)), end = static_cast<std::size_t>(document.byte_end(t));
    out.push_back(bytes.substr(begin, end - begin));
  }
  return out;
}

std::vector<int> boundaries(const EncodedDocument& document) { return {document.boundary.begin(), document.boundary.end()}; }

constexpr int paragraph = sentence_end | paragraph_end, whole = sentence_end | paragraph_end | document_end;

const Strings nasty = {
    "\xEF\xBB\xBF\nThe lady\r\nhad\tcome.  Two   spaces \n \n\n\n  indented\n",
    "<unk> <0x41> <eop> <s> </s> <nl>\n\n<eod>",
    std::string("nul\0inside \x01\x7F\n\f\n\n\nnext\n\f\n", 25),
    "\n\n\n lead\n\nand trail   \r\n\r\n\t\n",
    "x\r\r\n\r\ny\f\n\nz \xC2\xA0 \xE3\x80\x80 \xE2\x80\xA8 \xF0\x9F\x98\x80",
    "no newline at the end\n\n   ",
    "국민이 대통령을 만났다. 비가 왔다.\n그리고\n\n猫である。名前はまだ無い。",
    "a",
};

}  // namespace

TEST_CASE("words: every line end is one token, and white space belongs to the word before it", "[text]") {
  const std::string bytes = " She came.  He\twent \nhome.\r\n\r\n\n  Again she came.\n\f\nEnd of it";
  const Example example("words", bytes);
  const auto documents = example.tokenizer.encode(example.corpus, all_documents(example.corpus));
  REQUIRE(documents.size() == 2);
  CHECK(example.pieces(documents[0]) == Strings{"She", "came.", "He", "went", "<nl>", "home.", "<eop>", "Again", "she", "came.", "<eod>"});
  CHECK(ranges(documents[0], bytes) ==
        Strings{" She ", "came.  ", "He\t", "went ", "\n", "home.", "\r\n\r\n\n  ", "Again ", "she ", "came.", "\n\f\n"});
  CHECK(boundaries(documents[0]) == std::vector<int>{0, 1, 0, 0, 0, 1, paragraph, 0, 0, 1, whole});
  CHECK(example.pieces(documents[1]) == Strings{"End", "of", "it", "<eod>"});  // no line end: the document ends all the same
  CHECK(ranges(documents[1], bytes).back().empty());
  CHECK(documents[1].ids.back() == example.tokenizer.end_of_document());
  CHECK(example.tokenizer.decode(documents[0].ids, false) == "She came. He went\nhome.\n\nAgain she came.\n\f\n");
  CHECK(example.tokenizer.decode(documents[1].ids) == "End of it");
  CHECK(example.warning.empty());
}

TEST_CASE("words: the commonest are known, of equally common ones the first, and others are <unk>", "[text]") {
  const Example example("words", "d c b a b a\na\n", 7);
  CHECK(example.tokenizer.vocabulary() == 7);
  Strings all;
  for (std::int32_t id = 0; id < 7; ++id) all.push_back(example.tokenizer.piece(id));
  CHECK(all == Strings{"<unk>", "a", "b", "d", "<nl>", "<eop>", "<eod>"});
  CHECK_THAT(example.warning, Catch::Contains("1 of the 7 words") && Catch::Contains("not comparable"));
  const auto document = example.tokenizer.encode(example.corpus, example.corpus.documents[0]);
  CHECK(count_unknown(example.tokenizer, example.corpus, {document}) == 1);
  CHECK(example.tokenizer.decode(document.ids) == "d <unk> b a b a\na");
  CHECK_THROWS_AS(Example("words", "a", 4), ConfigError);
}

TEST_CASE("words: a text that says <unk> means the unknown word and is known", "[text]") {
  const Example example("words", "the <unk> of <unk>\n");
  CHECK(example.tokenizer.unknown() == 0);
  CHECK(example.tokenizer.vocabulary() == 6);
  const Corpus text = corpus_from_bytes("m", " <unk> of zebras\n");
  const auto document = example.tokenizer.encode(text, text.documents[0]);
  CHECK(document.ids[0] == 0);
  CHECK(document.ids[2] == 0);
  CHECK(count_unknown(example.tokenizer, text, {document}) == 1);
}

TEST_CASE("words: two sentences in a word give it one bit, and one endless line is one paragraph", "[text]") {
  const Example example("words", "Why?Because it is. So it is.");
  const auto document = example.tokenizer.encode(example.corpus, example.corpus.documents[0]);
  CHECK(example.corpus.documents[0].sentences.size() == 3);
  CHECK(boundaries(document) == std::vector<int>{1, 0, 1, 0, 0, 1, whole});
  std::string endless;
  for (int i = 0; i < 100000; ++i) endless += "over and ";
  const Example line("words", endless);
  CHECK(line.tokenizer.encode(line.corpus, line.corpus.documents[0]).size() == 200001);
  CHECK(Example("words", std::string(1'000'000, 'x')).encode("x").size() == 2);
}

TEST_CASE("characters: a text of N characters is N tokens, white space among them", "[text]") {
  const std::string bytes = "Ja, 국민. No\n\nÄ \n\f\nB";
  const Example example("characters", bytes);
  const auto documents = example.tokenizer.encode(example.corpus, all_documents(example.corpus));
  REQUIRE(documents.size() == 2);
  CHECK(documents[0].size() == 17);
  CHECK(boundaries(documents[0]) == std::vector<int>{0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, paragraph, 1, 0, 0, 0, whole});
  CHECK(boundaries(documents[1]) == std::vector<int>{whole});
  CHECK(example.pieces(documents[0]) == Strings{"J", "a", ",", "\xE2\x90\xA3", "국", "민", ".", "\xE2\x90\xA3", "N", "o", "\\n", "\\n", "Ä",
                                                "\xE2\x90\xA3", "\\n", "<U+000C>", "\\n"});
  CHECK(example.tokenizer.decode(documents[0].ids) + example.tokenizer.decode(documents[1].ids) == bytes);
  CHECK(example.tokenizer.end_of_document() == -1);
  CHECK(example.warning.empty());
}

TEST_CASE("characters: the commonest are known, the others are <unk>", "[text]") {
  const Example example("characters", "abacabad", 4);
  CHECK(example.tokenizer.vocabulary() == 4);
  CHECK(example.pieces("abcd") == Strings{"a", "b", "c", "<unk>"});
  CHECK(example.tokenizer.decode(example.encode("a국b").ids) ==
        "a\xEF\xBF\xBD"
        "b");
  CHECK_THAT(example.warning, Catch::Contains("1 of the 8 characters"));
  CHECK(count_unknown(example.tokenizer, example.corpus, example.tokenizer.encode(example.corpus, all_documents(example.corpus))) == 1);
  CHECK_THROWS_AS(Example("characters", "a", 1), ConfigError);
}

TEST_CASE("bytes: 256 ids, and boundaries on the last byte", "[text]") {
  const Example example("bytes", "é.\n\nA\n", 2);
  CHECK(example.tokenizer.vocabulary() == 256);
  CHECK(example.tokenizer.unknown() == -1);
  const auto document = example.tokenizer.encode(example.corpus, example.corpus.documents[0]);
  CHECK(example.pieces(document) == Strings{"<0xC3>", "<0xA9>", "<0x2E>", "<0x0A>", "<0x0A>", "<0x41>", "<0x0A>"});
  CHECK(boundaries(document) == std::vector<int>{0, 0, 1, 0, paragraph, 1, whole});
}

TEST_CASE("nasty texts: ranges touch and sum to the document, and what can come back does", "[text]") {
  std::string all;
  for (const std::string& bytes : nasty) all += bytes + "\n\f\n";
  for (const std::string kind : {"words", "characters", "bytes"}) {
    const Example example(kind, all);
    const Tokenizer restored = Tokenizer::from_bytes(example.tokenizer.to_bytes());
    CHECK(restored.to_bytes() == example.tokenizer.to_bytes());
    CHECK(restored.vocabulary() == example.tokenizer.vocabulary());
    for (const std::string& bytes : nasty) {
      INFO(kind << ": " << bytes);
      const Corpus text = corpus_from_bytes("m", bytes);
      std::string back;
      std::int64_t position = 0;
      for (const Document& each : text.documents) {
        const EncodedDocument document = example.tokenizer.encode(text, each);
        CHECK(restored.encode(text, each).ids == document.ids);
        back += restored.decode(document.ids, each.range.end == static_cast<std::int64_t>(bytes.size()));
        CHECK(document.starts.front() == position);
        CHECK(std::is_sorted(document.starts.begin(), document.starts.end()));
        CHECK(document.starts.size() == document.ids.size() + 1);
        CHECK(document.boundary.back() == whole);
        const auto ends = std::count_if(document.boundary.begin(), document.boundary.end(), [](int b) { return (b & paragraph_end) > 0; });
        CHECK(ends == static_cast<std::ptrdiff_t>(each.paragraphs.size()));
        position = document.starts.back();
      }
      CHECK(position == static_cast<std::int64_t>(bytes.size()));
      if (kind != "words") CHECK(back == bytes);
      // What was decoded reads as the same words again.
      const Corpus again = corpus_from_bytes("m", back);
      const auto once = example.tokenizer.encode(text, all_documents(text)), twice = example.tokenizer.encode(again, all_documents(again));
      REQUIRE(once.size() == twice.size());
      for (std::size_t d = 0; d < once.size(); ++d) CHECK(once[d].ids == twice[d].ids);
    }
  }
}

TEST_CASE("tokens of any kind are laid back on words", "[text]") {
  const std::string bytes = "\xEF\xBB\xBF\n The lady's\nhouse.  국민이\r\n\r\n\tNew zq \n\f\nend";
  for (const std::string kind : {"words", "characters", "bytes"}) {
    const Example example(kind, bytes);
    Strings words;
    for (const auto& document : example.tokenizer.encode(example.corpus, all_documents(example.corpus))) {
      for (const Word& word : words_of(example.corpus, document)) {
        words.push_back(bytes.substr(static_cast<std::size_t>(word.bytes.begin), static_cast<std::size_t>(word.bytes.size())));
        CHECK(word.first < word.last);
        CHECK(document.byte_begin(word.first) <= word.bytes.begin);
        CHECK(document.byte_end(word.last - 1) >= word.bytes.end);
      }
    }
    Strings expected = {"The", "lady's", "house.", "국민이", "New", "zq", "end"};
    if (kind != "words")
      expected.insert(expected.begin(), "\xEF\xBB\xBF");  // a mark of its own where white space parts it from the first word
    INFO(kind);
    CHECK(words == expected);
  }
}

TEST_CASE("a model file of plain tokens that is damaged is refused", "[text]") {
  const auto good = Example("words", "a b c\n").tokenizer.to_bytes();
  for (std::size_t cut : {std::size_t{0}, std::size_t{10}, std::size_t{25}, good.size() - 1})
    CHECK_THROWS_AS(Tokenizer::from_bytes({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut)}), DataError);
  auto twice = good;
  twice.back() = 'a';  // the word "a" a second time
  CHECK_THROWS_AS(Tokenizer::from_bytes(twice), DataError);
  auto kind = good;
  *std::search(kind.begin(), kind.end(), std::begin("words"), std::end("words") - 1) = 'W';
  CHECK_THROWS_AS(Tokenizer::from_bytes(kind), DataError);
}

TEST_CASE("a kind says which vocabulary is too small for it", "[text]") {
  for (const auto& [kind, least] : {std::pair<std::string, std::int64_t>{"bpe", 300}, {"unigram", 300}, {"words", 5}, {"characters", 2}}) {
    CHECK_NOTHROW(require_usable({kind, least}));
    try {
      require_usable({kind, least - 1});
      FAIL("accepted");
    } catch (const ConfigError& error) {
      CHECK_THAT(error.what(), Catch::Contains("text.vocabulary") && Catch::Contains(std::to_string(least)) && Catch::Contains(kind));
    }
  }
  CHECK_THROWS_AS(require_usable({"word", 8000}), ConfigError);
}

TEST_CASE("the Penn Treebank has the words that it is known to have", "[text]") {
  const std::string path = test::data_path("ptb");
  if (path.empty()) return;
  const CorpusOptions lines{"en", "lines"};
  const Corpus training = read_corpus({path + "/ptb.train.txt"}, lines), valid = read_corpus({path + "/ptb.valid.txt"}, lines);
  std::string warning;
  const Tokenizer tokenizer =
      Tokenizer::train(training, all_documents(training), {"words", 10002}, [&](const std::string& line) { warning += line; });
  CHECK(warning.empty());
  CHECK(tokenizer.vocabulary() == 10002);  // the 10000 of the literature, with <nl> for the end of a sentence, and <eop> and <eod>
  const auto read = tokenizer.encode(training, all_documents(training)), held_out = tokenizer.encode(valid, all_documents(valid));
  CHECK(total_tokens(read) == 929589);
  CHECK(total_tokens(held_out) == 73760);
  CHECK(count_unknown(tokenizer, valid, held_out) == 0);
  CHECK(std::count(held_out[0].ids.begin(), held_out[0].ids.end(), tokenizer.line_end()) == 3369);
  CHECK(std::count_if(held_out[0].boundary.begin(), held_out[0].boundary.end(), [](auto b) { return b == sentence_end; }) == 3370);
}

TEST_CASE("Tiny Shakespeare has 65 characters", "[text]") {
  const std::string path = test::data_path("tinyshakespeare");
  if (path.empty()) return;
  const Corpus corpus = read_corpus({path + "/input.txt"});
  const Tokenizer tokenizer = Tokenizer::train(corpus, all_documents(corpus), {"characters", 8000});
  CHECK(tokenizer.vocabulary() == 66);  // and <unk>
  const auto documents = tokenizer.encode(corpus, all_documents(corpus));
  CHECK(total_tokens(documents) == 1115394);
  CHECK(tokenizer.decode(documents[0].ids) == corpus.sources[0].bytes);
}
