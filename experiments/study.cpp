#include "experiments/study.hpp"

#include <algorithm>
#include <sstream>

#include "core/error.hpp"
#include "core/io/checkpoint.hpp"
#include "experiments/training.hpp"
#include "levels/build.hpp"

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

/// Keys of a model's configuration that decide what the model is; others (run.*, an experiment's) belong to the run that made it.
bool is_of_model(const std::string& key) {
  for (const char* prefix : {"hierarchy.", "level.", "text.", "world.", "learning.", "relaxation."})
    if (key.rfind(prefix, 0) == 0) return true;
  return false;
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

ParameterTable checkpoint_parameters() {
  return {{"checkpoint_seconds",
           30.0,
           0,
           1e6,
           {},
           "seconds",
           "a checkpoint for --resume is written so often while learning; 0: at every update",
           ""}};
}

Study::Study(Options its_options, Progress& progress) : options(std::move(its_options)) {
  if (!options.model.empty()) adopt_model_configuration();
  Configuration& c = options.configuration;
  text_ = c.resolve(text_parameters(), "text.");
  world_ = c.resolve(world_parameters(), "world.");
  learning_ = LearningSettings::from(c.resolve(LearningSettings::parameters(), "learning."));
  record_ = RecordSettings::from(c.resolve(RecordSettings::parameters(), "record."));
  streams_ = world_.integer("streams");
  interval_ = learning_.interval;
  checkpoint_seconds_ = c.resolve(checkpoint_parameters(), "learning.").real("checkpoint_seconds");
  const Index limit = c.resolve(amount_parameters(), "world.").integer("tokens");
  device = make_device<float>(options.device);
  {                                          // every key is checked before anything is read: a mistyped one must not cost minutes
    const std::vector<double> few(2, -1.0);  // a vocabulary of two costs nothing
    build_hierarchy<float>(c, *device, few, 1, 1, options.seed);
    c.check_all_read();
  }
  read_documents(progress);
  training = thinned(std::move(training), limit);
}

void Study::adopt_model_configuration() {
  const auto notes = read_notes(options.model);
  const auto found = notes.find("config");
  if (found == notes.end()) throw FileError(options.model, "config", "holds no configuration; train it again with this version");
  std::istringstream lines(found->second);
  std::string kept;
  for (std::string line; std::getline(lines, line);)
    if (is_of_model(line)) kept += line + "\n";
  options.configuration.adopt(kept, options.model);
}

void Study::take_tokenizer(const std::vector<std::int32_t>& documents, Progress& progress) {
  const std::string& known = options.model.empty() ? options.vocabulary_from : options.model;
  if (known.empty()) {
    progress.say("learning a vocabulary of " + std::to_string(text_.integer("vocabulary")) + " tokens from " +
                 std::to_string(documents.size()) + " documents");
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

void Study::read_documents(Progress& progress) {
  if (options.text.empty() && options.held_out.empty())
    throw ConfigError("--text", "", "no text given; name a file or a folder of UTF-8 .txt files, as in --text novels/");
  const auto corpus_options = text::corpus_options(text_);
  const auto note_inputs = [&](const text::Corpus& read) {
    for (const auto& source : read.sources) inputs.push_back(input_file(source.path));
  };
  if (!options.text.empty()) {
    corpus = text::read_corpus(options.text, corpus_options);
    note_inputs(corpus);
  }
  if (!options.held_out.empty()) {
    held_out_corpus = text::read_corpus(options.held_out, corpus_options);
    note_inputs(held_out_corpus);
  }
  if (options.model.empty() && options.text.empty()) throw ConfigError("--text", "", "training needs a text, or give a trained --model");
  text::HoldOut split;
  if (!options.text.empty() && options.held_out.empty()) split = text::hold_out_tenth(corpus);
  if (!options.text.empty() && !options.held_out.empty()) split.training = text::all_documents(corpus);
  take_tokenizer(split.training, progress);
  training = tokenizer->encode(corpus, split.training);
  held_out = options.held_out.empty() ? tokenizer->encode(corpus, split.held_out)
                                      : tokenizer->encode(held_out_corpus, text::all_documents(held_out_corpus));
  if (options.model.empty()) {
    text::require_tokens(corpus, training, fewest_training_tokens);
    log_unigram = text::log_unigram(text::count_tokens(training, vocabulary()));
  }
  foreign_given = !options.foreign.empty();
  if (foreign_given) {
    foreign.corpus = text::read_corpus(options.foreign, corpus_options);
    note_inputs(foreign.corpus);
    foreign.encoded = tokenizer->encode(foreign.corpus, text::all_documents(foreign.corpus));
  }
}

std::unique_ptr<Hierarchy<float>> Study::make_hierarchy(Index streams) {
  return build_hierarchy<float>(options.configuration, *device, log_unigram, streams, interval_, options.seed);
}

std::unique_ptr<Hierarchy<float>> Study::load_hierarchy(const std::string& model, Index streams) {
  auto hierarchy = make_hierarchy(streams);
  load(model, [&](Archive& archive) {
    Archive::Scope scope(archive, "parameters");
    hierarchy->archive_parameters(archive);
  });
  return hierarchy;
}

void Study::archive_model(Archive& archive, Hierarchy<float>& hierarchy) {
  {
    Archive::Scope scope(archive, "vocabulary");
    auto bytes = tokenizer->to_bytes();
    archive.value("tokenizer", bytes);
    archive.value("log_unigram", log_unigram);
  }
  Archive::Scope scope(archive, "parameters");
  hierarchy.archive_parameters(archive);
}

Provenance Study::provenance() const {
  Provenance p = build_provenance();
  p.device = device->name();
  p.isa = device->isa();
  p.threads = options.device.threads;
  p.seed = static_cast<std::int64_t>(options.seed);
  p.created = utc_now();
  return p;
}

std::string Study::configuration_text() const {
  std::istringstream lines(options.configuration.to_ini());
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    bool path = false;
    for (const char* key : {"run.text ", "run.held_out ", "run.foreign ", "run.model "}) path = path || line.rfind(key, 0) == 0;
    if (!path) kept += line + "\n";
  }
  return kept;
}

std::map<std::string, std::string> Study::notes() const {
  auto notes = attributes_of(provenance());
  notes["config"] = configuration_text();
  notes["inputs"] = to_json(inputs);
  return notes;
}

std::vector<TraceAttribute> Study::trace_attributes(const std::string& experiment) const {
  std::vector<TraceAttribute> attributes{{"experiment", experiment}, {"config", configuration_text()}, {"inputs", to_json(inputs)}};
  for (const auto& [name, value] : attributes_of(provenance())) attributes.push_back({name, value});
  return attributes;
}

}  // namespace strata
