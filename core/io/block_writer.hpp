#pragma once
// Writes blocks of datasets in order, on a thread of its own, so that recording runs beside the simulation.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/io/hdf5.hpp"

namespace strata {

/// A bounded queue and the thread that empties it. The first failure is kept: everything after it is dropped, and every later
/// call throws it again. Without a thread (or where the HDF5 library is not safe with threads) blocks are written at once.
class BlockWriter {
 public:
  struct Block {
    std::int64_t dataset = -1;  ///< identifier, open until the block is written
    NumberType type = NumberType::f32;
    bool grow = false;  ///< the first dimension ends with this block
    Shape start, count;
    std::vector<std::uint8_t> bytes;
    Hdf5Place place;
  };

  /// `queue_bytes`: how much may wait; push() waits for room beyond it.
  BlockWriter(bool background, std::size_t queue_bytes);
  ~BlockWriter();
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;

  void push(Block block);
  void drain();  ///< returns when everything pushed is written

 private:
  void work();

  bool background_ = false;
  std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block> queue_;
  std::size_t waiting_ = 0;  ///< bytes in the queue
  bool busy_ = false, stop_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace strata
