// Construction and forgetting of context: how long a level takes to build one, and how long to let one go.
//
// Design    pairs of copies, learning off: with different documents behind them they read the same one from its start (twin); with one document
//           behind both they read different ones (parted)
// Measures  alignment and forgetting time, and their ratio (strata describe alignment)
// Beside it the same with a hierarchy trained on the text given whose memories are what the model's are not: of a fixed leak, or opened by
//           a gate on evidence that the situation changed. A fixed leak lets go no faster than it builds
// Limit     a leak of fixed time constant tau: both tau / 2 ln 2, ratio 1; so it is where each level's memory is fed with words. Where a level
//           reads what another one holds, past and text interact: a part of the belief is neither's alone, and the ratio lies below 1 by as much
// Source    Chien & Honey (2020), Neuron 106, 675

#include <algorithm>

#include "core/error.hpp"
#include "experiments/signatures.hpp"
#include "experiments/text_arms.hpp"
#include "experiments/worlds/text/passages.hpp"

namespace strata {

Experiment construction_experiment();

namespace {

ParameterTable parameters() {
  return {
      {"pairs", std::int64_t{90}, 2, 4096, {}, "pairs", "of copies", ""},
      {"history", std::int64_t{1000}, 50, 1e6, {}, "tokens", "read before time 0, at most", ""},
      {"context", std::int64_t{200}, 1, 1e6, {}, "tokens", "read before time 0, at least", ""},
      {"after", std::int64_t{1500}, 50, 1e6, {}, "tokens", "read from time 0 on, at most", ""},
      {"room", std::int64_t{400}, 1, 1e6, {}, "tokens", "read from time 0 on, at least", ""},
      control_parameter("a fixed leak where the model has a gate, a gate where it has none"),
  };
}

/// The text of the next pair that has no document in common with this one.
const text::EncodedDocument* other_text(const std::vector<text::Twin>& twins, std::size_t pair) {
  for (std::size_t k = 1; k < twins.size(); ++k) {
    const text::EncodedDocument* other = twins[(pair + k) % twins.size()].common;
    if (other != twins[pair].common && other != twins[pair].history_a) return other;
  }
  throw DataError("held-out text", 0,
                  "has no two documents that are long enough to be read from time 0 on; give more, or ask for less (construction.room)");
}

std::vector<Condition> conditions_of(const std::vector<text::Twin>& twins, Index after) {
  std::vector<Condition> conditions(3);
  conditions[0].name = "/";
  conditions[1].name = "twin";
  conditions[2].name = "parted";
  for (std::size_t p = 0; p < twins.size(); ++p) {
    text::Twin parted = twins[p];
    parted.common = other_text(twins, p);
    const text::Script scripts[] = {text::copy_a(twins[p], after), text::copy_b(twins[p], after), text::copy_a(parted, after)};
    const Index zero[] = {twins[p].end_a, twins[p].end_b, twins[p].end_a};
    for (std::size_t c = 0; c < 3; ++c) {
      conditions[c].reference = c == 0 ? "" : "/";
      conditions[c].scripts.push_back(scripts[c]);
      conditions[c].zero.push_back(zero[c]);
    }
  }
  return conditions;
}

bool gated(const TextStudy& study, Index depth) {
  const auto keys = study.options.configuration.resolved();
  for (Index l = 1; l < depth; ++l)
    if (const auto gate = keys.find(level_key(l, "gate")); gate != keys.end() && gate->second == "true") return true;
  return false;
}

Keys gates(Index depth, bool open) {
  Keys keys;
  for (Index l = 1; l < depth; ++l) keys.emplace_back(level_key(l, "gate"), open ? "true" : "false");
  return keys;
}

std::vector<Condition> conditions_of(const Bench& bench) {
  const TextStudy& study = bench.text();
  return conditions_of(text::choose_twins(study.held_out, pair_options(study, bench.values, "construction")),
                       bench.values.integer("after"));
}

void check(Bench& bench) {
  TextStudy& study = bench.text();
  conditions_of(bench);
  const Index depth = study.make_hierarchy(1)->depth();
  if (wants_control(bench)) const TextVariant possible(study, gates(depth, !gated(study, depth)));
}

Findings run(Bench& bench) {
  TextStudy& study = bench.text();
  const auto conditions = conditions_of(bench);
  TrialWindow window;
  window.before = 1;
  window.after = bench.values.integer("after");
  const Index depth = study.make_hierarchy(1)->depth();
  const bool gate = gated(study, depth);
  const char* const kinds[] = {"fixed leak", "gated"};
  Findings findings;
  findings.summary.set("memory", kinds[gate ? 1 : 0]);
  record_texts(bench, bench.model, conditions, window, bench.folder.file("trace.h5"));
  add_measure(findings, "alignment", bench.folder.file("trace.h5"), "", kinds[gate ? 1 : 0]);
  if (wants_control(bench)) {
    const TextVariant variant(study, gates(depth, !gate));
    const std::string model = train_variant(bench, "control", std::string("a hierarchy to compare with: ") + kinds[gate ? 0 : 1]);
    record_texts(bench, model, conditions, window, bench.folder.file("control_trace.h5"));
    findings.summary.section("control").set("memory", kinds[gate ? 0 : 1]);
    add_measure(findings, "alignment", bench.folder.file("control_trace.h5"), "control", kinds[gate ? 0 : 1]);
  }
  return findings;
}

}  // namespace

Experiment construction_experiment() {
  return {
      "construction",
      "how long each level takes to build a context and to let one go: copies with different pasts agree, copies with one past part",
      "Alignment: tokens of common text until two copies with different pasts agree; forgetting: tokens of different texts until two copies with\n"
      "one past have parted. Both by the correlation over pairs passing one half: see strata describe alignment.",
      parameters(),
      {{"pairs", "30"}, {"after", "600"}, {"history", "400"}, {"control", "false"}},
      run,
      {"text"},
      true,
      true,
      check};
}

}  // namespace strata
