// The n-gram model against a count by the definition, worked examples, and the laws that every distribution obeys.
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "core/error.hpp"
#include "experiments/kneser_ney.hpp"

namespace {

using namespace strata;

using Ids = std::vector<std::int32_t>;

/// Words that often repeat what was said before, so that long n-grams come back.
Ids random_words(std::uint32_t seed, std::size_t length, int vocabulary) {
  std::mt19937 random(seed);
  Ids ids;
  std::size_t copied = 0;
  for (std::size_t i = 0; i < length; ++i) {
    if (i > 10 && random() % 4 != 0) {
      ids.push_back(ids[copied++ % i]);
    } else {
      const int a = static_cast<int>(random() % static_cast<unsigned>(vocabulary)),
                b = static_cast<int>(random() % static_cast<unsigned>(vocabulary));
      ids.push_back(std::min(a, b));
      copied = i > 0 ? random() % i : 0;
    }
  }
  return ids;
}

/// Counts as the header defines them, from sets of n-grams.
class ByDefinition {
 public:
  ByDefinition(std::size_t order, int vocabulary, const std::vector<Ids>& sequences) : order_(order), vocabulary_(vocabulary) {
    std::map<Ids, double> times;  // every n-gram up to the order
    std::map<Ids, std::set<std::int32_t>> before;
    for (const Ids& words : sequences) {
      Ids all{KneserNey::begin};
      all.insert(all.end(), words.begin(), words.end());
      for (std::size_t end = 2; end <= all.size(); ++end) {
        for (std::size_t n = 1; n <= std::min(order, end); ++n) {
          const auto last = all.begin() + static_cast<std::ptrdiff_t>(end);
          const Ids gram(last - static_cast<std::ptrdiff_t>(n), last);
          times[gram] += 1;
          if (n < end) before[gram].insert(all[end - n - 1]);
        }
      }
    }
    for (const auto& [gram, count] : times) {
      const bool raw = gram.size() == order || gram.front() == KneserNey::begin;
      counts_[gram] = raw ? count : static_cast<double>(before[gram].size());
    }
    for (std::size_t n = 1; n <= order; ++n) {
      std::array<double, 6> of{};
      for (const auto& [gram, count] : counts_)
        if (gram.size() == n && count <= 4) of[static_cast<std::size_t>(count)] += 1;
      const double y = of[1] / (of[1] + 2 * of[2]);
      std::array<double, 3> d{1 - 2 * y * of[2] / of[1], 2 - 3 * y * of[3] / of[2], 3 - 4 * y * of[4] / of[3]};
      bool sound = of[4] > 0;
      for (std::size_t k = 0; k < 3; ++k) sound = sound && d[k] >= 0 && d[k] <= static_cast<double>(k + 1);  // NaN is not
      discounts_.push_back(sound ? d : std::array<double, 3>{.5, 1, 1.5});
      estimated += sound ? 1 : 0;
    }
  }

  double probability(Ids history, std::int32_t id) const {
    while (history.size() + 1 > order_) history.erase(history.begin());
    return recursive(history, id, history.size() + 1);
  }

  const std::array<double, 3>& discounts(std::size_t length) const { return discounts_[length - 1]; }
  int estimated = 0;  ///< lengths whose discounts come from the counts

 private:
  double recursive(const Ids& history, std::int32_t id, std::size_t length) const {
    const double lower = length == 1 ? 1.0 / vocabulary_ : recursive(Ids(history.begin() + 1, history.end()), id, length - 1);
    const auto& d = discounts_[length - 1];
    double total = 0, own = 0, mass = 0;
    for (std::int32_t w = 0; w < vocabulary_; ++w) {
      Ids gram = history;
      gram.push_back(w);
      const auto found = counts_.find(gram);
      if (found == counts_.end()) continue;
      const double discount = d[static_cast<std::size_t>(std::min(found->second, 3.0)) - 1];
      total += found->second;
      mass += discount;
      if (w == id) own = found->second - discount;
    }
    return total > 0 ? (own + mass * lower) / total : lower;
  }

  std::size_t order_;
  int vocabulary_;
  std::map<Ids, double> counts_;
  std::vector<std::array<double, 3>> discounts_;
};

double sum(const KneserNey& model, const Ids& history) {
  double total = 0;
  for (std::int32_t w = 0; w < model.vocabulary(); ++w) total += model.probability(history, w);
  return total;
}

}  // namespace

TEST_CASE("a bigram model of six words, by hand", "[kneser_ney]") {
  KneserNey model(2, 3);
  const Ids history{0};
  CHECK(model.probability(history, 1) == Approx(1.0 / 3));  // nothing learned: uniform
  model.add(Ids{0, 1, 0, 1, 0, 2});                         // discounts are still 1/2, 1, 3/2
  // Different words before: 2 (begin, 1) of 0, one of 1, one of 2.
  CHECK(model.probability({}, 0) == Approx(5.0 / 12));
  CHECK(model.probability({}, 1) == Approx(3.5 / 12));
  CHECK(model.probability(history, 1) == Approx((2 - 1 + 1.5 * 3.5 / 12) / 3));
  CHECK(model.probability(history, 2) == Approx((1 - .5 + 1.5 * 3.5 / 12) / 3));
  CHECK(model.probability(history, 0) == Approx(1.5 * 5.0 / 12 / 3));
  const Ids begun{KneserNey::begin}, unseen{2};
  CHECK(model.probability(begun, 0) == Approx((1 - .5 + .5 * 5.0 / 12) / 1));
  CHECK(model.probability(unseen, 1) == Approx(3.5 / 12));
  CHECK(model.ngrams() == 7);
}

TEST_CASE("the model counts as its definition says, at every order", "[kneser_ney]") {
  const int order = GENERATE(1, 2, 3, 4, 6), vocabulary = 60;
  std::vector<Ids> sequences{random_words(1, 900, vocabulary), random_words(2, 5, vocabulary), random_words(3, 300, vocabulary)};
  for (std::uint32_t i = 0; i < 40; ++i) sequences.push_back(random_words(1, 1 + i % 9, vocabulary));
  const ByDefinition expected(static_cast<std::size_t>(order), vocabulary, sequences);
  KneserNey model(order, vocabulary);
  for (const Ids& words : sequences) model.add(words);
  model.finish();
  CHECK(expected.estimated >= order - 1);
  for (int n = 1; n <= order; ++n)
    for (std::size_t k = 0; k < 3; ++k) CHECK(model.discounts(n)[k] == Approx(expected.discounts(static_cast<std::size_t>(n))[k]));
  Ids history{KneserNey::begin};
  for (const std::int32_t word : random_words(9, 200, vocabulary)) {
    for (std::int32_t w = 0; w < vocabulary; ++w)
      CHECK(model.probability(history, w) == Approx(expected.probability(history, w)).epsilon(1e-12));
    history.push_back(word);
  }
}

TEST_CASE("every distribution sums to one, before and while it learns", "[kneser_ney]") {
  const int order = GENERATE(range(1, 9)), vocabulary = 40;
  KneserNey model(order, vocabulary);
  CHECK(std::abs(sum(model, {}) - 1) < 1e-10);
  model.add(random_words(4, 3000, vocabulary - 5));  // five words never come
  CHECK(std::abs(sum(model, {KneserNey::begin}) - 1) < 1e-10);
  model.finish();
  Ids history{KneserNey::begin};
  for (const std::int32_t word : random_words(5, 300, vocabulary)) {
    CHECK(std::abs(sum(model, history) - 1) < 1e-10);
    CHECK(model.probability(history, word) > 0);
    model.learn(history, word);
    CHECK(std::abs(sum(model, history) - 1) < 1e-10);
    history.push_back(word);
  }
  CHECK(std::abs(sum(model, {39, 39, 39, 38}) - 1) < 1e-10);
}

TEST_CASE("learning word by word leaves what training on the same text leaves", "[kneser_ney]") {
  const int order = GENERATE(1, 3, 5);
  const Ids first = random_words(6, 2000, 30), second = random_words(7, 800, 30);
  KneserNey whole(order, 30), learning(order, 30);
  whole.add(first);
  learning.add(first);
  learning.finish();
  Ids history{KneserNey::begin};
  for (const std::int32_t word : second) {
    learning.learn(history, word);
    history.push_back(word);
  }
  whole.add(second);
  whole.finish();
  CHECK(whole.ngrams() == learning.ngrams());
  if (order > 1) CHECK(whole.discounts(order) != learning.discounts(order));  // those of the first text stay
  learning.finish();
  for (std::size_t n = 1; n < history.size(); ++n) {
    const auto begun = std::span<const std::int32_t>(history).first(n);
    REQUIRE(whole.probability(begun, history[n]) == learning.probability(begun, history[n]));
  }
}

TEST_CASE("the longest history ever seen, none before a begin symbol", "[kneser_ney]") {
  KneserNey model(4, 10);
  model.add(Ids{1, 2, 3, 4, 5});
  CHECK(model.matched(Ids{9, 2, 3}) == 2);
  CHECK(model.matched(Ids{1, 2, 3}) == 3);
  CHECK(model.matched(Ids{7}) == 0);
  CHECK(model.matched(Ids{4, 5}) == 0);  // nothing ever followed it
  CHECK(model.matched(Ids{6, KneserNey::begin, 1}) == 2);
  CHECK(model.matched({}) == 0);
  const Ids crossing{6, KneserNey::begin, 1}, begun{KneserNey::begin, 1};
  CHECK(model.probability(crossing, 2) == model.probability(begun, 2));
}

TEST_CASE("what an n-gram model cannot be made of is refused", "[kneser_ney]") {
  CHECK_THROWS_AS(KneserNey(0, 10), ShapeError);
  CHECK_THROWS_AS(KneserNey(9, 10), ShapeError);
  CHECK_THROWS_AS(KneserNey(3, 0), ShapeError);
  KneserNey model(3, 10);
  CHECK_THROWS_AS(model.add(Ids{1, 10}), ShapeError);
  CHECK_THROWS_AS(model.learn({}, KneserNey::begin), ShapeError);
  CHECK_THROWS_AS(model.probability({}, -1), ShapeError);
}
