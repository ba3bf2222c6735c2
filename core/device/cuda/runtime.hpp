#pragma once
// What the cuda device holds of the CUDA runtime: streams, events, memory and the way between host and device, each freed by its owner.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace strata::gpu {

/// Forgets the error that a call just said: the next launch would say it again as its own.
void forget_error() noexcept;
/// For calls that nobody can do anything about.
inline void ignore(cudaError_t status) noexcept {
  if (status != cudaSuccess) forget_error();
}

/// Throws DeviceError with the call, its code and what to do where `status` is no success.
void require(cudaError_t status, const char* call);

class Stream {
 public:
  Stream() { require(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags"); }
  ~Stream() { ignore(cudaStreamDestroy(stream_)); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  operator cudaStream_t() const { return stream_; }  // NOLINT: it is one
  void synchronize() const { require(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  Event() { require(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreateWithFlags"); }
  ~Event() { ignore(cudaEventDestroy(event_)); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  operator cudaEvent_t() const { return event_; }  // NOLINT: it is one

 private:
  cudaEvent_t event_ = nullptr;
};

/// Memory of the device or, `pinned`, of the host where the device reaches it. Grows, never shrinks; what it held is lost when it grows.
class Memory {
 public:
  explicit Memory(bool pinned = false) : pinned_(pinned) {}
  ~Memory() { free(); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  Memory(Memory&& other) noexcept
      : pinned_(other.pinned_), data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Memory& operator=(Memory&& other) noexcept {
    std::swap(pinned_, other.pinned_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  /// At least `bytes`, zeroed on `stream` where it grew, and whether it did.
  bool grow(std::size_t bytes, cudaStream_t stream);
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  void free() noexcept;

  bool pinned_;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// The way of host spans to the device: a ring in pinned memory with its counterpart on the device. reserve() gives room, which the caller
/// fills; send() starts the copy and returns: the caller's own span is free again, nothing waits. A part of the ring is written again only when
/// its copies are done; what kernels read of the counterpart is kept in order by the stream itself.
class Staging {
 public:
  struct Room {
    std::byte* host;
    std::byte* device;
    std::size_t bytes;
  };

  explicit Staging(const Stream& stream) : stream_(stream), host_(true) {}

  Room reserve(std::size_t bytes);
  void send(const Room& room) const;
  /// Largest copy that goes this way; larger ones are better off without.
  static constexpr std::size_t most = std::size_t{1} << 20;

 private:
  static constexpr std::size_t parts = 4;

  void resize(std::size_t part_bytes);
  void enter(std::size_t part);

  const Stream& stream_;
  Memory host_, device_;
  Event left_[parts];
  std::size_t part_bytes_ = 0, part_ = 0, used_ = 0;
};

}  // namespace strata::gpu
