// What counting reaches on the same documents: n-gram models, a cache of recent words, and both going on learning. No hierarchy is trained.
//
// Design    modified Kneser-Ney of each order counts the training documents and reads the held-out ones, in order: once as it is, once
//           learning every token after scoring it; each time alone and beside a cache that starts empty in each document. The cache's
//           weight and time constant are those that score best on the last tenth of the training tokens (documents that begin there, or
//           the end of the last) beside a model of the rest, for each order and way of reading; held-out text decides nothing
// Measures  perplexity, nats per token, bits per byte; what was chosen
// Limit     Penn Treebank as running text, validation: perplexity 157.9, 149.8, 147.7 at orders 3, 4, 5
// Source    kneser_ney.hpp, cache.hpp

#include <array>
#include <cmath>
#include <cstdio>

#include "core/error.hpp"
#include "experiments/cache.hpp"
#include "experiments/experiment.hpp"
#include "experiments/kneser_ney.hpp"
#include "experiments/scoring.hpp"

namespace strata {

Experiment baselines_experiment();

namespace {

constexpr double nothing_read = -1;  // stands where a cache is empty

ParameterTable parameters() {
  return {
      {"orders", std::string("3, 4, 5, 7"), 0, 0, {}, "tokens", "lengths of the longest n-grams, each up to 8", ""},
      {"begin",
       std::string("auto"),
       0,
       0,
       {"auto", "sentence", "document"},
       "",
       "where histories begin anew: sentence, document, or auto (sentence where a text has one sentence per line)",
       ""},
      {"time_constants",
       std::string("50, 100, 200, 400, 800, 1600, 3200"),
       0,
       0,
       {},
       "tokens",
       "of caches that are tried",
       "Kuhn & De Mori 1990"},
  };
}

std::vector<int> orders_of(const Values& v) {
  std::vector<int> orders;
  for (const double n : real_list("baselines.orders", v.text("orders"), 1, KneserNey::highest_order)) {
    if (n != std::trunc(n)) throw ConfigError("baselines.orders", v.text("orders"), "must be whole numbers");
    orders.push_back(static_cast<int>(n));
  }
  if (orders.empty()) throw ConfigError("baselines.orders", "", "must be whole numbers from 1 to 8, such as 3, 5");
  return orders;
}

/// Per document its words, with the begin symbol wherever histories begin anew.
using Words = std::vector<std::vector<std::int32_t>>;

struct Place {
  std::size_t document = 0, word = 0;
};

/// Calls word(document, history, id) for everything from `from` on and before `to`.
template <class Word>
void for_each_word(const Words& words, Place from, Place to, const Word& word) {
  for (std::size_t d = from.document; d < words.size() && d <= to.document; ++d) {
    const std::span<const std::int32_t> all(words[d]);
    const std::size_t end = d == to.document ? to.word : all.size();
    for (std::size_t i = d == from.document ? from.word : 0; i < end; ++i)
      if (all[i] != KneserNey::begin) word(d, all.first(i), all[i]);
  }
}

Place end_of(const Words& words) { return {words.size(), 0}; }

Index count_words(const Words& words, Place from, Place to) {
  Index count = 0;
  for_each_word(words, from, to, [&](std::size_t, auto, std::int32_t) { ++count; });
  return count;
}

/// Where the last tenth of the words begins: at the first document that begins behind nine tenths, or within the last.
Place last_tenth(const Words& words) {
  const Index all = count_words(words, {}, end_of(words)), wanted = all - all / 10;
  Index seen = 0;
  Place place;
  for_each_word(words, {}, end_of(words), [&](std::size_t d, std::span<const std::int32_t> history, std::int32_t) {
    if (seen++ <= wanted) place = {d, history.size()};
  });
  if (place.word <= 1) return {place.document, 0};
  return place.document + 1 < words.size() ? Place{place.document + 1, 0} : place;
}

/// Separators behind the end of a sentence belong to it: a line's end is foretold by the line.
Words words_of(const std::vector<text::EncodedDocument>& documents, const text::Corpus& corpus, const TextStudy& study,
               const std::string& begin) {
  const auto separates = [&](std::int32_t id) {
    return id == study.tokenizer->line_end() || id == study.tokenizer->end_of_paragraph() || id == study.tokenizer->end_of_document();
  };
  Words words;
  for (const auto& document : documents) {
    const bool lines = corpus.sources[static_cast<std::size_t>(document.source)].line_sentences;
    const bool sentences = begin == "sentence" || (begin == "auto" && lines);
    std::vector<std::int32_t> its{KneserNey::begin};
    bool ended = false;
    for (std::size_t i = 0; i < document.ids.size(); ++i) {
      const std::int32_t id = document.ids[i];
      if (ended && !separates(id)) {
        its.push_back(KneserNey::begin);
        ended = false;
      }
      its.push_back(id);
      ended = ended || (sentences && (document.boundary[i] & sentence_end) != 0);
    }
    words.push_back(std::move(its));
  }
  return words;
}

/// What a cache gives every word from `from` on; it starts empty in each document.
std::vector<double> cached(const Words& words, Place from, Index vocabulary, double time_constant) {
  UnigramCache cache(vocabulary, {time_constant, 0});
  std::vector<double> p;
  std::size_t at = from.document;
  bool empty = true;
  for_each_word(words, from, end_of(words), [&](std::size_t d, auto, std::int32_t id) {
    if (d != at) {
      cache.clear();
      empty = true;
      at = d;
    }
    p.push_back(empty ? nothing_read : cache.probability(id));
    cache.read(id);
    empty = false;
  });
  return p;
}

double beside(double model, double cache, double weight) { return cache < 0 ? model : (1 - weight) * model + weight * cache; }

double nats(const std::vector<double>& model, const std::vector<double>& cache, double weight) {
  double sum = 0;
  for (std::size_t i = 0; i < model.size(); ++i) sum -= std::log(beside(model[i], cache[i], weight));
  return sum;
}

/// The weight of a cache that scores best beside a model: the score is concave in it, so that the sign of its slope tells the way.
double best_weight(const std::vector<double>& model, const std::vector<double>& cache) {
  double low = 0, high = 1;
  for (int halving = 0; halving < 10; ++halving) {
    const double weight = (low + high) / 2;
    double slope = 0;
    for (std::size_t i = 0; i < model.size(); ++i)
      if (cache[i] >= 0) slope += (cache[i] - model[i]) / beside(model[i], cache[i], weight);
    (slope > 0 ? low : high) = weight;
  }
  return (low + high) / 2;
}

struct Choice {
  double weight = 0, nats = 0;
  std::size_t cache = 0;  ///< which
};

Choice choose(const std::vector<double>& model, const std::vector<std::vector<double>>& caches) {
  Choice best;
  for (std::size_t i = 0; i < caches.size(); ++i) {
    const double weight = best_weight(model, caches[i]), its = nats(model, caches[i], weight);
    if (i == 0 || its < best.nats) best = {weight, its, i};
  }
  return best;
}

constexpr std::array<const char*, 2> ways{"static", "learning"};

/// Everything that one order's model says, and what was chosen beside it.
struct OrderResult {
  std::array<std::vector<double>, 2> held_out;  // per way of reading: what each word was given
  std::array<Choice, 2> choice;
  std::int64_t ngrams = 0, bytes = 0;
};

class Comparison {
 public:
  explicit Comparison(Bench& bench) : bench_(bench), study_(bench.text()) {
    const std::string begin = bench.values.text("begin");
    training_ = words_of(study_.training, study_.corpus, study_, begin);
    held_out_ = words_of(study_.held_out, study_.scored_corpus(), study_, begin);
    cut_ = last_tenth(training_);
    time_constants_ = real_list("baselines.time_constants", bench.values.text("time_constants"), 1, 1e9);
    if (time_constants_.empty()) throw ConfigError("baselines.time_constants", "", "must be numbers of tokens, such as 100, 1000");
    bench.progress.say("recent words");
    for (const double tau : time_constants_) {
      tried_.push_back(cached(training_, cut_, study_.vocabulary(), tau));
      caches_.push_back(cached(held_out_, {}, study_.vocabulary(), tau));
    }
  }

  OrderResult run(int order) {
    const Index all = count_words(training_, {}, end_of(training_)), tenth = count_words(training_, cut_, end_of(training_)),
                scored = count_words(held_out_, {}, end_of(held_out_));
    bench_.progress.begin("order " + std::to_string(order), all + tenth + 2 * scored);
    done_ = 0;
    OrderResult result;
    KneserNey model(order, study_.vocabulary());
    pass(model, training_, {}, cut_, true, nullptr);
    model.finish();
    // The last tenth, learned while it is read, leaves the counts of all; the discounts follow.
    for (std::size_t way = 0; way < ways.size(); ++way) {
      std::vector<double> p;
      pass(model, training_, cut_, end_of(training_), way == 1, &p);
      result.choice[way] = choose(p, tried_);
    }
    model.finish();
    result.ngrams = static_cast<std::int64_t>(model.ngrams());
    result.bytes = static_cast<std::int64_t>(model.bytes());
    for (std::size_t way = 0; way < ways.size(); ++way) pass(model, held_out_, {}, end_of(held_out_), way == 1, &result.held_out[way]);
    bench_.progress.update(done_);
    bench_.progress.end();
    return result;
  }

  const std::vector<double>& cache(const Choice& choice) const { return caches_[choice.cache]; }
  double time_constant(const Choice& choice) const { return time_constants_[choice.cache]; }
  /// Where histories begin anew: "sentence" where they do within any document.
  const char* begin() const {
    for (const Words* words : {&training_, &held_out_})
      for (const auto& document : *words)
        for (std::size_t i = 1; i < document.size(); ++i)
          if (document[i] == KneserNey::begin) return "sentence";
    return "document";
  }

 private:
  /// Reads: `guesses`, where given, gets what the model gave each word; then the word is learned if `learns`.
  void pass(KneserNey& model, const Words& words, Place from, Place to, bool learns, std::vector<double>* guesses) {
    for_each_word(words, from, to, [&](std::size_t, std::span<const std::int32_t> history, std::int32_t id) {
      if (guesses != nullptr) guesses->push_back(model.probability(history, id));
      if (learns) model.learn(history, id);
      if (++done_ % 1024 != 0) return;
      if (interrupted()) throw Interrupted("nothing of this experiment is kept; run it again");
      bench_.progress.update(done_);
    });
  }

  Bench& bench_;
  TextStudy& study_;
  Words training_, held_out_;
  Place cut_;  // the last tenth of training_
  std::vector<double> time_constants_;
  std::vector<std::vector<double>> tried_, caches_;  // per time constant: what the cache gives the words behind cut_, and held-out words
  Index done_ = 0;
};

/// Sets the scores and returns the table's cells.
std::string score(Summary& into, double total_nats, double tokens, double bytes) {
  const double per_token = total_nats / tokens;
  into.set("perplexity", std::exp(per_token)).set("nats_per_token", per_token);
  char text[80], bits[32] = "-";
  if (bytes > 0) {
    into.set("bits_per_byte", total_nats / std::log(2.0) / bytes);
    std::snprintf(bits, sizeof bits, "%.4f", total_nats / std::log(2.0) / bytes);
  }
  std::snprintf(text, sizeof text, " %11.2f %10.4f %9s", std::exp(per_token), per_token, bits);
  return text;
}

void report(Findings& findings, std::size_t index, int order, const OrderResult& found, const Comparison& comparison, double bytes) {
  Summary& s = findings.summary.item("orders", index);
  s.set("order", order).set("ngrams", found.ngrams).set("count_bytes", found.bytes);
  for (std::size_t way = 0; way < ways.size(); ++way) {
    const std::vector<double>& p = found.held_out[way];
    const Choice& choice = found.choice[way];
    const std::vector<double>& cache = comparison.cache(choice);
    const auto tokens = static_cast<double>(p.size());
    char text[80];
    std::snprintf(text, sizeof text, "%5d %-9s", order, ways[way]);
    findings.table += text + score(s.section(ways[way]), nats(p, cache, 0), tokens, bytes) + "  ";
    Summary& both = s.section(std::string(ways[way]) + "_cache");
    findings.table += score(both, nats(p, cache, choice.weight), tokens, bytes);
    both.set("cache_weight", choice.weight).set("cache_time_constant", comparison.time_constant(choice));
    std::snprintf(text, sizeof text, " %8.3f %8.0f\n", choice.weight, comparison.time_constant(choice));
    findings.table += text;
  }
}

Findings run(Bench& bench) {
  TextStudy& study = bench.text();
  const std::vector<int> orders = orders_of(bench.values);
  if (study.training.empty()) throw ConfigError("--text", "", "baselines counts a training text; name one beside --held-out");
  Comparison comparison(bench);
  const double bytes = comparable_bytes(study);
  const auto tokens = text::total_tokens(study.held_out);
  Findings findings;
  Summary& s = findings.summary;
  s.set("begin", comparison.begin())
      .set("held_out_tokens", tokens)
      .set("held_out_bytes", held_out_bytes(study))
      .set("unigram_nats", unigram_nats(study));
  char text[400];
  std::snprintf(text, sizeof text,
                "held out: %lld tokens of %zu documents   unigram %.4f nats   histories begin anew at every %s\n"
                "the cache's weight and time constant were chosen on the last tenth of the training text\n\n"
                "                           alone                       with a cache of recent words\n"
                "order           perplexity nats/token bits/byte   perplexity nats/token bits/byte   weight   tokens\n",
                static_cast<long long>(tokens), study.held_out.size(), unigram_nats(study), comparison.begin());
  findings.table = text;
  for (std::size_t i = 0; i < orders.size(); ++i) report(findings, i, orders[i], comparison.run(orders[i]), comparison, bytes);
  return findings;
}

}  // namespace

Experiment baselines_experiment() {
  return {"baselines",
          "what counting reaches on the held-out documents: modified Kneser-Ney, a cache of recent words, both learning as they read",
          "Perplexity, nats per token and bits per byte of n-gram models (experiments/kneser_ney.hpp) without and with a unigram cache\n"
          "(experiments/cache.hpp), static and going on learning while they read. No model is trained or needed.",
          parameters(),
          {{"orders", "3, 5"}},
          run,
          {"text"},
          false,
          false};
}

}  // namespace strata
