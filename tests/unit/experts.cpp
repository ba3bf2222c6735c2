// The cache of recent words in closed form; the mixture of experts finds who is right.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "core/error.hpp"
#include "experiments/cache.hpp"
#include "experiments/expert_panel.hpp"
#include "experiments/experts.hpp"

using namespace strata;

namespace {

double sum(const UnigramCache& cache, Index vocabulary) {
  double total = 0;
  for (std::int32_t w = 0; w < vocabulary; ++w) total += cache.probability(w);
  return total;
}

}  // namespace

TEST_CASE("a cache counts what was read, decayed or within a window", "[cache]") {
  const double tau = GENERATE(0.0, 1.5, 20.0, 500.0);
  const Index window = GENERATE(0, 1, 7, 300);
  const Index vocabulary = 5;
  UnigramCache cache(vocabulary, {tau, window});
  CHECK(cache.probability(2) == 0);
  CHECK(cache.beside(.25, .1, 2) == .25);
  std::mt19937 random(3);
  std::vector<std::int32_t> read;
  for (int t = 0; t < 1000; ++t) {  // long enough that what is added is scaled back
    read.push_back(static_cast<std::int32_t>(random() % 4));
    cache.read(read.back());
    if (t % 37 != 0) continue;
    std::vector<double> counts(5, 0);
    for (std::size_t age = 0; age < read.size() && (window == 0 || age < static_cast<std::size_t>(window)); ++age)
      counts[static_cast<std::size_t>(read[read.size() - 1 - age])] += tau > 0 ? std::exp(-static_cast<double>(age) / tau) : 1;
    const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
    for (std::int32_t w = 0; w < 5; ++w)
      CHECK(cache.probability(w) == Approx(counts[static_cast<std::size_t>(w)] / total).epsilon(1e-9).margin(1e-12));
    CHECK(sum(cache, vocabulary) == Approx(1).epsilon(1e-12));
    CHECK(cache.beside(.2, .1, 1) == Approx(.9 * .2 + .1 * cache.probability(1)));
  }
  cache.clear();
  CHECK(cache.probability(1) == 0);
  cache.read(4);
  CHECK(cache.probability(4) == 1);
}

TEST_CASE("a cache of nothing is refused", "[cache]") {
  CHECK_THROWS_AS(UnigramCache(0, {}), ShapeError);
  CHECK_THROWS_AS(UnigramCache(3, {-1, 0}), ShapeError);
  CHECK_THROWS_AS(UnigramCache(3, {std::numeric_limits<double>::quiet_NaN(), 0}), ShapeError);
  CHECK_THROWS_AS(UnigramCache(3, {0, -1}), ShapeError);
}

TEST_CASE("a mixture's shares go to the expert that is the truth, and all distributions sum to one", "[experts]") {
  const std::vector<double> truth{.6, .3, .1}, other{.2, .2, .6};
  ExpertMixture mixture(2, 2);
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform;
  for (int t = 0; t < 20000; ++t) {
    double total = 0;
    for (std::size_t w = 0; w < 3; ++w) total += mixture.probability(std::vector<double>{other[w], truth[w]}, 1);
    REQUIRE(total == Approx(1).epsilon(1e-12));
    const double u = uniform(random);
    const std::size_t word = u < .6 ? 0 : u < .9 ? 1 : 2;
    mixture.learn(std::vector<double>{other[word], truth[word]}, 1);
  }
  CHECK(mixture.shares(1)[1] > .97);
  CHECK(mixture.shares(1)[0] + mixture.shares(1)[1] == Approx(1).epsilon(1e-12));
  CHECK(mixture.shares(0)[0] == .5);  // a bucket learns from its own moments
}

TEST_CASE("one step of a mixture is the slope of ln p", "[experts]") {
  const std::vector<double> p{.5, .1, .02};
  const double rate = .02, mixed = (.5 + .1 + .02) / 3;
  ExpertMixture mixture(3, 1, rate);
  mixture.learn(p);
  std::vector<double> expected;
  for (const double x : p) expected.push_back(std::exp(rate * (x / 3 / mixed - 1.0 / 3)));
  const double total = std::accumulate(expected.begin(), expected.end(), 0.0);
  for (std::size_t i = 0; i < 3; ++i) CHECK(mixture.shares()[i] == Approx(expected[i] / total).epsilon(1e-12));
}

TEST_CASE("an expert long wrong can come back, and a word nobody foresaw teaches nothing", "[experts]") {
  ExpertMixture mixture(2, 1, 1);
  for (int t = 0; t < 100000; ++t) mixture.learn(std::vector<double>{1, 1e-6});
  CHECK(mixture.shares()[0] > .999);
  const double before = mixture.shares()[1];
  mixture.learn(std::vector<double>{0, 0});
  CHECK(mixture.shares()[1] == before);
  for (int t = 0; t < 1000; ++t) mixture.learn(std::vector<double>{1e-6, 1});
  CHECK(mixture.shares()[1] > .99);
  ExpertMixture one(1);
  one.learn(std::vector<double>{.3});
  CHECK(one.probability(std::vector<double>{.7}) == .7);
}

TEST_CASE("a mixture of nothing is refused", "[experts]") {
  CHECK_THROWS_AS(ExpertMixture(0), ShapeError);
  CHECK_THROWS_AS(ExpertMixture(2, 0), ShapeError);
  CHECK_THROWS_AS(ExpertMixture(2, 1, -1), ShapeError);
  ExpertMixture mixture(2, 3);
  CHECK_THROWS_AS(mixture.probability(std::vector<double>{1}), ShapeError);
  CHECK_THROWS_AS(mixture.learn(std::vector<double>{1, 1}, 3), ShapeError);
}

namespace {

/// One step of streams: the words that they read, -1 for a stream that is idle.
Observation words_of(const std::vector<std::int32_t>& ids, const std::vector<std::int32_t>& documents) {
  Observation o;
  o.resize(static_cast<Index>(ids.size()));
  for (std::size_t j = 0; j < ids.size(); ++j) {
    o.active[j] = ids[j] >= 0;
    o.id[j] = std::max(0, ids[j]);
    o.document[j] = ids[j] >= 0 ? documents[j] : -1;
  }
  return o;
}

}  // namespace

TEST_CASE("a panel mixes the hierarchy, n-grams and the stream's own cache, which begin anew with a document", "[experts]") {
  const std::vector<std::int32_t> training{0, 1, 2, 0, 1, 2, 0, 1, 3, 0, 1, 2};
  KneserNey ngrams(2, 5);
  ngrams.add(training);
  ngrams.finish();
  const bool learning = GENERATE(false, true);
  ExpertPanel::Settings settings;
  settings.cache_time_constant = 3;
  settings.rate = 0;  // shares stay a third each
  settings.learning = learning;
  ExpertPanel panel(settings, ngrams, 2);
  // What each stream's experts must say, kept by hand.
  KneserNey counts = ngrams;
  std::vector<UnigramCache> caches(2, UnigramCache(5, {3, 0}));
  std::vector<std::vector<std::int32_t>> history(2, {KneserNey::begin});
  std::vector<double> out(2);
  const std::vector<float> surprise{1.5F, .5F};
  for (int t = 0; t < 200; ++t) {
    const std::vector<std::int32_t> ids{t % 3, t % 7 == 6 ? -1 : (t * t) % 5}, documents{t / 50, 100};
    if (t % 50 == 0 && t > 0) {
      history[0] = {KneserNey::begin};
      caches[0].clear();
    }
    panel.read(words_of(ids, documents), surprise, out);
    for (std::size_t j = 0; j < 2; ++j) {
      if (ids[j] < 0) {
        CHECK(out[j] == 0);
        continue;
      }
      const double p =
          (std::exp(-static_cast<double>(surprise[j])) + counts.probability(history[j], ids[j]) + caches[j].probability(ids[j])) / 3;
      CHECK(out[j] == Approx(-std::log(p)));
      if (learning) counts.learn(history[j], ids[j]);
      caches[j].read(ids[j]);
      history[j].push_back(ids[j]);
    }
  }
  const auto shares = panel.shares();
  for (const double share : shares) CHECK(share == Approx(1.0 / 3));
}

TEST_CASE("a panel's shares follow who is right", "[experts]") {
  KneserNey ngrams(2, 5);
  ngrams.add(std::vector<std::int32_t>{0, 1, 2, 3, 4, 0, 1, 2, 3, 4});
  ngrams.finish();
  ExpertPanel panel({}, ngrams, 1);
  std::vector<double> out(1);
  double last = 0;
  for (int t = 0; t < 3000; ++t) {
    const std::vector<float> surprise{static_cast<float>(std::log(5.0))};  // a hierarchy that knows nothing
    panel.read(words_of({t % 5}, {0}), surprise, out);
    last = out[0];
  }
  CHECK(panel.shares()[1] > .8);
  CHECK(last < .6);
}

TEST_CASE("experts: the first may begin with more than the others", "[experts]") {
  ExpertMixture mixture(3, 2, .02, .8);
  for (const std::size_t bucket : {std::size_t{0}, std::size_t{1}}) {
    CHECK(mixture.shares(bucket)[0] == Approx(.8));
    CHECK(mixture.shares(bucket)[1] == Approx(.1));
    CHECK(mixture.shares(bucket)[2] == Approx(.1));
  }
  const std::vector<double> p{.5, .1, .1};
  CHECK(mixture.probability(p) == Approx(.42));
  mixture.learn(p);  // logits go on from there: s_i exp(.02 s_i (p_i / p - 1)), as one sum
  std::vector<double> expected;
  for (std::size_t i = 0; i < 3; ++i) {
    const double s = i == 0 ? .8 : .1;
    expected.push_back(s * std::exp(.02 * s * (p[i] / .42 - 1)));
  }
  const double all = std::accumulate(expected.begin(), expected.end(), 0.0);
  for (std::size_t i = 0; i < 3; ++i) CHECK(mixture.shares()[i] == Approx(expected[i] / all));
  CHECK(mixture.shares(1)[0] == Approx(.8));
  CHECK_THROWS_AS(ExpertMixture(2, 1, .02, 1), ShapeError);
  CHECK_THROWS_AS(ExpertMixture(2, 1, .02, -.1), ShapeError);
  CHECK(ExpertMixture(1, 1, .02, .5).shares()[0] == 1);
}
