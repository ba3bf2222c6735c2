// Word vectors and time constants learn through the memory by eligibilities: in exact mode that is back-propagation through time, untruncated.
//
// Loss   sum over ticks of -k <e_t, V h_t>, errors e_t and V frozen; h_t = a h_{t-1} + sqrt(1 - a^2) S w_t, q = shorter, longer

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>

#include "core/random.hpp"
#include "tests/support/level_rig.hpp"
#include "tests/support/probe.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index units = 4, vocabulary = 9, streams = 2, length = 60;

struct Run {
  std::vector<ArchivedMatrix> h, error;                 // per token: memory behind the forecast, k times the error (zero where no tick)
  std::vector<double> learned, learned_tau, memory_in;  // of S and of ln tau (times streams); V
};

/// Reads 60 tokens in each stream; learning statistics are off, so that m stays 0 and S acts through the memory alone.
/// `persistence`: how much of the emission error one token shares with the next.
Run read(const SituationSettings& settings, double persistence, Index row = 0, Index column = 0, double shift = 0) {
  LevelRig<double> rig(settings, units, vocabulary, streams);
  auto vectors = values<double>(rig.lexicon.vectors.value.view(), *rig.device);
  vectors[static_cast<std::size_t>(column * units + row)] += shift;
  rig.device->upload(vectors, rig.lexicon.vectors.value);
  rig.start();
  Run run;
  std::vector<std::int64_t> since(streams, 0);
  std::vector<double> rho(units * streams);
  for (Index t = 0; t < length; ++t) {
    for (std::size_t j = 0; j < streams; ++j) {
      const std::uint64_t bits = mix(static_cast<std::uint64_t>(t) * streams + j);
      rig.observation.id[j] = static_cast<std::int32_t>(bits % vocabulary);
      rig.observation.boundary[j] = (bits >> 20) % 7 == 0 ? sentence_end : (bits >> 30) % 17 == 0 ? document_end : 0;
      ++since[j];
    }
    for (std::size_t i = 0; i < rho.size(); ++i)
      rho[i] = persistence * rho[i] + random_normal(7, static_cast<std::uint32_t>(t), static_cast<std::uint32_t>(i));
    rig.advance(rho, false, [&] {
      run.h.push_back(rig.state().at("h_used"));
      ArchivedMatrix e{units, streams, values<double>(rig.level.snapshot().prediction_error, *rig.device)};
      for (std::size_t j = 0; j < streams; ++j) {
        const bool ticks = rig.level.ticking()[j] != 0;
        for (std::size_t i = 0; i < units; ++i) e.data[j * units + i] *= ticks ? static_cast<double>(since[j]) : 0.0;
        if (ticks) since[j] = 0;
      }
      run.error.push_back(std::move(e));
    });
  }
  run.learned = values<double>(rig.lexicon.vectors.gradient.view(), *rig.device);
  for (double& x : run.learned) x *= streams;  // stashed as a mean over streams
  rig.level.visit_weights([&](Weight<double>& w) {
    if (w.name == "log_tau") run.learned_tau = values<double>(w.gradient.view(), *rig.device);
    if (w.name == "memory_in") run.memory_in = values<double>(w.value.view(), *rig.device);
  });
  return run;
}

/// sum of k <e, V h> with the errors and V of `frozen` and the memory of `run`.
double utility(const Run& frozen, const Run& run) {
  const ArchivedMatrix v{units, 2 * units, frozen.memory_in};
  double sum = 0;
  for (std::size_t t = 0; t < run.h.size(); ++t)
    for (Index j = 0; j < streams; ++j)
      for (Index i = 0; i < units; ++i)
        for (Index c = 0; c < 2 * units; ++c) sum += frozen.error[t](i, j) * v(i, c) * run.h[t](c, j);
  return sum;
}

/// d utility / dS through the real level's own memory; the memory is linear in S, so the difference is exact.
std::vector<double> through_time(const SituationSettings& settings, double persistence, const Run& base) {
  std::vector<double> slope;
  for (Index w = 0; w < vocabulary; ++w)
    for (Index i = 0; i < units; ++i)
      slope.push_back(utility(base, read(settings, persistence, i, w, .5)) - utility(base, read(settings, persistence, i, w, -.5)));
  return slope;
}

double cosine(const std::vector<double>& a, const std::vector<double>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace

TEST_CASE("eligibility: exact mode is back-propagation through time", "[gradient]") {
  SituationSettings settings;
  settings.exact_eligibility = true;
  settings.forgets = GENERATE(false, true);
  settings.tick = GENERATE(1, 3);
  const Run base = read(settings, 0);
  CHECK(relative_distance(base.learned, through_time(settings, 0, base)) < 1e-8);
}

TEST_CASE("eligibility: time constants learn by how the memory depends on them", "[gradient]") {
  SituationSettings settings;
  settings.time_scales.learned = true;
  settings.forgets = GENERATE(false, true);
  settings.tick = GENERATE(1, 3);
  const Run base = read(settings, .9);
  REQUIRE(base.learned_tau.size() == 2);
  for (std::size_t q = 0; q < 2; ++q) {
    const auto shifted = [&](double by) {
      SituationSettings other = settings;
      (q == 0 ? other.tau : other.spread) *= std::exp(by);
      if (q == 0) other.spread *= std::exp(-by);
      return utility(base, read(other, .9));
    };
    constexpr double small = 1e-5;
    const double slope = (shifted(small) - shifted(-small)) / (2 * small);
    CHECK(std::abs(slope) > 1e-2);
    CHECK(streams * base.learned_tau[q] == Approx(slope).epsilon(1e-6));
  }
}

TEST_CASE("eligibility: sampled lags point the same way", "[gradient]") {
  // Every 8th lag standing for 8 is noise where errors are white, and nearly exact where they last longer than 8 tokens, which are those
  // that
  // slow traces can serve at all.
  SituationSettings settings;
  settings.tick = GENERATE(1, 3);
  double cosines[2];
  for (const double persistence : {0.0, .97}) {
    const Run base = read(settings, persistence);
    cosines[persistence > 0] = cosine(base.learned, through_time(settings, persistence, base));
  }
  std::printf("cosine of sampled and exact eligibility, tick %d: %.3f (white errors), %.3f (lasting errors)\n",
              static_cast<int>(settings.tick), cosines[0], cosines[1]);
  CHECK(cosines[0] > .4);
  CHECK(cosines[1] > .9);
}
