// A linear predictive-coding network, built of Gaussian levels without persistence: its free energy at equilibrium, and back-propagation as
// what its errors become when predictions are held.

#include <Eigen/Dense>
#include <catch2/catch.hpp>

#include "tests/support/gaussian_chain.hpp"
#include "tests/support/probe.hpp"

using namespace strata;
using namespace strata::test;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

/// y = W_L .. W_1 x + noise at every layer; weights[0] = W_1 next to the input x, the last next to y. The lowest level lies next to y, the
/// highest is the input, clamped.
struct Network {
  std::unique_ptr<Device<double>> device = make_device<double>({"reference", "auto", 0});
  std::unique_ptr<ChainWorld> world;
  std::unique_ptr<Hierarchy<double>> hierarchy;
  std::unique_ptr<Probe<double>> probe;
  Learning<double> learning{LearningSettings{0, 0, 0, 1, 0}, 0};
  Index depth;  // levels of hidden value nodes

  Network(const std::vector<MatrixXd>& weights, const VectorXd& x, const VectorXd& y, const std::vector<std::string>& more)
      : depth(static_cast<Index>(weights.size()) - 1) {
    Configuration c;
    c.set("hierarchy.levels", std::to_string(depth + 1));
    for (Index l = 0; l <= depth; ++l) {
      const std::string level = "level." + std::to_string(l) + ".";
      const MatrixXd& w = weights[static_cast<std::size_t>(depth - l)];
      for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"kind", "gaussian"},
                                                                                       {"units", std::to_string(w.cols())},
                                                                                       {"coupling", "residual"},
                                                                                       {"share", "off"},
                                                                                       {"tau", ".001"},
                                                                                       {"precision_mode", "fixed"},
                                                                                       {"eligibility", "off"},
                                                                                       {"precision", l == depth ? "1e12" : "1"},
                                                                                       {"noise", "1"},
                                                                                       {"learn_noise", "off"}})
        c.set(level + key, value);
    }
    for (const auto& line : more) c.set_assignment(line);
    world = std::make_unique<ChainWorld>(std::vector<double>(y.data(), y.data() + y.size()), y.size());
    hierarchy = build_hierarchy<double>(c, *device, {}, 1, 1, 1, y.size());
    c.check_all_read();
    for (Index l = 0; l <= depth; ++l)
      hierarchy->level(l).visit_weights([&](Weight<double>& weight) {
        const MatrixXd* w = weight.name == "share_out"  ? &weights[static_cast<std::size_t>(depth - l)]
                            : weight.name == "above_in" ? &weights[static_cast<std::size_t>(depth - l - 1)]
                                                        : nullptr;
        if (w != nullptr) device->upload(std::span<const double>(w->data(), static_cast<std::size_t>(w->size())), weight.value);
      });
    Tensor<double> input(*device, x.size(), 1);
    device->upload(std::span<const double>(x.data(), static_cast<std::size_t>(x.size())), input);
    hierarchy->level(depth).clamp_downward(std::vector<std::uint8_t>{1}, input.view());
    probe = std::make_unique<Probe<double>>(*hierarchy, *world, &learning);
    probe->start();
  }

  double free_energy() {
    double sum = 0;
    for (Index l = 0; l < depth; ++l) sum += values<double>(hierarchy->level(l).snapshot().free_energy, *device)[0];
    return sum;
  }
};

/// r' S^-1 r / 2, S = I + sum_{l >= 2} (W_L .. W_l)(W_L .. W_l)'.
double expected_energy(const std::vector<MatrixXd>& weights, const VectorXd& x, const VectorXd& y) {
  VectorXd out = x;
  for (const MatrixXd& w : weights) out = (w * out).eval();
  MatrixXd s = MatrixXd::Identity(y.size(), y.size()), product = s;
  for (std::size_t l = weights.size(); l-- > 1;) {
    product = (product * weights[l]).eval();
    s += product * product.transpose();
  }
  const VectorXd r = y - out;
  return .5 * r.dot(s.ldlt().solve(r));
}

MatrixXd random_matrix(Index rows, Index cols, std::uint64_t seed) {
  MatrixXd m(rows, cols);
  for (Index j = 0; j < cols; ++j)
    for (Index i = 0; i < rows; ++i)
      m(i, j) = .6 * random_normal(random_base(seed, 0, 0, 0), static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j));
  return m;
}

}  // namespace

TEST_CASE("linear network: free energy at equilibrium, scalar chains") {
  const auto one = [](double v) { return MatrixXd::Constant(1, 1, v); };
  const auto energy = [&](std::initializer_list<double> w, double x, double y, const std::string& scheme) {
    std::vector<MatrixXd> weights;
    for (const double v : w) weights.push_back(one(v));
    const VectorXd in = VectorXd::Constant(1, x), out = VectorXd::Constant(1, y);
    Network network(weights, in, out,
                    {"relaxation.scheme=" + scheme, "relaxation.steps=1000", "relaxation.rate=1", "relaxation.tolerance=0"});
    network.probe->begin();
    CHECK(expected_energy(weights, in, out) == Approx(network.free_energy()).epsilon(1e-10));
    return network.free_energy();
  };
  for (const char* scheme : {"exact", "serial", "red_black", "jacobi"}) {
    INFO(scheme);
    CHECK(energy({1, 1, 1}, 1, 0, scheme) == Approx(1. / 6).epsilon(1e-10));
    CHECK(energy({1, 2, 3}, 1, 0, scheme) == Approx(.391304347826087).epsilon(1e-10));
    CHECK(energy({.5, -2, 1.5, .8}, 2, 1, scheme) == Approx(17. / 26).epsilon(1e-10));
  }
}

TEST_CASE("linear network: free energy at equilibrium, layers of several units") {
  const std::vector<MatrixXd> weights{random_matrix(4, 2, 1), random_matrix(3, 4, 2), random_matrix(5, 3, 3), random_matrix(2, 5, 4)};
  const VectorXd x = random_matrix(2, 1, 5), y = random_matrix(2, 1, 6) * 3;
  for (const char* scheme : {"serial", "jacobi"}) {
    Network network(weights, x, y,
                    {std::string("relaxation.scheme=") + scheme, "relaxation.steps=1000", "relaxation.rate=.5", "relaxation.tolerance=0"});
    network.probe->begin();
    CHECK(network.free_energy() == Approx(expected_energy(weights, x, y)).epsilon(1e-9));
  }
}

TEST_CASE("linear network: with predictions held, as many unit steps as layers are back-propagation") {
  // Layers of three units joined by rotations times a number: then every unit of a layer has the same curvature D, and a sweep of size
  // D / pi is a unit step along the gradient.
  const auto rotation = [](std::uint64_t seed, double size) {
    const MatrixXd q = random_matrix(3, 3, seed).householderQr().householderQ();
    return MatrixXd(size * q);
  };
  const std::vector<MatrixXd> weights{rotation(1, .7), rotation(2, 1.4), rotation(3, -.9), rotation(4, 1.2)};
  const VectorXd x = random_matrix(3, 1, 5) * 2, y = random_matrix(3, 1, 6) * 3;
  Network network(weights, x, y, {"relaxation.steps=0"});
  network.probe->begin();  // forecast and observation; beliefs at their predictions
  auto& hierarchy = *network.hierarchy;
  Tensor<double> size(*network.device, 1);
  for (Index step = 0; step < network.depth; ++step)
    for (Index l = network.depth; l-- > 0;) {  // all at once: a level reads the one below, which has not moved
      network.device->fill(size, hierarchy.level(l).nodes()[0].precision);
      hierarchy.level(l).settle(l > 0 ? hierarchy.level(l - 1).upward() : Upward<double>{}, size.view());
    }
  for (Index l = 0; l <= network.depth; ++l) hierarchy.level(l).learn(network.probe->step());
  hierarchy.accumulate(1, true);

  std::vector<VectorXd> activity{x};
  for (const MatrixXd& w : weights) activity.push_back(w * activity.back());
  VectorXd error = y - activity.back();
  const auto gradients = weight_gradients(hierarchy);
  for (std::size_t l = weights.size(); l-- > 0;) {
    const MatrixXd expected = error * activity[l].transpose();  // -d (|y - out|^2 / 2) / d W
    const bool lowest = l + 1 == weights.size();
    const auto& found =
        lowest ? gradients.at("level_0/share_out") : gradients.at("level_" + std::to_string(weights.size() - 2 - l) + "/above_in");
    INFO("layer " << l);
    // learn() of the first begin has already counted the lowest weight once: its error is that of the forecast in both.
    const double times = lowest ? 2 : 1;
    CHECK((Eigen::Map<const MatrixXd>(found.data.data(), 3, 3) - times * expected).norm() < 1e-12 * (1 + expected.norm()));
    CHECK(expected.norm() > .1);
    error = (weights[l].transpose() * error).eval();
  }
}
