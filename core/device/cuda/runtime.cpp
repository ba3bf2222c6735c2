#include "core/device/cuda/runtime.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace strata::gpu {
namespace {

std::string advice(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation: return "lower the batch, the sizes of levels or the vocabulary";
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver: return "look at nvidia-smi, or take --device cpu";
    case cudaErrorNoKernelImageForDevice: return "build for this processor: -DCMAKE_CUDA_ARCHITECTURES=NN (80 for sm_80)";
    default: return "find the operation with --device check --set run.checked=cuda, or take --device cpu";
  }
}

constexpr std::size_t alignment = 256, first_part = std::size_t{1} << 18, first_pinned = std::size_t{1} << 16;

std::size_t whole(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

}  // namespace

void forget_error() noexcept { (void)cudaGetLastError(); }

void require(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  forget_error();
  throw DeviceError(call, static_cast<int>(status), std::string(cudaGetErrorString(status)) + "; " + advice(status));
}

void Memory::free() noexcept {
  if (data_ == nullptr) return;
  if (pinned_)
    ignore(cudaFreeHost(data_));
  else
    ignore(cudaFree(data_));  // waits for what still uses it
  data_ = nullptr;
  bytes_ = 0;
}

bool Memory::grow(std::size_t bytes, cudaStream_t stream) {
  if (bytes <= bytes_) return false;
  if (pinned_) bytes = std::max({bytes, 2 * bytes_, first_pinned});              // how much is asked for changes from step to step
  if (pinned_) require(cudaStreamSynchronize(stream), "cudaStreamSynchronize");  // cudaFreeHost need not wait
  free();
  if (pinned_) {
    require(cudaHostAlloc(&data_, bytes, cudaHostAllocPortable | cudaHostAllocMapped), "cudaHostAlloc");
    std::fill_n(static_cast<std::byte*>(data_), bytes, std::byte{0});
  } else {
    require(cudaMalloc(&data_, bytes), "cudaMalloc");
    require(cudaMemsetAsync(data_, 0, bytes, stream), "cudaMemsetAsync");
  }
  bytes_ = bytes;
  return true;
}

void Staging::resize(std::size_t part_bytes) {
  stream_.synchronize();
  part_bytes_ = part_ = used_ = 0;  // until there is room again
  host_.grow(parts * part_bytes, stream_);
  device_.grow(parts * part_bytes, stream_);
  for (const Event& event : left_) require(cudaEventRecord(event, stream_), "cudaEventRecord");
  part_bytes_ = part_bytes;
}

void Staging::enter(std::size_t part) {
  require(cudaEventRecord(left_[part_], stream_), "cudaEventRecord");
  part_ = part;
  used_ = 0;
  require(cudaEventSynchronize(left_[part_]), "cudaEventSynchronize");
}

Staging::Room Staging::reserve(std::size_t bytes) {
  const std::size_t wanted = whole(std::max<std::size_t>(bytes, 1));
  if (wanted > part_bytes_) resize(std::max(first_part, 2 * wanted));
  if (used_ + wanted > part_bytes_) enter((part_ + 1) % parts);
  const std::size_t offset = part_ * part_bytes_ + used_;
  used_ += wanted;
  return {host_.as<std::byte>() + offset, device_.as<std::byte>() + offset, bytes};
}

void Staging::send(const Room& room) const {
  if (room.bytes == 0) return;
  require(cudaMemcpyAsync(room.device, room.host, room.bytes, cudaMemcpyHostToDevice, stream_), "cudaMemcpyAsync to the device");
}

}  // namespace strata::gpu
