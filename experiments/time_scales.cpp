// Time scales: what the time constants of a hierarchy are worth, and whether it finds the world's own.
//
// Design    the same online pass with other time constants each time: the world's own, as a level counts them (draw_times); log-spaced without a look at the world; learned
//           from the same start at every level; learned within a band per level; the same at every level, not learned
// Measures  gap closed over the last third (gap_closed), and the points of it lost against the world's own, over the same blocks of steps;
//           dwell times at the end, the mean steps between two switches to another state, which is what the world's time constants are: which
//           of those have a level within a factor 2, which levels are closer than a factor 1.5. (A level's own time constant counts new
//           draws, and a new draw may return the state there was: dwell times are longer.)
// Limit     the world's own against themselves: nothing lost

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "analysis/score_gap.hpp"
#include "analysis/trace_reader.hpp"
#include "core/error.hpp"
#include "experiments/world_variant.hpp"

namespace strata {

Experiment time_scales_experiment();

namespace {

constexpr double near = 2, apart = 1.5;

ParameterTable parameters() {
  return {
      {"spaced_first", 5.0, 1, 1e9, {}, "steps", "log-spaced: time constant of the lowest level", ""},
      {"spaced_ratio", 10.0, 1, 1e6, {}, "1", "log-spaced: from level to level", ""},
      {"flat", 64.0, 1, 1e9, {}, "steps", "time constant of every level where all are equal, and where learning starts", "measures"},
      {"band_first", 2.0, 1, 1e9, {}, "steps", "learned within bands: lower end of the lowest", ""},
      {"band_ratio", 8.0, 1.0001, 1e6, {}, "1", "learned within bands: upper end over lower end; the next band begins there", ""},
  };
}

struct Arm {
  std::string name, words;
  Keys keys;
  bool learned = false;
  std::vector<double> time_constants{}, dwell_times{};  ///< at the end
};

void assign(Arm& arm, Index level, const std::string& name, double value) {
  arm.keys.emplace_back(level_key(level, name), to_text(ParameterValue(value)));
}

/// `draws`: the world's own, in the unit of a level's tau.
std::vector<Arm> arms_of(const std::vector<double>& draws, const Values& v) {
  std::vector<Arm> arms{{"true", "the world's own", {}},
                        {"spaced", "log-spaced", {}},
                        {"learned", "learned from one start", {}, true},
                        {"banded", "learned within bands", {}, true},
                        {"equal", "all equal", {}}};
  for (std::size_t i = 0; i < draws.size(); ++i) {
    const auto l = static_cast<Index>(i);
    const auto power = static_cast<double>(l);
    const double low = v.real("band_first") * std::pow(v.real("band_ratio"), power), high = low * v.real("band_ratio");
    assign(arms[0], l, "tau", draws[i]);
    assign(arms[1], l, "tau", v.real("spaced_first") * std::pow(v.real("spaced_ratio"), power));
    assign(arms[2], l, "tau", v.real("flat"));
    assign(arms[3], l, "tau", std::sqrt(low * high));
    assign(arms[3], l, "tau_min", low);
    assign(arms[3], l, "tau_max", high);
    assign(arms[4], l, "tau", v.real("flat"));
    for (Arm& arm : arms) arm.keys.emplace_back(level_key(l, "learn_tau"), arm.learned ? "1" : "0");
  }
  return arms;
}

/// Levels must be the world's, one for one, and their kind must have time constants.
std::vector<double> world_time_constants(const SampledStudy& study, Index depth) {
  auto truth = study.source->time_constants();
  if (static_cast<Index>(truth.size()) != depth)
    throw ConfigError("hierarchy.levels", std::to_string(depth),
                      "time_scales compares level by level; this world has " + std::to_string(truth.size()) + " levels");
  for (Index l = 0; l < depth; ++l)
    for (const char* name : {"tau", "learn_tau", "tau_min", "tau_max"})
      if (!level_offers(study, l, name))
        throw ConfigError(level_key(l, "kind"), "", "this kind has no parameter " + std::string(name) + "; time_scales learns it");
  return truth;
}

/// Steps between two draws of each level's context, those that return the state there was included: what a level's tau counts. From the
/// true contexts of fresh streams: the share of steps that change a context, over the chance that two draws under one parent differ.
std::vector<double> draw_times(const SampledStudy& study) {
  constexpr Index streams = 64, length = 16384;
  const auto states = study.source->contexts();
  const std::size_t depth = states.size();
  const auto world = study.source->open(streams, length, study.options.seed + 0xd3a3);
  std::vector<std::vector<double>> together;  // per level: state x parent
  for (std::size_t l = 0; l < depth; ++l)
    together.emplace_back(static_cast<std::size_t>(states[l] * (l + 1 < depth ? states[l + 1] : 1)), 0.);
  std::vector<double> changes(depth, 0), times(depth);
  std::vector<std::int32_t> before;
  Observation o;
  o.resize(streams);
  double steps = 0;
  for (; world->next(o); before = o.context) {
    steps += before.empty() ? 0. : static_cast<double>(streams);
    for (std::size_t i = 0; i < o.context.size(); ++i) {
      const std::size_t l = i % depth;
      const Index parent = l + 1 < depth ? o.context[i + 1] : 0;
      together[l][static_cast<std::size_t>(parent * states[l] + o.context[i])] += 1;
      if (!before.empty()) changes[l] += o.context[i] != before[i] ? 1 : 0;
    }
  }
  for (std::size_t l = 0; l < depth; ++l) {
    const auto n = static_cast<std::size_t>(states[l]);
    double all = 0, same = 0;
    for (std::size_t u = 0; u < together[l].size(); u += n) {
      double count = 0, square = 0;
      for (std::size_t c = u; c < u + n; ++c) {
        count += together[l][c];
        square += together[l][c] * together[l][c];
      }
      all += count;
      same += count > 0 ? square / count : 0;
    }
    times[l] = std::max(1., steps / std::max(1., changes[l]) * (1 - same / all));
  }
  return times;
}

bool within(double a, double b, double factor) { return std::abs(std::log(a / b)) <= std::log(factor); }

/// World time constants that some level has found.
std::vector<double> found_of(const std::vector<double>& truth, const std::vector<double>& ours) {
  std::vector<double> found;
  for (const double t : truth)
    if (std::any_of(ours.begin(), ours.end(), [t](double x) { return within(x, t, near); })) found.push_back(t);
  return found;
}

std::size_t pairs_closer(const std::vector<double>& ours) {
  std::size_t pairs = 0;
  for (std::size_t i = 0; i < ours.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) pairs += within(ours[i], ours[j], apart) ? 1 : 0;
  return pairs;
}

std::string trace_of(Bench& bench, const Arm& arm) { return bench.folder.file(arm.name == "true" ? "trace.h5" : arm.name + ".h5"); }

void learn(Bench& bench, Arm& arm, bool first) {
  SampledStudy& study = bench.sampled();
  const WorldVariant variant(study, arm.keys);
  bench.progress.say("time constants: " + arm.words);
  auto hierarchy = study.make_hierarchy(study.streams());
  learn_world(bench, *hierarchy, "time_scales", trace_of(bench, arm), first);
  if (first) save_world_model(study, *hierarchy, bench.folder.file("model.h5"));
  arm.time_constants.reserve(static_cast<std::size_t>(hierarchy->depth()));
  arm.dwell_times.reserve(static_cast<std::size_t>(hierarchy->depth()));
  for (Index l = 0; l < hierarchy->depth(); ++l) {
    arm.time_constants.push_back(hierarchy->level(l).time_constant());
    arm.dwell_times.push_back(hierarchy->level(l).dwell_time());
  }
}

/// Per arm: gap closed, points lost against the first arm, nats per token.
std::vector<MeasuredValues> score(Bench& bench, const std::vector<Arm>& arms) {
  std::vector<Trace> traces;
  std::vector<Recording> observers;
  traces.reserve(arms.size());
  observers.reserve(arms.size() + 2);
  for (const Arm& arm : arms) observers.push_back(traces.emplace_back(trace_of(bench, arm)).root());
  for (const char* known : {"exact", "unigram"})
    observers.push_back(needed_condition(traces[0], known, "this world has no exact observer"));
  const std::size_t n = arms.size();
  const Scores scores = common_scores(observers, 0, 0);
  const auto all = block_bootstrap(scores.sums, [n](std::span<const double> total) {
    const double bayes = per_token(total, n), flat = per_token(total, n + 1);
    std::vector<Bounded> out;
    for (std::size_t a = 0; a < n; ++a) {
      const double gap = (flat - per_token(total, a)) / (flat - bayes), best = (flat - per_token(total, 0)) / (flat - bayes);
      out.insert(out.end(), {{gap}, {100 * (best - gap)}, {per_token(total, a)}});
    }
    return out;
  });
  std::vector<MeasuredValues> values(n);
  for (std::size_t a = 0; a < n; ++a) {
    values[a].set("gap_closed", all[3 * a]);
    values[a].set("points_lost", all[3 * a + 1]);
    values[a].set("nats_per_token", all[3 * a + 2]);
  }
  return values;
}

std::string listed(const std::vector<double>& numbers) {
  std::string text;
  for (const double x : numbers) text += (text.empty() ? "" : ", ") + short_number(x);
  return text.empty() ? "none" : text;
}

std::string row(const Arm& arm, const MeasuredValues& values, const std::vector<double>& found, std::size_t pairs) {
  char line[280];
  std::snprintf(line, sizeof line, "%-22s  %-22s  %-24s  %-24s  %-24s  %-20s  %zu\n", arm.words.c_str(), values.cell("gap_closed").c_str(),
                values.cell("points_lost").c_str(), listed(arm.time_constants).c_str(), listed(arm.dwell_times).c_str(),
                listed(found).c_str(), pairs);
  return line;
}

Findings run(Bench& bench) {
  SampledStudy& study = bench.sampled();
  const auto truth = world_time_constants(study, study.make_hierarchy(1)->depth());
  auto arms = arms_of(draw_times(study), bench.values);
  for (std::size_t a = 0; a < arms.size(); ++a) learn(bench, arms[a], a == 0);
  bench.progress.say("measuring");
  const auto values = score(bench, arms);
  Findings findings;
  char head[280];
  std::snprintf(head, sizeof head, "%-22s  %-22s  %-24s  %-24s  %-24s  %-20s  %s\n", "time constants", "gap closed [95 %]",
                "points lost [95 %]", "at the end (steps)", "dwell times (steps)", "found", "close");
  findings.table = head;
  for (std::size_t a = 0; a < arms.size(); ++a) {
    const auto found = found_of(truth, arms[a].dwell_times);
    const std::size_t pairs = pairs_closer(arms[a].dwell_times);
    Summary& s = findings.summary.item("arms", a);
    s.set("name", arms[a].words);
    add_values(s, values[a]);
    s.set("time_constants", arms[a].time_constants).set("dwell_times", arms[a].dwell_times);
    s.set("found", found)
        .set("found_within_factor_2", static_cast<std::int64_t>(found.size()))
        .set("pairs_closer_than_1_5", static_cast<std::int64_t>(pairs));
    findings.table += row(arms[a], values[a], found, pairs);
    for (std::size_t l = 0; l < truth.size(); ++l) {
      Summary& level = findings.summary.item("levels", l);
      level.set("name", study.level_name(static_cast<Index>(l))).set("time_constant", truth[l]);
      level.set("time_constant_" + arms[a].name, arms[a].time_constants[l]).set("dwell_time_" + arms[a].name, arms[a].dwell_times[l]);
    }
  }
  findings.table +=
      "dwell time: mean steps between two switches to another state, as the level has it; found: of the world's time constants, those with\n"
      "a level whose dwell time lies within a factor 2; close: pairs of levels whose dwell times are closer than a factor 1.5\n";
  return findings;
}

}  // namespace

Experiment time_scales_experiment() {
  return {
      "time_scales",
      "what the time constants of a hierarchy are worth, and whether it learns the world's own",
      "The same online pass with the world's time constants, log-spaced ones, learned from one start, learned within bands, all equal.\n"
      "Gap closed over the last third with block bootstrap, the points lost against the world's own over the same blocks; time\n"
      "constants and dwell times at the end. Needs levels whose kind can learn tau. See strata describe gap_closed.",
      parameters(),
      {},
      run,
      {"nested"},
      false};
}

}  // namespace strata
