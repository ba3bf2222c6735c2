// What Recorder writes is what the hierarchy held.

#include "core/recorder.hpp"

#include <catch2/catch.hpp>

#include "core/io/hdf5.hpp"
#include "tests/support/temporary.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;

TEST_CASE("a recorded run holds tokens, vectors, scalars and events as they were", "[recorder]") {
  test::Tiny<float> tiny({"level.2.tick=3", "level.3.tick=6"}, 3);
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/trace.h5";
  RecordSettings settings;
  settings.every = 2;
  settings.vector_streams = 2;
  Recorder<float> recorder(path, *tiny.hierarchy, {"token", "sentence", "paragraph", "document"}, settings,
                           {{"experiment", std::string("test")}});
  std::vector<float> surprise, belief;
  std::vector<std::int32_t> ids;
  Index sentences = 0;
  tiny.simulation->record = [&](const Observation& o, std::uint64_t step) {
    recorder.record(o, step);
    for (const float x : test::values<float>(tiny.hierarchy->level(0).snapshot().surprise, *tiny.device)) surprise.push_back(x);
    ids.insert(ids.end(), o.id.begin(), o.id.end());
    for (const auto b : o.boundary) sentences += (b & sentence_end) != 0;
    if (step % 2 != 0) return;
    const auto x = test::values<float>(tiny.hierarchy->level(2).snapshot().belief, *tiny.device);
    belief.insert(belief.end(), x.begin(), x.begin() + 2 * tiny.hierarchy->level(2).units());
  };
  for (int t = 0; t < 11; ++t) tiny.simulation->advance();
  recorder.close();

  const Hdf5File file(path);
  REQUIRE(file.shape("/tokens/surprise") == Shape{11, 3});
  CHECK(file.read<float>("/tokens/surprise").data == surprise);
  CHECK(file.read<std::int32_t>("/tokens/id").data == ids);
  REQUIRE(file.shape("/levels/2/belief") == Shape{6, 2, 5});
  CHECK(file.read<float>("/levels/2/belief").data == belief);
  CHECK(file.read<std::int64_t>("/levels/2/time").data == std::vector<std::int64_t>{0, 2, 4, 6, 8, 10});
  Index recorded = 0;
  for (const auto kind : file.read<std::uint8_t>("/events/kind").data) recorded += kind == sentence_end;
  CHECK(recorded == sentences);
  CHECK(file.text_attribute("/levels/3", "name") == "document");
}
