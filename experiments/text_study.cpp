#include "experiments/text_study.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/io/checkpoint.hpp"
#include "experiments/training.hpp"

namespace strata {

namespace {

constexpr Index fewest_training_tokens = 500;

/// Documents spread evenly over `all` whose tokens sum to about `limit`.
std::vector<text::EncodedDocument> thinned(std::vector<text::EncodedDocument> all, Index limit) {
  const Index total = text::total_tokens(all);
  if (limit == 0 || total <= limit) return all;
  std::vector<text::EncodedDocument> kept;
  double owed = 0;
  Index taken = 0;
  for (auto& document : all) {
    owed += static_cast<double>(document.size()) * static_cast<double>(limit) / static_cast<double>(total);
    const Index with_half = taken + document.size() / 2;
    if (static_cast<double>(with_half) > owed && !kept.empty()) continue;
    taken += document.size();
    kept.push_back(std::move(document));
  }
  return kept;
}

/// A model scored on the part of a text that another way of holding out leaves has learned from that part.
void require_same_hold_out(const std::string& model, const std::string& wanted) {
  const auto notes = read_notes(model);
  Configuration its;
  if (const auto found = notes.find("config"); found != notes.end()) its.adopt(found->second, model);
  const std::string trained = its.resolve(text_parameters(), "text.").text("hold_out");
  if (trained != wanted)
    throw ConfigError("text.hold_out", wanted,
                      "the model was trained with " + trained + ", so that it would be scored on what it learned from");
}

void warn_of_unknown(const std::string& what, const text::Tokenizer& tokenizer, const text::Corpus& corpus,
                     const std::vector<text::EncodedDocument>& documents, Progress& progress) {
  const Index unknown = text::count_unknown(tokenizer, corpus, documents);
  if (unknown == 0) return;
  progress.say(std::to_string(unknown) + " of the " + std::to_string(text::total_tokens(documents)) + " tokens of the " + what +
               " text are unknown to the vocabulary: one costs only the id <unk>, so that bits per byte are not comparable");
}

/// Pieces can spell every text, one of another language byte by byte: what a level then expects says little.
void warn_of_spelled(const std::string& what, const text::Tokenizer& tokenizer, const std::vector<text::EncodedDocument>& documents,
                     Progress& progress) {
  if (tokenizer.end_of_document() < 0 || tokenizer.unknown() >= 0) return;  // every token is a byte or a character; or warn_of_unknown()
  std::vector<Index> byte_piece(static_cast<std::size_t>(tokenizer.vocabulary()));
  for (std::size_t id = 0; id < byte_piece.size(); ++id)
    byte_piece[id] = tokenizer.piece(static_cast<std::int32_t>(id)).starts_with("<0x") ? 1 : 0;
  Index spelled = 0;
  for (const auto& document : documents)
    for (const auto id : document.ids) spelled += byte_piece[static_cast<std::size_t>(id)];
  const Index all = text::total_tokens(documents);
  if (2 * spelled <= all) return;
  progress.say("most of the " + what + " text (" + std::to_string(100 * spelled / all) +
               " % of its tokens) is outside the model's vocabulary and spelled byte by byte: what is expected of it says little; was the "
               "model trained on another language?");
}

}  // namespace

ParameterTable amount_parameters() {
  return {{"tokens",
           std::int64_t{0},
           0,
           1e12,
           {},
           "tokens",
           "train on documents of about so many tokens, spread evenly over the text; 0: all",
           ""}};
}

TextStudy::TextStudy(Options its_options, Progress& progress) : Study(std::move(its_options)) {
  Configuration& c = options.configuration;
  text_ = c.resolve(text_parameters(), "text.");
  const Index limit = c.resolve(amount_parameters(), "world.").integer("tokens");
  take_settings();
  if (options.model.empty() && options.vocabulary_from.empty()) text::require_usable(text::tokenizer_options(text_, options.seed));
  read_documents(progress);
  training = thinned(std::move(training), limit);
  if (const Index kept = text::total_tokens(training); limit > 0 && 2 * kept > 3 * limit)
    progress.say("documents are read whole: " + std::to_string(kept) + " tokens instead of " + std::to_string(limit) +
                 " (world.tokens); form feeds part a text into documents");
}

void TextStudy::take_settings() {
  world_ = options.configuration.resolve(world_parameters(), "world.");
  streams_ = world_.integer("streams");
  text::text_world_options(world_, options.seed);  // what cannot be is said before anything is read
  settle_configuration(2);
}

std::unique_ptr<World> TextStudy::training_world() {
  auto world = text::text_world_options(world_, options.seed);
  world.cut = true;
  return std::make_unique<text::TextWorld>(training, vocabulary(), world);
}

void TextStudy::describe(Summary& s) const {
  s.set("training_documents", static_cast<std::int64_t>(training.size()));
  s.set("training_tokens", static_cast<std::int64_t>(text::total_tokens(training)));
  s.set("held_out_documents", static_cast<std::int64_t>(held_out.size()));
  s.set("vocabulary", static_cast<std::int64_t>(vocabulary()));
}

std::string TextStudy::level_name(Index level) const {
  static const char* const names[] = {"token", "sentence", "paragraph", "document"};
  if (level > 3) return "level " + std::to_string(level);
  const auto keys = options.configuration.resolved();
  const auto unit = keys.find(level_key(level, "unit"));  // a situation level says what it stands for
  return unit != keys.end() ? unit->second : names[level];
}

void TextStudy::archive_vocabulary(Archive& archive) {
  auto bytes = tokenizer->to_bytes();
  archive.value("tokenizer", bytes);
}

void TextStudy::take_tokenizer(const std::vector<std::int32_t>& documents, Progress& progress) {
  const std::string& known = options.model.empty() ? options.vocabulary_from : options.model;
  if (known.empty()) {
    progress.say("learning a vocabulary of at most " + std::to_string(text_.integer("vocabulary")) + " tokens (" + text_.text("tokenizer") +
                 ") from " + std::to_string(documents.size()) + " documents");
    tokenizer = std::make_unique<text::Tokenizer>(text::Tokenizer::train(corpus, documents, text::tokenizer_options(text_, options.seed),
                                                                         [&](const std::string& line) { progress.say(line); }));
    return;
  }
  std::vector<std::uint8_t> bytes;
  const auto body = [&](Archive& archive) {
    Archive::Scope scope(archive, "vocabulary");
    archive.value("tokenizer", bytes);
    archive.value("log_unigram", log_unigram);
  };
  load(known, body, options.model.empty() && known.ends_with(checkpoint_name) ? checkpoint_file : model_file);
  tokenizer = std::make_unique<text::Tokenizer>(text::Tokenizer::from_bytes(bytes));
}

void TextStudy::read_documents(Progress& progress) {
  if (options.text.empty() && options.held_out.empty() && !options.standard_input)
    throw ConfigError("--text", "", "no text given; name a file or a folder of UTF-8 .txt files, as in --text novels/");
  const auto corpus_options = text::corpus_options(text_);
  const auto note_inputs = [&](const text::Corpus& read) {
    for (const auto& source : read.sources) inputs.push_back(input_file(source.path));
  };
  if (!options.text.empty()) {
    corpus = text::read_corpus(options.text, corpus_options);
    note_inputs(corpus);
  }
  if (options.standard_input) {
    held_out_corpus = text::corpus_from_standard_input(corpus_options);
  } else if (!options.held_out.empty()) {
    held_out_corpus = text::read_corpus(options.held_out, corpus_options);
    note_inputs(held_out_corpus);
  }
  if (options.model.empty() && options.text.empty()) throw ConfigError("--text", "", "training needs a text, or give a trained --model");
  text::HoldOut split;
  const bool holds_out = !options.text.empty() && options.held_out.empty();
  if (holds_out && !options.model.empty()) require_same_hold_out(options.model, text_.text("hold_out"));
  if (holds_out) split = text_.text("hold_out") == "last" ? text::hold_out_last(corpus) : text::hold_out_tenth(corpus);
  if (!options.text.empty() && !options.held_out.empty()) split.training = text::all_documents(corpus);
  take_tokenizer(split.training, progress);
  training = tokenizer->encode(corpus, split.training);
  held_out = held_out_corpus.documents.empty() ? tokenizer->encode(corpus, split.held_out)
                                               : tokenizer->encode(held_out_corpus, text::all_documents(held_out_corpus));
  const std::string scored = options.command == "forecast" ? "given" : "held-out";
  warn_of_unknown(scored, *tokenizer, scored_corpus(), held_out, progress);
  warn_of_spelled(scored, *tokenizer, held_out, progress);
  foreign_given = !options.foreign.empty();
  if (foreign_given) {
    foreign.corpus = text::read_corpus(options.foreign, corpus_options);
    note_inputs(foreign.corpus);
    foreign.encoded = tokenizer->encode(foreign.corpus, text::all_documents(foreign.corpus));
    warn_of_unknown("foreign", *tokenizer, foreign.corpus, foreign.encoded, progress);
    warn_of_spelled("foreign", *tokenizer, foreign.encoded, progress);
  }
  if (text_.text("marks") == "none") hide_marks();
  if (!options.model.empty()) return;
  text::require_tokens(corpus, training, fewest_training_tokens);
  log_unigram = text::log_unigram(text::count_tokens(training, vocabulary()));
}

void TextStudy::hide_marks() {
  if (tokenizer->end_of_document() < 0)
    throw ConfigError("text.marks", "none", "marks of characters and bytes are text like any other; take another text.tokenizer");
  for (auto* documents : {&training, &held_out, &foreign.encoded}) text::hide_marks(*documents, *tokenizer);
}

}  // namespace strata
