// Depth: how many levels a world has, found by making too many and taking away what does nothing.
//
// Design    for each true depth: a hierarchy of more levels than the world can have, log-spaced time constants that know nothing of the
//           depth, is learned; fresh steps are read with learning off, with each level's downward message lesioned in a copy. One level
//           that fails is taken away, the rest is learned anew, until none fails: slow levels compete for the slowest context, so that
//           all of them may fail where one is needed
// Fails     of two levels that are functions of each other (mutual information of their likeliest states over the smaller entropy, or
//           time constants closer than a factor) the one with less gain; else the slowest level whose top-down gain is not above 3 s.e.
// Measures  topdown_gain (nats per token, block bootstrap), levels left against the truth
// Limit     a level that hands down nothing: gain 0, taken away

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "analysis/information.hpp"
#include "analysis/trace_reader.hpp"
#include "core/error.hpp"
#include "experiments/world_variant.hpp"

namespace strata {

Experiment depth_experiment();

namespace {

ParameterTable parameters() {
  return {
      {"truths", std::string("1, 2, 3, 4"), 0, 0, {}, "levels", "depths of the worlds (world.levels)", ""},
      {"levels", std::int64_t{6}, 1, 16, {}, "levels", "of the hierarchy at the start", ""},
      {"states", std::int64_t{6}, 2, 4096, {}, "states", "of each of its levels", ""},
      {"first", 8.0, 1, 1e9, {}, "steps", "time constant of the lowest level", ""},
      {"ratio", 8.0, 1.0001, 1e6, {}, "1", "of the time constants from level to level", ""},
      {"learn_tau", false, 0, 1, {}, "", "time constants are learned, from those at the start", ""},
      {"threshold", 3.0, 0, 1e3, {}, "s.e.", "a level is kept while its gain is above this", "measures"},
      {"same", .8, 0, 1, {}, "1", "levels that share this part of the smaller entropy are merged", ""},
      {"closest", 1.5, 1, 1e6, {}, "1", "levels whose time constants are closer than this factor are merged", ""},
      {"streams", std::int64_t{16}, 2, 4096, {}, "streams", "read side by side with learning off", ""},
      {"steps", std::int64_t{8192}, 100, 1e9, {}, "steps", "of each of them", ""},
      {"warm_up", std::int64_t{1024}, 0, 1e9, {}, "steps", "of them that are not recorded", ""},
      {"every", std::int64_t{8}, 1, 1e6, {}, "steps", "between two recorded beliefs", ""},
  };
}

struct Candidate {
  double start;              ///< time constant it is learned with
  double time_constant{};    ///< after learning
  double gain{}, error{};    ///< nats per token
  std::string fate{"kept"};  ///< kept, "merged with level 1", "no gain"
  bool kept() const { return fate == "kept"; }
};

Keys keys_of(const std::vector<Candidate>& levels, const std::string& kind, const Values& v) {
  Keys keys{{"hierarchy.levels", std::to_string(levels.size())}};
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const auto l = static_cast<Index>(i);
    keys.emplace_back(level_key(l, "kind"), kind);
    keys.emplace_back(level_key(l, "states"), std::to_string(v.integer("states")));
    keys.emplace_back(level_key(l, "tau"), to_text(ParameterValue(levels[i].start)));
    keys.emplace_back(level_key(l, "learn_tau"), v.flag("learn_tau") ? "1" : "0");
  }
  return keys;
}

/// Likeliest state of a level, sample after sample.
std::vector<Index> likeliest(const Recording& recording, Index level) {
  const Series belief = recording.vectors(level, "belief");
  std::vector<Index> out;
  for (std::size_t t = 0; t < belief.time.size(); ++t)
    for (Index s = 0; s < belief.streams; ++s) {
      const auto q = belief.at(t, s);
      out.push_back(std::max_element(q.begin(), q.end()) - q.begin());
    }
  return out;
}

/// Mutual information over the smaller entropy; 0 where one of them never changes.
double shared(const std::vector<Index>& a, const std::vector<Index>& b, Index states) {
  const auto n = static_cast<std::size_t>(states);
  std::vector<double> both(n * n, 0), first(n, 0), second(n, 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto x = static_cast<std::size_t>(a[i]), y = static_cast<std::size_t>(b[i]);
    both[x * n + y] += 1;
    first[x] += 1;
    second[y] += 1;
  }
  const double least = std::min(entropy_of_counts(first), entropy_of_counts(second));
  return least > 1e-3 ? information_of_counts(both, states, states) / least : 0;
}

struct Pair {
  std::size_t kept, merged;
};

/// The first pair that is one level in two.
std::optional<Pair> redundant(const std::vector<Candidate>& levels, const std::string& trace, const Values& v) {
  const Recording root = Trace(trace).root();
  std::vector<std::vector<Index>> states;
  for (std::size_t l = 0; l < levels.size(); ++l) states.push_back(likeliest(root, static_cast<Index>(l)));
  for (std::size_t i = 0; i < levels.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const double ratio = std::abs(std::log(levels[i].time_constant / levels[j].time_constant));
      if (ratio >= std::log(v.real("closest")) && shared(states[i], states[j], v.integer("states")) < v.real("same")) continue;
      return levels[i].gain < levels[j].gain ? Pair{j, i} : Pair{i, j};
    }
  return {};
}

/// Learns the hierarchy, measures every level; the study's keys are set.
void measure(Bench& bench, std::vector<Candidate>& levels, const std::string& model, const std::string& trace) {
  SampledStudy& study = bench.sampled();
  auto hierarchy = study.make_hierarchy(study.streams());
  learn_world(bench, *hierarchy, "depth", trace, false);
  save_world_model(study, *hierarchy, model);
  WorldReading reading;
  reading.streams = bench.values.integer("streams");
  reading.from = bench.values.integer("warm_up");
  reading.length = reading.from + bench.values.integer("steps");
  reading.every = bench.values.integer("every");
  reading.seed = study.options.seed + 0x5eed;
  reading.exact = false;
  reading.lesions = true;
  auto frozen = study.load_hierarchy(model, streams_needed(reading, hierarchy->depth()));
  read_world(study, *frozen, reading, "depth", trace, bench.progress);
  const MeasureResult gain = analyse("topdown_gain", trace);
  for (std::size_t l = 0; l < levels.size(); ++l) {
    levels[l].time_constant = hierarchy->level(static_cast<Index>(l)).time_constant();
    levels[l].gain = gain.levels[l].number("topdown_gain_nats");
    levels[l].error = gain.levels[l].number("topdown_gain_se");
  }
}

/// Decides who fails; false where nobody does.
bool condemn(std::vector<Candidate>& levels, const std::string& trace, const Values& v) {
  if (levels.size() == 1) return false;
  if (const auto pair = redundant(levels, trace, v)) {
    levels[pair->merged].fate = "merged with time constant " + short_number(levels[pair->kept].time_constant);
    return true;
  }
  for (auto level = levels.rbegin(); level != levels.rend(); ++level)
    if (!(level->gain > v.real("threshold") * level->error)) {  // not <=: an unknown gain fails too
      level->fate = "no gain";
      return true;
    }
  return false;
}

void report(Findings& findings, Summary& s, const std::vector<Candidate>& levels, Index round) {
  char line[200];
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const Candidate& c = levels[l];
    Summary& into = s.item("rounds", static_cast<std::size_t>(round)).item("levels", l);
    into.set("name", "level " + std::to_string(l)).set("time_constant", c.time_constant).set("fate", c.fate);
    into.set("topdown_gain_nats", c.gain);
    if (std::isfinite(c.error)) into.set("topdown_gain_se", c.error);
    std::snprintf(line, sizeof line, "  round %td  level %zu  time constant %-9s gain %9.5f +- %.5f  %s\n", round + 1, l,
                  short_number(c.time_constant).c_str(), c.gain, c.error, c.fate.c_str());
    findings.table += line;
  }
}

/// Levels left of a world with `truth` of them.
Index prune(Bench& bench, Findings& findings, Summary& s, Index truth, const std::string& kind) {
  SampledStudy& study = bench.sampled();
  std::vector<Candidate> levels;
  for (Index l = 0; l < bench.values.integer("levels"); ++l)
    levels.push_back({bench.values.real("first") * std::pow(bench.values.real("ratio"), static_cast<double>(l))});
  const std::string trace = bench.folder.file("trace.h5"), model = bench.folder.file("model.h5");
  for (Index round = 0;; ++round) {
    const WorldVariant variant(study, keys_of(levels, kind, bench.values), make_source(study, {{"world.levels", std::to_string(truth)}}));
    bench.progress.say("a world of " + std::to_string(truth) + " levels read with " + std::to_string(levels.size()));
    measure(bench, levels, model, trace);
    const bool changed = condemn(levels, trace, bench.values);
    report(findings, s, levels, round);
    if (!changed) return static_cast<Index>(levels.size());
    std::erase_if(levels, [](const Candidate& c) { return !c.kept(); });
  }
}

std::vector<Index> truths_of(const Values& values) {
  std::vector<Index> truths;
  for (const double x : real_list("depth.truths", values.text("truths"), 1, 6)) {
    if (x != std::trunc(x)) throw ConfigError("depth.truths", values.text("truths"), "must be whole numbers");
    truths.push_back(static_cast<Index>(x));
  }
  if (truths.empty()) throw ConfigError("depth.truths", values.text("truths"), "must name at least one depth");
  return truths;
}

Findings run(Bench& bench) {
  SampledStudy& study = bench.sampled();
  for (const char* name : {"tau", "states", "learn_tau"})
    if (!level_offers(study, 0, name))
      throw ConfigError("level.0.kind", "", "this kind has no parameter " + std::string(name) + "; depth is for categorical levels");
  const std::string kind = study.make_hierarchy(1)->level(0).kind();
  Findings findings;
  std::int64_t right = 0, worlds = 0;
  for (const Index truth : truths_of(bench.values)) {
    Summary& s = findings.summary.item("worlds", static_cast<std::size_t>(worlds++));
    s.set("name", "true depth " + std::to_string(truth)).set("true_depth", static_cast<std::int64_t>(truth));
    findings.table += "a world of " + std::to_string(truth) + " levels\n";
    const Index found = prune(bench, findings, s, truth, kind);
    s.set("found_depth", static_cast<std::int64_t>(found)).set("right", found == truth);
    findings.table += "  found " + std::to_string(found) + (found == truth ? ", right\n" : ", wrong\n");
    right += found == truth ? 1 : 0;
  }
  findings.summary.set("right_depths", right).set("worlds_tried", worlds);
  findings.table += std::to_string(right) + " of " + std::to_string(worlds) + " depths found\n";
  return findings;
}

}  // namespace

Experiment depth_experiment() {
  return {
      "depth",
      "how many levels a world has: too many are made, and those whose top-down gain is nothing are taken away",
      "For each true depth: learn, read fresh steps with each level lesioned, merge levels that are functions of each other, take away the\n"
      "slowest level whose top-down gain is not above 3 standard errors, learn anew, until no level fails. See strata describe topdown_gain.",
      parameters(),
      {{"steps", "4096"}},
      run,
      {"nested"},
      false};
}

}  // namespace strata
