// The n-gram model's perplexity on the Penn Treebank words (validation part), beside values from an implementation of its own.
// 10,000 words, <unk> and the end of a sentence among them; 73,760 words are scored, the ends of sentences included.

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <sstream>
#include <unordered_map>
#include <vector>

#include "experiments/cache.hpp"
#include "experiments/kneser_ney.hpp"
#include "tests/support/data.hpp"

using namespace strata;
using namespace strata::test;

namespace {

using Sentences = std::vector<std::vector<std::int32_t>>;

Sentences read_sentences(const std::string& path, std::unordered_map<std::string, std::int32_t>& known) {
  const auto id = [&](const std::string& word) { return known.emplace(word, static_cast<std::int32_t>(known.size())).first->second; };
  std::ifstream in(path);
  Sentences sentences;
  for (std::string line; std::getline(in, line);) {
    sentences.emplace_back();
    std::istringstream words(line);
    for (std::string word; words >> word;) sentences.back().push_back(id(word));
    sentences.back().push_back(id("</s>"));
  }
  return sentences;
}

/// One sequence of all: running text.
Sentences joined(const Sentences& sentences) {
  Sentences one(1);
  for (const auto& s : sentences) one[0].insert(one[0].end(), s.begin(), s.end());
  return one;
}

struct Treebank {
  Sentences training, validation;
  Index vocabulary = 0;
};

/// Perplexities of the static model, of it beside a cache, and of it learning as it reads.
std::array<double, 3> perplexities(int order, const Treebank& text) {
  KneserNey model(order, text.vocabulary), learning(order, text.vocabulary);
  for (auto* m : {&model, &learning}) {
    for (const auto& sequence : text.training) m->add(sequence);
    m->finish();
  }
  UnigramCache cache(text.vocabulary, {500, 0});
  std::array<double, 3> nats{};
  double words = 0;
  for (const auto& sequence : text.validation) {
    std::vector<std::int32_t> history{KneserNey::begin};
    for (const std::int32_t id : sequence) {
      const double p = model.probability(history, id);
      nats[0] -= std::log(p);
      nats[1] -= std::log(cache.beside(p, .1, id));
      nats[2] -= std::log(learning.probability(history, id));
      learning.learn(history, id);
      cache.read(id);
      history.push_back(id);
      words += 1;
    }
  }
  CHECK(words == 73760);
  for (double& x : nats) x = std::exp(x / words);
  return nats;
}

}  // namespace

TEST_CASE("modified Kneser-Ney on the Penn Treebank has the known perplexities", "[kneser_ney]") {
  const std::string training = data_path("ptb/ptb.train.txt"), validation = data_path("ptb/ptb.valid.txt");
  if (training.empty() || validation.empty()) return;
  std::unordered_map<std::string, std::int32_t> known;
  Treebank text;
  text.training = read_sentences(training, known);
  text.validation = read_sentences(validation, known);
  text.vocabulary = static_cast<Index>(known.size());
  REQUIRE(text.vocabulary == 10000);

  const auto third = perplexities(3, text), fifth = perplexities(5, text);  // histories begin anew at every sentence
  CHECK(third[0] == Approx(157.77).margin(.05));
  CHECK(fifth[0] == Approx(148.01).margin(.05));
  CHECK(fifth[2] == Approx(135.71).margin(.05));

  text.training = joined(text.training);
  text.validation = joined(text.validation);
  const auto running_third = perplexities(3, text), running_fourth = perplexities(4, text), running_fifth = perplexities(5, text);
  CHECK(running_third[0] == Approx(157.9).margin(.06));
  CHECK(running_fourth[0] == Approx(149.8).margin(.06));
  CHECK(running_fifth[0] == Approx(147.7).margin(.06));
  CHECK(running_fourth[1] == Approx(133.0).margin(.06));
}
