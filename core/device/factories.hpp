#pragma once
// How the registry makes each device; one function per folder (cuda's comes from absent.cpp where it is not built).

#include <memory>
#include <string>

#include "core/device/device.hpp"

namespace strata {

template <class T>
std::unique_ptr<Device<T>> make_reference_device(const DeviceOptions& options);
template <class T>
std::unique_ptr<Device<T>> make_cpu_device(const DeviceOptions& options);
template <class T>
std::unique_ptr<Device<T>> make_cuda_device(const DeviceOptions& options);
template <class T>
std::unique_ptr<Device<T>> make_check_device(const DeviceOptions& options);

/// Whether a cuda device was built in and this machine has one.
bool cuda_available();
/// What `strata devices` says of it: the graphics processor, or what is missing.
std::string cuda_summary();

}  // namespace strata
