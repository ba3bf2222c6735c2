// The cuda device's memory, products and beginning; its kernels are in the .cu files.

#include "core/device/cuda/cuda.hpp"

#include <algorithm>
#include <cstring>

#include "core/device/factories.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

constexpr int oldest = 8;  // compute capability 8.0: what this device is written and built for

/// Compute capability of the processor in use, and what its absence is called.
struct Found {
  cudaError_t status = cudaErrorNoDevice;
  int major = 0, minor = 0;
};

Found find_processor() {
  Found found;
  int count = 0;
  found.status = cudaGetDeviceCount(&count);
  if (found.status == cudaSuccess && count == 0) found.status = cudaErrorNoDevice;
  if (found.status == cudaSuccess) found.status = cudaDeviceGetAttribute(&found.major, cudaDevAttrComputeCapabilityMajor, 0);
  if (found.status == cudaSuccess) found.status = cudaDeviceGetAttribute(&found.minor, cudaDevAttrComputeCapabilityMinor, 0);
  gpu::ignore(found.status);  // said by who asked
  return found;
}

std::string architecture_of(const Found& found) { return "sm_" + std::to_string(found.major) + std::to_string(found.minor); }

gpu::Numbers numbers_of(const std::string& products) {
  if (products == "float") return gpu::Numbers::single;
  if (products == "tf32") return gpu::Numbers::tf32;
  if (products == "bfloat16" || products == "auto") return gpu::Numbers::brief;  // every processor that this is built for has it
  throw ConfigError("products", products, "must be one of float, tf32, bfloat16, auto");
}

/// Bytes from column to column; a single column's stride need not reach its end.
template <class T>
std::size_t stride_of(const ConstView<T>& v) {
  return static_cast<std::size_t>(v.cols == 1 ? v.rows : v.ld) * sizeof(T);
}

/// `columns` columns of `column` bytes, each a stride from the next; in one piece where nothing lies between them.
void transfer(void* to, std::size_t to_stride, const void* from, std::size_t from_stride, std::size_t column, Index columns,
              cudaMemcpyKind way, cudaStream_t stream) {
  const auto count = static_cast<std::size_t>(columns);
  if (to_stride == column && from_stride == column)
    gpu::require(cudaMemcpyAsync(to, from, count * column, way, stream), "cudaMemcpyAsync");
  else
    gpu::require(cudaMemcpy2DAsync(to, to_stride, from, from_stride, column, count, way, stream), "cudaMemcpy2DAsync");
}

}  // namespace

CudaProcessor::CudaProcessor() {
  const Found found = find_processor();
  if (found.status != cudaSuccess)
    throw DeviceError("device cuda", static_cast<int>(found.status),
                      std::string("no GPU was found: ") + cudaGetErrorString(found.status) + "; look at nvidia-smi, or take --device cpu");
  architecture = architecture_of(found);
  if (found.major < oldest) throw DeviceError("device cuda", 0, "the GPU is " + architecture + ", and sm_80 the oldest that can be used");
  gpu::require(cudaSetDevice(0), "cudaSetDevice");
}

template <class T>
CudaDevice<T>::CudaDevice(const DeviceOptions& options)
    : numbers_(std::is_same_v<T, float> ? numbers_of(options.products) : gpu::Numbers::twofold) {
  workspace_.grow(gpu::Products::workspace_bytes, stream_);
}

template <class T>
CudaDevice<T>::~CudaDevice() {
  gpu::ignore(cudaStreamSynchronize(stream_));  // what it says was said by the call before, or concerns nobody any more
  this->release_scratch();
}

template <class T>
std::string CudaDevice<T>::isa() const {
  const char* products = numbers_ == gpu::Numbers::brief ? " bfloat16" : numbers_ == gpu::Numbers::tf32 ? " tf32" : "";
  return processor_.architecture + products;
}

template <class T>
T* CudaDevice<T>::allocate(Index elements) {
  void* data = nullptr;
  const std::size_t bytes = static_cast<std::size_t>(std::max<Index>(elements, 1)) * sizeof(T);
  gpu::require(cudaMalloc(&data, bytes), "cudaMalloc");
  gpu::require(cudaMemsetAsync(data, 0, bytes, stream_), "cudaMemsetAsync");
  return static_cast<T*>(data);
}

template <class T>
void CudaDevice<T>::release(T* data, Index) noexcept {
  gpu::ignore(cudaFree(data));  // waits for what still uses it
}

template <class T>
void CudaDevice<T>::upload(std::span<const T> host, View<T> to) {
  if (host.empty()) return;
  const bool staged = host.size_bytes() <= gpu::Staging::most;
  const void* from = host.data();
  if (staged) {
    const gpu::Staging::Room room = staging_.reserve(host.size_bytes());
    std::memcpy(room.host, host.data(), host.size_bytes());
    from = room.host;
  }
  const std::size_t column = static_cast<std::size_t>(to.rows) * sizeof(T);
  transfer(to.data, stride_of(ConstView<T>(to)), from, column, column, to.cols, cudaMemcpyHostToDevice, stream_);
  if (!staged) stream_.synchronize();  // the host span is read before the call returns
}

template <class T>
void CudaDevice<T>::download(ConstView<T> from, std::span<T> host) const {
  if (host.empty()) return;
  const bool landed = host.size_bytes() <= gpu::Staging::most;
  if (landed) landing_.grow(host.size_bytes(), stream_);
  void* to = landed ? landing_.as<void>() : host.data();
  const std::size_t column = static_cast<std::size_t>(from.rows) * sizeof(T);
  transfer(to, column, from.data, stride_of(from), column, from.cols, cudaMemcpyDeviceToHost, stream_);
  stream_.synchronize();
  if (landed) std::memcpy(host.data(), to, host.size_bytes());
}

template <class T>
void CudaDevice<T>::gemm(bool transpose_a, bool transpose_b, T alpha, ConstView<T> a, ConstView<T> b, T beta, View<T> c) {
  if (c.rows == 0 || c.cols == 0) return;
  if ((transpose_a ? a.rows : a.cols) == 0) {  // a sum of nothing
    if (beta == T(0)) return fill(c, T(0));
    return axpby(T(0), c, beta, c);
  }
  products_.run(gpu::product_call<T>(transpose_a, transpose_b, alpha, a, b, beta, c, c), stream_, workspace_.as<void>());
}

template <class T>
void CudaDevice<T>::softmax_layer(std::span<const SoftmaxPart<T>> parts, ConstView<T> bias, std::span<const Entry<T>> extra,
                                  std::span<const std::int32_t> columns, std::uint64_t version, View<T> normaliser, View<T> probability) {
  softmax_.run({stream_, products_, staging_, grouping_, workspace_.as<void>()},
               {numbers_, parts, bias, extra, columns, version, normaliser, probability});
}

template <class T>
void CudaDevice<T>::settle_dense(Activation activation, Index steps, T rate, ConstView<T> input, std::span<const DenseLayer<T>> layers) {
  if (layers.empty() || input.cols == 0) return;
  dense_.settle(stream_, products_, workspace_.as<void>(), activation, steps, rate, input, layers);
}

bool cuda_available() {
  const Found found = find_processor();
  return found.status == cudaSuccess && found.major >= oldest;
}

std::string cuda_summary() {
  const std::string what = "NVIDIA graphics processors; ";
  const Found found = find_processor();
  if (found.status != cudaSuccess) return what + "no GPU was found: " + cudaGetErrorString(found.status);
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) {
    gpu::forget_error();
    return what + architecture_of(found);
  }
  const std::string gibibytes = std::to_string(properties.totalGlobalMem >> 30U);
  const std::string said = what + properties.name + ", " + architecture_of(found) + ", " + gibibytes + " GiB";
  return found.major < oldest ? said + ": older than sm_80" : said;
}

template <class T>
std::unique_ptr<Device<T>> make_cuda_device(const DeviceOptions& options) {
  return std::make_unique<CudaDevice<T>>(options);
}

template std::unique_ptr<Device<float>> make_cuda_device<float>(const DeviceOptions&);
template std::unique_ptr<Device<double>> make_cuda_device<double>(const DeviceOptions&);
template class CudaDevice<float>;
template class CudaDevice<double>;

}  // namespace strata
