#pragma once
// trace.h5: what a run records while it runs. Everything is laid out first (trace_layout.hpp); then the file is open to SWMR readers and
// rows are only appended or fixed datasets filled. Closed, it is a netCDF-4 compatible file.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/io/block_writer.hpp"
#include "core/io/trace_layout.hpp"

namespace strata {

struct TraceOptions {
  bool swmr = true;        ///< readers may look while it is written; also what leaves a killed run's file readable
  bool background = true;  ///< compress and write on a thread of its own
  int deflate = 1;         ///< 0 (none) to 9
  std::size_t queue_bytes = std::size_t{64} << 20;
};

/// Not for use by several threads at once. Every call may throw FileError, also for what the background thread could not write.
class TraceWriter {
 public:
  /// Creates the file (replacing one that nobody writes) and everything in it. Throws FileError, ShapeError.
  TraceWriter(std::string path, const TraceLayout& layout, TraceOptions options = {});
  ~TraceWriter();  ///< closes; call close() to hear of errors
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  const std::string& path() const { return file_.path(); }
  int handle(const std::string& dataset) const;  ///< throws FileError for what the layout does not hold
  std::int64_t rows(int handle) const;           ///< appended so far (fixed datasets: their first size)

  /// Appends one or more whole rows; `values` is row-major, T the type of the dataset. Throws ShapeError.
  template <class T>
  void append(int handle, std::span<const T> values);
  /// Fills a box of a dataset whose sizes are fixed. Throws ShapeError.
  template <class T>
  void write_block(int handle, const Shape& start, const Shape& count, std::span<const T> values);

  /// Writes out what is buffered, so that SWMR readers see it. Costs a partly filled chunk; not for every step.
  void flush();
  /// Writes everything, brings all datasets of a group to the same length (with fill values), and closes.
  void close();

 private:
  struct Dataset {
    std::string path;
    Hid id;
    NumberType type = NumberType::f32;
    Shape sizes;  ///< as in TraceSpec
    std::int64_t row_elements = 1, chunk_rows = 1, written = 0, buffered = 0;
    std::vector<std::uint8_t> buffer;
    bool growing() const { return !sizes.empty() && sizes[0] == unlimited; }
  };

  void begin();
  void open_datasets();
  Dataset& checked(int handle, NumberType type);
  void push_buffer(Dataset& dataset);
  void push_all();
  void level_lengths();

  WriterLock lock_;
  Hdf5File file_;
  TraceOptions options_;
  std::vector<Dataset> datasets_;
  std::map<std::string, int> handles_;
  std::unique_ptr<BlockWriter> writer_;  ///< last: its thread uses the datasets
  bool open_ = false;
};

}  // namespace strata
