// Whether a hierarchy knows what belongs together, at the scale of sentences, paragraphs and documents.
//
// Design    held-out documents as they were written and disturbed at one scale (experiments/worlds/text/choices.hpp)
// Score     of a candidate, by every level: how much better its words are foreseen than when they are read by themselves; where all candidates have the
//           same words, how well they are foreseen
// Choice    by the scores of all levels, weighed by a conditional logit that the other half of the items fitted (analysis/conditional_logit.hpp)
// Measures  accuracy of the choice by all levels, and by each level's score alone. Beside it: the token level alone of the same width (so with fewer
//           weights), trained on the text given; a bag of words: cosine of neighbouring parts, words weighted by their information - ln u(w)
// Limit     a model without memory chooses the order of sentences by chance
// Intervals bootstrap over items, weights held as they are; differences paired
// Source    order and insertion: Barzilay & Lapata 2008, Computational Linguistics 34; help of the context: pointwise mutual information

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <numeric>
#include <span>

#include "analysis/bootstrap.hpp"
#include "analysis/conditional_logit.hpp"
#include "core/error.hpp"
#include "experiments/experiment.hpp"
#include "experiments/text_arms.hpp"
#include "experiments/trial_reader.hpp"
#include "experiments/worlds/text/choices.hpp"

namespace strata {

Experiment coherence_experiment();

namespace {

constexpr std::size_t fewest = 10;  // items of a test: drawn from fewer, an interval may have no width

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

/// What is read: a candidate behind what all begin with, or its own words by themselves.
struct Reading {
  text::Script script;
  Index from = 0;  ///< words from here on are scored
};

/// nats[level][reading]: what the words of each reading from `from` on cost every level.
using Costs = std::vector<std::vector<double>>;

Costs read_all(TextStudy& study, Hierarchy<float>& hierarchy, const std::vector<Reading>& readings, const std::string& what,
               Progress& progress) {
  const auto reader = hierarchy_reader(hierarchy, study.interval(), study.options.seed);
  Costs costs(static_cast<std::size_t>(hierarchy.depth()), std::vector<double>(readings.size(), 0));
  std::vector<text::Script> scripts;
  Index all = 0, done = 0;
  for (const auto& reading : readings) {
    scripts.push_back(looked_at(reading.script));
    all += text::script_tokens(scripts.back());
  }
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
        if (std::all_of(surprise.begin(), surprise.end(), [](float x) { return std::isnan(x); }))
          continue;  // a level that foresees nothing
        for (std::size_t s = 0; s < count; ++s)
          if (o.active[s] != 0 && read[s] >= readings[first + s].from)
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

using Items = std::vector<Eigen::MatrixXd>;  // of one test: candidates x levels, the text as written first

std::vector<Items> judge(TextStudy& study, Hierarchy<float>& hierarchy, const std::vector<text::ChoiceTest>& tests, const std::string& what,
                         Progress& progress) {
  std::vector<Reading> readings;
  for (const auto& test : tests)
    for (const auto& item : test.items)
      for (const auto& candidate : item.candidates) {
        readings.push_back({candidate.script, candidate.from});
        if (!candidate.alone.empty()) readings.push_back({candidate.alone, 0});
      }
  const Costs costs = read_all(study, hierarchy, readings, what, progress);
  std::vector<Items> judged(tests.size());
  std::size_t next = 0;
  for (std::size_t t = 0; t < tests.size(); ++t)
    for (const auto& item : tests[t].items) {
      Eigen::MatrixXd help(static_cast<Index>(item.candidates.size()), hierarchy.depth());
      Index c = 0;
      for (const auto& candidate : item.candidates) {
        const std::size_t behind = next++;
        for (Index l = 0; l < hierarchy.depth(); ++l) help(c, l) = -costs[static_cast<std::size_t>(l)][behind];
        if (!candidate.alone.empty()) {
          const std::size_t alone = next++;
          for (Index l = 0; l < hierarchy.depth(); ++l) help(c, l) += costs[static_cast<std::size_t>(l)][alone];
        }
        ++c;
      }
      judged[t].push_back(std::move(help));
    }
  return judged;
}

using Scores = std::vector<double>;  // per item: 1 where the text as written was chosen, 0 where not, shared among equals

/// 1 where the first value, that of the text as written, is the largest.
double chosen(std::span<const double> values) {
  const double best = *std::max_element(values.begin(), values.end());
  if (values.front() < best) return 0;
  return 1 / static_cast<double>(std::count(values.begin(), values.end(), best));
}

/// By the scores of all levels; a single level's own choice is its largest. Nothing where the halves of the items cannot weigh each other's.
Scores choose(const Items& judged) {
  if (judged.size() < 2) return {};
  Scores scores;
  scores.reserve(judged.size());
  const auto take = [&](const Eigen::VectorXd& value) {
    scores.push_back(chosen(std::span(value.data(), static_cast<std::size_t>(value.size()))));
  };
  if (judged.front().cols() == 1)
    for (const auto& item : judged) take(item.col(0));
  else
    for (const auto& value : choose_by_other_half(judged)) take(value);
  return scores;
}

/// The scores of one level alone.
Items of_level(const Items& judged, Index level) {
  Items own;
  own.reserve(judged.size());
  for (const auto& item : judged) own.emplace_back(item.col(level));
  return own;
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
  const TextVariant variant(study, {{"hierarchy.levels", "1"}, {"growth.dynamic", "false"}});
  const std::string model = train_variant(bench, "token_alone", "the token level alone");
  return study.load_hierarchy(model, streams);
}

Estimate mean(const Scores& scores, std::uint64_t seed) {
  BootstrapOptions options;
  options.seed = seed;
  Estimate found = bootstrap_mean(scores, options);
  if (scores.size() < fewest) found.low = found.high = std::numeric_limits<double>::quiet_NaN();
  return found;
}

std::string fixed(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

std::string shown(const Estimate& e) { return fixed(e.value) + (e.has_interval() ? " [" + fixed(e.low) + ", " + fixed(e.high) + "]" : ""); }

Estimate paired(const Scores& a, const Scores& b, std::uint64_t seed) {
  Scores apart(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) apart[i] = a[i] - b[i];
  return mean(apart, seed);
}

/// One test's row: into the summary, and as a line of the table.
std::string row(const text::ChoiceTest& test, const Items& judged, const Scores& bag, const Scores& alone, const TextStudy& study,
                Summary& s) {
  const std::uint64_t seed = study.options.seed;
  const Scores all = choose(judged);
  const double chance = 1 / static_cast<double>(test.items.front().candidates.size());
  const Estimate own = mean(all, seed), by_bag = mean(bag, seed), above_bag = paired(all, bag, seed);
  s.set("chance", chance);
  add_estimate(s, "accuracy", own);
  add_estimate(s, "bag_of_words", by_bag);
  add_estimate(s, "above_bag_of_words", above_bag);
  std::string beside = "-", above = "-";
  if (!alone.empty()) {
    const Estimate its = mean(alone, seed), more = paired(all, alone, seed);
    add_estimate(s, "token_alone", its);
    add_estimate(s, "above_token_alone", more);
    beside = fixed(its.value);
    above = shown(more);
  }
  std::string levels;
  for (Index l = 0; l < judged.front().cols(); ++l) {
    const double its = mean(choose(of_level(judged, l)), seed).value;
    s.item("levels", static_cast<std::size_t>(l)).set("name", study.level_name(l)).set("accuracy", its);
    levels += " " + study.level_name(l) + " " + fixed(its);
  }
  char line[320];
  std::snprintf(line, sizeof line, "%-16s %5zu %6.3f %6.3f %6s %22s %24s %24s  %s\n", test.name.c_str(), test.items.size(), chance,
                by_bag.value, beside.c_str(), shown(own).c_str(), shown(above_bag).c_str(), above.c_str(), levels.c_str());
  return line;
}

std::vector<text::ChoiceTest> tests_of(const Bench& bench) {
  const TextStudy& study = bench.text();
  const auto keys = study.options.configuration.resolved();
  if (const auto by = keys.find("text.sentences"); by != keys.end() && by->second == "lines")
    throw ConfigError("text.sentences", "lines", "coherence needs sentences that are found by rules: marks of lines tell their order");
  text::ChoiceOptions options;
  options.count = bench.values.integer("items");
  options.length = bench.values.integer("length");
  options.seed = study.options.seed;
  auto tests = text::make_choices(study.held_out, options);
  if (std::all_of(tests.begin(), tests.end(), [](const auto& test) { return test.items.size() < 2; }))
    throw DataError(study.inputs.front().name, 0, "has no two held-out documents of three sentences; give more, or longer ones");
  return tests;
}

Findings run(Bench& bench) {
  TextStudy& study = bench.text();
  const auto tests = tests_of(bench);
  const Index streams = bench.values.integer("streams");
  const auto hierarchy = study.load_hierarchy(bench.model, streams);
  const auto judged = judge(study, *hierarchy, tests, "the hierarchy reads", bench.progress);
  const auto bag = choose_by_bag(tests, study.log_unigram);
  std::vector<Scores> alone(tests.size());
  if (const auto token = hierarchy->depth() > 1 ? train_alone(bench, study, streams) : nullptr) {
    const auto its = judge(study, *token, tests, "the token level alone reads", bench.progress);
    std::transform(its.begin(), its.end(), alone.begin(), [](const Items& of) { return choose(of); });
  }

  Findings findings;
  char line[320];
  std::snprintf(line, sizeof line, "%-16s %5s %6s %6s %6s %22s %24s %24s   by each level's own\n", "test", "items", "chance", "bag",
                "alone", "all levels", "above the bag", "above the token alone");
  findings.table = line;
  for (std::size_t t = 0; t < tests.size(); ++t) {
    Summary& s = findings.summary.item("tests", t);
    s.set("name", tests[t].name).set("items", static_cast<std::int64_t>(tests[t].items.size()));
    findings.table += tests[t].items.size() < 2 ? tests[t].name + ": the held-out documents have no two that allow it\n"
                                                : row(tests[t], judged[t], bag[t], alone[t], study, s);
  }
  return findings;
}

}  // namespace

Experiment coherence_experiment() {
  return {
      "coherence",
      "tells text as it was written from text disturbed at the scale of sentences, paragraphs and documents",
      "Accuracy of choosing the order as written, the sentence that belongs, the paragraph that follows and the half that goes on, by how well\n"
      "all levels foresee the words, weighed as the other half of the items taught; beside a bag of words, the token level alone, and what each\n"
      "level chooses by itself.",
      parameters(),
      {{"items", "20"}},
      run,
      {"text"},
      true,
      false,
      [](Bench& bench) { tests_of(bench); }};
}

}  // namespace strata
