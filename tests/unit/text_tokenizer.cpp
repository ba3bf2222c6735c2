// Tokens of documents: separators, flags, sizes, what is kept in a model file.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "core/error.hpp"
#include "experiments/worlds/text/text_world.hpp"
#include "experiments/worlds/text/tokenizer.hpp"
#include "tests/support/data.hpp"
#include "tests/support/temporary.hpp"

namespace {

using namespace strata;
using namespace strata::text;

std::string prose(int documents) {
  std::string out;
  for (int i = 0; i < documents; ++i) {
    out += i > 0 ? "\n\f\n" : "";
    for (int k = 0; k < 5; ++k) {
      out += k > 0 ? "\n\n" : "";
      out += "The lady of house " + std::to_string(i) +
             " had come\nback from town. She was not alone. Her sister\nhad followed her number " + std::to_string(k) + ".";
    }
  }
  return out + "\n";
}

struct Example {
  explicit Example(const std::string& bytes, const TokenizerOptions& options = small())
      : corpus(corpus_from_bytes("memory.txt", bytes)), tokenizer(Tokenizer::train(corpus, all_documents(corpus), options)) {}
  static TokenizerOptions small() {
    TokenizerOptions options;
    options.vocabulary = 400;
    return options;
  }
  std::vector<std::string> pieces(const EncodedDocument& document) const {
    std::vector<std::string> out;
    for (const std::int32_t id : document.ids) out.push_back(tokenizer.piece(id));
    return out;
  }
  Corpus corpus;
  Tokenizer tokenizer;
};

}  // namespace

TEST_CASE("a text without marks is its words, all its bytes, and what ends is not told", "[text]") {
  const Example example(prose(12));
  const Tokenizer& tokenizer = example.tokenizer;
  const auto with = tokenizer.encode(example.corpus, all_documents(example.corpus));
  auto without = with;
  hide_marks(without, tokenizer);
  for (std::size_t d = 0; d < with.size(); ++d) {
    const EncodedDocument &marked = with[d], &plain = without[d];
    CHECK(marked.told);
    CHECK(!plain.told);
    REQUIRE(plain.size() > 0);
    std::vector<std::int32_t> words;
    for (const std::int32_t id : marked.ids)
      if (id != tokenizer.line_end() && id != tokenizer.end_of_paragraph() && id != tokenizer.end_of_document()) words.push_back(id);
    CHECK(plain.ids == words);
    CHECK(plain.starts.front() == marked.starts.front());
    CHECK(plain.starts.back() == marked.starts.back());
    CHECK(std::is_sorted(plain.starts.begin(), plain.starts.end()));
    CHECK(plain.starts.size() == plain.ids.size() + 1);
    for (const std::uint8_t kind : {sentence_end, paragraph_end, document_end}) {
      const auto ends = [kind](const EncodedDocument& document) {
        return std::count_if(document.boundary.begin(), document.boundary.end(), [kind](std::uint8_t bits) { return (bits & kind) != 0; });
      };
      CHECK(ends(plain) > 0);
      if (kind != sentence_end) CHECK(ends(plain) == ends(marked));
    }
    CHECK((plain.boundary.back() & document_end) != 0);
  }
  // Who reads it is told nothing; what is recorded is the truth.
  TextWorldOptions options;
  options.streams = 2;
  TextWorld world(without, tokenizer.vocabulary(), options);
  Observation o;
  o.resize(2);
  Index paragraphs = 0, told = 0;
  while (world.next(o))
    for (std::size_t j = 0; j < 2; ++j) {
      told += (o.boundary[j] & (sentence_end | paragraph_end | document_end | forced_tick)) != 0 ? 1 : 0;
      paragraphs += (o.boundary[j] >> untold & paragraph_end) != 0 ? 1 : 0;
    }
  CHECK(told == 0);
  CHECK(paragraphs == 12 * 5);
}

TEST_CASE("separators are tokens, with their flags and their bytes", "[text]") {
  const Example example(prose(12));
  const Tokenizer& tokenizer = example.tokenizer;
  const auto documents = tokenizer.encode(example.corpus, all_documents(example.corpus));
  for (const EncodedDocument& document : documents) {
    const auto last = static_cast<std::size_t>(document.size() - 1);
    CHECK(document.ids[last] == tokenizer.end_of_document());
    CHECK(document.boundary[last] == (sentence_end | paragraph_end | document_end));
    CHECK(document.byte_end(document.size() - 1) - document.byte_begin(document.size() - 1) == (document.index == 11 ? 0 : 3));
    int paragraphs = 0, sentences = 0, lines = 0;
    for (std::size_t t = 0; t < last; ++t) {
      if (document.ids[t] == tokenizer.end_of_paragraph()) {
        ++paragraphs;
        CHECK(document.boundary[t] == (sentence_end | paragraph_end));
        CHECK(document.boundary[t - 1] == sentence_end);
        CHECK(document.byte_end(static_cast<Index>(t)) - document.byte_begin(static_cast<Index>(t)) == 2);
      } else {
        CHECK((document.boundary[t] & ~sentence_end) == 0);
        sentences += document.boundary[t];
        lines += document.ids[t] == tokenizer.line_end() ? 1 : 0;
      }
    }
    CHECK(paragraphs == 4);
    CHECK(sentences == 15);
    CHECK(lines >= 10);
  }
  CHECK(tokenizer.piece(tokenizer.end_of_paragraph()) == "<eop>");
  CHECK(tokenizer.piece(tokenizer.end_of_document()) == "<eod>");
}

TEST_CASE("both halves of a document that is cut in two come back", "[text]") {
  for (const std::string& bytes :
       {std::string("one two\n\nthree four\n \n  five six"), std::string("A line. \r\nAnother line.\r\n  A third line. \r\n")}) {
    Example example(bytes);
    hold_out_last(example.corpus);
    const auto documents = example.tokenizer.encode(example.corpus, all_documents(example.corpus));
    REQUIRE(documents.size() == 2);
    CHECK(documents[0].boundary.back() == (sentence_end | paragraph_end | document_end));
    CHECK(example.tokenizer.decode(documents[0].ids, false) + example.tokenizer.decode(documents[1].ids, true) == bytes);
  }
}

TEST_CASE("a word is the same token at the start of a line and inside it", "[text]") {
  const Example example(prose(12));
  const Corpus text = corpus_from_bytes("m", "lady had her lady\nlady came back\n\nlady\n  lady");
  const auto document = example.tokenizer.encode(text, text.documents[0]);
  const auto lady = document.ids.front();
  CHECK(example.tokenizer.piece(lady) == "\xE2\x96\x81lady");
  CHECK(std::count(document.ids.begin(), document.ids.end(), lady) == 5);
  CHECK(document.byte_end(0) == 4);  // the space it is encoded with is not in the source
  CHECK(example.tokenizer.decode(document.ids) == text.bytes(text.documents[0]));
}

TEST_CASE("the bytes of a separator are the training text's commonest", "[text]") {
  std::string windows;
  for (const char c : prose(12)) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const Example example(windows);
  const auto document = example.tokenizer.encode(example.corpus, example.corpus.documents[0]);
  for (const std::string& piece : example.pieces(document)) CHECK(piece.find("<0x0D>") == std::string::npos);
  CHECK(document.byte_end(document.size() - 1) - document.byte_begin(document.size() - 1) == 5);  // <eod> is "\r\n\f\r\n"
  // The same words with other line ends come back as well: spelled out.
  const Corpus unix_text = corpus_from_bytes("m", prose(2));
  for (const Document& each : unix_text.documents) {
    const auto encoded = example.tokenizer.encode(unix_text, each);
    CHECK(example.tokenizer.decode(encoded.ids, each.index == 1) == unix_text.bytes(each));
    CHECK(std::count(encoded.ids.begin(), encoded.ids.end(), example.tokenizer.end_of_paragraph()) == 4);
  }
}

TEST_CASE("nasty bytes come back, with every range in its place", "[text]") {
  const Example example(prose(12));
  for (const std::string& bytes : {
           std::string("\xEF\xBB\xBF"
                       "The lady\r\nhad\tcome.  Two   spaces \n \n\n\n  indented\n"),
           std::string("a \xE2\x96\x81 real mark \xE2\x96\x81\xE2\x96\x81 and \xE2\x96\x85 here"),
           std::string("<unk> <0x41> <eop> <s> </s> <nl> <no such piece>\n\n<eod>"),
           std::string("nul\0inside \x01\x7F\n\f\n\n\nnext\n\f\n", 25),
           std::string("\n\n\n lead\n\nand trail   \r\n\r\n\t\n"),
           std::string("x\r\r\n\r\ny\f\n\nz \xC2\xA0 \xE3\x80\x80 \xE2\x80\xA8 \xF0\x9F\x98\x80"),
           std::string("no newline at the end\n\n   "),
       }) {
    const Corpus text = corpus_from_bytes("m", bytes);
    std::string whole;
    for (const Document& document : text.documents) {
      const auto encoded = example.tokenizer.encode(text, document);
      const bool file_end = document.range.end == static_cast<std::int64_t>(bytes.size());
      const std::string decoded = example.tokenizer.decode(encoded.ids, file_end);
      CHECK(decoded == text.bytes(document));
      CHECK(encoded.starts.front() == document.range.begin);
      CHECK(encoded.starts.back() == document.range.end);
      CHECK(std::is_sorted(encoded.starts.begin(), encoded.starts.end()));
      whole += decoded;
    }
    CHECK(whole == bytes);
  }
}

TEST_CASE("SentencePiece's own marks in a text neither hide the words beside them nor keep them from being learned", "[text]") {
  std::string bytes;
  for (int i = 0; i < 30; ++i) bytes += "Lady\xE2\x96\x81lady \xE2\x96\x85 came home " + std::to_string(i) + ". ";
  const Example example(bytes);
  const Corpus text = corpus_from_bytes("m", "came\xE2\x96\x81lady home\xE2\x96\x85");
  const auto document = example.tokenizer.encode(text, text.documents[0]);
  const auto pieces = example.pieces(document);
  CHECK(pieces.front() ==
        "\xE2\x96\x81"
        "came");
  CHECK(std::count(pieces.begin(), pieces.end(), "<0x81>") == 1);
  CHECK(std::count(pieces.begin(), pieces.end(), "<0x85>") == 1);
  CHECK(std::count(pieces.begin(), pieces.end(), "\xE2\x96\x81home") == 1);
  CHECK(example.tokenizer.decode(document.ids) == text.bytes(text.documents[0]));
}

TEST_CASE("a vocabulary without a piece for a space still keeps spaces at the start of a line", "[text]") {
  std::string bytes;
  for (int i = 0; i < 40; ++i) bytes += "吾輩は猫である。\n\n";
  auto model = Example(bytes).tokenizer.to_bytes();
  // The field that says whether words are parted by spaces: length 1, then "0".
  const std::vector<std::uint8_t> field = {1, 0, 0, 0, 0, 0, 0, 0, '0'};
  const auto found = std::search(model.begin(), model.end(), field.begin(), field.end());
  REQUIRE(found != model.end());
  *(found + 8) = '1';
  const Tokenizer tokenizer = Tokenizer::from_bytes(model);
  const Corpus text = corpus_from_bytes("m", " a\n 猫\n  である\n猫 \n\n 猫");
  CHECK(tokenizer.decode(tokenizer.encode(text, text.documents[0]).ids) == text.bytes(text.documents[0]));
}

TEST_CASE("text in a script without spaces gets no space of its own", "[text]") {
  std::string bytes;
  for (int i = 0; i < 40; ++i) bytes += "吾輩は猫である。名前はまだ無い。どこで生れたか頓と見當がつかぬ。\n\n";
  const Example example(bytes);
  const auto document = example.tokenizer.encode(example.corpus, example.corpus.documents[0]);
  for (const std::string& piece : example.pieces(document)) CHECK(piece.find("\xE2\x96\x81") == std::string::npos);
  CHECK(example.tokenizer.decode(document.ids) == bytes);
}

TEST_CASE("a tokenizer restored from its bytes is the same", "[text]") {
  const Example example(prose(12));
  const auto bytes = example.tokenizer.to_bytes();
  const Tokenizer restored = Tokenizer::from_bytes(bytes);
  CHECK(restored.to_bytes() == bytes);
  CHECK(restored.vocabulary() == example.tokenizer.vocabulary());
  const auto& document = example.corpus.documents[3];
  CHECK(restored.encode(example.corpus, document).ids == example.tokenizer.encode(example.corpus, document).ids);

  CHECK_THROWS_AS(Tokenizer::from_bytes({}), DataError);
  CHECK_THROWS_AS(Tokenizer::from_bytes({'h', 'e', 'l', 'l', 'o'}), DataError);
  for (std::size_t cut : {std::size_t{20}, bytes.size() / 2, bytes.size() - 1}) {
    CHECK_THROWS_AS(Tokenizer::from_bytes({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut)}), DataError);
  }
}

TEST_CASE("learning a tokenizer is deterministic and sees nothing of the held-out text", "[text]") {
  const Corpus corpus = corpus_from_bytes("m", prose(10) + "\f\nzyzzyva zyzzyva zyzzyva zyzzyva zyzzyva zyzzyva zyzzyva qqqq qqqq qqqq\n");
  for (const char* kind : {"bpe", "unigram"}) {
    TokenizerOptions options = Example::small();
    options.kind = kind;
    std::vector<std::int32_t> training(10);
    std::iota(training.begin(), training.end(), 0);
    const Tokenizer first = Tokenizer::train(corpus, training, options), second = Tokenizer::train(corpus, training, options);
    CHECK(first.to_bytes() == second.to_bytes());
    for (std::int32_t id = 0; id < first.vocabulary(); ++id) CHECK(first.piece(id).find('q') == std::string::npos);
    const auto& held_out = corpus.documents[10];
    CHECK(first.decode(first.encode(corpus, held_out).ids) == corpus.bytes(held_out));
  }
  // A sample is drawn by the seed, and again the same.
  TokenizerOptions options = Example::small();
  options.sample_bytes = 800;
  CHECK(Tokenizer::train(corpus, {0, 1, 2, 3}, options).to_bytes() == Tokenizer::train(corpus, {0, 1, 2, 3}, options).to_bytes());
}

TEST_CASE("a text too small for the vocabulary gets the largest that works, and a warning", "[text]") {
  for (const char* kind : {"bpe", "unigram"}) {
    for (const std::string& bytes :
         {std::string("a"), std::string("three little words"), std::string("\x01\x02"), prose(2), std::string("국민이 대통령을")}) {
      TokenizerOptions options;
      options.kind = kind;
      std::string warning;
      const Corpus corpus = corpus_from_bytes("m", bytes);
      const Tokenizer tokenizer =
          Tokenizer::train(corpus, all_documents(corpus), options, [&](const std::string& line) { warning += line; });
      CHECK(tokenizer.vocabulary() < 8000);
      CHECK_THAT(warning, Catch::Contains("of " + std::to_string(tokenizer.vocabulary()) + ", not 8000"));
      CHECK(tokenizer.decode(tokenizer.encode(corpus, corpus.documents[0]).ids, corpus.documents.size() == 1) ==
            corpus.bytes(corpus.documents[0]));
    }
  }
}

TEST_CASE("more characters than pieces: the rarest are spelled in bytes", "[text]") {
  std::string bytes;
  for (int i = 0; i < 3000; ++i) {  // 3000 different ideographs
    const int code = 0x4E00 + i;
    bytes += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
  }
  const Example example(bytes);
  CHECK(example.tokenizer.vocabulary() <= 400);
  CHECK(example.tokenizer.decode(example.tokenizer.encode(example.corpus, example.corpus.documents[0]).ids) == bytes);
  TokenizerOptions options;
  options.vocabulary = 100;  // fewer than the bytes
  CHECK_THROWS_AS(Example(prose(3), options), ConfigError);
  options = Example::small();
  options.kind = "word";
  CHECK_THROWS_AS(Example(prose(3), options), ConfigError);
}

TEST_CASE("SentencePiece writes nothing to standard error", "[text]") {
  const test::TemporaryFolder folder;
  std::fflush(stderr);
  const int kept = dup(2);
  REQUIRE(std::freopen((folder / "stderr").c_str(), "w", stderr) != nullptr);
  { const Example example(prose(3)); }
  std::fflush(stderr);
  dup2(kept, 2);
  close(kept);
  CHECK(std::filesystem::file_size(folder / "stderr") == 0);
}

TEST_CASE("the unigram is smoothed by one and sums to one", "[text]") {
  const Example example(prose(12));
  const auto documents = example.tokenizer.encode(example.corpus, all_documents(example.corpus));
  const auto counts = count_tokens(documents, example.tokenizer.vocabulary());
  const auto nats = log_unigram(counts);
  REQUIRE(nats.size() == static_cast<std::size_t>(example.tokenizer.vocabulary()));
  double sum = 0;
  for (const double x : nats) sum += std::exp(x);
  CHECK(sum == Approx(1.0).epsilon(1e-12));
  CHECK(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) == total_tokens(documents));
  const auto eod = static_cast<std::size_t>(example.tokenizer.end_of_document());
  CHECK(counts[eod] == 12);
  CHECK(nats[eod] == Approx(std::log(13.0 / static_cast<double>(total_tokens(documents) + example.tokenizer.vocabulary()))));
}

TEST_CASE("a text of three words is too short to learn from, and says by how much", "[text]") {
  const Example example("three little words");
  const auto documents = example.tokenizer.encode(example.corpus, all_documents(example.corpus));
  try {
    require_tokens(example.corpus, documents, 1000);
    FAIL("accepted");
  } catch (const DataError& error) {
    CHECK_THAT(error.what(), Catch::Contains("memory.txt") && Catch::Contains(std::to_string(total_tokens(documents)) + " tokens") &&
                                 Catch::Contains("1000"));
  }
  CHECK_NOTHROW(require_tokens(example.corpus, documents, 4));
}

TEST_CASE("Korean and English news come back byte for byte, at a megabyte a second or more", "[text]") {
  for (const char* name : {"ko_news", "speeches_us"}) {
    const std::string path = test::data_path(name);
    if (path.empty()) return;
    const Corpus corpus = read_corpus({path});
    const Tokenizer tokenizer = Tokenizer::train(corpus, hold_out_tenth(corpus).training);
    CHECK(tokenizer.vocabulary() == 8000);
    const auto start = std::chrono::steady_clock::now();
    const auto documents = tokenizer.encode(corpus, all_documents(corpus));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    INFO(name << ": " << static_cast<double>(corpus.size()) / 1e6 / seconds << " MB/s");
#ifdef NDEBUG
    CHECK(static_cast<double>(corpus.size()) / 1e6 / seconds > 1.0);
#endif
    std::int64_t bytes = 0;
    bool same = true;
    for (const EncodedDocument& encoded : documents) {
      const Document& document = corpus.documents[static_cast<std::size_t>(encoded.index)];
      const bool file_end =
          document.range.end == static_cast<std::int64_t>(corpus.sources[static_cast<std::size_t>(document.source)].bytes.size());
      same = same && tokenizer.decode(encoded.ids, file_end) == corpus.bytes(document);
      for (Index t = 0; t < encoded.size(); ++t) bytes += encoded.byte_end(t) - encoded.byte_begin(t);
    }
    CHECK(same);
    CHECK(bytes == corpus.size());
  }
}
