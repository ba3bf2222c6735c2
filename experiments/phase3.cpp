// Dynamic depth on a text: levels that wake and fall asleep while it is read, against every fixed number of them.
//
// Design    the same text learned from anew by a hierarchy of 1, 2, .. levels, and by one of dynamic depth (core/growth.hpp) that may wake the most of
//           them; `repeats` seeds, all arms paired by seed and read the same held-out documents with learning off
// Measures  nats per token, and more of them than the best fixed depth, which is known only afterwards; levels awake at the end; levels awake and in
//           use (core/depth_in_use.hpp) while it learned, and over the held-out documents; nats per token on the way
// Limit     a text of independent words: dynamic depth ends where it began, and no depth is better than another
// Intervals of nats per token: bootstrap over documents, seeds averaged; else standard error over seeds

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "core/error.hpp"
#include "experiments/arm_outcomes.hpp"
#include "experiments/scoring.hpp"
#include "experiments/text_variant.hpp"

namespace strata {

Experiment phase3_experiment();

namespace {

ParameterTable parameters() {
  return {
      {"fixed", std::string(""), 0, 0, {}, "levels", "fixed depths beside it (1, 2, 3); empty: all up to hierarchy.levels", ""},
      {"repeats", std::int64_t{3}, 1, 1000, {}, "seeds", "that every arm learns with", ""},
      {"streams", std::int64_t{32}, 1, 4096, {}, "1", "documents scored side by side", ""},
  };
}

std::vector<Arm> arms_of(const Values& values, Index depth) {
  std::vector<double> fixed = real_list("phase3.fixed", values.text("fixed"), 1, static_cast<double>(depth));
  if (fixed.empty()) {
    fixed.resize(static_cast<std::size_t>(depth));
    std::iota(fixed.begin(), fixed.end(), 1);
  }
  std::vector<Arm> arms{{"dynamic", {{"growth.dynamic", "true"}}}};
  for (const double levels : fixed) {
    if (levels != std::trunc(levels)) throw ConfigError("phase3.fixed", values.text("fixed"), "must be whole numbers");
    const std::string number = std::to_string(static_cast<Index>(levels));
    arms.push_back({number + (levels == 1 ? " level" : " levels"), {{"growth.dynamic", "false"}, {"hierarchy.levels", number}}});
  }
  return arms;
}

/// What an arm came to with one seed.
Summary measure(Bench& bench, const std::string& model, const Summary& training) {
  TextStudy& study = bench.text();
  auto hierarchy = study.load_hierarchy(model, std::min(bench.values.integer("streams"), static_cast<Index>(study.held_out.size())));
  const Scores scores = score_held_out(study, *hierarchy, ScoringOptions(), bench.progress);
  Summary s;
  s.set("nats", scores.documents.nats)
      .set("depth", static_cast<std::int64_t>(hierarchy->depth()))
      .set("on_the_way_nats", training.number("nats_per_token"))
      .set("seconds", training.number("seconds"));
  if (const Summary* growth = training.object("growth")) s.section("growth") = *growth;
  const DepthScores& used = scores.depth;
  if (used.levels.empty()) return s;
  s.set("levels_in_use", (used.begin + used.end) / (used.begin_tokens + used.end_tokens));
  if (used.begin_tokens > 0) s.set("levels_in_use_begin", used.begin / used.begin_tokens);
  if (used.end_tokens > 0) s.set("levels_in_use_end", used.end / used.end_tokens);
  return s;
}

/// The arm of the least nats but the first.
std::size_t best_fixed(const std::vector<Outcomes>& outcomes, const std::vector<double>& tokens) {
  const auto mean = [&](std::size_t arm) {
    const auto nats = per_token(outcomes[arm], tokens);
    return std::accumulate(nats.begin(), nats.end(), 0.0) / static_cast<double>(nats.size());
  };
  std::size_t best = 1;
  for (std::size_t a = 2; a < outcomes.size(); ++a)
    if (mean(a) < mean(best)) best = a;
  return best;
}

/// The judgements of every seed, for the summary, and in lines.
std::string report_growth(Summary& into, const Outcomes& dynamic) {
  std::string lines;
  for (std::size_t i = 0; i < dynamic.size(); ++i) {
    const Summary* growth = dynamic[i].object("growth");
    into.item("growth", i) = *growth;
    char line[64];
    std::snprintf(line, sizeof line, "seed %zu: %.0f levels", i + 1, growth->number("first").value_or(0));
    lines += line;
    for (std::size_t k = 0; k < growth->items("judgements"); ++k) {
      const Summary& judgement = *growth->entry("judgements", k);
      if (judgement.text("verdict") != "taken") continue;
      std::snprintf(line, sizeof line, ", %.0f from %.0f tokens on", judgement.number("to").value_or(0),
                    judgement.number("tokens").value_or(0));
      lines += line;
    }
    lines += "\n";
  }
  return lines;
}

Findings run(Bench& bench) {
  TextStudy& study = bench.text();
  const Index depth = study.make_hierarchy(1)->depth();
  if (depth < 2) throw ConfigError("hierarchy.levels", "1", "are the most that dynamic depth may wake; there must be two");
  if (study.training.empty()) throw ConfigError("--text", "", "phase3 learns every arm anew; name the text to learn from");
  const std::vector<Arm> arms = arms_of(bench.values, depth);
  for (const Arm& arm : arms) const TextVariant possible(study, arm.keys);  // what cannot be must not cost an hour
  std::vector<double> tokens;
  for (const auto& document : study.held_out) tokens.push_back(static_cast<double>(document.size()));
  std::vector<Outcomes> outcomes(arms.size());
  for (std::uint64_t repeat = 0; repeat < static_cast<std::uint64_t>(bench.values.integer("repeats")); ++repeat)
    for (std::size_t a = 0; a < arms.size(); ++a)
      outcomes[a].push_back(
          arm_outcome(bench, arms[a], a, seed_of(study.options.seed, repeat),
                      [&](const std::string& model, const Summary& training) { return measure(bench, model, training); }));
  const std::size_t best = best_fixed(outcomes, tokens);
  Findings findings;
  Summary& s = findings.summary;
  char line[200];
  std::snprintf(line, sizeof line, "%-10s %8s  %-27s", "depth", "nats", "more than the best fixed");
  findings.table = line + cells({"levels at the end", "in use", "nats on the way"}) + "\n";
  for (std::size_t a = 0; a < arms.size(); ++a) {
    Summary& into = s.item("arms", a);
    into.set("name", arms[a].name);
    set_spread(into, "nats_per_token", per_token(outcomes[a], tokens), "%.4f");
    const std::string more = a == best ? "best" : set_more_nats(into, outcomes[a], outcomes[best], tokens);
    const std::string levels = set_spread(into, "depth", numbers(outcomes[a], "depth"), "%.2f"),
                      used = set_spread(into, "levels_in_use", numbers(outcomes[a], "levels_in_use"), "%.2f"),
                      on_the_way = set_spread(into, "on_the_way_nats", numbers(outcomes[a], "on_the_way_nats"), "%.4f");
    for (const char* half : {"levels_in_use_begin", "levels_in_use_end"}) set_spread(into, half, numbers(outcomes[a], half), "%.2f");
    set_spread(into, "seconds", numbers(outcomes[a], "seconds"), "%.0f");
    std::snprintf(line, sizeof line, "%-10s %8.4f  %-27s", arms[a].name.c_str(), into.number("nats_per_token").value_or(0), more.c_str());
    findings.table += line + cells({levels, used, on_the_way}) + "\n";
  }
  const Summary& dynamic = *s.entry("arms", 0);
  const double more = dynamic.number("more_nats").value_or(0), least = s.entry("arms", best)->number("nats_per_token").value_or(1);
  s.set("best_fixed", arms[best].name).set("more_than_best", more / least);
  std::snprintf(line, sizeof line, "dynamic depth: %+.2f %% nats per token against the best fixed one (%s)\n", 100 * more / least,
                arms[best].name.c_str());
  findings.table += line + report_growth(s, outcomes[0]);
  for (Index l = 0; l < depth; ++l) s.item("levels", static_cast<std::size_t>(l)).set("name", study.level_name(l));
  return findings;
}

}  // namespace

Experiment phase3_experiment() {
  return {
      "phase3",
      "levels that wake and fall asleep while a text is read, against every fixed number of them",
      "Every fixed depth and dynamic depth learn the same text anew, several seeds: nats per token of held-out documents against the best fixed\n"
      "depth, levels at the end, levels awake and in use over time.",
      parameters(),
      {{"repeats", "1"}},
      run,
      {"text"},
      false};
}

}  // namespace strata
