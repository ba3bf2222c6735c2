#include "analysis/boundaries.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/context_belief.hpp"
#include "analysis/information.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void check(const Flags& truth, const Flags& detected, std::size_t k) {
  if (truth.size() == detected.size() && k >= 1 && k <= truth.size()) return;
  throw ShapeError("boundary score", "two sequences of one length and a window within it",
                   std::to_string(truth.size()) + " and " + std::to_string(detected.size()) + " flags, window " + std::to_string(k));
}

/// Calls `visit(start, true boundaries, detected ones)` for every window of k flags.
template <class Visit>
void windows(const Flags& truth, const Flags& detected, std::size_t k, const Visit& visit) {
  std::size_t a = 0, b = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    a += truth[i];
    b += detected[i];
    if (i + 1 < k) continue;
    const std::size_t start = i + 1 - k;
    visit(start, a, b);
    a -= truth[start];
    b -= detected[start];
  }
}

/// z per stream, over the times at which it is defined.
struct Signal {
  std::vector<std::int64_t> time;
  std::vector<std::vector<double>> value;  ///< stream x time
};

Signal categorical_signal(const Series& belief, const Series& prediction) {
  Signal out;
  out.value.resize(static_cast<std::size_t>(std::min(belief.streams, prediction.streams)));
  for (std::size_t t = 0; t < belief.time.size(); ++t) {
    const auto before = std::lower_bound(prediction.time.begin(), prediction.time.end(), belief.time[t] - 1);
    if (before == prediction.time.end() || *before != belief.time[t] - 1) continue;
    out.time.push_back(belief.time[t]);
    for (std::size_t s = 0; s < out.value.size(); ++s)
      out.value[s].push_back(divergence(belief.at(t, static_cast<Index>(s)),
                                        prediction.at(static_cast<std::size_t>(before - prediction.time.begin()), static_cast<Index>(s))));
  }
  return out;
}

Signal signal_of(const Trace& trace, const Recording& root, Index level) {
  if (root.has(level, "belief") && root.has(level, "prediction")) {
    const Series belief = root.vectors(level, "belief");
    const Series prediction = root.vectors(level, "prediction");
    if (is_categorical(belief) && belief.units == prediction.units) {
      Signal out = categorical_signal(belief, prediction);
      if (!out.time.empty()) return out;
    }
  }
  if (!root.has(level, "prediction_error_norm"))
    throw DataError(trace.path(), 0,
                    "no dataset /levels/" + std::to_string(level) +
                        "/prediction_error_norm (time, stream) inside, nor categorical belief and prediction at every token; `strata "
                        "evaluate` and `strata run optimum` record them");
  const Series norm = root.scalars(level, "prediction_error_norm");
  Signal out{norm.time, std::vector<std::vector<double>>(static_cast<std::size_t>(norm.streams))};
  for (std::size_t t = 0; t < norm.time.size(); ++t)
    for (Index s = 0; s < norm.streams; ++s) out.value[static_cast<std::size_t>(s)].push_back(static_cast<double>(norm.at(t, s)[0]));
  return out;
}

/// Flags at the first sample at or after each true boundary.
void mark(std::vector<Flags>& flags, const std::vector<std::int64_t>& time, std::int64_t at, Index stream) {
  if (stream < 0 || stream >= static_cast<Index>(flags.size()) || at <= time.front() || at > time.back()) return;
  const auto place = std::lower_bound(time.begin(), time.end(), at) - time.begin();
  flags[static_cast<std::size_t>(stream)][static_cast<std::size_t>(place)] = 1;
}

std::vector<Flags> context_flags(const Signal& signal, const Contexts& contexts, Index world_level) {
  std::vector<Flags> flags(signal.value.size(), Flags(signal.time.size(), 0));
  for (std::size_t t = 1; t < contexts.time.size(); ++t)
    for (Index s = 0; s < contexts.streams; ++s) {
      const std::int32_t now = contexts.at(t, s, world_level), before = contexts.at(t - 1, s, world_level);
      if (now >= 0 && before >= 0 && now != before) mark(flags, signal.time, contexts.time[t], s);
    }
  return flags;
}

/// Level 1: any of sentence, paragraph and document; 2: paragraph or document; 3: document.
std::vector<Flags> event_flags(const Signal& signal, const std::vector<EventRow>& events, Index level) {
  std::vector<Flags> flags(signal.value.size(), Flags(signal.time.size(), 0));
  for (const EventRow& event : events)
    if (event.kind <= 4 && event.kind >= (Index{1} << (level - 1))) mark(flags, signal.time, event.time + 1, event.stream);
  return flags;
}

/// Cuts what lies beyond the end of a stream's text (token id -1), where the trace tells.
void cut_idle(Signal& signal, std::vector<Flags>& truth, const Recording& root) {
  if (!root.has_token_ids()) return;
  const IntegerSeries ids = root.token_ids();
  for (std::size_t s = 0; s < truth.size() && static_cast<Index>(s) < ids.streams; ++s) {
    std::size_t last = ids.time.size();
    while (last > 0 && ids.at(last - 1, static_cast<Index>(s)) < 0) --last;
    if (last == ids.time.size()) continue;
    const auto kept =
        static_cast<std::size_t>(std::lower_bound(signal.time.begin(), signal.time.end(), ids.time[last]) - signal.time.begin());
    signal.value[s].resize(std::min(signal.value[s].size(), kept));
    truth[s].resize(signal.value[s].size());
  }
}

std::size_t longest(std::span<const Flags> streams) {
  std::size_t out = 0;
  for (const Flags& flags : streams) out = std::max(out, flags.size());
  return out;
}

std::size_t count_of(const Flags& flags) { return static_cast<std::size_t>(std::count(flags.begin(), flags.end(), std::uint8_t{1})); }

/// What F1 is made of, in the rows of sums from `column` on: true ones hit, true, detected, detections that hit. A hit may reach over the edge of a
/// block: counted on either side, recall and precision stay at most 1 in every draw.
void add_hits(BlockSums& sums, Index stream, const Flags& truth, const Flags& detected, std::size_t tolerance, std::size_t column) {
  for (const auto& hit : hits(truth, detected, tolerance)) {
    sums.at(hit.first, stream)[column] += 1.0;
    sums.at(hit.second, stream)[column + 3] += 1.0;
  }
  for (std::size_t t = 0; t < truth.size(); ++t) {
    sums.at(t, stream)[column + 1] += static_cast<double>(truth[t]);
    sums.at(t, stream)[column + 2] += static_cast<double>(detected[t]);
  }
}

double f1_of(std::span<const double> total, std::size_t column) {
  const double recall = total[column + 1] > 0.0 ? total[column] / total[column + 1] : kNan;
  const double precision = total[column + 2] > 0.0 ? total[column + 3] / total[column + 2] : 0.0;
  return recall + precision == 0.0 ? 0.0 : 2.0 * recall * precision / (recall + precision);
}

void report(MeasuredValues& record, const std::string& prefix, const BoundaryScore& found) {
  record.set(prefix + "boundary_pk", found.pk);
  record.set(prefix + "boundary_window_diff", found.window_diff);
  record.set(prefix + "boundary_f1", found.f1);
}

/// False when there are fewer than `least` true boundaries.
bool measure_level(MeasuredValues& record, const Signal& signal, const std::vector<Flags>& truth, double time_constant,
                   const Values& values, std::size_t least) {
  std::size_t boundaries = 0;
  double samples = 0.0;
  for (const Flags& flags : truth) {
    boundaries += count_of(flags);
    samples += static_cast<double>(flags.size());
  }
  record.set("boundaries", MeasuredValue(static_cast<std::int64_t>(boundaries)));
  if (boundaries < least) return false;
  const auto k =
      std::min(signal.time.size(), static_cast<std::size_t>(std::max(1.0, std::round(samples / (2.0 * static_cast<double>(boundaries))))));
  const auto wanted = static_cast<std::size_t>(values.integer("tolerance"));
  const std::size_t tolerance = wanted > 0 ? wanted : std::max<std::size_t>(1, k / 2);
  std::vector<Flags> detected, shifted;
  for (std::size_t s = 0; s < truth.size(); ++s) {
    detected.push_back(largest_peaks(signal.value[s], count_of(truth[s]), tolerance));
    shifted.push_back(detected.back());
    std::rotate(shifted.back().begin(), shifted.back().begin() + static_cast<std::ptrdiff_t>(shifted.back().size() / 2),
                shifted.back().end());
  }
  const double slowest = std::fmax(time_constant, 4.0 * static_cast<double>(k));
  const std::size_t block = block_length(longest(truth), static_cast<Index>(truth.size()), slowest, values.integer("block"));
  report(record, "", score_boundaries(truth, detected, k, tolerance, block, bootstrap_options(values)));
  report(record, "shifted_", score_boundaries(truth, shifted, k, tolerance, block, bootstrap_options(values)));
  record.set("boundary_window", MeasuredValue(static_cast<std::int64_t>(k)));
  record.set("boundary_tolerance", MeasuredValue(static_cast<std::int64_t>(tolerance)));
  return true;
}

MeasureResult run(const Trace& trace, const Values& values) {
  const Recording root = trace.root();
  const bool world = trace.has_contexts();
  if (!world && !root.has_events())
    throw DataError(trace.path(), 0,
                    "no true boundaries inside: needs /world/context (time, stream, level), which `strata run optimum` records, or "
                    "/events (time, stream, kind), which `strata evaluate` records");
  Contexts contexts;
  std::vector<EventRow> events;
  if (world)
    contexts = trace.contexts();
  else
    events = root.events();
  MeasureResult out;
  out.name = "boundaries";
  for (std::size_t l = 0; l < root.levels().size(); ++l) {
    const LevelInfo& level = root.levels()[l];
    const Index of = world ? world_level_of(l, root.levels().size(), contexts) : level.number >= 1 && level.number <= 3 ? level.number : -1;
    if (of < 0) continue;
    MeasuredValues record = level_record(level);
    Signal signal = signal_of(trace, root, level.number);
    auto truth = world ? context_flags(signal, contexts, of) : event_flags(signal, events, of);
    cut_idle(signal, truth, root);
    if (!measure_level(record, signal, truth, level.time_constant, values, 10))
      out.notes.push_back(level.name + ": not measured, fewer than ten true boundaries");
    out.levels.push_back(std::move(record));
  }
  out.columns = {{"name", "level"},
                 {"boundaries", "true"},
                 {"boundary_f1", "F1 [95 %]"},
                 {"shifted_boundary_f1", "shifted"},
                 {"boundary_pk", "Pk [95 %]"},
                 {"shifted_boundary_pk", "shifted"},
                 {"boundary_window_diff", "WindowDiff [95 %]"},
                 {"shifted_boundary_window_diff", "shifted"},
                 {"boundary_tolerance", "tolerance (samples)"}};
  return out;
}

}  // namespace

double pk(const Flags& truth, const Flags& detected, std::size_t k) {
  check(truth, detected, k);
  double wrong = 0.0, all = 0.0;
  windows(truth, detected, k, [&](std::size_t, std::size_t a, std::size_t b) {
    wrong += (a > 0) != (b > 0) ? 1.0 : 0.0;
    all += 1.0;
  });
  return wrong / all;
}

double window_diff(const Flags& truth, const Flags& detected, std::size_t k) {
  check(truth, detected, k);
  double wrong = 0.0, all = 0.0;
  windows(truth, detected, k, [&](std::size_t, std::size_t a, std::size_t b) {
    wrong += a != b ? 1.0 : 0.0;
    all += 1.0;
  });
  return wrong / all;
}

std::size_t half_segment(const Flags& truth) {
  const auto segments = static_cast<double>(std::max<std::size_t>(1, count_of(truth)));
  return static_cast<std::size_t>(std::max(1.0, std::round(static_cast<double>(truth.size()) / (2.0 * segments))));
}

std::vector<std::pair<std::size_t, std::size_t>> hits(const Flags& truth, const Flags& detected, std::size_t tolerance) {
  std::vector<std::pair<std::size_t, std::size_t>> out;
  std::size_t next = 0;  // detections before it are taken or too early for every later boundary
  for (std::size_t t = 0; t < truth.size(); ++t) {
    if (truth[t] == 0) continue;
    next = std::max(next, t - std::min(t, tolerance));
    while (next < detected.size() && next <= t + tolerance && detected[next] == 0) ++next;
    if (next >= detected.size() || next > t + tolerance) continue;
    out.emplace_back(t, next++);
  }
  return out;
}

Flags largest_peaks(std::span<const double> signal, std::size_t count, std::size_t apart) {
  std::vector<std::size_t> peaks;
  for (std::size_t i = 0; i < signal.size(); ++i) {
    const bool above_last = i == 0 || signal[i] > signal[i - 1], above_next = i + 1 == signal.size() || signal[i] >= signal[i + 1];
    if (above_last && above_next) peaks.push_back(i);
  }
  std::stable_sort(peaks.begin(), peaks.end(), [&](std::size_t a, std::size_t b) { return signal[a] > signal[b]; });
  Flags out(signal.size(), 0);
  for (const std::size_t i : peaks) {
    if (count == 0) break;
    const auto first = out.begin() + static_cast<std::ptrdiff_t>(i - std::min(i, apart - 1));
    const auto last = out.begin() + static_cast<std::ptrdiff_t>(std::min(out.size(), i + apart));
    if (std::find(first, last, std::uint8_t{1}) != last) continue;
    out[i] = 1;
    --count;
  }
  return out;
}

BoundaryScore score_boundaries(std::span<const Flags> truth, std::span<const Flags> detected, std::size_t k, std::size_t tolerance,
                               std::size_t block, const BootstrapOptions& options) {
  if (truth.empty() || truth.size() != detected.size())
    throw ShapeError("boundary score", std::to_string(truth.size()) + " streams, at least one", std::to_string(detected.size()));
  // Per block: windows, wrong for Pk, wrong for WindowDiff, and what F1 is made of.
  const std::size_t samples = longest(truth);
  BlockSums sums(samples, static_cast<Index>(truth.size()), std::min(block, samples), 7);
  for (std::size_t s = 0; s < truth.size(); ++s) {
    if (truth[s].size() < k && detected[s].size() == truth[s].size()) continue;  // shorter than a window
    check(truth[s], detected[s], k);
    const auto stream = static_cast<Index>(s);
    windows(truth[s], detected[s], k, [&](std::size_t start, std::size_t a, std::size_t b) {
      const auto row = sums.at(start, stream);
      row[0] += 1.0;
      row[1] += (a > 0) != (b > 0) ? 1.0 : 0.0;
      row[2] += a != b ? 1.0 : 0.0;
    });
    add_hits(sums, stream, truth[s], detected[s], tolerance, 3);
  }
  const auto found = block_bootstrap(
      sums,
      [](std::span<const double> total) {
        return std::vector<Bounded>{{total[1] / total[0]}, {total[2] / total[0]}, {f1_of(total, 3)}};
      },
      options);
  return {found[0], found[1], found[2], sums.total()[4]};
}

Estimate f1_gap(std::span<const Flags> truth, std::span<const Flags> first, std::span<const Flags> second, std::size_t k,
                std::size_t tolerance, std::size_t block, const BootstrapOptions& options) {
  if (truth.empty() || truth.size() != first.size() || truth.size() != second.size())
    throw ShapeError("boundary score", std::to_string(truth.size()) + " streams, at least one",
                     std::to_string(first.size()) + " and " + std::to_string(second.size()));
  const std::size_t samples = longest(truth);
  BlockSums sums(samples, static_cast<Index>(truth.size()), std::min(block, samples), 8);
  for (std::size_t s = 0; s < truth.size(); ++s) {
    if (truth[s].size() < k && first[s].size() == truth[s].size() && second[s].size() == truth[s].size())
      continue;  // left out of the scores, too
    check(truth[s], first[s], k);
    check(truth[s], second[s], k);
    add_hits(sums, static_cast<Index>(s), truth[s], first[s], tolerance, 0);
    add_hits(sums, static_cast<Index>(s), truth[s], second[s], tolerance, 4);
  }
  return block_bootstrap(
             sums, [](std::span<const double> total) { return std::vector<Bounded>{{f1_of(total, 0) - f1_of(total, 4)}}; }, options)
      .front();
}

Measure boundaries_measure() {
  Measure measure;
  measure.name = "boundaries";
  measure.summary = "does a level's error rise where its situation really changed: F1, Pk, WindowDiff";
  measure.definition =
      "Signal: KL(belief || what was predicted) of a categorical level, else prediction_error_norm. Detected: its largest\n"
      "peaks, as many as there are true boundaries. True: changes of the level's context (/world/context), or on text ends\n"
      "of sentences (level 1), paragraphs (2), documents (3) from /events. F1 counts detections within the tolerance, one\n"
      "to one; Pk and WindowDiff use windows of half the mean segment (0 is perfect). Beside them the same detections\n"
      "shifted by half of the recording. Intervals: block bootstrap.";
  measure.parameters = block_parameters();
  measure.parameters.push_back(
      {"tolerance", std::int64_t{0}, 0, 1e9, {}, "samples", "distance that still counts as found; 0: a quarter of the mean segment", ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
