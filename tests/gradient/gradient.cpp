// Gradient test of every registered kind of level: what it learns is -dF/dW, where it moves is -dF/dx.

#include <catch2/catch.hpp>

#include "core/objective/term.hpp"
#include "levels/registry.hpp"
#include "levels/situation.hpp"
#include "levels/token.hpp"
#include "tests/support/gradient_check.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr double tolerance = 1e-6;

std::vector<std::string> lines(const std::string& kind, bool dropout, bool token_fed, bool share = false) {
  std::vector<std::string> all{"hierarchy.levels=4",
                               "relaxation.tolerance=0",
                               "relaxation.steps=3",
                               "learning.rate=.02",
                               "learning.warm_up=0",
                               "level.0.priming=1",
                               "level.0.ngrams=2",
                               "level.0.recent_time=20",
                               share ? "level.0.share=1" : "level.0.share=0",
                               token_fed ? "level.0.flexibility=.3" : "level.0.flexibility=0",
                               share && token_fed ? "level.0.embeddings=separate" : "level.0.embeddings=tied",
                               "level.0.dropout=" + std::string(dropout ? ".3" : "0"),
                               "level.0.context_dropout=" + std::string(dropout ? ".3" : "0")};
  for (const char* l : {"1", "2", "3"}) {
    const std::string level = "level." + std::string(l) + ".";
    if (kind != "token") all.push_back(level + "kind=" + kind);
    if (kind != "token" && kind != "situation") continue;
    for (const char* line : {"tick=1", "tau=3", "carry_rate=.05", "broad_weight=0", "eligibility=off"}) all.push_back(level + line);
    all.push_back(level + "dropout=" + (dropout ? ".3" : "0"));
    all.push_back(level + "feed=" + (token_fed ? "token" : "level"));
  }
  return all;
}

/// The blocks of the broad prediction learn when its window closes (tests/gradient/broad.cpp), not on F_now.
bool of_broad_prediction(const std::string& block) { return block.find("/broad_") != std::string::npos; }

TokenSettings settings_of_token() {
  TokenSettings settings;
  settings.units = 6;
  settings.hidden = 7;
  settings.context = 3;
  settings.priming = true;
  return settings;
}

/// A hierarchy of one token level and one situation level, which a test may replace by a wrong one.
template <class Token, class Situation>
struct Pair {
  std::unique_ptr<Device<double>> device = make_device<double>({"reference", "auto", 0});
  RandomWorld world{3, 11, 1000, 5};
  std::unique_ptr<Hierarchy<double>> hierarchy;
  Learning<double> learning{LearningSettings{.02, 0, 0, 1, 0}, 0};

  Pair() {
    const std::vector<double> log_unigram(11, -std::log(11.0));
    auto lexicon = std::make_unique<Lexicon<double>>(*device, 5, log_unigram, .1, 1);
    SituationSettings settings;
    settings.tick = 1;
    settings.broad.weight = 0;
    settings.eligibility = false;
    std::vector<std::unique_ptr<Level<double>>> levels;
    levels.push_back(std::make_unique<Token>(*device, *lexicon, settings_of_token(), 3, 1, 1));
    levels.push_back(std::make_unique<Situation>(*device, *lexicon, settings, 5, 0, 2, 3, 1, 1));
    hierarchy = std::make_unique<Hierarchy<double>>(*device, std::move(lexicon), std::move(levels), 3, RelaxationSettings{3, .5, 0});
  }
};

/// Names of the blocks that the checker finds wrong.
template <class Token, class Situation>
std::vector<std::string> wrong_blocks() {
  Pair<Token, Situation> pair;
  Probe<double> probe(*pair.hierarchy, pair.world, &pair.learning);
  probe.start();
  probe.run(8);
  probe.begin();
  std::vector<std::string> names;
  for (const auto& block : check_weights(probe))
    if (block.distance >= tolerance) names.push_back(block.block);
  for (const auto& block : check_nodes(probe))
    if (block.distance >= tolerance) names.push_back(block.block);
  return names;
}

/// One block learns 1 % too much.
template <class Base>
class WrongWeight : public Base {
 public:
  using Base::Base;
  void accumulate(double scale, bool learning) override {
    Base::accumulate(scale, learning);
    this->visit_weights([](Weight<double>& weight) {
      if (weight.name != "share_out" && weight.name != "hidden_in") return;
      Device<double>& device = weight.gradient.device();
      auto host = values<double>(weight.gradient.view(), device);
      for (double& x : host) x *= 1.01;
      device.upload(host, weight.gradient);
    });
  }
};

/// The belief moves 1 % too far.
class WrongMove : public SituationLevel<double> {
 public:
  using SituationLevel<double>::SituationLevel;
  void settle(const Upward<double>& below, ConstView<double> rate) override {
    Device<double>& device = *device_;
    Tensor<double> more(device, rate.rows);
    device.axpby(1.01, rate, 0, more);
    SituationLevel<double>::settle(below, more.view());
  }
  static inline Device<double>* device_ = nullptr;
};

}  // namespace

TEST_CASE("gradients: every registered level learns -dF/dW and moves along -dF/dx", "[gradient]") {
  const bool dropout = GENERATE(false, true), token_fed = GENERATE(false, true), share = GENERATE(false, true);
  for (const LevelKind& kind : level_kinds()) {
    if (kind.name == std::string("gaussian")) continue;  // its units move at once: tests/gradient/gaussian_gradient.cpp
    if (kind.name == std::string("volatile")) continue;  // stands above no token level: tests/gradient/volatile_gradient.cpp
    if (kind.name == std::string("categorical") || kind.name == std::string("conditional"))
      continue;  // on a simplex: categorical_gradient.cpp
    Tiny<double> tiny(lines(kind.name, dropout, token_fed, share));
    Probe<double> probe(*tiny.hierarchy, *tiny.world, tiny.learning.get());
    probe.start();
    probe.run(12);
    for (int round = 0; round < 3; ++round) {
      probe.begin();
      INFO("kind " << kind.name << ", dropout " << dropout << ", token_fed " << token_fed << ", share " << share);
      for (const auto& block : check_weights(probe)) {
        INFO(block.block << " |dF/dW| " << block.size);
        CHECK(block.distance < tolerance);
        CHECK((of_broad_prediction(block.block) || block.size > 1e-6));
      }
      for (const auto& block : check_nodes(probe)) {
        INFO(block.block << " |dF/dx| " << block.size);
        CHECK(block.distance < tolerance);
        CHECK(block.size > 1e-6);
      }
      probe.end();
    }
  }
}

TEST_CASE("gradients: a window of several tokens learns its error once per token", "[gradient]") {
  // At ticks above 1 the error of a tick counts for each of its tokens; held_energy weighs it so, and nothing else may differ. Weights
  // and gains
  // stay as they are: a forecast held over a window was made with the weights of its beginning, which differences at its end do not see.
  auto all = lines("situation", true, false);
  for (const char* line : {"level.2.tick=3", "level.3.tick=7", "learning.rate=0", "level.2.carry_rate=0", "level.3.carry_rate=0"})
    all.emplace_back(line);
  Tiny<double> tiny(all);
  Probe<double> probe(*tiny.hierarchy, *tiny.world, tiny.learning.get());
  probe.start();
  probe.run(9);
  for (int round = 0; round < 14; ++round) {
    probe.begin();
    for (const auto& block : check_weights(probe)) {
      INFO(block.block << " at round " << round);
      CHECK(block.distance < tolerance);
    }
    probe.end();
  }
}

TEST_CASE("gradients: the checker finds what is wrong, and only that", "[gradient]") {
  using Token = TokenLevel<double>;
  using Situation = SituationLevel<double>;
  CHECK(wrong_blocks<Token, Situation>().empty());
  CHECK(wrong_blocks<Token, WrongWeight<Situation>>() == std::vector<std::string>{"level_1/share_out"});
  CHECK(wrong_blocks<WrongWeight<Token>, Situation>() == std::vector<std::string>{"level_0/hidden_in"});
  const auto device = make_device<double>({"reference", "auto", 0});
  WrongMove::device_ = device.get();
  CHECK(wrong_blocks<Token, WrongMove>() == std::vector<std::string>{"level_1 node 0"});
}

TEST_CASE("gradients: every term of the objective teaches -dG/dW", "[gradient][objective]") {
  const bool token_fed = GENERATE(false, true);
  for (const TermKind& kind : term_kinds()) {
    auto all = lines("situation", true, token_fed);
    // Windows of several tokens at the upper levels; weights and gains stay as they are (see above).
    for (const char* line :
         {"level.2.tick=3", "level.3.tick=7", "learning.rate=0", "level.1.carry_rate=0", "level.2.carry_rate=0", "level.3.carry_rate=0"})
      all.emplace_back(line);
    for (const char* l : {"1", "2", "3"}) all.push_back("level." + std::string(l) + "." + kind.name + "=50");
    Tiny<double> tiny(all);
    Probe<double> probe(*tiny.hierarchy, *tiny.world, tiny.learning.get());
    for (Index l = 1; l < 4; ++l) tiny.hierarchy->level(l).score_broad(true);
    probe.start();
    probe.run(9);
    for (int round = 0; round < 14; ++round) {
      probe.begin();
      for (const auto& block : check_weights(probe)) {
        INFO(kind.name << ": " << block.block << " at round " << round << ", token_fed " << token_fed);
        CHECK(block.distance < tolerance);
      }
      probe.end();
    }
    for (Index l = 1; l < 4; ++l) {
      const auto scores = tiny.hierarchy->level(l).term_scores();
      REQUIRE(scores.size() == 1);
      INFO(kind.name << " at level " << l);
      CHECK(scores[0].name == kind.name);
      CHECK(scores[0].nats() > 1e-6);
    }
  }
}
