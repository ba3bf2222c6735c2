#pragma once
// Records a running simulation into a trace: what every token cost and every level held (schema: analysis/README.md, trace.h5).
//
// Always: tokens, surprise, free energy and error norms of every stream. Vectors (prediction, belief, prediction_error): of the first
// `vector_streams` streams, under the dimension vector_stream. Rows are buffered and written on the trace's own thread.

#include <memory>
#include <string>
#include <vector>

#include "core/hierarchy.hpp"
#include "core/io/trace.hpp"
#include "core/parameter.hpp"

namespace strata {

struct RecordSettings {
  Index every = 1;                     ///< steps between two rows of the levels; tokens are all recorded
  Index vector_streams = 1;            ///< streams whose vectors are recorded
  static ParameterTable parameters();  ///< keys record.*
  static RecordSettings from(const Values& values);
};

template <class T>
class Recorder {
 public:
  /// Creates `path` with a group per level named `names[l]`. `attributes` go to the root. Throws FileError.
  Recorder(const std::string& path, Hierarchy<T>& hierarchy, const std::vector<std::string>& names, const RecordSettings& settings,
           const std::vector<TraceAttribute>& attributes);

  /// One step, after Simulation's last phase.
  void record(const Observation& observation, std::uint64_t step);
  /// Completes the file. Throws FileError.
  void close();

 private:
  struct Handles {
    int time, prediction, belief, error, norm, surprise, energy, active;
  };
  void lay_out_tokens(TraceLayout& layout) const;
  void lay_out_level(TraceLayout& layout, Index level, const std::string& name) const;
  void record_events(const Observation& observation, std::uint64_t step);
  void append_scalars(int handle, ConstView<T> view);
  void append_vectors(int handle, ConstView<T> view);

  Hierarchy<T>& hierarchy_;
  RecordSettings settings_;
  std::unique_ptr<TraceWriter> trace_;
  std::vector<Handles> levels_;
  int time_, id_, document_, begin_, end_, surprise_, sweep_energy_, rejections_, event_time_, event_stream_, event_kind_;
  std::vector<T> host_;
  std::vector<float> row_;
};

}  // namespace strata
