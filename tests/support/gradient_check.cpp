#include "tests/support/gradient_check.hpp"

#include <cmath>
#include <functional>

#include "tests/support/tiny.hpp"

namespace strata::test {

namespace {

constexpr double h = 1e-3;

/// (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h, entry by entry; exactly zero where f does not change.
std::vector<double> difference(const std::function<std::vector<double>(double)>& f) {
  const auto m2 = f(-2 * h), m1 = f(-h), p1 = f(h), p2 = f(2 * h);
  std::vector<double> slope(m1.size());
  for (std::size_t j = 0; j < slope.size(); ++j) slope[j] = (8 * (p1[j] - m1[j]) - (p2[j] - m2[j])) / (12 * h);
  return slope;
}

double norm(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return std::sqrt(sum);
}

/// Sum over streams of the free energy held.
double held_energy(Hierarchy<double>& hierarchy) {
  Device<double>& device = hierarchy.device();
  Tensor<double> stream(device, hierarchy.level(0).upward().emission_error.rows, hierarchy.streams()), energy(device, hierarchy.streams());
  for (Index l = 0; l < hierarchy.depth(); ++l) hierarchy.level(l).held_share(stream);
  for (Index l = 0; l < hierarchy.depth(); ++l) hierarchy.level(l).held_energy(stream.view(), energy);
  double sum = 0;
  for (const double x : values<double>(energy.view(), device)) sum += x;
  return sum;
}

/// Everything that follows from the beliefs, top down, at the present beliefs.
void refresh(Probe<double>& probe) {
  Hierarchy<double>& hierarchy = probe.hierarchy;
  const Index depth = hierarchy.depth();
  for (Index l = 0; l < depth; ++l) hierarchy.level(l).refresh();
  for (Index l = depth - 1; l > 0; --l) hierarchy.level(l - 1).repredict(hierarchy.level(l).downward());
  for (Index l = depth; l-- > 0;)
    hierarchy.level(l).emit(probe.step(), l + 1 < depth ? hierarchy.level(l + 1).downward() : Downward<double>{});
}

}  // namespace

std::vector<double> energies(Probe<double>& probe) {
  refresh(probe);
  Tensor<double> energy(probe.hierarchy.device(), probe.hierarchy.streams());
  for (Index l = 0; l < probe.hierarchy.depth(); ++l) probe.hierarchy.level(l).add_energy(energy);
  return values<double>(energy.view(), probe.hierarchy.device());
}

namespace {

/// -dF/dx of one node, units x streams; streams do not touch each other, so one row of all of them is moved at once.
std::vector<double> node_gradient(Probe<double>& probe, const ValueNode<double>& node) {
  Device<double>& device = probe.hierarchy.device();
  const auto before = values<double>(node.belief, device);
  std::vector<double> gradient(before.size());
  for (Index i = 0; i < node.belief.rows; ++i) {
    const auto slope = difference([&](double shift) {
      auto moved = before;
      for (Index j = 0; j < node.belief.cols; ++j) moved[static_cast<std::size_t>(j * node.belief.rows + i)] += shift;
      device.upload(moved, node.belief);
      return energies(probe);
    });
    for (Index j = 0; j < node.belief.cols; ++j)
      gradient[static_cast<std::size_t>(j * node.belief.rows + i)] = -slope[static_cast<std::size_t>(j)];
  }
  device.upload(before, node.belief);
  refresh(probe);
  return gradient;
}

}  // namespace

std::vector<BlockCheck> check_weights(Probe<double>& probe) {
  Hierarchy<double>& hierarchy = probe.hierarchy;
  Device<double>& device = hierarchy.device();
  std::map<std::string, std::vector<double>> expected;
  for_each_weight<double>(hierarchy, [&](const std::string& name, Weight<double>& weight) {
    const auto value = values<double>(weight.value.view(), device);
    std::vector<double> slopes(value.size());
    for (std::size_t i = 0; i < value.size(); ++i)
      slopes[i] = -difference([&](double shift) {
        auto moved = value;
        moved[i] += shift;
        device.upload(moved, weight.value);
        return std::vector<double>{held_energy(hierarchy)};
      })[0];
    device.upload(value, weight.value);
    expected[name] = std::move(slopes);
  });
  hierarchy.accumulate(1, true);
  std::vector<BlockCheck> blocks;
  for (const auto& [name, gradient] : weight_gradients(hierarchy))
    blocks.push_back({name, relative_distance(gradient.data, expected[name]), norm(expected[name])});
  for_each_weight<double>(hierarchy, [&](const std::string&, Weight<double>& weight) { device.fill(weight.gradient, 0); });
  return blocks;
}

std::vector<BlockCheck> check_nodes(Probe<double>& probe) {
  Hierarchy<double>& hierarchy = probe.hierarchy;
  Device<double>& device = hierarchy.device();
  Tensor<double> rate(device, hierarchy.streams());
  device.fill(rate, 1);
  std::vector<BlockCheck> blocks;
  for (Index l = 0; l < hierarchy.depth(); ++l) {
    Level<double>& level = hierarchy.level(l);
    const auto nodes = level.nodes();
    if (nodes.empty()) blocks.push_back({"level_" + std::to_string(l) + " shows no nodes", 1, 0});
    std::vector<std::vector<double>> before, after;
    for (const auto& node : nodes) before.push_back(values<double>(node.belief, device));
    refresh(probe);
    level.settle(l > 0 ? hierarchy.level(l - 1).upward() : Upward<double>{}, rate.view());
    for (const auto& node : nodes) after.push_back(values<double>(node.belief, device));
    for (std::size_t n = 0; n < nodes.size(); ++n) device.upload(before[n], nodes[n].belief);
    for (std::size_t n = 0; n < nodes.size(); ++n) {
      const auto expected = node_gradient(probe, nodes[n]);
      std::vector<double> move(expected.size());
      for (std::size_t i = 0; i < move.size(); ++i) move[i] = nodes[n].precision * (after[n][i] - before[n][i]);
      blocks.push_back({"level_" + std::to_string(l) + " node " + std::to_string(n), relative_distance(move, expected), norm(expected)});
      device.upload(after[n], nodes[n].belief);  // nodes move one after the other
    }
    for (std::size_t n = 0; n < nodes.size(); ++n) device.upload(before[n], nodes[n].belief);
    refresh(probe);
  }
  return blocks;
}

}  // namespace strata::test
