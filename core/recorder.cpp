#include "core/recorder.hpp"

#include <algorithm>

namespace strata {

ParameterTable RecordSettings::parameters() {
  const RecordSettings d;
  return {
      {"every", std::int64_t{d.every}, 1, 1e9, {}, "steps", "steps between two recorded rows of the levels", ""},
      {"vector_streams",
       std::int64_t{d.vector_streams},
       1,
       4096,
       {},
       "1",
       "streams whose beliefs, predictions and errors are recorded",
       ""},
  };
}

RecordSettings RecordSettings::from(const Values& values) { return {values.integer("every"), values.integer("vector_streams")}; }

void lay_out_tokens(TraceLayout& layout, const std::string& prefix, const TraceRows& rows) {
  const std::string group = prefix + "/tokens/";
  layout.datasets.push_back({group + "time", {"time"}, {rows.times}, NumberType::i64, "tokens", rows.time_name});
  const auto add = [&](const char* name, NumberType type, const char* units, const char* long_name) {
    layout.datasets.push_back({group + name, {"time", "stream"}, {rows.times, rows.streams}, type, units, long_name});
  };
  add("id", NumberType::i32, "1", "token read, -1 where the stream is idle");
  add("document", NumberType::i32, "1", "document the token lies in, -1 where the stream is idle");
  add("byte_begin", NumberType::i64, "bytes", "where the token begins in its source file");
  add("byte_end", NumberType::i64, "bytes", "where the token ends in its source file");
  add("surprise", NumberType::f32, "nats", "-ln p(token)");
}

void lay_out_events(TraceLayout& layout, const std::string& prefix, const TraceRows& rows) {
  const std::string group = prefix + "/events/";
  layout.datasets.push_back(
      {group + "time", {"event"}, {unlimited}, NumberType::i64, "tokens", "when its token was read: " + rows.time_name});
  layout.datasets.push_back({group + "stream", {"event"}, {unlimited}, NumberType::i32, "1", "stream of the event"});
  const std::vector<std::uint8_t> flags{1, 2, 4, 8, 16, 32};
  layout.datasets.push_back(
      {group + "kind",
       {"event"},
       {unlimited},
       NumberType::u8,
       "1",
       "what ended or happened with the token",
       {{"flag_values", flags}, {"flag_meanings", std::string("sentence paragraph document surprise_on surprise_off switch")}}});
}

void lay_out_level(TraceLayout& layout, const std::string& prefix, const LevelDescription& level, const LevelArrays& arrays,
                   const TraceRows& rows) {
  const std::string path = prefix + "/levels/" + std::to_string(arrays.number), group = path + "/";
  layout.groups.push_back({path,
                           {{"name", arrays.name},
                            {"kind", level.kind},
                            {"time_constant", level.time_constant},
                            {"tick", static_cast<std::int64_t>(level.tick)},
                            {"stubbornness", level.stubbornness}}});
  layout.datasets.push_back({group + "time", {"time"}, {rows.times}, NumberType::i64, "tokens", rows.time_name});
  const auto vectors = [&](const char* what, const char* long_name) {
    layout.datasets.push_back({group + what,
                               {"time", arrays.vector_dimension, "unit"},
                               {rows.times, arrays.vector_streams, level.units},
                               NumberType::f32,
                               "1",
                               long_name});
  };
  const auto scalars = [&](const char* what, const char* units, const char* long_name) {
    layout.datasets.push_back({group + what, {"time", "stream"}, {rows.times, rows.streams}, NumberType::f32, units, long_name});
  };
  vectors("prediction", "mu: what the level expects after reading the token at this time");
  if (arrays.belief) vectors("belief", "x: what the level believed when it last settled");
  if (arrays.prediction_error) vectors("prediction_error", "e = precision (x - mu) of the last settling");
  scalars("prediction_error_norm", "nats^0.5", "sqrt(precision k / tick) |x - mu| of the last settling, over k tokens");
  scalars("surprise", "nats", arrays.number == 0 ? "-ln p(token)" : "-ln p(token) under the level's own broad prediction");
  scalars("free_energy", "nats", "the level's part of the free energy");
  for (const TermScore& term : arrays.terms)
    scalars(("objective_" + term.name).c_str(), "nats",
            "what the objective's term was worth, per token: of the level's last window, at level 0 of the token");
  layout.datasets.push_back({group + "active", {"time"}, {rows.times}, NumberType::u8, "1", "1 where the level is part of the hierarchy"});
}

void lay_out_relaxation(TraceLayout& layout, Index times, Index sweeps, const std::string& streams) {
  layout.datasets.push_back(
      {"/relaxation/free_energy",
       {"time", "step"},
       {times, sweeps + 1},
       NumberType::f32,
       "nats",
       "free energy of the levels that settle at every token, before settling and after each sweep; mean over " + streams});
  layout.datasets.push_back(
      {"/relaxation/rejections", {"time"}, {times}, NumberType::i64, "1", "sweeps taken back, over streams and levels"});
}

std::uint8_t event_kinds(const Observation& o, std::size_t stream) {
  if (o.active[stream] == 0) return 0;
  const auto ended = (o.boundary[stream] | o.boundary[stream] >> untold) & (sentence_end | paragraph_end | document_end);
  return static_cast<std::uint8_t>(ended | o.event[stream] << 3);
}

EventTable::EventTable(TraceWriter& trace, const std::string& prefix)
    : trace_(trace),
      time_(trace.handle(prefix + "/events/time")),
      stream_(trace.handle(prefix + "/events/stream")),
      kind_(trace.handle(prefix + "/events/kind")) {}

void EventTable::append(std::int64_t time, std::int32_t stream, std::uint8_t kinds) {
  for (std::uint8_t kind = 1; kind != 0 && kind <= 32; kind = static_cast<std::uint8_t>(kind << 1)) {
    if ((kinds & kind) == 0) continue;
    trace_.append<std::int64_t>(time_, std::span<const std::int64_t>(&time, 1));
    trace_.append<std::int32_t>(stream_, std::span<const std::int32_t>(&stream, 1));
    trace_.append<std::uint8_t>(kind_, std::span<const std::uint8_t>(&kind, 1));
  }
}

template <class T>
Recorder<T>::Recorder(const std::string& path, Hierarchy<T>& hierarchy, const std::vector<std::string>& names,
                      const RecordSettings& settings, const std::vector<TraceAttribute>& attributes, const DepthInUse<T>* in_use)
    : hierarchy_(hierarchy), in_use_(in_use), settings_(settings) {
  TraceLayout layout;
  layout.groups.push_back({"/", attributes});
  TraceRows rows;
  rows.streams = hierarchy.streams();
  lay_out_tokens(layout, "", rows);
  lay_out_events(layout, "", rows);
  for (Index l = 0; l < hierarchy.depth(); ++l)
    lay_out_level(layout, "", describe_level(hierarchy.level(l)),
                  {.number = l,
                   .name = names[static_cast<std::size_t>(l)],
                   .vector_dimension = "vector_stream",
                   .vector_streams = std::min(settings_.vector_streams, rows.streams),
                   .terms = hierarchy.level(l).term_scores()},
                  rows);
  lay_out_relaxation(layout, unlimited, hierarchy.relaxation().settings.steps, "streams");
  if (in_use_ != nullptr)
    layout.datasets.push_back({"/tokens/depth_in_use",
                               {"time", "stream"},
                               {rows.times, rows.streams},
                               NumberType::f32,
                               "levels",
                               "how many levels the stream uses: by which depth the words before this one were best foreseen"});
  trace_ = std::make_unique<TraceWriter>(path, layout);
  const auto handle = [&](const std::string& dataset) { return trace_->handle(dataset); };
  time_ = handle("/tokens/time");
  id_ = handle("/tokens/id");
  document_ = handle("/tokens/document");
  begin_ = handle("/tokens/byte_begin");
  end_ = handle("/tokens/byte_end");
  surprise_ = handle("/tokens/surprise");
  events_ = std::make_unique<EventTable>(*trace_, "");
  sweep_energy_ = handle("/relaxation/free_energy");
  rejections_ = handle("/relaxation/rejections");
  if (in_use_ != nullptr) depth_ = handle("/tokens/depth_in_use");
  for (Index l = 0; l < hierarchy.depth(); ++l) {
    const std::string g = "/levels/" + std::to_string(l) + "/";
    levels_.push_back({handle(g + "time"),
                       handle(g + "prediction"),
                       handle(g + "belief"),
                       handle(g + "prediction_error"),
                       handle(g + "prediction_error_norm"),
                       handle(g + "surprise"),
                       handle(g + "free_energy"),
                       handle(g + "active"),
                       {}});
    for (const TermScore& term : hierarchy.level(l).term_scores()) levels_.back().terms.push_back(handle(g + "objective_" + term.name));
  }
}

template <class T>
void Recorder<T>::append_scalars(int handle, ConstView<T> view) {
  host_.resize(static_cast<std::size_t>(view.rows * view.cols));
  hierarchy_.device().download(view, host_);
  row_.assign(host_.begin(), host_.end());
  trace_->template append<float>(handle, row_);
}

template <class T>
void Recorder<T>::append_vectors(int handle, ConstView<T> view) {
  append_scalars(handle, view.cols_at(0, std::min(settings_.vector_streams, view.cols)));
}

template <class T>
void Recorder<T>::record(const Observation& o, std::uint64_t step) {
  const auto now = static_cast<std::int64_t>(step);
  auto id = o.id;
  for (std::size_t j = 0; j < id.size(); ++j)
    if (o.active[j] == 0) id[j] = -1;
  trace_->template append<std::int64_t>(time_, std::span(&now, 1));
  trace_->template append<std::int32_t>(id_, id);
  trace_->template append<std::int32_t>(document_, o.document);
  trace_->template append<std::int64_t>(begin_, o.byte_begin);
  trace_->template append<std::int64_t>(end_, o.byte_end);
  append_scalars(surprise_, hierarchy_.level(0).snapshot().surprise);
  if (in_use_ != nullptr) {
    row_.assign(in_use_->levels().begin(), in_use_->levels().end());
    trace_->template append<float>(depth_, row_);
  }
  for (std::size_t j = 0; j < o.id.size(); ++j) events_->append(now, static_cast<std::int32_t>(j), event_kinds(o, j));
  const RelaxationTrace& settled = hierarchy_.relaxation().trace();
  row_.assign(settled.free_energy.begin(), settled.free_energy.end());
  trace_->template append<float>(sweep_energy_, row_);
  trace_->template append<std::int64_t>(rejections_, std::span(&settled.rejections, 1));
  if (now % settings_.every != 0) return;
  const std::uint8_t active = 1;
  for (Index l = 0; l < hierarchy_.depth(); ++l) {
    const Handles& h = levels_[static_cast<std::size_t>(l)];
    const Snapshot<T> s = hierarchy_.level(l).snapshot();
    trace_->template append<std::int64_t>(h.time, std::span(&now, 1));
    append_vectors(h.prediction, s.prediction);
    append_vectors(h.belief, s.belief);
    append_vectors(h.error, s.prediction_error);
    append_scalars(h.norm, s.error_norm);
    append_scalars(h.surprise, s.surprise);
    append_scalars(h.energy, s.free_energy);
    for (std::size_t i = 0; i < h.terms.size(); ++i) append_scalars(h.terms[i], hierarchy_.level(l).term_value(i));
    trace_->template append<std::uint8_t>(h.active, std::span(&active, 1));
  }
}

template <class T>
void Recorder<T>::close() {
  trace_->close();
}

template class Recorder<float>;
template class Recorder<double>;

}  // namespace strata
