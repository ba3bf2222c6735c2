// TextTiling, the gap between two F1, and texts without marks.

#include "analysis/text_tiling.hpp"

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "core/random.hpp"

using namespace strata;

namespace {

/// `parts` parts of `length` words each: of ten words of their own and ten that all share.
std::vector<std::int32_t> parts_of(std::int32_t parts, std::size_t length) {
  std::vector<std::int32_t> words;
  for (std::int32_t p = 0; p < parts; ++p)
    for (std::size_t t = 0; t < length; ++t) {
      const std::uint64_t bits = mix(words.size());
      words.push_back(bits % 3 == 0 ? static_cast<std::int32_t>((bits >> 8) % 10)
                                    : 10 * (p + 1) + static_cast<std::int32_t>((bits >> 8) % 10));
    }
  return words;
}

constexpr TextTilingOptions small{10, 4, 10};

}  // namespace

TEST_CASE("text tiling: borders of texts that share no rare word are the deepest gaps") {
  const auto words = parts_of(6, 120);
  const std::vector<double> depth = tiling_depths(words, small);
  REQUIRE(depth.size() == words.size() / 10 - 1);
  for (std::size_t g = 0; g < depth.size(); ++g) {
    const bool border = (g + 1) % 12 == 0;
    INFO("gap " << g << ": " << depth[g]);
    if (border) CHECK(depth[g] > 1);
    if (!border && (g + 2) % 12 > 2) CHECK(depth[g] < .5);
  }
  Flags truth(words.size(), 0);
  for (std::size_t t = 120; t < words.size(); t += 120) truth[t] = 1;
  CHECK(tiling_boundaries(words, 5, small) == truth);
  const Flags own = tiling_boundaries(words, small);
  CHECK(hits(truth, own, 0).size() == 5);
}

TEST_CASE("text tiling: a text too short for a gap has none, and sequences of nothing are refused") {
  const std::vector<std::int32_t> words(19, 1);
  CHECK(tiling_depths(words, small).empty());
  CHECK(tiling_boundaries(words, small) == Flags(19, 0));
  CHECK_THROWS_AS(tiling_depths(words, {0, 4, 10}), ShapeError);
  CHECK_THROWS_AS(tiling_depths(words, {10, 0, 10}), ShapeError);
}

TEST_CASE("boundaries: the gap between two F1 is that of the scores, paired") {
  std::vector<Flags> truth(2, Flags(4000, 0)), near(2, Flags(4000, 0)), half(2, Flags(4000, 0));
  for (std::size_t s = 0; s < 2; ++s)
    for (std::size_t t = 20; t < 3990; t += 20) {
      truth[s][t] = 1;
      near[s][t + 2] = 1;
      half[s][t + (t % 40 == 0 ? 1 : 9)] = 1;
    }
  for (auto* flags : {&truth, &near, &half}) flags->emplace_back(9, flags == &near ? 0 : 1);  // shorter than a window: in neither
  const double first = score_boundaries(truth, near, 10, 3, 100).f1.value, second = score_boundaries(truth, half, 10, 3, 100).f1.value;
  CHECK(first == Approx(1));
  CHECK(second == Approx(.5).margin(.01));
  const Estimate gap = f1_gap(truth, near, half, 10, 3, 100);
  CHECK(gap.value == Approx(first - second));
  CHECK(gap.low > .4);
  CHECK(gap.high < .6);
  CHECK(f1_gap(truth, near, near, 10, 3, 100).high == 0);
  CHECK_THROWS_AS(f1_gap(truth, near, std::vector<Flags>(1), 10, 3, 100), ShapeError);
}
