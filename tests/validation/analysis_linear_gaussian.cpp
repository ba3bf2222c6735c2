// Half-lives and gains of a linear-Gaussian chain, measured from trajectories of its Kalman filter by the code that measures text, against
// the closed form: twin distance Phi^t delta, Phi = (I - K h') A; gain K.

#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "analysis/autocorrelation.hpp"
#include "analysis/measure.hpp"
#include "core/error.hpp"
#include "tests/support/analysis_trace.hpp"

using namespace strata;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

/// x_l(t) = a_l x_l(t-1) + (1 - a_l) g x_(l+1)(t) + noise, y = x_1 + noise; time constants 2, 16, 128, 1024.
struct Chain {
  static constexpr Index depth = 4;
  MatrixXd transition, noise;
  VectorXd gain;
  double observation = 0.5;

  Chain() {
    MatrixXd upward = MatrixXd::Identity(depth, depth), own = MatrixXd::Zero(depth, depth), q = own;
    for (Index l = 0; l < depth; ++l) {
      const double a = std::exp(-1.0 / (2.0 * std::pow(8.0, static_cast<double>(l))));
      own(l, l) = a;
      q(l, l) = 0.2 * (1.0 - a * a);
      if (l + 1 < depth) upward(l, l + 1) = -(1.0 - a) * 0.5;
    }
    const MatrixXd u = upward.inverse();
    transition = u * own;
    noise = u * q * u.transpose();
    MatrixXd p = MatrixXd::Identity(depth, depth);
    for (int i = 0; i < 50000; ++i) {
      const MatrixXd before = transition * p * transition.transpose() + noise;
      gain = before.col(0) / (before(0, 0) + observation);
      p = before - gain * before.row(0);
    }
  }
  MatrixXd closed_loop() const {
    MatrixXd keep = MatrixXd::Identity(depth, depth);
    keep.col(0) -= gain;
    return keep * transition;
  }
};

void write_row(std::vector<std::vector<float>>& levels, const VectorXd& x) {
  for (Index l = 0; l < x.size(); ++l) levels[static_cast<std::size_t>(l)].push_back(static_cast<float>(x(l)));
}

void write_copy(Hdf5File& file, const std::string& prefix, const std::string& dataset, const std::vector<std::vector<float>>& levels,
                std::int64_t samples, Index streams) {
  for (std::size_t l = 0; l < levels.size(); ++l)
    file.write<float>(prefix + "/levels/" + std::to_string(l) + "/" + dataset, {samples, streams, 1}, levels[l]);
}

using Levels = std::vector<std::vector<float>>;

}  // namespace

TEST_CASE("half-lives of a linear-Gaussian chain are those of its closed loop", "[analysis]") {
  const Chain chain;
  const Eigen::EigenSolver<MatrixXd> modes(chain.closed_loop());
  std::vector<std::pair<double, Index>> order;
  for (Index i = 0; i < Chain::depth; ++i) order.emplace_back(std::log(2.0) / -std::log(std::abs(modes.eigenvalues()(i))), i);
  std::sort(order.begin(), order.end());
  // Eight times apart, as the design's table has it (.88, 7.3, 62, 497).
  const double table[] = {0.88, 7.3, 62.0, 497.0};
  for (std::size_t i = 0; i < order.size(); ++i) CHECK(order[i].first == Approx(table[i]).epsilon(0.03));

  const test::TemporaryFolder folder;
  const std::string path = folder.file("chain.h5");
  const Index pairs = 30;
  const std::int64_t samples = 1200;
  {
    Hdf5File file(path, Hdf5File::Mode::create);
    std::mt19937_64 random(1);
    std::normal_distribution<double> normal;
    std::vector<Levels> copies(order.size() + 1, Levels(Chain::depth));
    std::vector<std::vector<VectorXd>> state(copies.size(), std::vector<VectorXd>(pairs, VectorXd::Zero(Chain::depth)));
    for (std::size_t mode = 0; mode < order.size(); ++mode)
      for (Index s = 0; s < pairs; ++s)
        state[mode + 1][static_cast<std::size_t>(s)] = modes.eigenvectors().col(order[mode].second).real() * (1.0 + normal(random));
    for (std::int64_t t = 0; t < samples; ++t)
      for (Index s = 0; s < pairs; ++s) {
        const double y = 2.0 * normal(random);  // the same for all copies
        for (std::size_t c = 0; c < copies.size(); ++c) {
          VectorXd& x = state[c][static_cast<std::size_t>(s)];
          if (t > 0) {  // time -1: what they start from
            const VectorXd before = chain.transition * x;
            x = before + chain.gain * (y - before(0));
          }
          write_row(copies[c], x);
        }
      }
    const auto grid = test::times(-1, samples - 2);
    for (std::size_t c = 0; c < copies.size(); ++c) {
      const std::string prefix = c == 0 ? "" : "/conditions/twin_mode" + std::to_string(c - 1);
      write_copy(file, prefix, "belief", copies[c], samples, pairs);
      for (Index l = 0; l < Chain::depth; ++l) file.write<std::int64_t>(prefix + "/levels/" + std::to_string(l) + "/time", {samples}, grid);
    }
    file.close();
  }
  for (std::size_t mode = 0; mode < order.size(); ++mode) {
    Configuration configuration;
    configuration.set_assignment("analyse.condition=twin_mode" + std::to_string(mode));
    configuration.set_assignment("analyse.resamples=50");
    const MeasureResult found = analyse("half_life", path, configuration);
    const MeasuredValues& level = found.levels[mode];
    INFO("mode " << mode << ": " << level.cell("half_life") << " against " << order[mode].first);
    CHECK(level.number("half_life") == Approx(order[mode].first).epsilon(0.02));
  }
}

TEST_CASE("gains of a linear-Gaussian chain are the Kalman gains", "[analysis]") {
  const Chain chain;
  const test::TemporaryFolder folder;
  const std::string path = folder.file("chain.h5");
  const std::int64_t samples = 20000;
  Levels belief(Chain::depth), prediction(Chain::depth);
  std::vector<float> value;
  std::mt19937_64 random(2);
  std::normal_distribution<double> normal;
  const MatrixXd root = chain.noise.llt().matrixL();
  VectorXd x = VectorXd::Zero(Chain::depth), estimate = x;
  for (std::int64_t t = 0; t < samples; ++t) {
    VectorXd shock(Chain::depth);
    for (Index l = 0; l < Chain::depth; ++l) shock(l) = normal(random);
    x = chain.transition * x + root * shock;
    const double y = x(0) + std::sqrt(chain.observation) * normal(random);
    const VectorXd before = chain.transition * estimate;
    estimate = before + chain.gain * (y - before(0));
    value.push_back(static_cast<float>(y));
    write_row(belief, estimate);
    write_row(prediction, chain.transition * estimate);
  }
  {
    Hdf5File file(path, Hdf5File::Mode::create);
    write_copy(file, "", "belief", belief, samples, 1);
    write_copy(file, "", "prediction", prediction, samples, 1);
    file.write<float>("/world/value", {samples, 1, 1}, value);
    file.close();
  }
  const MeasureResult found = analyse("gain", path);
  for (std::size_t l = 0; l < found.levels.size(); ++l) {
    const double expected = chain.gain(static_cast<Index>(l));
    INFO("level " << l << ": " << found.levels[l].cell("gain") << " against " << expected);
    CHECK(found.levels[l].number("gain") == Approx(expected).epsilon(0.02));
    CHECK(found.levels[l].number("gain_slope") == Approx(expected).epsilon(0.02));
    CHECK(found.levels[l].number("gain_explained") == Approx(1.0).epsilon(0.01));
    CHECK(found.levels[l].number("effective_tokens") == Approx(1.0 / expected).epsilon(0.02));
  }
}

TEST_CASE("autocorrelation times of autoregressive beliefs, driven and free", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("ar.h5");
  std::mt19937_64 random(4);
  std::normal_distribution<double> normal;
  {
    Hdf5File file(path, Hdf5File::Mode::create);
    const auto grid = test::times(0, 59999);
    const double tau[] = {3.0, 30.0};
    for (const bool free : {false, true})
      for (std::size_t l = 0; l < 2; ++l) {
        const double a = std::exp(-1.0 / (tau[l] * (free ? 2.0 : 1.0)));
        std::vector<double> state(4, 0.0);
        test::write_level(file, (free ? "/conditions/free/levels/" : "/levels/") + std::to_string(l), "belief", grid, 2, 2,
                          [&](double, Index s, Index u) {
                            double& x = state[static_cast<std::size_t>(2 * s + u)];
                            return 5.0 + (x = a * x + std::sqrt(1.0 - a * a) * normal(random));
                          });
      }
    file.close();
  }
  Configuration configuration;
  configuration.set_assignment("analyse.resamples=200");
  const MeasureResult found = analyse("autocorrelation", path, configuration);
  for (std::size_t l = 0; l < 2; ++l) {
    const double tau = l == 0 ? 3.0 : 30.0;
    CHECK(found.levels[l].number("autocorrelation_time") == Approx(tau).epsilon(0.05));
    CHECK(found.levels[l].number("free_autocorrelation_time") == Approx(2.0 * tau).epsilon(0.05));
    CHECK(found.levels[l].number("autocorrelation_scale") == Approx(1.0).epsilon(0.05));
    const auto& ends = std::get<std::vector<double>>(*found.levels[l].find("autocorrelation_time_ci95"));
    CHECK(ends[0] < tau);
    CHECK(tau < ends[1]);
    CHECK(ends[1] - ends[0] < 0.2 * tau);
  }
}
