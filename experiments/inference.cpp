// Is inference real? What settling does to the free energy, to the next forecast and to held-out loss.
//
// Measures  F_now before and after settling; held-out nats with relaxation.steps = 0 at test time against the trained number of steps (block
//           bootstrap over documents); error gain: at one tick e_l is scaled by 0, 1/2, 1, 2 in otherwise identical copies, and the next mu_l
//           is projected on the way from gain 0 to gain 1: 0 and 1 by definition, between and beyond where inference moves the forecast
// Limit     a linear carry gives 0, .5, 1, 2

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>

#include "core/error.hpp"
#include "core/simulation.hpp"
#include "experiments/experiment.hpp"
#include "experiments/scoring.hpp"
#include "experiments/trials.hpp"

namespace strata {

Experiment inference_experiment();

namespace {

constexpr std::size_t copies = 4;
constexpr float gains[copies] = {0, .5F, 1, 2};
constexpr std::size_t shift = copies;  // place of |mu(1) - mu(0)| / |mu(0)| behind the four projections

ParameterTable parameters() {
  return {
      {"ticks", std::int64_t{100}, 4, 10000, {}, "ticks", "at which the error gain is tried, per level", ""},
      {"history", std::int64_t{150}, 10, 1e6, {}, "tokens", "read before such a tick, at least", ""},
  };
}

/// Projections of mu_l after one tick with the four gains, and how far the whole error moved it; one row per tick.
using Row = std::array<double, copies + 1>;
using Projections = std::vector<Row>;

Row projections(const std::vector<float>& mu, std::size_t first, std::size_t units) {
  const auto at = [&](std::size_t copy, std::size_t i) { return static_cast<double>(mu[(first + copy) * units + i]); };
  Row result{};
  double length = 0, size = 0;
  for (std::size_t i = 0; i < units; ++i) {
    length += (at(2, i) - at(0, i)) * (at(2, i) - at(0, i));
    size += at(0, i) * at(0, i);
  }
  result[shift] = size > 0 ? std::sqrt(length / size) : 0;
  if (length <= 0) return result;
  for (std::size_t c = 0; c < copies; ++c)
    for (std::size_t i = 0; i < units; ++i) result[c] += (at(c, i) - at(0, i)) * (at(2, i) - at(0, i)) / length;
  return result;
}

Projections error_gain(Bench& bench, Index level_index) {
  TextStudy& study = bench.text();
  const Index ticks = bench.values.integer("ticks"), history = bench.values.integer("history");
  const Index groups = 16, streams = groups * static_cast<Index>(copies);
  auto hierarchy = study.load_hierarchy(bench.model, streams);
  Level<float>& level = hierarchy->level(level_index);
  Projections found;
  std::size_t next = 0;
  for (int batch = 0; static_cast<Index>(found.size()) < ticks && next < study.held_out.size() * 8; ++batch) {
    std::vector<text::Script> scripts;
    for (Index g = 0; g < groups; ++g, ++next) {
      const auto& document = study.held_out[next % study.held_out.size()];
      const Index wanted = history + 6 * level.tick() + 8;
      const Index begin =
          std::min<Index>(static_cast<Index>(next / study.held_out.size()) * 97, std::max<Index>(0, document.size() - wanted));
      const text::Script script{text::Segment{&document, begin, std::min(document.size(), begin + wanted)}};
      for (std::size_t c = 0; c < copies; ++c) scripts.push_back(script);
    }
    text::ScriptedWorld world(scripts, study.vocabulary(), streams);
    hierarchy->reset_state();
    Simulation<float> simulation(*hierarchy, world, nullptr, study.interval(), study.options.seed);
    std::vector<float> factor(static_cast<std::size_t>(streams), 1), mu;
    std::vector<std::uint8_t> done(static_cast<std::size_t>(groups), 0);
    Index position = 0;
    simulation.before_observe = [&](const Step<float>&) {
      if (position == history)
        for (std::size_t s = 0; s < factor.size(); ++s) factor[s] = gains[s % copies];
      level.set_error_gain(factor);
    };
    simulation.record = [&](const Observation& o, std::uint64_t) {
      if (position++ < history) return;
      mu.resize(static_cast<std::size_t>(level.units() * streams));
      for (std::size_t g = 0; g < done.size(); ++g) {
        const std::size_t first = g * copies;
        if (done[g] != 0 || o.active[first] == 0 || level.ticking()[first] == 0) continue;
        hierarchy->device().download(level.snapshot().prediction, mu);
        found.push_back(projections(mu, first, static_cast<std::size_t>(level.units())));
        done[g] = 1;
        for (std::size_t c = 0; c < copies; ++c) factor[first + c] = 1;
      }
    };
    simulation.start();
    if (!simulation.run(interrupted)) throw Interrupted("nothing of this experiment is kept; run it again");
  }
  found.resize(std::min(found.size(), static_cast<std::size_t>(ticks)));
  return found;
}

Findings run(Bench& bench) {
  TextStudy& study = bench.text();
  auto hierarchy = study.load_hierarchy(bench.model, 32);
  ScoringOptions options;
  options.broad = false;
  options.what = "settling as trained";
  const Scores settled = score_held_out(study, *hierarchy, options, bench.progress);
  hierarchy->relaxation().settings.steps = 0;
  options.what = "settling left out";
  const Scores unsettled = score_held_out(study, *hierarchy, options, bench.progress);

  Findings findings;
  Summary& s = findings.summary;
  s.set("free_energy", settled.free_energy);
  s.set("free_energy_before", settled.free_energy.front());
  s.set("free_energy_after", settled.free_energy.back());
  s.set("rejected_fraction", settled.rejected_fraction);
  s.set("nats_per_token", settled.documents.nats_per_token());
  s.set("nats_per_token_without_settling", unsettled.documents.nats_per_token());
  BootstrapOptions bootstrap_options;
  bootstrap_options.seed = study.options.seed;
  const Estimate worth = paired_difference(unsettled.documents.nats, settled.documents.nats, settled.documents.tokens, bootstrap_options);
  MeasuredValues values;
  values.set("settling_worth_nats", worth);
  add_values(s, values);
  char text[256];
  std::snprintf(text, sizeof text,
                "settling lowers the free energy from %.4f to %.4f nats per token; left out at test time it costs %s nats per token\n",
                settled.free_energy.front(), settled.free_energy.back(), short_text(worth).c_str());
  findings.table = text;
  findings.table += "next forecast after one tick with the error times 0, .5, 1, 2 (along the way from 0 to 1):\n";
  for (Index l = 1; l < hierarchy->depth(); ++l) {
    bench.progress.say("error gain at level " + std::to_string(l));
    const Projections found = error_gain(bench, l);
    std::vector<double> mean(copies + 1, 0);
    for (const auto& row : found)
      for (std::size_t c = 0; c < mean.size(); ++c) mean[c] += row[c] / static_cast<double>(found.size());
    const double moved = mean[shift];
    mean.pop_back();
    Summary& level = s.item("levels", static_cast<std::size_t>(l));
    level.set("error_gain_response", mean);
    level.set("error_gain_shift", moved);
    level.set("error_gain_ticks", static_cast<std::int64_t>(found.size()));
    // Strictly: a forecast that does not move at all does not answer.
    level.set("error_gain_monotonic", std::adjacent_find(mean.begin(), mean.end(), std::greater_equal<>()) == mean.end());
    std::snprintf(text, sizeof text, "  %lld %-10s %6.3f %6.3f %6.3f %6.3f   the whole error moves it by %.2f %% (%zu ticks)\n",
                  static_cast<long long>(l), study.level_name(l).c_str(), mean[0], mean[1], mean[2], mean[3], 100 * moved, found.size());
    findings.table += text;
  }
  for (Index l = 0; l < hierarchy->depth(); ++l) s.item("levels", static_cast<std::size_t>(l)).set("name", study.level_name(l));
  return findings;
}

}  // namespace

Experiment inference_experiment() {
  return {"inference",
          "is settling real: free energy, the next forecast after scaled errors, and held-out nats without it",
          "See the equations at the head of experiments/inference.cpp and core/relaxation.hpp.",
          parameters(),
          {{"ticks", "32"}},
          run};
}

}  // namespace strata
