// Documents, paragraphs and sentences of plain text, and what is said when it cannot be read.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/error.hpp"
#include "experiments/worlds/text/corpus.hpp"
#include "tests/support/data.hpp"
#include "tests/support/temporary.hpp"

namespace {

using namespace strata;
using namespace strata::text;

std::string of(const Corpus& corpus, const Document& document, const Span& span) { return std::string(corpus.bytes(document, span)); }

std::vector<std::string> sentences(const std::string& bytes, const CorpusOptions& options = {}) {
  const Corpus corpus = corpus_from_bytes("memory.txt", bytes, options);
  std::vector<std::string> out;
  for (const Document& document : corpus.documents) {
    for (const Span& span : document.sentences) out.push_back(of(corpus, document, span));
  }
  return out;
}

void write(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

template <class E>
std::string failure(const std::vector<std::string>& paths) {
  try {
    read_corpus(paths);
  } catch (const E& error) { return error.what(); }
  return "no such error";
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("text is cut into documents and paragraphs, and every byte belongs to one document", "[text]") {
  const std::string bytes =
      "\xEF\xBB\xBF\n Title one \nsecond line\n \t\nNext.\r\n\r\nThird.\n\n\f\r\n\n\f\nOther title\nends here.  \n\n\n";
  const Corpus corpus = corpus_from_bytes("memory.txt", bytes);
  REQUIRE(corpus.documents.size() == 2);
  const Document& first = corpus.documents[0];
  const Document& second = corpus.documents[1];
  CHECK(first.title == "Title one");
  CHECK(second.title == "Other title");
  REQUIRE(first.paragraphs.size() == 3);
  CHECK(of(corpus, first, first.paragraphs[0]) == " Title one \nsecond line");
  CHECK(of(corpus, first, first.paragraphs[1]) == "Next.");
  CHECK(of(corpus, first, first.paragraphs[2]) == "Third.");
  CHECK(of(corpus, second, second.paragraphs[0]) == "Other title\nends here.  ");
  CHECK(first.range.begin == 0);
  CHECK(first.range.end == second.range.begin);
  CHECK(second.range.end == static_cast<std::int64_t>(bytes.size()));
  CHECK(corpus.bytes(first).ends_with("\f\n"));
  CHECK(corpus.size() == static_cast<std::int64_t>(bytes.size()));
}

TEST_CASE("only a line of its own makes a form feed the end of a document", "[text]") {
  CHECK(corpus_from_bytes("m", "one\f two\n\fthree\n").documents.size() == 1);
  CHECK(corpus_from_bytes("m", "one\n\ftwo\n \f\t\nthree\n\f\n").documents.size() == 2);
  CHECK(corpus_from_bytes("m", "\f\none\n\f\n\n\f\ntwo").documents.size() == 2);
  CHECK(corpus_from_bytes("m", "one\r\n\f\r\ntwo\r\n").documents.size() == 2);
}

TEST_CASE("abbreviations, small letters and line breaks end no sentence", "[text]") {
  CHECK(sentences("Mr. Bennet replied that he\nhad not. \"But it is,\" returned\nshe; \"for Mrs. Long\nhas been here.\"") ==
        Strings{"Mr. Bennet replied that he\nhad not.", "\"But it is,\" returned\nshe; \"for Mrs. Long\nhas been here.\""});
  CHECK(sentences("\"Why?\" said she. \"Ah!\" cried he.") == Strings{"\"Why?\" said she.", "\"Ah!\" cried he."});
  CHECK(sentences("She met Miss\nBennet there, in\r\nLondon.") == Strings{"She met Miss\nBennet there, in\r\nLondon."});
  CHECK(sentences("One paragraph\n\nanother one") == Strings{"One paragraph", "another one"});
  CHECK(sentences("  It rose 3.5 pct. on Monday.  It fell. ") == Strings{"It rose 3.5 pct. on Monday.", "It fell."});
}

TEST_CASE("the language is found by its script", "[text]") {
  CHECK(corpus_from_bytes("m", "Plain English text.").language == "en");
  CHECK(corpus_from_bytes("m", "국민이 선출한 대통령. LG 연구단지").language == "ko");
  CHECK(corpus_from_bytes("m", "吾輩は猫である。名前はまだ無い。").language == "ja");
  CHECK(corpus_from_bytes("m", "道可道，非常道。名可名，非常名。").language == "zh");
  CHECK(corpus_from_bytes("m", "12345 ...").language == "en");
  CHECK(sentences("道可道，非常道。名可名，非常名。") == Strings{"道可道，非常道。", "名可名，非常名。"});
  CHECK(sentences("비가 왔습니다. 길이 젖었습니다.") == Strings{"비가 왔습니다.", "길이 젖었습니다."});
  CHECK(corpus_from_bytes("m", "Text.", {"de", "auto"}).language == "de");
  CHECK_THROWS_AS(corpus_from_bytes("m", "Text.", {"no language", "auto"}), ConfigError);
}

TEST_CASE("where each line is a sentence, line ends part sentences", "[text]") {
  const Strings lines = {"Mr. A said so. And more", "second line"};
  CHECK(sentences("Mr. A said so. And more\n second line \n", {"auto", "lines"}) == lines);
  const test::TemporaryFolder folder;
  write(folder / "gold.sents.txt", "Mr. A said so. And more\nsecond line\n");
  const Corpus corpus = read_corpus({folder / "gold.sents.txt"});
  CHECK(corpus.documents[0].sentences.size() == 2);
  CHECK(corpus.sources[0].name == "gold");
}

TEST_CASE("a folder gives its .txt in order of name, and a file met twice is read once", "[text]") {
  const test::TemporaryFolder folder;
  write(folder / "b.txt", "second");
  write(folder / "a.txt", "first");
  write(folder / "c.md", "not read");
  const Corpus corpus = read_corpus({folder.path(), folder / "a.txt"});
  REQUIRE(corpus.sources.size() == 2);
  CHECK(corpus.sources[0].bytes == "first");
  CHECK(corpus.sources[1].bytes == "second");
  CHECK(read_corpus({folder / "c.md"}).documents.size() == 1);  // a file that is named is read whatever its ending
}

TEST_CASE("every tenth document is held out", "[text]") {
  std::string bytes;
  for (int i = 0; i < 25; ++i) bytes += (i > 0 ? "\n\f\n" : "") + std::string("Document ") + std::to_string(i);
  const HoldOut split = hold_out_tenth(corpus_from_bytes("m", bytes));
  CHECK(split.held_out == std::vector<std::int32_t>{9, 19});
  CHECK(split.training.size() == 23);
  CHECK(std::set<std::int32_t>(split.training.begin(), split.training.end()).count(19) == 0);
  CHECK(hold_out_tenth(corpus_from_bytes("m", "a\n\f\nb\n\f\nc")).held_out == std::vector<std::int32_t>{2});
  CHECK_THROWS_WITH(hold_out_tenth(corpus_from_bytes("m", "one")), Catch::Contains("--set text.hold_out=last"));
}

TEST_CASE("the last documents are held out, about a tenth of the bytes", "[text]") {
  std::string bytes;
  for (int i = 0; i < 25; ++i) bytes += (i > 0 ? "\n\f\n" : "") + std::string("Document ") + std::to_string(10 + i);
  Corpus corpus = corpus_from_bytes("m", bytes);
  const HoldOut split = hold_out_last(corpus);
  CHECK((split.held_out == std::vector<std::int32_t>{23, 24} || split.held_out == std::vector<std::int32_t>{22, 23, 24}));
  CHECK(split.training.size() + split.held_out.size() == 25);
  CHECK(split.training.back() + 1 == split.held_out.front());
  // One at least on either side, however long.
  Corpus two = corpus_from_bytes("m", "a\n\f\nlong long long long long");
  CHECK(hold_out_last(two).training == std::vector<std::int32_t>{0});
  Corpus other = corpus_from_bytes("m", "long long long long long long\n\f\na");
  CHECK(hold_out_last(other).held_out == std::vector<std::int32_t>{1});
}

TEST_CASE("a single document is cut in two at the end of a paragraph, to hold out its last tenth", "[text]") {
  std::string bytes = "\xEF\xBB\xBF\n";
  for (int i = 10; i < 40; ++i) bytes += "Paragraph " + std::to_string(i) + ".\nIts second line.\n \n";
  Corpus corpus = corpus_from_bytes("m", bytes);
  const Document before = corpus.documents[0];
  const HoldOut split = hold_out_last(corpus);
  CHECK(split.training == std::vector<std::int32_t>{0});
  CHECK(split.held_out == std::vector<std::int32_t>{1});
  REQUIRE(corpus.documents.size() == 2);
  const Document &first = corpus.documents[0], &second = corpus.documents[1];
  CHECK(first.range.begin == 0);
  CHECK(first.range.end == second.range.begin);
  CHECK(second.range.end == corpus.size());
  CHECK(first.paragraphs.size() == 27);
  CHECK(second.title == "Paragraph 37.");
  CHECK(corpus.bytes(second).starts_with("Paragraph 37.\n"));
  CHECK(second.index == 1);
  auto sentences = first.sentences, paragraphs = first.paragraphs;
  sentences.insert(sentences.end(), second.sentences.begin(), second.sentences.end());
  paragraphs.insert(paragraphs.end(), second.paragraphs.begin(), second.paragraphs.end());
  CHECK(sentences == before.sentences);
  CHECK(paragraphs == before.paragraphs);
}

TEST_CASE("a single paragraph is cut behind a line that ends a sentence, or not at all", "[text]") {
  std::string bytes;
  for (int i = 10; i < 30; ++i) bytes += " Line number " + std::to_string(i) + " \r\n";
  Corpus corpus = corpus_from_bytes("m", bytes, {"en", "lines"});
  hold_out_last(corpus);
  REQUIRE(corpus.documents.size() == 2);
  CHECK(corpus.bytes(corpus.documents[1]) == " Line number 28 \r\n Line number 29 \r\n");
  CHECK(corpus.documents[0].sentences.size() == 18);
  CHECK(of(corpus, corpus.documents[1], corpus.documents[1].paragraphs[0]) == " Line number 28 \r\n Line number 29 ");
  Corpus line = corpus_from_bytes("m", "One line. Another sentence in it.");
  CHECK_THROWS_AS(hold_out_last(line), DataError);
}

TEST_CASE("the last tenth of Tiny Shakespeare is held out", "[text]") {
  const std::string path = test::data_path("tinyshakespeare");
  if (path.empty()) return;
  Corpus corpus = read_corpus({path + "/input.txt"});
  hold_out_last(corpus);
  REQUIRE(corpus.documents.size() == 2);
  CHECK(std::abs(corpus.documents[1].range.size() - 111539) < 500);
}

TEST_CASE("text that cannot be read is named in one line", "[text]") {
  const test::TemporaryFolder folder;
  CHECK_THAT(failure<FileError>({folder / "absent.txt"}), Catch::Contains("absent.txt") && Catch::Contains("no such file"));
  write(folder / "empty.txt", "");
  CHECK_THAT(failure<DataError>({folder / "empty.txt"}), Catch::Contains("empty.txt") && Catch::Contains("is empty"));
  write(folder / "white.txt", " \n\f\n\n");
  CHECK_THAT(failure<DataError>({folder / "white.txt"}), Catch::Contains("white space"));
  write(folder / "bad.txt", "good line\nbad \xC3( here");
  CHECK_THAT(failure<DataError>({folder / "bad.txt"}),
             Catch::Contains("bad.txt:2") && Catch::Contains("byte 14") && Catch::Contains("0xc3"));
  std::filesystem::create_directory(folder / "without");
  CHECK_THAT(failure<DataError>({folder / "without"}), Catch::Contains("no .txt"));
  CHECK(failure<ConfigError>({}).find("--text") != std::string::npos);
}

TEST_CASE("UTF-8 is checked as RFC 3629 says", "[text]") {
  CHECK(first_invalid_utf8("plain \xC3\xA9 \xEA\xB5\xAD \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF") == -1);
  CHECK(first_invalid_utf8("ab\x80") == 2);            // lone continuation
  CHECK(first_invalid_utf8("\xC0\xAF") == 0);          // overlong
  CHECK(first_invalid_utf8("\xE0\x80\xAF") == 0);      // overlong
  CHECK(first_invalid_utf8("a\xED\xA0\x80") == 1);     // surrogate
  CHECK(first_invalid_utf8("\xF4\x90\x80\x80") == 0);  // above U+10FFFF
  CHECK(first_invalid_utf8("abc\xE2\x82") == 3);       // cut off
}

TEST_CASE("one line of 50 MB is read, with its sentences", "[text]") {
  std::string bytes;
  std::int64_t count = 0;
  while (bytes.size() < 50'000'000) {
    bytes += "The quick brown fox jumps over the lazy dog near Mr. Smith. ";
    ++count;
  }
  const Corpus corpus = corpus_from_bytes("memory.txt", bytes);
  REQUIRE(corpus.documents.size() == 1);
  CHECK(static_cast<std::int64_t>(corpus.documents[0].sentences.size()) == count);
  CHECK(corpus.documents[0].range.size() == static_cast<std::int64_t>(bytes.size()));
}

TEST_CASE("a sentence longer than the window ICU sees is one sentence", "[text]") {
  std::string longest;
  while (longest.size() < 1'000'000) longest += "국민 word ";
  const auto found = sentences("Short one. And " + longest + "end. Short two.");
  REQUIRE(found.size() == 3);
  CHECK(found[1] == "And " + longest + "end.");
}

TEST_CASE("sentences of running prose agree with those that people marked", "[text]") {
  // MASC's fiction has marks that are hard to share (a quotation is cut where its paragraph is not); GUM's travel guide has few.
  for (const auto& [name, least] : {std::pair<std::string, double>{"masc/fiction.sents.txt", 0.85}, {"gum/voyage.sents.txt", 0.97}}) {
    const std::string path = test::data_path(name);
    if (path.empty()) return;
    std::set<std::int64_t> marked, found;
    for (const bool lines : {true, false}) {
      const Corpus corpus = read_corpus({path}, {"en", lines ? "auto" : "icu"});
      for (const Document& document : corpus.documents) {
        for (const Span& span : document.sentences) (lines ? marked : found).insert(span.end);
      }
    }
    double both = 0;
    for (const std::int64_t end : found) both += marked.count(end) > 0 ? 1 : 0;
    INFO(name << ": F1 of sentence ends, the one who marked them against ICU");
    CHECK(2 * both / static_cast<double>(marked.size() + found.size()) > least);
  }
}
