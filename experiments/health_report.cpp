#include "experiments/health_report.hpp"

#include <cmath>
#include <cstdio>

#include "core/parameter.hpp"

namespace strata {

namespace {

std::string number(double value, const char* format = "%.3g") {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// What is wrong, and what a user may turn.
std::string complaint(const Reading& r, const std::string& prefix) {
  const std::string value = number(r.value), threshold = number(r.threshold);
  switch (r.ailment) {
    case Ailment::frozen:
      return "hardly learns: an update changes " + value + " of its weights, less than " + threshold +
             ", a small part of what levels below change; raise " + prefix + "pace";
    case Ailment::ignored:
      return "is ignored from below: its share of the stream is worth " + value + " nats a token, within two standard errors (" +
             threshold + ") of nothing; lower " + prefix + "dropout, or leave the level out";
    case Ailment::imbalance:
      return std::string("has errors out of balance: ") + value + " times those of a neighbour; " + (r.value > 1 ? "raise " : "lower ") +
             prefix + "precision";
    case Ailment::runaway:
      if (!std::isfinite(r.value)) return "has lost its precision: it is no number; lower learning.rate";
      return "has a runaway precision: " + value + " times what it was; " +
             (r.value > 1 ? "lower " + prefix + "precision_max" : "raise " + prefix + "precision_min") + " or lower learning.rate";
    case Ailment::collapsed:
      return "believes the same of everything: its belief has " + value + " dimensions, less than " + threshold +
             (r.level > 1 ? "; raise " + level_key(r.level - 1, "feed_belief") + " and feed_innovation, or lower learning.rate"
                          : "; lower learning.rate");
    case Ailment::unsettled:
      if (r.threshold == rejected_part) return "relaxation takes back " + value + " of its sweeps; lower relaxation.rate";
      return "relaxation stops before beliefs have settled: one sweep more would go " + value +
             " of the way; raise relaxation.steps or relaxation.rate";
  }
  return {};
}

/// "level 2 (paragraph) ", or "level 2 " where it has no other name.
std::string who(Index level, const std::string& name) {
  const std::string number = "level " + std::to_string(level);
  return number + (name == number ? " " : " (" + name + ") ");
}

/// Kind and place of what a list of the summary is about.
Summary& entry(Summary& health, const char* list, Ailment ailment, Index level, const Study& study) {
  Summary& s = health.item(list, health.items(list));
  s.set("kind", ailment_names[static_cast<std::size_t>(ailment)]);
  if (level >= 0) s.set("level", static_cast<std::int64_t>(level)).set("name", study.level_name(level));
  return s;
}

void set_finite(Summary& s, const char* key, double value) {
  if (std::isfinite(value)) s.set(key, value);
}

std::string place(const Summary& s) {
  const auto level = s.number("level");
  return level ? who(static_cast<Index>(*level), s.text("name").value_or("")) : "";
}

std::string cell(const Summary& s, const char* key) {
  const auto value = s.number(key);
  return value ? number(*value) : "no number";
}

}  // namespace

std::string warning(const Finding& finding, const Study& study) {
  const Reading& r = finding.first;
  const std::string about = r.level < 0 ? "" : who(r.level, study.level_name(r.level));
  return "warning: " + about + complaint(r, level_key(r.level)) +
         (study.monitor().cure     ? " (treated)"
          : study.growth().dynamic ? ""
                                   : " (or let monitor.cure=true do so)");
}

void add_health(Summary& training, const Health<float>& health, const Study& study) {
  if (health.settings.every == 0) return;
  Summary& s = training.section("health");
  s.set("looks", static_cast<std::int64_t>(health.looks()));
  for (const Finding& f : health.findings()) {
    Summary& found = entry(s, "findings", f.first.ailment, f.first.level, study);
    found.set("tokens", f.tokens).set("verdicts", f.verdicts);
    set_finite(found, "value", f.first.value);
    set_finite(found, "threshold", f.first.threshold);
    set_finite(found, "last_value", f.last.value);
    found.set("restored", !f.last.ill);
  }
  for (const Treatment& t : health.treatments())
    entry(s, "treatments", t.ailment, t.level, study).set("tokens", t.tokens).set("key", t.key).set("from", t.from).set("to", t.to);
}

std::string health_table(const Summary& summary) {
  const Summary* training = summary.object("training");
  const Summary* health = training != nullptr ? training->object("health") : nullptr;
  if (health == nullptr || health->items("findings") == 0) return "";
  std::string lines = "\nhealth while learning         found at      value  threshold       last\n";
  for (std::size_t i = 0; i < health->items("findings"); ++i) {
    const Summary& f = *health->entry("findings", i);
    char line[160];
    std::snprintf(line, sizeof line, "%-10s %-17s %9.0f %10s %10s %10s%s\n", f.text("kind").value_or("").c_str(), place(f).c_str(),
                  f.number("tokens").value_or(0), cell(f, "value").c_str(), cell(f, "threshold").c_str(), cell(f, "last_value").c_str(),
                  f.number("restored").value_or(0) != 0 ? "   restored" : "");
    lines += line;
  }
  for (std::size_t i = 0; i < health->items("treatments"); ++i) {
    const Summary& t = *health->entry("treatments", i);
    lines += "cure of " + t.text("kind").value_or("") + " at " + number(t.number("tokens").value_or(0), "%.0f") +
             " tokens: " + t.text("key").value_or("") + " " + cell(t, "from") + " -> " + cell(t, "to") + "\n";
  }
  return lines;
}

std::string cured_assignments(const Health<float>& health) {
  std::string lines;
  for (const auto& [key, value] : health.cured_keys()) {
    const bool whole = key == "relaxation.steps";
    lines += key + " = " + (whole ? std::to_string(static_cast<std::int64_t>(value)) : to_text(value)) + "\n";
  }
  return lines;
}

}  // namespace strata
