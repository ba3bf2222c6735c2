#include "analysis/world_switches.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "analysis/tokens_to_switch.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kLeast = 30;  // switches behind a stated value

double floored(float p) { return std::max(static_cast<double>(p), 1e-12); }
double log_odds(float p) { return std::log(floored(p)) - std::log(std::max(1.0 - static_cast<double>(p), 1e-12)); }

ContextSwitch follow(const ContextBelief& belief, std::size_t start, Index stream, double stubbornness) {
  const std::int32_t old_context = belief.truth[belief.row(start - 1, stream)], new_context = belief.truth[belief.row(start, stream)];
  ContextSwitch out{belief.time[start], stream, {0.0, Bound::at_least}, {0.0, Bound::at_least}, 0.0, 0.0, false};
  for (std::size_t t = start; t < belief.time.size(); ++t) {
    const std::size_t row = belief.row(t, stream);
    if (belief.truth[row] != new_context || belief.time[t] - out.time != static_cast<std::int64_t>(t - start)) return out;
    const double before = log_odds(belief.before(row, new_context)), after = log_odds(belief.post(row, new_context));
    const double ratio = std::log(floored(belief.post(row, new_context)) / floored(belief.post(row, old_context))) -
                         std::log(floored(belief.before(row, new_context)) / floored(belief.before(row, old_context)));
    const bool crossed = before >= 0.0 || after > 0.0;
    const double part = before >= 0.0 ? 0.0 : crossed ? before / (before - after) : 1.0;
    out.evidence.value += part * ratio / stubbornness;
    out.tokens.value += part;
    out.whole_evidence += ratio / stubbornness;
    out.whole_tokens += 1.0;
    if (!crossed) continue;
    out.evidence.bound = out.tokens.bound = Bound::exact;
    out.foreseen = t == start && before >= 0.0;
    return out;
  }
  return out;
}

struct Split {
  std::vector<double> evidence, tokens, whole_evidence, whole_tokens;
  std::vector<std::uint8_t> censored;
};

Split split(const std::vector<ContextSwitch>& switches) {
  Split out;
  for (const ContextSwitch& s : switches) {
    out.evidence.push_back(s.evidence.value);
    out.tokens.push_back(s.tokens.value);
    out.whole_evidence.push_back(s.whole_evidence);
    out.whole_tokens.push_back(s.whole_tokens);
    out.censored.push_back(s.tokens.bound == Bound::at_least ? 1 : 0);
  }
  return out;
}

/// Mean of the switches that were completed.
double completed_mean(const std::vector<double>& value, const Split& trials, const std::vector<double>& weight) {
  double sum = 0.0, count = 0.0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (trials.censored[i] != 0) continue;
    sum += weight[i] * value[i];
    count += weight[i];
  }
  return sum / count;
}

constexpr std::size_t kPerLevel = 4;  // median evidence, median tokens, mean evidence, mean tokens

/// kPerLevel statistics per level, then rho of evidence and of tokens.
std::vector<Estimate> summarise(const std::vector<std::vector<ContextSwitch>>& levels, const BootstrapOptions& options) {
  std::vector<Index> sizes;
  std::vector<Split> trials;
  std::vector<CensoredTimes> evidence, tokens;
  for (const auto& level : levels) {
    sizes.push_back(static_cast<Index>(level.size()));
    trials.push_back(split(level));
    evidence.emplace_back(trials.back().evidence, trials.back().censored);
    tokens.emplace_back(trials.back().tokens, trials.back().censored);
  }
  const Statistics statistics = [&](std::span<const BootstrapDraw> draws) {
    std::vector<Bounded> out;
    for (std::size_t l = 0; l < trials.size(); ++l) {
      const Split& s = trials[l];
      out.push_back(evidence[l].median(draws[l].weight));
      out.push_back(tokens[l].median(draws[l].weight));
      out.push_back({completed_mean(s.whole_evidence, s, draws[l].weight)});
      out.push_back({completed_mean(s.whole_tokens, s, draws[l].weight)});
    }
    for (std::size_t k = 0; k < 2; ++k) {
      Bounded rho{kNan};
      if (trials.size() > 1) rho = bounded_ratio(out[kPerLevel * (trials.size() - 1) + k], out[k]);
      rho.value = std::pow(rho.value, 1.0 / std::max(1.0, static_cast<double>(trials.size()) - 1.0));
      out.push_back(rho);
    }
    return out;
  };
  return bootstrap(sizes, statistics, options);
}

Estimate inertia(const std::vector<ContextSwitch>& model, const std::vector<ContextSwitch>& exact, const BootstrapOptions& options) {
  std::vector<Bounded> ours, best;
  for (std::size_t i = 0, j = 0; i < model.size() && j < exact.size();) {
    const auto a = std::pair(model[i].time, model[i].stream), b = std::pair(exact[j].time, exact[j].stream);
    if (a == b) {
      ours.push_back(model[i++].tokens);
      best.push_back(exact[j++].tokens);
    } else if (a < b) {
      ++i;
    } else {
      ++j;
    }
  }
  return ours.size() < kLeast ? Estimate::none() : inertia_ratio(ours, best, options);
}

/// The switches of every level of one recording; levels with too few are left out of `measured`.
struct Observer {
  std::vector<LevelInfo> levels;
  std::vector<std::vector<ContextSwitch>> switches;
  std::vector<std::int64_t> since;  ///< first time looked at, per context
};

/// `since`: as of another observer, from where its contexts are looked at; empty: all there is.
Observer observe(const Recording& recording, const Trace& trace, const Contexts& contexts, bool exact, std::span<const std::int64_t> since,
                 std::vector<std::string>* notes) {
  Observer out;
  out.since.assign(static_cast<std::size_t>(contexts.levels), std::numeric_limits<std::int64_t>::min());
  for (std::size_t position = 0; position < recording.levels().size(); ++position) {
    const LevelInfo& level = recording.levels()[position];
    // The exact observer's levels are the world's; the model may have a token level below them.
    const Index world = exact ? level.number : world_level_of(position, recording.levels().size(), contexts);
    if (world < 0 || world >= contexts.levels || contexts.states[static_cast<std::size_t>(world)] < 2) continue;
    if (!recording.has(level.number, "belief") || !recording.has(level.number, "prediction"))
      throw DataError(trace.path(), 0,
                      "no belief and prediction (time, stream, unit) of level " + std::to_string(level.number) + " in '" +
                          recording.name() + "'; `strata run optimum` records both");
    const double kappa = recording.attribute(level.number, "stubbornness");
    ContextBelief belief = context_belief(recording, level.number, contexts, world, exact, true);
    if (!since.empty()) belief.start_at(since[static_cast<std::size_t>(world)]);
    out.since[static_cast<std::size_t>(world)] = belief.time.empty() ? out.since[static_cast<std::size_t>(world)] : belief.time.front();
    auto found = context_switches(belief, exact || std::isnan(kappa) ? 1.0 : kappa);
    if (found.size() < kLeast) {
      if (notes != nullptr)
        notes->push_back(level.name + ": not measured, " + std::to_string(found.size()) + " switches (at least 30 are needed)");
      continue;
    }
    out.levels.push_back(level);
    out.levels.back().number = world;
    out.switches.push_back(std::move(found));
  }
  return out;
}

void set_level(MeasuredValues& record, const std::string& prefix, const std::vector<Estimate>& all, std::size_t l,
               const std::vector<ContextSwitch>& switches) {
  const char* const names[] = {"evidence_nats", "tokens_to_switch", "evidence_completed_mean", "tokens_completed_mean"};
  for (std::size_t k = 0; k < kPerLevel; ++k) record.set(prefix + names[k], all[kPerLevel * l + k]);
  const auto n = static_cast<double>(switches.size());
  const auto count = [&](auto holds) { return static_cast<double>(std::count_if(switches.begin(), switches.end(), holds)); };
  record.set(prefix + "tokens_to_switch_censored_fraction",
             MeasuredValue(count([](const ContextSwitch& s) { return s.tokens.bound == Bound::at_least; }) / n));
  record.set(prefix + "foreseen_fraction", MeasuredValue(count([](const ContextSwitch& s) { return s.foreseen; }) / n));
}

}  // namespace

std::vector<ContextSwitch> context_switches(const ContextBelief& belief, double stubbornness) {
  std::vector<ContextSwitch> out;
  for (std::size_t t = 1; t < belief.time.size(); ++t) {
    for (Index s = 0; s < belief.streams; ++s) {
      const std::int32_t now = belief.truth[belief.row(t, s)], before = belief.truth[belief.row(t - 1, s)];
      if (now < 0 || before < 0 || now == before) continue;
      if (belief.time[t] != belief.time[t - 1] + 1 || belief.has_prior.empty() || belief.has_prior[t] == 0)
        throw DataError("evidence of a switch", 0,
                        "belief and prediction are needed at every token around time " + std::to_string(belief.time[t]) +
                            "; record with record.every=1");
      out.push_back(follow(belief, t, s, stubbornness));
    }
  }
  return out;
}

MeasureResult report_context_switches(const Trace& trace, const Values& values, const std::string& name) {
  const BootstrapOptions options = bootstrap_options(values);
  const Contexts contexts = trace.contexts();
  MeasureResult out;
  out.name = name;
  out.values.set("form", "log-likelihood ratio at switches of known contexts");
  const Observer model = observe(trace.root(), trace, contexts, false, {}, &out.notes);
  if (model.switches.empty())
    throw NotEnough(trace.path(), 0, "no level has 30 switches of its true context; record a longer run or more streams");
  Observer exact;
  if (trace.has_condition("exact")) exact = observe(trace.condition("exact"), trace, contexts, true, model.since, nullptr);
  const std::vector<Estimate> ours = summarise(model.switches, options);
  const std::vector<Estimate> best = exact.switches.empty() ? std::vector<Estimate>{} : summarise(exact.switches, options);
  for (std::size_t l = 0; l < model.levels.size(); ++l) {
    MeasuredValues level = level_record(model.levels[l]);
    level.set("switches", MeasuredValue(static_cast<std::int64_t>(model.switches[l].size())));
    set_level(level, "", ours, l, model.switches[l]);
    for (std::size_t k = 0; k < exact.levels.size(); ++k) {
      if (exact.levels[k].number != model.levels[l].number) continue;
      set_level(level, "exact_", best, k, exact.switches[k]);
      level.set("inertia_ratio", inertia(model.switches[l], exact.switches[k], options));
    }
    out.levels.push_back(std::move(level));
  }
  const auto set_rho = [&](const std::string& prefix, const std::vector<Estimate>& all) {
    if (all.size() < 2) return;
    out.values.set(prefix + "evidence_rho", all[all.size() - 2]);
    out.values.set(prefix + "tokens_to_switch_rho", all[all.size() - 1]);
  };
  set_rho("", ours);
  set_rho("exact_", best);
  const std::string field = name == "evidence" ? "evidence_nats" : "tokens_to_switch";
  const std::string heading = name == "evidence" ? "evidence (nats)" : "tokens";
  const std::string mean = name == "evidence" ? "evidence_completed_mean" : "tokens_completed_mean";
  out.columns = {{"name", "level"},
                 {"switches", "switches"},
                 {field, heading + " [95 %]"},
                 {"exact_" + field, "exact observer [95 %]"},
                 {"inertia_ratio", "tokens to the exact's [95 %]"},
                 {mean, "mean, completed"},
                 {"exact_" + mean, "exact's mean"},
                 {"tokens_to_switch_censored_fraction", "censored"}};
  out.notes.push_back("geometric ratio per level: evidence " + out.values.cell("evidence_rho") + ", tokens " +
                      out.values.cell("tokens_to_switch_rho"));
  return out;
}

}  // namespace strata
