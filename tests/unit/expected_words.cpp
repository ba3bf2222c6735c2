// Which words a distribution is described by, and how they are laid out.

#include "experiments/expected_words.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "experiments/word_table.hpp"

using namespace strata;

namespace {

std::vector<double> logs(const std::vector<double>& p) {
  std::vector<double> log;
  for (const double x : p) log.push_back(std::log(x));
  return log;
}

std::vector<float> short_logs(const std::vector<double>& p) {
  std::vector<float> log;
  for (const double x : p) log.push_back(static_cast<float>(std::log(x)));
  return log;
}

std::vector<std::int32_t> ids(const Expectation& expected) {
  std::vector<std::int32_t> all;
  for (const ExpectedWord& word : expected.words) all.push_back(word.id);
  return all;
}

using By = WordChoice::By;
const std::vector<double> background{.5, .3, .1, .08, .02}, p{.4, .3, .05, .17, .08};

}  // namespace

TEST_CASE("expected words: entropy and departure in closed form") {
  const Expectation expected = describe_expectation(short_logs(p), logs(background), {});
  double entropy = 0, departure = 0;
  for (std::size_t w = 0; w < p.size(); ++w) {
    entropy -= p[w] * std::log(p[w]);
    departure += p[w] * std::log(p[w] / background[w]);
  }
  CHECK(expected.entropy == Approx(entropy).epsilon(1e-6));
  CHECK(expected.departure == Approx(departure).epsilon(1e-6));
}

TEST_CASE("expected words: by probability, by lift, above a floor, of those that are usable") {
  const auto list = [](By by, std::size_t count, double floor, std::vector<std::uint8_t> usable) {
    return describe_expectation(short_logs(p), logs(background), {by, count, floor, std::move(usable)});
  };
  CHECK(ids(list(By::probability, 3, 0, {})) == std::vector<std::int32_t>{0, 1, 3});
  CHECK(ids(list(By::lift, 10, 0, {})) == std::vector<std::int32_t>{4, 3});  // the others are not expected more than ever
  CHECK(ids(list(By::lift, 1, 0, {})) == std::vector<std::int32_t>{4});
  CHECK(ids(list(By::lift, 10, .1, {})) == std::vector<std::int32_t>{3});
  CHECK(ids(list(By::lift, 10, 0, {1, 1, 1, 0, 1})) == std::vector<std::int32_t>{4});
  const ExpectedWord first = list(By::lift, 1, 0, {}).words.front();
  CHECK(first.p == Approx(.08).epsilon(1e-6));
  CHECK(first.lift == Approx(4).epsilon(1e-6));
}

TEST_CASE("expected words: the background itself raises no word") {
  const Expectation expected =
      describe_expectation(std::vector<float>(8, std::log(.125F)), std::vector<double>(8, static_cast<double>(std::log(.125F))), {});
  CHECK(expected.words.empty());
  CHECK(expected.departure == Approx(0).margin(1e-12));
}

TEST_CASE("expected words: pieces as people read them") {
  const std::string text =
      "the sting of the king, the king of the sting; singing the sing king thing. \"Sting the thing!\"\n\nThe king sings.\n";
  std::string all;
  for (int i = 0; i < 40; ++i) all += text + "\n";
  const text::Corpus corpus = text::corpus_from_bytes("made up", all);
  text::TokenizerOptions options;
  options.vocabulary = 320;
  const auto tokenizer = text::Tokenizer::train(corpus, text::all_documents(corpus), options);
  const ReadableWords readable(tokenizer);
  const auto whole = readable.whole();
  std::size_t begin = 0, go_on = 0, bytes = 0;
  for (std::int32_t id = 0; id < tokenizer.vocabulary(); ++id) {
    const std::string piece = tokenizer.piece(id), read = readable(id);
    CHECK(read.find("\xE2\x96\x81") == std::string::npos);
    CHECK(whole[static_cast<std::size_t>(id)] == (read.size() > 1 && read.front() == '+' ? 0 : 1));
    if (piece == "\xE2\x96\x81the") begin += read == "the" ? 1 : 0;
    if (piece == "ing") go_on += read == "+ing" ? 1 : 0;
    if (piece == ",") { CHECK(read == ","); }
    if (piece == "<0x3C>") bytes += read == "<" ? 1 : 0;  // no character of the text: spelled by its byte
    if (piece == "<0xE2>" || piece == "<0x07>") bytes += read == piece ? 1 : 0;
  }
  CHECK(bytes == 3);
  CHECK(begin == 1);
  CHECK(go_on == 1);
  CHECK(readable(tokenizer.end_of_paragraph()) == "(end of paragraph)");
}

TEST_CASE("a table of words: columns stand under their headings, also in other scripts") {
  CHECK(terminal_width("abc") == 3);
  CHECK(terminal_width("\xED\x95\x9C\xEA\xB5\xAD") == 4);  // two Hangul syllables
  CHECK(terminal_width("\xC3\xA9") == 1);
  CHECK(terminal_width("") == 0);
}
