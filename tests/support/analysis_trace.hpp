#pragma once
// Traces with known contents for tests of measures, written through core/io, and a folder that goes away with the test.

#include <unistd.h>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "analysis/curves.hpp"
#include "core/io/hdf5.hpp"

namespace strata::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    static std::atomic<int> count{0};
    path_ = std::filesystem::temp_directory_path() / ("strata_analysis_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// value(time, trial) at the given times.
inline Curves make_curves(const std::vector<std::int64_t>& time, Index trials, const std::function<double(double, Index)>& value) {
  Curves curves;
  curves.trials = trials;
  curves.resize(time.size());
  curves.time = time;
  for (std::size_t k = 0; k < time.size(); ++k)
    for (Index s = 0; s < trials; ++s) {
      curves.value[curves.place(k, s)] = value(static_cast<double>(time[k]), s);
      curves.valid[curves.place(k, s)] = 1;
    }
  return curves;
}

/// first, first + step, ... up to last.
inline std::vector<std::int64_t> times(std::int64_t first, std::int64_t last, std::int64_t step = 1) {
  std::vector<std::int64_t> out;
  for (std::int64_t t = first; t <= last; t += step) out.push_back(t);
  return out;
}

/// Writes (time, stream, unit), or (time, stream) with units = 0, from value(time, stream, unit), and the time scale beside it.
inline void write_level(Hdf5File& file, const std::string& group, const std::string& dataset, const std::vector<std::int64_t>& time,
                        Index streams, Index units, const std::function<double(double, Index, Index)>& value) {
  std::vector<float> data;
  for (const std::int64_t t : time)
    for (Index s = 0; s < streams; ++s)
      for (Index u = 0; u < std::max<Index>(units, 1); ++u) data.push_back(static_cast<float>(value(static_cast<double>(t), s, u)));
  Shape shape = {static_cast<std::int64_t>(time.size()), streams};
  if (units > 0) shape.push_back(units);
  file.write<float>(group + "/" + dataset, shape, data);
  if (!file.exists(group + "/time")) file.write<std::int64_t>(group + "/time", {static_cast<std::int64_t>(time.size())}, time);
}

}  // namespace strata::test
