// Evidence, tokens to switch and inertia of a two-state unit against their closed form, for three stubbornnesses.

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "analysis/measure.hpp"
#include "analysis/read_out.hpp"
#include "analysis/world_switches.hpp"
#include "core/error.hpp"
#include "tests/support/analysis_trace.hpp"

using namespace strata;
using test::times;
using test::write_level;

namespace {

constexpr double kTau = 400.0, kShare = 0.5, kRatio = 0.5;  // tokens; share of the new state; nats per token
constexpr std::int64_t kSamples = 24000, kStay = 400;
constexpr Index kStreams = 2;

int state_at(double t, Index stream) { return static_cast<int>((static_cast<std::int64_t>(t) + 150 * stream) / kStay) % 2; }

/// Posterior and the prior of the next token of a unit that hears `kRatio` nats per token for the true state and weighs them by kappa.
struct Unit {
  double kappa;
  std::vector<std::vector<double>> posterior, prediction;  ///< stream x time, of state 1

  explicit Unit(double k) : kappa(k), posterior(kStreams), prediction(kStreams) {
    for (Index s = 0; s < kStreams; ++s) {
      double odds = 0.0;  // of state 1, ln
      for (std::int64_t t = 0; t < kSamples; ++t) {
        odds += kappa * (state_at(static_cast<double>(t), s) == 1 ? kRatio : -kRatio);
        const double q = 1.0 / (1.0 + std::exp(-odds)), next = (1.0 - kShare / kTau) * q + kShare / kTau * (1.0 - q);
        posterior[static_cast<std::size_t>(s)].push_back(q);
        prediction[static_cast<std::size_t>(s)].push_back(next);
        odds = std::log(next / (1.0 - next));
      }
    }
  }
  void write(Hdf5File& file, const std::string& group, bool swapped) const {
    const auto grid = times(0, kSamples - 1);
    const auto from = [&](const std::vector<std::vector<double>>& all) {
      return [&all, swapped](double t, Index s, Index u) {
        const double q = all[static_cast<std::size_t>(s)][static_cast<std::size_t>(t)];
        return (u == 1) != swapped ? q : 1.0 - q;
      };
    };
    write_level(file, group, "belief", grid, kStreams, 2, from(posterior));
    write_level(file, group, "prediction", grid, kStreams, 2, from(prediction));
    if (!swapped) return;
    file.set_number(group, "stubbornness", kappa);
    file.set_text(group, "name", "context");
  }
};

void write_contexts(Hdf5File& file, std::int64_t samples, Index streams, const std::function<int(double, Index)>& state) {
  std::vector<std::int32_t> context;
  for (std::int64_t t = 0; t < samples; ++t)
    for (Index s = 0; s < streams; ++s) context.push_back(state(static_cast<double>(t), s));
  file.write<std::int32_t>("/world/context", {samples, streams, 1}, context);
}

double closed_form(double kappa) { return (std::log(kTau / kShare) + std::log(std::tanh(kappa * kRatio / 2.0))) / kappa; }

}  // namespace

TEST_CASE("evidence and tokens to switch of a two-state unit follow the closed form", "[analysis]") {
  for (const double kappa : {1.0, 0.5, 0.25}) {
    const test::TemporaryFolder folder;
    const std::string path = folder.file("unit.h5");
    {
      Hdf5File file(path, Hdf5File::Mode::create);
      Unit(kappa).write(file, "/levels/0", true);  // learned states have no names: 0 and 1 are exchanged
      Unit(1.0).write(file, "/conditions/exact/levels/0", false);
      write_contexts(file, kSamples, kStreams, state_at);
      file.close();
    }
    const MeasureResult found = analyse("evidence", path);
    const MeasuredValues& level = found.levels[0];
    INFO("kappa " << kappa << ": " << level.cell("evidence_nats") << " nats against " << closed_form(kappa));
    CHECK(level.number("switches") == 119.0);
    CHECK(level.number("evidence_nats") == Approx(closed_form(kappa)).epsilon(0.03));
    CHECK(level.number("tokens_to_switch") == Approx(closed_form(kappa) / kRatio).epsilon(0.03));
    CHECK(level.number("evidence_completed_mean") == Approx(kRatio * std::ceil(closed_form(kappa) / kRatio)).epsilon(1e-3));
    CHECK(level.number("tokens_completed_mean") == Approx(std::ceil(closed_form(kappa) / kRatio)).epsilon(1e-3));
    CHECK(level.number("exact_evidence_nats") == Approx(closed_form(1.0)).epsilon(0.03));
    CHECK(level.number("inertia_ratio") == Approx(closed_form(kappa) / closed_form(1.0)).epsilon(0.03));
    CHECK(level.number("tokens_to_switch_censored_fraction") == 0.0);
    CHECK(level.number("foreseen_fraction") == 0.0);
    CHECK(analyse("tokens_to_switch", path).levels[0].number("inertia_ratio") == level.number("inertia_ratio"));
  }
}

TEST_CASE("a switch that is never believed is a bound; one that was foreseen takes nothing", "[analysis]") {
  ContextBelief belief;
  belief.streams = 1;
  belief.states = 2;
  const float news[] = {0.1F, 0.1F, 0.2F, 0.4F, 0.3F, 0.3F};  // belief in context 1
  const std::int32_t truth[] = {0, 0, 1, 1, 1, 0};
  for (std::int64_t t = 0; t < 6; ++t) {
    belief.time.push_back(t);
    belief.truth.push_back(truth[t]);
    belief.has_prior.push_back(t > 0 ? 1 : 0);
    const float q = news[t], p = t > 0 ? news[t - 1] : 0.5F;
    belief.posterior.insert(belief.posterior.end(), {1.0F - q, q});
    belief.prior.insert(belief.prior.end(), {1.0F - p, p});
  }
  const auto found = context_switches(belief);
  REQUIRE(found.size() == 2);
  CHECK(found[0].tokens.bound == Bound::at_least);
  CHECK(found[0].tokens.value == 3.0);
  CHECK(found[0].evidence.value == Approx(std::log(0.3 / 0.7) - std::log(0.1 / 0.9)).epsilon(1e-5));
  CHECK(context_switches(belief, 0.5)[0].evidence.value == Approx(2.0 * found[0].evidence.value));
  CHECK(found[1].foreseen);
  CHECK(found[1].tokens.bound == Bound::exact);
  CHECK(found[1].tokens.value == 0.0);
  CHECK(found[1].evidence.value == 0.0);
  belief.time[3] = 7;
  belief.time[4] = 8;
  belief.time[5] = 9;
  CHECK(context_switches(belief)[0].tokens.value == 1.0);  // what follows a gap is not counted
  belief.time[2] = 3;
  CHECK_THROWS_AS(context_switches(belief), DataError);
}

TEST_CASE("calibration of a forecaster that says .9 and is right .7 of the time", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("forecaster.h5");
  std::mt19937_64 random(9);
  std::uniform_real_distribution<double> uniform;
  const std::int64_t samples = 20000;
  std::vector<int> said, truth;
  for (std::int64_t t = 0; t < samples; ++t) {
    truth.push_back(static_cast<int>(random() % 3));
    said.push_back(uniform(random) < 0.7 ? truth.back() : (truth.back() + 1) % 3);
  }
  {
    Hdf5File file(path, Hdf5File::Mode::create);
    const auto forecast = [&](double sure) {
      return [&, sure](double t, Index, Index u) { return u == said[static_cast<std::size_t>(t)] ? sure : 0.5 * (1.0 - sure); };
    };
    write_level(file, "/levels/0", "belief", times(0, samples - 1), 1, 3, forecast(0.9));
    write_level(file, "/conditions/exact/levels/0", "belief", times(0, samples - 1), 1, 3, forecast(0.5));
    write_contexts(file, samples, 1, [&](double t, Index) { return truth[static_cast<std::size_t>(t)]; });
    file.close();
  }
  const MeasureResult found = analyse("calibration", path);
  const MeasuredValues& level = found.levels[0];
  CHECK(level.number("calibration_error") == Approx(0.2).margin(0.01));
  CHECK(level.number("overconfidence") == Approx(0.2).margin(0.01));
  CHECK(level.number("exact_calibration_error") == Approx(0.2).margin(0.01));  // too modest is as wrong as too sure
  CHECK(level.number("exact_overconfidence") == Approx(-0.2).margin(0.01));
  CHECK(level.number("context_nats") == Approx(-0.7 * std::log(0.9) - 0.3 * std::log(0.05)).epsilon(0.02));
  CHECK(std::get<std::vector<double>>(*level.find("calibration_confidence")).at(0) == Approx(0.9).epsilon(1e-4));
  const auto& ends = std::get<std::vector<double>>(*level.find("calibration_error_ci95"));
  CHECK(ends[0] < 0.2);
  CHECK(0.2 < ends[1]);
}

TEST_CASE("what a decoder learned by heart in the first half is worth nothing in the second", "[analysis]") {
  // The belief says which of forty stretches it is in; the context is drawn anew for each: nothing carries over.
  const std::int64_t samples = 8000;
  std::mt19937_64 random(21);
  std::vector<std::int32_t> of_stretch;
  for (int i = 0; i < 40; ++i) of_stretch.push_back(i % 2 == 0 ? static_cast<std::int32_t>(random() % 2) : 1 - of_stretch.back());
  Series belief;
  belief.streams = 1;
  belief.units = 40;
  Contexts contexts;
  contexts.streams = contexts.levels = 1;
  contexts.states = {2};
  for (std::int64_t t = 0; t < samples; ++t) {
    const auto stretch = static_cast<std::size_t>(t / 200);
    belief.time.push_back(t);
    contexts.time.push_back(t);
    for (std::size_t u = 0; u < 40; ++u) belief.value.push_back(u == stretch ? 1.0F : 0.0F);
    contexts.value.push_back(of_stretch[stretch]);
  }
  for (const bool logistic : {false, true}) {
    ReadOutOptions how;
    how.logistic = logistic;
    const ReadOut found = read_out(belief, contexts, 0, nullptr, how, {200, 1, 0.95});
    CHECK(found.accuracy.value == Approx(0.5).margin(0.01));
    CHECK(found.chance.value == Approx(0.5).margin(0.01));
    CHECK_FALSE(found.normalised.measured());
  }
}
