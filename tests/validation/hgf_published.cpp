// The volatile level against trajectories and surprises published by other implementations of the hierarchical Gaussian filter.
// Data and their licence: hgf/SOURCE.md in the data folder.

#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>
#include <numbers>
#include <sstream>

#include "tests/support/data.hpp"
#include "tests/support/volatile_rig.hpp"

using namespace strata;
using namespace strata::test;

namespace {

/// Rows of numbers; a header line and empty cells (NaN) allowed.
std::vector<std::vector<double>> read_rows(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::vector<double>> rows;
  for (std::string line; std::getline(in, line);) {
    std::vector<double> row;
    std::istringstream cells(line);
    bool numbers = true;
    for (std::string cell; std::getline(cells, cell, ',');) {
      char* end = nullptr;
      const double x = std::strtod(cell.c_str(), &end);
      if (!cell.empty() && end == cell.c_str()) numbers = false;
      row.push_back(cell.empty() ? std::nan("") : x);
    }
    if (numbers && !row.empty()) rows.push_back(std::move(row));
  }
  return rows;
}

NumberWorld::Script script_of(const std::vector<std::vector<double>>& rows) {
  return [&rows](Index t, Index, Index) { return rows[static_cast<std::size_t>(t)][0]; };
}

const std::vector<std::string> usd_chf{"level.0.input_precision=1e4",
                                       "level.0.initial_mean=1.04",
                                       "level.0.initial_precision=1e4",
                                       "level.0.omega=-13",
                                       "level.1.initial_mean=1",
                                       "level.1.initial_precision=10",
                                       "level.1.omega=-2"};

std::vector<std::string> with(std::vector<std::string> lines, const std::vector<std::string>& more) {
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

/// Summed -ln N(u; m, 1/p): pyhgf's surprise of a continuous input, which leaves the noise of the input out.
double node_surprise(VolatileRig<double>& rig, const std::vector<std::vector<double>>& rows) {
  double sum = 0;
  for (const auto& row : rows) {
    const double m = rig.host(rig.level(0).snapshot().prediction)[0], p = rig.host(rig.level(0).prior_precision())[0];
    sum += .5 * (std::log(2 * std::numbers::pi / p) + p * (row[0] - m) * (row[0] - m));
    REQUIRE(rig.simulation->advance());
  }
  return sum;
}

}  // namespace

TEST_CASE("hgf: continuous, two levels: every published value to 1e-10") {
  const std::string inputs = data_path("hgf/continuous2_inputs.dat"), states = data_path("hgf/continuous2_states.csv");
  if (inputs.empty() || states.empty()) return;
  const auto u = read_rows(inputs), expected = read_rows(states);
  REQUIRE(u.size() == 614);
  REQUIRE(expected.size() == 615);
  const std::string device = GENERATE("reference", "cpu", "check");
  VolatileRig<double> rig(with(usd_chf, {"level.1.update=classic"}), 2, 1, 1, 614, script_of(u), false, device);
  double worst = 0;
  for (std::size_t t = 0; t < expected.size(); ++t) {
    const double seen[] = {rig.belief(0)[0], rig.precision(0)[0], rig.belief(1)[0], rig.precision(1)[0]};
    for (std::size_t k = 0; k < 4; ++k) worst = std::max(worst, std::abs(seen[k] / expected[t][k + 1] - 1));
    CHECK(rig.simulation->advance() == (t < 614));
  }
  INFO("worst relative distance " << worst);
  CHECK(worst < 1e-10);
  CHECK(rig.belief(0)[0] == Approx(0.8033787304393135).epsilon(1e-10));
  CHECK(rig.precision(0)[0] == Approx(26969.409308260663).epsilon(1e-10));
  CHECK(rig.belief(1)[0] == Approx(2.792842932233041).epsilon(1e-10));
  CHECK(rig.precision(1)[0] == Approx(0.6892939260227859).epsilon(1e-10));
}

TEST_CASE("hgf: continuous, two levels, in float stays near") {
  const std::string inputs = data_path("hgf/continuous2_inputs.dat"), states = data_path("hgf/continuous2_states.csv");
  if (inputs.empty() || states.empty()) return;
  const auto u = read_rows(inputs), expected = read_rows(states);
  VolatileRig<float> rig(with(usd_chf, {"level.1.update=classic"}), 2, 1, 1, 614, script_of(u));
  rig.simulation->run();
  CHECK(rig.belief(0)[0] == Approx(0.8033787304393135).epsilon(1e-4));
  CHECK(rig.precision(0)[0] == Approx(26969.409308260663).epsilon(1e-3));
  CHECK(rig.belief(1)[0] == Approx(2.792842932233041).epsilon(1e-3));
}

TEST_CASE("hgf: binary, three levels: every published row, and the summed surprise") {
  const std::string path = data_path("hgf/binary3.csv");
  if (path.empty()) return;
  const auto rows = read_rows(path);  // mu1 mu2 mu3 sa1 sa2 sa3 muhat1 muhat2 muhat3 sahat1 sahat2 sahat3 ...
  REQUIRE(rows.size() == 320);
  const bool tokens = GENERATE(true, false);
  VolatileRig<double> rig(with({"level.0.omega=-2.5", "level.1.omega=-6", "level.1.initial_mean=1", "level.1.update=classic"},
                               tokens ? std::vector<std::string>{} : std::vector<std::string>{"level.0.input=binary"}),
                          2, 1, tokens ? 0 : 1, 320, script_of(rows));
  double worst = 0;
  for (const auto& row : rows) {
    const double m[] = {rig.host(rig.level(0).snapshot().prediction)[0], rig.host(rig.level(1).snapshot().prediction)[0]};
    const double p[] = {rig.host(rig.level(0).prior_precision())[0], rig.host(rig.level(1).prior_precision())[0]};
    REQUIRE(rig.simulation->advance());
    const double outcome = 1 / (1 + std::exp(-m[0]));
    const std::pair<double, double> pairs[] = {{rig.belief(0)[0], row[1]},
                                               {rig.belief(1)[0], row[2]},
                                               {1 / rig.precision(0)[0], row[4]},
                                               {1 / rig.precision(1)[0], row[5]},
                                               {outcome, row[6]},
                                               {m[0], row[7]},
                                               {m[1], row[8]},
                                               {1 / p[0], row[10]},
                                               {1 / p[1], row[11]}};
    // Five significant digits are printed: half a unit in the fifth.
    for (const auto& [seen, printed] : pairs) worst = std::max(worst, std::abs(seen - printed) / std::max(1.0, std::abs(printed)));
  }
  INFO("worst distance, absolute below 1 and relative above: " << worst);
  CHECK(worst <= 5e-5);
  CHECK(rig.simulation->nats() == Approx(206.45368875690158).epsilon(1e-12));
}

TEST_CASE("hgf: pyhgf's surprises, continuous, mean first") {
  const std::string inputs = data_path("hgf/continuous2_inputs.dat");
  if (inputs.empty()) return;
  const auto u = read_rows(inputs);
  std::ostringstream first;
  first.precision(17);
  first << "level.0.initial_mean=" << u[0][0];
  VolatileRig<double> two(
      {first.str(), "level.0.initial_precision=1e4", "level.0.omega=-3", "level.1.initial_precision=10", "level.1.omega=-3"}, 2, 1, 1, 614,
      script_of(u));
  CHECK(node_surprise(two, u) == Approx(-1141.08905847).epsilon(1e-9));
  VolatileRig<double> three(with(usd_chf, {"level.2.initial_mean=1", "level.2.initial_precision=10", "level.2.omega=-2"}), 3, 1, 1, 614,
                            script_of(u));
  CHECK(node_surprise(three, u) == Approx(-892.81467375).epsilon(1e-9));
}

TEST_CASE("hgf: pyhgf's surprises, binary") {
  const std::string path = data_path("hgf/binary3.csv");
  if (path.empty()) return;
  const auto rows = read_rows(path);
  const std::vector<std::string> lines{"level.0.initial_mean=.5", "level.0.initial_precision=1e4", "level.0.omega=-6"};
  VolatileRig<double> two(lines, 1, 1, 0, 320, script_of(rows));
  two.simulation->run();
  CHECK(two.simulation->nats() == Approx(215.58819844).epsilon(1e-9));
  // The published figure of three levels follows the precision-first order; mean first gives 215.59103486.
  const auto upper = with(lines, {"level.1.initial_precision=10", "level.1.omega=-2"});
  VolatileRig<double> three(with(upper, {"level.1.update=classic"}), 2, 1, 0, 320, script_of(rows));
  three.simulation->run();
  CHECK(three.simulation->nats() == Approx(215.59067679).epsilon(1e-10));
  VolatileRig<double> mean_first(upper, 2, 1, 0, 320, script_of(rows));
  mean_first.simulation->run();
  CHECK(mean_first.simulation->nats() == Approx(215.59103486).epsilon(1e-10));
}
