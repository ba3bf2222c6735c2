// The token level's score under another stream: what surprise would have been, had the levels above expected something else.

#include <catch2/catch.hpp>
#include <cmath>
#include <type_traits>

#include "core/random.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index streams = 5, vocabulary = 13;

ScriptedWorld make_world() {
  return {streams, vocabulary, 100000, [](Index t, Index j) {
            Word word = random_word(static_cast<std::uint64_t>(j), t, vocabulary);
            word.active = j != 2 || t % 40 < 25;  // a stream falls idle and comes back
            return word;
          }};
}

std::vector<std::string> lines(bool priming, bool share = false) {
  return {"hierarchy.levels=4", "learning.rate=.05", "learning.warm_up=20", priming ? "level.0.priming=1" : "level.0.priming=0",
          share ? "level.0.share=1" : "level.0.share=0"};
}

template <class T>
std::vector<T> score(Tiny<T>& tiny, const Step<T>& step, std::type_identity_t<ConstView<T>> stream) {
  Tensor<T> loss(*tiny.device, streams, 1);
  tiny.hierarchy->level(0).score_with_stream(step, stream, loss);
  return values<T>(loss.view(), *tiny.device);
}

/// N(0, 1), another matrix at every step.
template <class T>
std::vector<T> random_stream(std::uint64_t step, Index rows) {
  std::vector<T> x;
  for (Index j = 0; j < streams; ++j)
    for (Index i = 0; i < rows; ++i)
      x.push_back(static_cast<T>(random_normal(random_base(7, step, 0, 1), static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j))));
  return x;
}

double dot(const ArchivedMatrix& a, Index i, const ArchivedMatrix& b, Index j) {  // column i of a with column j of b
  double sum = 0;
  for (Index k = 0; k < a.rows; ++k) sum += a(k, i) * b(k, j);
  return sum;
}

/// -ln softmax(logits)(id)
double cross_entropy(const std::vector<double>& logits, std::int32_t id) {
  double sum = 0;
  for (const double x : logits) sum += std::exp(x);
  return std::log(sum) - logits[static_cast<std::size_t>(id)];
}

/// Runs `body(tiny, step)` before every one of `steps` tokens; returns what every level held at the end.
template <class T, class Body>
MemoryArchive run(Tiny<T>& tiny, int steps, const Body& body) {
  auto world = make_world();
  Simulation<T> simulation(*tiny.hierarchy, world, tiny.learning.get(), 1, 3);
  simulation.before_observe = [&](const Step<T>& step) { body(tiny, step); };
  simulation.start();
  for (int t = 0; t < steps; ++t) simulation.advance();
  return state_of(*tiny.hierarchy);
}

}  // namespace

TEMPLATE_TEST_CASE("stream score: under its own stream it is the surprise that is recorded", "", float, double) {
  for (const char* device : {"reference", "cpu"})
    for (const bool priming : {false, true}) {
      INFO(device << ", priming " << priming);
      Tiny<TestType> tiny(lines(priming, priming), streams, 1, vocabulary, true, 1, device);
      auto world = make_world();
      Simulation<TestType> simulation(*tiny.hierarchy, world, tiny.learning.get(), 1, 3);
      std::vector<TestType> scored;
      std::size_t compared = 0, idle = 0;
      simulation.before_observe = [&](const Step<TestType>& step) {
        scored = score(tiny, step, tiny.hierarchy->level(1).downward().stream);
      };
      simulation.record = [&](const Observation& o, std::uint64_t) {
        const auto recorded = values<TestType>(tiny.hierarchy->level(0).snapshot().surprise, *tiny.device);
        REQUIRE(scored == recorded);
        for (std::size_t j = 0; j < scored.size(); ++j) {
          (o.active[j] != 0 ? compared : idle) += 1;
          REQUIRE((scored[j] == 0) == (o.active[j] == 0));
        }
      };
      simulation.start();
      for (int t = 0; t < 120; ++t) simulation.advance();
      CHECK(compared > 500);
      CHECK(idle > 30);
    }
}

TEST_CASE("stream score: under another stream it is the cross entropy written out") {
  const bool share = GENERATE(false, true);
  Tiny<double> tiny(lines(false, share), streams, 1, vocabulary);
  const Index n = tiny.hierarchy->lexicon().units();
  double largest_move = 0;
  run(tiny, 60, [&](Tiny<double>&, const Step<double>& step) {
    Tensor<double> stream(*tiny.device, n, streams);
    const ArchivedMatrix other{n, streams, random_stream<double>(step.index, n)};
    tiny.device->upload(other.data, stream);
    const auto scored = score(tiny, step, stream.view()), alone = score(tiny, step, ConstView<double>{});
    const auto weights = weight_values(*tiny.hierarchy);
    const auto held = state_of(*tiny.hierarchy);
    const ArchivedMatrix &f_0 = held.at("level_0/f_0"), &words = weights.at("level_0/embedding"), &lexicon = weights.at("lexicon");
    const auto said = [&](Index v, Index j) {  // by f(y) in E, and by the level's own share f(z) in S
      double sum = 0;
      for (Index k = 0; k < words.rows; ++k) sum += words(k, v) * f_0(k, j);
      for (Index k = words.rows; k < f_0.rows; ++k) sum += lexicon(k - words.rows, v) * f_0(k, j);
      return sum;
    };
    REQUIRE(f_0.rows == words.rows + (share ? n : 0));
    for (Index j = 0; j < streams; ++j) {
      const auto s = static_cast<std::size_t>(j);
      if (step.observation->active[s] == 0) {
        REQUIRE(scored[s] == 0);
        continue;
      }
      std::vector<double> logits, without;
      for (Index v = 0; v < vocabulary; ++v) {
        without.push_back(said(v, j) + weights.at("level_0/output_bias")(v, 0));
        logits.push_back(without.back() + dot(lexicon, v, other, j));
      }
      REQUIRE(scored[s] == Approx(cross_entropy(logits, step.observation->id[s])).epsilon(1e-12));
      REQUIRE(alone[s] == Approx(cross_entropy(without, step.observation->id[s])).epsilon(1e-12));
      largest_move = std::max(largest_move, std::abs(scored[s] - alone[s]));
    }
  });
  CHECK(largest_move > .1);  // the stream matters here
}

TEST_CASE("stream score: what was read lately goes on being expected under another stream") {
  Tiny<double> tiny(lines(true), streams, 1, vocabulary);
  const Index n = tiny.hierarchy->lexicon().units();
  run(tiny, 60, [&](Tiny<double>&, const Step<double>& step) {
    Tensor<double> stream(*tiny.device, n, streams);
    const ArchivedMatrix other{n, streams, random_stream<double>(step.index, n)};
    tiny.device->upload(other.data, stream);
    const auto scored = score(tiny, step, stream.view());
    const auto weights = weight_values(*tiny.hierarchy);
    const auto held = state_of(*tiny.hierarchy);
    const ArchivedMatrix &own = held.at("level_0/stream"), &lexicon = weights.at("lexicon");
    std::vector<std::vector<double>> nats;  // -ln p of every word in every stream, under the stream that is its own
    Observation asked = *step.observation;
    Step<double> question = step;
    question.observation = &asked;
    for (Index v = 0; v < vocabulary; ++v) {
      std::fill(asked.id.begin(), asked.id.end(), static_cast<std::int32_t>(v));
      nats.push_back(score(tiny, question, tiny.hierarchy->level(1).downward().stream));
    }
    for (Index j = 0; j < streams; ++j) {
      const auto s = static_cast<std::size_t>(j);
      if (step.observation->active[s] == 0) continue;
      std::vector<double> moved;
      double all = 0;
      for (Index v = 0; v < vocabulary; ++v) {
        const double log_p = -nats[static_cast<std::size_t>(v)][s];
        all += std::exp(log_p);
        moved.push_back(log_p + dot(lexicon, v, other, j) - dot(lexicon, v, own, j));
      }
      REQUIRE(all == Approx(1).epsilon(1e-12));
      REQUIRE(scored[s] == Approx(cross_entropy(moved, step.observation->id[s])).epsilon(1e-12));
    }
  });
}

TEST_CASE("stream score: asking changes nothing") {
  Tiny<float> asked(lines(true), streams, 1, vocabulary), left_alone(lines(true), streams, 1, vocabulary);
  const Index n = asked.hierarchy->lexicon().units();
  const auto a = run(asked, 80, [&](Tiny<float>& tiny, const Step<float>& step) {
    Tensor<float> stream(*tiny.device, n, streams);
    tiny.device->upload(random_stream<float>(step.index, n), stream);
    score(tiny, step, stream.view());
  });
  const auto b = run(left_alone, 80, [](Tiny<float>&, const Step<float>&) {});
  CHECK(differences(a, b).empty());
  CHECK(differences(parameters_of(*asked.hierarchy), parameters_of(*left_alone.hierarchy)).empty());
}

TEMPLATE_TEST_CASE("stream score: what is expected under another stream is what words are scored under, and changes nothing", "", float,
                   double) {
  for (const bool share : {false, true}) {
    Tiny<TestType> tiny(lines(false, share), streams, 1, vocabulary), untouched(lines(false, share), streams, 1, vocabulary);
    const double margin = std::is_same_v<TestType, float> ? 1e-5 : 1e-12;
    const auto state = run(tiny, 60, [&](Tiny<TestType>& own, const Step<TestType>& step) {
      Tensor<TestType> stream(*own.device, own.hierarchy->lexicon().units(), streams), log_p(*own.device, vocabulary, streams);
      own.device->upload(random_stream<TestType>(step.index, own.hierarchy->lexicon().units()), stream);
      const auto loss = score(own, step, stream.view());
      own.hierarchy->level(0).expectation_with_stream(stream, log_p);
      const auto expected = values<TestType>(log_p.view(), *own.device);
      for (std::size_t j = 0; j < streams; ++j) {
        double sum = 0;
        for (std::size_t w = 0; w < vocabulary; ++w) sum += std::exp(static_cast<double>(expected[j * vocabulary + w]));
        REQUIRE(sum == Approx(1).margin(margin));
        if (step.observation->active[j] == 0) continue;
        REQUIRE(static_cast<double>(expected[j * vocabulary + static_cast<std::size_t>(step.observation->id[j])]) ==
                Approx(-static_cast<double>(loss[j])).margin(margin));
      }
    });
    CHECK(differences(state, run(untouched, 60, [](Tiny<TestType>&, const Step<TestType>&) {})).empty());
  }
}
