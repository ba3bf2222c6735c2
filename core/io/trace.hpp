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
  bool swmr = true;        ///< readers may look while it is written; also what lets a killed run be resumed
  bool background = true;  ///< compress and write on a thread of its own
  int deflate = 1;         ///< 0 (none) to 9
  std::size_t queue_bytes = std::size_t{64} << 20;
};

/// Not for use by several threads at once. Every call may throw FileError, also for what the background thread could not write.
class TraceWriter {
 public:
  /// Creates the file (replacing one that nobody writes) and everything in it. Throws FileError, ShapeError.
  TraceWriter(std::string path, const TraceLayout& layout, TraceOptions options = {});
  /// Opens the trace of an interrupted or killed run for going on: clears what the kill left and cuts every growing dataset back to
  /// `rows` (as sync() returned them with the checkpoint; 0 for datasets not named). Throws FileError when the trace is shorter.
  static std::unique_ptr<TraceWriter> reopen_and_truncate(const std::string& path, const std::map<std::string, std::int64_t>& rows,
                                                          TraceOptions options = {});
  ~TraceWriter();  ///< closes; call close() to hear of errors
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  const std::string& path() const { return file_.path(); }
  bool has(const std::string& dataset) const { return handles_.count(dataset) != 0; }
  int handle(const std::string& dataset) const;  ///< throws FileError for what the layout does not hold
  std::int64_t rows(int handle) const;           ///< appended so far (fixed datasets: their first size)

  /// Appends one or more whole rows; `values` is row-major, T the type of the dataset. Throws ShapeError.
  template <class T>
  void append(int handle, std::span<const T> values);
  /// Fills a box of a dataset whose sizes are fixed. Throws ShapeError.
  template <class T>
  void write_block(int handle, const Shape& start, const Shape& count, std::span<const T> values);
  /// Writes a whole dataset once. One that the layout does not hold is made after the file was closed to SWMR readers.
  template <class T>
  void write_whole(const TraceSpec& spec, std::span<const T> values);
  /// A column of texts (notes of events, names of trials); made when the file is closed.
  void write_texts(const std::string& path, const std::string& dimension, std::vector<std::string> texts, const std::string& long_name);

  /// Writes out what is buffered, so that SWMR readers see it. Costs a partly filled chunk; not for every step.
  void flush();
  /// flush() and fsync; rows per growing dataset, for the checkpoint.
  std::map<std::string, std::int64_t> sync();
  /// Writes everything, brings all datasets of a group to the same length (with fill values), makes what write_whole and
  /// write_texts left for the end, and closes.
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
  struct Late {
    TraceSpec spec;
    std::vector<std::uint8_t> bytes;
    std::vector<std::string> texts;
    bool text = false;
  };

  TraceWriter(Hdf5File file, WriterLock lock, TraceOptions options);
  void begin();
  void open_datasets();
  Dataset& checked(int handle, NumberType type);
  void push_buffer(Dataset& dataset);
  void push_all();
  void level_lengths();
  void finish_late();

  WriterLock lock_;
  Hdf5File file_;
  TraceOptions options_;
  std::vector<Dataset> datasets_;
  std::map<std::string, int> handles_;
  std::vector<Late> late_;
  std::unique_ptr<BlockWriter> writer_;  ///< last: its thread uses the datasets
  bool open_ = false;
};

}  // namespace strata
