// The situation level's parameters and what a level's position makes of their defaults.

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "levels/registry.hpp"
#include "levels/situation.hpp"

namespace strata {

LevelKind situation_kind();

namespace {

/// Defaults by position: the ladder of model A for documents of some thousand words.
struct Rung {
  double tau, spread, carry_time;
  Index limit, interval;
  const char* unit;
};

Rung rung(Index index) {
  if (index <= 1) return {5, 3, 20, 60, 16, "sentence"};
  if (index == 2) return {40, 2.5, 80, 300, 32, "paragraph"};
  const double up = std::pow(7.0, static_cast<double>(index - 3));
  return {250 * up, 2.8, 300 * up, 2000, 32, "document"};
}

/// A unit of the text: what ends it, what ends it or a larger one, and which saturation its recency has.
struct Unit {
  std::uint8_t end, boundaries;
  std::size_t saturation;
};

Unit unit_of(const std::string& name) {
  if (name == "sentence") return {sentence_end, sentence_end | paragraph_end | document_end, 0};
  if (name == "found") return {found_end, static_cast<std::uint8_t>(found_end | document_end), 1};
  if (name == "paragraph") return {paragraph_end, paragraph_end | document_end, 1};
  return {document_end, document_end, 2};
}

void refuse(Index index, const char* key, const Values& values, const std::string& why) {
  throw ConfigError(level_key(index, key), to_text(values.real(key)), why);
}

/// What each key allows by itself may not go together.
void require_possible(const SituationSettings& s, const Values& v) {
  const auto& found = s.segmentation;
  if (found.on && found.beginning > found.window)
    refuse(s.index, "segment_beginning", v, "must be at most segment_window, " + std::to_string(found.window));
  if (found.on && found.every <= static_cast<double>(found.window) / 2 + 1)
    refuse(s.index, "segment_every", v,
           "must be more than half of segment_window, " + std::to_string(found.window) + ": ends are further apart than that");
  if (s.gate.on && s.gate.words && (s.gate.window > static_cast<double>(most_words_compared) || s.gate.window != std::floor(s.gate.window)))
    refuse(s.index, "gate_window", v,
           "must be a whole number of words up to " + std::to_string(most_words_compared) + " where gate_by=words");
  if (s.gate.on && s.gate.words) {
    const std::int64_t window = std::llround(s.gate.window);
    const double most = WordChange::highest(window, windows_compared * window);
    if (s.gate.threshold >= most)
      refuse(s.index, "gate_threshold", v,
             "could never be passed: by words, a window of " + std::to_string(window) + " says at most " +
                 to_text(std::floor(100 * most) / 100) + " nats; take a wider gate_window or a lower threshold");
  }
  if (s.gate.on && !s.gate.words && s.broad.weight == 0)
    refuse(s.index, "broad_weight", v, "leaves the broad prediction unlearned, by which the gate opens; take gate_by=words");
}

/// What the level stands for, when it ticks and what it remembers.
ParameterTable memory_parameters(const Rung& r) {
  const SituationSettings d;
  return {
      {"tau", r.tau, .5, 1e7, {}, "tokens", "shorter time constant of the level's memory", "model A"},
      {"spread", r.spread, 1, 1000, {}, "1", "ratio of the longer time constant to the shorter", "model A"},
      {"learn_tau", d.time_scales.learned, 0, 1, {}, "", "both time constants are learned, by what they do to the next token", "model A"},
      {"tau_band", d.time_scales.band, 1, 1e9, {}, "1", "learned time constants stay within this factor of where they began", ""},
      {"tau_rate", d.time_scales.rate, 0, 1e3, {}, "1", "learning rate of ln tau, times learning.rate", ""},
      {"unit",
       std::string(r.unit),
       0,
       0,
       {"sentence", "paragraph", "document", "found"},
       "",
       "the text's unit that the level stands for: it ticks at its end and expects the words of the next; found: it finds "
       "the ends itself, from its surprise and from words that change",
       "model A"},
      {"tick", std::int64_t{0}, 0, 1e6, {}, "tokens", "tokens between two settlings; 0: a eighth of tau, rounded up", "model A"},
      {"activation_threshold",
       d.activation_threshold,
       0,
       1e9,
       {},
       "1",
       "theta, a tick is left out while the errors since the last are less than so many times what usual ones add up to in a tick; 0: none is",
       "Miskowicz 2006"},
      {"feed", std::string("level"), 0, 0, {"level", "token"}, "", "what the memory integrates: the level below, or words", "model A"},
      {"forgets", d.forgets, 0, 1, {}, "", "the memory is cleared at a document's end", ""},
  };
}

ParameterTable carry_parameters(const Rung& r) {
  const SituationSettings d;
  return {
      {"carry", d.carry, 0, 1, {}, "", "what settling found persists, by the innovation rule", "Mehra 1970"},
      {"carry_time", r.carry_time, .5, 1e7, {}, "tokens", "ct, time constant of what is carried", "model A"},
      {"carry_rate", d.carry_rate, 0, 1, {}, "1/token", "eta, learning rate of the gain", "model A"},
  };
}

ParameterTable gate_parameters(Index index) {
  const SituationSettings d;
  const double window = std::pow(2.0, static_cast<double>(index + 2));
  return {
      {"gate", d.gate.on, 0, 1, {}, "", "evidence against the level's prediction opens its memory", "model A"},
      {"gate_by",
       std::string("prediction"),
       0,
       0,
       {"prediction", "words"},
       "",
       "the gate's evidence: words worse predicted than usual, or unlike those before",
       "levels/gate.hpp"},
      {"gate_window", window, 1, 1e6, {}, "tokens", "W, window over which evidence gathers", "Page 1954"},
      {"gate_threshold", d.gate.threshold, 0, 100, {}, "1", "theta, in standard deviations; by words in nats", "model A"},
  };
}

/// How a level finds the ends of its unit itself.
ParameterTable segmentation_parameters(const Rung& r) {
  const SegmentationSettings d;
  return {
      {"segment_window",
       d.window,
       2,
       static_cast<double>(most_words_compared),
       {},
       "tokens",
       "unit found: words on either side of an end, whose difference tells of it",
       "levels/segmentation.hpp"},
      {"segment_beginning",
       d.beginning,
       1,
       static_cast<double>(most_words_compared),
       {},
       "tokens",
       "unit found: how many of them may tell how situations begin",
       "levels/segmentation.hpp"},
      {"segment_every",
       std::max(4 * r.tau, 2 * static_cast<double>(d.window)),
       2,
       1e9,
       {},
       "tokens",
       "unit found: between two ends; the level holds its threshold where that is so",
       "Robbins & Monro 1951"},
  };
}

/// The belief at a tick, what is handed up of it, and what it teaches.
ParameterTable belief_parameters() {
  const SituationSettings d;
  return {
      {"precision", d.precision, 1e-6, 1e9, {}, "1", "pi, precision of the level's belief", "model A"},
      {"dropout", d.dropout, 0, .95, {}, "1", "part of the activity dropped while learning", "Srivastava et al. 2014"},
      {"feed_belief", d.feed_belief, 0, 100, {}, "1", "c_f, scale of the belief handed up", "model A"},
      {"feed_innovation", d.feed_innovation, 0, 100, {}, "1", "c_d, scale of the innovation handed up", "model A"},
      {"eligibility",
       std::string("sampled"),
       0,
       0,
       {"sampled", "exact", "off"},
       "",
       "word vectors behind the memory: 6 newest words and every 8th, all, none",
       "Bellec et al. 2020"},
  };
}

ParameterTable broad_parameters(const Rung& r) {
  const BroadSettings d;
  return {
      {"broad_weight", d.weight, 0, 100, {}, "1", "w, weight of the broad prediction in learning", "model A"},
      {"broad_from_above", false, 0, 1, {}, "", "the broad prediction builds on that of a situation level above", ""},
      {"broad_cache",
       d.cache,
       0,
       .99,
       {},
       "1",
       "m, part of the words just read in what the broad prediction starts from, at first and after a time constant of them (100 at most); 0: none",
       "Kuhn & De Mori 1990"},
      {"broad_interval", std::int64_t{r.interval}, 1, 1e6, {}, "tokens", "tokens between two broad predictions at least", "model A"},
      {"broad_limit", std::int64_t{r.limit}, 1, 1e6, {}, "tokens", "tokens that a broad prediction reaches ahead at most", "model A"},
  };
}

}  // namespace

ParameterTable SituationSettings::parameters(Index index) {
  const Rung r = rung(index);
  ParameterTable all;
  for (const ParameterTable& table : {memory_parameters(r), carry_parameters(r), gate_parameters(index), segmentation_parameters(r),
                                      belief_parameters(), broad_parameters(r), term_parameters()})
    all.insert(all.end(), table.begin(), table.end());
  return all;
}

SituationSettings SituationSettings::from(Index index, const Values& v) {
  const Unit unit = unit_of(v.text("unit"));
  SituationSettings s;
  s.index = index;
  s.tau = v.real("tau");
  s.spread = v.real("spread");
  s.tick = v.integer("tick");
  s.time_scales.learned = v.flag("learn_tau");
  s.time_scales.band = v.real("tau_band");
  s.time_scales.rate = v.real("tau_rate");
  s.activation_threshold = v.real("activation_threshold");
  s.token_fed = v.text("feed") == "token";
  s.forgets = v.flag("forgets");
  s.carry = v.flag("carry");
  s.carry_time = v.real("carry_time");
  s.carry_rate = v.real("carry_rate");
  s.precision = v.real("precision");
  s.dropout = v.real("dropout");
  s.feed_belief = v.real("feed_belief");
  s.feed_innovation = v.real("feed_innovation");
  s.eligibility = v.text("eligibility") != "off";
  s.exact_eligibility = v.text("eligibility") == "exact";
  s.boundaries = unit.boundaries;
  s.segmentation = {unit.end == found_end, v.integer("segment_window"), v.integer("segment_beginning"), v.real("segment_every")};
  s.gate.on = v.flag("gate");
  s.gate.words = v.text("gate_by") == "words";
  s.gate.window = v.real("gate_window");
  s.gate.threshold = v.real("gate_threshold");
  s.broad.weight = v.real("broad_weight");
  s.broad.from_above = v.flag("broad_from_above");
  s.broad.cache = v.real("broad_cache");
  s.broad.interval = v.integer("broad_interval");
  s.broad.limit = v.integer("broad_limit");
  s.broad.unit = unit.end;
  s.broad.time_constant = s.tau * s.spread;
  s.broad.saturation = unit.saturation;
  s.terms = v;
  require_possible(s, v);
  return s;
}

template <class T>
double* SituationLevel<T>::dial(std::string_view key) {
  const std::pair<std::string_view, double*> dials[] = {{"dropout", &settings_.dropout},
                                                        {"precision", &settings_.precision},
                                                        {"feed_belief", &settings_.feed_belief},
                                                        {"feed_innovation", &settings_.feed_innovation}};
  for (const auto& [name, setting] : dials)
    if (name == key) return setting;
  return nullptr;
}
template double* SituationLevel<float>::dial(std::string_view);
template double* SituationLevel<double>::dial(std::string_view);

namespace {
template <class T>
std::unique_ptr<Level<T>> make(const LevelPlace<T>& p) {
  return std::make_unique<SituationLevel<T>>(p.device, p.lexicon, SituationSettings::from(p.index, p.values), p.inputs, p.above, p.depth,
                                             p.streams, p.interval, p.seed);
}
}  // namespace

LevelKind situation_kind() {
  return {"situation",
          "a slow belief about what the text is in the middle of: memory, carry, gate, broad prediction",
          SituationSettings::parameters,
          [](const Values&, Index hierarchy_units) { return hierarchy_units; },
          true,
          make<float>,
          make<double>};
}

}  // namespace strata
