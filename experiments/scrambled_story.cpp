// The scrambled story: over how long a stretch of text each level has to be left undisturbed.
//
// Design    every story (held-out documents one after another, without their ends) is read by two copies with different documents before it;
//           then again by both with its parts in another order, which each copy draws for itself: blocks of so many tokens, its own
//           sentences, its own paragraphs. Learning off. What is alike in the two copies at one token of the story is what the part
//           before that token, and nothing further back, has made so
// Measures  per level and scale: correlation of the two copies' predictions mu over the story's tokens, all units together, each copy centred
//           over the story; pooled over stories (analysis/agreement). Shortest scale: the least block at which it is 80 % of the intact one
// Beside it the same with every situation level's memory of one time constant and fed with words: shortest scales must be equal
// Limit     a leak of time constant tau that reads independent words: 2.48 tau
// Intervals bootstrap over stories, jointly over levels and scales
// Source    Lerner, Honey, Silbert & Hasson (2011), Journal of Neuroscience 31, 2906: inter-subject correlation. A subject is here a copy with a
//           past of its own; since two copies of one model have nothing else of their own, each also has its own order

#include <cmath>
#include <cstdio>

#include "analysis/agreement.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "experiments/text_arms.hpp"
#include "experiments/trial_reader.hpp"
#include "experiments/worlds/text/stories.hpp"

namespace strata {

Experiment scrambled_story_experiment();

namespace {

constexpr double share_of_intact = .8;

ParameterTable parameters() {
  return {
      {"stories", std::int64_t{24}, 2, 4096, {}, "stories", "read by two copies each", ""},
      {"length", std::int64_t{2048}, 20, 1e6, {}, "tokens", "of a story", ""},
      {"history", std::int64_t{400}, 1, 1e6, {}, "tokens", "of other documents read before it", ""},
      {"scales", std::string("1, 4, 16, 64, 256"), 0, 0, {}, "tokens", "blocks whose order is drawn, ascending", "Lerner et al. 2011"},
      {"streams", std::int64_t{32}, 2, 4096, {}, "1", "copies that read side by side", ""},
      control_parameter("equal time constants, fed with words"),
  };
}

/// One way of disturbing a story: its parts, in the order drawn; none: intact.
struct Scale {
  std::string name;
  double tokens = 0;  ///< mean length of a part; 0: intact
  std::vector<std::vector<text::Script>> parts;
};

std::vector<Index> block_sizes(const Values& values) {
  std::vector<Index> sizes;
  for (const double tokens : real_list("scrambled_story.scales", values.text("scales"), 1, 1e6)) {
    if (tokens != std::trunc(tokens) || (!sizes.empty() && tokens <= static_cast<double>(sizes.back())))
      throw ConfigError("scrambled_story.scales", values.text("scales"), "must be whole numbers of tokens, ascending");
    sizes.push_back(static_cast<Index>(tokens));
  }
  if (sizes.empty()) throw ConfigError("scrambled_story.scales", "", "must be whole numbers of tokens, such as 1, 16, 256");
  return sizes;
}

std::vector<Scale> scales_of(const std::vector<text::Story>& stories, const std::vector<Index>& sizes) {
  std::vector<Scale> scales{{"intact", 0, {}}};
  const auto add = [&](const std::string& name, const std::function<std::vector<text::Script>(const text::Script&)>& cut) {
    Scale scale{name, 0, {}};
    double tokens = 0, parts = 0;
    for (const auto& story : stories) {
      scale.parts.push_back(cut(story.text));
      tokens += static_cast<double>(text::script_tokens(story.text));
      parts += static_cast<double>(scale.parts.back().size());
    }
    scale.tokens = tokens / parts;
    scales.push_back(std::move(scale));
  };
  for (const Index tokens : sizes) {
    add(std::to_string(tokens), [&](const auto& text) { return text::blocks_of(text, tokens); });
    scales.back().tokens = static_cast<double>(tokens);
  }
  add("sentences", [](const auto& text) { return text::unit_blocks_of(text, sentence_end); });
  add("paragraphs", [](const auto& text) { return text::unit_blocks_of(text, paragraph_end); });
  return scales;
}

/// What a copy reads: its past, and the story as it is or in an order of its own.
text::Reordered copy_of(const text::Story& story, std::size_t copy, const Scale& scale, std::size_t number, std::uint64_t seed) {
  text::Reordered its{story.text, {}};
  if (!scale.parts.empty())
    its = text::reordered(scale.parts[number], random_base(seed, number, static_cast<std::uint32_t>(copy), 0x5c4a3b1e));
  for (Index i = 0; scale.parts.empty() && i < text::script_tokens(story.text); ++i) its.place.push_back(i);
  its.script.insert(its.script.begin(), story.pasts[copy].begin(), story.pasts[copy].end());
  return its;
}

/// What one level of one copy held at every token of the story: token x unit.
using Course = std::vector<float>;

std::vector<double> centre_of(const Course& course, std::size_t units) {
  std::vector<double> centre(units, 0);
  for (std::size_t i = 0; i < course.size(); ++i) centre[i % units] += static_cast<double>(course[i]);
  for (double& m : centre) m *= static_cast<double>(units) / static_cast<double>(course.size());
  return centre;
}

Agreement agreement_of(const Course& a, const Course& b, std::size_t units) {
  Agreement found;
  const auto centre_a = centre_of(a, units), centre_b = centre_of(b, units);
  for (std::size_t i = 0; i < a.size(); i += units)
    found.add(std::span(a).subspan(i, units), std::span(b).subspan(i, units), centre_a, centre_b);
  return found;
}

/// [level][story] at one scale.
using Agreements = std::vector<std::vector<Agreement>>;

Agreements read_stories(TextStudy& study, TrialReader& reader, const std::vector<text::Story>& stories, const Scale& scale,
                        Progress& progress) {
  Agreements found(static_cast<std::size_t>(reader.depth()));
  const auto side_by_side = static_cast<std::size_t>(reader.streams() / 2);
  const Index tokens = text::script_tokens(stories.front().text);
  progress.begin(scale.name, static_cast<Index>(stories.size()) * 2 * (tokens + text::script_tokens(stories.front().pasts.front())));
  std::vector<float> held;
  Index done = 0;
  for (std::size_t first = 0; first < stories.size(); first += side_by_side) {
    std::vector<text::Script> scripts;
    std::vector<std::vector<Index>> place;
    for (std::size_t s = first; s < std::min(stories.size(), first + side_by_side); ++s)
      for (std::size_t copy = 0; copy < 2; ++copy) {
        auto its = copy_of(stories[s], copy, scale, s, study.options.seed);
        place.push_back(std::move(its.place));
        scripts.push_back(std::move(its.script));
      }
    const std::size_t count = scripts.size();
    const Index past = text::script_tokens(stories.front().pasts.front());
    std::vector<std::vector<Course>> courses;  // [level][copy]
    for (Index l = 0; l < reader.depth(); ++l)
      courses.emplace_back(count, Course(static_cast<std::size_t>(tokens * reader.level(l).units)));
    text::ScriptedWorld world(std::move(scripts), study.vocabulary(), reader.streams());
    Index step = 0;
    reader.read(world, [&](const Observation&, Index read) {
      for (Index l = 0; l < reader.depth() && step >= past; ++l) {
        reader.fetch(l, Held::prediction, held);
        const Index units = reader.level(l).units;
        for (std::size_t c = 0; c < count; ++c)
          std::copy_n(held.begin() + static_cast<std::ptrdiff_t>(c) * units, units,
                      courses[static_cast<std::size_t>(l)][c].begin() + place[c][static_cast<std::size_t>(step - past)] * units);
      }
      ++step;
      progress.update(done + read);
    });
    done += static_cast<Index>(count) * (past + tokens);
    for (std::size_t l = 0; l < found.size(); ++l)
      for (std::size_t c = 0; c < count; c += 2)
        found[l].push_back(
            agreement_of(courses[l][c], courses[l][c + 1], static_cast<std::size_t>(reader.level(static_cast<Index>(l)).units)));
  }
  progress.end();
  return found;
}

/// Everything that is estimated of one arm: per level r at every scale, then the shortest scale; last the growth from level 1 to the top.
std::vector<Estimate> estimates_of(const std::vector<Agreements>& at, const std::vector<Scale>& scales, std::uint64_t seed) {
  std::vector<double> tokens;  // of the blocks, without the text's own units
  for (std::size_t k = 1; k + 2 < scales.size(); ++k) tokens.push_back(scales[k].tokens);
  const std::size_t depth = at.front().size();
  const Index sizes[] = {static_cast<Index>(at.front().front().size())};
  BootstrapOptions options;
  options.seed = seed;
  return bootstrap(
      sizes,
      [&](std::span<const BootstrapDraw> draws) {
        std::vector<Bounded> out, shortest;
        for (std::size_t l = 0; l < depth; ++l) {
          std::vector<double> r;
          for (const Agreements& scale : at) {
            r.push_back(pooled(scale[l], draws[0].weight).correlation());
            out.push_back({r.back()});
          }
          shortest.push_back(shortest_scale(tokens, std::span(r).subspan(1, tokens.size()), r[0], share_of_intact));
          out.push_back(shortest.back());
        }
        out.push_back(bounded_ratio(shortest.back(), shortest[std::min<std::size_t>(1, depth - 1)]));
        return out;
      },
      options);
}

/// One arm: reads every scale, into `summary`, and returns its table.
std::string read_arm(Bench& bench, const std::string& model, const std::vector<text::Story>& stories, const std::vector<Scale>& scales,
                     const std::string& title, Summary& summary) {
  TextStudy& study = bench.text();
  const auto hierarchy = study.load_hierarchy(model, bench.values.integer("streams") / 2 * 2);
  const auto reader = hierarchy_reader(*hierarchy, study.interval(), study.options.seed);
  std::vector<Agreements> at;
  for (const Scale& scale : scales) at.push_back(read_stories(study, *reader, stories, scale, bench.progress));
  const auto found = estimates_of(at, scales, study.options.seed);
  MeasureResult table;
  table.name = title;
  table.columns = {{"name", "level"}, {"time_constant", "time constant (tokens)"}};
  for (const Scale& scale : scales) table.columns.push_back({scale.name, scale.name});
  table.columns.push_back({"shortest_scale", "shortest scale (tokens) [95 %]"});
  auto next = found.begin();
  for (Index l = 0; l < reader->depth(); ++l) {
    Summary& s = summary.item("levels", static_cast<std::size_t>(l));
    MeasuredValues own, row;
    for (MeasuredValues* values : {&own, &row}) {
      values->set("name", MeasuredValue(study.level_name(l)));
      values->set("time_constant", MeasuredValue(reader->level(l).time_constant));
    }
    for (std::size_t k = 0; k < scales.size(); ++k, ++next) {
      row.set(scales[k].name, MeasuredValue(next->value));
      Summary& entry = s.item("scales", k);
      entry.set("name", scales[k].name);
      if (k > 0) entry.set("tokens", scales[k].tokens);
      add_estimate(entry, "correlation", *next);
    }
    own.set("shortest_scale", *next);
    row.set("shortest_scale", *next++);
    add_values(s, own);
    table.levels.push_back(std::move(row));
  }
  add_estimate(summary, "shortest_scale_growth", *next);
  table.notes.push_back("highest level over the lowest situation level: " + short_text(*next));
  return to_table(table) + "\n";
}

/// Every situation level as slow as the one in the middle of them, and fed with words.
Keys equal_time_constants(TextStudy& study) {
  const auto hierarchy = study.make_hierarchy(1);
  const Index depth = hierarchy->depth(), middle = depth / 2;
  Keys keys;
  for (Index l = 1; l < depth; ++l) {
    keys.emplace_back(level_key(l, "feed"), "token");
    keys.emplace_back(level_key(l, "unit"), study.level_name(middle));
    keys.emplace_back(level_key(l, "tick"), std::to_string(hierarchy->level(middle).tick()));
    keys.emplace_back(level_key(l, "tau"), to_text(ParameterValue(hierarchy->level(middle).time_constant())));
    keys.emplace_back(level_key(l, "spread"), "3");
    keys.emplace_back(level_key(l, "carry_time"), to_text(ParameterValue(2 * hierarchy->level(middle).time_constant())));
  }
  return keys;
}

std::vector<text::Story> stories_of(const Bench& bench) {
  const TextStudy& study = bench.text();
  text::StoryOptions options;
  options.experiment = "scrambled_story";
  options.count = bench.values.integer("stories");
  options.length = bench.values.integer("length");
  options.history = bench.values.integer("history");
  options.seed = study.options.seed;
  return text::make_stories(study.held_out, options);
}

void check(Bench& bench) {
  block_sizes(bench.values);
  stories_of(bench);
  if (wants_control(bench)) const TextVariant possible(bench.text(), equal_time_constants(bench.text()));
}

Findings run(Bench& bench) {
  TextStudy& study = bench.text();
  const auto stories = stories_of(bench);
  const auto scales = scales_of(stories, block_sizes(bench.values));
  Findings findings;
  findings.summary.set("stories", bench.values.integer("stories")).set("length", bench.values.integer("length"));
  findings.table = read_arm(bench, bench.model, stories, scales, "scrambled_story", findings.summary);
  if (wants_control(bench)) {
    const TextVariant variant(study, equal_time_constants(study));
    const std::string model = train_variant(bench, "equal", "equal time constants, fed with words");
    findings.table += read_arm(bench, model, stories, scales, "equal time constants, fed with words", findings.summary.section("control"));
  }
  return findings;
}

}  // namespace

Experiment scrambled_story_experiment() {
  return {
      "scrambled_story",
      "over how long a stretch of text each level has to be left undisturbed: stories read intact and with their parts in another order",
      "Two copies with different pasts read a story, intact or each with its parts in an order of its own. Correlation of their predictions at\n"
      "the same tokens of the story, by level and length of the parts; shortest scale: the least block with 80 % of the intact correlation.",
      parameters(),
      {{"stories", "4"}, {"length", "512"}, {"history", "100"}, {"control", "false"}},
      run,
      {"text"},
      true,
      true,
      check};
}

}  // namespace strata
