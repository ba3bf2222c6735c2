#include "analysis/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace strata {
namespace {

void report(MeasuredValues& record, const std::string& prefix, const Calibration& found) {
  record.set(prefix + "calibration_error", found.error);
  record.set(prefix + "overconfidence", found.overconfidence);
  record.set(prefix + "context_nats", found.nats);
  record.set(prefix + "calibration_confidence", MeasuredValue(found.confidence));
  record.set(prefix + "calibration_accuracy", MeasuredValue(found.accuracy));
  record.set(prefix + "calibration_share", MeasuredValue(found.share));
}

MeasureResult run(const Trace& trace, const Values& values) {
  const Contexts contexts = trace.contexts();
  const Recording root = trace.root();
  const BootstrapOptions options = bootstrap_options(values);
  MeasureResult out;
  out.name = "calibration";
  for (std::size_t l = 0; l < root.levels().size(); ++l) {
    const LevelInfo& level = root.levels()[l];
    const Index world = world_level_of(l, root.levels().size(), contexts);
    if (world < 0) continue;
    MeasuredValues record = level_record(level);
    const ContextBelief belief = context_belief(root, level.number, contexts, world, false, false);
    record.set("calibration_of", belief.how.c_str());
    report(record, "", calibration(belief, values.integer("bins"), level.time_constant, values.integer("block"), options));
    if (trace.has_condition("exact") && trace.condition("exact").has(world, "belief")) {
      ContextBelief exact = context_belief(trace.condition("exact"), world, contexts, world, true, false);
      exact.start_at(belief.time.front());
      report(record, "exact_", calibration(exact, values.integer("bins"), level.time_constant, values.integer("block"), options));
    }
    out.levels.push_back(std::move(record));
  }
  if (out.levels.empty()) throw DataError(trace.path(), 0, "no level of the model corresponds to a context of the world");
  out.columns = {{"name", "level"},
                 {"calibration_error", "calibration error [95 %]"},
                 {"exact_calibration_error", "exact observer [95 %]"},
                 {"overconfidence", "over-confidence [95 %]"},
                 {"context_nats", "context (nats)"},
                 {"exact_context_nats", "exact (nats)"}};
  return out;
}

}  // namespace

Calibration calibration(const ContextBelief& belief, Index bins, double slowest, std::int64_t block, const BootstrapOptions& options) {
  const auto n = static_cast<std::size_t>(bins);
  // Per block and bin: tokens, confidence, right; then nats.
  BlockSums sums(belief.time.size(), belief.streams, block_length(belief.time.size(), belief.streams, slowest, block), 3 * n + 1);
  for (std::size_t t = 0; t < belief.time.size(); ++t)
    for (Index s = 0; s < belief.streams; ++s) {
      const std::size_t row = belief.row(t, s);
      if (belief.truth[row] < 0) continue;
      Index best = 0;
      for (Index k = 1; k < belief.states; ++k)
        if (belief.post(row, k) > belief.post(row, best)) best = k;
      const double confidence = std::clamp(static_cast<double>(belief.post(row, best)), 0.0, 1.0);
      const std::size_t bin = std::min(n - 1, static_cast<std::size_t>(confidence * static_cast<double>(n)));
      const auto to = sums.at(t, s);
      to[3 * bin] += 1.0;
      to[3 * bin + 1] += confidence;
      to[3 * bin + 2] += best == belief.truth[row] ? 1.0 : 0.0;
      to[3 * n] -= std::log(std::max(static_cast<double>(belief.post(row, belief.truth[row])), 1e-12));
    }
  Calibration out;
  const std::vector<double> all = sums.total();
  double tokens = 0.0;
  for (std::size_t b = 0; b < n; ++b) tokens += all[3 * b];
  if (!(tokens > 0.0)) throw DataError("calibration", 0, "no true context is known in /world/context");
  for (std::size_t b = 0; b < n; ++b) {
    if (all[3 * b] == 0.0) continue;
    out.confidence.push_back(all[3 * b + 1] / all[3 * b]);
    out.accuracy.push_back(all[3 * b + 2] / all[3 * b]);
    out.share.push_back(all[3 * b] / tokens);
  }
  const auto found = block_bootstrap(
      sums,
      [&](std::span<const double> total) {
        double count = 0.0, error = 0.0, over = 0.0;
        for (std::size_t b = 0; b < n; ++b) {
          count += total[3 * b];
          error += std::abs(total[3 * b + 2] - total[3 * b + 1]);
          over += total[3 * b + 1] - total[3 * b + 2];
        }
        return std::vector<Bounded>{{error / count}, {over / count}, {total[3 * n] / count}};
      },
      options);
  out.error = found[0];
  out.overconfidence = found[1];
  out.nats = found[2];
  return out;
}

Measure calibration_measure() {
  Measure measure;
  measure.name = "calibration";
  measure.summary = "expected calibration error of each level's posterior against the true contexts";
  measure.definition =
      "Tokens are binned by the probability of the most probable context; expected calibration error: mean over tokens of\n"
      "|share that is right - mean probability| in their bin. Over-confidence: the same with its sign. Needs /world/context;\n"
      "learned states are assigned to contexts, one to one where there are as many (vectors are decoded, and scored where the\n"
      "decoder was not trained: the second half). Beside it the exact observer's (/conditions/exact). Intervals: block bootstrap.";
  measure.parameters = block_parameters();
  measure.parameters.push_back({"bins", std::int64_t{10}, 2, 1000, {}, "1", "of equal width between 0 and 1", ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
