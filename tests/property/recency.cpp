// Leaky counts against their definition, word by word.

#include <catch2/catch.hpp>
#include <cmath>

#include "core/memory_archive.hpp"
#include "core/random.hpp"
#include "levels/recency.hpp"

using namespace strata;

namespace {

using Counts = std::map<std::int32_t, float>;

Counts counts(const Recency& recency, Index stream, std::size_t trace) {
  std::vector<Entry<float>> entries;
  recency.entries(
      stream, trace, 4, [](double r) { return r; }, entries);
  Counts all;
  for (const auto& e : entries) {
    CHECK(e.col == 4);
    CHECK(all.emplace(e.row, e.value).second);
  }
  return all;
}

}  // namespace

TEST_CASE("recency: counts are leaky sums, cleared at will, through thousands of words") {
  const std::vector<double> taus{5, 40, 300};
  constexpr Index vocabulary = 3000;
  Recency recency(2, vocabulary, taus);
  std::vector<std::vector<double>> expected(taus.size(), std::vector<double>(vocabulary, 0));
  for (Index t = 0; t < 6000; ++t) {
    const std::uint64_t bits = mix(static_cast<std::uint64_t>(t));
    // Some words are frequent, most are rare, so that rare ones are forgotten in between.
    const auto id = static_cast<std::int32_t>(bits % 3 == 0 ? (bits >> 8) % 20 : (bits >> 8) % vocabulary);
    for (std::size_t i = 0; i < taus.size(); ++i) {
      for (double& r : expected[i]) r *= std::exp(-1 / taus[i]);
      expected[i][static_cast<std::size_t>(id)] += 1;
    }
    recency.read(1, id);
    if (t == 2500) {
      recency.clear(1);
      for (auto& trace : expected) trace.assign(vocabulary, 0);
    }
    if (t % 500 != 499 && t != 2500 && t != 2501) continue;
    CHECK(counts(recency, 0, 0).empty());
    for (std::size_t i = 0; i < taus.size(); ++i) {
      const Counts found = counts(recency, 1, i);
      double worst = 0;
      std::size_t listed = 0;
      for (std::int32_t w = 0; w < vocabulary; ++w) {
        const double r = expected[i][static_cast<std::size_t>(w)];
        const auto at = found.find(w);
        listed += at != found.end();
        worst = std::max(worst, std::abs(r - (at != found.end() ? static_cast<double>(at->second) : 0.0)));
      }
      INFO("token " << t << ", tau " << taus[i]);
      CHECK(listed == found.size());
      CHECK(worst < 1.1e-3);  // what lies below the floor is left out
      for (const auto& [word, r] : found)
        CHECK(static_cast<double>(r) == Approx(expected[i][static_cast<std::size_t>(word)]).epsilon(1e-4).margin(1e-3));
    }
  }
}

TEST_CASE("recency: saved and restored, it goes on the same") {
  Recency a(2, 50, {5, 40}), b(2, 50, {5, 40});
  const auto word = [](Index t) { return static_cast<std::int32_t>(mix(static_cast<std::uint64_t>(t)) % 50); };
  for (Index t = 0; t < 100; ++t) a.read(t % 2, word(t));
  MemoryArchive archive;
  a.archive(archive);
  archive.rewind();
  for (Index t = 0; t < 13; ++t) b.read(0, 7);  // to be forgotten
  b.archive(archive);
  for (Index t = 100; t < 150; ++t)
    for (auto* r : {&a, &b}) r->read(t % 2, word(t));
  for (Index j = 0; j < 2; ++j)
    for (std::size_t i = 0; i < 2; ++i) CHECK(counts(a, j, i) == counts(b, j, i));
}

TEST_CASE("recency: saturations of the three time scales") {
  CHECK(saturate(0, 1) == Approx(4.0 / 3));
  CHECK(saturate(1, 1) == Approx(1.5));
  CHECK(saturate(2, 1) == Approx(2 / 1.5));
  CHECK(saturate(0, 1e9) == Approx(2));
}
