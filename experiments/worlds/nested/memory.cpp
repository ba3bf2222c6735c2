#include "experiments/worlds/nested/memory.hpp"

#include <cstdio>
#include <fstream>
#include <limits>

#include "core/error.hpp"

namespace strata {
namespace {

constexpr double usable = 0.9;  // of what is there: the model needs some too

std::string gigabytes(double bytes) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.3g GB", bytes / 1e9);
  return buffer;
}

}  // namespace

double available_memory() {
  std::ifstream in("/proc/meminfo");
  for (std::string word; in >> word;) {
    double kibibytes = 0;
    if (word == "MemAvailable:" && in >> kibibytes) return kibibytes * 1024;
  }
  return std::numeric_limits<double>::infinity();
}

void require_memory(const std::string& key, const std::string& value, const std::string& what, double bytes, double available) {
  if (bytes <= usable * available) return;
  throw ConfigError(key, value, what + " would need " + gigabytes(bytes) + " and " + gigabytes(available) + " are free; make it smaller");
}

}  // namespace strata
