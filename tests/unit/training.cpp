// When a run writes its next checkpoint.

#include "experiments/training.hpp"

#include <catch2/catch.hpp>

using strata::checkpoint_wait;

TEST_CASE("checkpoints take at most a fiftieth of the time, and come every ten minutes all the same") {
  CHECK(checkpoint_wait(30, .01) == 30);
  CHECK(checkpoint_wait(30, 2) == Approx(100));
  CHECK(checkpoint_wait(30, 60) == Approx(600));
  CHECK(checkpoint_wait(1000, 60) == 1000);
  CHECK(checkpoint_wait(0, 2) == 0);
}
