// What a text, and how much of it is read, is asked for by: keys text.* and world.*.

#include <cmath>

#include "core/error.hpp"
#include "experiments/worlds/text/text_world.hpp"

namespace strata {

namespace {

Parameter word(const std::string& name, const ParameterValue& fallback, std::vector<std::string> choices, const std::string& help,
               const std::string& source) {
  Parameter parameter;
  parameter.name = name;
  parameter.fallback = fallback;
  parameter.choices = std::move(choices);
  parameter.help = help;
  parameter.source = source;
  return parameter;
}

Parameter count(const std::string& name, std::int64_t fallback, double minimum, double maximum, const std::string& unit,
                const std::string& help) {
  Parameter parameter;
  parameter.name = name;
  parameter.fallback = fallback;
  parameter.minimum = minimum;
  parameter.maximum = maximum;
  parameter.unit = unit;
  parameter.help = help;
  return parameter;
}

}  // namespace

ParameterTable text_parameters() {
  return {
      word("language", std::string("auto"), {},
           "language whose rules part sentences: an ISO 639 code such as en, de, ko, ja, zh, or auto (from the dominant script)",
           "Unicode Standard Annex 29"),
      word("sentences", std::string("auto"), {"auto", "icu", "lines"},
           "where sentences end: icu, lines (one sentence per line), or auto (lines for *.sents.txt, else icu)", ""),
      word("tokenizer", std::string("bpe"), text::tokenizer_kinds(),
           "what a token is: a piece of a word, learned from the training text (bpe, unigram), what white space parts (words), a "
           "character, a byte",
           "Sennrich et al. 2016; Kudo 2018"),
      count("vocabulary", 8000, 2, 1e6, "tokens",
            "ids in all, with the separators and (bpe, unigram: at least 300) 256 bytes; fewer where the text has fewer; of words and "
            "characters the commonest, others are <unk>; bytes: always 256"),
      word("hold_out", std::string("every"), {"every", "last"},
           "what of the text is scored and not trained on where --held-out gives no other: every tenth document, or the last documents "
           "that hold a tenth of the bytes (a single document is cut in two at the end of a paragraph)",
           ""),
      word(
          "marks", std::string("all"), {"all", "none"},
          "none: words alone are read, without marks of lines, paragraphs and documents, and no level is told where a sentence, a paragraph or a "
          "document ends",
          "")};
}

ParameterTable world_parameters() {
  Parameter replay;
  replay.name = "replay";
  replay.fallback = 0.0;
  replay.minimum = 0;
  replay.maximum = .9;
  replay.unit = "1";
  replay.help =
      "part of the streams that read again, in training, documents that have been read to their end; they add to the tokens of a pass";
  replay.source = "McClelland et al. 1995";
  return {
      count("streams", 32, 1, 4096, "1",
            "documents read side by side; in training a longer one than its share of the tokens is read in parts"),
      count("passes", 1, 1, 1000, "1", "times the training text is read"),
      word("shuffle", true, {}, "deal the documents in a new order every pass; false: in the order given", ""),
      word(
          "scales", std::string(""), {},
          "multi-scale training: comma-separated lengths at which the whole text is read side by side, each by its part of the streams, in pieces of so many "
          "tokens (0: whole documents); empty: whole documents alone",
          ""),
      replay};
}

namespace text {

CorpusOptions corpus_options(const Values& text) { return {text.text("language"), text.text("sentences")}; }

TokenizerOptions tokenizer_options(const Values& text, std::uint64_t seed) {
  TokenizerOptions options;
  options.kind = text.text("tokenizer");
  options.vocabulary = text.integer("vocabulary");
  options.seed = seed;
  return options;
}

TextWorldOptions text_world_options(const Values& world, std::uint64_t seed) {
  TextWorldOptions options{world.integer("streams"), world.integer("passes"), world.flag("shuffle"), seed, false, {}, world.real("replay")};
  for (const double length : real_list("world.scales", world.text("scales"), 0, 1e12)) {
    if (length != std::floor(length)) throw ConfigError("world.scales", world.text("scales"), "are whole numbers of tokens");
    options.scales.push_back(static_cast<Index>(length));
  }
  const auto groups = std::max<Index>(1, static_cast<Index>(options.scales.size()));
  if (groups > options.streams)
    throw ConfigError("world.scales", world.text("scales"), "needs a stream for each of its lengths (world.streams)");
  if (options.replay > 0 && std::llround(options.replay * static_cast<double>(options.streams / groups)) == 0)
    throw ConfigError("world.replay", to_text(options.replay),
                      "is less than one of the " + std::to_string(options.streams / groups) + " streams that read at one length");
  return options;
}

}  // namespace text
}  // namespace strata
