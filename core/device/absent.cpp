// Stands in for core/device/cuda where that was not built.

#include "core/device/factories.hpp"
#include "core/error.hpp"

namespace strata {

template <class T>
std::unique_ptr<Device<T>> make_cuda_device(const DeviceOptions&) {
  throw DeviceError("device cuda", 0, "built without CUDA; configure with -DSTRATA_CUDA=ON");
}

bool cuda_available() { return false; }
std::string cuda_summary() { return "NVIDIA graphics processors; not built in: configure with -DSTRATA_CUDA=ON"; }

template std::unique_ptr<Device<float>> make_cuda_device<float>(const DeviceOptions&);
template std::unique_ptr<Device<double>> make_cuda_device<double>(const DeviceOptions&);

}  // namespace strata
