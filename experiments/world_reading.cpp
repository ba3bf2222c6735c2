#include "experiments/world_reading.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "core/simulation.hpp"

namespace strata {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// `copies` copies of every stream of a world, side by side: stream c * B + j reads what stream j reads.
class Copies final : public World {
 public:
  Copies(std::unique_ptr<World> world, Index copies) : world_(std::move(world)), copies_(copies) { once_.resize(world_->streams()); }
  Index streams() const override { return world_->streams() * copies_; }
  Index vocabulary() const override { return world_->vocabulary(); }
  Index channels() const override { return world_->channels(); }
  Index tokens() const override { return world_->tokens() * copies_; }
  bool next(Observation& out) override {
    if (!world_->next(once_)) return false;
    repeat(once_.id, out.id);
    repeat(once_.active, out.active);
    repeat(once_.boundary, out.boundary);
    repeat(once_.event, out.event);
    repeat(once_.document, out.document);
    repeat(once_.byte_begin, out.byte_begin);
    repeat(once_.byte_end, out.byte_end);
    repeat(once_.pass, out.pass);
    repeat(once_.value, out.value);
    repeat(once_.context, out.context);
    return true;
  }
  void archive(Archive& archive) override { world_->archive(archive); }
  const Observation& once() const { return once_; }  ///< what was read last, one copy

 private:
  template <class V>
  void repeat(const V& from, V& to) const {
    to.clear();
    for (Index c = 0; c < copies_; ++c) to.insert(to.end(), from.begin(), from.end());
  }
  std::unique_ptr<World> world_;
  Index copies_;
  Observation once_;
};

/// Copy 1 + l: level l hands down its slow mean. Copy 1 + L + l: what level l of the next stream's intact copy hands down.
class Lesions {
 public:
  Lesions(Hierarchy<float>& hierarchy, Index streams) : hierarchy_(hierarchy), streams_(streams), depth_(hierarchy.depth()) {
    for (Index l = 0; l < depth_; ++l) {
      const Index units = hierarchy.level(l).downward().activity.rows;
      imposed_.emplace_back(hierarchy.device(), units, hierarchy.streams());
      host_.emplace_back(static_cast<std::size_t>(units * hierarchy.streams()));
      sum_.emplace_back(static_cast<std::size_t>(units), 0.0);
      auto& mask = clamped_.emplace_back(static_cast<std::size_t>(hierarchy.streams()), std::uint8_t{0});
      for (const Index copy : {1 + l, 1 + depth_ + l})
        for (Index j = 0; j < streams; ++j) mask[static_cast<std::size_t>(copy * streams + j)] = 1;
    }
  }

  /// After each step: what the next one is to see.
  void impose() {
    ++steps_;
    for (Index l = 0; l < depth_; ++l) {
      if (!hierarchy_.level(l).clamps()) continue;
      const auto i = static_cast<std::size_t>(l);
      const auto activity = hierarchy_.level(l).downward().activity;
      auto& host = host_[i];
      hierarchy_.device().download(activity, host);
      for (Index j = 0; j < streams_; ++j)
        for (Index u = 0; u < activity.rows; ++u)
          sum_[i][static_cast<std::size_t>(u)] += static_cast<double>(host[static_cast<std::size_t>(j * activity.rows + u)]);
      for (Index j = 0; j < streams_; ++j) {
        column(i, (1 + l) * streams_ + j, activity.rows,
               [&](Index u) { return static_cast<float>(sum_[i][static_cast<std::size_t>(u)] / static_cast<double>(steps_ * streams_)); });
        const Index other = (j + 1) % streams_;
        column(i, (1 + depth_ + l) * streams_ + j, activity.rows,
               [&](Index u) { return host[static_cast<std::size_t>(other * activity.rows + u)]; });
      }
      hierarchy_.device().upload(host, imposed_[i]);
      hierarchy_.level(l).clamp_downward(clamped_[i], imposed_[i]);
    }
  }

 private:
  template <class F>
  void column(std::size_t level, Index column, Index rows, F value) {
    for (Index u = 0; u < rows; ++u) host_[level][static_cast<std::size_t>(column * rows + u)] = value(u);
  }

  Hierarchy<float>& hierarchy_;
  Index streams_, depth_;
  std::int64_t steps_ = 0;
  std::vector<Tensor<float>> imposed_;
  std::vector<std::vector<float>> host_;
  std::vector<std::vector<double>> sum_;
  std::vector<std::vector<std::uint8_t>> clamped_;
};

/// The exact observers that a reading asks for: the whole one first, then those who know 0, 1, .. of its levels.
struct Observers {
  Observers(const Source& source, const WorldReading& reading) {
    const Index streams = reading.streams;
    if (reading.exact) whole = source.observer(streams);
    if (whole == nullptr) return;
    for (Index known = 0; reading.partial && known < whole->levels(); ++known)
      if (auto part = source.observer(streams, known)) parts.push_back(std::move(part));
  }
  std::unique_ptr<Observer> whole;
  std::vector<std::unique_ptr<Observer>> parts;
};

void lay_out_scores(TraceLayout& layout, const std::string& prefix, Index streams, const std::string& long_name) {
  layout.datasets.push_back({prefix + "/tokens/time", {"time"}, {unlimited}, NumberType::i64, "tokens", "steps since the start"});
  layout.datasets.push_back({prefix + "/tokens/surprise", {"time", "stream"}, {unlimited, streams}, NumberType::f32, "nats", long_name});
}

class WorldTrace {
 public:
  WorldTrace(const SampledStudy& study, Hierarchy<float>& hierarchy, const WorldReading& reading, const Observers& observers,
             const std::string& experiment, const std::string& path)
      : study_(study), hierarchy_(hierarchy), reading_(reading), observers_(observers), long_run_(study.source->long_run()) {
    TraceLayout layout;
    layout.groups.push_back({"/", study.trace_attributes(experiment)});
    lay_out_model(layout);
    lay_out_world(layout);
    lay_out_observers(layout);
    trace_ = std::make_unique<TraceWriter>(path, layout);
  }

  /// What the exact observer expects to be shown next, before it is.
  void expect() {
    expected_.clear();
    for (Index j = 0; innovations_ && j < reading_.streams; ++j) {
      const auto predictive = observers_.whole->predictive(j);  // mean and variance of each channel
      for (std::size_t c = 0; c < predictive.size(); c += 2) expected_.push_back(predictive[c]);
    }
  }

  /// Step `now` as the model (streams of every copy) and the observers hold it.
  void record(const Observation& once, std::int64_t now) {
    const auto tokens = [&](const std::string& prefix) { append_time(prefix + "/tokens/time", now); };
    tokens("");
    put<std::int32_t>("/tokens/id", once.id);
    download(hierarchy_.level(0).snapshot().surprise);
    score("", host_.data());
    const Index depth = hierarchy_.depth();
    for (Index l = 0; reading_.lesions && l < depth; ++l) {
      if (!hierarchy_.level(l).clamps()) continue;
      copy_scores("lesion_" + std::to_string(l), 1 + l, now);
      copy_scores("swap_" + std::to_string(l), 1 + depth + l, now);
    }
    record_world(once, now);
    observer_scores(once, now);
    if ((now - reading_.from) % reading_.every != 0) return;
    for (Index l = 0; l < depth; ++l) record_level(l, now);
    if (observers_.whole) record_beliefs(now);
  }
  void close() { trace_->close(); }

 private:
  void lay_out_model(TraceLayout& layout) {
    TraceRows rows;
    rows.streams = reading_.streams;
    lay_out_scores(layout, "", rows.streams, "-ln p(what was observed)");
    layout.datasets.push_back({"/tokens/id", {"time", "stream"}, {unlimited, rows.streams}, NumberType::i32, "1", "token read"});
    for (Index l = 0; l < hierarchy_.depth(); ++l)
      lay_out_level(layout, "", describe_level(hierarchy_.level(l)),
                    {.number = l, .name = study_.level_name(l), .vector_streams = rows.streams, .prediction_error = false}, rows);
    for (Index l = 0; reading_.lesions && l < hierarchy_.depth(); ++l) {
      if (!hierarchy_.level(l).clamps()) continue;
      const std::string level = std::to_string(l);
      lay_out_scores(layout, "/conditions/lesion_" + level, rows.streams, "-ln p where level " + level + " hands down its slow mean");
      lay_out_scores(layout, "/conditions/swap_" + level, rows.streams, "-ln p where level " + level + " hands down another stream's");
    }
  }

  void lay_out_world(TraceLayout& layout) {
    const auto contexts = study_.source->contexts();
    if (std::any_of(contexts.begin(), contexts.end(), [](Index states) { return states > 0; }))  // 0: a number, which has no label
      contexts_.assign(contexts.begin(), contexts.end());
    const Index levels = static_cast<Index>(contexts_.size()), channels = study_.channels();
    if (levels == 0 && channels == 0) return;
    layout.datasets.push_back({"/world/time", {"time"}, {unlimited}, NumberType::i64, "tokens", "steps since the start"});
    if (channels > 0)
      layout.datasets.push_back({"/world/value",
                                 {"time", "stream", "channel"},
                                 {unlimited, reading_.streams, channels},
                                 NumberType::f32,
                                 "1",
                                 "numbers observed, in the world's own units"});
    innovations_ = channels > 0 && observers_.whole;
    if (innovations_)
      layout.datasets.push_back({"/world/innovation",
                                 {"time", "stream", "channel"},
                                 {unlimited, reading_.streams, channels},
                                 NumberType::f32,
                                 "1",
                                 "what the exact observer did not expect of them"});
    if (levels == 0) return;
    TraceSpec context{"/world/context",
                      {"time", "stream", "level"},
                      {unlimited, reading_.streams, levels},
                      NumberType::i32,
                      "1",
                      "true context of every level, lowest first"};
    context.attributes.push_back({"states", contexts_});
    layout.datasets.push_back(context);
  }

  void lay_out_observers(TraceLayout& layout) {
    const Index streams = reading_.streams;
    if (!study_.log_unigram.empty() || !long_run_.empty())
      lay_out_scores(layout, "/conditions/unigram", streams, "-ln p under the long-run frequencies");
    if (!observers_.whole) return;
    const std::string exact = "/conditions/exact";
    lay_out_scores(layout, exact, streams, "-ln p of the exact observer");
    for (std::size_t k = 0; k < observers_.parts.size(); ++k)
      lay_out_scores(layout, exact + "_" + std::to_string(k), streams, "-ln p of the exact observer of the lowest levels alone");
    for (Index l = 0; l < observers_.whole->levels(); ++l) {
      const std::string group = exact + "/levels/" + std::to_string(l);
      layout.groups.push_back({group, {{"name", study_.level_name(l)}, {"kind", std::string("exact")}}});
      layout.datasets.push_back({group + "/time", {"time"}, {unlimited}, NumberType::i64, "tokens", "steps since the start"});
      const Shape sizes{unlimited, streams, observers_.whole->units(l)};
      layout.datasets.push_back({group + "/belief", {"time", "stream", "unit"}, sizes, NumberType::f32, "1", "marginal posterior"});
      layout.datasets.push_back(
          {group + "/prediction", {"time", "stream", "unit"}, sizes, NumberType::f32, "1", "marginal prior of the next step"});
    }
  }

  template <class V>
  void put(const std::string& dataset, std::span<const V> values) {
    trace_->append<V>(trace_->handle(dataset), values);
  }
  void append_time(const std::string& dataset, std::int64_t now) { put<std::int64_t>(dataset, std::span(&now, 1)); }
  void download(ConstView<float> view) {
    host_.resize(static_cast<std::size_t>(view.rows * view.cols));
    hierarchy_.device().download(view, host_);
  }
  void score(const std::string& prefix, const float* of_streams) {
    put<float>(prefix + "/tokens/surprise", std::span(of_streams, static_cast<std::size_t>(reading_.streams)));
  }
  void copy_scores(const std::string& condition, Index copy, std::int64_t now) {
    append_time("/conditions/" + condition + "/tokens/time", now);
    score("/conditions/" + condition, host_.data() + copy * reading_.streams);
  }

  void observer_scores(const Observation& once, std::int64_t now) {
    const auto scores = [&](const std::string& condition, auto surprise) {
      row_.clear();
      for (Index j = 0; j < reading_.streams; ++j) row_.push_back(static_cast<float>(surprise(j)));
      append_time("/conditions/" + condition + "/tokens/time", now);
      score("/conditions/" + condition, row_.data());
    };
    if (!study_.log_unigram.empty())
      scores("unigram", [&](Index j) { return -study_.log_unigram[static_cast<std::size_t>(once.id[static_cast<std::size_t>(j)])]; });
    else if (!long_run_.empty())
      scores("unigram", [&](Index j) { return long_run_surprise(once, static_cast<std::size_t>(j)); });
    if (!observers_.whole) return;
    scores("exact", [&](Index j) { return observers_.whole->surprise(j); });
    for (std::size_t k = 0; k < observers_.parts.size(); ++k)
      scores("exact_" + std::to_string(k), [&](Index j) { return observers_.parts[k]->surprise(j); });
  }

  /// -ln p of the numbers of a stream under their long-run Gaussian, nats.
  double long_run_surprise(const Observation& once, std::size_t stream) const {
    double sum = 0;
    for (std::size_t c = 0; c < long_run_.size(); ++c) {
      const double off = once.value[stream * long_run_.size() + c] - long_run_[c].mean, variance = long_run_[c].variance;
      sum += .5 * (off * off / variance + std::log(2 * std::numbers::pi * variance));
    }
    return sum;
  }

  void record_world(const Observation& once, std::int64_t now) {
    if (contexts_.empty() && once.value.empty()) return;
    append_time("/world/time", now);
    if (!contexts_.empty()) put<std::int32_t>("/world/context", once.context);
    if (once.value.empty()) return;
    row_.assign(once.value.begin(), once.value.end());
    put<float>("/world/value", row_);
    if (!innovations_) return;
    for (std::size_t i = 0; i < row_.size(); ++i) row_[i] = static_cast<float>(once.value[i] - expected_[i]);
    put<float>("/world/innovation", row_);
  }

  void record_level(Index l, std::int64_t now) {
    const std::string group = "/levels/" + std::to_string(l) + "/";
    const auto snapshot = hierarchy_.level(l).snapshot();
    append_time(group + "time", now);
    const auto vectors = [&](const char* name, ConstView<float> view) {
      download(view.cols_at(0, reading_.streams));
      put<float>(group + name, host_);
    };
    const auto scalars = [&](const char* name, ConstView<float> view) {
      if (view.data != nullptr)
        download(view);
      else
        host_.assign(static_cast<std::size_t>(hierarchy_.streams()), std::numeric_limits<float>::quiet_NaN());
      put<float>(group + name, std::span<const float>(host_.data(), static_cast<std::size_t>(reading_.streams)));
    };
    vectors("prediction", snapshot.prediction);
    vectors("belief", snapshot.belief);
    scalars("prediction_error_norm", snapshot.error_norm);
    scalars("surprise", snapshot.surprise);
    scalars("free_energy", snapshot.free_energy);
    const std::uint8_t active = 1;
    put<std::uint8_t>(group + "active", std::span(&active, 1));
  }

  void record_beliefs(std::int64_t now) {
    for (Index l = 0; l < observers_.whole->levels(); ++l) {
      const std::string group = "/conditions/exact/levels/" + std::to_string(l) + "/";
      append_time(group + "time", now);
      const auto vectors = [&](const char* name, auto of_stream) {
        row_.clear();
        for (Index j = 0; j < reading_.streams; ++j)
          for (const double x : of_stream(j)) row_.push_back(static_cast<float>(x));
        put<float>(group + name, row_);
      };
      vectors("belief", [&](Index j) { return observers_.whole->belief(l, j); });
      vectors("prediction", [&](Index j) { return observers_.whole->prediction(l, j); });
    }
  }

  const SampledStudy& study_;
  Hierarchy<float>& hierarchy_;
  WorldReading reading_;
  const Observers& observers_;
  std::vector<LongRun> long_run_;
  std::unique_ptr<TraceWriter> trace_;
  std::vector<std::int64_t> contexts_;
  std::vector<float> host_, row_;
  bool innovations_ = false;
  std::vector<double> expected_;
};

}  // namespace

bool lesionable(Hierarchy<float>& hierarchy) {
  for (Index l = 0; l < hierarchy.depth(); ++l)
    if (hierarchy.level(l).clamps()) return true;
  return false;
}

Index streams_needed(const WorldReading& reading, Index depth) { return reading.streams * (reading.lesions ? 1 + 2 * depth : 1); }

WorldReadingTimes read_world(SampledStudy& study, Hierarchy<float>& hierarchy, const WorldReading& reading, const std::string& experiment,
                             const std::string& path, Progress& progress) {
  const Source& source = *study.source;
  Copies world(reading.learning ? source.open(reading.streams, reading.length, reading.seed)
                                : source.stretches(reading.streams, 1, reading.length, reading.seed),
               hierarchy.streams() / reading.streams);
  const Observers observers(source, reading);
  WorldTrace trace(study, hierarchy, reading, observers, experiment, path);
  std::unique_ptr<Lesions> lesions;
  if (reading.lesions) lesions = std::make_unique<Lesions>(hierarchy, reading.streams);
  if (reading.learning && !study.schedule().plain())
    throw ConfigError("learning.curriculum, own_ticks, lightness", "", "are for train and evaluate; this learns in one online pass");
  if (reading.learning && study.growth().dynamic)
    throw ConfigError("growth.dynamic", "true", "is for train and evaluate; this learns in one online pass");
  if (reading.learning && study.monitor().cure)
    throw ConfigError("monitor.cure", "true", "is for train and evaluate; this learns in one online pass");
  Learning<float> learning(study.learning(), (world.steps() + study.interval() - 1) / study.interval());
  Simulation<float> simulation(hierarchy, world, reading.learning ? &learning : nullptr, study.interval(), study.options.seed);
  WorldReadingTimes times;
  double outside = 0;  // observers and recording
  const auto begin = Clock::now();
  progress.begin(reading.what, reading.streams * reading.length);
  simulation.record = [&](const Observation&, std::uint64_t step) {
    const auto started = Clock::now();
    if (observers.whole) {
      trace.expect();
      observers.whole->observe(world.once());
      times.observer_seconds += seconds_since(started);
      for (const auto& part : observers.parts) part->observe(world.once());
    }
    if (const auto now = static_cast<std::int64_t>(step); now >= reading.from) trace.record(world.once(), now);
    outside += seconds_since(started);
    if (lesions) lesions->impose();
  };
  simulation.start();
  const auto stop = [&] {
    progress.update(static_cast<Index>(simulation.steps()) * reading.streams);
    return interrupted();
  };
  if (!simulation.run(stop)) throw Interrupted("nothing of this experiment is kept; run it again");
  times.model_seconds = seconds_since(begin) - outside;
  times.tokens = reading.streams * static_cast<std::int64_t>(simulation.steps());
  progress.end();
  trace.close();
  return times;
}

}  // namespace strata
