// Depth: how many levels a world has, found by making too many and taking away those that nothing is lost without.
//
// Design    for each true depth: a hierarchy of more levels than the world can have learns, from equal time constants that it learns too. Then
//           rounds: twins of it, the whole and one without each level, go on learning from the same fresh steps. The level whose removal
//           costs least, against what would keep it, is taken away, and its twin goes on to the next round, until every level is kept
//           With growth.dynamic one hierarchy instead that grows and is pruned while it learns (core/growth.hpp), from the same time constants;
//           begun with levels to spare it prunes while it reads. Trials must last until a level has learned its time
//           constant: hierarchy.levels = depth.levels = growth.first = 5, growth.trial = 240000, growth.price = .0005
// Keeps     a gain above 3 s.e. that also pays for the level's k parameters: gain N > (k/2) ln N, N the steps learned from. (Some gain, however
//           small, is to be had from any level as long as the others are not perfect: significance alone keeps it once N is large.)
// Gain      the top-down gain of a level once the others have had the time to take over from it: nats per token that the twin without it
//           costs more over the second half of the steps. A lesion alone cannot tell a level that is needed from one of two that share a
//           context, for both of those are missed until the other has learned. What takes over is named: a level of which the one taken
//           away is a function (mutual information of their likeliest states over the smaller entropy), or the nearest in time constant
// Measures  gain with the s.e. of a block bootstrap over the same blocks of both twins; levels left against the truth
// Limit     a level that hands down nothing: gain 0, taken away
// Source    keeping while above 3 s.e.: measures; the price of a parameter: Schwarz 1978, Annals of Statistics 6

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "analysis/information.hpp"
#include "analysis/score_gap.hpp"
#include "analysis/trace_reader.hpp"
#include "core/error.hpp"
#include "experiments/growth_report.hpp"
#include "experiments/text_arms.hpp"
#include "experiments/world_variant.hpp"
#include "levels/categorical.hpp"

namespace strata {

Experiment depth_experiment();

namespace {

std::string world_of_levels(Index depth) { return "a world of " + std::to_string(depth) + (depth == 1 ? " level" : " levels"); }

constexpr double tau_rate = .5;  // of a learned time constant in the first learning: the categorical kind's own

ParameterTable parameters() {
  return {
      {"truths", std::string("1, 2, 3, 4"), 0, 0, {}, "levels", "depths of the worlds (world.levels)", ""},
      {"levels", std::int64_t{5}, 1, 16, {}, "levels", "of the hierarchy at the start", ""},
      {"states", std::int64_t{6}, 2, 4096, {}, "states", "of each of its levels", ""},
      {"first", 64.0, 1, 1e9, {}, "steps", "time constant of the lowest level at the start", ""},
      {"ratio", 1.0, 1, 1e6, {}, "1", "of the time constants from level to level at the start", ""},
      {"learn_tau", true, 0, 1, {}, "", "time constants are learned, from those at the start", ""},
      {"upper_rate", .3, 0, 1e3, {}, "1", "level.L.rate of the levels above the lowest", ""},
      {"threshold", 3.0, 0, 1e3, {}, "s.e.", "a level is kept while its gain is above this", "measures"},
      {"price", 1.0, 0, 1e3, {}, "1", "a gain must also be worth this times (k/2) ln N nats, k the level's parameters", "Schwarz 1978"},
      {"same", .5, 0, 1, {}, "1", "a level that shares this part of the smaller entropy with another is merged with it", ""},
      {"steps", std::int64_t{120000}, 100, 1e9, {}, "steps", "that the twins of a round learn from; the second half is scored", ""},
      {"readapt", 1. / 3, 0, 1e3, {}, "1", "of the rates of the first learning: those of the twins", ""},
      {"every", std::int64_t{16}, 1, 1e6, {}, "steps", "between two recorded beliefs", ""},
  };
}

struct Candidate {
  double time_constant{}, dwell_time{};  ///< after learning
  double gain{}, error{};                ///< nats per token; NaN: not tried
  double price{};                        ///< nats per token that its parameters cost
  std::string fate{"kept"};              ///< kept, "merged with level 1", "worth too little"
};

using Beliefs = std::vector<std::vector<Index>>;  // [level][sample]: likeliest state

Keys keys_of(Index depth, const std::string& kind, const Values& v, double rate) {
  Keys keys{{"hierarchy.levels", std::to_string(depth)}};
  for (Index l = 0; l < depth; ++l) {
    const double tau = v.real("first") * std::pow(v.real("ratio"), static_cast<double>(l));
    const auto add = [&](const char* name, const ParameterValue& value) { keys.emplace_back(level_key(l, name), to_text(value)); };
    add("kind", kind);
    add("states", v.integer("states"));
    add("tau", tau);
    add("learn_tau", v.flag("learn_tau"));
    add("tau_rate", rate * tau_rate);
    add("rate", rate * (l > 0 ? v.real("upper_rate") : 1));
  }
  return keys;
}

/// Likeliest state of every level, sample after sample.
Beliefs likeliest(const Recording& recording, Index depth) {
  Beliefs out(static_cast<std::size_t>(depth));
  for (Index l = 0; l < depth; ++l) {
    const Series belief = recording.vectors(l, "belief");
    for (std::size_t t = 0; t < belief.time.size(); ++t)
      for (Index s = 0; s < belief.streams; ++s) {
        const auto q = belief.at(t, s);
        out[static_cast<std::size_t>(l)].push_back(std::max_element(q.begin(), q.end()) - q.begin());
      }
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

/// What becomes of a level that is not needed.
std::string fate_of(Index level, const Beliefs& beliefs, const Values& v) {
  Index with = -1;
  double most = v.real("same");
  for (Index other = 0; other < static_cast<Index>(beliefs.size()); ++other) {
    if (other == level) continue;
    const double part = shared(beliefs[static_cast<std::size_t>(level)], beliefs[static_cast<std::size_t>(other)], v.integer("states"));
    if (part < most) continue;
    most = part;
    with = other;
  }
  return with < 0 ? "worth too little" : "merged with level " + std::to_string(with);
}

/// One world and what its hierarchy has come to.
class Pruning {
 public:
  Pruning(Bench& bench, Index truth, std::string kind)
      : bench_(bench), study_(bench.sampled()), values_(bench.values), truth_(truth), kind_(std::move(kind)) {}

  /// Too many levels, learned.
  void learn() {
    const auto variant = as(values_.integer("levels"), 1);
    bench_.progress.say(world_of_levels(truth_) + " read with " + std::to_string(values_.integer("levels")));
    hierarchy_ = study_.make_hierarchy(study_.streams());
    learn_world(bench_, *hierarchy_, "depth", bench_.folder.file("trace.h5"), false);
  }

  /// Tries the levels; takes one away, or leaves all and says so (false).
  bool round(std::vector<Candidate>& levels) {
    const Index depth = hierarchy_->depth();
    levels.resize(static_cast<std::size_t>(depth));
    for (Index l = 0; l < depth; ++l)
      levels[static_cast<std::size_t>(l)] = {hierarchy_->level(l).time_constant(), hierarchy_->level(l).dwell_time(), std::nan(""),
                                             std::nan(""), 0};
    ++round_;
    if (depth == 1) return false;
    auto whole = twin(-1);
    std::unique_ptr<Hierarchy<float>> next;
    Index least = -1;
    double least_part = 1;
    for (Index l = depth; l-- > 0;) {
      auto rest = twin(l);
      Candidate& c = levels[static_cast<std::size_t>(l)];
      const Estimate gain = cost();
      c.gain = gain.value;
      c.error = standard_error(gain);
      c.price = price(whole->parameter_count() - rest->parameter_count());
      const double keeps = std::max(c.price, values_.real("threshold") * c.error);
      const double part = c.gain > 0 ? c.gain / keeps : c.gain;
      if (part > least_part) continue;
      least_part = part;
      least = l;
      next = std::move(rest);
      if (part <= 0) break;  // the model is better off without it: nothing can be had cheaper
    }
    if (least < 0) {
      hierarchy_ = std::move(whole);
      return false;
    }
    levels[static_cast<std::size_t>(least)].fate = fate_of(least, likeliest(Trace(path(whole_name)).root(), depth), values_);
    hierarchy_ = std::move(next);
    return true;
  }

  Index depth() const { return hierarchy_->depth(); }
  void save() {
    const auto variant = as(depth(), values_.real("readapt"));
    study_.make_hierarchy(study_.streams());  // reads the keys that the file is to tell
    save_world_model(study_, *hierarchy_, bench_.folder.file("model.h5"));
  }

 private:
  static constexpr const char *whole_name = "trace.h5", *rest_name = "without.h5";
  std::string path(const char* name) const { return bench_.folder.file(name); }

  WorldVariant as(Index depth, double rate) const {
    auto keys = keys_of(depth, kind_, values_, rate);
    keys.emplace_back("world.levels", std::to_string(truth_));
    return {study_, keys, make_source(study_, {keys.back()})};
  }

  /// The hierarchy without level `out` (-1: whole), gone on learning from this round's steps.
  std::unique_ptr<Hierarchy<float>> twin(Index out) {
    const Index depth = hierarchy_->depth();
    const auto variant = as(out < 0 ? depth : depth - 1, values_.real("readapt"));
    auto hierarchy = study_.make_hierarchy(study_.streams());
    for (Index l = 0, to = 0; l < depth; ++l)
      if (l != out) categorical(*hierarchy, to++).inherit(categorical(*hierarchy_, l), l + 1 != out);
    bench_.progress.say("round " + std::to_string(round_) + (out < 0 ? ", all levels" : ", without level " + std::to_string(out)));
    WorldReading pass;
    pass.streams = study_.streams();
    pass.length = values_.integer("steps");
    pass.from = pass.length / 2;
    pass.every = values_.integer("every");
    pass.seed = (study_.options.seed << 32) + 0x5eed + static_cast<std::uint64_t>(round_);  // no round of another seed reads the same steps
    pass.learning = true;
    pass.exact = false;
    pass.what = "learning";
    read_world(study_, *hierarchy, pass, "depth", path(out < 0 ? whole_name : rest_name), bench_.progress);
    return hierarchy;
  }

  /// Of `weights` and the transitions to them, nats per token.
  double price(Index weights) const {
    const auto k = static_cast<double>(weights + values_.integer("states") * values_.integer("states"));
    const auto n = static_cast<double>(study_.streams() * (study_.length() + round_ * values_.integer("steps")));
    return values_.real("price") * k / 2 * std::log(n) / n;
  }

  static CategoricalLevel<float>& categorical(Hierarchy<float>& hierarchy, Index level) {
    return dynamic_cast<CategoricalLevel<float>&>(hierarchy.level(level));
  }

  /// Nats per token that the rest costs more than the whole.
  Estimate cost() const {
    const Trace whole(path(whole_name)), rest(path(rest_name));
    const Scores scores = common_scores({rest.root(), whole.root()}, 0, 0);
    return block_bootstrap(
        scores.sums, [](std::span<const double> total) { return std::vector<Bounded>{{per_token(total, 0) - per_token(total, 1)}}; })[0];
  }

  Bench& bench_;
  SampledStudy& study_;
  const Values& values_;
  Index truth_;
  std::string kind_;
  Index round_ = 0;
  std::unique_ptr<Hierarchy<float>> hierarchy_;
};

void report(Findings& findings, Summary& s, const std::vector<Candidate>& levels, std::size_t round) {
  char line[240];
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const Candidate& c = levels[l];
    Summary& into = s.item("rounds", round).item("levels", l);
    into.set("name", "level " + std::to_string(l))
        .set("time_constant", c.time_constant)
        .set("dwell_time", c.dwell_time)
        .set("fate", c.fate);
    std::string gain = "not tried";
    if (std::isfinite(c.gain)) {
      into.set("removal_cost_nats", c.gain).set("removal_cost_se", c.error).set("price_nats", c.price);
      char text[80];
      std::snprintf(text, sizeof text, "%9.5f +- %.5f, price %.5f", c.gain, c.error, c.price);
      gain = text;
    }
    std::snprintf(line, sizeof line, "  round %zu  level %zu  time constant %-9s gain %-36s  %s\n", round + 1, l,
                  short_number(c.time_constant).c_str(), gain.c_str(), c.fate.c_str());
    findings.table += line;
  }
}

/// Levels left of a world with `truth` of them.
Index prune(Bench& bench, Findings& findings, Summary& s, Index truth, const std::string& kind) {
  Pruning pruning(bench, truth, kind);
  pruning.learn();
  std::vector<Candidate> levels;
  for (std::size_t round = 0;; ++round) {
    const bool changed = pruning.round(levels);
    report(findings, s, levels, round);
    if (changed) continue;
    pruning.save();
    return pruning.depth();
  }
}

/// Levels that dynamic depth ends with in a world with `truth` of them.
Index grow(Bench& bench, Findings& findings, Summary& s, Index truth, const std::string& kind) {
  SampledStudy& study = bench.sampled();
  auto keys = keys_of(bench.values.integer("levels"), kind, bench.values, 1);
  keys.emplace_back("world.levels", std::to_string(truth));
  const WorldVariant variant(study, keys, make_source(study, {keys.back()}));
  const std::string stem = "world_" + std::to_string(truth), model = bench.folder.file(stem + ".h5");
  Summary& training = s.section("training");
  training = obtain_trained(bench, model, bench.folder.file(stem + "_checkpoint.h5"), world_of_levels(truth));
  findings.table += growth_table(s);
  return static_cast<Index>(training.object("growth")->number("levels").value_or(0));
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
  for (const char* name : {"tau", "states", "learn_tau", "tau_apart"})
    if (!level_offers(study, 0, name))
      throw ConfigError("level.0.kind", "", "this kind has no parameter " + std::string(name) + "; depth is for categorical levels");
  const std::string kind = study.make_hierarchy(1)->level(0).kind();
  Findings findings;
  std::int64_t right = 0, worlds = 0;
  for (const Index truth : truths_of(bench.values)) {
    Summary& s = findings.summary.item("worlds", static_cast<std::size_t>(worlds++));
    s.set("name", "true depth " + std::to_string(truth)).set("true_depth", static_cast<std::int64_t>(truth));
    findings.table += world_of_levels(truth) + "\n";
    const Index found = study.growth().dynamic ? grow(bench, findings, s, truth, kind) : prune(bench, findings, s, truth, kind);
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
      "how many levels a world has: too many are made, and those that nothing is lost without are taken away",
      "For each true depth: learn too many levels, from equal time constants; then twins, the whole and one without each level, go on\n"
      "learning from the same fresh steps. The level with the least gain, the nats per token that its twin costs more once the others have\n"
      "had the time to take over, is taken away unless that gain is above 3 standard errors and pays for the level's parameters.\n"
      "A lesion of the learned whole, strata describe topdown_gain, is another quantity. With growth.dynamic=true: the depth that one hierarchy\n"
      "finds while it learns.",
      parameters(),
      {{"steps", "20000"}},
      run,
      {"nested"},
      false};
}

}  // namespace strata
