// Surprise and recovery: passages that do not belong are inserted into held-out text, and the text switches to another document.
//
// Design    at `places` places of held-out documents, seen from an empty state through at most `history` tokens before:
//           a foreign sentence and a foreign paragraph, each from another work and from another document of the same work (or from
//           --foreign), lengths within 10 %; a switch of document. The undisturbed copy reads the same text without them, and another one the
//           passage as its own document has it, behind what stands before it there: what it costs more here the context costs. In a sampled world
//           the same with stretches: passages of exactly those lengths from another stretch, a switch to another stretch, and the exact
//           observer beside the model on the same trials.
// Measures  displacement, recovery, error recovery, peak normalised error, excess nats (analysis/recovery.hpp, analysis/surprise.hpp)
// Limit     a level that is a plain leaky integrator with time constant tau recovers in tau ln 10 tokens (tests/validation)

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "experiments/experiment.hpp"
#include "experiments/trials.hpp"

namespace strata {

Experiment surprise_recovery_experiment();

namespace {

using text::Origin;
using text::Place;
using text::Unit;

ParameterTable parameters() {
  return {
      {"places", std::int64_t{48}, 2, 4096, {}, "places", "where passages are inserted, and switches", ""},
      {"history", std::int64_t{600}, 50, 1e6, {}, "tokens", "read before the passage, at most", ""},
      {"context", std::int64_t{200}, 1, 1e6, {}, "tokens", "of the document before a place, at least", ""},
      {"after", std::int64_t{1500}, 50, 1e6, {}, "tokens", "read after the passage, at most", ""},
      {"room", std::int64_t{600}, 1, 1e6, {}, "tokens", "of the document behind a place, at least", ""},
      {"sentence", std::int64_t{25}, 3, 1000, {}, "tokens", "length of a foreign sentence aimed at", ""},
      {"paragraph", std::int64_t{100}, 5, 10000, {}, "tokens", "length of a foreign paragraph aimed at", ""},
  };
}

text::PassageOptions passage_options(const Bench& bench, Unit unit, const std::vector<Origin>& origins) {
  text::PassageOptions o;
  o.experiment = "surprise_recovery";
  o.unit = unit;
  o.origins = origins;
  o.count = bench.values.integer("places");
  o.length = bench.values.integer(unit == Unit::sentence ? "sentence" : "paragraph");
  o.context = bench.values.integer("context");
  o.room = bench.values.integer("room");
  o.seed = bench.study.options.seed;
  return o;
}

std::string name_of(Unit unit, Origin origin) { return std::string(text::name_of(unit)) + "_" + text::name_of(origin); }

Index tokens_before(const text::Script& script, Index room) { return text::script_tokens(script) - room; }

Condition undisturbed(const std::vector<Place>& places, const std::string& name, Index history, Index after) {
  Condition c;
  c.name = name;
  for (const Place& place : places) {
    c.scripts.push_back(text::undisturbed(place, after, history));
    c.zero.push_back(tokens_before(c.scripts.back(), c.scripts.back().back().size()));
  }
  return c;
}

Condition disturbed(const std::vector<Place>& places, Unit unit, Origin origin, const std::string& reference, Index history, Index after) {
  Condition c;
  c.name = name_of(unit, origin);
  c.reference = reference;
  c.home = "/conditions/home_" + c.name;
  for (const Place& place : places) {
    c.scripts.push_back(text::disturbed(place, origin, after, history));
    c.zero.push_back(tokens_before(c.scripts.back(), c.scripts.back().back().size()));
    c.passage.push_back(static_cast<std::int32_t>(place.passages.at(origin).size()));
  }
  return c;
}

/// The passages as their own documents have them; a trial ends before one that has no context there.
Condition at_home(const std::vector<Place>& places, Unit unit, Origin origin, Index history) {
  Condition c;
  c.name = "home_" + name_of(unit, origin);
  for (const Place& place : places) {
    const text::Passage& passage = place.passages.at(origin);
    c.scripts.push_back(text::at_home(place, origin, history));
    c.zero.push_back(text::script_tokens(c.scripts.back()) + (passage.begin < text::own_context ? passage.size() : 0));
  }
  return c;
}

/// Text of tokens [begin, end) of a document with the surprise recorded, for the report's reading page.
struct PassagePage {
  TextStudy& study;
  const Condition& condition;
  const std::vector<Place>& places;
  const Array<float>& surprise;  ///< of the condition's tokens: time x stream
  Index window_before;

  nlohmann::json trial(std::size_t s, Index shown) const {
    const auto trials = static_cast<std::size_t>(surprise.shape[1]);
    nlohmann::json tokens = nlohmann::json::array();
    Index position = -condition.zero[s];
    for (const auto& segment : condition.scripts[s]) {
      for (Index i = segment.begin; i < segment.end; ++i, ++position) {
        if (position < -window_before || position >= shown) continue;
        const auto& document = *segment.document;
        const bool foreign = condition.passage.size() > s && position < 0 && position >= -condition.passage[s];
        const auto cell = static_cast<std::size_t>(position + window_before) * trials + s;
        const std::string bytes(bytes_of(document, i));
        tokens.push_back({{"text", bytes}, {"surprise", surprise.data[cell]}, {"passage", foreign}, {"document", document.index}});
      }
    }
    return {{"trial", s}, {"condition", condition.name}, {"title", title_of(*places[s].document)}, {"tokens", tokens}};
  }

  const text::Corpus& corpus_of(const text::EncodedDocument& document) const {
    for (const auto& d : study.foreign.encoded)
      if (&d == &document) return study.foreign.corpus;
    return study.scored_corpus();
  }
  std::string_view bytes_of(const text::EncodedDocument& d, Index i) const {
    return std::string_view(corpus_of(d).sources[static_cast<std::size_t>(d.source)].bytes)
        .substr(static_cast<std::size_t>(d.byte_begin(i)), static_cast<std::size_t>(d.byte_end(i) - d.byte_begin(i)));
  }
  std::string title_of(const text::EncodedDocument& d) const {
    const auto& c = corpus_of(d);
    return c.sources[static_cast<std::size_t>(d.source)].name + ": " + c.documents[static_cast<std::size_t>(d.index)].title;
  }
};

/// Measures a recorded trace into a summary; the table and `levels` show the condition `shown`.
std::string measure(Summary& summary, const std::string& path, const std::string& shown) {
  const MeasureResult recovery = analyse("recovery", path), surprise = analyse("surprise", path);
  for (const auto* result : {&recovery, &surprise}) {
    add_values(summary, result->values);
    for (const MeasureResult& part : result->parts) add_parts(summary.section("conditions").section(part.name), part);
  }
  add_levels(summary.section("pooled"), surprise.levels);
  summary.set("condition", shown);
  for (const auto* result : {&recovery, &surprise})
    if (const MeasureResult* part = result->part(shown)) add_levels(summary, part->levels);
  return to_table(recovery) + "\n" + to_table(surprise);
}

TrialWindow window_of(const Bench& bench) {
  TrialWindow window;
  window.before = 2 * std::max(bench.values.integer("sentence"), bench.values.integer("paragraph"));  // the longest passage
  window.after = bench.values.integer("after");
  return window;
}

/// `host` with the first `length` steps of `donor` inserted behind its `history`-th.
void insert(Condition& c, const Episode& host, const Episode& donor, Index history, Index length, Index after) {
  Episode with = joined(joined(joined({}, host, history), donor, length), host, after, history);
  with.event[static_cast<std::size_t>(history)] |= surprise_on;
  with.event[static_cast<std::size_t>(history + length - 1)] |= surprise_off;
  c.episodes.push_back(std::move(with));
  c.zero.push_back(history + length);
  c.passage.push_back(static_cast<std::int32_t>(length));
}

/// Two stretches of the world per trial: one reads on, the other gives the passages and is switched to.
std::vector<Condition> sampled_conditions(const Bench& bench, const Source& source) {
  const Index history = bench.values.integer("history"), after = bench.values.integer("after");
  const Index sentence = bench.values.integer("sentence"), paragraph = bench.values.integer("paragraph");
  const auto drawn = draw_episodes(source, bench.values.integer("places"), 2, std::max({history + after, sentence, paragraph}),
                                   bench.study.options.seed + 0x5eca);
  Condition plain, short_one, long_one, always, moved;
  plain.name = "/";
  short_one.name = "sentence_stretch";
  long_one.name = "paragraph_stretch";
  always.name = "always";
  moved.name = "switch";
  short_one.reference = long_one.reference = "/";
  moved.reference = "/conditions/always";
  for (std::size_t t = 0; t < drawn.size(); t += 2) {
    const Episode &host = drawn[t], &donor = drawn[t + 1];
    insert(short_one, host, donor, history, sentence, after);
    insert(long_one, host, donor, history, paragraph, after);
    plain.episodes.push_back(joined({}, host, history + after));
    always.episodes.push_back(joined({}, donor, history + after));
    moved.episodes.push_back(joined(joined({}, host, history), donor, after, history));
    moved.episodes.back().event[static_cast<std::size_t>(history)] |= context_switch;
    for (Condition* c : {&plain, &always, &moved}) c->zero.push_back(history);
  }
  std::vector<Condition> all;
  for (Condition* c : {&plain, &short_one, &long_one, &always, &moved}) all.push_back(std::move(*c));
  return all;
}

Findings run_sampled(Bench& bench) {
  SampledStudy& study = bench.sampled();
  const auto conditions = sampled_conditions(bench, *study.source);
  const auto streams = std::min<Index>(bench.values.integer("places"), 64);
  Findings findings;
  const auto read = [&](TrialReader& reader, const std::string& file, Summary& into) {
    const std::string path = bench.folder.file(file);
    record_trials(study, reader, conditions, window_of(bench), "surprise_recovery", path, bench.progress);
    findings.table += measure(into, path, "paragraph_stretch") + "\n";
  };
  {
    auto hierarchy = study.load_hierarchy(bench.model, streams);
    read(*hierarchy_reader(*hierarchy, study.interval(), study.options.seed), "trace.h5", findings.summary);
  }
  if (const auto exact = exact_reader(*study.source, streams)) {
    findings.table += "the exact observer on the same trials\n";
    read(*exact, "exact.h5", findings.summary.section("exact"));
  } else {
    findings.table += "this world has no exact observer to set beside the model\n";
  }
  return findings;
}

/// Where passages of one unit are inserted, and the condition that reads on there without them.
struct Insertions {
  Unit unit;
  std::string undisturbed;
  std::vector<Place> places;
};

void add_insertions(std::vector<Condition>& conditions, const Insertions& of, const std::vector<Origin>& origins, Index history,
                    Index after) {
  conditions.push_back(undisturbed(of.places, of.undisturbed, history, after));
  const std::string reference = of.undisturbed == "/" ? "/" : "/conditions/" + of.undisturbed;
  for (const Origin origin : origins) {
    conditions.push_back(disturbed(of.places, of.unit, origin, reference, history, after));
    conditions.push_back(at_home(of.places, of.unit, origin, history));
  }
}

/// passages.json: a few trials of every condition with a passage, token by token.
void write_pages(Bench& bench, const std::vector<Condition>& conditions, const std::vector<Insertions>& insertions, const std::string& path,
                 const TrialWindow& window) {
  const Hdf5File trace(path);
  nlohmann::json pages = nlohmann::json::array();
  for (const Condition& condition : conditions) {
    if (condition.passage.empty()) continue;
    const auto of = std::find_if(insertions.begin(), insertions.end(),
                                 [&](const Insertions& i) { return condition.name.rfind(text::name_of(i.unit), 0) == 0; });
    const auto read = trace.read<float>("/conditions/" + condition.name + "/tokens/surprise");
    const PassagePage page{bench.text(), condition, of->places, read, window.before};
    for (std::size_t s = 0; s < std::min<std::size_t>(4, condition.scripts.size()); ++s) pages.push_back(page.trial(s, 200));
  }
  bench.folder.write_text("passages.json", pages.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

/// What is read in a study of text, and the condition that is shown: the hardest common case, a paragraph from another work or whatever stands nearest to it.
struct Design {
  std::vector<Insertions> insertions;
  std::vector<Condition> conditions;
  std::string shown;
};

Design design_of(const Bench& bench) {
  const TextStudy& study = bench.text();
  const Index history = bench.values.integer("history"), after = bench.values.integer("after");
  const auto origins = study.foreign_given ? std::vector<Origin>{Origin::foreign} : text::available_origins(study.held_out);
  if (origins.empty())
    throw DataError("held-out text", 0,
                    "one document: there is none to take foreign passages from; give --foreign FILE, or a text of more documents");
  Design design{{{Unit::sentence, "/", {}}, {Unit::paragraph, "undisturbed", {}}}, {}, name_of(Unit::paragraph, origins.front())};
  for (Insertions& of : design.insertions) {
    of.places = text::choose_places(study.held_out, passage_options(bench, of.unit, origins), study.foreign.encoded);
    add_insertions(design.conditions, of, origins, history, after);
  }
  const auto switches = pair_options(study, bench.values, "surprise_recovery", "places");
  if (study.held_out.size() > 1) add_switches(design.conditions, text::choose_switches(study.held_out, switches), after, false);
  return design;
}

Findings run_text(Bench& bench) {
  TextStudy& study = bench.text();
  const Design design = design_of(bench);
  const auto hierarchy = study.load_hierarchy(bench.model, std::min<Index>(bench.values.integer("places"), 64));
  const auto reader = hierarchy_reader(*hierarchy, study.interval(), study.options.seed);
  const std::string path = bench.folder.file("trace.h5");
  const TrialWindow window = record_trials(study, *reader, design.conditions, window_of(bench), "surprise_recovery", path, bench.progress);
  bench.progress.say("measuring");
  Findings findings;
  findings.table = measure(findings.summary, path, design.shown);
  write_pages(bench, design.conditions, design.insertions, path, window);
  return findings;
}

bool reads_text(const Bench& bench) { return bench.study.options.world == "text"; }

void check(Bench& bench) {
  if (reads_text(bench)) design_of(bench);
}

Findings run(Bench& bench) { return reads_text(bench) ? run_text(bench) : run_sampled(bench); }

}  // namespace

Experiment surprise_recovery_experiment() {
  return {
      "surprise_recovery",
      "inserts foreign passages into held-out text or a sampled world, and switches documents: who is surprised, and for how long",
      "Displacement is the distance of a level's prediction from that of a copy that read the same text without the passage; recovery the\n"
      "tokens until its trial average is back to a tenth. See strata describe recovery, strata describe surprise.",
      parameters(),
      {{"places", "24"}, {"after", "800"}, {"history", "400"}},
      run,
      {"text", "nested", "linear_gaussian", "oddball", "series"},
      true,
      true,
      check,
      true};
}

}  // namespace strata
