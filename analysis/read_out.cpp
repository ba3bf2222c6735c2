#include "analysis/read_out.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/decoder.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr Index kLeast = 200;  // switches behind a stated column

struct Place {
  std::size_t belief, context, row;  ///< sample numbers; row counts the samples of the tested half
  Index stream;
};

struct Data {
  Eigen::MatrixXd x;
  std::vector<Index> label;
};

Data gather(const Series& belief, const Contexts& contexts, Index world_level, const std::vector<Place>& places) {
  Data out{Eigen::MatrixXd(belief.units, static_cast<Index>(places.size())), {}};
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto units = belief.at(places[i].belief, places[i].stream);
    out.x.col(static_cast<Index>(i)) = Eigen::Map<const Eigen::VectorXf>(units.data(), belief.units).cast<double>();
    out.label.push_back(contexts.at(places[i].context, places[i].stream, world_level));
  }
  return out;
}

/// Most probable context of the exact observer per place; -1 where it was not recorded.
std::vector<Index> exact_choice(const Series* exact, const Contexts& contexts, const std::vector<Place>& places) {
  std::vector<Index> out(places.size(), -1);
  if (exact == nullptr) return out;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto at = std::lower_bound(exact->time.begin(), exact->time.end(), contexts.time[places[i].context]);
    if (at == exact->time.end() || *at != contexts.time[places[i].context] || places[i].stream >= exact->streams) continue;
    const auto q = exact->at(static_cast<std::size_t>(at - exact->time.begin()), places[i].stream);
    out[i] = std::max_element(q.begin(), q.end()) - q.begin();
  }
  return out;
}

void note_column(MeasureResult& out, Index k, Index switches) {
  out.notes.push_back("context " + std::to_string(k) + ": not stated, " + std::to_string(switches) + " switches (at least 200 are needed)");
}

MeasureResult run(const Trace& trace, const Values& values) {
  const Contexts contexts = trace.contexts();
  const Recording root = trace.root();
  MeasureResult out;
  out.name = "read_out";
  if (!trace.has_condition("exact")) out.notes.emplace_back("no /conditions/exact: accuracies are not set against the optimum");
  for (const LevelInfo& level : root.levels()) out.levels.push_back(level_record(level));
  ReadOutOptions how{values.text("decoder") == "logistic", values.real("penalty"), values.integer("block"), 0.0};
  for (const LevelInfo& level : root.levels()) how.slowest = std::fmax(how.slowest, level.time_constant);
  out.columns = {{"name", "level"}};
  std::vector<TableColumn> plain = {{"name", "level"}};
  bool diagonal = true, any = false;
  for (Index k = 0; k < contexts.levels; ++k) {
    const std::string number = std::to_string(k);
    if (contexts.states[static_cast<std::size_t>(k)] < 2) continue;
    Series exact;
    const bool has_exact = trace.has_condition("exact") && trace.condition("exact").has(k, "belief");
    if (has_exact) exact = trace.condition("exact").vectors(k, "belief");
    double best = -1.0, own = kNan;
    Index switches = 0;
    for (std::size_t l = 0; l < root.levels().size(); ++l) {
      const Series belief = root.vectors(root.levels()[l].number, "belief");
      switches = context_changes(contexts, k, std::min(belief.streams, contexts.streams));
      if (switches < kLeast) break;
      const ReadOut found = read_out(belief, contexts, k, has_exact ? &exact : nullptr, how, bootstrap_options(values));
      out.levels[l].set("read_out_" + number, found.normalised);
      out.levels[l].set("read_out_accuracy_" + number, found.accuracy);
      out.values.set("read_out_chance_" + number, MeasuredValue(found.chance.value));
      out.values.set("read_out_bayes_" + number, MeasuredValue(found.bayes.value));
      best = std::max(best, found.accuracy.value);
      if (world_level_of(l, root.levels().size(), contexts) == k) own = found.accuracy.value;
      any = true;
    }
    out.values.set("read_out_switches_" + number, MeasuredValue(static_cast<std::int64_t>(switches)));
    if (switches < kLeast) {
      note_column(out, k, switches);
      continue;
    }
    diagonal = diagonal && own >= best;
    out.columns.push_back({"read_out_" + number, "context " + number + " [95 %]"});
    plain.push_back({"read_out_accuracy_" + number, "context " + number + " (chance " + out.values.cell("read_out_chance_" + number) +
                                                        ", exact " + out.values.cell("read_out_bayes_" + number) + ")"});
  }
  if (any) out.values.set("read_out_diagonal", MeasuredValue(diagonal));
  out.tables.emplace_back("accuracy", plain);
  return out;
}

}  // namespace

Index context_changes(const Contexts& contexts, Index level, Index streams) {
  Index count = 0;
  for (std::size_t t = 1; t < contexts.time.size(); ++t)
    for (Index s = 0; s < streams; ++s) {
      const std::int32_t now = contexts.at(t, s, level), before = contexts.at(t - 1, s, level);
      if (now >= 0 && before >= 0 && now != before) ++count;
    }
  return count;
}

ReadOut read_out(const Series& belief, const Contexts& contexts, Index world_level, const Series* exact, const ReadOutOptions& how,
                 const BootstrapOptions& options) {
  const auto pairs = common_times(belief.time, contexts.time);
  const Index streams = std::min(belief.streams, contexts.streams), classes = contexts.states[static_cast<std::size_t>(world_level)];
  if (pairs.size() < 4)
    throw DataError("read-out of context " + std::to_string(world_level), 0, "fewer than four times in common with /world/context");
  const std::size_t half = pairs.size() / 2;
  std::vector<Place> train, test;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    for (Index s = 0; s < streams; ++s)
      if (contexts.at(pairs[i].second, s, world_level) >= 0)
        (i < half ? train : test).push_back({pairs[i].first, pairs[i].second, i - std::min(i, half), s});
  if (train.empty() || test.empty()) throw DataError("read-out", 0, "no known context in one half of the window");
  const std::size_t step = train.size() / 20000 + 1;  // more samples would cost time and change nothing
  std::vector<Place> thinned;
  for (std::size_t i = 0; i < train.size(); i += step) thinned.push_back(train[i]);
  const Data seen = gather(belief, contexts, world_level, thinned), asked = gather(belief, contexts, world_level, test);
  const LinearDecoder decoder =
      how.logistic ? fit_logistic(seen.x, seen.label, classes, how.penalty) : fit_ridge(seen.x, seen.label, classes, how.penalty);
  const std::vector<Index> read = winners(decoder.scores(asked.x)), best = exact_choice(exact, contexts, test);
  // Per block: right, right of the exact observer, tokens, tokens per class.
  const std::size_t samples = pairs.size() - half;
  BlockSums sums(samples, streams, block_length(samples, streams, how.slowest, how.block), 3 + static_cast<std::size_t>(classes));
  for (std::size_t i = 0; i < test.size(); ++i) {
    if (exact != nullptr && best[i] < 0) continue;
    const auto row = sums.at(test[i].row, test[i].stream);
    row[0] += read[i] == asked.label[i] ? 1.0 : 0.0;
    row[1] += best[i] == asked.label[i] ? 1.0 : 0.0;
    row[2] += 1.0;
    row[3 + static_cast<std::size_t>(asked.label[i])] += 1.0;
  }
  const auto found = block_bootstrap(
      sums,
      [&](std::span<const double> total) {
        const double right = total[0] / total[2], bayes = exact != nullptr ? total[1] / total[2] : kNan;
        const double chance = *std::max_element(total.begin() + 3, total.end()) / total[2];
        return std::vector<Bounded>{{right}, {chance}, {bayes}, {bayes > chance ? (right - chance) / (bayes - chance) : kNan}};
      },
      options);
  return {found[0], found[1], found[2], found[3]};
}

Measure read_out_measure() {
  Measure measure;
  measure.name = "read_out";
  measure.summary = "which true context can be read from which level's belief: matrix level x context";
  measure.definition =
      "Accuracy of a linear decoder of the true context k (/world/context) from the belief of level l, trained on the first\n"
      "half of the recording and tested on the second, as (accuracy - chance) / (exact - chance): chance is the share of\n"
      "the most frequent context, exact the accuracy of the exact observer (/conditions/exact/levels/k/belief) on the same\n"
      "tokens. Contexts with fewer than 200 switches are not stated. Intervals: block bootstrap over the tested tokens.";
  measure.parameters = block_parameters();
  measure.parameters.push_back(
      {"decoder", std::string("ridge"), 0, 0, {"ridge", "logistic"}, "", "ridge on one-hot contexts, or multinomial logistic", ""});
  measure.parameters.push_back({"penalty", 1e-3, 0.0, 1e6, {}, "1", "on squared weights, of the mean variance of a unit", ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
