// Segmentation: boundaries that levels find for themselves, against those that a text has and nobody told them of.
//
// Design    held-out documents, one behind another in every stream, are read with learning off and (text.marks = none) without marks. A level whose unit
//           is `found` says where a situation ended (levels/segmentation.hpp), some tokens late, which is allowed for
// Truth     the tokens behind the ends of paragraphs and documents, and those behind the ends of documents
// Measures  F1 of boundaries within one mean sentence, one to one; Pk and WindowDiff with windows of half the mean segment. Beside the level's:
//           the same boundaries shifted by half of the text (chance at that rate); TextTiling of the same words (analysis/text_tiling.hpp) with as
//           many boundaries as the level found, and with as many as its own cut-off gives. What the level's F1 is above either, paired
// Intervals block bootstrap, blocks of streams in common
// Limit     a level that finds the true boundaries: F1 1, Pk 0; one that says there is one everywhere is held to its rate by its threshold
// Source    that events end where prediction fails: Zacks et al. 2007, Psychological Bulletin 133; TextTiling: Hearst 1997

#include <cmath>
#include <cstdio>
#include <optional>

#include "analysis/text_tiling.hpp"
#include "core/error.hpp"
#include "core/simulation.hpp"
#include "experiments/experiment.hpp"

namespace strata {

Experiment segmentation_experiment();

namespace {

struct Truth {
  const char* name;
  std::uint8_t ends;
};
constexpr std::size_t fewest = 10;  // true boundaries
constexpr Truth truths[] = {{"paragraph", paragraph_end | document_end}, {"document", document_end}};

ParameterTable parameters() {
  ParameterTable all{
      {"streams", std::int64_t{8}, 1, 4096, {}, "1", "held-out documents are read side by side in so many rows", ""},
      {"tiling_sequence", std::int64_t{20}, 1, 1e6, {}, "tokens", "w of TextTiling", "Hearst 1997"},
      {"tiling_block", std::int64_t{10}, 1, 1e6, {}, "sequences", "k of TextTiling", "Hearst 1997"},
  };
  const ParameterTable more = block_parameters();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// What a stream read: its words, where segments begin by the text and by every level that says so.
struct Reading {
  std::vector<std::int32_t> words;
  std::vector<Flags> truth, found;
  double sentences = 0;
};

/// One token more; a level found now where a segment began.
void mark(Flags& begins, const FoundEnds& found, std::size_t stream) {
  begins.push_back(0);
  const auto lag = static_cast<std::size_t>(found.lag);
  if (found.now[stream] != 0 && begins.size() > lag) begins[begins.size() - 1 - lag] = 1;
}

/// Flags of tokens behind an end, from ends.
void begin_behind(Flags& flags) {
  if (flags.empty()) return;
  flags.insert(flags.begin(), std::uint8_t{0});
  flags.pop_back();
}

std::vector<Index> finding_levels(Hierarchy<float>& hierarchy) {
  std::vector<Index> levels;
  for (Index l = 0; l < hierarchy.depth(); ++l)
    if (!hierarchy.level(l).found_ends().now.empty()) levels.push_back(l);
  if (levels.empty())
    throw ConfigError("level.L.unit", "",
                      "no level looks for ends itself; take experiments/config/segments.ini, or --set level.2.unit=found");
  return levels;
}

std::vector<Reading> read(const Bench& bench, Hierarchy<float>& hierarchy, const std::vector<Index>& levels) {
  const TextStudy& study = bench.text();
  text::TextWorldOptions options;
  options.streams = hierarchy.streams();
  options.shuffle = false;
  text::TextWorld world(study.held_out, study.vocabulary(), options);
  std::vector<Reading> readings(static_cast<std::size_t>(hierarchy.streams()));
  for (Reading& reading : readings) {
    reading.truth.resize(std::size(truths));
    reading.found.resize(levels.size());
  }
  Simulation<float> simulation(hierarchy, world, nullptr, study.interval(), study.options.seed);
  simulation.record = [&](const Observation& o, std::uint64_t) {
    for (std::size_t s = 0; s < readings.size(); ++s) {
      if (o.active[s] == 0) continue;
      Reading& reading = readings[s];
      const int ends = o.boundary[s] | o.boundary[s] >> untold;
      reading.words.push_back(o.id[s]);
      reading.sentences += (ends & sentence_end) != 0 ? 1 : 0;
      for (std::size_t i = 0; i < std::size(truths); ++i) reading.truth[i].push_back((ends & truths[i].ends) != 0 ? 1 : 0);
      for (std::size_t i = 0; i < levels.size(); ++i) mark(reading.found[i], hierarchy.level(levels[i]).found_ends(), s);
    }
  };
  simulation.start();
  bench.progress.begin("reading", world.tokens());
  simulation.run([&] {
    bench.progress.update(simulation.tokens(), {});
    if (interrupted()) throw Interrupted("");
    return false;
  });
  bench.progress.end();
  for (Reading& reading : readings) {
    for (Flags& flags : reading.truth) begin_behind(flags);
  }
  return readings;
}

std::size_t count(const Flags& flags) { return static_cast<std::size_t>(std::count(flags.begin(), flags.end(), std::uint8_t{1})); }

std::size_t count(const std::vector<Flags>& streams) {
  std::size_t sum = 0;
  for (const Flags& flags : streams) sum += count(flags);
  return sum;
}

/// Everything that is scored the same way against one truth.
struct Contest {
  std::vector<Flags> truth;
  std::size_t window, tolerance, block;
  BootstrapOptions options;

  BoundaryScore score(const std::vector<Flags>& detected) const {
    return score_boundaries(truth, detected, window, tolerance, block, options);
  }
};

/// None where the text has too few of them to tell.
std::optional<Contest> contest_of(const std::vector<Reading>& readings, std::size_t truth, const Values& values) {
  Contest contest;
  double tokens = 0, sentences = 0;
  std::size_t longest = 0;
  for (const Reading& reading : readings) {
    contest.truth.push_back(reading.truth[truth]);
    tokens += static_cast<double>(reading.words.size());
    sentences += reading.sentences;
    longest = std::max(longest, reading.words.size());
  }
  const std::size_t boundaries = count(contest.truth);
  if (boundaries < fewest) return std::nullopt;
  contest.window = std::max<std::size_t>(1, static_cast<std::size_t>(std::llround(tokens / (2 * static_cast<double>(boundaries)))));
  contest.tolerance = std::max<std::size_t>(1, static_cast<std::size_t>(std::llround(tokens / std::max(1., sentences))));
  contest.block =
      block_length(longest, static_cast<Index>(readings.size()), static_cast<double>(4 * contest.window), values.integer("block"));
  contest.options = bootstrap_options(values);
  return contest;
}

/// Boundaries of every stream, by one way of finding them.
template <class Find>
std::vector<Flags> by(const std::vector<Reading>& readings, const Find& find) {
  std::vector<Flags> out;
  out.reserve(readings.size());
  for (const Reading& reading : readings) out.push_back(find(reading));
  return out;
}

Flags shifted(Flags flags) {
  std::rotate(flags.begin(), flags.begin() + static_cast<std::ptrdiff_t>(flags.size() / 2), flags.end());
  return flags;
}

std::string row(const char* name, std::size_t boundaries, const BoundaryScore& score) {
  char line[160];
  std::snprintf(line, sizeof line, "  %-34s %7zu   %.3f [%.3f, %.3f]   %.3f   %.3f\n", name, boundaries, score.f1.value, score.f1.low,
                score.f1.high, score.pk.value, score.window_diff.value);
  return line;
}

void set_score(Summary& into, std::size_t boundaries, const BoundaryScore& score) {
  into.set("boundaries", static_cast<std::int64_t>(boundaries));
  add_estimate(into, "f1", score.f1);
  add_estimate(into, "pk", score.pk);
  add_estimate(into, "window_diff", score.window_diff);
}

/// One level against one truth, and what others find there.
std::string compare(Summary& into, const Contest& contest, const std::vector<Reading>& readings, std::size_t place,
                    const TextTilingOptions& tiling) {
  const auto found = by(readings, [&](const Reading& r) { return r.found[place]; });
  const auto chance = by(readings, [&](const Reading& r) { return shifted(r.found[place]); });
  const auto as_many = by(readings, [&](const Reading& r) { return tiling_boundaries(r.words, count(r.found[place]), tiling); });
  const auto its_own = by(readings, [&](const Reading& r) { return tiling_boundaries(r.words, tiling); });
  std::string lines;
  const auto add = [&](const char* key, const char* name, const std::vector<Flags>& detected) {
    const BoundaryScore score = contest.score(detected);
    set_score(into.section(key), count(detected), score);
    lines += row(name, count(detected), score);
  };
  add("found", "found by the level", found);
  add("chance", "the same, shifted by half the text", chance);
  add("tiling", "TextTiling, as many", as_many);
  add("tiling_own", "TextTiling, its own cut-off", its_own);
  const Estimate over_chance = f1_gap(contest.truth, found, chance, contest.window, contest.tolerance, contest.block, contest.options);
  const Estimate over_tiling = f1_gap(contest.truth, found, as_many, contest.window, contest.tolerance, contest.block, contest.options);
  add_estimate(into, "f1_over_chance", over_chance);
  add_estimate(into, "f1_over_tiling", over_tiling);
  char line[200];
  std::snprintf(line, sizeof line, "  F1 above chance %+.3f [%+.3f, %+.3f], above TextTiling %+.3f [%+.3f, %+.3f]\n", over_chance.value,
                over_chance.low, over_chance.high, over_tiling.value, over_tiling.low, over_tiling.high);
  return lines + line;
}

[[noreturn]] void too_few_ends() {
  throw DataError(
      "held-out text", 0,
      "has fewer than " + std::to_string(fewest) +
          " ends of paragraphs between its tokens; give a longer one, or documents parted by form feeds (strata describe text)");
}

void check(Bench& bench) {
  TextStudy& study = bench.text();
  finding_levels(*study.make_hierarchy(1));
  std::size_t ends = 0;
  for (const auto& document : study.held_out)
    for (const int boundary : document.boundary) ends += ((boundary | boundary >> untold) & truths[0].ends) != 0 ? 1 : 0;
  const std::size_t last =
      std::min(static_cast<std::size_t>(bench.values.integer("streams")), study.held_out.size());  // ends of all that a stream reads
  if (ends < fewest + last) too_few_ends();
}

Findings run(Bench& bench) {
  TextStudy& study = bench.text();
  const auto hierarchy = study.load_hierarchy(bench.model, bench.values.integer("streams"));
  const std::vector<Index> levels = finding_levels(*hierarchy);
  const std::vector<Reading> readings = read(bench, *hierarchy, levels);
  TextTilingOptions tiling;
  tiling.sequence = static_cast<std::size_t>(bench.values.integer("tiling_sequence"));
  tiling.block = static_cast<std::size_t>(bench.values.integer("tiling_block"));
  Findings findings;
  for (std::size_t t = 0; t < std::size(truths); ++t) {
    const char* const ends = t == 0 ? "paragraphs and documents" : "documents";
    const auto found = contest_of(readings, t, bench.values);
    if (!found) {
      findings.table += std::string("ends of ") + ends + ": fewer than " + std::to_string(fewest) + " in the held-out text, not measured\n";
      continue;
    }
    const Contest& contest = *found;
    char head[200];
    std::snprintf(head, sizeof head, "%zu ends of %s   found within %zu tokens\n  %-34s %7s   %-20s   %-5s   %s\n", count(contest.truth),
                  ends, contest.tolerance, "", "number", "F1 [95 %]", "Pk", "WindowDiff");
    findings.table += head;
    for (std::size_t i = 0; i < levels.size(); ++i) {
      const std::string name = study.level_name(levels[i]);
      Summary& level = findings.summary.item("levels", static_cast<std::size_t>(levels[i]));
      level.set("name", name).set("time_constant", hierarchy->level(levels[i]).time_constant());
      Summary& section = level.section(truths[t].name);
      section.set("true_boundaries", static_cast<std::int64_t>(count(contest.truth)))
          .set("tolerance", static_cast<std::int64_t>(contest.tolerance));
      findings.table += "level " + std::to_string(levels[i]) + " (" + name + ")\n" + compare(section, contest, readings, i, tiling);
    }
  }
  if (findings.summary.items("levels") == 0) too_few_ends();
  return findings;
}

}  // namespace

Experiment segmentation_experiment() {
  return {
      "segmentation",
      "boundaries that levels find for themselves against the ends of paragraphs and documents that nobody told them of",
      "Levels of unit `found` end a situation where evidence against what they expect gathers. F1 within one sentence, Pk and WindowDiff against the\n"
      "text's own ends, beside chance at the same rate and TextTiling of the same words.",
      parameters(),
      {},
      run,
      {"text"},
      true,
      true,
      check};
}

}  // namespace strata
