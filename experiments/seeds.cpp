#include "experiments/seeds.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

namespace strata {

namespace {

/// Numbers that are no measurement: a mean of them says nothing.
bool is_fact(const std::string& key) {
  static const std::set<std::string> facts{"seed",       "dirty",    "threads", "created", "commit",
                                           "experiment", "compiler", "device",  "isa",     "strata_version"};
  return facts.count(key) != 0;
}

void copy_fact(Summary& into, const Summary& from, const std::string& key) {
  if (key == "dirty") {
    into.set(key, from.number(key).value_or(0) != 0);
  } else if (const auto text = from.text(key)) {
    into.set(key, *text);
  } else if (const auto number = from.number(key)) {
    into.set(key, static_cast<std::int64_t>(*number));
  }
}

/// Mean and spread where all runs have the number, the text where it is one; false where `key` is neither.
void add_number(Summary& into, const std::vector<const Summary*>& runs, const std::string& key) {
  std::vector<double> values;
  for (const Summary* run : runs)
    if (const auto value = run->number(key)) values.push_back(*value);
  if (values.size() != runs.size()) {
    if (const auto text = runs.front()->text(key)) into.set(key, *text);
    return;
  }
  const auto n = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (const double v : values) mean += v / n;
  for (const double v : values) squares += (v - mean) * (v - mean);
  into.set(key, mean);
  into.set(key + "_sd", std::sqrt(squares / (n - 1)));
}

void add_rows(std::string& table, const Summary& s, const std::string& heading) {
  static const std::set<std::string> housekeeping{"seconds",
                                                  "tokens_per_second",
                                                  "peak_memory_bytes",
                                                  "training_documents",
                                                  "training_tokens",
                                                  "held_out_documents",
                                                  "held_out_tokens",
                                                  "vocabulary",
                                                  "parameters",
                                                  "tokens",
                                                  "updates"};
  std::string rows;
  for (const std::string& key : s.keys()) {
    const auto mean = s.number(key), sd = s.number(key + "_sd");
    if (!mean || !sd || housekeeping.count(key) != 0) continue;
    char line[160];
    std::string words = key;
    std::replace(words.begin(), words.end(), '_', ' ');
    std::snprintf(line, sizeof line, "  %-28s %12.5g  +- %.2g\n", words.c_str(), *mean, *sd);
    rows += line;
  }
  if (!rows.empty()) table += (heading.empty() ? "" : heading + "\n") + rows;
}

void add_table(std::string& table, const Summary& s, const std::string& heading) {
  add_rows(table, s, heading);
  for (const std::string& key : s.keys()) {
    std::string below = heading.empty() ? key : heading + ", " + key;
    std::replace(below.begin(), below.end(), '_', ' ');
    if (const Summary* object = s.object(key)) add_table(table, *object, below);
    for (std::size_t i = 0; i < s.items(key); ++i) {
      const Summary& entry = *s.entry(key, i);
      add_table(table, entry, (heading.empty() ? "" : heading + ", ") + entry.text("name").value_or(key + " " + std::to_string(i)));
    }
  }
}

}  // namespace

Summary spread(const std::vector<const Summary*>& runs) {
  Summary s;
  for (const std::string& key : runs.front()->keys()) {
    if (is_fact(key)) {
      copy_fact(s, *runs.front(), key);
      continue;
    }
    std::vector<const Summary*> objects;
    for (const Summary* run : runs)
      if (const Summary* object = run->object(key)) objects.push_back(object);
    if (objects.size() == runs.size()) {
      s.section(key) = spread(objects);
      continue;
    }
    const std::size_t items = runs.front()->items(key);
    for (std::size_t i = 0; i < items; ++i) {
      if (runs.front()->entry(key, i)->has("kind")) break;  // what was met, not what was measured: another run met something else
      std::vector<const Summary*> entries;
      for (const Summary* run : runs)
        if (const Summary* entry = run->entry(key, i)) entries.push_back(entry);
      if (entries.size() == runs.size()) s.item(key, i) = spread(entries);
    }
    if (items == 0) add_number(s, runs, key);
  }
  return s;
}

std::string spread_table(const Summary& spread) {
  std::string table;
  add_table(table, spread, "");
  return table;
}

}  // namespace strata
