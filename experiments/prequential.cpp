// What a text costs a hierarchy that knows nothing of it: one pass, every token scored before it is learned from.
//
// Design    untrained weights and a uniform unigram; all documents of --text in order (those that other commands hold out, too), a few side
//           by side. Of the text's structure only the ends of documents are told, which the bytes before them say. What a configuration
//           drops out is dropped out here too: prequential.ini drops nothing. Beside it the mixture with n-grams and a cache that count as
//           they read. What the vocabulary had to be told is added: nothing for bytes, else its pieces as people see them (somewhat longer
//           than their bytes) by an n-gram model that learns as it reads them. Not charged: the text's length, by which the rate falls.
//           Schedules of training, cures, dynamic depth and further passes are refused
// Measures  bits per byte of the whole and of each tenth of its documents; nats per token
// Limit     a uniform forecast of bytes costs 8 bits
// Source    Dawid 1984, J. R. Statist. Soc. A 147 (prequential score); as a code, Rissanen 1984, IEEE Trans. Inf. Theory 30

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/error.hpp"
#include "experiments/experiment.hpp"
#include "experiments/scoring.hpp"

namespace strata {

Experiment prequential_experiment();

namespace {

constexpr int spelling_order = 4;
constexpr std::int32_t spelling_end = 256;  // behind a piece's bytes

ParameterTable parameters() {
  return {
      {"streams", std::int64_t{8}, 1, 4096, {}, "1", "documents read side by side; each learns from the others", ""},
      {"order", std::int64_t{6}, 1, KneserNey::highest_order, {}, "tokens", "longest n-gram of the experts", "Kneser & Ney 1995"},
      {"cache_time", 200.0, 1, 1e9, {}, "tokens", "time constant of the experts' cache", "Kuhn & De Mori 1990"},
  };
}

/// Every document of --text, in the order of the text. Where a sentence or a paragraph ends is found by what follows, which has not been read:
/// levels tick by their counts.
std::vector<text::EncodedDocument> all_documents(TextStudy& study) {
  std::vector<text::EncodedDocument> all = study.training;
  all.insert(all.end(), study.held_out.begin(), study.held_out.end());
  for (auto& document : all)
    for (auto& bits : document.boundary) bits &= document_end;
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.index < b.index; });
  return all;
}

/// Bits that spell the vocabulary, piece by piece in the order of ids.
double vocabulary_bits(const TextStudy& study, const std::string& kind) {
  if (kind == "bytes") return 0;
  KneserNey spelling(spelling_order, spelling_end + 1);
  spelling.finish();
  std::vector<std::int32_t> history{KneserNey::begin};
  double nats = 0;
  const auto spell = [&](std::int32_t symbol) {
    nats -= std::log(spelling.probability(history, symbol));
    spelling.learn(history, symbol);
    history.push_back(symbol);
  };
  for (std::int32_t id = 0; id < study.vocabulary(); ++id) {
    for (const char byte : study.tokenizer->piece(id)) spell(static_cast<unsigned char>(byte));
    spell(spelling_end);
    history.erase(history.begin(), history.end() - 1);
  }
  double bits = nats / std::log(2.0);
  if (kind == "unigram") bits += 16 * static_cast<double>(study.vocabulary());  // its pieces' scores, which cutting a text asks for
  return bits;
}

/// Bits per byte of each tenth of the documents' bytes.
std::vector<double> by_tenths(const std::vector<text::EncodedDocument>& documents, const std::vector<double>& nats, double bytes) {
  std::vector<double> bits(10, 0), size(10, 0);
  double read = 0;
  for (std::size_t d = 0; d < documents.size(); ++d) {
    const auto its = static_cast<double>(documents[d].starts.back() - documents[d].starts.front());
    const auto tenth = std::min<std::size_t>(9, static_cast<std::size_t>(10 * (read + its / 2) / bytes));
    bits[tenth] += nats[d] / std::log(2.0);
    size[tenth] += its;
    read += its;
  }
  std::vector<double> rates;
  for (std::size_t k = 0; k < bits.size(); ++k)
    if (size[k] > 0) rates.push_back(bits[k] / size[k]);
  return rates;
}

/// One pass, an update after every few tokens: what else training can do is not done here, and who asks for it is told.
void require_plain_reading(const TextStudy& study) {
  const auto keys = study.options.configuration.resolved();
  for (const auto& [key, plain] : {std::pair{"learning.curriculum", "none"},
                                   {"learning.own_ticks", "0"},
                                   {"learning.lightness", "1"},
                                   {"monitor.cure", "false"},
                                   {"growth.dynamic", "false"},
                                   {"world.passes", "1"},
                                   {"world.scales", ""},
                                   {"world.replay", "0"}})
    if (keys.at(key) != plain)
      throw ConfigError(key, keys.at(key), "belongs to training; prequential reads a text once and learns as it reads, without it");
}

Findings run(Bench& bench) {
  TextStudy& study = bench.text();
  require_plain_reading(study);
  if (!study.held_out_corpus.documents.empty())
    throw ConfigError("--held-out", study.options.held_out.front(), "nothing is held out here: every text to read goes to --text");
  study.held_out = all_documents(study);
  study.training.clear();
  const double bytes = comparable_bytes(study), vocabulary = static_cast<double>(study.vocabulary());
  const std::string kind = study.options.configuration.resolved().at("text.tokenizer");
  if (bytes == 0) throw ConfigError("text.tokenizer", kind, "does not spell every byte of this text; take bytes, bpe or unigram");
  study.log_unigram.assign(study.log_unigram.size(), -std::log(vocabulary));
  const Index streams = std::min(bench.values.integer("streams"), static_cast<Index>(study.held_out.size()));
  auto hierarchy = study.make_hierarchy(streams);

  KneserNey ngrams(static_cast<int>(bench.values.integer("order")), study.vocabulary());
  ngrams.finish();
  ExpertPanel::Settings settings;
  settings.cache_time_constant = bench.values.real("cache_time");
  settings.learning = true;
  ExpertPanel panel(settings, std::move(ngrams), streams);
  ScoringOptions options;
  options.broad = false;
  options.what = "reading and learning";
  options.plastic = study.learning();
  options.fresh = true;
  options.experts = &panel;
  const Scores scores = score_held_out(study, *hierarchy, options, bench.progress);

  const double charged = vocabulary_bits(study, kind);
  Findings findings;
  Summary& s = findings.summary;
  s.set("tokens_read", scores.documents.total_tokens())
      .set("bytes", bytes)
      .set("vocabulary_bits", charged)
      .set("reading_seconds", scores.seconds);
  char line[200];
  std::snprintf(line, sizeof line, "%.0f bytes as %.0f tokens, one pass in %.0f s; the vocabulary costs %.4f bits per byte\n\n", bytes,
                scores.documents.total_tokens(), scores.seconds, charged / bytes);
  findings.table = line;
  const auto report = [&](Summary& into, const char* name, const DocumentScores& read) {
    const double bits = (read.total_nats() / std::log(2.0) + charged) / bytes;
    const std::vector<double> tenths = by_tenths(study.held_out, read.nats, bytes);
    into.set("bits_per_byte", bits).set("nats_per_token", read.nats_per_token()).set("bits_per_byte_by_tenth", tenths);
    std::snprintf(line, sizeof line, "%-22s %.4f bits/byte   by tenths of the text:", name, bits);
    findings.table += line;
    for (const double rate : tenths) {
      std::snprintf(line, sizeof line, " %.3f", rate);
      findings.table += line;
    }
    findings.table += "\n";
  };
  report(s, "hierarchy", scores.documents);
  report(s.section("experts"), "  with experts", scores.mixture);
  s.set("document_nats", scores.documents.nats);
  s.set("parameters", static_cast<std::int64_t>(hierarchy->parameter_count()));
  if (const Index sparse = hierarchy->level(0).sparse_parameters(); sparse > 0)
    s.set("sparse_parameters", static_cast<std::int64_t>(sparse));
  return findings;
}

}  // namespace

Experiment prequential_experiment() {
  return {
      "prequential",
      "what a text costs a hierarchy that knows nothing of it: one pass, every token scored before it is learned from",
      "Bits per byte of a whole text, the vocabulary's cost included, as a compressor's: by the hierarchy alone, and mixed with n-grams and\n"
      "a cache that count as they read. No model is trained before or needed; all documents of --text are read. Schedules of training, cures,\n"
      "dynamic depth and more than one pass are refused.",
      parameters(),
      {},
      run,
      {"text"},
      false,
      false};
}

}  // namespace strata
