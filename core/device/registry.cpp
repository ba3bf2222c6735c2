// The devices by name.

#include "core/device/factories.hpp"
#include "core/error.hpp"
#include "core/parameter.hpp"

namespace strata {
namespace {

struct Registered {
  const char* name;
  const char* summary;
  std::unique_ptr<Device<float>> (*single)(const DeviceOptions&);
  std::unique_ptr<Device<double>> (*twofold)(const DeviceOptions&);
  bool (*available)();
};

constexpr auto always = [] { return true; };

constexpr Registered registered[] = {
    {"reference", "Eigen, serial, as simple as can be; what the others are compared with", make_reference_device, make_reference_device,
     always},
    {"cpu", "oneTBB and oneDNN, with kernels for x86-64-v2, v3 and v4", make_cpu_device, make_cpu_device, always},
    {"cuda", "NVIDIA graphics processors", make_cuda_device, make_cuda_device, cuda_available},
    {"check", "runs every call on cpu and on reference and compares; slow", make_check_device, make_check_device, always},
};

std::unique_ptr<Device<float>> make(const Registered& device, const DeviceOptions& options, float) { return device.single(options); }
std::unique_ptr<Device<double>> make(const Registered& device, const DeviceOptions& options, double) { return device.twofold(options); }

}  // namespace

template <class T>
std::unique_ptr<Device<T>> make_device(const DeviceOptions& options) {
  if (options.products != "float" && options.products != "auto" && options.name != "cpu")
    throw ConfigError("products", options.products, "is for --device cpu; " + options.name + " computes in full");
  std::vector<std::string> names;
  std::string allowed;
  for (const Registered& device : registered) {
    if (options.name == device.name) return make(device, options, T());
    names.emplace_back(device.name);
    allowed += (allowed.empty() ? "must be one of " : ", ") + names.back();
  }
  throw ConfigError("device", options.name, allowed, nearest(options.name, names));
}

std::vector<DeviceDescription> list_devices() {
  std::vector<DeviceDescription> devices;
  for (const Registered& device : registered) devices.push_back({device.name, device.summary, device.available()});
  return devices;
}

template std::unique_ptr<Device<float>> make_device<float>(const DeviceOptions&);
template std::unique_ptr<Device<double>> make_device<double>(const DeviceOptions&);

}  // namespace strata
