// Every measure of a world with known contexts, on a trace of the exact observer: what is known of the optimum must come out.

#include <catch2/catch.hpp>
#include <cmath>

#include "analysis/measure.hpp"
#include "tests/support/analysis_trace.hpp"
#include "tests/support/world_source.hpp"

using namespace strata;

namespace {

constexpr Index kStreams = 4;
constexpr std::int64_t kLength = 20000;

/// Belief and prediction of every level, surprise, of one observer.
struct Copy {
  std::unique_ptr<Observer> observer;
  std::vector<std::vector<float>> belief, prediction;
  std::vector<float> surprise;

  explicit Copy(std::unique_ptr<Observer> o) : observer(std::move(o)) {
    belief.resize(static_cast<std::size_t>(observer->levels()));
    prediction.resize(belief.size());
  }
  /// `turn`: states are renamed i -> i + turn, as a learner might have them.
  void observe(const Observation& now, bool vectors, Index turn) {
    observer->observe(now);
    for (Index s = 0; s < kStreams; ++s) {
      surprise.push_back(static_cast<float>(observer->surprise(s)));
      for (std::size_t l = 0; vectors && l < belief.size(); ++l) {
        const auto q = observer->belief(static_cast<Index>(l), s), p = observer->prediction(static_cast<Index>(l), s);
        for (std::size_t i = 0; i < q.size(); ++i)
          belief[l].push_back(static_cast<float>(q[(i + static_cast<std::size_t>(turn)) % q.size()]));
        for (std::size_t i = 0; i < p.size(); ++i)
          prediction[l].push_back(static_cast<float>(p[(i + static_cast<std::size_t>(turn)) % p.size()]));
      }
    }
  }
  void write(Hdf5File& file, const std::string& prefix, const std::vector<double>& tau) const {
    file.write<float>(prefix + "/tokens/surprise", {kLength, kStreams}, surprise);
    for (std::size_t l = 0; l < belief.size() && !belief[l].empty(); ++l) {
      const std::string group = prefix + "/levels/" + std::to_string(l);
      const std::int64_t units = static_cast<std::int64_t>(belief[l].size()) / (kLength * kStreams);
      file.write<float>(group + "/belief", {kLength, kStreams, units}, belief[l]);
      file.write<float>(group + "/prediction", {kLength, kStreams, units}, prediction[l]);
      if (prefix.empty()) file.set_number(group, "time_constant", tau[l]);
    }
  }
};

/// The root is the exact observer under other names of the states; lesion_l forgets the levels from l on.
void write_trace(const std::string& path, const Source& source) {
  const auto depth = static_cast<Index>(source.contexts().size());
  std::vector<Copy> copies;
  for (Index k = 0; k <= depth; ++k) copies.emplace_back(source.observer(kStreams, k));
  Copy named(source.observer(kStreams));
  const auto world = source.open(kStreams, kLength, 5);
  Observation now = test::room_for(kStreams);
  std::vector<std::int32_t> context, id;
  while (world->next(now)) {
    for (Copy& copy : copies) copy.observe(now, &copy == &copies.back(), 0);
    named.observe(now, true, 1);
    context.insert(context.end(), now.context.begin(), now.context.end());
    id.insert(id.end(), now.id.begin(), now.id.end());
  }
  Hdf5File file(path, Hdf5File::Mode::create);
  named.write(file, "", source.time_constants());
  file.write<std::int32_t>("/tokens/id", {kLength, kStreams}, id);
  file.write<std::int32_t>("/world/context", {kLength, kStreams, depth}, context);
  copies.back().write(file, "/conditions/exact", {});
  for (Index k = 0; k < depth; ++k) {
    copies[static_cast<std::size_t>(k)].write(file, "/conditions/exact_" + std::to_string(k), {});
    copies[static_cast<std::size_t>(k)].write(file, "/conditions/lesion_" + std::to_string(k), {});
  }
  file.close();
}

MeasureResult quickly(const std::string& name, const std::string& path, std::initializer_list<std::string> more = {}) {
  Configuration configuration;
  configuration.set_assignment("analyse.resamples=200");
  for (const std::string& assignment : more) configuration.set_assignment(assignment);
  return analyse(name, path, configuration);
}

bool within(const MeasuredValues& record, const std::string& field, double value) {
  const auto& ends = std::get<std::vector<double>>(*record.find(field + "_ci95"));
  return ends[0] <= value && value <= ends[1];
}

}  // namespace

TEST_CASE("the measures of an exact observer of the nested world are those of the optimum", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("nested.h5");
  // Top level faster than the design's 4096, so that it switches often enough in a short recording.
  const auto source = test::world_source("nested", {"world.kind=direct", "world.tau=8,64,256,400"});
  write_trace(path, *source);

  const MeasureResult gap = quickly("gap_closed", path);
  CHECK(gap.values.number("gap_closed") == Approx(1.0));
  CHECK(gap.values.number("nats_per_token") == Approx(gap.values.number("bayes_nats")));
  CHECK(gap.values.number("unigram_nats") - gap.values.number("bayes_nats") > 0.3);

  const MeasureResult captured = quickly("captured_fraction", path), worth = quickly("topdown_gain", path);
  for (std::size_t l = 0; l < 4; ++l) CHECK(captured.levels[l].number("captured_fraction") == Approx(1.0));
  CHECK(captured.levels[3].number("captured_gain") == Approx(1.0));
  CHECK(worth.levels[0].number("topdown_gain_nats") > 10.0 * worth.levels[0].number("topdown_gain_se"));
  CHECK(worth.levels[0].number("topdown_gain_per_unit") == Approx(8.0 * worth.levels[0].number("topdown_gain_nats")));
  CHECK(worth.levels[0].find("topdown_swap_nats") == nullptr);

  const MeasureResult switches = quickly("evidence", path);
  for (std::size_t l = 0; l < 4; ++l) {
    INFO(to_table(switches));
    CHECK(switches.levels[l].number("evidence_nats") == Approx(switches.levels[l].number("exact_evidence_nats")));
    CHECK(switches.levels[l].number("inertia_ratio") == Approx(1.0));
    CHECK(switches.levels[l].number("evidence_nats") > 2.0);
    CHECK(switches.levels[l].number("evidence_nats") < 7.0);  // nats stay alike from level to level while tokens multiply
    if (l > 0) CHECK(switches.levels[l].number("tokens_to_switch") > 1.2 * switches.levels[l - 1].number("tokens_to_switch"));
  }
  CHECK(switches.values.number("tokens_to_switch_rho") > 1.2 * switches.values.number("evidence_rho"));

  const MeasureResult read = quickly("read_out", path);
  INFO(to_table(read));
  CHECK(std::get<bool>(*read.values.find("read_out_diagonal")));
  for (std::size_t l = 0; l < 4; ++l) CHECK(read.levels[l].number("read_out_" + std::to_string(l)) == Approx(1.0).margin(0.12));

  const MeasureResult calibrated = quickly("calibration", path);
  for (const MeasuredValues& level : calibrated.levels) {
    CHECK(level.number("calibration_error") < 0.04);
    CHECK(level.number("calibration_error") == Approx(level.number("exact_calibration_error")));
    CHECK(within(level, "overconfidence", 0.0));
    CHECK(level.cell("calibration_of") == "assigned");
  }
  const MeasureResult boundaries = quickly("boundaries", path), reflected = quickly("reflection", path);
  for (std::size_t l = 0; l < 4; ++l)
    CHECK(boundaries.levels[l].number("boundary_f1") > 1.2 * boundaries.levels[l].number("shifted_boundary_f1"));
  for (std::size_t l = 1; l < 4; ++l)
    CHECK(reflected.levels[l].number("reflection_nats") > reflected.levels[l].number("reflection_shifted_nats"));

  const MeasureResult past = quickly("past_information", path, {"analyse.lags=64", "analyse.samples=1500"});
  for (const MeasuredValues& level : past.levels) CHECK(level.number("past_nats") > 0.1 + level.number("past_control_nats"));
  CHECK(past.levels[0].number("present_nats") > past.levels[3].number("present_nats"));
  const MeasureResult contained = quickly("containment", path);
  CHECK(contained.levels[0].number("containment_nats") > 0.05);
  CHECK(contained.levels[0].cell("containment_method") == "counts");
  const MeasureResult times = quickly("autocorrelation", path);
  for (std::size_t l = 1; l < 4; ++l)
    CHECK(times.levels[l].number("autocorrelation_time") > 1.3 * times.levels[l - 1].number("autocorrelation_time"));
}
