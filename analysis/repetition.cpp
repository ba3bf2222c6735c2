// Repetition: how surprise and error fall as a tone is repeated, beside the exact observer.
//
// Equation   r repetitions since the tone changed; S(r), E(r) mean surprise and error of the tokens with r repetitions; over r = 0 ..:
//            correlation and slope of the model's S(r), and of every level's E(r), on S_exact(r) of the exact observer
// Symbols    S nats; E prediction_error_norm; r from tokens/id: equal tokens in a row. A first run whose beginning was not recorded does not count
// Discretisation   a repetition with fewer than `least` tokens is left out. Blocks of time are resampled.
// Limit      a model that is the observer: correlation 1, slope 1
// Source     Garrido et al. 2008, NeuroImage 42, 936; Wacongne, Changeux & Dehaene 2012, J. Neurosci. 32

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/blocks.hpp"
#include "analysis/measure.hpp"
#include "analysis/trace_reader.hpp"
#include "core/error.hpp"

namespace strata {

Measure repetition_measure();

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Line {
  double correlation, slope;
};

/// Of y on x.
Line regress(const std::vector<double>& x, const std::vector<double>& y) {
  double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
  const auto n = static_cast<double>(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    mx += x[i] / n;
    my += y[i] / n;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
    xy += (x[i] - mx) * (y[i] - my);
  }
  return {x.size() > 1 ? xy / std::sqrt(xx * yy) : kNan, x.size() > 1 ? xy / xx : kNan};
}

/// Sums per repetition: tokens, then one per curve (surprise of the model, of the observer, error of every level).
struct Sums {
  BlockSums blocks;
  std::size_t repetitions, curves;

  std::vector<double> curve(std::span<const double> total, std::size_t c, double least) const {
    std::vector<double> out;
    for (std::size_t r = 0; r < repetitions; ++r) {
      const double n = total[r * (curves + 1)];
      if (n >= least) out.push_back(total[r * (curves + 1) + 1 + c] / n);
    }
    return out;
  }
};

Sums add_up(const IntegerSeries& ids, const std::vector<Series>& curves, const Values& values, double slowest) {
  const auto most = static_cast<std::size_t>(values.integer("repetitions"));
  const std::size_t samples = ids.time.size();
  Sums sums{{samples, ids.streams, block_length(samples, ids.streams, slowest, values.integer("block")), most * (curves.size() + 1)},
            most,
            curves.size()};
  for (Index s = 0; s < ids.streams; ++s) {
    std::size_t heard = most;  // unknown before the first change
    for (std::size_t t = 1; t < samples; ++t) {
      heard = ids.at(t, s) != ids.at(t - 1, s) ? 0 : std::min(heard + 1, most);
      if (heard >= most) continue;
      const auto row = sums.blocks.at(t, s).subspan(heard * (curves.size() + 1));
      row[0] += 1;
      for (std::size_t c = 0; c < curves.size(); ++c) row[c + 1] += static_cast<double>(curves[c].at(t, s)[0]);
    }
  }
  return sums;
}

std::vector<Bounded> statistics(const Sums& sums, std::span<const double> total, double least) {
  const auto model = sums.curve(total, 0, least), exact = sums.curve(total, 1, least);
  if (model.size() < 2) return std::vector<Bounded>(6 + 2 * (sums.curves - 2), Bounded{kNan});
  const Line whole = regress(exact, model);
  std::vector<Bounded> out{{whole.correlation}, {whole.slope}, {model.front()}, {model.back()}, {exact.front()}, {exact.back()}};
  for (std::size_t c = 2; c < sums.curves; ++c) {
    const auto error = sums.curve(total, c, least);
    out.push_back({regress(exact, error).correlation});
    out.push_back({error.front() / error.back()});
  }
  return out;
}

MeasureResult run(const Trace& trace, const Values& values) {
  const Recording root = trace.root();
  if (!trace.has_condition("exact")) throw DataError(trace.path(), 0, "no /conditions/exact inside; `strata run roving` records it");
  const IntegerSeries ids = root.token_ids();
  std::vector<Series> curves{root.token_surprise(), trace.condition("exact").token_surprise()};
  double slowest = kNan;
  for (const LevelInfo& level : root.levels()) {
    curves.push_back(root.scalars(level.number, "prediction_error_norm"));
    slowest = std::fmax(slowest, level.time_constant);
  }
  for (const Series& c : curves)
    if (c.time != ids.time) throw DataError(trace.path(), 0, "levels were not recorded at every step; record with `every` = 1");
  const Sums sums = add_up(ids, curves, values, slowest);
  const auto least = static_cast<double>(values.integer("least"));
  const auto found = block_bootstrap(
      sums.blocks, [&](std::span<const double> total) { return statistics(sums, total, least); }, bootstrap_options(values));
  const auto total = sums.blocks.total();
  MeasureResult out;
  out.name = "repetition";
  const char* const names[] = {"surprise_correlation", "surprise_slope",     "deviant_nats",
                               "last_standard_nats",   "exact_deviant_nats", "exact_standard_nats"};
  for (std::size_t k = 0; k < 6; ++k) out.values.set(names[k], found[k]);
  out.values.set("surprise_by_repetition", MeasuredValue(sums.curve(total, 0, least)));
  out.values.set("exact_surprise_by_repetition", MeasuredValue(sums.curve(total, 1, least)));
  std::size_t c = 2;
  for (const LevelInfo& level : root.levels()) {
    MeasuredValues record = level_record(level);
    record.set("error_correlation", found[6 + 2 * (c - 2)]);
    record.set("deviant_error_ratio", found[7 + 2 * (c - 2)]);
    record.set("error_by_repetition", MeasuredValue(sums.curve(total, c++, least)));
    out.levels.push_back(std::move(record));
  }
  const char* const words[] = {"surprise, correlation with the exact observer's",
                               "surprise, slope on the exact observer's",
                               "nats at a deviant",
                               "nats at the last repetition",
                               "exact observer, nats at a deviant",
                               "exact observer, nats at the last repetition"};
  for (std::size_t k = 0; k < 6; ++k) out.notes.push_back(std::string(words[k]) + ": " + out.values.cell(names[k]));
  out.columns = {{"name", "level"},
                 {"error_correlation", "error with the exact's surprise (r) [95 %]"},
                 {"deviant_error_ratio", "error at a deviant / at the last repetition [95 %]"}};
  return out;
}

}  // namespace

Measure repetition_measure() {
  Measure measure;
  measure.name = "repetition";
  measure.summary = "how surprise and error fall as a token is repeated, beside the exact observer";
  measure.definition =
      "Mean surprise (nats) and mean prediction_error_norm by repetitions since the token changed; correlation and slope of\n"
      "the model's means on those of /conditions/exact over repetitions. deviant: repetition 0; standard: the last\n"
      "repetition with at least `least` tokens. Block bootstrap.";
  measure.parameters = block_parameters();
  measure.parameters.push_back({"repetitions", std::int64_t{11}, 2, 1000, {}, "tokens", "of one token in a row that are told apart", ""});
  measure.parameters.push_back({"least", std::int64_t{30}, 1, 1e9, {}, "tokens", "of a repetition, for it to count", ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
