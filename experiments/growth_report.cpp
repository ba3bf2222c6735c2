#include "experiments/growth_report.hpp"

#include <algorithm>
#include <cstdio>

namespace strata {

namespace {

const char* outcome(bool deeper, Verdict verdict) {
  switch (verdict) {
    case Verdict::goes_on: return "is on trial";
    case Verdict::taken: return deeper ? "wakes" : "falls asleep";
    case Verdict::refused: return deeper ? "goes back to sleep" : "is kept";
  }
  return "";
}

const std::vector<std::string>& verdict_names() {
  static const std::vector<std::string> names{"goes_on", "taken", "refused"};
  return names;
}

}  // namespace

std::string announcement(const Judgement& j, const Study& study) {
  const Index level = std::min(j.from, j.to);  // whose number is one less than that of levels
  char text[160];
  std::snprintf(text, sizeof text, " %s: worth %.4f +- %.4f nats a token, %.0f in all; %lld levels", outcome(j.to > j.from, j.verdict),
                j.gain, j.error, j.paid, static_cast<long long>(j.verdict == Verdict::taken ? j.to : j.from));
  return "level " + std::to_string(level) + " (" + study.level_name(level) + ")" + text;
}

void add_growth(Summary& training, const Growth<float>& growth, Index awake, const DepthInUse<float>& in_use) {
  Summary& s = training.section("growth");
  s.set("levels", static_cast<std::int64_t>(awake)).set("first", static_cast<std::int64_t>(growth.settings.first));
  for (const Judgement& j : growth.judgements()) {
    Summary& judged = s.item("judgements", s.items("judgements"));
    judged.set("kind", "trial").set("begun", j.begun).set("tokens", j.tokens);
    judged.set("from", static_cast<std::int64_t>(j.from)).set("to", static_cast<std::int64_t>(j.to));
    judged.set("gain", j.gain).set("gain_se", j.error).set("paid", j.paid);
    judged.set("verdict", verdict_names()[static_cast<std::size_t>(j.verdict)]);
  }
  s.set("in_use_tokens", in_use.mean_tokens()).set("in_use_levels", in_use.means());
}

std::string growth_table(const Summary& summary) {
  const Summary* training = summary.object("training");
  const Summary* growth = training != nullptr ? training->object("growth") : nullptr;
  if (growth == nullptr) return "";
  char line[160];
  std::snprintf(line, sizeof line, "\n%.0f levels at the end of learning, %.0f at its start\n", growth->number("levels").value_or(0),
                growth->number("first").value_or(0));
  std::string lines = line;
  for (std::size_t i = 0; i < growth->items("judgements"); ++i) {
    const Summary& j = *growth->entry("judgements", i);
    const double from = j.number("from").value_or(0), to = j.number("to").value_or(0);
    const auto& names = verdict_names();
    const auto verdict = std::find(names.begin(), names.end(), j.text("verdict").value_or("")) - names.begin();
    std::snprintf(line, sizeof line,
                  "  %9.0f - %9.0f tokens  %.0f -> %.0f levels  gain %8.4f +- %.4f nats a token, paid %8.0f  level %.0f %s\n",
                  j.number("begun").value_or(0), j.number("tokens").value_or(0), from, to, j.number("gain").value_or(0),
                  j.number("gain_se").value_or(0), j.number("paid").value_or(0), std::min(from, to),
                  outcome(to > from, static_cast<Verdict>(verdict)));
    lines += line;
  }
  return lines;
}

}  // namespace strata
