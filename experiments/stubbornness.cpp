// Stubbornness: the dial that makes higher levels heavier in nats, and its price.
//
// Design    one model, learned with the kappa that the configuration gives each level (retrain: with each rho anew), reads the same fresh
//           steps with learning off, with kappa_l = rho^-l at level l, 0 lowest, once for each rho; the exact observer reads along
// Measures  evidence (the nats that arrived, before kappa) and tokens to switch per level, their growth from level to level; cost: nats per
//           token more than at rho = 1 on the same tokens
// Limit     rho = 1: no cost. For an exact observer evidence grows linearly with the level while tokens grow geometrically; evidence of a
//           two-state unit is 1/kappa [ln(tau / pi) + ln tanh(kappa d / 2)]
// Source    model B; design trials with true parameters: cost 0, .021, .043 nats per token at rho 1, 1.5, 2

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "analysis/score_gap.hpp"
#include "analysis/trace_reader.hpp"
#include "core/error.hpp"
#include "experiments/world_variant.hpp"

namespace strata {

Experiment stubbornness_experiment();

namespace {

ParameterTable parameters() {
  return {
      {"rho", std::string("1, 1.5, 2, 3"), 0, 0, {}, "1", "kappa of a level over that of the level above; 1 is always read too", "model B"},
      {"retrain", false, 0, 1, {}, "", "learn anew with each rho instead of reading with the same weights", ""},
      {"streams", std::int64_t{32}, 1, 4096, {}, "streams", "read side by side with learning off", ""},
      {"steps", std::int64_t{16384}, 100, 1e9, {}, "steps", "of each of them", ""},
      {"warm_up", std::int64_t{2048}, 0, 1e9, {}, "steps", "of them that are not recorded: beliefs start from nothing", ""},
  };
}

/// 1 first, each once.
std::vector<double> dial(const Values& values) {
  std::vector<double> list{1};
  for (const double rho : real_list("stubbornness.rho", values.text("rho"), .1, 100))
    if (std::find(list.begin(), list.end(), rho) == list.end()) list.push_back(rho);
  return list;
}

double kappa(double rho, Index level) { return std::pow(rho, -static_cast<double>(level)); }

Keys keys_of(double rho, Index depth) {
  Keys keys;
  for (Index l = 0; l < depth; ++l) keys.emplace_back(level_key(l, "stubbornness"), to_text(ParameterValue(kappa(rho, l))));
  return keys;
}

void require_stubbornness(const SampledStudy& study, Index depth) {
  for (Index l = 0; l < depth; ++l)
    if (!level_offers(study, l, "stubbornness"))
      throw ConfigError(level_key(l, "kind"), "", "this kind has no parameter stubbornness; categorical has");
}

/// Learns under the study's present keys.
void learn(Bench& bench, const std::string& model) {
  SampledStudy& study = bench.sampled();
  auto hierarchy = study.make_hierarchy(study.streams());
  const std::string pass = bench.folder.file("learning.h5");
  learn_world(bench, *hierarchy, "stubbornness", pass, false);
  std::filesystem::remove(pass);  // what the frozen reading shows is measured
  save_world_model(study, *hierarchy, model);
}

void read_frozen(Bench& bench, const std::string& model, const std::string& path) {
  SampledStudy& study = bench.sampled();
  WorldReading reading;
  reading.streams = bench.values.integer("streams");
  reading.from = bench.values.integer("warm_up");
  reading.length = reading.from + bench.values.integer("steps");
  reading.seed = study.options.seed + 0x5eed;  // other steps than those learned from
  auto hierarchy = study.load_hierarchy(model, reading.streams);
  read_world(study, *hierarchy, reading, "stubbornness", path, bench.progress);
}

/// Nats per token at this rho, at rho = 1, and the difference, over the same tokens.
void add_cost(Summary& s, const std::string& path, const std::string& reference) {
  const Scores scores = common_scores({Trace(path).root(), Trace(reference).root()}, 0, 0);
  const auto found = block_bootstrap(scores.sums, [](std::span<const double> total) {
    return std::vector<Bounded>{{per_token(total, 0)}, {per_token(total, 0) - per_token(total, 1)}};
  });
  MeasuredValues values;
  values.set("nats_per_token", found[0]);
  values.set("cost_nats", found[1]);
  add_values(s, values);
}

std::string rows(double rho, const MeasureResult& evidence, const Summary& s) {
  std::string text;
  char line[240];
  std::snprintf(line, sizeof line, "rho %s: cost %s nats per token; per level evidence grows by %s, tokens by %s\n",
                short_number(rho).c_str(), short_number(s.number("cost_nats").value_or(0)).c_str(),
                evidence.values.cell("evidence_rho").c_str(), evidence.values.cell("tokens_to_switch_rho").c_str());
  text += line;
  for (const MeasuredValues& level : evidence.levels) {
    std::snprintf(line, sizeof line, "  %-8s  %-22s  %-22s  %-22s  %-22s  %s\n", level.cell("name").c_str(),
                  level.cell("evidence_nats").c_str(), level.cell("exact_evidence_nats").c_str(), level.cell("tokens_to_switch").c_str(),
                  level.cell("exact_tokens_to_switch").c_str(), level.cell("inertia_ratio").c_str());
    text += line;
  }
  for (const std::string& note : evidence.notes)
    if (note.find("not measured") != std::string::npos) text += "  " + note + "\n";
  return text;
}

Findings run(Bench& bench) {
  SampledStudy& study = bench.sampled();
  const Index depth = study.make_hierarchy(1)->depth();
  require_stubbornness(study, depth);
  const bool given = !study.options.model.empty(), retrain = bench.values.flag("retrain");
  if (given && retrain) throw ConfigError("stubbornness.retrain", "true", "learns its own models; leave out --model");
  std::string model = given ? study.options.model : bench.folder.file("model.h5");
  const std::string reference = bench.folder.file("trace.h5");
  Findings findings;
  char head[200];
  std::snprintf(head, sizeof head, "  %-8s  %-22s  %-22s  %-22s  %-22s  %s\n", "level", "evidence (nats) [95 %]", "exact observer",
                "tokens to switch", "exact observer", "tokens to the exact's");
  findings.table = head;
  const auto rhos = dial(bench.values);
  if (!given && !retrain) learn(bench, model);
  for (std::size_t k = 0; k < rhos.size(); ++k) {
    const WorldVariant variant(study, keys_of(rhos[k], depth));
    bench.progress.say("stubbornness: rho = " + short_number(rhos[k]));
    if (k > 0 && retrain) model = bench.folder.file("model_" + short_number(rhos[k]) + ".h5");
    if (retrain) learn(bench, model);
    const std::string path = k == 0 ? reference : bench.folder.file("rho.h5");
    read_frozen(bench, model, path);
    const MeasureResult evidence = analyse("evidence", path);
    Summary& s = findings.summary.item("dial", k);
    s.set("name", "rho " + short_number(rhos[k])).set("rho", rhos[k]);
    add_cost(s, path, reference);
    add_values(s, evidence.values);
    add_levels(s, evidence.levels);
    if (k == 0) add_levels(findings.summary, evidence.levels);
    findings.table += rows(rhos[k], evidence, s);
    if (k > 0) std::filesystem::remove(path);  // each is as large as the one that stays
  }
  return findings;
}

}  // namespace

Experiment stubbornness_experiment() {
  return {
      "stubbornness",
      "the dial rho: kappa_l = rho^-l against evidence, tokens to switch, and its cost in nats per token",
      "One model reads the same fresh steps with kappa_l = rho^-l (l = 0 lowest) for each rho. Evidence: nats that arrived at a level from a\n"
      "switch of its context until it is believed, the exact observer's beside it. Cost: mean surprise less that at rho = 1 on the same\n"
      "tokens. See strata describe evidence, tokens_to_switch.",
      parameters(),
      {{"steps", "4096"}, {"streams", "16"}},
      run,
      {"nested"},
      false};
}

}  // namespace strata
