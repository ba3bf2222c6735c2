// Ablation: what each term of the objective and each part of the training schedule is worth.
//
// Design    the same text learned from anew by every arm, with other keys each, and by the same hierarchy without any; `repeats` seeds, each arm paired
//           with what has its seed. An arm that replays or reads at several scales reads more tokens: the table says how many
// Measures  nats per token more than without, over the same held-out documents; nats per word of each level's own unit more than without;
//           ratio of half-lives (twins as in belief_inertia); top-down gain
// Limit     an arm that sets nothing: 0 everywhere
// Intervals of nats per token: bootstrap over documents, seeds averaged; of levels: mean and standard error over seeds

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <set>
#include <sstream>

#include "core/error.hpp"
#include "experiments/arm_outcomes.hpp"
#include "experiments/scoring.hpp"
#include "experiments/text_arms.hpp"

namespace strata {

Experiment ablation_experiment();
Experiment phase1_experiment();
Experiment phase2_experiment();

namespace {

/// An experiment of arms: what they are compared with, and which there are where the user names none.
struct Design {
  const char *name, *base, *arms;
};

ParameterTable parameters(const Design& design) {
  return {
      {"base",
       std::string(design.base),
       0,
       0,
       {},
       "",
       "what every arm is compared with, NAME: KEY=VALUE KEY=VALUE ..; arms have its keys too, where they do not say other; empty: the configuration as it is",
       ""},
      {"arms",
       std::string(design.arms),
       0,
       0,
       {},
       "",
       "what is compared, parted by |: NAME of an arm that there is, or NAME: KEY=VALUE KEY=VALUE .. (level.*.KEY: of every level above the token "
       "level); empty: all that there are",
       ""},
      {"repeats", std::int64_t{3}, 1, 1000, {}, "seeds", "that every arm learns with", ""},
      {"streams", std::int64_t{32}, 1, 4096, {}, "1", "documents scored side by side", ""},
      {"stream_every", std::int64_t{4}, 1, 1e6, {}, "tokens", "what each level's share of the stream is worth is sampled so often", ""},
      {"pairs", std::int64_t{30}, 0, 4096, {}, "pairs", "of twins, for half-lives; 0: none", ""},
      {"context", std::int64_t{200}, 1, 1e6, {}, "tokens", "read by twins before the common text, at least", ""},
      {"history", std::int64_t{600}, 50, 1e6, {}, "tokens", "read by twins before the common text, at most", ""},
      {"after", std::int64_t{1200}, 50, 1e6, {}, "tokens", "of common text, at most", ""},
  };
}

constexpr const char* without_any = "none of them";

/// An arm's key as the user writes it, for every level it speaks of.
void add_key(Keys& keys, const std::string& key, const std::string& value, Index depth) {
  static const std::string every = "level.*.";
  if (key.rfind(every, 0) != 0) {
    keys.emplace_back(key, value);
    return;
  }
  for (Index l = 1; l < depth; ++l) keys.emplace_back(level_key(l, key.substr(every.size())), value);
}

/// Every term at weights that are felt, every part of the schedule, and what levels are made of taken away.
std::vector<Arm> known_arms(Index depth) {
  std::vector<Arm> arms;
  const auto add = [&](const char* name, const std::vector<std::pair<std::string, std::string>>& keys) {
    Arm& arm = arms.emplace_back();
    arm.name = name;
    for (const auto& [key, value] : keys) add_key(arm.keys, key, value, depth);
  };
  // change is penalised more, and rate held tighter, the higher
  Keys stability, bottleneck;
  for (Index l = 1; l < depth; ++l) {
    stability.emplace_back(level_key(l, "stability"), to_text(.05 * std::pow(2.0, static_cast<double>(l - 1))));
    bottleneck.emplace_back(level_key(l, "bottleneck"), to_text(.001 * std::pow(2.0, static_cast<double>(l - 1))));
  }
  arms.push_back({"stability", stability});
  arms.push_back({"bottleneck", bottleneck});
  add("consistency", {{"level.*.consistency", ".3"}});
  add("reconstruction", {{"level.*.reconstruction", ".3"}});
  add("contrastive", {{"level.*.contrastive", ".03"}});
  add("flexibility", {{"level.0.flexibility", ".02"}});
  add("no broad prediction", {{"level.*.broad_weight", "0"}});
  add("curriculum", {{"learning.curriculum", "upward"}});
  add("multi-scale", {{"world.scales", "64, 0"}});
  add("replay", {{"world.replay", ".25"}});
  add("rates in own ticks", {{"learning.own_ticks", "1"}});
  add("slow upper levels", {{"level.*.pace", ".3"}});
  add("hardening", {{"learning.lightness", ".2"}});
  add("no carry", {{"level.*.carry", "false"}});
  add("gate", {{"level.*.gate", "true"}});
  add("fed by words", {{"level.*.feed", "token"}});
  return arms;
}

constexpr Index most_levels = 64;  // that level.* of a base speaks of: arms may have more levels than it

/// hierarchy.levels as the keys have it, where they have it and it can be one.
Index depth_in(const Keys& keys, Index otherwise) {
  for (const auto& [key, value] : keys) {
    std::int64_t depth = 0;
    if (key != "hierarchy.levels") continue;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), depth);
    if (failed == std::errc() && end == value.data() + value.size() && depth >= 1 && depth <= most_levels) return depth;
  }
  return otherwise;  // what is no number of levels is refused where the keys are tried
}

/// An arm as the user writes its keys; `depth` is that of the hierarchy where the arm does not say its own. A base's level.* is of all levels that
/// an arm may have.
Arm own_arm(const std::string& key, const std::string& name, const std::string& text, Index depth, bool base) {
  Keys written;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) throw ConfigError(key, word, "is no KEY=VALUE");
    written.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  depth = depth_in(written, depth);
  Arm arm{name, {}};
  for (const auto& [its, value] : written) {
    if (level_of(its) >= depth)
      throw ConfigError(key, its + "=" + value, "the arm " + name + " has levels 0 to " + std::to_string(depth - 1));
    add_key(arm.keys, its, value, base ? most_levels : depth);
  }
  return arm;
}

std::vector<Arm> chosen_arms(const std::string& key, const std::string& text, Index depth, const std::string& base) {
  const auto known = known_arms(depth);
  std::vector<Arm> arms;
  std::istringstream items(text);
  for (std::string item; std::getline(items, item, '|');) {
    if (trimmed(item).empty()) continue;
    const auto colon = item.find(':');
    const std::string name = trimmed(item.substr(0, colon));
    if (colon == std::string::npos) {
      const auto found = std::find_if(known.begin(), known.end(), [&](const Arm& arm) { return arm.name == name; });
      if (found == known.end()) {
        std::vector<std::string> names;
        names.reserve(known.size());
        for (const Arm& arm : known) names.push_back(arm.name);
        throw ConfigError(key, name, "is no arm that there is; write NAME: KEY=VALUE for one of your own", nearest(name, names));
      }
      arms.push_back(*found);
      continue;
    }
    arms.push_back(own_arm(key, name, item.substr(colon + 1), depth, base.empty()));
  }
  std::set<std::string> names{base};
  for (const Arm& arm : arms) {
    if (arm.name.empty()) throw ConfigError(key, text, "has an arm without a name");
    if (!names.insert(arm.name).second) throw ConfigError(key, arm.name, "is the name of another arm, too");
  }
  if (arms.empty()) throw ConfigError(key, text, "names no arm");
  return arms;
}

/// The same pairs for every arm and seed; none where the text does not have them, which is said.
std::vector<Condition> twins(const Bench& bench) {
  std::vector<Condition> conditions;
  text::PairOptions options;
  options.count = bench.values.integer("pairs");
  options.context = bench.values.integer("context");
  options.history = bench.values.integer("history");
  options.room = bench.values.integer("after") / 2;
  options.seed = bench.study.options.seed;
  if (options.count == 0) return conditions;
  try {
    add_twins(conditions, text::choose_twins(bench.text().held_out, options), bench.values.integer("after"));
  } catch (const DataError& e) { bench.progress.say(std::string("half-lives are not measured: ") + e.what()); }
  return conditions;
}

/// What an arm came to with one seed; numbers alone, so that a run that is resumed can read it back.
Summary measure(Bench& bench, const std::vector<Condition>& pairs, const std::string& model, const Summary& training) {
  TextStudy& study = bench.text();
  auto hierarchy = study.load_hierarchy(model, std::min(bench.values.integer("streams"), static_cast<Index>(study.held_out.size())));
  ScoringOptions options;
  options.stream_every = bench.values.integer("stream_every");
  const Scores scores = score_held_out(study, *hierarchy, options, bench.progress);
  Summary s;
  s.set("nats", scores.documents.nats)
      .set("tokens_read", training.number("tokens"))
      .set("parameters", training.number("parameters"))
      .set("seconds", training.number("seconds"));
  for (Index l = 0; l < hierarchy->depth(); ++l) {
    const auto i = static_cast<std::size_t>(l);
    Summary& level = s.item("levels", i);
    level.set("name", study.level_name(l)).set("time_constant", hierarchy->level(l).time_constant());
    if (l == 0) continue;
    if (scores.broad[i].predictions > 0) level.set("prediction_nats", scores.broad[i].nats / scores.broad[i].words);
    if (scores.stream.measured())
      level.set("topdown_gain_nats", paired_difference(scores.stream.mean[i], scores.stream.intact, scores.stream.tokens).value);
  }
  if (pairs.empty()) return s;
  TrialWindow window;
  window.before = 64;
  window.after = bench.values.integer("after");
  const std::string path = bench.folder.file("twins.h5");
  record_texts(bench, model, pairs, window, path);
  const MeasureResult found = analyse("half_life", path);
  std::filesystem::remove(path);
  if (const double rho = found.values.number("half_life_rho"); rho == rho) s.set("half_life_rho", rho);
  for (std::size_t l = 0; l < found.levels.size(); ++l)
    if (const double own = found.levels[l].number("half_life"); own == own) s.item("levels", l).set("half_life", own);
  return s;
}

/// One arm of the summary and its line of the table.
std::string report(Summary& into, const Arm& arm, const Outcomes& own, const Outcomes& without, const std::vector<double>& tokens,
                   Index depth) {
  into.set("name", arm.name).set("keys", words_of(arm.keys));
  set_spread(into, "nats_per_token", per_token(own, tokens), "%.4f");
  const bool base = &own == &without;
  std::string more = "-";
  if (!base) more = set_more_nats(into, own, without, tokens);
  if (!base && per_token(own, tokens) == per_token(without, tokens)) more = "0: it changes nothing";
  std::vector<std::string> unit, gain;
  for (Index l = 0; l < depth; ++l) {
    const Summary* its_level = own.front().entry("levels", static_cast<std::size_t>(l));  // an arm may have fewer
    if (its_level == nullptr) {
      if (l > 0) unit.emplace_back("-"), gain.emplace_back("-");
      continue;
    }
    Summary& level = into.item("levels", static_cast<std::size_t>(l));
    level.set("name", its_level->text("name").value_or(""));
    set_spread(level, "half_life", numbers(own, "half_life", l), "%.1f");
    set_spread(level, "time_constant", numbers(own, "time_constant", l), "%.1f");
    if (l == 0) continue;
    const auto its = numbers(own, "prediction_nats", l);
    const std::string whole = set_spread(level, "prediction_nats", its, "%.3f");
    const auto beside = numbers(without, "prediction_nats", l);  // none where the arm has a level more
    unit.push_back(base                          ? whole
                   : beside.size() != its.size() ? "-"
                                                 : set_spread(level, "more_prediction_nats", minus(its, beside), "%+.3f"));
    gain.push_back(set_spread(level, "topdown_gain_nats", numbers(own, "topdown_gain_nats", l), "%.4f"));
  }
  const std::string rho = set_spread(into, "half_life_rho", numbers(own, "half_life_rho"), "%.2f");
  set_spread(into, "tokens_read", numbers(own, "tokens_read"), "%.0f");
  set_spread(into, "seconds", numbers(own, "seconds"), "%.0f");
  into.set("parameters", own.front().number("parameters"));
  char head[160], tail[64];
  std::snprintf(head, sizeof head, "%-22s %8.4f %27s", arm.name.c_str(), into.number("nats_per_token").value_or(0), more.c_str());
  std::snprintf(tail, sizeof tail, " %13s %9.0f %9.0f", rho.c_str(), into.number("tokens_read").value_or(0),
                into.number("parameters").value_or(0));
  return std::string(head) + cells(unit) + cells(gain) + tail + "\n";
}

/// What arms are compared with; without keys where the user says nothing.
Arm base_of(const Design& design, const std::string& text, Index depth) {
  if (trimmed(text).empty()) return {without_any, {}};
  const std::vector<Arm> named = chosen_arms(std::string(design.name) + ".base", text, depth, "");
  if (named.size() != 1) throw ConfigError(std::string(design.name) + ".base", text, "is one arm, with keys of its own");
  return named.front();
}

/// The base's keys, of levels that the arm has, and the arm's, which win.
Arm on_base(const Arm& base, Arm arm, Index base_depth) {
  Keys keys;
  const Index depth = depth_in(arm.keys, base_depth);
  const auto sets = [&](const std::string& key) {
    return std::any_of(arm.keys.begin(), arm.keys.end(), [&](const auto& own) { return own.first == key; });
  };
  for (const auto& [key, value] : base.keys)
    if (level_of(key) < depth && !sets(key)) keys.emplace_back(key, value);
  keys.insert(keys.end(), arm.keys.begin(), arm.keys.end());
  return {arm.name, keys};
}

Findings run(Bench& bench, const Design& design) {
  TextStudy& study = bench.text();
  const Arm base = base_of(design, bench.values.text("base"), study.make_hierarchy(1)->depth());
  const Index depth = depth_in(base.keys, study.make_hierarchy(1)->depth());
  std::vector<Arm> arms{on_base(base, {base.name, {}}, depth)};
  if (depth < 2)
    throw ConfigError("hierarchy.levels", "1",
                      std::string(design.name) + " compares what levels above the token level are made of; there must be one");
  if (study.training.empty())
    throw ConfigError("--text", "", std::string(design.name) + " learns every arm anew; name the text to learn from");
  const std::uint64_t seed = study.options.seed;
  const bool all = bench.values.text("arms").find_first_not_of(" \t") == std::string::npos;
  for (const Arm& own :
       all ? known_arms(depth) : chosen_arms(std::string(design.name) + ".arms", bench.values.text("arms"), depth, arms.front().name)) {
    const Arm arm = on_base(base, own, depth);
    try {
      const TextVariant possible(study, arm.keys, seed);  // a mistyped key must not cost an hour
    } catch (const ConfigError& e) {
      if (!all) throw;
      bench.progress.say("without the arm " + arm.name + ": " + e.what());
      continue;
    }
    arms.push_back(arm);
  }
  const auto pairs = twins(bench);
  std::vector<double> tokens;
  for (const auto& document : study.held_out) tokens.push_back(static_cast<double>(document.size()));
  std::vector<Outcomes> outcomes(arms.size());
  for (std::uint64_t repeat = 0; repeat < static_cast<std::uint64_t>(bench.values.integer("repeats")); ++repeat)
    for (std::size_t a = 0; a < arms.size(); ++a)
      outcomes[a].push_back(arm_outcome(bench, arms[a], a, seed_of(seed, repeat), [&](const std::string& model, const Summary& training) {
        return measure(bench, pairs, model, training);
      }));
  Findings findings;
  char head[160];
  std::snprintf(head, sizeof head, "%-22s %8s %27s", "with", "nats", "more than without, 95 %");
  findings.table = head;
  Index deepest = depth;
  for (const Outcomes& of_arm : outcomes) deepest = std::max(deepest, static_cast<Index>(of_arm.front().items("levels")));
  for (const char* of : {"own unit: ", "gain: "})
    for (Index l = 1; l < deepest; ++l) findings.table += cells({of + study.level_name(l)});
  findings.table += "    half-lives    tokens   weights\n";
  for (std::size_t a = 0; a < arms.size(); ++a)
    findings.table += report(findings.summary.item("arms", a), arms[a], outcomes[a], outcomes[0], tokens, deepest);
  findings.table +=
      "nats per token, and more of them than without over the same documents; own unit: nats per word of each level's own unit more than without (first "
      "line: nats);\ngain: nats per token that are lost when a level says its slow mean; half-lives: their ratio from level to level; tokens: learned from\n";
  for (Index l = 0; l < deepest; ++l) findings.summary.item("levels", static_cast<std::size_t>(l)).set("name", study.level_name(l));
  return findings;
}

constexpr Design ablation{"ablation", "", ""};
constexpr Design phase1{
    "phase1", "two levels: hierarchy.levels=2",
    "token level alone: hierarchy.levels=1 | no carry: level.1.carry=false | no broad prediction: level.1.broad_weight=0 | gate: level.1.gate=true"};
constexpr Design phase2{
    "phase2", "four levels: hierarchy.levels=4",
    "three levels: hierarchy.levels=3 | band: level.*.learn_tau=true level.*.tau_band=3 | free: level.*.learn_tau=true level.*.tau_band=10000 | "
    "free from equal: level.*.learn_tau=true level.*.tau_band=10000 level.*.tau=40 level.*.spread=3 level.*.tick=1"};

/// The names of all arms that a hierarchy of four levels has, a line of them.
std::string names_of_arms() {
  std::string names;
  for (const Arm& arm : known_arms(4)) names += (names.empty() ? "" : ", ") + arm.name;
  return names;
}

Experiment experiment_of(const Design& design, const char* summary, const char* definition) {
  return {design.name,
          summary,
          definition + ("\nArms that there are: " + names_of_arms() + "."),
          parameters(design),
          {{"repeats", "1"}, {"pairs", "0"}},
          [design](Bench& bench) { return run(bench, design); },
          {"text"},
          false};
}

}  // namespace

Experiment ablation_experiment() {
  return experiment_of(
      ablation, "what each term of the objective and each part of the training schedule is worth",
      "Every arm learns the same text anew, several seeds, and is compared with the hierarchy without it: nats per token, nats per word of each\n"
      "level's own unit, ratio of half-lives, top-down gain.");
}

Experiment phase1_experiment() {
  return experiment_of(
      phase1, "two levels, sentence over token: what the sentence level is worth on short texts, such as news",
      "Arms as in `ablation`, compared with two levels: the token level alone, and the sentence level without what it is made of.");
}

Experiment phase2_experiment() {
  return experiment_of(
      phase2, "three and four levels, their time constants fixed, learned within a band, learned freely",
      "Arms as in `ablation`, compared with four levels of fixed time constants. Half-lives say whether levels stay apart.");
}

}  // namespace strata
