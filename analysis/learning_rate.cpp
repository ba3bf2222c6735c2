// Learning rate under blocks of volatility: how far an estimate moves per unit of its error.
//
// Equation   p(t) the probability of outcome 1 predicted for trial t, y(t) the outcome: p = e^-s where y = 1, 1 - e^-s where y = 0
//            delta = y(t) - p(t),  step = p(t+1) - p(t),  learning rate = sum delta step / sum delta^2   (least squares through 0)
//            correlation (Pearson) of step / delta, trial by trial, with the exact observer's, over the trials of both kinds of block
// Symbols    s surprise (nats) of tokens 0 and 1; sums over the trials of stable (highest context 0) and of volatile blocks (1), both t and t + 1
//            inside, without the first `settling` trials of a block
// Limit      delta rule p += a (y - p): learning rate a
// Source     Behrens et al. 2007, Nat. Neurosci. 10, 1214; Nassar et al. 2010, J. Neurosci. 30 (regression of updates on errors)

#include <array>
#include <cmath>
#include <limits>

#include "analysis/blocks.hpp"
#include "analysis/measure.hpp"
#include "analysis/trace_reader.hpp"
#include "core/error.hpp"

namespace strata {

Measure learning_rate_measure();

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// Per observer and block: delta step, delta^2, surprise, trials; the trial's rate, its square, its product with the exact observer's
constexpr std::size_t kSums = 7;
constexpr std::size_t kExact = 1;  // observers: the model, the exact one, the exact one without volatility

double predicted(double surprise, std::int32_t outcome) {
  const double p = std::exp(-surprise);
  return outcome == 1 ? p : 1 - p;
}

/// Of one observer, from its sums in one block.
double rate(std::span<const double> total, std::size_t observer, std::size_t block) {
  const std::size_t at = (observer * 2 + block) * kSums;
  return total[at] / total[at + 1];
}
double nats(std::span<const double> total, std::size_t observer, std::size_t block) {
  const std::size_t at = (observer * 2 + block) * kSums;
  return total[at + 2] / total[at + 3];
}

/// Correlation of the trial-by-trial rates of an observer with the exact one's.
double correlation(std::span<const double> total, std::size_t observer) {
  const auto sum = [&](std::size_t o, std::size_t k) { return total[o * 2 * kSums + k] + total[(o * 2 + 1) * kSums + k]; };
  const double n = sum(observer, 3);
  const auto variance = [&](std::size_t o) { return sum(o, 5) - sum(o, 4) * sum(o, 4) / n; };
  return (sum(observer, 6) - sum(observer, 4) * sum(kExact, 4) / n) / std::sqrt(variance(observer) * variance(kExact));
}

BlockSums add_up(const Contexts& contexts, const IntegerSeries& ids, const std::vector<Series>& surprise, const Values& values,
                 double slowest) {
  const std::size_t samples = ids.time.size();
  BlockSums sums(samples, ids.streams, block_length(samples, ids.streams, slowest, values.integer("block")), surprise.size() * 2 * kSums);
  for (Index s = 0; s < ids.streams; ++s) {
    Index held = 0;  // trials since the block began
    for (std::size_t t = 0; t + 1 < samples; ++t) {
      const std::int32_t block = contexts.at(t, s, contexts.levels - 1);
      held = t > 0 && contexts.at(t - 1, s, contexts.levels - 1) != block ? 0 : held + 1;
      if (held < values.integer("settling") || contexts.at(t + 1, s, contexts.levels - 1) != block) continue;
      const auto row = sums.at(t, s);
      std::array<double, 3> rates{};
      for (std::size_t o = 0; o < surprise.size(); ++o) {
        const auto now = static_cast<double>(surprise[o].at(t, s)[0]), next = static_cast<double>(surprise[o].at(t + 1, s)[0]);
        const double p = predicted(now, ids.at(t, s)), delta = ids.at(t, s) - p, step = predicted(next, ids.at(t + 1, s)) - p;
        const std::size_t at = (o * 2 + static_cast<std::size_t>(block)) * kSums;
        rates[o] = step / delta;
        row[at] += delta * step;
        row[at + 1] += delta * delta;
        row[at + 2] += now;
        row[at + 3] += 1;
        row[at + 4] += rates[o];
        row[at + 5] += rates[o] * rates[o];
      }
      for (std::size_t o = 0; o < surprise.size() && surprise.size() > kExact; ++o)
        row[(o * 2 + static_cast<std::size_t>(block)) * kSums + 6] += rates[o] * rates[kExact];
    }
  }
  return sums;
}

void check(const Trace& trace, const Contexts& contexts, const IntegerSeries& ids, const std::vector<Series>& surprise) {
  if (contexts.states.back() != 2)
    throw DataError(trace.path(), 0, "the highest context is not stable or volatile; record with `strata run hazard --world oddball`");
  for (const std::int32_t id : ids.value)
    if (id != 0 && id != 1) throw DataError(trace.path(), 0, "tokens/id holds " + std::to_string(id) + "; outcomes are 0 and 1");
  bool same = contexts.time == ids.time;
  for (const Series& s : surprise) same = same && s.time == ids.time;
  if (!same) throw DataError(trace.path(), 0, "contexts, tokens and surprise were not recorded at the same steps");
}

MeasureResult run(const Trace& trace, const Values& values) {
  const Recording root = trace.root();
  const Contexts contexts = trace.contexts();
  const IntegerSeries ids = root.token_ids();
  std::vector<std::string> prefix{""};
  std::vector<Series> surprise{root.token_surprise()};
  if (trace.has_condition("exact")) {
    prefix.emplace_back("exact_");
    surprise.push_back(trace.condition("exact").token_surprise());
    if (contexts.levels == 2 && trace.has_condition("exact_1")) {
      prefix.emplace_back("without_volatility_");
      surprise.push_back(trace.condition("exact_1").token_surprise());
    }
  }
  check(trace, contexts, ids, surprise);
  // The world's blocks, not the model's time constants, say how far trials hang together.
  double changes = 0;
  for (Index s = 0; s < contexts.streams; ++s)
    for (std::size_t t = 1; t < contexts.time.size(); ++t)
      changes += contexts.at(t, s, contexts.levels - 1) != contexts.at(t - 1, s, contexts.levels - 1) ? 1 : 0;
  const double length = changes > 0 ? static_cast<double>(contexts.time.size()) * static_cast<double>(contexts.streams) / changes : kNan;
  const BlockSums sums = add_up(contexts, ids, surprise, values, length);
  const auto found = block_bootstrap(
      sums,
      [&](std::span<const double> total) {
        std::vector<Bounded> out;
        for (std::size_t o = 0; o < surprise.size(); ++o)
          for (const double x : std::array<double, 6>{rate(total, o, 0), rate(total, o, 1), rate(total, o, 1) - rate(total, o, 0),
                                                      rate(total, o, 1) / rate(total, o, 0), nats(total, o, 0), nats(total, o, 1)})
            out.push_back({x});
        if (surprise.size() > kExact) out.push_back({correlation(total, 0)});
        return out;
      },
      bootstrap_options(values));
  MeasureResult out;
  out.name = "learning_rate";
  const char* const names[] = {"learning_rate_stable", "learning_rate_volatile", "learning_rate_rise", "learning_rate_ratio",
                               "stable_nats",          "volatile_nats"};
  const char* const words[] = {"learning rate in stable blocks",    "in volatile blocks", "volatile less stable", "volatile over stable",
                               "nats per outcome in stable blocks", "in volatile blocks"};
  const char* const who[] = {"", "exact observer, ", "observer without volatility, "};
  for (std::size_t o = 0; o < surprise.size(); ++o)
    for (std::size_t k = 0; k < 6; ++k) {
      out.values.set(prefix[o] + names[k], found[o * 6 + k]);
      out.notes.push_back(std::string(who[o]) + words[k] + ": " + out.values.cell(prefix[o] + names[k]));
    }
  if (surprise.size() > kExact) {
    out.values.set("rate_correlation", found.back());
    out.notes.push_back("learning rate, correlation with the exact observer's: " + out.values.cell("rate_correlation"));
  }
  return out;
}

}  // namespace

Measure learning_rate_measure() {
  Measure measure;
  measure.name = "learning_rate";
  measure.summary = "how far the prediction of an outcome moves per unit of its error, in stable and in volatile blocks";
  measure.definition =
      "Needs tokens 0 and 1, tokens/surprise and /world/context, whose highest context is 0 in stable and 1 in volatile blocks.\n"
      "Least-squares slope through 0 of the change of prediction from one trial to the next on the prediction error, per\n"
      "kind of block; rise: volatile minus stable; ratio: volatile over stable. The same of /conditions/exact with exact_ in\n"
      "front, and of /conditions/exact_1, which forgets the block at every step and holds p alone, with without_volatility_:\n"
      "what uncertainty about p raises by itself. rate_correlation: of the model's rates with the exact observer's, trial by\n"
      "trial. Without the first `settling` trials of a block. Block bootstrap.";
  measure.parameters = block_parameters();
  measure.parameters.push_back(
      {"settling", std::int64_t{40}, 0, 1e9, {}, "trials", "of each block that do not count: its volatility is not known yet", ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
