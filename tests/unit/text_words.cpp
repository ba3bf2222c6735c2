// Tokens laid back on words.
#include <catch2/catch.hpp>

#include "experiments/worlds/text/words.hpp"

namespace {

using namespace strata;
using namespace strata::text;

std::vector<std::string> words(const std::string& training, const std::string& bytes) {
  const Corpus learned = corpus_from_bytes("training", training), corpus = corpus_from_bytes("m", bytes);
  TokenizerOptions options;
  options.vocabulary = 320;
  const Tokenizer tokenizer = Tokenizer::train(learned, all_documents(learned), options);
  std::vector<std::string> out;
  for (const Document& document : corpus.documents) {
    const EncodedDocument encoded = tokenizer.encode(corpus, document);
    Index previous = 0;
    for (const Word& word : words_of(corpus, encoded)) {
      CHECK(word.first >= previous);
      CHECK(word.first < word.last);
      CHECK(encoded.byte_begin(word.first) <= word.bytes.begin);
      CHECK(encoded.byte_end(word.last - 1) == word.bytes.end);
      previous = word.last;
      out.emplace_back(corpus.bytes(document, word.bytes));
    }
  }
  return out;
}

}  // namespace

TEST_CASE("tokens are laid back on words", "[text]") {
  const std::string training = "The lady of the house had come home. 국민이 대통령을 만났다. ";
  CHECK(words(training, "The lady's\nunseen  house.\r\n\r\n\t국민이 zq\xE2\x96\x81x\n\f\nend") ==
        std::vector<std::string>{"The", "lady's", "unseen", "house.", "국민이", "zq\xE2\x96\x81x", "end"});
  CHECK(words(training, "猫で a").size() == 3);  // spelled in bytes: a word for each of the two characters
}
