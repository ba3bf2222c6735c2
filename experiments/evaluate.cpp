// Evaluation on held-out documents, level by level. `strata evaluate` runs it.
//
// Measures  level 0: perplexity, nats per token, bits per byte, against the unigram
//           levels above: nats per token of their own broad prediction, against the unigram and the best decaying unigram of their own time
//           constant, its entropy and its departure from the background; what their share of the output stream is worth to the next token:
//           top-down gain = loss with the share replaced by its slow mean, minus intact; swap = the same with another document's share;
//           narrowing (constraint) = entropy of the next token with the share replaced by its slow mean, minus intact
//           In a sampled world: a fresh stretch (of a series: its own), nats per token against the unigram and the exact observer, and what
//           each level's message is worth, lesioned and swapped
// Intervals block bootstrap over documents, or over blocks of time

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <numeric>

#include "core/error.hpp"
#include "experiments/experiment.hpp"
#include "experiments/scoring.hpp"
#include "experiments/training.hpp"
#include "experiments/world_scores.hpp"

namespace strata {

Experiment evaluate_experiment();

namespace {

ParameterTable parameters() {
  return {
      {"stream_every",
       std::int64_t{4},
       0,
       1e6,
       {},
       "tokens",
       "what each level's share of the stream is worth is sampled so often; 0: not measured",
       ""},
      {"entropy_every",
       std::int64_t{16},
       0,
       1e6,
       {},
       "samples",
       "of these, so often it is also measured how much each level narrows what may come; 0: not",
       ""},
      {"levelwise",
       false,
       0,
       1,
       {},
       "",
       "also run coherence, surprise_recovery and belief_inertia on the model (keys of their own), and say whether levels move when those below "
       "them do (reflection), each a section of the summary",
       ""},
      {"streams", std::int64_t{32}, 1, 4096, {}, "1", "documents scored side by side, or stretches of a sampled world", ""},
      {"steps", std::int64_t{4096}, 10, 1e9, {}, "steps", "of every stretch of a sampled world that are scored", ""},
      {"warm_up", std::int64_t{1024}, 0, 1e9, {}, "steps", "of every stretch before that: beliefs start from nothing", ""},
      {"plastic", false, 0, 1, {}, "", "also read the text once more, learning from every token after it was scored (--plastic)", ""},
      {"plastic_rate", .0001, 0, 1, {}, "1", "Adam's step size then", ""},
      {"plastic_pull",
       0.0,
       0,
       1,
       {},
       "1",
       "part of the way back to the dense weights as trained that they go after each update then",
       "Krause et al. 2018"},
      {"experts", false, 0, 1, {}, "", "also mix in an n-gram model of the training text and a cache of recent words", ""},
      {"expert_order", std::int64_t{5}, 1, KneserNey::highest_order, {}, "tokens", "longest n-gram of that model", "Kneser & Ney 1995"},
      {"expert_rate",
       ExpertPanel::Settings().rate,
       0,
       10,
       {},
       "1",
       "learning rate of the shares that hierarchy, n-grams and cache have",
       ""},
      {"hierarchy_share", 0.0, 0, .999, {}, "1", "share of the hierarchy among them at first; 0: all are equal", ""},
      {"cache_time", 200.0, 1, 1e9, {}, "tokens", "time constant of that cache", "Kuhn & De Mori 1990"},
  };
}

/// One line of the table per level.
std::string level_line(const Summary& level, const std::string& name, Index index) {
  const auto cell = [&](const char* key, const char* format) {
    char text[32] = "-";
    if (const auto value = level.number(key)) std::snprintf(text, sizeof text, format, *value);
    return std::string(text);
  };
  char line[256];
  std::snprintf(line, sizeof line, "%lld %-10s %9s %9s %9s %9s %9s   %9s %9s %9s\n", static_cast<long long>(index), name.c_str(),
                cell("prediction_nats", "%.3f").c_str(), cell("baseline_nats", "%.3f").c_str(), cell("unigram_nats", "%.3f").c_str(),
                cell("entropy_nats", "%.3f").c_str(), cell("background_kl_nats", "%.3f").c_str(), cell("topdown_gain_nats", "%.4f").c_str(),
                cell("topdown_swap_nats", "%.4f").c_str(), cell("narrowing_nats", "%.4f").c_str());
  return line;
}

void broad_findings(Summary& level, const BroadScore& broad) {
  if (broad.predictions < 1) return;
  const double n = broad.words;
  level.set("prediction_nats", broad.nats / n);
  level.set("unigram_nats", broad.unigram_nats / n);
  const auto best = std::min_element(broad.decaying_nats.begin(), broad.decaying_nats.end());
  level.set("baseline_nats", *best / n);
  level.set("baseline_weight", decaying_weights()[static_cast<std::size_t>(best - broad.decaying_nats.begin())]);
  level.set("entropy_nats", broad.entropy / n);
  level.set("background_kl_nats", broad.divergence / n);
  level.set("predictions", static_cast<std::int64_t>(broad.predictions));
}

/// What the objective's terms were worth at a level; returns their weighted sum over the text, nats.
double term_findings(Summary& level, const std::vector<TermScore>& terms) {
  double sum = 0;
  for (const TermScore& term : terms) {
    level.section("objective").section(term.name).set("weight", term.weight).set("nats", term.nats());
    sum += term.weight * term.sum;
  }
  return sum;
}

/// A line for every level that has terms; empty where none does.
std::string term_lines(const TextStudy& study, const std::vector<std::vector<TermScore>>& terms) {
  std::string lines;
  for (std::size_t l = 0; l < terms.size(); ++l) {
    if (terms[l].empty()) continue;
    if (lines.empty()) lines = "\nterms of the objective, nats per token x weight\n";
    lines += std::to_string(l) + " " + study.level_name(static_cast<Index>(l));
    for (const TermScore& term : terms[l]) {
      char text[96];
      std::snprintf(text, sizeof text, "   %s %.4f x %g", term.name.c_str(), term.nats(), term.weight);
      lines += text;
    }
    lines += "\n";
  }
  return lines;
}

/// What reading cost each level, in a line; empty where no kind counts it.
std::string work_line(const TextStudy& study, const Summary& s) {
  std::string line;
  for (std::size_t l = 0; l < s.items("levels"); ++l) {
    const Summary& level = *s.entry("levels", l);
    const auto operations = level.number("operations_per_token");
    if (!operations) continue;
    char text[96];
    std::snprintf(text, sizeof text, "   %s %.0f (%.4f ticks)", study.level_name(static_cast<Index>(l)).c_str(), *operations,
                  *level.number("ticks_per_token"));
    line += (line.empty() ? "\nmultiply-adds per token" : "") + std::string(text);
  }
  return line.empty() ? line : line + "\n";
}

/// How many levels were in use, in a line; empty where depth is not dynamic.
std::string depth_line(Summary& s, const Scores& scores) {
  const DepthScores& depth = scores.depth;
  if (depth.levels.empty()) return "";
  std::vector<double> by_document;
  for (std::size_t d = 0; d < depth.levels.size(); ++d) by_document.push_back(depth.levels[d] / scores.documents.tokens[d]);
  const double mean = (depth.begin + depth.end) / (depth.begin_tokens + depth.end_tokens);
  s.section("depth").set("levels_in_use", mean).set("document_levels_in_use", by_document);
  const auto [least, most] = std::minmax_element(by_document.begin(), by_document.end());
  char line[160];
  int length = std::snprintf(line, sizeof line, "\nlevels in use %.2f   by document %.2f to %.2f", mean, *least, *most);
  if (depth.begin_tokens > 0 && depth.end_tokens > 0) {
    const double begin = depth.begin / depth.begin_tokens, end = depth.end / depth.end_tokens;
    s.section("depth").set("levels_in_use_begin", begin).set("levels_in_use_end", end);
    std::snprintf(line + length, sizeof line - static_cast<std::size_t>(length), "   first halves %.2f   second halves %.2f", begin, end);
  }
  return std::string(line) + "\n";
}

/// Why the table has no worth of the levels' shares; empty where it has, or where nothing stands above the token level.
std::string unmeasured_line(const Scores& scores, Index depth, const Values& values) {
  if (depth < 2 || scores.stream.measured()) return "";
  return std::string("top-down gain, swap and narrows were not measured: ") +
         (values.integer("stream_every") == 0 ? "evaluate.stream_every is 0"
                                              : "they need two documents that are read side by side for more than some hundred tokens") +
         "\n";
}

void stream_findings(Summary& into, const StreamScores& stream, std::size_t part, std::uint64_t seed) {
  BootstrapOptions options;
  options.seed = seed;
  add_estimate(into, "topdown_gain_nats", paired_difference(stream.mean[part], stream.intact, stream.tokens, options));
  add_estimate(into, "topdown_swap_nats", paired_difference(stream.swap[part], stream.intact, stream.tokens, options));
  const std::vector<double> nothing(stream.looked.size(), 0);
  if (std::accumulate(stream.looked.begin(), stream.looked.end(), 0.0) > 0)
    add_estimate(into, "narrowing_nats", paired_difference(stream.narrows[part], nothing, stream.looked, options));
}

/// The n-grams of the training text, where experts were asked for.
std::optional<KneserNey> count_training(Bench& bench, const TextStudy& study) {
  if (!bench.values.flag("experts")) return std::nullopt;
  bench.progress.say("counting the n-grams of the training text");
  KneserNey ngrams(static_cast<int>(bench.values.integer("expert_order")), study.vocabulary());
  for (const auto& document : study.training) ngrams.add(document.ids);
  ngrams.finish();
  return ngrams;
}

std::unique_ptr<ExpertPanel> make_panel(const Values& values, const std::optional<KneserNey>& ngrams, Index streams, bool learning) {
  if (!ngrams) return nullptr;
  ExpertPanel::Settings settings;
  settings.cache_time_constant = values.real("cache_time");
  settings.rate = values.real("expert_rate");
  settings.hierarchy_share = values.real("hierarchy_share");
  settings.learning = learning;
  return std::make_unique<ExpertPanel>(settings, *ngrams, streams);
}

/// Sets perplexity, nats and bits, and returns a line of the table.
std::string score_line(Summary& into, const char* name, const DocumentScores& scores, double bytes) {
  const double nats = scores.nats_per_token();
  into.set("perplexity", std::exp(nats)).set("nats_per_token", nats);
  char line[160];
  int length = std::snprintf(line, sizeof line, "%-28s perplexity %8.2f   %.4f nats/token", name, std::exp(nats), nats);
  if (bytes > 0) {
    const double bits = scores.total_nats() / std::log(2.0) / bytes;
    into.set("bits_per_byte", bits);
    length += std::snprintf(line + length, sizeof line - static_cast<std::size_t>(length), "   %.4f bits/byte", bits);
  }
  return std::string(line, static_cast<std::size_t>(length)) + "\n";
}

/// The lines for one way of reading; `name` is its section of the summary, "" for the reading that the summary itself is about.
std::string reading_lines(Summary& s, const std::string& name, const Scores& scores, const ExpertPanel* panel, double bytes) {
  std::string lines =
      score_line(name.empty() ? s : s.section(name), name.empty() ? "learning off" : "learning while it reads", scores.documents, bytes);
  if (panel == nullptr) return lines;
  Summary& mixed = s.section(name.empty() ? "experts" : name + "_experts");
  lines += score_line(mixed, name.empty() ? "  with experts" : "  with experts that learn too", scores.mixture, bytes);
  const auto shares = panel->shares();
  mixed.set("share_hierarchy", shares[0]).set("share_ngrams", shares[1]).set("share_cache", shares[2]);
  return lines;
}

/// Reads once more, learning; the lines of that reading.
std::string plastic_lines(Bench& bench, Summary& s, Hierarchy<float>& hierarchy, const std::optional<KneserNey>& ngrams, double bytes) {
  const auto panel = make_panel(bench.values, ngrams, hierarchy.streams(), true);
  ScoringOptions options;
  options.broad = false;
  options.what = "learning while reading";
  options.plastic = bench.study.learning();
  options.plastic->rate = bench.values.real("plastic_rate");
  options.plastic->pull = bench.values.real("plastic_pull");
  options.experts = panel.get();
  return reading_lines(s, "plastic", score_held_out(bench.text(), hierarchy, options, bench.progress), panel.get(), bytes);
}

/// A section of the summary and a part of the table, or why the text does not allow it: the others are measured all the same.
void add_section(Findings& findings, const std::string& name, const std::function<Findings()>& measured) {
  findings.table += "\n" + name + "\n";
  try {
    Findings its = measured();
    findings.summary.section(name) = std::move(its.summary);
    findings.table += its.table;
  } catch (const Interrupted&) { throw; } catch (const Error& e) {
    findings.summary.section(name).set("not_measured", std::string(e.what()));
    findings.table += std::string("not measured: ") + e.what() + "\n";
  }
}

/// Other experiments on the same model; what they record keeps their name.
void add_levelwise(Bench& bench, Findings& findings) {
  for (const char* name : {"coherence", "surprise_recovery", "belief_inertia"}) {
    const Experiment& experiment = find_experiment(name);
    Bench own{bench.study, bench.model, bench.folder, bench.progress,
              bench.study.options.configuration.resolve(experiment.parameters, std::string(name) + ".")};
    bench.progress.say(name);
    const std::string trace = bench.folder.file("trace.h5");
    add_section(findings, name, [&] { return experiment.run(own); });
    if (!std::filesystem::exists(trace)) continue;
    if (findings.summary.section(name).text("not_measured"))
      std::filesystem::remove(trace);
    else
      std::filesystem::rename(trace, bench.folder.file(std::string(name) + ".h5"));
  }
}

Findings run_text(Bench& bench) {
  Findings findings;
  if (bench.values.flag("levelwise")) add_levelwise(bench, findings);
  TextStudy& study = bench.text();
  // Streams without a document would only be empty columns.
  const Index streams = std::min(bench.values.integer("streams"), static_cast<Index>(study.held_out.size()));
  auto hierarchy = study.load_hierarchy(bench.model, streams);
  const bool plastic = bench.values.flag("plastic");
  if (plastic) study.load_power(bench.model, *hierarchy);
  const auto ngrams = count_training(bench, study);
  const auto panel = make_panel(bench.values, ngrams, streams, false);
  ScoringOptions options;
  options.stream_every = bench.values.integer("stream_every");
  options.entropy_every = bench.values.integer("entropy_every");
  options.trace = bench.folder.file("trace.h5");
  options.experts = panel.get();
  const Scores scores = score_held_out(study, *hierarchy, options, bench.progress);

  Summary& s = findings.summary;
  const double nats = scores.documents.nats_per_token(), bytes = comparable_bytes(study);
  std::string lines = reading_lines(s, "", scores, panel.get(), bytes);
  s.set("unigram_nats", unigram_nats(study));
  s.set("held_out_tokens", static_cast<std::int64_t>(scores.documents.total_tokens()));
  s.set("held_out_documents", static_cast<std::int64_t>(study.held_out.size()));
  s.set("parameters", static_cast<std::int64_t>(hierarchy->parameter_count()));
  if (const Index sparse = hierarchy->level(0).sparse_parameters(); sparse > 0)
    s.set("sparse_parameters", static_cast<std::int64_t>(sparse));
  s.set("free_energy_before", scores.free_energy.front());
  s.set("free_energy_after", scores.free_energy.back());
  s.set("rejected_fraction", scores.rejected_fraction);
  s.set("document_nats", scores.documents.nats);
  s.set("document_tokens", scores.documents.tokens);
  if (scores.stream.measured()) stream_findings(s.section("stream"), scores.stream, 0, study.options.seed);
  const std::string depth = depth_line(s, scores);
  double objective = nats;  // what learning descends beside the free energy of settling
  for (Index l = 0; l < hierarchy->depth(); ++l) {
    const auto i = static_cast<std::size_t>(l);
    Summary& level = s.item("levels", i);
    level.set("name", study.level_name(l));
    level.set("time_constant", hierarchy->level(l).time_constant());
    if (l == 0) level.set("prediction_nats", nats);
    if (l > 0) broad_findings(level, scores.broad[i]);
    add_work(level, hierarchy->level(l).work());
    if (l > 0 && scores.broad[i].predictions > 0)
      objective +=
          scores.broad[i].weight * scores.broad[i].closed * scores.broad[i].nats / scores.broad[i].words / scores.documents.total_tokens();
    objective += term_findings(level, scores.terms[i]) / scores.documents.total_tokens();
    if (l > 0 && scores.stream.measured()) stream_findings(level, scores.stream, i, study.options.seed);
  }
  s.set("objective_nats", objective);
  if (bench.values.flag("levelwise"))
    add_section(findings, "reflection", [&] {
      Findings its;
      add_measure(its, analyse("reflection", options.trace));
      return its;
    });
  if (plastic) lines += plastic_lines(bench, s, *hierarchy, ngrams, bytes);
  char head[512];
  std::snprintf(head, sizeof head,
                "held out: %lld tokens of %zu documents   unigram %.4f nats\n"
                "settling lowers the free energy from %.4f to %.4f nats per token\n\n"
                "level      prediction  decaying   unigram   entropy departure   top-down      swap   narrows\n"
                "               nats      nats      nats      nats      nats   gain nats      nats      nats\n",
                static_cast<long long>(scores.documents.total_tokens()), study.held_out.size(), unigram_nats(study),
                scores.free_energy.front(), scores.free_energy.back());
  std::string table = lines + head;
  for (Index l = 0; l < hierarchy->depth(); ++l)
    table += level_line(*s.entry("levels", static_cast<std::size_t>(l)), study.level_name(l), l);
  table += "strata describe evaluate says what the columns are\n";
  table += unmeasured_line(scores, hierarchy->depth(), bench.values);
  table += depth + work_line(study, s) + term_lines(study, scores.terms);
  findings.table.insert(0, table);
  return findings;
}

Findings run(Bench& bench) { return bench.study.options.world == "text" ? run_text(bench) : evaluate_world(bench); }

void check(Bench& bench) {
  const Options& options = bench.study.options;
  if (options.world != "text") {
    for (const char* key : {"plastic", "experts", "levelwise"})
      if (bench.values.flag(key)) throw ConfigError(std::string("evaluate.") + key, "true", "is for text; this world is " + options.world);
    return;
  }
  if (bench.values.flag("experts") && bench.text().training.empty())
    throw ConfigError("evaluate.experts", "true", "experts count the training text; name it with --text beside --held-out");
  if (!options.foreign.empty() && !bench.values.flag("levelwise"))
    throw ConfigError("--foreign", options.foreign.front(), "is where surprise_recovery takes passages from: set evaluate.levelwise=true");
}

}  // namespace

Experiment evaluate_experiment() {
  return {
      "evaluate",
      "scores held-out documents, or a fresh stretch of a sampled world, level by level",
      "Perplexity and bits per byte of the token level; nats of each level's own broad prediction against decaying unigrams; what each level's\n"
      "share of the output stream is worth to the next token (replaced by its slow mean, or by another document's).\n\n"
      "Columns    prediction: what the level's own prediction costs, nats per token at level 0, per word of its unit above; decaying, unigram: what the\n"
      "           best decaying unigram and the training text's word frequencies cost there; entropy of the prediction, and its departure from those\n"
      "           frequencies (KL); top-down gain, swap: what the next token costs more with the level's share of the output stream replaced by its\n"
      "           slow mean, by that of another document; narrows: by how much that share lowers the entropy of the next token",
      parameters(),
      {{"steps", "1024"}},
      run,
      {"text", "nested", "linear_gaussian", "oddball", "series"},
      true,
      true,
      check,
      true};
}

}  // namespace strata
