// Whether a hierarchy knows what belongs together, at the scale of sentences, paragraphs and documents.
//
// Design    held-out documents as they were written and disturbed at one scale (experiments/worlds/text/choices.hpp); what is chosen is the
//           text whose words are foreseen best. Where candidates differ in their words, what these words cost when they are read by
//           themselves is taken off: what counts is how much what was read before helps
// Measures  accuracy of the choice by all levels' predictions together, their surprises weighed as the loss weighs them (level.L.broad_weight); by each level's alone.
//           beside it: the token level alone of the same width (so with fewer weights), trained on the text given; a bag of words: cosine of neighbouring parts, words weighted by
//           their information - ln u(w)
// Limit     a model without memory chooses the order of sentences by chance
// Intervals bootstrap over items; differences paired
// Source    order and insertion: Barzilay & Lapata 2008, Computational Linguistics 34; help of the context: pointwise mutual information

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <numeric>

#include "analysis/bootstrap.hpp"
#include "core/error.hpp"
#include "experiments/experiment.hpp"
#include "experiments/text_arms.hpp"
#include "experiments/trial_reader.hpp"
#include "experiments/worlds/text/choices.hpp"

namespace strata {

Experiment coherence_experiment();

namespace {

ParameterTable parameters() {
  return {
      {"items", std::int64_t{200}, 2, 1e6, {}, "items", "of each test at most", ""},
      {"length", std::int64_t{600}, 20, 1e6, {}, "tokens", "of a document that are looked at", ""},
      {"streams", std::int64_t{32}, 1, 4096, {}, "1", "texts read side by side", ""},
      {"alone", true, 0, 1, {}, "", "also train the token level alone, to choose beside the hierarchy", ""},
  };
}

/// All levels look ahead after the first token, so that what they expect does not hang on which stream reads it.
text::Script looked_at(text::Script script) {
  const text::Segment unit = script.front();
  script.front() = {unit.document, unit.begin + 1, unit.end, 0, unit.last_event, unit.last_boundary};
  script.insert(script.begin(), {unit.document, unit.begin, unit.begin + 1, unit.first_event, 0, forced_tick});
  return script;
}

/// nats[level][script]: what the tokens of each script from `from` on cost every level.
using Costs = std::vector<std::vector<double>>;

Costs read_scripts(TextStudy& study, Hierarchy<float>& hierarchy, const std::vector<text::Script>& scripts, const std::vector<Index>& from,
                   const std::string& what, Progress& progress) {
  const auto reader = hierarchy_reader(hierarchy, study.interval(), study.options.seed);
  Costs costs(static_cast<std::size_t>(hierarchy.depth()), std::vector<double>(scripts.size(), 0));
  Index all = 0, done = 0;
  for (const auto& script : scripts) all += text::script_tokens(script);
  progress.begin(what, all);
  std::vector<float> surprise;
  std::size_t first = 0;
  for (auto& batch : text::in_batches(scripts, hierarchy.streams())) {
    const std::size_t count = batch.size();
    text::ScriptedWorld world(std::move(batch), study.vocabulary(), hierarchy.streams());
    std::vector<Index> read(count, 0);
    reader->read(world, [&](const Observation& o, Index) {
      for (Index l = 0; l < hierarchy.depth(); ++l) {
        reader->fetch(l, Held::surprise, surprise);
        for (std::size_t s = 0; s < count; ++s)
          if (o.active[s] != 0 && read[s] >= from[first + s])
            costs[static_cast<std::size_t>(l)][first + s] += static_cast<double>(surprise[s]);
      }
      for (std::size_t s = 0; s < count; ++s) {
        read[s] += o.active[s];
        done += o.active[s];
      }
      progress.update(done);
    });
    first += count;
  }
  progress.end();
  return costs;
}

using Scores = std::vector<double>;  // per item: 1 where the text as written was chosen, 0 where not, shared among equals

/// 1 where the first value, that of the text as written, is the largest.
double chosen(const std::vector<double>& values) {
  const double best = *std::max_element(values.begin(), values.end());
  if (values.front() < best) return 0;
  return 1 / static_cast<double>(std::count(values.begin(), values.end(), best));
}

/// By a hierarchy, for every test: all of its levels together, and each alone.
struct Choices {
  std::vector<Scores> together;
  std::vector<std::vector<Scores>> level;
};

Choices choose(TextStudy& study, Hierarchy<float>& hierarchy, const std::vector<text::ChoiceTest>& tests, const std::string& what,
               Progress& progress) {
  std::vector<text::Script> scripts;
  std::vector<Index> from;
  for (const auto& test : tests)
    for (const auto& item : test.items)
      for (const auto& candidate : item.candidates) {
        scripts.push_back(looked_at(candidate.script));
        from.push_back(candidate.from);
        if (candidate.alone.empty()) continue;
        scripts.push_back(looked_at(candidate.alone));
        from.push_back(0);
      }
  const Costs costs = read_scripts(study, hierarchy, scripts, from, what, progress);
  Choices choices{std::vector<Scores>(tests.size()), std::vector<std::vector<Scores>>(costs.size(), std::vector<Scores>(tests.size()))};
  std::size_t next = 0;
  for (std::size_t t = 0; t < tests.size(); ++t)
    for (const auto& item : tests[t].items) {
      std::vector<double> sum(item.candidates.size(), 0);
      std::size_t behind = next;
      for (std::size_t l = 0; l < costs.size(); ++l) {
        behind = next;
        const BroadScore* broad = hierarchy.level(static_cast<Index>(l)).broad_score();
        const double weight = broad != nullptr ? broad->weight : 1;
        std::vector<double> values;
        for (const auto& candidate : item.candidates) {
          double value = -costs[l][behind++];
          if (!candidate.alone.empty()) value += costs[l][behind++];
          sum[values.size()] += weight * value;
          values.push_back(value);
        }
        choices.level[l][t].push_back(chosen(values));
      }
      next = behind;
      choices.together[t].push_back(chosen(sum));
    }
  return choices;
}

using Bag = std::map<std::int32_t, double>;

Bag bag_of(const text::Script& script, const std::vector<double>& log_unigram) {
  Bag bag;
  for (const auto& segment : script)
    for (Index t = segment.begin; t < segment.end; ++t) {
      const auto id = segment.document->ids[static_cast<std::size_t>(t)];
      bag[id] -= log_unigram[static_cast<std::size_t>(id)];
    }
  return bag;
}

double cosine(const Bag& a, const Bag& b) {
  const auto power = [](const Bag& bag) {
    return std::accumulate(bag.begin(), bag.end(), 0.0, [](double sum, const auto& word) { return sum + word.second * word.second; });
  };
  double dot = 0;
  for (const auto& [word, weight] : a)
    if (const auto found = b.find(word); found != b.end()) dot += weight * found->second;
  const double size = std::sqrt(power(a) * power(b));
  return size > 0 ? dot / size : 0;
}

std::vector<Scores> choose_by_bag(const std::vector<text::ChoiceTest>& tests, const std::vector<double>& log_unigram) {
  std::vector<Scores> scores(tests.size());
  for (std::size_t t = 0; t < tests.size(); ++t)
    for (const auto& item : tests[t].items) {
      std::vector<double> values;
      for (const auto& candidate : item.candidates) {
        std::vector<Bag> bags;
        for (const auto& part : candidate.parts) bags.push_back(bag_of(part, log_unigram));
        double near = 0;
        for (std::size_t i = 0; i + 1 < bags.size(); ++i) near += cosine(bags[i], bags[i + 1]);
        values.push_back(near / static_cast<double>(bags.size() - 1));
      }
      scores[t].push_back(chosen(values));
    }
  return scores;
}

/// The token level alone, trained on the same text; nothing where there is none to train on.
std::unique_ptr<Hierarchy<float>> train_alone(Bench& bench, TextStudy& study, Index streams) {
  if (!bench.values.flag("alone") || study.training.empty()) return nullptr;
  const TextVariant variant(study, {{"hierarchy.levels", "1"}});
  const std::string model = train_variant(bench, "token_alone", "the token level alone");
  return study.load_hierarchy(model, streams);
}

Estimate mean(const Scores& scores, std::uint64_t seed) {
  BootstrapOptions options;
  options.seed = seed;
  return bootstrap_mean(scores, options);
}

Estimate paired(const Scores& a, const Scores& b, std::uint64_t seed) {
  Scores apart(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) apart[i] = a[i] - b[i];
  return mean(apart, seed);
}

Findings run(Bench& bench) {
  TextStudy& study = bench.text();
  const auto keys = study.options.configuration.resolved();
  if (const auto by = keys.find("text.sentences"); by != keys.end() && by->second == "lines")
    throw ConfigError("text.sentences", "lines", "coherence needs sentences that are found by rules: marks of lines tell their order");
  text::ChoiceOptions options;
  options.count = bench.values.integer("items");
  options.length = bench.values.integer("length");
  options.seed = study.options.seed;
  const auto tests = text::make_choices(study.held_out, options);
  if (std::all_of(tests.begin(), tests.end(), [](const auto& test) { return test.items.size() < 2; }))
    throw DataError(study.inputs.front().name, 0, "has no two held-out documents of three sentences; give more, or longer ones");
  const Index streams = bench.values.integer("streams");
  const auto hierarchy = study.load_hierarchy(bench.model, streams);
  const auto scores = choose(study, *hierarchy, tests, "the hierarchy reads", bench.progress);
  const auto bag = choose_by_bag(tests, study.log_unigram);
  std::vector<Scores> alone;
  if (const auto token = hierarchy->depth() > 1 ? train_alone(bench, study, streams) : nullptr)
    alone = choose(study, *token, tests, "the token level alone reads", bench.progress).together;

  Findings findings;
  char line[320];
  std::snprintf(line, sizeof line, "%-16s %5s %6s %6s %6s %22s %24s %24s   by each level's own\n", "test", "items", "chance", "bag",
                "alone", "all levels", "above the bag", "above the token alone");
  findings.table = line;
  const auto shown = [](const Estimate& e) {
    char text[48];
    std::snprintf(text, sizeof text, "%.3f [%.3f, %.3f]", e.value, e.low, e.high);
    return std::string(text);
  };
  for (std::size_t t = 0; t < tests.size(); ++t) {
    Summary& s = findings.summary.item("tests", t);
    s.set("name", tests[t].name).set("items", static_cast<std::int64_t>(tests[t].items.size()));
    if (tests[t].items.size() < 2) {
      findings.table += tests[t].name + ": the held-out documents have no two that allow it\n";
      continue;
    }
    const std::uint64_t seed = study.options.seed;
    const double chance = 1 / static_cast<double>(tests[t].items.front().candidates.size());
    const Estimate own = mean(scores.together[t], seed), by_bag = mean(bag[t], seed), above_bag = paired(scores.together[t], bag[t], seed);
    s.set("chance", chance);
    add_estimate(s, "accuracy", own);
    add_estimate(s, "bag_of_words", by_bag);
    add_estimate(s, "above_bag_of_words", above_bag);
    std::string beside = "-", above = "-";
    if (!alone.empty()) {
      const Estimate its = mean(alone[t], seed), more = paired(scores.together[t], alone[t], seed);
      add_estimate(s, "token_alone", its);
      add_estimate(s, "above_token_alone", more);
      char text[16];
      std::snprintf(text, sizeof text, "%.3f", its.value);
      beside = text;
      above = shown(more);
    }
    std::string levels;
    for (std::size_t l = 0; l < scores.level.size(); ++l) {
      const double its = mean(scores.level[l][t], seed).value;
      s.item("levels", l).set("name", study.level_name(static_cast<Index>(l))).set("accuracy", its);
      char text[48];
      std::snprintf(text, sizeof text, " %s %.3f", study.level_name(static_cast<Index>(l)).c_str(), its);
      levels += text;
    }
    std::snprintf(line, sizeof line, "%-16s %5zu %6.3f %6.3f %6s %22s %24s %24s  %s\n", tests[t].name.c_str(), tests[t].items.size(),
                  chance, by_bag.value, beside.c_str(), shown(own).c_str(), shown(above_bag).c_str(), above.c_str(), levels.c_str());
    findings.table += line;
  }
  return findings;
}

}  // namespace

Experiment coherence_experiment() {
  return {
      "coherence",
      "tells text as it was written from text disturbed at the scale of sentences, paragraphs and documents",
      "Accuracy of choosing the order as written, the sentence that belongs, the paragraph that follows and the half that goes on, by how well\n"
      "all levels together foresee the words; beside a bag of words, the token level alone, and what each level's own expectation chooses.",
      parameters(),
      {{"items", "20"}},
      run,
      {"text"},
      true,
      false};
}

}  // namespace strata
