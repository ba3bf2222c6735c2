#pragma once
// A measure computed from a recorded trace: what `strata analyse NAME TRACE.h5`, `strata list measures` and `strata describe NAME` know.
// Adding one: a new file that defines `Measure NAME_measure()`, and one line in list.inc.

#include <functional>
#include <string>
#include <vector>

#include "analysis/result.hpp"
#include "core/error.hpp"
#include "core/parameter.hpp"

namespace strata {

/// A recording holds all that a measure reads, and too little of it.
class NotEnough : public DataError {
 public:
  using DataError::DataError;
};

class Trace;
struct LevelInfo;

struct Measure {
  std::string name;        ///< as typed
  std::string summary;     ///< one line
  std::string definition;  ///< what exactly is computed, with units; a few lines
  ParameterTable parameters;
  std::function<MeasureResult(const Trace&, const Values&)> run;
};

/// Every measure of list.inc, in its order.
const std::vector<Measure>& measures();

/// Throws ConfigError that names the nearest measure.
const Measure& find_measure(const std::string& name);

/// Computes a measure from a trace file. Keys of the measure's table are read from `configuration` under `analyse.`;
/// without one, the defaults. Throws ConfigError, FileError, DataError, ShapeError.
MeasureResult analyse(const std::string& name, const std::string& path, Configuration& configuration);
MeasureResult analyse(const std::string& name, const std::string& path);

/// Name, summary, definition and parameter table as text.
std::string describe(const Measure& measure);

/// The parameters every measure has: resamples, seed.
ParameterTable bootstrap_parameters();
BootstrapOptions bootstrap_options(const Values& values);

/// A level record with name and, where known, time_constant.
MeasuredValues level_record(const LevelInfo& level);

}  // namespace strata
