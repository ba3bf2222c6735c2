// The broad prediction learns the gradient of its window's cross entropy, with the partners of the moment at which it was made.

#include <catch2/catch.hpp>
#include <cmath>

#include "core/memory_archive.hpp"
#include "core/random.hpp"
#include "levels/broad.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index units = 4, vocabulary = 9, streams = 2, inputs = 6, above = 3, length = 12;

/// What a level gives to its own view, the words just read, and the level above.
struct Scalars {
  double beta, gamma, log_kappa, alpha;
};

struct Rig {
  std::unique_ptr<Device<double>> device = make_device<double>({"reference", "auto", 0});
  Lexicon<double> lexicon{*device, units, std::vector<double>(vocabulary, -std::log(9.0)), .5, 3};
  BroadSettings settings;
  Broad<double> broad;
  Weight<double> memory_in{*device, "memory_in", units, inputs}, above_in{*device, "above_in", units, above},
      bias{*device, "bias", units, 1};
  Tensor<double> mu{*device, units, streams}, memory{*device, inputs, streams}, higher{*device, above, streams},
      expected{*device, vocabulary, streams};
  std::map<std::string, Weight<double>*> blocks;
  std::vector<std::vector<std::int32_t>> read{streams};
  Observation observation;

  explicit Rig(const BroadSettings& with) : settings(with), broad(*device, lexicon, settings, inputs, above, streams, 1, 3, 1) {
    observation.resize(streams);
    observation.active.assign(streams, 1);
    std::uint32_t purpose = 0;
    for (auto* x : {&mu, &memory, &higher, &expected}) {
      auto host = values<double>(x->view(), *device);
      for (std::size_t i = 0; i < host.size(); ++i) host[i] = random_normal(11, static_cast<std::uint32_t>(i), purpose);
      device->upload(host, *x);
      ++purpose;
    }
    broad.visit_weights([&](Weight<double>& w) { blocks[w.name] = &w; });
    for (auto* w : {&memory_in, &above_in, &bias, &lexicon.vectors}) blocks[w->name] = w;
    blocks.at("broad_recency")->randomise(.3, 5, 1);
    blocks.at("broad_background")->randomise(.3, 5, 1);
  }
  Scalars get() {
    MemoryArchive archive;
    broad.archive_parameters(archive);
    const auto value = [&](const char* name) { return archive.items().contains(name) ? std::get<double>(archive.items().at(name)) : 0; };
    return {value("broad_sharpness"), value("broad_cache"), value("broad_cache_words"), value("broad_trust")};
  }
  void set(Scalars s) {
    MemoryArchive archive;
    for (auto [name, x] : {std::pair{"broad_sharpness", s.beta},
                           {"broad_windows", 0.0},
                           {"broad_words", 0.0},
                           {"broad_cache", s.gamma},
                           {"broad_cache_words", s.log_kappa},
                           {"broad_trust", s.alpha}})
      archive.value(name, x);
    archive.rewind();
    broad.archive_parameters(archive);
  }
  /// Words before the moment, the moment, words after it up to the end of the sentence after next.
  void go() {
    for (Index t = 0; t < 2 * length; ++t) {
      for (std::size_t j = 0; j < streams; ++j) {
        const std::uint64_t bits = mix(static_cast<std::uint64_t>(t) * streams + j + 1);
        observation.id[j] = static_cast<std::int32_t>(bits % vocabulary);
        observation.boundary[j] = t == length + 2 || t == length + 2 + static_cast<Index>(j) + 3 ? sentence_end : 0;
        read[j].push_back(observation.id[j]);
      }
      broad.read(observation, observation.boundary);
      const std::vector<std::uint8_t> ticked(streams, t == length - 1 ? 1 : 0);
      broad.evaluate(ticked, observation.boundary, {mu.view(), memory.view(), higher.view(), expected.view()});
    }
  }
  /// Words of the window of stream j: to the end of the sentence after the one under way.
  std::vector<std::int32_t> window(std::size_t j) const {
    return {read[j].begin() + length, read[j].begin() + length + 2 + static_cast<std::ptrdiff_t>(j) + 4};
  }

  double mean_length() const { return static_cast<double>(window(0).size() + window(1).size()) / 2; }
  /// Sum over the windows' words of their nats, over the mean length, written out; weights of the level act on mu through the partners alone.
  double loss(std::map<std::string, std::vector<double>> w, const std::map<std::string, std::vector<double>>& base, Scalars s) const {
    const auto x = values<double>(mu.view(), *device), h = values<double>(memory.view(), *device),
               up = values<double>(higher.view(), *device), from_above = values<double>(expected.view(), *device);
    double sum = 0;
    for (std::size_t j = 0; j < streams; ++j) {
      double f[units], mf[units] = {};
      for (std::size_t i = 0; i < units; ++i) {
        double m = x[j * units + i] + w["bias"][i] - base.at("bias")[i];
        for (std::size_t c = 0; c < inputs; ++c)
          m += (w["memory_in"][c * units + i] - base.at("memory_in")[c * units + i]) * h[j * inputs + c];
        for (std::size_t c = 0; c < above; ++c)
          m += (w["above_in"][c * units + i] - base.at("above_in")[c * units + i]) * up[j * above + c];
        f[i] = std::tanh(m);
      }
      for (std::size_t i = 0; i < units; ++i)
        for (std::size_t c = 0; c < units; ++c) mf[i] += w["broad_readout"][c * units + i] * f[c];
      double logits[vocabulary], total = 0, counts[vocabulary] = {}, all = 0;
      const double kappa = std::exp(s.log_kappa), cached = settings.cache > 0 ? 1 : 0;
      for (std::size_t p = 0; p < length; ++p) {
        for (double& r : counts) r *= std::exp(-1 / settings.time_constant);
        counts[read[j][p]] += 1;
      }
      for (const double r : counts) all += r;
      for (std::size_t v = 0; v < vocabulary; ++v) {
        const double recent = counts[v], u = 1.0 / vocabulary;
        double part = w["broad_recency"][v] * (recent > 0 ? 3 * recent / (1 + recent) : 0);
        for (std::size_t i = 0; i < units; ++i) part += w["lexicon"][v * units + i] * mf[i];
        // what a Dirichlet of kappa words of the unigram and the words just read expects, as log odds against the unigram
        const double mixed = cached * std::log((kappa * u + recent) / (kappa + all) / u);
        logits[v] = w["broad_background"][v] + s.beta * part + s.gamma * mixed + s.alpha * from_above[j * vocabulary + v];
        total += std::exp(logits[v]);
      }
      for (const auto word : window(j)) sum += (std::log(total) - logits[word]) / mean_length();
    }
    return sum;
  }
};

}  // namespace

TEST_CASE("broad prediction: updates at the window's end are the gradient of its cross entropy", "[gradient]") {
  struct Kind {
    double cache;
    bool from_above;
  };
  const Kind kind = GENERATE(Kind{0, false}, Kind{.3, false}, Kind{0, true}, Kind{.2, true});
  INFO("cache " << kind.cache << ", from above " << kind.from_above);
  Rig rig({.25, 4, 30, sentence_end, 15, 1, kind.from_above, kind.cache});
  const Scalars at{.8, kind.cache > 0 ? 1.3 : 0, kind.cache > 0 ? 2.1 : 0, kind.from_above ? .6 : 0};
  rig.set(at);
  rig.go();
  std::map<std::string, std::vector<double>> base;
  for (const auto& [name, weight] : rig.blocks) base[name] = values<double>(weight->value.view(), *rig.device);
  rig.broad.set_scoring(true);
  rig.broad.settle(1, true, rig.memory_in, &rig.above_in, rig.bias);
  REQUIRE(rig.broad.score().predictions == streams);
  CHECK(rig.broad.score().nats == Approx(rig.mean_length() * rig.loss(base, base, at)).epsilon(1e-6));  // recency counts are kept in float
  constexpr double h = 1e-3;
  const auto slope = [](auto f) { return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h); };
  for (const auto& [name, weight] : rig.blocks) {
    std::vector<double> expected;
    for (std::size_t i = 0; i < base[name].size(); ++i)
      expected.push_back(-rig.settings.weight * slope([&, block = name](double shift) {
        auto moved = base;
        moved[block][i] += shift;
        return rig.loss(moved, base, at);
      }));
    INFO(name);
    CHECK(relative_distance(values<double>(weight->gradient.view(), *rig.device), expected) < 1e-6);
  }
  const Scalars now = rig.get();
  for (const auto scalar : {&Scalars::beta, &Scalars::gamma, &Scalars::log_kappa, &Scalars::alpha}) {
    if (at.*scalar == 0) continue;
    const double along = slope([&](double shift) {
      Scalars moved = at;
      moved.*scalar += shift;
      return rig.loss(base, base, moved);
    });
    const bool logarithm = scalar == &Scalars::beta;
    CHECK((logarithm ? std::log(now.beta / at.beta) : now.*scalar - at.*scalar) ==
          Approx(-.01 / (1 + streams / 2500.) * along * (logarithm ? at.beta : 1)).epsilon(1e-5));
  }
}

TEST_CASE("broad prediction: scalars and scores are of the prediction as it was made, whatever the weights have learned since",
          "[gradient]") {
  const BroadSettings settings{.25, 4, 30, sentence_end, 15, 1, true, .2};
  const Scalars at{.8, 1.3, 2.1, .6}, later{1.1, .7, 2.6, .2};
  Rig still(settings), taught(settings);
  for (Rig* rig : {&still, &taught}) {
    rig->set(at);
    rig->go();
    rig->broad.set_scoring(true);
    if (rig == &taught)
      for (const char* name : {"lexicon", "broad_readout", "broad_recency"}) {
        auto& w = rig->blocks.at(name)->value;
        rig->device->axpby(0, w.view(), 2, w.view());
      }
    if (rig == &taught) rig->set(later);
    rig->broad.settle(1, true, rig->memory_in, &rig->above_in, rig->bias);
  }
  CHECK(taught.broad.score().nats == still.broad.score().nats);
  CHECK(taught.broad.take_loss().nats == still.broad.take_loss().nats);
  const Scalars a = still.get(), b = taught.get();
  for (const auto scalar : {&Scalars::beta, &Scalars::gamma, &Scalars::log_kappa, &Scalars::alpha}) {
    CHECK(a.*scalar != at.*scalar);
    const auto moved = [&](Scalars to, Scalars from) {
      return scalar == &Scalars::beta ? std::log(to.beta / from.beta) : to.*scalar - from.*scalar;
    };
    CHECK(moved(b, later) == Approx(moved(a, at)));
  }
  const auto of = [](Rig& rig) { return values<double>(rig.blocks.at("memory_in")->gradient.view(), *rig.device); };
  CHECK(relative_distance(of(taught), of(still)) > .1);  // what the weights learn is of the weights of now
}

TEST_CASE("broad prediction: windows that close together do not throw a scalar far", "[gradient]") {
  Rig rig({.25, 4, 30, sentence_end, 15, 1, true, 0});
  rig.device->axpby(0, rig.expected.view(), 1000, rig.expected.view());
  rig.set({1, 0, 0, .6});
  rig.go();
  rig.broad.settle(1, true, rig.memory_in, &rig.above_in, rig.bias);
  CHECK(std::abs(rig.get().alpha - .6) == Approx(.05));
}
