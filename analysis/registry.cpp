// The list of measures, expanded from list.inc; what `strata list measures`, `describe` and `analyse` ask.

#include <sstream>

#include "analysis/measure.hpp"
#include "analysis/trace_reader.hpp"
#include "core/error.hpp"

namespace strata {

#define STRATA_MEASURE(name) Measure name##_measure();
#include "analysis/list.inc"
#undef STRATA_MEASURE

const std::vector<Measure>& measures() {
  static const std::vector<Measure> all = {
#define STRATA_MEASURE(name) name##_measure(),
#include "analysis/list.inc"
#undef STRATA_MEASURE
  };
  return all;
}

const Measure& find_measure(const std::string& name) {
  std::vector<std::string> names;
  std::string listed;
  for (const Measure& measure : measures()) {
    if (measure.name == name) return measure;
    names.push_back(measure.name);
    listed += (listed.empty() ? "" : ", ") + measure.name;
  }
  throw ConfigError("measure", name, "is one of " + listed, nearest(name, names));
}

MeasureResult analyse(const std::string& name, const std::string& path, Configuration& configuration) {
  const Measure& measure = find_measure(name);
  const Values values = configuration.resolve(measure.parameters, "analyse.");
  return measure.run(Trace(path), values);
}

MeasureResult analyse(const std::string& name, const std::string& path) {
  Configuration defaults;
  return analyse(name, path, defaults);
}

std::string describe(const Measure& measure) {
  std::ostringstream out;
  out << measure.name << ": " << measure.summary << "\n\n" << measure.definition << "\n\n" << describe(measure.parameters, "analyse.");
  return out.str();
}

ParameterTable bootstrap_parameters() {
  return {{"resamples", std::int64_t{2000}, 10, 1e6, {}, "", "bootstrap resamples behind each interval", "Efron & Tibshirani 1993"},
          {"seed", std::int64_t{1}, 0, 9e15, {}, "", "of the resampling; the intervals are a pure function of it", ""}};
}

BootstrapOptions bootstrap_options(const Values& values) {
  BootstrapOptions options;
  options.resamples = values.integer("resamples");
  options.seed = static_cast<std::uint64_t>(values.integer("seed"));
  return options;
}

MeasuredValues level_record(const LevelInfo& level) {
  MeasuredValues record;
  record.set("name", MeasuredValue(level.name));
  record.set("time_constant", MeasuredValue(level.time_constant));
  return record;
}

}  // namespace strata
