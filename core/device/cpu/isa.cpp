#include "core/device/cpu/isa.hpp"

#include <dnnl.h>

#include <mutex>
#include <vector>

#include "core/error.hpp"
#include "core/parameter.hpp"

namespace strata {
namespace {

bool has_brief_products() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

struct Level {
  const KernelSet* kernels;
  dnnl_cpu_isa_t products;
  bool supported;
};

std::vector<Level> levels() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool v2 = __builtin_cpu_supports("sse4.2") != 0 && __builtin_cpu_supports("popcnt") != 0;
  const bool v3 = v2 && __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 && __builtin_cpu_supports("bmi") != 0 &&
                  __builtin_cpu_supports("bmi2") != 0;
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                  __builtin_cpu_supports("avx512cd") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                  __builtin_cpu_supports("avx512vl") != 0;
  return {{&kernels_v2::set, dnnl_cpu_isa_sse41, v2},
          {&kernels_v3::set, dnnl_cpu_isa_avx2, v3},
          {&kernels_v4::set, has_brief_products() ? dnnl_cpu_isa_avx512_core_bf16 : dnnl_cpu_isa_avx512_core, v4}};
#else
  return {{&kernels_base::set, dnnl_cpu_isa_all, true}};
#endif
}

std::mutex cap_mutex;
std::string cap;  // guarded by cap_mutex

}  // namespace

std::string capped_level() {
  const std::lock_guard lock(cap_mutex);
  return cap;
}

const KernelSet& choose_kernels(const std::string& isa) {
  std::vector<std::string> names = {"auto"};
  std::string allowed = "must be one of auto";
  const KernelSet* best = nullptr;
  for (const Level& level : levels()) {
    names.emplace_back(level.kernels->level);
    allowed += ", " + names.back();
    if (level.supported) best = level.kernels;
    if (isa == names.back()) {
      if (!level.supported) throw DeviceError("isa " + isa, 0, "this processor does not have it; use --isa auto");
      return *level.kernels;
    }
  }
  if (isa != "auto") throw ConfigError("isa", isa, allowed, nearest(isa, names));
  if (best == nullptr) throw DeviceError("isa auto", 0, "this processor is older than x86-64-v2; use --device reference");
  return *best;
}

void cap_products(const KernelSet& kernels) {
  const std::lock_guard lock(cap_mutex);
  if (cap == kernels.level) return;
  if (!cap.empty())
    throw DeviceError(std::string("isa ") + kernels.level, 0, "this process already uses " + cap + "; choose one per process");
  for (const Level& level : levels()) {
    if (level.kernels != &kernels) continue;
    const dnnl_status_t status = dnnl_set_max_cpu_isa(level.products);
    // "Unimplemented" is a oneDNN built without the control: it then uses the processor's best, which is `auto`.
    if (status != dnnl_success && status != dnnl_unimplemented) {
      throw DeviceError("dnnl_set_max_cpu_isa", static_cast<int>(status), "oneDNN was used before the cpu device was made");
    }
  }
  cap = kernels.level;
}

bool multiplies_briefly(const KernelSet& kernels) {
#if defined(__x86_64__)
  return &kernels == &kernels_v4::set && has_brief_products();
#else
  return false;
#endif
}

}  // namespace strata
