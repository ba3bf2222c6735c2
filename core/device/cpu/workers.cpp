#include "core/device/cpu/workers.hpp"

#include <omp.h>

namespace strata {

void keep_openmp_single() { omp_set_num_threads(1); }

Workers::Workers(int threads)
    : threads_(threads > 0 ? threads : tbb::this_task_arena::max_concurrency()),
      control_(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads_)),
      arena_(threads_),
      observer_(arena_) {
  arena_.initialize();
  keep_openmp_single();
}

}  // namespace strata
