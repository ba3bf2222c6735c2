// Amplification: what a few changed words come to, level by level.
//
// Design    held-out texts are read as they were written, and with a few words of every sentence changed after their beginning, at the same
//           places twice: to words of one other text, a word always to the same one, so that they tell of something else (related); and to
//           words drawn anew each time, of the frequency of those (random). Only whole words are changed, none of the most frequent; where a
//           word ends stays the same, so that copies are compared token by token. Learning off
// Measures  divergence of the two readings over the level's own spread, and how it grows from the lowest level to the highest
//           (strata describe divergence)
// Limit     nothing changed: 0
// Intervals bootstrap over texts
// Source    Yeshurun, Nguyen & Hasson (2017), PNAS 114, 9475

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "core/error.hpp"
#include "experiments/expected_words.hpp"
#include "experiments/signatures.hpp"
#include "experiments/text_arms.hpp"
#include "experiments/worlds/text/shuffle.hpp"
#include "experiments/worlds/text/stories.hpp"

namespace strata {

Experiment amplification_experiment();

namespace {

ParameterTable parameters() {
  return {
      {"texts", std::int64_t{64}, 2, 4096, {}, "texts", "read three ways each", ""},
      {"history", std::int64_t{50}, 1, 1e6, {}, "tokens", "of a text that stay as they are, to the end of a sentence", ""},
      {"room", std::int64_t{250}, 1, 1e6, {}, "tokens", "of a text behind those, at least", ""},
      {"after", std::int64_t{600}, 1, 1e6, {}, "tokens", "of a text behind those, at most", ""},
      {"words",
       std::int64_t{4},
       1,
       1000,
       {},
       "words",
       "changed in a sentence, at most; a tenth of newswire, where the source changed a third",
       "Yeshurun et al. 2017"},
      {"common", std::int64_t{200}, 0, 1e6, {}, "words", "the most frequent, which stay", ""},
  };
}

/// Words that may be changed: whole ones of letters, but for the most frequent.
text::ChangeOptions change_options(const TextStudy& study, const Values& values) {
  text::ChangeOptions options;
  options.log_unigram = study.log_unigram;
  options.per_sentence = values.integer("words");
  options.seed = study.options.seed;
  const ReadableWords readable(*study.tokenizer);
  std::vector<std::int32_t> by_frequency(static_cast<std::size_t>(study.vocabulary()));
  std::iota(by_frequency.begin(), by_frequency.end(), 0);
  std::stable_sort(by_frequency.begin(), by_frequency.end(), [&](std::int32_t a, std::int32_t b) {
    return study.log_unigram[static_cast<std::size_t>(a)] > study.log_unigram[static_cast<std::size_t>(b)];
  });
  options.words.assign(by_frequency.size(), 0);
  for (std::size_t rank = static_cast<std::size_t>(values.integer("common")); rank < by_frequency.size(); ++rank) {
    const std::string word = readable(by_frequency[rank]);
    const bool letters = word.size() > 1 && std::all_of(word.begin(), word.end(), [](unsigned char c) {
                           return c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                         });
    options.words[static_cast<std::size_t>(by_frequency[rank])] = letters && !readable.goes_on(by_frequency[rank]) ? 1 : 0;
  }
  for (std::int32_t id = 0; id < study.vocabulary(); ++id) options.parts.push_back(readable.goes_on(id) ? 1 : 0);
  return options;
}

/// A text and where its changes may begin.
struct Place {
  const text::EncodedDocument* document;
  Index from, end;  ///< of what is read with changes
};

std::vector<Place> choose_texts(const TextStudy& study, const Values& values) {
  std::vector<Place> places;
  for (const auto& document : study.held_out) {
    Index from = values.integer("history");
    while (from < document.size() && (document.boundary[static_cast<std::size_t>(from - 1)] & sentence_end) == 0) ++from;
    if (document.size() - 1 - from >= values.integer("room"))
      places.push_back({&document, from, std::min(document.size() - 1, from + values.integer("after"))});
  }
  const Index wanted = values.integer("texts");
  if (static_cast<Index>(places.size()) < wanted)
    throw DataError(
        "held-out text", 0,
        "only " + std::to_string(places.size()) + " of " + std::to_string(wanted) +
            " texts are long enough; give more or longer held-out documents, or ask for fewer (amplification.texts) or for less room "
            "(amplification.room, amplification.history)");
  text::shuffle(places, study.options.seed ^ 0x616d706c);
  places.resize(static_cast<std::size_t>(wanted));
  return places;
}

text::Script script_of(const text::EncodedDocument& document, const Place& place) {
  return {text::Segment{&document, 0, place.from, 0, 0, forced_tick}, text::Segment{&document, place.from, place.end, 0, 0, 0}};
}

/// Every text with some words changed.
std::vector<text::Changed> changed_texts(const Bench& bench, const std::vector<Place>& places) {
  const TextStudy& study = bench.text();
  const auto options = change_options(study, bench.values);
  const auto words = text::changeable_words(study.held_out, options);
  std::vector<text::Changed> changed;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& [document, from, end] = places[i];
    changed.push_back(text::change_words(*document, from, end, *places[(i + 1) % places.size()].document, words, options));
  }
  if (std::all_of(changed.begin(), changed.end(), [](const text::Changed& text) { return text.words == 0; }))
    throw DataError("held-out text", 0, "has no whole words that could be changed; take a tokenizer of words or their pieces");
  return changed;
}

Findings run(Bench& bench) {
  const auto places = choose_texts(bench.text(), bench.values);
  const auto changed = changed_texts(bench, places);
  TrialWindow window;
  window.before = 1;
  window.after = bench.values.integer("after");
  std::vector<Condition> conditions(3);
  const char* const names[] = {"/", "related", "random"};
  Index changes = 0, tokens = 0;
  double related = 0, random = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    conditions[c].name = names[c];
    conditions[c].reference = c == 0 ? "" : "/";
    for (std::size_t i = 0; i < places.size(); ++i) {
      const text::EncodedDocument& document = c == 0 ? *places[i].document : c == 1 ? changed[i].related : changed[i].random;
      conditions[c].scripts.push_back(script_of(document, places[i]));
      conditions[c].zero.push_back(places[i].from);
    }
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    changes += changed[i].words;
    tokens += places[i].end - places[i].from;
    related += changed[i].related_distance;
    random += changed[i].random_distance;
  }
  record_texts(bench, bench.model, conditions, window, bench.folder.file("trace.h5"));
  Findings findings;
  const double share = static_cast<double>(changes) / static_cast<double>(tokens), all = static_cast<double>(changes);
  findings.summary.set("changed_share", share).set("related_frequency_nats", related / all).set("random_frequency_nats", random / all);
  add_measure(findings, "divergence", bench.folder.file("trace.h5"), "", "related words, and random ones as control");
  char line[200];
  std::snprintf(line, sizeof line,
                "%.1f %% of the tokens changed; |ln frequency of the new word - of the old| %.2f nats related, %.2f random\n", 100 * share,
                related / all, random / all);
  findings.table += line;
  return findings;
}

}  // namespace

Experiment amplification_experiment() {
  return {
      "amplification",
      "what a few changed words come to: divergence of two readings by level, of words that tell of something else and of random ones",
      "A few words of every sentence are changed, to words of one other text (related) or to words of the same frequency drawn anew each time (random).\n"
      "Divergence of the readings with and without changes, relative to each level's own spread: see strata describe divergence.",
      parameters(),
      {{"texts", "24"}, {"after", "300"}},
      run,
      {"text"},
      true,
      true,
      [](Bench& bench) { changed_texts(bench, choose_texts(bench.text(), bench.values)); }};
}

}  // namespace strata
