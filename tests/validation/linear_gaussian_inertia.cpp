// Belief inertia where the answer is known in closed form: the linear-Gaussian world read by its ready hierarchy and by its exact observer,
// recorded and measured by the code that records and measures text.
//
// Closed form  two filters at rest that read the same numbers approach one another by delta(t) = Phi^t delta(0), Phi = (I - K e_0') A; along an
//              eigenvector every level's half-life is ln 2 / -ln |eigenvalue|. What a level expects differs by A delta.
#include <Eigen/Dense>
#include <Eigen/Eigenvalues>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "analysis/measure.hpp"
#include "core/io/hdf5.hpp"
#include "experiments/grafts.hpp"
#include "experiments/trials.hpp"
#include "experiments/world_reading.hpp"
#include "experiments/worlds/linear_gaussian/settings.hpp"
#include "tests/support/temporary.hpp"

namespace {

using namespace strata;
using namespace strata::linear_gaussian;
using Eigen::MatrixXd;
using Eigen::VectorXd;

struct Bed {
  Bed() : study(options()), progress(true) {
    Configuration configuration = study.options.configuration;
    chain = settings(configuration.resolve(parameters(), "world.")).chain;
    rest = steady_state(chain);
    transition = chain.transition();
  }
  static Options options() {
    Options o;
    o.world = "linear_gaussian";
    o.configuration.read_ini(std::string(STRATA_SOURCE_DIR) + "/experiments/config/linear_gaussian.ini");
    return o;
  }
  std::unique_ptr<TrialReader> reader(bool exact, Index streams) {
    if (exact) return exact_reader(*study.source, streams);
    hierarchy = study.make_hierarchy(streams);  // its weights are the truth: nothing is to be learned
    return hierarchy_reader(*hierarchy, 1, 1);
  }

  SampledStudy study;
  Progress progress;
  Chain chain;
  SteadyState rest;
  MatrixXd transition;
  std::unique_ptr<Hierarchy<float>> hierarchy;
};

Condition copies(const std::string& name, const std::string& reference, std::vector<Episode> episodes, Index zero) {
  Condition c;
  c.name = name;
  c.reference = reference;
  c.zero.assign(episodes.size(), zero);
  c.episodes = std::move(episodes);
  return c;
}

/// What reading `history` more numbers adds to the belief is linear in them: the smallest numbers that add `wanted`.
VectorXd numbers_for(const Bed& bed, const VectorXd& wanted, Index history) {
  MatrixXd reach(wanted.size(), history);
  VectorXd column = bed.rest.gain;
  for (Index t = history; t-- > 0;) {
    reach.col(t) = column;
    column = (bed.rest.closed_loop * column).eval();
  }
  return reach.completeOrthogonalDecomposition().solve(wanted);
}

/// Samples x pairs of a level's expectation; the first sample is that of time -1.
MatrixXd expectations(const Hdf5File& trace, const std::string& prefix, Index level) {
  const std::string group = prefix + "/levels/" + std::to_string(level) + "/";
  const auto time = trace.read<std::int64_t>(group + "time").data;
  const auto array = trace.read<float>(group + "prediction");
  const Index streams = array.shape[1], start = std::find(time.begin(), time.end(), -1) - time.begin();
  MatrixXd out(array.shape[0] - start, streams);
  for (Index t = 0; t < out.rows(); ++t)
    for (Index s = 0; s < streams; ++s) out(t, s) = static_cast<double>(array.data[static_cast<std::size_t>((start + t) * streams + s)]);
  return out;
}

/// First time at which |row_l(A Phi^t A^-1 delta)| has halved, over its start in each pair or in all together, between steps straight in the
/// logarithm.
double closed_half_life(const Bed& bed, const MatrixXd& delta, Index level, bool each) {
  const MatrixXd step = bed.transition * bed.rest.closed_loop * bed.transition.inverse();
  MatrixXd now = delta;
  double before = 1;
  for (int t = 1; t < 100000; ++t) {
    now = (step * now).eval();
    const double ratio = each ? (now.row(level).array() / delta.row(level).array()).abs().mean()
                              : now.row(level).cwiseAbs().mean() / delta.row(level).cwiseAbs().mean();
    if (ratio <= .5) return t - 1 + std::log(before / .5) / std::log(before / ratio);
    before = ratio;
  }
  return 0;
}

}  // namespace

TEST_CASE("linear-Gaussian twins along an eigenvector have its half-life: .88, 7.3, 62, 497", "[linear_gaussian]") {
  Bed bed;
  constexpr Index history = 8000, after = 1100, pairs = 3;  // long enough for the exact observer's covariances to come to rest
  const test::TemporaryFolder folder;
  const Eigen::EigenSolver<MatrixXd> modes(bed.rest.closed_loop);
  std::vector<Index> order(4);
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(),
            [&](Index a, Index b) { return std::abs(modes.eigenvalues()(a)) < std::abs(modes.eigenvalues()(b)); });

  const auto drawn = draw_episodes(*bed.study.source, pairs, 1, history + after, 11);
  std::vector<Condition> conditions{copies("/", "", drawn, history)};
  for (std::size_t mode = 0; mode < 4; ++mode) {
    auto moved = drawn;
    // A strong push keeps the slow modes that single precision leaves behind far below the fast ones.
    const VectorXd push = numbers_for(bed, 3 * modes.eigenvectors().col(order[mode]).real().normalized(), history);
    for (Episode& episode : moved)
      for (Index t = 0; t < history; ++t) episode.value[static_cast<std::size_t>(t)] += push(t);
    conditions.push_back(copies("twin_mode" + std::to_string(mode), "/", std::move(moved), history));
  }
  const double table[] = {.88, 7.3, 62, 497};
  for (const bool exact : {false, true}) {
    const std::string path = folder / (exact ? "exact.h5" : "model.h5");
    const auto reader = bed.reader(exact, pairs);
    record_trials(bed.study, *reader, conditions, {64, after}, "test", path, bed.progress);
    for (std::size_t mode = 0; mode < 4; ++mode) {
      Configuration configuration;
      configuration.set("analyse.condition", "twin_mode" + std::to_string(mode));
      configuration.set("analyse.resamples", "20");
      const MeasureResult found = analyse("half_life", path, configuration);
      CHECK(bed.rest.half_lives[mode] == Approx(table[mode]).epsilon(.005));
      for (const MeasuredValues& level : found.levels) {
        INFO((exact ? "exact observer, mode " : "model, mode ") << mode << ", " << level.cell("name") << ": " << level.cell("half_life"));
        CHECK(level.number("half_life") == Approx(bed.rest.half_lives[mode]).epsilon(.02));
      }
    }
  }
}

TEST_CASE("linear-Gaussian twins with drawn histories have the half-lives of the closed loop from where they start", "[linear_gaussian]") {
  Bed bed;
  constexpr Index history = 8000, after = 1500, pairs = 32;
  const test::TemporaryFolder folder;
  const auto drawn = draw_episodes(*bed.study.source, pairs, 3, history, 5);
  std::vector<Condition> conditions;
  for (std::size_t c = 0; c < 2; ++c) {
    std::vector<Episode> all;
    for (std::size_t p = 0; p < pairs; ++p) all.push_back(joined(joined({}, drawn[3 * p + c], history), drawn[3 * p + 2], after));
    conditions.push_back(copies(c == 0 ? "/" : "twin", c == 0 ? "" : "/", std::move(all), history));
  }
  for (const bool exact : {false, true}) {
    const std::string path = folder / (exact ? "exact.h5" : "model.h5");
    record_trials(bed.study, *bed.reader(exact, pairs), conditions, {64, after}, "test", path, bed.progress);
    MatrixXd delta(4, pairs);
    {
      const Hdf5File trace(path);
      for (Index l = 0; l < 4; ++l) delta.row(l) = expectations(trace, "", l).row(0) - expectations(trace, "/conditions/twin", l).row(0);
    }
    for (const bool each : {false, true}) {
      Configuration configuration;
      configuration.set("analyse.resamples", "20");
      configuration.set("analyse.normalise", each ? "each" : "together");
      const MeasureResult found = analyse("half_life", path, configuration);
      for (std::size_t l = 0; l < 4; ++l) {
        INFO((exact ? "exact observer, level " : "model, level ") << l << (each ? ", each" : ", together"));
        CHECK(found.levels[l].number("half_life") == Approx(closed_half_life(bed, delta, static_cast<Index>(l), each)).epsilon(.02));
      }
    }
    // Late, every level falls with the slowest mode.
    const Hdf5File trace(path);
    for (Index l = 0; l < 4; ++l) {
      const MatrixXd off = (expectations(trace, "", l) - expectations(trace, "/conditions/twin", l)).cwiseAbs();
      const double fall = std::log(off.row(900).mean() / off.row(1500).mean()) / 600;
      INFO("level " << l << ", late");
      CHECK(std::log(2) / fall == Approx(bed.rest.half_lives[3]).epsilon(.02));
    }
  }
}

TEST_CASE("a level of the linear-Gaussian world that alone is swapped halves as the closed loop does from there", "[linear_gaussian]") {
  Bed bed;
  constexpr Index history = 2000, after = 1200, pairs = 4;
  const test::TemporaryFolder folder;
  const auto drawn = draw_episodes(*bed.study.source, pairs, 3, history + after, 5);
  std::vector<Episode> ours, theirs;
  for (std::size_t p = 0; p < pairs; ++p)
    for (auto* copy : {&ours, &theirs})
      copy->push_back(joined(joined({}, drawn[3 * p + (copy == &ours ? 0 : 1)], history), drawn[3 * p + 2], after));
  std::vector<Condition> conditions{copies("/", "", ours, history), copies("twin", "/", theirs, history)};
  const std::string path = folder / "model.h5";
  const auto reader = bed.reader(false, pairs);
  add_grafts(conditions, 0, 1, *reader);
  REQUIRE(conditions.size() == 2 + 4);
  record_trials(bed.study, *reader, conditions, {64, after}, "test", path, bed.progress);
  Configuration configuration;
  configuration.set("analyse.resamples", "20");
  configuration.set("analyse.normalise", "together");
  const MeasureResult found = analyse("half_life", path, configuration);
  for (Index l = 0; l < 4; ++l) {
    const double expected = closed_half_life(bed, bed.transition.col(l), l, false);
    INFO("level " << l << " alone: " << found.levels[static_cast<std::size_t>(l)].cell("half_life_single") << ", closed form " << expected);
    CHECK(found.levels[static_cast<std::size_t>(l)].number("half_life_single") == Approx(expected).epsilon(.02));
  }
  // What is swapped stays in its place: at time -1 the level is the donor's, up to what the levels above say.
  const Hdf5File trace(path, Hdf5File::Mode::read);
  for (Index l = 0; l < 4; ++l) {
    const VectorXd plain = expectations(trace, "", l).row(0),
                   single = expectations(trace, "/conditions/twin_l" + std::to_string(l), l).row(0);
    CHECK((plain - single).cwiseAbs().minCoeff() > 0);
  }
  const VectorXd top = expectations(trace, "/conditions/twin", 3).row(0), grafted = expectations(trace, "/conditions/twin_l3", 3).row(0);
  CHECK((top - grafted).cwiseAbs().maxCoeff() == 0);
}

TEST_CASE("gains of the linear-Gaussian world, measured in a reading of its ready hierarchy, are Kalman's; no gap is left",
          "[linear_gaussian]") {
  Bed bed;
  const test::TemporaryFolder folder;
  const std::string path = folder / "reading.h5";
  WorldReading reading;
  reading.streams = 8;
  reading.from = 4000;
  reading.length = 7000;
  reading.seed = 9;
  const auto hierarchy = bed.study.make_hierarchy(reading.streams);
  read_world(bed.study, *hierarchy, reading, "test", path, bed.progress);
  const MeasureResult gain = analyse("gain", path);
  for (std::size_t l = 0; l < 4; ++l) {
    INFO("level " << l << ": " << gain.levels[l].cell("gain"));
    CHECK(gain.levels[l].number("gain") == Approx(bed.rest.gain(static_cast<Index>(l))).epsilon(.02));
    CHECK(gain.levels[l].number("gain_slope") == Approx(bed.rest.gain(static_cast<Index>(l))).epsilon(.02));
  }
  // An untrained model takes the noise alone for the variance of its forecast, so it is compared by its beliefs.
  const Hdf5File trace(path);
  for (Index l = 0; l < 4; ++l) {
    const std::string name = "/levels/" + std::to_string(l) + "/belief";
    const auto model = trace.read<float>(name).data, exact = trace.read<float>("/conditions/exact" + name).data;
    double worst = 0, size = 0;
    for (std::size_t i = 0; i < model.size(); ++i) {
      worst = std::max(worst, std::abs(static_cast<double>(model[i] - exact[i])));
      size = std::max(size, std::abs(static_cast<double>(exact[i])));
    }
    INFO("level " << l << " " << worst << " of " << size);
    CHECK(worst < .005 * size);
  }
}
