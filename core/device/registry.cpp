// The devices by name.

#include <algorithm>

#include "core/device/factories.hpp"
#include "core/error.hpp"
#include "core/parameter.hpp"

namespace strata {
namespace {

struct Registered {
  const char* name;
  std::string (*summary)();
  std::unique_ptr<Device<float>> (*single)(const DeviceOptions&);
  std::unique_ptr<Device<double>> (*twofold)(const DeviceOptions&);
  bool (*available)();
  std::vector<std::string> products;  ///< what its products can be made of; `auto` goes everywhere
};

constexpr auto always = [] { return true; };

const std::vector<Registered>& registered() {
  static const std::vector<Registered> devices = {
      {"reference",
       [] { return std::string("Eigen, serial, as simple as can be; what the others are compared with"); },
       make_reference_device,
       make_reference_device,
       always,
       {"float"}},
      {"cpu",
       [] { return std::string("oneTBB and oneDNN, with kernels for x86-64-v2, v3 and v4"); },
       make_cpu_device,
       make_cpu_device,
       always,
       {"float", "bfloat16"}},
      {"cuda", cuda_summary, make_cuda_device, make_cuda_device, cuda_available, {"float", "tf32", "bfloat16"}},
      {"check",
       [] { return std::string("runs every call on cpu (or run.checked=cuda) and on reference and compares; slow"); },
       make_check_device,
       make_check_device,
       always,
       {"float"}},
  };
  return devices;
}

void require_products(const Registered& device, const std::string& products) {
  if (products == "auto" || std::find(device.products.begin(), device.products.end(), products) != device.products.end()) return;
  std::string allowed, others;
  for (const std::string& known : device.products) allowed += known + ", ";
  for (const Registered& other : registered())
    if (std::find(other.products.begin(), other.products.end(), products) != other.products.end())
      others += (others.empty() ? "; that is for --device " : " or ") + std::string(other.name);
  throw ConfigError("products", products, "must be one of " + allowed + "auto on --device " + device.name + others);
}

std::unique_ptr<Device<float>> make(const Registered& device, const DeviceOptions& options, float) { return device.single(options); }
std::unique_ptr<Device<double>> make(const Registered& device, const DeviceOptions& options, double) { return device.twofold(options); }

}  // namespace

template <class T>
std::unique_ptr<Device<T>> make_device(const DeviceOptions& options) {
  std::vector<std::string> names;
  std::string allowed;
  for (const Registered& device : registered()) {
    if (options.name == device.name) {
      require_products(device, options.products);
      return make(device, options, T());
    }
    names.emplace_back(device.name);
    allowed += (allowed.empty() ? "must be one of " : ", ") + names.back();
  }
  throw ConfigError("device", options.name, allowed, nearest(options.name, names));
}

std::vector<DeviceDescription> list_devices() {
  std::vector<DeviceDescription> devices;
  for (const Registered& device : registered()) devices.push_back({device.name, device.summary(), device.available()});
  return devices;
}

template std::unique_ptr<Device<float>> make_device<float>(const DeviceOptions&);
template std::unique_ptr<Device<double>> make_device<double>(const DeviceOptions&);

}  // namespace strata
