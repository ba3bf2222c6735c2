// A stranger's program: headers both by their installed name and from the repository's root.
#include <cstdio>
#include <strata/core/error.hpp>

#include "core/parameter.hpp"
#include "core/version.hpp"

int main() {
  std::printf("strata %s\n", strata::version);
  try {
    strata::Configuration().set_assignment("no equals sign");
  } catch (const strata::ConfigError& error) { std::printf("configuration errors exit with %d\n", error.exit_code()); }
}
