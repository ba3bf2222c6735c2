// The token level's own share of the output stream: alone, it is a token level of as many units more.

#include <catch2/catch.hpp>

#include "tests/support/probe.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

std::vector<std::string> lines(std::vector<std::string> more) {
  std::vector<std::string> all{"hierarchy.levels=1", "hierarchy.units=5", "learning.rate=.02",        "learning.warm_up=5",
                               "level.0.hidden=7",   "level.0.context=3", "learning.weight_decay=.1", "relaxation.steps=3",
                               "level.0.ngrams=2",   "level.0.priming=1", "level.0.context_dropout=0"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

constexpr Index own = 6, shared = 5;

/// Rows [first, first + rows) of every column.
std::vector<double> part(const ArchivedMatrix& whole, Index first, Index rows) {
  std::vector<double> out;
  for (Index j = 0; j < whole.cols; ++j)
    for (Index i = 0; i < rows; ++i) out.push_back(whole(first + i, j));
  return out;
}

}  // namespace

TEST_CASE("share: a token level alone that has one learns as a wider one does", "[share]") {
  Tiny<double> wide(lines({"level.0.units=11"}), 5, 4, 13), parted(lines({"level.0.units=6", "level.0.share=1"}), 5, 4, 13);
  const auto begun = weight_values(*wide.hierarchy);
  parted.hierarchy->visit_weights([&](Weight<double>& w) {
    const std::string name = w.name == "lexicon" ? "level_0/embedding" : "level_0/" + w.name;
    const Index first = w.name == "lexicon" ? own : 0;
    parted.device->upload(part(begun.at(name), first, w.value.rows()), w.value);
  });
  CHECK(wide.hierarchy->parameter_count() == parted.hierarchy->parameter_count());
  CHECK(wide.hierarchy->level(0).units() == parted.hierarchy->level(0).units());
  for (auto* tiny : {&wide, &parted}) {
    tiny->simulation->start();
    for (int t = 0; t < 200; ++t) tiny->simulation->advance();
  }
  const auto expected = weight_values(*wide.hierarchy), found = weight_values(*parted.hierarchy);
  for (const auto& [name, matrix] : expected) {
    INFO(name);
    if (name == "level_0/embedding") {
      CHECK(relative_distance(part(matrix, 0, own), found.at(name).data) < 1e-9);
      CHECK(relative_distance(part(matrix, own, shared), found.at("lexicon").data) < 1e-9);
    } else {
      CHECK(relative_distance(matrix.data, found.at(name).data) < 1e-9);
    }
  }
}

TEST_CASE("share: without one a token level alone neither learns nor counts the lexicon", "[share]") {
  Tiny<double> tiny(lines({"level.0.units=6"}));
  CHECK_FALSE(tiny.hierarchy->lexicon().used);
  CHECK(weight_values(*tiny.hierarchy).count("lexicon") == 0);
}
