// Sparse n-gram features against their definition, context by context, and the rule that a text read before does not know its answers.

#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "core/memory_archive.hpp"
#include "core/random.hpp"
#include "levels/ngrams.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index vocabulary = 12;
const std::vector<double> log_unigram(vocabulary, -std::log(12.0));

std::int32_t word(std::uint64_t t) {
  const std::uint64_t bits = mix(t);
  return static_cast<std::int32_t>(bits % 3 == 0 ? (bits >> 8) % 3 : (bits >> 8) % vocabulary);
}

/// Sums of what play() gives per word.
std::map<std::int32_t, double> played(Ngrams& ngrams, const Ngrams::Reading& reading, std::vector<Entry<double>>& entries) {
  entries.clear();
  ngrams.play<double>(std::span(&reading, 1), entries);
  std::map<std::int32_t, double> sums;
  for (const auto& e : entries) {
    CHECK(e.col == reading.stream);
    sums[e.row] += e.value;
  }
  return sums;
}

/// One step of a stream: plays, learns from a constant p, reads on.
std::map<std::int32_t, double> step(Ngrams& ngrams, const Ngrams::Reading& reading, double p) {
  std::vector<Entry<double>> entries;
  const auto sums = played(ngrams, reading, entries);
  ngrams.learn<double>(std::span(&reading, 1), std::vector<double>(entries.size(), p));
  ngrams.read(reading.stream, reading.id);
  return sums;
}

NgramSettings own_weights(Index orders) {
  NgramSettings settings;
  settings.orders = orders;
  settings.gain_rate = 0;
  return settings;
}

}  // namespace

TEST_CASE("n-grams: each context's words have the weights that its errors give, by a plain map") {
  constexpr Index orders = 3;
  constexpr double p = .1;
  Ngrams ngrams(own_weights(orders), 2, log_unigram);
  struct Weight {
    float theta = 0, power = 0;
  };
  std::map<std::vector<std::int32_t>, std::map<std::int32_t, Weight>> expected;
  std::vector<std::int32_t> history(orders, -1);
  for (std::uint64_t t = 0; t < 3000; ++t) {
    const std::int32_t id = word(t);
    std::map<std::int32_t, double> sums;
    for (Index k = 1; k <= orders; ++k) {
      auto& listed = expected[std::vector<std::int32_t>(history.begin(), history.begin() + k)];
      for (const auto& [w, weight] : listed) sums[w] += weight.theta;
    }
    const auto found = step(ngrams, {1, id, false}, p);
    REQUIRE(found.size() == sums.size());
    for (const auto& [w, sum] : sums) REQUIRE(found.at(w) == Approx(sum).margin(1e-5));
    for (Index k = 1; k <= orders; ++k) {
      auto& listed = expected[std::vector<std::int32_t>(history.begin(), history.begin() + k)];
      for (auto& [w, weight] : listed) {
        const float e = (w == id ? 1.0F : 0.0F) - static_cast<float>(p);
        weight.power += e * e;
        weight.theta += .7F * e / std::sqrt(weight.power + .05F);
      }
      listed.try_emplace(id);
    }
    history.insert(history.begin(), id);
    history.pop_back();
  }
  std::size_t features = 0;
  for (const auto& [context, listed] : expected) features += listed.size();
  CHECK(ngrams.size() == static_cast<Index>(features));
}

TEST_CASE("n-grams: a text read before does not know its answers") {
  // Every context of three words comes once: what follows it can be known only from the first pass.
  Ngrams ngrams(own_weights(3), 1, log_unigram);
  const auto pass = [&](bool counted) {
    double hits = 0;
    ngrams.reset();
    for (std::uint64_t t = 0; t < 4; ++t) {
      const auto id = static_cast<std::int32_t>(t);
      const auto sums = step(ngrams, {0, id, counted}, .05);
      hits += static_cast<double>(sums.count(id));
    }
    return hits;
  };
  CHECK(pass(false) == 0);
  CHECK(pass(true) == 0);   // left out
  CHECK(pass(false) == 4);  // met as new, its contexts are known
}

TEST_CASE("n-grams: what is shared by counts is learned from all words alike") {
  NgramSettings settings;
  settings.orders = 1;
  settings.rate = 0;
  Ngrams ngrams(settings, 1, log_unigram);
  // Word 2k + 1 always follows word 2k: after half the pairs were met, the other half, met once each, are already expected again.
  std::map<std::int32_t, double> sums;
  for (int round = 0; round < 40; ++round)
    for (std::int32_t k = 0; k < 3; ++k)
      for (const std::int32_t id : {2 * k, 2 * k + 1}) step(ngrams, {0, id, false}, .2);
  step(ngrams, {0, 10, false}, .2);
  step(ngrams, {0, 11, false}, .2);
  ngrams.read(0, 10);
  std::vector<Entry<double>> entries;
  sums = played(ngrams, {0, 0, false}, entries);
  CHECK(sums.at(11) > 0);
}

TEST_CASE("n-grams: recent words are expected by how lately they came, and forgotten with the document") {
  NgramSettings settings;
  settings.recency = {20};
  Ngrams ngrams(settings, 1, log_unigram);
  std::vector<Entry<double>> entries;
  for (int t = 0; t < 200; ++t) step(ngrams, {0, t / 20 % 2 == 0 ? t % 2 : 2 + t % 2, false}, .1);
  auto sums = played(ngrams, {0, 0, false}, entries);
  CHECK(sums.size() == 4);
  CHECK(sums.at(2) > sums.at(0));  // of the last twenty words, and of the twenty before
  ngrams.forget(0);
  CHECK(played(ngrams, {0, 0, false}, entries).empty());
}

TEST_CASE("n-grams: saved in the middle, they go on as if never stopped") {
  NgramSettings settings;
  settings.orders = 4;
  settings.recency = {30};
  settings.limit = 5;
  Ngrams one(settings, 2, log_unigram), other(settings, 2, log_unigram);
  const auto go = [](Ngrams& ngrams, std::uint64_t from, std::uint64_t to) {
    double sum = 0;
    for (std::uint64_t t = from; t < to; ++t)
      for (const auto& [w, value] : step(ngrams, {static_cast<std::int32_t>(t % 2), word(t), t % 5 == 0}, .1)) sum += value * (1 + w);
    return sum;
  };
  go(one, 0, 2500);
  MemoryArchive saved;
  one.archive_parameters(saved);
  one.archive_state(saved);
  saved.rewind();
  other.archive_parameters(saved);
  other.archive_state(saved);
  CHECK(other.size() == one.size());
  CHECK(go(one, 2500, 4000) == go(other, 2500, 4000));
}

TEST_CASE("n-grams: a hierarchy that reads a text again does not score it by its answers") {
  // The same hundred words twice: as new text the second time, they are known by heart; as the second pass over a text, they are not.
  const auto second_reading = [](bool told) {
    Tiny<double> tiny({"hierarchy.levels=1", "learning.rate=0", "level.0.ngrams=3", "level.0.context_dropout=0"}, 1, 4, 60);
    ScriptedWorld world(1, 60, 200, [told](Index t, Index) {
      Word word = random_word(3, t % 100, 60);
      word.pass = told && t >= 100 ? 1 : 0;
      return word;
    });
    Probe<double> probe(*tiny.hierarchy, world, tiny.learning.get(), 4);
    probe.start();
    double nats = 0;
    for (Index t = 0; t < 200; ++t) {
      probe.begin();
      if (t >= 110) nats += values<double>(tiny.hierarchy->level(0).snapshot().surprise, *tiny.device)[0] / 90;
      probe.end();
    }
    return nats;
  };
  const double told = second_reading(true), untold = second_reading(false);
  INFO(told << " and " << untold << " nats");
  CHECK(untold < 3);
  CHECK(told > 3.7);  // ln 60 is 4.1
}

TEST_CASE("n-grams: what was met once is not unlearned when the text is read again") {
  Ngrams ngrams(own_weights(1), 1, log_unigram);
  const auto read = [&](bool counted) {
    for (const std::int32_t id : {1, 2, 1, 3, 1, 4}) step(ngrams, {0, id, counted}, .3);
  };
  read(false);
  ngrams.read(0, 1);
  std::vector<Entry<double>> entries;
  const auto before = played(ngrams, {0, 0, false}, entries);
  for (int pass = 0; pass < 5; ++pass) read(true);
  ngrams.read(0, 1);
  const auto after = played(ngrams, {0, 0, false}, entries);
  CHECK(before.size() == 3);
  CHECK(after == before);
}
