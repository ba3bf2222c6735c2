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

template <class T>
void Recorder<T>::lay_out_tokens(TraceLayout& layout) const {
  const Index b = hierarchy_.streams();
  layout.datasets.push_back({"/tokens/time", {"time"}, {unlimited}, NumberType::i64, "tokens", "steps since the start"});
  const auto add = [&](const char* name, NumberType type, const char* units, const char* long_name) {
    layout.datasets.push_back({std::string("/tokens/") + name, {"time", "stream"}, {unlimited, b}, type, units, long_name});
  };
  add("id", NumberType::i32, "1", "token read, -1 where the stream is idle");
  add("document", NumberType::i32, "1", "document the token lies in, -1 where the stream is idle");
  add("byte_begin", NumberType::i64, "bytes", "where the token begins in its source file");
  add("byte_end", NumberType::i64, "bytes", "where the token ends in its source file");
  add("surprise", NumberType::f32, "nats", "-ln p(token)");
  layout.datasets.push_back({"/events/time", {"event"}, {unlimited}, NumberType::i64, "tokens", "step of the event"});
  layout.datasets.push_back({"/events/stream", {"event"}, {unlimited}, NumberType::i32, "1", "stream of the event"});
  const std::vector<std::uint8_t> flags{1, 2, 4, 8, 16, 32};
  layout.datasets.push_back(
      {"/events/kind",
       {"event"},
       {unlimited},
       NumberType::u8,
       "1",
       "what ended or happened with the token",
       {{"flag_values", flags}, {"flag_meanings", std::string("sentence paragraph document surprise_on surprise_off switch")}}});
}

template <class T>
void Recorder<T>::lay_out_level(TraceLayout& layout, Index l, const std::string& name) const {
  const Level<T>& level = hierarchy_.level(l);
  const std::string group = "/levels/" + std::to_string(l);
  const Index b = hierarchy_.streams(), v = std::min(settings_.vector_streams, b);
  layout.groups.push_back({group,
                           {{"name", name},
                            {"kind", level.kind()},
                            {"time_constant", level.time_constant()},
                            {"tick", static_cast<std::int64_t>(level.tick())}}});
  layout.datasets.push_back({group + "/time", {"time"}, {unlimited}, NumberType::i64, "tokens", "steps since the start"});
  const auto vectors = [&](const char* what, const char* long_name) {
    layout.datasets.push_back(
        {group + "/" + what, {"time", "vector_stream", "unit"}, {unlimited, v, level.units()}, NumberType::f32, "1", long_name});
  };
  const auto scalars = [&](const char* what, const char* units, const char* long_name) {
    layout.datasets.push_back({group + "/" + what, {"time", "stream"}, {unlimited, b}, NumberType::f32, units, long_name});
  };
  vectors("prediction", "mu: what the level expects next");
  vectors("belief", "x: what the level believed when it last settled");
  vectors("prediction_error", "e = precision (x - mu) of the last settling");
  scalars("prediction_error_norm", "nats^0.5", "sqrt(precision k / tick) |x - mu| of the last settling, over k tokens");
  scalars("surprise", "nats", l == 0 ? "-ln p(token)" : "-ln p(token) under the level's own broad prediction");
  scalars("free_energy", "nats", "the level's part of the free energy");
  layout.datasets.push_back({group + "/active", {"time"}, {unlimited}, NumberType::u8, "1", "1 where the level is part of the hierarchy"});
}

template <class T>
Recorder<T>::Recorder(const std::string& path, Hierarchy<T>& hierarchy, const std::vector<std::string>& names,
                      const RecordSettings& settings, const std::vector<TraceAttribute>& attributes)
    : hierarchy_(hierarchy), settings_(settings) {
  TraceLayout layout;
  layout.groups.push_back({"/", attributes});
  lay_out_tokens(layout);
  for (Index l = 0; l < hierarchy.depth(); ++l) lay_out_level(layout, l, names[static_cast<std::size_t>(l)]);
  const auto sweeps = static_cast<Index>(hierarchy.relaxation().settings.steps) + 1;
  layout.datasets.push_back({"/relaxation/free_energy",
                             {"time", "sweep"},
                             {unlimited, sweeps},
                             NumberType::f32,
                             "nats",
                             "mean free energy over streams of the levels that settle at every token, after each sweep"});
  layout.datasets.push_back(
      {"/relaxation/rejections", {"time"}, {unlimited}, NumberType::i64, "1", "sweeps taken back, over streams and levels"});
  trace_ = std::make_unique<TraceWriter>(path, layout);
  const auto handle = [&](const std::string& dataset) { return trace_->handle(dataset); };
  time_ = handle("/tokens/time");
  id_ = handle("/tokens/id");
  document_ = handle("/tokens/document");
  begin_ = handle("/tokens/byte_begin");
  end_ = handle("/tokens/byte_end");
  surprise_ = handle("/tokens/surprise");
  event_time_ = handle("/events/time");
  event_stream_ = handle("/events/stream");
  event_kind_ = handle("/events/kind");
  sweep_energy_ = handle("/relaxation/free_energy");
  rejections_ = handle("/relaxation/rejections");
  for (Index l = 0; l < hierarchy.depth(); ++l) {
    const std::string g = "/levels/" + std::to_string(l) + "/";
    levels_.push_back({handle(g + "time"), handle(g + "prediction"), handle(g + "belief"), handle(g + "prediction_error"),
                       handle(g + "prediction_error_norm"), handle(g + "surprise"), handle(g + "free_energy"), handle(g + "active")});
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
void Recorder<T>::record_events(const Observation& o, std::uint64_t step) {
  const auto now = static_cast<std::int64_t>(step);
  for (std::size_t j = 0; j < o.id.size(); ++j) {
    const auto boundary = static_cast<std::uint8_t>(o.boundary[j] & (sentence_end | paragraph_end | document_end));
    const auto bits = static_cast<std::uint8_t>(boundary | o.event[j] << 3);
    for (std::uint8_t kind = 1; kind != 0 && kind <= 32; kind = static_cast<std::uint8_t>(kind << 1)) {
      if (o.active[j] == 0 || (bits & kind) == 0) continue;
      const auto stream = static_cast<std::int32_t>(j);
      trace_->template append<std::int64_t>(event_time_, std::span(&now, 1));
      trace_->template append<std::int32_t>(event_stream_, std::span(&stream, 1));
      trace_->template append<std::uint8_t>(event_kind_, std::span<const std::uint8_t>(&kind, 1));
    }
  }
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
  record_events(o, step);
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
