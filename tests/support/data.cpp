#include "tests/support/data.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace strata::test {

std::string data_path(const std::string& name) {
  const char* given = std::getenv("STRATA_DATA");
  const std::filesystem::path folder =
      given != nullptr ? given : std::filesystem::path(STRATA_SOURCE_DIR).parent_path() / "shared" / "data";
  const std::filesystem::path path = folder / name;
  if (std::filesystem::exists(path)) return path.string();
  std::printf("SKIPPED: no %s in %s (set STRATA_DATA)\n", name.c_str(), given != nullptr ? given : "shared/data beside the source tree");
  return "";
}

}  // namespace strata::test
