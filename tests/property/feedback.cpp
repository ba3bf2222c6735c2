// Errors that return by weights of their own: with those of the prediction it is the tied machine; begun elsewhere, only the difference decays.

#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.hpp"
#include "levels/flexibility.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

std::vector<std::string> lines(std::vector<std::string> more) {
  std::vector<std::string> all{"hierarchy.levels=4",       "learning.rate=.02",        "learning.warm_up=5",
                               "learning.weight_decay=.1", "level.0.ngrams=2",         "level.1.broad_interval=5",
                               "level.1.consistency=1",    "level.2.reconstruction=1", "level.0.flexibility=.2"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST_CASE("feedback: separate weights that equal those of the prediction learn as tied ones do", "[feedback]") {
  for (const char* steps : {"relaxation.steps=1", "relaxation.steps=4"})
    for (const char* embeddings : {"level.0.embeddings=tied", "level.0.embeddings=separate", "level.0.share=1"}) {
      INFO(steps << " " << embeddings);
      Tiny<double> tied(lines({steps, embeddings}), 5, 4, 13),
          separate(lines({steps, embeddings, "hierarchy.feedback=mirrored"}), 5, 4, 13);
      separate.hierarchy->visit_weights([&](Weight<double>& w) {
        CHECK(w.separate() == (w.decays && w.name != "embedding_in"));
        if (w.separate()) separate.device->copy(w.value, w.feedback);
      });
      for (auto* tiny : {&tied, &separate}) {
        tiny->simulation->start();
        for (int t = 0; t < 200; ++t) tiny->simulation->advance();
      }
      const auto expected = weight_values(*tied.hierarchy), found = weight_values(*separate.hierarchy);
      for (const auto& [name, matrix] : expected) {
        INFO(name);
        CHECK(relative_distance(matrix.data, found.at(name).data) < 1e-9);
      }
    }
}

TEST_CASE("feedback: what the two ways differ by decays and nothing else", "[feedback]") {
  Tiny<double> tiny(lines({"hierarchy.feedback=mirrored"}), 5, 4, 13);
  std::map<std::string, std::vector<double>> before;
  const auto differences = [&] {
    std::map<std::string, std::vector<double>> all;
    for_each_weight<double>(*tiny.hierarchy, [&](const std::string& name, Weight<double>& w) {
      if (!w.separate()) return;
      auto value = values<double>(w.value, *tiny.device);
      const auto back = values<double>(w.feedback, *tiny.device);
      for (std::size_t i = 0; i < value.size(); ++i) value[i] -= back[i];
      all[name] = value;
    });
    return all;
  };
  const auto first = differences();
  CHECK(first.size() >= 10);
  tiny.simulation->start();
  double kept = 1;
  for (int t = 0; t < 400; ++t) {
    const double rate = tiny.learning->rate();
    tiny.simulation->advance();
    if (t % 4 == 3) kept *= 1 - .1 * rate;
  }
  CHECK(kept < .97);
  for (auto& [name, difference] : differences()) {
    INFO(name);
    auto expected = first.at(name);
    for (double& x : expected) x *= kept;
    CHECK(relative_distance(expected, difference) < 1e-9);
  }
}

TEST_CASE("feedback: separate weights begin with the signs of the prediction's and magnitudes of their own", "[feedback]") {
  Tiny<double> tiny(lines({"hierarchy.feedback=signs"}), 5, 4, 13);
  for_each_weight<double>(*tiny.hierarchy, [&](const std::string& name, Weight<double>& w) {
    if (!w.separate()) return;
    INFO(name);
    const auto value = values<double>(w.value, *tiny.device), back = values<double>(w.feedback, *tiny.device);
    double apart = 0, size = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
      CHECK(value[i] * back[i] >= 0);
      apart += std::abs(value[i] - back[i]);
      size += std::abs(value[i]);
    }
    CHECK(apart >= .3 * size);  // no copy
  });
}

TEST_CASE("feedback: mirrored weights begin as what noise shows of the prediction's", "[feedback]") {
  Tiny<double> tiny(lines({"hierarchy.feedback=mirrored"}), 5, 4, 13);
  std::size_t looked_at = 0;
  for_each_weight<double>(*tiny.hierarchy, [&](const std::string& name, Weight<double>& w) {
    if (!w.separate()) return;
    INFO(name);
    CHECK(w.by_rows == (w.name == "embedding" || w.name == "lexicon"));
    const auto value = values<double>(w.value, *tiny.device), back = values<double>(w.feedback, *tiny.device);
    const double apart = relative_distance(back, value);
    CHECK(apart > .1);   // no copy
    CHECK(apart < .45);  // 1 / sqrt(16) but for chance
    ++looked_at;
  });
  CHECK(looked_at >= 10);
}

TEST_CASE("feedback: levels that have no such way back say so", "[feedback]") {
  CHECK_THROWS_AS(
      Tiny<double>({"hierarchy.feedback=mirrored", "level.0.kind=categorical", "level.1.kind=categorical", "hierarchy.levels=2"}),
      ConfigError);
}

TEST_CASE("feedback: what flexibility asks for returns by the weights of the way back", "[feedback]") {
  const auto device = make_device<double>({"reference", "auto", 0});
  const Index vocabulary = 9, units = 4, shared = 3, streams = 2;
  std::vector<double> log_unigram;
  for (Index v = 0; v < vocabulary; ++v) log_unigram.push_back(std::log(2. * static_cast<double>(v + 1) / (9. * 10.)));
  Lexicon<double> lexicon(*device, shared, log_unigram, .5, 3);
  Weight<double> own(*device, "own", units, vocabulary);
  own.randomise(.5, 5, 0);
  for (auto* words : {&own, &lexicon.vectors}) words->share_signs(7, 0);
  Flexibility<double> flexibility(*device, lexicon, .3, units, streams);
  flexibility.refresh(own, lexicon.vectors, Tensor<double>(*device, vocabulary, 1));
  for (const bool of_own : {true, false}) {
    const Weight<double>& words = of_own ? own : lexicon.vectors;
    const Index n = words.value.rows();
    const auto back = values<double>(words.feedback, *device);
    Tensor<double> mean(*device, n, streams), message(*device, n, streams);
    std::vector<double> means;
    for (Index i = 0; i < n * streams; ++i) means.push_back(.1 * static_cast<double>(i));
    device->upload(means, mean);
    flexibility.add_message(of_own, mean, message);
    const auto found = values<double>(message, *device);
    for (Index j = 0, k = 0; j < streams; ++j)
      for (Index i = 0; i < n; ++i, ++k) {
        double wanted = 0;
        for (Index v = 0; v < vocabulary; ++v)
          wanted += std::exp(log_unigram[static_cast<std::size_t>(v)]) * back[static_cast<std::size_t>(v * n + i)];
        CHECK(found[static_cast<std::size_t>(k)] == Approx(.3 * (wanted - means[static_cast<std::size_t>(k)])));
      }
  }
}
