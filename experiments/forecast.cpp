// `strata forecast`: reads a text, then says what each level expects next, near and concrete below, far and vague above.
//
// Reads     learning off, one stream, the text's documents in order. The reader stops in the middle: white space at the very end is not
//           read, nor is the end of the last document, unless the text ends with a line that holds a form feed
// Says      level 0: the most likely next tokens; a level above: the words of its broad prediction by lift = p / background, of those that are
//           at least forecast.floor likely (experiments/expected_words.hpp says why). The prediction is made from the belief at the end of the
//           text, not the one held since its last evaluation
//           entropy and departure KL(p || background) in nats; mean surprise so far, of level 0 by its forecasts, of a level above by the
//           prediction in force at each token, which is the background until it has made one

#include "experiments/forecast.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <sstream>

#include "core/error.hpp"
#include "core/io/checkpoint.hpp"
#include "core/simulation.hpp"
#include "experiments/commands.hpp"
#include "experiments/expected_words.hpp"
#include "experiments/experiment.hpp"
#include "experiments/invocation.hpp"
#include "experiments/word_table.hpp"

namespace strata {

ParameterTable forecast_parameters() {
  return {{"words", std::int64_t{10}, 1, 1000, {}, "words", "shown of what each level expects", ""},
          {"floor", .001, 0, 1, {}, "1", "above the lowest level: probability that a word must have to be shown", ""}};
}

namespace {

enum class Ending { sentence_open, sentence, document };
const char* name_of(Ending ending) {
  static const char* const names[] = {"inside a sentence", "at the end of a sentence", "at the end of a document"};
  return names[static_cast<int>(ending)];
}

/// Whether what stands before `end` is a whole sentence: would a capital letter behind it begin another?
bool ends_sentence(const text::Corpus& corpus, const text::Document& document, std::int64_t end) {
  if (corpus.sources[static_cast<std::size_t>(document.source)].line_sentences) return false;
  const std::int64_t begin = document.paragraphs.back().begin;
  std::vector<text::Span> sentences;
  text::SentenceSplitter(corpus.language).split(std::string(corpus.bytes(document, {begin, end})) + " A", begin, sentences);
  return !sentences.empty() && sentences.back().begin > end;
}

void keep_tokens(text::EncodedDocument& tokens, std::size_t count) {
  tokens.ids.resize(count);
  tokens.boundary.resize(count);
  tokens.starts.resize(count + 1);
}

/// Takes from the last document what lies behind its last word, so that the text is read to where it stops.
Ending stop_reading(TextStudy& study) {
  const text::Corpus& corpus = study.held_out_corpus;
  const text::Document& document = corpus.documents.back();
  text::EncodedDocument& tokens = study.held_out.back();
  const std::int64_t last_paragraph = document.paragraphs.back().end;
  const std::int64_t end = document.sentences.empty() ? last_paragraph : document.sentences.back().end;
  std::size_t read = tokens.ids.size();
  while (read > 1 && tokens.starts[read - 1] >= end) --read;
  if (corpus.bytes(document, {last_paragraph, document.range.end}).find('\f') != std::string_view::npos) {
    const std::int32_t mark = study.tokenizer->end_of_document();
    if (mark < 0 || !tokens.told) return Ending::document;  // the separator's characters are the mark, or nobody is told
    const std::uint8_t boundary = tokens.boundary.back();
    keep_tokens(tokens, read + 1);  // as between two documents of one file: nothing but the mark
    tokens.ids.back() = mark;
    tokens.boundary.back() = boundary;
    return Ending::document;
  }
  keep_tokens(tokens, read);
  const bool whole = ends_sentence(corpus, document, end);
  tokens.boundary.back() = whole ? sentence_end : 0;
  return whole ? Ending::sentence : Ending::sentence_open;
}

/// Mean surprise of every level on the text, nats per token.
struct SoFar {
  std::vector<double> nats;  ///< per level
  double unigram = 0, tokens = 0;
};

SoFar read_text(TextStudy& study, Hierarchy<float>& hierarchy, Progress& progress) {
  text::TextWorldOptions options;
  options.streams = 1;
  options.shuffle = false;
  text::TextWorld world(study.held_out, study.vocabulary(), options);
  SoFar so_far;
  so_far.nats.assign(static_cast<std::size_t>(hierarchy.depth()), 0);
  hierarchy.reset_state();
  Simulation<float> simulation(hierarchy, world, nullptr, study.interval(), study.options.seed);
  std::vector<float> surprise(1);
  simulation.record = [&](const Observation& o, std::uint64_t) {
    for (Index l = 0; l < hierarchy.depth(); ++l) {
      hierarchy.device().download(hierarchy.level(l).snapshot().surprise, surprise);
      so_far.nats[static_cast<std::size_t>(l)] += static_cast<double>(surprise[0]);
    }
    so_far.unigram -= study.log_unigram[static_cast<std::size_t>(o.id[0])];
    so_far.tokens += 1;
    progress.update(simulation.tokens());
  };
  progress.begin("reading", world.tokens());
  simulation.start();
  simulation.run();
  progress.end();
  for (double& nats : so_far.nats) nats /= so_far.tokens;
  so_far.unigram /= so_far.tokens;
  return so_far;
}

/// The last words read, on one line.
std::string tail(const TextStudy& study) {
  constexpr std::size_t longest = 72;
  const text::EncodedDocument& tokens = study.held_out.back();
  const std::string& bytes = study.held_out_corpus.sources[static_cast<std::size_t>(tokens.source)].bytes;
  std::istringstream words(bytes.substr(static_cast<std::size_t>(tokens.starts.front()),
                                        static_cast<std::size_t>(tokens.starts.back() - tokens.starts.front())));
  std::string line;
  for (std::string word; words >> word;) line += (line.empty() ? "" : " ") + word;
  std::replace_if(
      line.begin(), line.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; }, '?');  // a terminal obeys control characters
  if (line.size() <= longest) return line;
  std::size_t cut = line.size() - longest;
  while ((static_cast<unsigned char>(line[cut]) & 0xC0U) == 0x80U) ++cut;
  return "..." + line.substr(cut);
}

std::string what_of(Index horizon) {
  return horizon == 1 ? "the next token" : "words of the next " + std::to_string(horizon) + " tokens at most";
}

void level_findings(Summary& level, const Expectation& expected, const ReadableWords& readable) {
  std::vector<std::string> words;
  std::vector<double> p, lift;
  for (const ExpectedWord& word : expected.words) {
    words.push_back(readable(word.id));
    p.push_back(word.p);
    lift.push_back(word.lift);
  }
  level.set("entropy_nats", expected.entropy).set("background_kl_nats", expected.departure);
  level.set("words", words).set("probability", p).set("lift", lift);
}

std::string level_line(Index index, const std::string& name, const SoFar& so_far, const Expectation* expected, Index horizon) {
  char line[200], numbers[64] = "        -         -";
  if (expected != nullptr) std::snprintf(numbers, sizeof numbers, "%9.2f %9.2f", expected->entropy, expected->departure);
  std::snprintf(line, sizeof line, "%lld %-10s %s %11.2f   %s\n", static_cast<long long>(index), name.c_str(), numbers,
                so_far.nats[static_cast<std::size_t>(index)], expected != nullptr ? what_of(horizon).c_str() : "no words");
  return line;
}

/// What every level expects, into the summary; returns the text for people.
std::string level_findings(Summary& s, const TextStudy& study, Hierarchy<float>& hierarchy, const SoFar& so_far, const Values& values) {
  Expectations expectations(hierarchy, study.vocabulary());
  expectations.ask();
  const ReadableWords readable(*study.tokenizer);
  const auto count = static_cast<std::size_t>(values.integer("words"));
  const WordChoice likely{WordChoice::By::probability, count, 0, {}},
      raised{WordChoice::By::lift, count, values.real("floor"), readable.whole()};
  WordTable table;
  std::string lines;
  for (Index l = 0; l < hierarchy.depth(); ++l) {
    const std::string name = study.level_name(l);
    Summary& level = s.item("levels", static_cast<std::size_t>(l));
    level.set("name", name).set("time_constant", hierarchy.level(l).time_constant());
    level.set("surprise_nats", so_far.nats[static_cast<std::size_t>(l)]);
    const Index horizon = expectations.horizon(l);
    if (!expectations.any(l)) {
      lines += level_line(l, name, so_far, nullptr, horizon);
      continue;
    }
    const Expectation expected = describe_expectation(expectations.log_p(l, 0), study.log_unigram, l == 0 ? likely : raised);
    level.set("horizon", horizon);
    level_findings(level, expected, readable);
    lines += level_line(l, name, so_far, &expected, horizon);
    table.add_column(name, expected.words, readable);
  }
  return lines + "\n" + table.text() +
         "\nlift: p over the word's frequency; the token level lists the likeliest, others what they raise most; +: a piece that goes on a word\n";
}

std::string heading(const TextStudy& study, const SoFar& so_far, Ending ending) {
  char line[300];
  std::snprintf(line, sizeof line, "%.0f tokens read; the text stops %s: ", so_far.tokens, name_of(ending));
  std::string text = line + tail(study) + "\n";
  std::snprintf(line, sizeof line,
                "surprise of the background (word frequencies of the training text): %.2f nats per token\n\n"
                "level        entropy departure    surprise   expects\n"
                "                nats      nats  nats/token\n",
                so_far.unigram);
  return text + line;
}

/// What is asked for, in terms of a study: the text is its held-out text.
Options as_study(Options options) {
  read_configuration(options);
  settle_run_keys(options);
  if (options.model.empty()) throw ConfigError("--model", "", "forecast needs a trained model; `strata train --text PATH` makes one");
  const std::string world = world_of(options.model);
  if (world != "text")
    throw ConfigError("--model", options.model, "is a model of the world " + world + "; forecast reads text and needs a model of text");
  options.world = world;
  const bool named = std::find(options.text.begin(), options.text.end(), "-") != options.text.end();
  if (named && options.text.size() > 1) throw ConfigError("--text", "-", "is standard input and goes with no other --text");
  options.standard_input = options.text.empty() || named;
  options.held_out = std::move(options.text);
  options.text.clear();
  options.foreign.clear();
  return options;
}

}  // namespace

int forecast_command(Options given) {
  std::signal(SIGPIPE, SIG_IGN);  // but an interrupt ends the command as it ends others: there is nothing that it could cost
  Options options = as_study(std::move(given));
  const Values values = options.configuration.resolve(forecast_parameters(), "forecast.");
  resolve_experiments(options.configuration, "", false);
  Progress progress(options.quiet);
  if (options.standard_input && isatty(STDIN_FILENO) != 0) progress.say("reading standard input; Ctrl-D ends it");
  TextStudy study(std::move(options), progress);
  const Ending ending = stop_reading(study);
  const auto hierarchy = study.load_hierarchy(study.options.model, 1);
  const SoFar so_far = read_text(study, *hierarchy, progress);
  Summary s;
  s.set("tokens", static_cast<std::int64_t>(so_far.tokens)).set("documents", static_cast<std::int64_t>(study.held_out.size()));
  s.set("ending", name_of(ending)).set("unigram_nats", so_far.unigram);
  const std::string levels = level_findings(s, study, *hierarchy, so_far, values);
  std::cout << (study.options.json ? s.to_json() : heading(study, so_far, ending) + levels);
  return 0;
}

}  // namespace strata
