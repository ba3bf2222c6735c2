// A level's state given to another run: its own changes nothing, whatever the trials' lengths; another's changes what follows from it.

#include <catch2/catch.hpp>

#include "core/io/hdf5.hpp"
#include "experiments/grafts.hpp"
#include "experiments/sampled_study.hpp"
#include "tests/support/temporary.hpp"

namespace {
using namespace strata;

Options nested(const char* kind) {
  Options o;
  o.world = "nested";
  o.configuration.set("world.kind", "direct");
  o.configuration.set("hierarchy.levels", "3");
  o.configuration.set("learning.interval", "8");
  const bool words = std::string(kind) == "situation";  // which ticks, and stands on a token level
  for (int l = 0; l < 3; ++l) o.configuration.set("level." + std::to_string(l) + ".kind", words && l == 0 ? "token" : kind);
  if (words) o.configuration.set("relaxation.scheme", "serial");
  return o;
}
}  // namespace

TEST_CASE("grafts: a level's own state changes nothing, another's changes that level", "[property]") {
  const auto* kind = GENERATE("categorical", "conditional", "gaussian", "situation");
  SampledStudy study(nested(kind));
  Progress progress(true);
  constexpr Index trials = 5, streams = 2, common = 40;  // three batches
  const auto drawn = draw_episodes(*study.source, trials, 3, 100, 3);
  std::vector<Condition> conditions(2);
  conditions[0].name = "/";
  conditions[1].name = "twin";
  conditions[1].reference = "/";
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t p = 0; p < trials; ++p) {
      const Index history = 61 + static_cast<Index>(5 * p + 3 * c);  // none is a multiple of the interval, and no two are alike
      conditions[c].episodes.push_back(joined(joined({}, drawn[3 * p + c], history), drawn[3 * p + 2], common));
      conditions[c].zero.push_back(history);
    }
  auto hierarchy = study.make_hierarchy(streams);
  const auto reader = hierarchy_reader(*hierarchy, study.interval(), 1);
  const test::TemporaryFolder folder;
  const TrialWindow window{16, common};
  record_trials(study, *reader, conditions, window, "test", folder / "plain.h5", progress);
  add_grafts(conditions, 0, 1, *reader);
  for (Index l = 0; l < 3; ++l) {
    Condition same = conditions[0];
    same.name = "same_l" + std::to_string(l);
    same.reference = same.donor = "/";
    same.grafted = l;
    conditions.push_back(same);
  }
  record_trials(study, *reader, conditions, window, "test", folder / "grafted.h5", progress);
  const Hdf5File plain(folder / "plain.h5", Hdf5File::Mode::read), grafted(folder / "grafted.h5", Hdf5File::Mode::read);
  for (Index l = 0; l < 3; ++l) {
    INFO(kind << ", level " << l);
    const std::string level = "/levels/" + std::to_string(l) + "/prediction";
    const auto expected = plain.read<float>(level).data, twin = plain.read<float>("/conditions/twin" + level).data;
    CHECK(grafted.read<float>(level).data == expected);  // the donor waits for the others, and reads as before
    CHECK(grafted.read<float>("/conditions/twin" + level).data == twin);
    CHECK(grafted.read<float>("/conditions/same_l" + std::to_string(l) + level).data == expected);
    CHECK(grafted.read<float>("/conditions/twin_l" + std::to_string(l) + level).data != expected);
  }
}
