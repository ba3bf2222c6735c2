#include "core/io/block_writer.hpp"

#include <hdf5.h>

namespace strata {
namespace {

void write_block(const BlockWriter::Block& block) {
  const std::vector<hsize_t> start(block.start.begin(), block.start.end()), count(block.count.begin(), block.count.end());
  if (block.grow) {
    std::vector<hsize_t> sizes = count;
    sizes[0] += start[0];
    hdf5_check(H5Dset_extent(block.dataset, sizes.data()), block.place, "grow");
  }
  if (elements(block.count) == 0) return;
  const Hid space(hdf5_check(H5Dget_space(block.dataset), block.place, "be written"));
  const bool scalar = start.empty();
  const Hid memory(scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr));
  if (!scalar)
    hdf5_check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr), block.place, "be written");
  hdf5_check(H5Dwrite(block.dataset, hdf5_native(block.type), memory, space, H5P_DEFAULT, block.bytes.data()), block.place, "be written");
}

bool library_is_thread_safe() {
  hbool_t safe = 0;
  return H5is_library_threadsafe(&safe) >= 0 && safe > 0;
}

}  // namespace

BlockWriter::BlockWriter(bool background, std::size_t queue_bytes)
    : background_(background && library_is_thread_safe()), limit_(queue_bytes) {
  if (background_) thread_ = std::thread([this] { work(); });
}

BlockWriter::~BlockWriter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void BlockWriter::push(Block block) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || queue_.empty() || waiting_ + block.bytes.size() <= limit_; });
  if (failure_) std::rethrow_exception(failure_);
  if (background_) {
    waiting_ += block.bytes.size();
    queue_.push_back(std::move(block));
    changed_.notify_all();
    return;
  }
  try {
    hdf5_quiet();
    write_block(block);
  } catch (...) {
    failure_ = std::current_exception();
    throw;
  }
}

void BlockWriter::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || (queue_.empty() && !busy_); });
  if (failure_) std::rethrow_exception(failure_);
}

void BlockWriter::work() {
  hdf5_quiet();
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Block block = std::move(queue_.front());
    queue_.pop_front();
    waiting_ -= block.bytes.size();
    if (failure_) continue;
    busy_ = true;
    lock.unlock();
    std::exception_ptr failure;
    try {
      write_block(block);
    } catch (...) { failure = std::current_exception(); }
    lock.lock();
    failure_ = failure;
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace strata
