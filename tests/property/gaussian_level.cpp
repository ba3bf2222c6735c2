// What a Gaussian level must keep: idle streams, streams apart, clamps, checkpoints, stubbornness, the learned precision; and company of
// other kinds.

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "levels/registry.hpp"
#include "tests/support/gaussian_chain.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/scripted_world.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index vocabulary = 11;

/// Three Gaussian levels that read tokens; everything that can be learned is.
std::vector<std::string> lines(const std::string& coupling, const std::string& scheme, const std::string& mode = "predictive",
                               const std::string& activity = "identity") {
  std::vector<std::string> all{"hierarchy.levels=3", "relaxation.scheme=" + scheme, "relaxation.tolerance=.01", "learning.rate=.02",
                               "learning.warm_up=0"};
  for (const char* l : {"0", "1", "2"})
    for (const std::string& line : std::vector<std::string>{"kind=gaussian", "units=4", "coupling=" + coupling, "learn_tau=on", "tau=5",
                                                            "precision_mode=" + mode, "activity=" + activity})
      all.push_back("level." + std::string(l) + "." + line);
  return all;
}

template <class T>
struct Model {
  std::unique_ptr<Device<T>> device;
  std::unique_ptr<Hierarchy<T>> hierarchy;
  Learning<T> learning;

  Model(const std::vector<std::string>& assignments, Index streams, const std::string& device_name = "reference")
      : device(make_device<T>({device_name, "auto", 0})), learning(LearningSettings{.02, 0, 0, 1, 0}, 0) {
    Configuration c;
    for (const auto& line : assignments)
      if (line.rfind("learning.", 0) != 0) c.set_assignment(line);
    hierarchy = build_hierarchy<T>(c, *device, std::vector<double>(vocabulary, -std::log(static_cast<double>(vocabulary))), streams, 1, 1);
    c.check_all_read();
  }
};

/// Column `stream` of everything carried.
template <class T>
std::map<std::string, std::vector<double>> column(Hierarchy<T>& hierarchy, Index stream) {
  std::map<std::string, std::vector<double>> all;
  const auto state = state_of(hierarchy);
  for (const auto& [name, item] : state.items())
    if (const auto* m = std::get_if<ArchivedMatrix>(&item)) {
      if (m->cols == hierarchy.streams()) all[name].assign(m->data.begin() + stream * m->rows, m->data.begin() + (stream + 1) * m->rows);
      if (m->cols == 1 && m->rows == hierarchy.streams()) all[name] = {m->data[static_cast<std::size_t>(stream)]};
    }
  return all;
}

}  // namespace

TEST_CASE("gaussian: an idle stream keeps what it carries and teaches nothing") {
  for (const char* scheme : {"exact", "serial"})
    for (const char* coupling : {"residual", "leaky", "stream"}) {
      INFO(scheme << ", " << coupling);
      const auto run = [&](Index length, bool learn, Index streams) {
        Model<double> model(lines(coupling, scheme), streams);
        ScriptedWorld world(streams, vocabulary, 1000, [&](Index t, Index j) {
          Word word = random_word(static_cast<std::uint64_t>(j), t, vocabulary);
          word.active = j == 0 || t < 20;
          return word;
        });
        Probe<double> probe(*model.hierarchy, world, learn ? &model.learning : nullptr);
        probe.start();
        probe.run(length);
        return std::pair(column(*model.hierarchy, streams - 1), parameters_of(*model.hierarchy));
      };
      // Without learning its state is that of step 20 for good, but for what is reported of the last step.
      auto early = run(20, false, 2).first, late = run(50, false, 2).first;
      for (const auto& [name, x] : early) {
        if (name.find("free_energy") != std::string::npos || name.find("error_norm") != std::string::npos) continue;
        if (name.find("feedback") != std::string::npos) continue;  // a message of the last step
        INFO(name);
        CHECK(late.at(name) == x);
      }
    }
}

TEST_CASE("gaussian: idle streams change no weight") {
  // Two streams, the second idle from the start, learn twice as slowly as one: gradients are means over streams.
  Model<double> one(lines("residual", "exact"), 1), two(lines("residual", "exact"), 2);
  const auto script = [](Index t, Index j) {
    Word word = random_word(0, t, vocabulary);
    word.active = j == 0;
    return word;
  };
  ScriptedWorld world_one(1, vocabulary, 100, script), world_two(2, vocabulary, 100, script);
  Learning<double> still(LearningSettings{0, 0, 0, 1, 0}, 0);
  Probe<double> a(*one.hierarchy, world_one, &still), b(*two.hierarchy, world_two, &still);
  a.start();
  b.start();
  a.run(10);
  b.run(10);
  a.begin();
  b.begin();
  one.hierarchy->accumulate(1, true);
  two.hierarchy->accumulate(1, true);
  const auto first = weight_gradients(*one.hierarchy), second = weight_gradients(*two.hierarchy);
  for (const auto& [name, gradient] : first) {
    if (name == "lexicon") continue;
    INFO(name);
    CHECK(relative_distance(gradient.data, second.at(name).data) < 1e-12);
  }
}

TEMPLATE_TEST_CASE("gaussian: a stream's bits do not depend on what other streams read", "", float, double) {
  for (const char* device : {"reference", "cpu"})
    for (const auto& [scheme, activity] : {std::pair{"exact", "identity"}, {"serial", "identity"}, {"exact", "softmax"}}) {
      const auto run = [&, lines = lines("residual", scheme, "predictive", activity)](std::uint64_t others) {
        Model<TestType> model(lines, 4, device);
        ScriptedWorld world(4, vocabulary, 1000, [others](Index t, Index j) {
          return random_word(j == 0 ? 7 : others + static_cast<std::uint64_t>(j), t, vocabulary);
        });
        Probe<TestType> probe(*model.hierarchy, world, nullptr);
        probe.start();
        probe.run(100);
        return column(*model.hierarchy, 0);
      };
      INFO(device << ", " << scheme << ", " << activity);
      CHECK(run(100) == run(200));
    }
}

TEMPLATE_TEST_CASE("gaussian: a restored run goes on with the same bits", "", float, double) {
  for (const char* mode : {"learned", "predictive", "scheduled"})
    for (const auto& [scheme, activity] :
         {std::pair{"exact", "identity"}, {"serial", "identity"}, {"exact", "softmax"}, {"serial", "softmax"}}) {
      INFO(mode << ", " << scheme << ", " << activity);
      auto assignments = lines("residual", scheme, mode, activity);
      if (mode == std::string("learned") && scheme == std::string("serial")) {
        CHECK_THROWS_AS(Model<TestType>(assignments, 3), ConfigError);
        continue;
      }
      const auto archive_all = [](Archive& archive, Model<TestType>& model) {
        model.hierarchy->archive_parameters(archive);
        archive_learner(archive, *model.hierarchy, model.learning);
      };
      const auto script = [](Index t, Index j) {
        Word word = random_word(static_cast<std::uint64_t>(j), t, vocabulary);
        word.active = j != 1 || t % 30 < 20;
        return word;
      };
      Model<TestType> whole(assignments, 3);
      ScriptedWorld world(3, vocabulary, 1000, script);
      Probe<TestType> probe(*whole.hierarchy, world, &whole.learning);
      probe.start();
      probe.run(50);
      MemoryArchive checkpoint;
      archive_all(checkpoint, whole);
      probe.run(50);
      Model<TestType> resumed(assignments, 3);
      checkpoint.rewind();
      archive_all(checkpoint, resumed);
      ScriptedWorld rest(3, vocabulary, 1000, [&](Index t, Index j) { return script(t + 50, j); });
      Probe<TestType> going_on(*resumed.hierarchy, rest, &resumed.learning);
      going_on.run(50);
      MemoryArchive expected, found;
      archive_all(expected, whole);
      archive_all(found, resumed);
      std::string names;
      for (const auto& name : differences(expected, found)) names += name + " ";
      INFO(names);
      CHECK(names.empty());
    }
}

TEST_CASE("gaussian: a clamped level hands down what it is told, while its own inference goes on") {
  Model<double> model(lines("residual", "exact"), 2);
  ScriptedWorld world(2, vocabulary, 1000, [](Index t, Index j) { return random_word(static_cast<std::uint64_t>(j), t, vocabulary); });
  Probe<double> probe(*model.hierarchy, world, nullptr);
  probe.start();
  probe.run(20);
  auto& level = model.hierarchy->level(1);
  Tensor<double> told(*model.device, 4, 2);
  model.device->fill(told, 3);
  level.clamp_downward(std::vector<std::uint8_t>{0, 1}, told.view());
  const auto before = values<double>(level.snapshot().belief, *model.device);
  probe.run(1);
  const auto handed = values<double>(level.downward().activity, *model.device),
             own = values<double>(level.snapshot().prediction, *model.device),
             belief = values<double>(level.snapshot().belief, *model.device);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(handed[i] == own[i]);
    CHECK(handed[4 + i] == 3);
    CHECK(own[4 + i] != 3);
    CHECK(belief[4 + i] != before[4 + i]);
  }
  level.clamp_downward({}, {});
  const auto freed = values<double>(level.downward().activity, *model.device);
  for (std::size_t i = 0; i < 8; ++i) CHECK(freed[i] == own[i]);
}

TEST_CASE("gaussian: a free energy that is no number is laid to the level whose it is") {
  for (const std::string scheme : {"serial", "exact"})
    for (const Index broken : {0, 1}) {
      Model<double> model(lines("residual", scheme), 2);
      ScriptedWorld world(2, vocabulary, 1000, [](Index t, Index j) { return random_word(static_cast<std::uint64_t>(j), t, vocabulary); });
      Probe<double> probe(*model.hierarchy, world, nullptr);
      probe.start();
      probe.run(3);
      auto& level = dynamic_cast<GaussianLevel<double>&>(model.hierarchy->level(broken));
      level.set_precision(std::vector<double>(static_cast<std::size_t>(level.units()), std::nan("")));
      try {
        probe.run(1);
        FAIL("nothing was thrown");
      } catch (const NumericalError& error) { CHECK(error.level == std::to_string(broken)); }
    }
}

TEST_CASE("gaussian: precisions are as many as there are units") {
  Model<double> model(lines("residual", "serial"), 1);
  auto& level = dynamic_cast<GaussianLevel<double>&>(model.hierarchy->level(1));
  for (const std::size_t wrong : {3U, 5U}) CHECK_THROWS_AS(level.set_precision(std::vector<double>(wrong, 2.)), ShapeError);
  level.set_precision(std::vector<double>{1, 2, 3, 4});
  CHECK(level.precision() == std::vector<double>{1, 2, 3, 4});
}

TEST_CASE("gaussian: what is not finite is caught") {
  {
    Model<double> model(lines("residual", "serial"), 2);
    ScriptedWorld world(2, vocabulary, 1000, [](Index t, Index j) { return random_word(static_cast<std::uint64_t>(j), t, vocabulary); });
    Probe<double> probe(*model.hierarchy, world, nullptr);
    probe.start();
    probe.run(3);
    model.hierarchy->level(1).visit_weights([&](Weight<double>& weight) {
      if (weight.name == "share_out") model.device->fill(weight.value, std::numeric_limits<double>::quiet_NaN());
    });
    CHECK_THROWS_AS(probe.run(2), NumericalError);
  }
  ChainModel model(chain_of(2), {1, std::numeric_limits<double>::quiet_NaN()}, {"relaxation.scheme=exact"});
  model.simulation->advance();
  CHECK_THROWS_AS(model.simulation->advance(), DataError);
}

TEST_CASE("gaussian: stubbornness slows") {
  // Steps after which a level that was told 0 for long has gone half of its way to 1: the gain is K(kappa) = kappa H / (pi + kappa H).
  const auto half_way = [](const std::string& kappa) {
    std::vector<double> y(300, 0);
    y.resize(1000, 1);
    linear_gaussian::Chain chain{{std::exp(-1e-6)}, {1}, {.3}, .5};
    ChainModel model(chain, y, {"relaxation.scheme=exact", "level.0.precision=20", "level.0.stubbornness=" + kappa});
    for (int t = 0; t < 1000; ++t) {
      model.simulation->advance();
      if (model.belief()(0) >= .5) return t - 299;
    }
    return 2000;
  };
  const auto expected = [](double kappa) { return std::ceil(std::log(.5) / std::log(1 - kappa * 2 / (20 + kappa * 2)) - 1e-9); };
  for (const double kappa : {1., .5, .1, .02}) CHECK(half_way(to_text(kappa)) == expected(kappa));
}

TEST_CASE("gaussian: learned precision reaches the Kalman gain") {
  const linear_gaussian::Chain chain{{std::exp(-1. / 20)}, {1}, {.1}, 1};
  const auto y = draws(chain, 100000, 8);
  const double variance = linear_gaussian::steady_state(chain).predicted_covariance(0, 0);
  for (const double start : {.3, 100.}) {
    ChainModel model(chain, y,
                     {"relaxation.scheme=exact", "level.0.precision_mode=learned", "level.0.precision_steps=8000",
                      "level.0.precision=" + to_text(start)});
    Learning<double> still(LearningSettings{0, 0, 0, 1, 0}, 0);
    Simulation<double> simulation(*model.hierarchy, *model.world, &still, 1, 1);
    simulation.start();
    simulation.run();
    INFO("from " << start << ": 1/pi " << 1 / model.levels[0]->precision()[0] << ", Kalman " << variance);
    CHECK(1 / model.levels[0]->precision()[0] == Approx(variance).epsilon(.1));
  }
}

TEST_CASE("gaussian: mixed hierarchies learn") {
  // A text of which one word in two follows from a slow state of the stream.
  const auto nats = [](std::vector<std::string> assignments) {
    assignments.insert(assignments.end(), {"learning.rate=.01", "learning.warm_up=20"});
    Tiny<float> tiny(assignments, 4, 1, vocabulary);
    ScriptedWorld world(4, vocabulary, 100000, [](Index t, Index j) {
      const auto slow = static_cast<std::uint64_t>(t / 60 + 1000 * j);
      Word word = random_word(static_cast<std::uint64_t>(j), t, vocabulary);
      if (word.id % 2 == 0) word.id = static_cast<std::int32_t>(mix(slow) % vocabulary);
      return word;
    });
    Simulation<float> simulation(*tiny.hierarchy, world, tiny.learning.get(), 1, 3);
    simulation.start();
    const auto part = [&](int steps) {
      const double before = simulation.nats();
      for (int t = 0; t < steps; ++t) simulation.advance();
      return (simulation.nats() - before) / (4 * steps);
    };
    const double first = part(300);
    part(2000);
    return std::pair(first, part(600));
  };
  const std::vector<std::vector<std::string>> stacks{
      {"hierarchy.levels=3", "level.1.kind=gaussian", "level.2.kind=categorical"},
      {"hierarchy.levels=3", "level.1.kind=gaussian", "level.2.kind=gaussian"},
      {"hierarchy.levels=3", "level.1.tick=1", "level.2.kind=gaussian"},
      {"hierarchy.levels=3", "level.1.kind=gaussian", "level.2.kind=situation"},
  };
  for (const auto& stack : stacks) {
    const auto [first, last] = nats(stack);
    INFO(stack.back() << " over " << stack[1] << ": " << first << " to " << last);
    CHECK(std::isfinite(last));
    CHECK(last < first - .1);
  }
}
