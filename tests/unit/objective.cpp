// What a level's terms are told of its windows: which tokens a window holds, which window was before it, where a document begins anew.

#include <catch2/catch.hpp>

#include "core/memory_archive.hpp"
#include "core/objective/objective.hpp"

using namespace strata;

namespace {

/// Two streams of one number, read by hand.
struct Rig {
  std::unique_ptr<Device<double>> device = make_device<double>({"reference", "auto", 0});
  Configuration configuration;
  Values values;
  Objective<double> objective;
  Tensor<double> mu{*device, 1, 2}, features{*device, 1, 2}, mean{*device, 1, 1};
  Observation observation;

  explicit Rig(const std::string& term) {
    configuration.set("level.1." + term, "2");
    values = configuration.resolve(term_parameters(), "level.1.");
    objective = Objective<double>({*device, 1, 1, 2, 2, 1, 1, values, 0}, sentence_end);
    objective.visit_weights([&](Weight<double>& w) { device->fill(w.value, 0); });  // read-outs that say nothing: G = 1/2 |span|^2
    device->fill(mean, .5);
    objective.set_scoring(true);
    observation.resize(2);
  }

  struct Token {
    double feature = 0, mu = 0;
    bool active = true;
    std::int64_t ends = 0;  ///< a window of so many tokens; 0: none
    bool document_ends = false, unit_ends = false;
  };

  void read(const Token& a, const Token& b) {
    const Token* both[] = {&a, &b};
    std::vector<std::uint8_t> ticking(2);
    std::vector<std::int64_t> elapsed(2);
    std::vector<double> feature(2), held(2);
    for (std::size_t j = 0; j < 2; ++j) {
      const Token& token = *both[j];
      observation.active[j] = token.active;
      observation.boundary[j] = static_cast<std::uint8_t>((token.document_ends ? document_end : 0) | (token.unit_ends ? sentence_end : 0));
      ticking[j] = token.ends > 0;
      elapsed[j] = token.ends;
      feature[j] = token.feature;
      held[j] = std::atanh(token.mu);
    }
    device->upload(feature, features);
    device->upload(held, mu);
    objective.end_token(observation, mu, features, mean, ticking, elapsed);
    objective.carry(observation, ticking, observation.boundary);
  }

  double sum() const { return objective.scores().at(0).sum; }
  double tokens() const { return objective.scores().at(0).tokens; }
};

}  // namespace

TEST_CASE("objective: a window holds its own tokens, each once, less the mean", "[objective]") {
  Rig rig("consistency");
  rig.read({.feature = 1}, {.feature = 5.5});
  rig.read({.feature = 2}, {.feature = 100, .active = false});  // idle: nothing of it counts
  CHECK(rig.tokens() == 0);
  rig.read({.feature = 4.5, .ends = 3}, {.feature = 7.5, .ends = 2});
  CHECK(rig.tokens() == 5);
  CHECK(rig.sum() == Approx(3 * .5 * 4 + 2 * .5 * 36));  // spans (1 + 2 + 4.5) / 3 - .5 = 2 and 6
  std::vector<double> value(2);
  rig.device->download(rig.objective.value(0), value);
  CHECK(value == std::vector<double>{2, 18});
  rig.read({.feature = 3.5, .ends = 1}, {.feature = .5});
  CHECK(rig.sum() == Approx(42 + .5 * 9));  // nothing is left of the windows before
  rig.device->download(rig.objective.value(0), value);
  CHECK(value == std::vector<double>{4.5, 18});  // held where no window ended
}

TEST_CASE("objective: the window before is of the same document", "[objective]") {
  Rig rig("reconstruction");
  rig.read({.feature = 2.5, .ends = 1}, {.feature = 9.5, .ends = 1});
  CHECK(rig.tokens() == 0);  // nothing was before
  rig.read({.feature = 99, .ends = 1, .document_ends = true}, {.feature = 99});
  CHECK(rig.sum() == Approx(.5 * 4));
  rig.read({.feature = 99, .ends = 1}, {.feature = 99, .ends = 2});  // stream 0 has begun another document
  CHECK(rig.tokens() == 3);
  CHECK(rig.sum() == Approx(2 + 2 * .5 * 81));
  rig.objective.reset();
  rig.read({.feature = 99, .ends = 1}, {.feature = 99, .ends = 1});
  CHECK(rig.tokens() == 3);
}

TEST_CASE("objective: expectations are told from those of documents that are being read", "[objective]") {
  Rig rig("contrastive");  // one unit, T = .1: likeness 10 f f'
  rig.read({.mu = .5, .ends = 1}, {.mu = -.5, .ends = 1});
  rig.read({.mu = .4, .ends = 1}, {.mu = -.4, .ends = 1});
  CHECK(rig.sum() == Approx(2 * std::log1p(std::exp(-4.0))));
  rig.read({.mu = .1, .ends = 1}, {.mu = .1, .active = false});  // alone: there is nothing to be told from
  CHECK(rig.sum() == Approx(2 * std::log1p(std::exp(-4.0))).margin(1e-12));
  CHECK(rig.tokens() == 3);
}

TEST_CASE("objective: expectations are told from those of the unit before in the same document", "[objective]") {
  Rig rig("contrastive");  // T = .1: likeness 10 f f'; a second stream that is not read has nothing to be told from
  const Rig::Token silent{.active = false};
  double sum = 0;
  const auto expect = [&](const Rig::Token& token, double more) {
    rig.read(token, silent);
    sum += more;
    CHECK(rig.sum() == Approx(sum).margin(1e-12));
  };
  expect({.mu = .5, .ends = 1, .unit_ends = true}, 0);
  expect({.mu = .2, .ends = 1}, 0);                             // the last of the unit before is the one before
  expect({.mu = .4, .ends = 1}, std::log1p(std::exp(4 * .3)));  // .2 was before, .5 ended the unit before: 10 * .4 * (.5 - .2)
  expect({.mu = .3, .unit_ends = true}, 0);                     // a unit ends within a window
  expect({.mu = .3, .ends = 1}, std::log1p(std::exp(3 * .1)));  // .4 was before; the last window of a unit is kept from now on
  expect({.mu = .1, .ends = 1}, 0);
  expect({.mu = -.2, .ends = 1, .document_ends = true}, std::log1p(std::exp(-2 * .2)));  // .1 was before, .3 ended the unit before
  expect({.mu = .1, .ends = 1}, 0);
  expect({.mu = .4, .ends = 1}, 0);  // of another document nothing is left
}

TEST_CASE("objective: a unit says one nat where its power is e^2 - 1 times its noise", "[objective]") {
  const auto noise = GENERATE(as<std::string>{}, ".1", ".35");  // the default is another
  const double sigma = std::stod(noise);
  const double f = sigma * std::sqrt(std::exp(2) - 1), weight = 2;
  const auto device = make_device<double>({"reference", "auto", 0});
  Configuration configuration;
  configuration.set("level.1.bottleneck", "2");
  configuration.set("level.1.bottleneck_noise", noise);
  const Values values = configuration.resolve(term_parameters(), "level.1.");
  Objective<double> objective({*device, 3, 1, 2, 2, 1, 1, values, 0});
  objective.set_scoring(true);
  Tensor<double> mu(*device, 3, 2), features(*device, 1, 2), mean(*device, 1, 1), error(*device, 3, 2);
  const double held = std::atanh(f);
  device->upload(std::vector<double>{held, -held, held, 0, held, 0}, mu);
  Observation observation;
  observation.resize(2);
  observation.active = {1, 1};
  objective.end_token(observation, mu, features, mean, std::vector<std::uint8_t>{1, 1}, std::vector<std::int64_t>{1, 4});
  std::vector<double> said(2), wanted(6);
  device->download(objective.value(0), said);
  CHECK(said[0] == Approx(3).epsilon(1e-12));
  CHECK(said[1] == Approx(1).epsilon(1e-12));
  CHECK(objective.scores().at(0).nats() == Approx((3 + 4 * 1) / 5.0));
  objective.teach(error, 0);
  device->download(error, wanted);
  const double down = -weight * (1 - f * f) * f / (sigma * sigma + f * f);  // f'(mu) times -w dG/df
  const std::vector<double> expected{down, -down, down, 0, 4 * down, 0};
  for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(wanted[i] == Approx(expected[i]).epsilon(1e-12));
}

TEST_CASE("objective: what is carried can be kept and taken up again", "[objective]") {
  Rig whole("stability"), first("stability"), second("stability");
  const std::vector<std::pair<Rig::Token, Rig::Token>> read{
      {{.mu = .5, .ends = 1}, {.mu = .2}}, {{.mu = .1, .ends = 1}, {.mu = .2, .ends = 2}}, {{.mu = .3, .ends = 1}, {.mu = .6, .ends = 1}}};
  for (const auto& [a, b] : read) whole.read(a, b);
  CHECK(whole.sum() == Approx(.5 * (.16 + .04 + .16)));
  first.read(read[0].first, read[0].second);
  first.read(read[1].first, read[1].second);
  MemoryArchive archive;
  first.objective.archive_state(archive);
  archive.rewind();
  second.objective.archive_state(archive);
  second.read(read[2].first, read[2].second);
  CHECK(first.sum() + second.sum() == Approx(whole.sum()));
}

TEST_CASE("objective: without terms there is nothing", "[objective]") {
  const auto device = make_device<double>({"reference", "auto", 0});
  Configuration configuration;
  const Values values = configuration.resolve(term_parameters(), "level.1.");
  Objective<double> objective({*device, 1, 1, 2, 2, 1, 1, values, 0});
  CHECK(objective.empty());
  CHECK(objective.scores().empty());
}
