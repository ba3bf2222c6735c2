// The broad prediction: which words its windows hold, when it is made, and what it learns from a source without structure.

#include <catch2/catch.hpp>
#include <cmath>

#include "levels/broad.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index streams = 6, vocabulary = 40, units = 3;

/// One window as the definition has it: made after token `begin` - 1, to the end of the next unit, at most `limit` tokens, never across
/// documents.
struct Expected {
  Index begin, end;
  bool watched;
};

Index window_end(const std::vector<Word>& words, Index begin, std::uint8_t unit, Index limit) {
  const bool fresh = begin == 0 || (words[static_cast<std::size_t>(begin - 1)].boundary & (unit | document_end)) != 0;
  int left = fresh || unit == document_end ? 1 : 2;
  for (Index t = begin; t < static_cast<Index>(words.size()); ++t) {
    const auto boundary = words[static_cast<std::size_t>(t)].boundary;
    if ((boundary & document_end) != 0) return t + 1;
    const bool ended = t == 0 || (words[static_cast<std::size_t>(t - 1)].boundary & unit) != 0;
    const bool mark = unit == sentence_end && ended && (boundary & paragraph_end) != 0;  // <eop> behind a sentence's last word
    if ((boundary & unit) != 0 && !mark && --left == 0) return t + 1;
    if (t + 1 - begin == limit) return t + 1;
  }
  return -1;  // never closes
}

}  // namespace

TEST_CASE("broad prediction: windows hold the words up to the end of the level's next unit") {
  struct Kind {
    std::uint8_t unit;
    Index limit, interval;
  };
  const Kind kind = GENERATE(Kind{sentence_end, 15, 5}, Kind{paragraph_end, 40, 9}, Kind{document_end, 150, 9}, Kind{document_end, 300, 4});
  const Index stride = kind.limit == 300 ? 300 / 4 / 16 : 1;  // one window in so many is watched, and scored, where many pend at once
  constexpr Index length = 700;
  for (const Index slots : {1, 8}) {  // windows are settled every token, or every 8 tokens as in training
    const auto device = make_device<double>({"reference", "auto", 0});
    std::vector<double> log_unigram(vocabulary, -std::log(static_cast<double>(vocabulary)));
    Lexicon<double> lexicon(*device, units, log_unigram, .1, 1);
    const BroadSettings settings{.1, kind.interval, kind.limit, kind.unit, 15, 0};
    Broad<double> broad(*device, lexicon, settings, 2, 0, streams, slots, 1, 1);
    Weight<double> memory_in(*device, "memory_in", units, 2), bias(*device, "bias", units, 1);
    std::vector<double> background(vocabulary);
    double total = 0;
    for (std::size_t v = 0; v < vocabulary; ++v) {
      background[v] = std::sin(static_cast<double>(v) * 1.7);  // the loss of a bag names its words
      total += std::exp(background[v]);
    }
    broad.visit_weights([&](Weight<double>& w) {
      if (w.name == "broad_background") device->upload(background, w.value);
      if (w.name == "broad_readout") device->fill(w.value, 0);
    });
    broad.set_scoring(true);
    Tensor<double> mu(*device, units, streams), memory(*device, 2, streams);
    std::vector<std::vector<Word>> words(streams);
    for (std::size_t j = 0; j < streams; ++j)
      for (Index t = 0; t < length; ++t) words[j].push_back(random_word(j + 1, t, vocabulary));
    // When predictions are due: at the first tick at least `interval` tokens after the last, the first one staggered.
    std::vector<Index> since(streams);
    for (std::size_t j = 0; j < streams; ++j) since[j] = static_cast<Index>(j) * kind.interval / streams;
    std::map<Index, std::vector<std::pair<std::size_t, Expected>>> closing;
    std::vector<Index> moments(streams, 0);
    Observation o;
    o.resize(streams);
    o.active.assign(streams, 1);
    double nats = 0, predictions = 0, closed = 0;
    for (Index t = 0; t < length; ++t) {
      std::vector<std::uint8_t> ticked(streams);
      for (std::size_t j = 0; j < streams; ++j) {
        const Word& word = words[j][static_cast<std::size_t>(t)];
        o.id[j] = word.id;
        o.boundary[j] = word.boundary;
        ticked[j] = (word.boundary & kind.unit) != 0 || (t + static_cast<Index>(j)) % 3 == 0 ? 1 : 0;
        ++since[j];
        if (ticked[j] == 0 || since[j] < kind.interval) continue;
        since[j] = 0;
        ++moments[j];
        const Index end = window_end(words[j], t + 1, kind.unit, kind.limit);
        const bool watched = (moments[j] - 1) % stride == static_cast<Index>(j) % stride;
        if (end > 0) closing[end - 1].emplace_back(j, Expected{t + 1, end, watched});
      }
      broad.read(o, o.boundary);
      broad.evaluate(ticked, o.boundary, {mu.view(), memory.view(), {}, {}});
      for (const auto& [j, window] : closing[t]) {
        closed += 1;
        if (!window.watched) continue;
        double sum = 0;
        for (Index p = window.begin; p < window.end; ++p)
          sum += std::log(total) - background[static_cast<std::size_t>(words[j][static_cast<std::size_t>(p)].id)];
        nats += sum;
        predictions += 1;
      }
      if (t % slots != slots - 1) continue;
      broad.settle(1, false, memory_in, nullptr, bias);
      REQUIRE(broad.score().closed == closed);
      REQUIRE(broad.score().predictions == predictions);
      REQUIRE(broad.score().nats == Approx(nats).epsilon(1e-10));
    }
    CHECK(predictions > 100);
    CHECK(broad.score().unigram_nats == Approx(broad.score().words * std::log(static_cast<double>(vocabulary))));
  }
}

TEST_CASE("broad prediction: a source without structure is predicted at its entropy") {
  constexpr Index words = 12;
  std::vector<double> p(words);
  double total = 0, entropy = 0;
  for (std::size_t v = 0; v < words; ++v) total += p[v] = 1 / (1.0 + static_cast<double>(v));
  for (double& x : p) x /= total;
  for (const double x : p) entropy -= x * std::log(x);
  ScriptedWorld world(8, words, 100000, [&](Index t, Index j) {
    Word word = random_word(static_cast<std::uint64_t>(j), t, words);
    double u = static_cast<double>(random_uniform(5, static_cast<std::uint32_t>(t), static_cast<std::uint32_t>(j)));
    word.id = 0;
    for (std::size_t v = 0; v + 1 < words && u >= p[v]; ++v) {
      u -= p[v];
      ++word.id;
    }
    return word;
  });
  std::vector<std::string> lines{"hierarchy.levels=4", "learning.rate=.01", "learning.warm_up=0"};
  for (const char* l : {"1", "2", "3"}) lines.push_back("level." + std::string(l) + ".broad_interval=8");
  Tiny<float> tiny(lines, 8, 4, words);
  Probe<float> training(*tiny.hierarchy, world, tiny.learning.get(), 4);
  training.start();
  training.run(4000);
  Probe<float> test(*tiny.hierarchy, world, nullptr, 4);
  for (Index l = 1; l < 4; ++l) tiny.hierarchy->level(l).score_broad(true);
  test.run(2000);
  for (Index l = 1; l < 4; ++l) {
    const BroadScore& score = *tiny.hierarchy->level(l).broad_score();
    const double nats = score.nats / score.words;
    INFO("level " << l << ": " << nats << " nats over " << score.predictions << " predictions, entropy of the source " << entropy
                  << ", own entropy " << score.entropy / score.words);
    CHECK(nats == Approx(entropy).epsilon(.03));
    CHECK(nats < score.unigram_nats / score.words);  // the lexicon's unigram is uniform here
    CHECK(score.entropy / score.words == Approx(entropy).epsilon(.1));
  }
}
