#pragma once
// Reads a recorded trace (interface: trace.h5), whoever wrote it. The least that is needed: /levels/L/belief(time, stream, unit) and, for
// measures that compare, /conditions/NAME/levels/L/belief. All else is optional: without a `time` dataset in a level group its time is
// 0, 1, 2, ...; without `valid` everything is data; names, time constants and ticks come from attributes of /levels/L where they are.
// Datasets are read one at a time, when asked for: a measure holds two of them in memory, whatever the size of the file.
//
// Errors: FileError (cannot be opened, truncated, not HDF5), DataError (not a trace, a group or condition is missing, a number is not
// finite, time does not ascend), ShapeError (rank or lengths do not fit). Each names the dataset, and for numbers the index.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/curves.hpp"

namespace strata {

/// A level as its group describes it.
struct LevelInfo {
  Index number;          ///< of the group, 0 = token level
  std::string name;      ///< attribute `name`, else "level N"
  double time_constant;  ///< tokens, NaN when not recorded
  double tick;           ///< tokens, NaN when not recorded
};

class TraceFile;

/// Whole numbers (time, stream), such as token ids; -1 is fill.
struct IntegerSeries {
  std::vector<std::int64_t> time;
  Index streams = 0;
  std::vector<std::int32_t> value;  ///< time x stream

  std::int32_t at(std::size_t sample, Index stream) const {
    return value[sample * static_cast<std::size_t>(streams) + static_cast<std::size_t>(stream)];
  }
};

/// True contexts of a world, /world/context(time, stream, level), lowest level first; negative where unknown.
struct Contexts {
  std::vector<std::int64_t> time;
  Index streams = 0, levels = 0;
  std::vector<Index> states;        ///< per level: attribute `states` of the dataset, else one more than the largest context seen
  std::vector<std::int32_t> value;  ///< time x stream x level

  std::int32_t at(std::size_t sample, Index stream, Index level) const {
    return value[(sample * static_cast<std::size_t>(streams) + static_cast<std::size_t>(stream)) * static_cast<std::size_t>(levels) +
                 static_cast<std::size_t>(level)];
  }
};

/// One row of /events; `kind` is one value of its flag_values.
struct EventRow {
  std::int64_t time;
  Index stream, kind;
};

/// One group of levels: the root of a trace, or one condition. A condition may hold tokens/surprise alone. Cheap to copy.
class Recording {
 public:
  Recording(std::shared_ptr<TraceFile> file, std::string name);

  const std::string& name() const { return name_; }                 ///< "/" or the condition's name
  const std::string& reference() const { return reference_; }       ///< "/" (also by default) or a condition's name
  const std::string& home() const { return home_; }                 ///< condition that read the passages where they belong; empty: none
  const std::vector<LevelInfo>& levels() const { return levels_; }  ///< ascending numbers
  bool has_level(Index number) const;

  bool has(Index level, const std::string& dataset) const;
  /// (time, stream, unit). Every value that is data is finite, or DataError names dataset and index.
  Series vectors(Index level, const std::string& dataset) const;
  /// (time, stream).
  Series scalars(Index level, const std::string& dataset) const;
  /// Surprise of every token read (time, stream), nats: tokens/surprise, else levels/0/surprise; has_token_surprise() says if either is
  /// there.
  bool has_token_surprise() const;
  Series token_surprise() const;
  /// tokens/id; -1 where a stream has no token any more.
  bool has_token_ids() const;
  IntegerSeries token_ids() const;
  /// tokens/document, the document that every token stands in; -1 where there is none.
  IntegerSeries token_documents() const;
  /// events/time, stream, kind.
  bool has_events() const;
  std::vector<EventRow> events() const;
  /// Attribute of a level's group, there or at the root; NaN where it is not recorded.
  double attribute(Index level, const std::string& name) const;

  const std::vector<std::int64_t>& valid() const { return valid_; }                    ///< per stream: times below are data; empty = all
  const std::vector<std::int64_t>& passage_length() const { return passage_length_; }  ///< per stream, tokens; empty = none

 private:
  std::string level_path(Index level) const;
  Series read(const std::string& group, const std::string& dataset, std::size_t rank) const;
  IntegerSeries of_tokens(const std::string& dataset) const;

  std::shared_ptr<TraceFile> file_;
  std::string name_, prefix_, reference_, home_;
  std::vector<LevelInfo> levels_;
  std::vector<std::int64_t> valid_, passage_length_;
};

class Trace {
 public:
  explicit Trace(const std::string& path);

  const std::string& path() const;
  Recording root() const;
  std::vector<std::string> conditions() const;  ///< names under /conditions, sorted
  bool has_condition(const std::string& name) const;
  /// Throws DataError that says which conditions are there.
  Recording condition(const std::string& name) const;
  /// What `recording` is to be compared with: the recording its attribute `reference` names.
  Recording reference_of(const Recording& recording) const;
  /// Where its passages were read in their own documents: the recording its attribute `home` names, if it has one.
  std::optional<Recording> home_of(const Recording& recording) const;

  bool has_contexts() const;
  Contexts contexts() const;  ///< throws DataError that says which experiments record them
  /// /world/NAME (time, stream, channel): what a world of numbers gave.
  bool has_world(const std::string& name) const;
  Series world(const std::string& name) const;

 private:
  std::shared_ptr<TraceFile> file_;
};

/// Per stream, the smaller of two `valid`s (either may be empty = all). Throws ShapeError for different lengths.
std::vector<std::int64_t> common_valid(const Recording& a, const Recording& b);

/// `wanted` itself ("prediction", "belief"), or for "auto": "prediction" where both recordings have it at this level, else "belief".
/// With `first` = "belief" auto tries the belief first. Throws DataError when either lacks what is needed.
std::string compared_dataset(const Recording& a, const Recording& b, Index level, const std::string& wanted,
                             const std::string& first = "prediction");

}  // namespace strata
