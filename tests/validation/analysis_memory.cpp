// What a level holds of the past, of the level below and of its changes: synthetic traces whose information is known in closed form.

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "analysis/boundaries.hpp"
#include "analysis/containment.hpp"
#include "analysis/measure.hpp"
#include "analysis/past_information.hpp"
#include "analysis/reflection.hpp"
#include "tests/support/analysis_trace.hpp"

using namespace strata;
using test::times;
using test::write_level;

namespace {

Series series_of(std::int64_t samples, Index units, const std::function<double(std::int64_t, Index)>& value) {
  Series out;
  out.streams = 1;
  out.units = units;
  for (std::int64_t t = 0; t < samples; ++t) {
    out.time.push_back(t);
    for (Index u = 0; u < units; ++u) out.value.push_back(static_cast<float>(value(t, u)));
  }
  return out;
}

std::vector<int> random_states(std::int64_t count, int states, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<int> out;
  for (std::int64_t i = 0; i < count; ++i) out.push_back(static_cast<int>(random() % static_cast<std::uint64_t>(states)));
  return out;
}

}  // namespace

TEST_CASE("past information: a copy of the last token holds its entropy, noise holds nothing", "[analysis]") {
  const std::int64_t samples = 12000;
  const auto token = random_states(samples, 4, 1);
  IntegerSeries tokens;
  tokens.streams = 1;
  for (std::int64_t t = 0; t < samples; ++t) {
    tokens.time.push_back(t);
    tokens.value.push_back(token[static_cast<std::size_t>(t)]);
  }
  const auto copy_of = [&](std::int64_t lag) {
    return series_of(samples, 4,
                     [&, lag](std::int64_t t, Index u) { return t >= lag && token[static_cast<std::size_t>(t - lag)] == u ? 1.0 : 0.0; });
  };
  PastOptions how;
  how.lags = 8;
  const double entropy = std::log(4.0);
  const PastInformation last = past_information(copy_of(1), tokens, how, {200, 1, 0.95});
  CHECK(last.lag == std::vector<double>{0, 1, 2, 4, 8});
  CHECK(last.nats[1] == Approx(entropy).epsilon(0.03));
  CHECK(last.past.value == Approx(entropy).epsilon(0.05));
  CHECK(last.nats[0] == Approx(0.0).margin(0.01));
  CHECK(last.control == Approx(0.0).margin(0.05));
  CHECK(past_information(copy_of(0), tokens, how, {200, 1, 0.95}).present.value == Approx(entropy).epsilon(0.03));
  // At lag 4 the sum counts the lags between 2, 4 and 8 by straight lines: 1 + .5 + 1.5 times.
  CHECK(past_information(copy_of(4), tokens, how, {200, 1, 0.95}).past.value == Approx(3.0 * entropy).epsilon(0.05));
  std::mt19937_64 random(2);
  std::normal_distribution<double> normal;
  const PastInformation noise =
      past_information(series_of(samples, 4, [&](std::int64_t, Index) { return normal(random); }), tokens, how, {200, 1, 0.95});
  CHECK(noise.past.value < 0.02);
  CHECK(noise.past.value > -0.1);
}

TEST_CASE("containment of states and of Gaussian vectors", "[analysis]") {
  // The level above holds a state for ten tokens; below, the same state in nine spans of ten, else the other: ln 2 - H(.1).
  const auto state = random_states(3000, 2, 3), slip = random_states(3000, 10, 4);
  const auto at = [&](std::int64_t t) { return static_cast<std::size_t>(t / 10); };
  const Series above = series_of(30000, 2, [&](std::int64_t t, Index u) { return state[at(t)] == u ? 0.9 : 0.1; });
  const Series below = series_of(30000, 2, [&](std::int64_t t, Index u) {
    const int s = slip[at(t)] == 0 ? 1 - state[at(t)] : state[at(t)];
    return (t % 10 < 3 ? 1 - s : s) == u ? 1.0 : 0.0;  // for three tokens of the span something else
  });
  const double expected = std::log(2.0) + 0.1 * std::log(0.1) + 0.9 * std::log(0.9);
  const Containment states = containment_of_states(above, below, 10.0);
  CHECK(states.nats.value == Approx(expected).margin(0.03));
  CHECK(states.nats.low < expected);
  CHECK(expected < states.nats.high);
  CHECK(states.fraction.value == Approx(expected / std::log(2.0)).margin(0.04));
  CHECK(states.samples == 3000);

  // Above: x held for ten tokens. Below: two units whose mean over the span has correlation .8 with x.
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  std::vector<double> x, y;
  for (int i = 0; i < 6000; ++i) {
    x.push_back(normal(random));
    y.push_back(0.8 * x.back() + 0.6 * normal(random));
  }
  const Series vector = series_of(60000, 1, [&](std::int64_t t, Index) { return x[at(t)]; });
  const Series lower =
      series_of(60000, 2, [&](std::int64_t t, Index u) { return (u == 0 ? y[at(t)] : -2.0 * y[at(t)]) + (t % 2 == 0 ? 5.0 : -5.0); });
  const Containment vectors = containment_of_vectors(vector, lower, 10.0);
  CHECK(vectors.nats.value == Approx(-0.5 * std::log(0.36)).margin(0.03));
  CHECK(vectors.nats.low < -0.5 * std::log(0.36));
  CHECK(-0.5 * std::log(0.36) < vectors.nats.high);
  const Series noise = series_of(60000, 2, [&](std::int64_t, Index) { return normal(random); });
  CHECK(containment_of_vectors(vector, noise, 10.0).nats.value < 0.002);
}

TEST_CASE("reflection: a belief that jumps with the context holds its entropy, a deaf one nothing", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("trace.h5");
  // Context 0 is drawn anew (of two) every eight tokens, so that it changes in half of the windows. Level 1 follows, level 0 does not.
  const std::int64_t samples = 16001;
  const auto state = random_states(samples / 8 + 2, 2, 6);
  const auto context = [&](double t) { return state[static_cast<std::size_t>(t + 3.0) / 8]; };
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform;
  {
    Hdf5File file(path, Hdf5File::Mode::create);
    write_level(file, "/levels/0", "belief", times(0, samples - 1), 1, 2, [&](double, Index, Index) { return uniform(random); });
    write_level(file, "/levels/1", "belief", times(0, samples - 1), 1, 2,
                [&](double t, Index, Index u) { return context(t) == u ? 0.8 : 0.2; });
    write_level(file, "/levels/2", "belief", times(0, samples - 1), 1, 2,
                [&](double t, Index, Index u) { return context(t) == u ? 0.24 : 0.06; });
    std::vector<std::int32_t> contexts;
    for (std::int64_t t = 0; t < samples; ++t)
      for (int l = 0; l < 3; ++l) contexts.push_back(l == 0 ? context(static_cast<double>(t)) : 0);
    file.write<std::int32_t>("/world/context", {samples, 1, 3}, contexts);
    const std::vector<double> states = {2, 2, 2};
    file.set_numbers<double>("/world/context", "states", states, false);
    file.close();
  }
  const MeasureResult found = analyse("reflection", path);
  CHECK(found.levels[1].number("reflection_nats") == Approx(std::log(2.0)).epsilon(0.02));
  CHECK(found.levels[1].number("reflection_fraction") == Approx(1.0).epsilon(0.01));
  CHECK(found.levels[1].number("reflection_shifted_nats") == Approx(0.0).margin(0.005));
  CHECK(found.levels[0].number("reflection_context_0") == Approx(0.0).margin(0.005));
  CHECK(found.levels[0].find("reflection_nats") == nullptr);                                        // nothing lies below
  CHECK(found.levels[2].number("reflection_slope") == Approx(0.3 * std::sqrt(2.0)).epsilon(0.01));  // L2 above, total variation below
  CHECK(found.levels[2].number("reflection_r") == Approx(1.0).epsilon(1e-3));
  CHECK(std::abs(found.levels[1].number("reflection_slope")) < 0.05);
}

TEST_CASE("boundaries of a text from its events, and from the contexts of a world", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("trace.h5");
  // A sentence of about ten tokens; the error of level 1 peaks one token late, that of level 2 anywhere.
  const std::int64_t samples = 20000;
  const auto length = random_states(samples, 7, 8), noise = random_states(samples, 1000, 9);
  std::vector<std::int64_t> event_time;
  std::vector<std::int32_t> event_stream;
  std::vector<std::uint8_t> kind, begins(static_cast<std::size_t>(samples) + 40, 0);
  for (std::int64_t t = 9, n = 0; t < samples - 2; t += 7 + length[static_cast<std::size_t>(n++)]) {
    const bool paragraph = n % 5 == 4;
    for (int event = 0; event < (paragraph ? 2 : 1); ++event) {
      event_time.push_back(t);
      event_stream.push_back(0);
      kind.push_back(event == 0 ? 1 : 2);
    }
    begins[static_cast<std::size_t>(t) + 1] = 1;
  }
  const auto some = [&](double t) { return 0.001 * noise[static_cast<std::size_t>(t)]; };
  {
    Hdf5File file(path, Hdf5File::Mode::create);
    for (int l = 0; l < 3; ++l)
      write_level(file, "/levels/" + std::to_string(l), "prediction_error_norm", times(0, samples - 1), 1, 0, [&](double t, Index, Index) {
        return some(t) + (l == 1 && t >= 1.0 && begins[static_cast<std::size_t>(t) - 1] != 0 ? 2.0 : 0.0);
      });
    const auto rows = static_cast<std::int64_t>(kind.size());
    file.write<std::int64_t>("/events/time", {rows}, event_time);
    file.write<std::int32_t>("/events/stream", {rows}, event_stream);
    file.write<std::uint8_t>("/events/kind", {rows}, kind);
    file.close();
  }
  const MeasureResult found = analyse("boundaries", path);
  REQUIRE(found.levels.size() == 2);  // sentences and paragraphs; level 0 has no boundaries of its own
  CHECK(found.levels[0].number("boundary_f1") > 0.99);
  CHECK(found.levels[0].number("boundary_tolerance") == 2.0);
  CHECK(found.levels[0].number("shifted_boundary_f1") < 0.7);
  CHECK(found.levels[0].number("boundary_pk") < 0.5 * found.levels[0].number("shifted_boundary_pk"));
  CHECK(found.levels[1].number("boundaries") == Approx(found.levels[0].number("boundaries") / 5.0).epsilon(0.01));
  const auto& noisy = std::get<std::vector<double>>(*found.levels[1].find("boundary_f1_ci95"));
  CHECK(noisy[0] < found.levels[1].number("shifted_boundary_f1") + 0.1);  // noise finds no more than its shifted self
  Configuration strict;
  strict.set_assignment("analyse.tolerance=1");
  CHECK(analyse("boundaries", path, strict).levels[0].number("boundary_f1") > 0.99);
}
