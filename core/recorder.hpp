#pragma once
// Records a running simulation into a trace: what every token cost and every level held (schema: analysis/README.md, trace.h5).
//
// Always: tokens, surprise, free energy and error norms of every stream. Vectors (prediction, belief, prediction_error): of the first
// `vector_streams` streams, under the dimension vector_stream. Rows are buffered and written on the trace's own thread.

#include <memory>
#include <string>
#include <vector>

#include "core/depth_in_use.hpp"
#include "core/hierarchy.hpp"
#include "core/io/trace.hpp"
#include "core/parameter.hpp"

namespace strata {

/// Rows of a recorded group, and what its time counts.
struct TraceRows {
  Index times = unlimited;  ///< unlimited: rows are appended
  Index streams = 1;
  std::string time_name = "steps since the start";  ///< long_name of `time`
};

/// What a level is, for the attributes of its group.
struct LevelDescription {
  std::string kind;
  double time_constant = 1;  ///< tokens
  Index tick = 1, units = 1;
  double stubbornness = 1;  ///< exponent of the evidence that the level takes
};
template <class T>
LevelDescription describe_level(const Level<T>& level) {
  return {level.kind(), level.time_constant(), level.tick(), level.units(), level.stubbornness()};
}

/// What a level's group holds beside its scalars.
struct LevelArrays {
  Index number = 0;                         ///< of the level, 0 lowest
  std::string name;                         ///< "sentence"
  std::string vector_dimension = "stream";  ///< of prediction, belief and prediction_error
  Index vector_streams = 1;
  bool belief = true, prediction_error = true;
  std::vector<TermScore> terms = {};  ///< of the objective: a scalar each
};

// The groups of a trace, for whoever records one: below `prefix`, "" for the root, else "/conditions/NAME".
void lay_out_tokens(TraceLayout& layout, const std::string& prefix, const TraceRows& rows);
void lay_out_events(TraceLayout& layout, const std::string& prefix, const TraceRows& rows);
void lay_out_level(TraceLayout& layout, const std::string& prefix, const LevelDescription& level, const LevelArrays& arrays,
                   const TraceRows& rows);
/// F_now before settling and after each of `sweeps` sweeps; `streams` says in words of which it is the mean.
void lay_out_relaxation(TraceLayout& layout, Index times, Index sweeps, const std::string& streams);

/// What ended or happened with the token of a stream, as the bits of flag_values in /events; 0 where it is idle.
std::uint8_t event_kinds(const Observation& observation, std::size_t stream);

/// The table that lay_out_events made: one row per event, so two for the end of a sentence that ends a paragraph.
class EventTable {
 public:
  EventTable(TraceWriter& trace, const std::string& prefix);
  void append(std::int64_t time, std::int32_t stream, std::uint8_t kinds);

 private:
  TraceWriter& trace_;
  int time_, stream_, kind_;
};

struct RecordSettings {
  Index every = 1;                     ///< steps between two rows of the levels; tokens are all recorded
  Index vector_streams = 1;            ///< streams whose vectors are recorded
  static ParameterTable parameters();  ///< keys record.*
  static RecordSettings from(const Values& values);
};

template <class T>
class Recorder {
 public:
  /// Creates `path` with a group per level named `names[l]`. `attributes` go to the root. With `in_use` also how many levels every stream uses. Throws
  /// FileError.
  Recorder(const std::string& path, Hierarchy<T>& hierarchy, const std::vector<std::string>& names, const RecordSettings& settings,
           const std::vector<TraceAttribute>& attributes, const DepthInUse<T>* in_use = nullptr);

  /// One step, after Simulation's last phase.
  void record(const Observation& observation, std::uint64_t step);
  /// Completes the file. Throws FileError.
  void close();

 private:
  struct Handles {
    int time, prediction, belief, error, norm, surprise, energy, active;
    std::vector<int> terms;
  };
  void append_scalars(int handle, ConstView<T> view);
  void append_vectors(int handle, ConstView<T> view);

  Hierarchy<T>& hierarchy_;
  const DepthInUse<T>* in_use_;
  RecordSettings settings_;
  std::unique_ptr<TraceWriter> trace_;
  std::unique_ptr<EventTable> events_;
  std::vector<Handles> levels_;
  int time_, id_, document_, begin_, end_, surprise_, sweep_energy_, rejections_, depth_ = 0;
  std::vector<T> host_;
  std::vector<float> row_;
};

}  // namespace strata
