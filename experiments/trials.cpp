#include "experiments/trials.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>

#include "core/error.hpp"
#include "core/recorder.hpp"
#include "experiments/grafts.hpp"
#include "experiments/sampled_study.hpp"

namespace strata {

namespace {

/// Levels 0 and 1 of a text are back long before the others: their rows end so many tokens after the event.
Index reach_of(Index level, Index after) {
  if (level == 0) return std::min<Index>(after, 256);
  if (level == 1) return std::min<Index>(after, 640);
  return after;
}

/// What one level of one condition held: sample x trial (x unit), last index fastest.
struct Track {
  Index level = 0, interval = 1, units = 0;
  std::vector<std::int64_t> time;
  std::vector<float> prediction, belief, error_norm, surprise, free_energy;

  std::array<std::pair<const char*, const std::vector<float>*>, 3> scalars() const {
    return {{{"prediction_error_norm", &error_norm}, {"surprise", &surprise}, {"free_energy", &free_energy}}};
  }

  /// Index of the sample at time t, or -1.
  Index sample(Index t) const {
    if (time.empty() || t < time.front() || t > time.back() || (t - time.front()) % interval != 0) return -1;
    return (t - time.front()) / interval;
  }
};

struct TokenTrack {
  std::vector<std::int32_t> id, document;
  std::vector<std::int64_t> begin, end;
  std::vector<float> surprise;
};

/// What happened to one trial at one token: bits of the kinds in /events.
struct TrialEvent {
  std::int64_t time;
  std::int32_t stream;
  std::uint8_t kinds;
};

class ConditionRecorder {
 public:
  ConditionRecorder(TrialReader& reader, const Condition& condition, const TrialWindow& window)
      : reader_(reader), condition_(condition), window_(window), trials_(condition.trials()) {
    for (Index l = 0; l < reader.depth(); ++l)
      if (condition.grafted < 0 || condition.grafted == l) tracks_.push_back(make_track(l));
    const auto cells = static_cast<std::size_t>((window.before + window.after) * trials_);
    tokens_.id.assign(cells, -1);
    tokens_.document.assign(cells, -1);
    tokens_.begin.assign(cells, -1);
    tokens_.end.assign(cells, -1);
    tokens_.surprise.assign(cells, nan_);
    valid_.assign(static_cast<std::size_t>(trials_), 0);
  }

  /// `exchange`: called where all trials of the batch are about to come to time 0.
  void read(World& world, const Batch& batch, const std::function<void()>& exchange, const std::function<void(Index)>& advance) {
    Index position = 0;
    const auto step = [&](const Observation& o, Index tokens) {
      record(o, batch, position++);
      advance(tokens);
    };
    reader_.read(world, step, [&] {
      if (position + 1 == batch.zero) exchange();
    });
  }

  const std::vector<Track>& tracks() const { return tracks_; }
  const TokenTrack& tokens() const { return tokens_; }
  const std::vector<std::int32_t>& valid() const { return valid_; }
  /// In order of time, then of trials, whatever batch they were read in.
  std::vector<TrialEvent> events() const {
    auto sorted = events_;
    std::sort(sorted.begin(), sorted.end(),
              [](const TrialEvent& a, const TrialEvent& b) { return std::tie(a.time, a.stream) < std::tie(b.time, b.stream); });
    return sorted;
  }
  const std::vector<float>& energy() const { return energy_; }  // (step, sweep) of the first batch
  const std::vector<std::int64_t>& rejections() const { return rejections_; }

 private:
  Track make_track(Index l) const {
    Track track;
    track.level = l;
    track.interval = reader_.interval(l);
    track.units = reader_.level(l).units;
    const Index reach = condition_.episodes.empty() ? reach_of(l, window_.after) : window_.after;
    Index t = -1;
    while (t - track.interval >= -window_.before) t -= track.interval;  // -1 is always a sample
    for (; t < reach; t += track.interval) track.time.push_back(t);
    const std::size_t cells = track.time.size() * static_cast<std::size_t>(trials_);
    track.prediction.assign(cells * static_cast<std::size_t>(track.units), nan_);
    if (condition_.beliefs) track.belief.assign(track.prediction.size(), nan_);
    for (auto* x : {&track.error_norm, &track.surprise, &track.free_energy}) x->assign(cells, nan_);
    return track;
  }

  void take_vectors(Held what, const std::vector<Index>& sample, Index first, const Track& track, std::vector<float>& into) {
    reader_.fetch(track.level, what, host_);
    for (std::size_t j = 0; j < sample.size(); ++j)
      if (sample[j] >= 0)
        std::copy_n(host_.begin() + static_cast<std::ptrdiff_t>(j) * track.units, track.units,
                    into.begin() + (sample[j] * trials_ + first + static_cast<Index>(j)) * track.units);
  }

  void take_scalars(Held what, const std::vector<Index>& sample, Index first, const Track& track, std::vector<float>& into) {
    reader_.fetch(track.level, what, host_);
    for (std::size_t j = 0; j < sample.size(); ++j)
      if (sample[j] >= 0) into[static_cast<std::size_t>(sample[j] * trials_ + first + static_cast<Index>(j))] = host_[j];
  }

  void record(const Observation& o, const Batch& batch, Index position) {
    const Index first = batch.first;
    const auto time = [&](std::size_t j) {
      return position - (batch.zero >= 0 ? batch.zero : condition_.zero[static_cast<std::size_t>(first) + j]);
    };
    std::vector<Index> sample(static_cast<std::size_t>(batch.count));
    for (Track& track : tracks_) {
      bool any = false;
      for (std::size_t j = 0; j < sample.size(); ++j) {
        sample[j] = o.active[j] != 0 ? track.sample(time(j)) : -1;
        any |= sample[j] >= 0;
      }
      if (!any) continue;
      take_vectors(Held::prediction, sample, first, track, track.prediction);
      if (condition_.beliefs) take_vectors(Held::belief, sample, first, track, track.belief);
      take_scalars(Held::error_norm, sample, first, track, track.error_norm);
      take_scalars(Held::surprise, sample, first, track, track.surprise);
      take_scalars(Held::free_energy, sample, first, track, track.free_energy);
    }
    reader_.fetch(0, Held::surprise, host_);
    for (std::size_t j = 0; j < sample.size(); ++j) {
      const std::size_t trial = static_cast<std::size_t>(first) + j;
      const Index t = time(j);
      if (o.active[j] == 0) continue;
      valid_[trial] = static_cast<std::int32_t>(std::min(t + 1, window_.after));
      if (t < -window_.before || t >= window_.after) continue;
      const auto cell = static_cast<std::size_t>((t + window_.before) * trials_) + trial;
      tokens_.id[cell] = o.id[j];
      tokens_.document[cell] = o.document[j];
      tokens_.begin[cell] = o.byte_begin[j];
      tokens_.end[cell] = o.byte_end[j];
      tokens_.surprise[cell] = host_[j];
      if (const auto kinds = event_kinds(o, j); kinds != 0) events_.push_back({t, static_cast<std::int32_t>(trial), kinds});
    }
    if (const auto* trace = reader_.relaxation(); trace != nullptr && first == 0) {
      for (const double f : trace->free_energy) energy_.push_back(static_cast<float>(f));
      rejections_.push_back(trace->rejections);
    }
  }

  static constexpr float nan_ = std::numeric_limits<float>::quiet_NaN();
  TrialReader& reader_;
  const Condition& condition_;
  TrialWindow window_;
  Index trials_;
  std::vector<Track> tracks_;
  TokenTrack tokens_;
  std::vector<TrialEvent> events_;
  std::vector<std::int32_t> valid_;
  std::vector<float> host_, energy_;
  std::vector<std::int64_t> rejections_;
};

std::unique_ptr<World> open_trials(const Study& study, const Condition& c, const Batch& batch, Index streams) {
  const Index first = batch.first, end = first + batch.count;
  if (!c.episodes.empty())
    return replay({c.episodes.begin() + first, c.episodes.begin() + end}, *dynamic_cast<const SampledStudy&>(study).source, streams,
                  batch.delays);
  return std::make_unique<text::ScriptedWorld>(std::vector(c.scripts.begin() + first, c.scripts.begin() + end), study.vocabulary(), streams,
                                               batch.delays);
}

std::string prefix_of(const Condition& condition) { return condition.name == "/" ? "" : "/conditions/" + condition.name; }

/// A level need not have every scalar: only the lowest is surprised in most worlds, and an exact observer has no free energy.
bool was_held(const std::vector<float>& values) {
  return std::any_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

/// Datasets of one level of one condition, in the layout and with the data.
void write_level(TraceWriter& trace, const std::string& group, const Track& track, Index trials) {
  const auto put = [&](const char* name, std::span<const float> values, bool vectors) {
    Shape shape{static_cast<Index>(track.time.size()), trials};
    if (vectors) shape.push_back(track.units);
    trace.write_block<float>(trace.handle(group + "/" + name), Shape(shape.size(), 0), shape, values);
  };
  trace.write_block<std::int64_t>(trace.handle(group + "/time"), {0}, {static_cast<Index>(track.time.size())}, track.time);
  put("prediction", track.prediction, true);
  if (!track.belief.empty()) put("belief", track.belief, true);
  for (const auto& [name, values] : track.scalars())
    if (was_held(*values)) put(name, *values, false);
  const std::vector<std::uint8_t> active(track.time.size(), 1);
  trace.write_block<std::uint8_t>(trace.handle(group + "/active"), {0}, {static_cast<Index>(active.size())}, active);
}

void layout_condition(TraceLayout& layout, const Condition& condition, const ConditionRecorder& recorder, const Study& study,
                      const TrialReader& reader, const TrialWindow& window) {
  const std::string prefix = prefix_of(condition);
  const Index trials = condition.trials();
  if (!prefix.empty()) {
    TraceGroup group{prefix, {}};
    if (!condition.reference.empty()) group.attributes.push_back({"reference", condition.reference});
    if (!condition.home.empty()) group.attributes.push_back({"home", condition.home});
    layout.groups.push_back(group);
  }
  TraceRows rows;
  rows.streams = trials;
  rows.time_name = "tokens from the trial's event; 0 is the first one after it";
  for (const Track& track : recorder.tracks()) {
    rows.times = static_cast<Index>(track.time.size());
    lay_out_level(layout, prefix, reader.level(track.level),
                  {.number = track.level,
                   .name = study.level_name(track.level),
                   .vector_streams = trials,
                   .belief = !track.belief.empty(),
                   .prediction_error = false},
                  rows);
    for (const auto& [name, values] : track.scalars()) {
      const std::string dataset = prefix + "/levels/" + std::to_string(track.level) + "/" + name;
      if (!was_held(*values)) std::erase_if(layout.datasets, [&](const TraceSpec& spec) { return spec.path == dataset; });
    }
  }
  rows.times = window.before + window.after;
  lay_out_tokens(layout, prefix, rows);
  lay_out_events(layout, prefix, rows);
  layout.datasets.push_back({prefix + "/valid",
                             {"stream"},
                             {trials},
                             NumberType::i32,
                             "tokens",
                             "common tokens read, below 0 where time 0 was not reached; times from here on are fill"});
  if (!condition.passage.empty())
    layout.datasets.push_back(
        {prefix + "/passage_length", {"stream"}, {trials}, NumberType::i32, "tokens", "length of the inserted passage"});
}

void write_condition(TraceWriter& trace, const Condition& condition, const ConditionRecorder& recorder, const TrialWindow& window) {
  const std::string prefix = prefix_of(condition);
  const Index trials = condition.trials(), times = window.before + window.after;
  for (const Track& track : recorder.tracks()) write_level(trace, prefix + "/levels/" + std::to_string(track.level), track, trials);
  std::vector<std::int64_t> time(static_cast<std::size_t>(times));
  for (Index i = 0; i < times; ++i) time[static_cast<std::size_t>(i)] = i - window.before;
  const std::string tokens = prefix + "/tokens/";
  const Shape start{0, 0}, shape{times, trials};
  trace.write_block<std::int64_t>(trace.handle(tokens + "time"), {0}, {times}, time);
  trace.write_block<std::int32_t>(trace.handle(tokens + "id"), start, shape, recorder.tokens().id);
  trace.write_block<std::int32_t>(trace.handle(tokens + "document"), start, shape, recorder.tokens().document);
  trace.write_block<std::int64_t>(trace.handle(tokens + "byte_begin"), start, shape, recorder.tokens().begin);
  trace.write_block<std::int64_t>(trace.handle(tokens + "byte_end"), start, shape, recorder.tokens().end);
  trace.write_block<float>(trace.handle(tokens + "surprise"), start, shape, recorder.tokens().surprise);
  EventTable events(trace, prefix);
  for (const TrialEvent& event : recorder.events()) events.append(event.time, event.stream, event.kinds);
  trace.write_block<std::int32_t>(trace.handle(prefix + "/valid"), {0}, {trials}, recorder.valid());
  if (!condition.passage.empty())
    trace.write_block<std::int32_t>(trace.handle(prefix + "/passage_length"), {0}, {trials}, condition.passage);
}

}  // namespace

void add_twins(std::vector<Condition>& conditions, const std::vector<text::Twin>& twins, Index after) {
  Condition a, b;
  a.name = "/";
  b.name = "twin";
  b.reference = "/";
  for (const text::Twin& twin : twins) {
    a.scripts.push_back(text::copy_a(twin, after));
    a.zero.push_back(twin.end_a);
    b.scripts.push_back(text::copy_b(twin, after));
    b.zero.push_back(twin.end_b);
  }
  conditions.push_back(std::move(a));
  conditions.push_back(std::move(b));
}

void add_contrasts(std::vector<Condition>& conditions, const std::vector<text::Contrast>& contrasts, Index after) {
  for (const bool goes_on : {true, false}) {
    Condition a, b;
    b.name = goes_on ? "goes_on" : "contradicts";
    a.name = b.name + "_a";
    b.reference = "/conditions/" + a.name;
    for (const text::Contrast& contrast : contrasts) {
      a.scripts.push_back(text::copy_a(contrast, goes_on, after));
      a.zero.push_back(contrast.middle - contrast.begin);
      b.scripts.push_back(text::copy_b(contrast, goes_on, after));
      b.zero.push_back(contrast.at - contrast.middle);
    }
    conditions.push_back(std::move(a));
    conditions.push_back(std::move(b));
  }
}

void add_switches(std::vector<Condition>& conditions, const std::vector<text::Switch>& switches, Index after, bool stayed) {
  Condition always, change, stay;
  always.name = "always";
  change.name = "switch";
  change.reference = "/conditions/always";
  stay.name = "stayed";
  for (const text::Switch& s : switches) {
    always.scripts.push_back(text::always(s, after));
    always.zero.push_back(s.to_at);
    change.scripts.push_back(text::change(s, after));
    change.zero.push_back(s.from_at);
    stay.scripts.push_back(text::stay(s, after));
    stay.zero.push_back(s.from_at);
  }
  for (Condition* c : {&always, &change, &stay}) c->beliefs = stayed;  // tokens to switch are measured on beliefs
  conditions.push_back(std::move(always));
  conditions.push_back(std::move(change));
  if (stayed) conditions.push_back(std::move(stay));
}

text::PairOptions pair_options(const Study& study, const Values& values, const std::string& experiment, const std::string& counted) {
  text::PairOptions options;
  options.experiment = experiment;
  options.counted = counted;
  options.count = values.integer(counted);
  options.context = values.integer("context");
  options.history = values.integer("history");
  options.room = values.integer("room");
  options.seed = study.options.seed;
  return options;
}

Index Condition::tokens() const {
  Index sum = 0;
  for (const auto& script : scripts) sum += text::script_tokens(script);
  for (const Episode& episode : episodes) sum += episode.length();
  return sum;
}

TrialWindow record_trials(Study& study, TrialReader& reader, const std::vector<Condition>& conditions, const TrialWindow& wanted,
                          const std::string& experiment, const std::string& path, Progress& progress) {
  // No trial reaches further back than its own history: what lies before it would be holes in the record.
  TrialWindow window = wanted;
  for (const Condition& condition : conditions)
    for (const Index zero : condition.zero) window.before = std::min(window.before, zero);
  std::vector<ConditionRecorder> recorders;
  Index total = 0, done = 0;
  for (const Condition& condition : conditions) {
    recorders.emplace_back(reader, condition, window);
    total += condition.tokens();
  }
  Grafts grafts(reader, conditions);
  progress.begin(experiment, total);
  for (std::size_t c = 0; c < conditions.size(); ++c) {
    const Index trials = conditions[c].trials();
    for (Index first = 0; first < trials; first += reader.streams()) {
      Index read = 0;
      const Batch batch = grafts.batch(conditions[c], first);
      const auto world = open_trials(study, conditions[c], batch, reader.streams());
      const auto advance = [&](Index tokens) {
        read = tokens;
        progress.update(done + read);
      };
      recorders[c].read(
          *world, batch, [&] { grafts.exchange(conditions[c], batch); }, advance);
      done += read;
    }
  }
  progress.end();

  TraceLayout layout;
  layout.groups.push_back({"/", study.trace_attributes(experiment)});
  for (std::size_t c = 0; c < conditions.size(); ++c) layout_condition(layout, conditions[c], recorders[c], study, reader, window);
  const Index sweeps = reader.sweeps(), steps = static_cast<Index>(recorders[0].rejections().size());
  if (steps > 0) lay_out_relaxation(layout, steps, sweeps, "the first batch of the root streams");
  TraceWriter trace(path, layout, {.swmr = false, .background = true, .deflate = 2});
  for (std::size_t c = 0; c < conditions.size(); ++c) write_condition(trace, conditions[c], recorders[c], window);
  if (steps > 0) {
    trace.write_block<float>(trace.handle("/relaxation/free_energy"), {0, 0}, {steps, sweeps + 1}, recorders[0].energy());
    trace.write_block<std::int64_t>(trace.handle("/relaxation/rejections"), {0}, {steps}, recorders[0].rejections());
  }
  trace.close();
  return window;
}

}  // namespace strata
