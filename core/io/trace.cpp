#include "core/io/trace.hpp"

#include <hdf5.h>

#include <algorithm>
#include <numeric>

#include "core/error.hpp"

namespace strata {
namespace {

template <class T>
std::span<const std::uint8_t> bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}

}  // namespace

TraceWriter::TraceWriter(std::string path, const TraceLayout& layout, TraceOptions options)
    : lock_(path), file_(std::move(path), Hdf5File::Mode::create), options_(options) {
  create_layout(file_, layout, options_.deflate);
  begin();
}

TraceWriter::~TraceWriter() {
  try {
    close();
  } catch (...) {  // whoever wants to hear of errors calls close()
  }
}

/// From here on nothing is created; readers may come.
void TraceWriter::begin() {
  file_.flush();
  if (options_.swmr) hdf5_check(H5Fstart_swmr_write(file_.id()), file_.place(""), "be opened to readers");
  open_datasets();
  writer_ = std::make_unique<BlockWriter>(options_.background, options_.queue_bytes);
  open_ = true;
}

void TraceWriter::open_datasets() {
  // Blocks are whole chunks: they go straight to the compressor, and a cache would only keep them from the disk.
  const Hid access(H5Pcreate(H5P_DATASET_ACCESS));
  H5Pset_chunk_cache(access, 0, 0, 1);
  for (const std::string& path : file_.all_datasets()) {
    Dataset dataset;
    dataset.path = path;
    dataset.type = file_.type(path);
    dataset.id = Hid(hdf5_check(H5Dopen2(file_.id(), path.c_str(), access), file_.place(path), "be opened"));
    const Hid space(H5Dget_space(dataset.id)), list(H5Dget_create_plist(dataset.id));
    const int rank = H5Sget_simple_extent_ndims(space);
    std::vector<hsize_t> sizes(static_cast<std::size_t>(rank)), limits(sizes.size()), chunk(sizes.size());
    H5Sget_simple_extent_dims(space, sizes.data(), limits.data());
    dataset.sizes.assign(sizes.begin(), sizes.end());
    dataset.written = rank > 0 ? dataset.sizes[0] : 1;
    for (std::size_t i = 1; i < sizes.size(); ++i) dataset.row_elements *= dataset.sizes[i];
    if (rank > 0 && limits[0] == H5S_UNLIMITED) {
      dataset.sizes[0] = unlimited;
      H5Pget_chunk(list, rank, chunk.data());
      dataset.chunk_rows = static_cast<std::int64_t>(chunk[0]);
    }
    handles_[path] = static_cast<int>(datasets_.size());
    datasets_.push_back(std::move(dataset));
  }
}

int TraceWriter::handle(const std::string& dataset) const {
  const auto found = handles_.find(dataset);
  if (found == handles_.end()) throw FileError(path(), dataset, "is not part of this trace's layout");
  return found->second;
}

std::int64_t TraceWriter::rows(int handle) const {
  const Dataset& dataset = datasets_.at(static_cast<std::size_t>(handle));
  return dataset.written + dataset.buffered;
}

TraceWriter::Dataset& TraceWriter::checked(int handle, NumberType type) {
  Dataset& dataset = datasets_.at(static_cast<std::size_t>(handle));
  if (!open_) throw FileError(path(), dataset.path, "is closed already");
  if (dataset.type != type) throw ShapeError("trace " + dataset.path, name_of(dataset.type), name_of(type));
  return dataset;
}

template <class T>
void TraceWriter::append(int handle, std::span<const T> values) {
  Dataset& dataset = checked(handle, number_type<T>());
  const auto given = static_cast<std::int64_t>(values.size());
  if (!dataset.growing() || dataset.row_elements == 0 || given % dataset.row_elements != 0)
    throw ShapeError("trace " + dataset.path, "rows of " + std::to_string(dataset.row_elements) + " for " + to_text(dataset.sizes),
                     std::to_string(given) + " values");
  const auto row_bytes = static_cast<std::size_t>(dataset.row_elements) * sizeof(T);
  for (auto bytes = bytes_of(values); !bytes.empty();) {
    const std::int64_t rows_filled = dataset.written + dataset.buffered;
    const std::int64_t room = dataset.chunk_rows - rows_filled % dataset.chunk_rows;  // up to the next chunk boundary
    const auto part = bytes.first(std::min(bytes.size(), static_cast<std::size_t>(room) * row_bytes));
    dataset.buffer.insert(dataset.buffer.end(), part.begin(), part.end());
    dataset.buffered += static_cast<std::int64_t>(part.size() / row_bytes);
    bytes = bytes.subspan(part.size());
    if ((dataset.written + dataset.buffered) % dataset.chunk_rows == 0) push_buffer(dataset);
  }
}

void TraceWriter::push_buffer(Dataset& dataset) {
  if (dataset.buffered == 0) return;
  BlockWriter::Block block{dataset.id, dataset.type, true, Shape(dataset.sizes.size(), 0), dataset.sizes, {}, file_.place(dataset.path)};
  block.start[0] = dataset.written;
  block.count[0] = dataset.buffered;
  const std::size_t capacity = dataset.buffer.capacity();
  block.bytes = std::move(dataset.buffer);
  dataset.buffer = {};
  dataset.buffer.reserve(capacity);
  dataset.written += dataset.buffered;
  dataset.buffered = 0;
  writer_->push(std::move(block));
}

void TraceWriter::push_all() {
  for (Dataset& dataset : datasets_) push_buffer(dataset);
}

template <class T>
void TraceWriter::write_block(int handle, const Shape& start, const Shape& count, std::span<const T> values) {
  Dataset& dataset = checked(handle, number_type<T>());
  bool inside = !dataset.growing() && start.size() == dataset.sizes.size() && count.size() == start.size() &&
                elements(count) == static_cast<std::int64_t>(values.size());
  for (std::size_t i = 0; inside && i < start.size(); ++i)
    inside = start[i] >= 0 && count[i] >= 0 && start[i] + count[i] <= dataset.sizes[i];
  if (!inside)
    throw ShapeError("trace " + dataset.path, "a box inside the fixed sizes " + to_text(dataset.sizes),
                     to_text(count) + " from " + to_text(start) + " with " + std::to_string(values.size()) + " values");
  const auto bytes = bytes_of(values);
  writer_->push({dataset.id, dataset.type, false, start, count, {bytes.begin(), bytes.end()}, file_.place(dataset.path)});
}

void TraceWriter::flush() {
  push_all();
  writer_->drain();
  file_.flush();
}

/// netCDF readers take the length of a dimension from its scale: what was recorded less often or not at all is filled up.
void TraceWriter::level_lengths() {
  std::map<std::string, std::int64_t> longest;
  for (const Dataset& dataset : datasets_)
    if (dataset.growing()) longest[parent_path(dataset.path)] = std::max(longest[parent_path(dataset.path)], dataset.written);
  for (Dataset& dataset : datasets_) {
    const std::int64_t wanted = dataset.growing() ? longest[parent_path(dataset.path)] : dataset.written;
    if (dataset.written == wanted) continue;
    const std::int64_t missing = wanted - dataset.written;
    if (dataset.type == NumberType::i64 && file_.has_attribute(dataset.path, "_Netcdf4Dimid")) {
      std::int64_t next = 0;  // a scale counts on
      if (dataset.written > 0) next = file_.read_slab<std::int64_t>(dataset.path, {dataset.written - 1}, {1}).data[0] + 1;
      std::vector<std::int64_t> values(static_cast<std::size_t>(missing));
      std::iota(values.begin(), values.end(), next);
      append<std::int64_t>(handle(dataset.path), values);
      push_buffer(dataset);
      continue;
    }
    std::vector<hsize_t> sizes(dataset.sizes.begin(), dataset.sizes.end());
    sizes[0] = static_cast<hsize_t>(wanted);
    hdf5_check(H5Dset_extent(dataset.id, sizes.data()), file_.place(dataset.path), "grow");
    dataset.written = wanted;
  }
  writer_->drain();
}

void TraceWriter::close() {
  if (!open_) return;
  push_all();
  writer_->drain();
  level_lengths();
  open_ = false;
  writer_.reset();
  for (Dataset& dataset : datasets_) dataset.id.reset();
  file_.close();
  lock_.sync_to_disk();
}

#define STRATA_TRACE(T)                                       \
  template void TraceWriter::append(int, std::span<const T>); \
  template void TraceWriter::write_block(int, const Shape&, const Shape&, std::span<const T>);
STRATA_TRACE(float)
STRATA_TRACE(double)
STRATA_TRACE(std::int32_t)
STRATA_TRACE(std::int64_t)
STRATA_TRACE(std::uint8_t)
#undef STRATA_TRACE

}  // namespace strata
