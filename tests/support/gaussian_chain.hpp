#pragma once
// The linear-Gaussian chain of measures.md as a hierarchy of Gaussian levels of one unit each, weights known, nothing learned.

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "core/simulation.hpp"
#include "experiments/worlds/linear_gaussian/kalman.hpp"
#include "levels/build.hpp"
#include "levels/gaussian.hpp"
#include "tests/support/tiny.hpp"

namespace strata::test {

/// One stream of given numbers.
class ChainWorld final : public World {
 public:
  explicit ChainWorld(std::vector<double> numbers, Index channels = 1) : numbers_(std::move(numbers)), channels_(channels) {}
  Index streams() const override { return 1; }
  Index vocabulary() const override { return 0; }
  Index channels() const override { return channels_; }
  Index tokens() const override { return static_cast<Index>(numbers_.size()) / channels_; }
  bool next(Observation& out) override {
    if (step_ >= tokens()) return false;
    const auto first = numbers_.begin() + step_ * channels_;
    out.value.assign(first, first + channels_);
    out.active[0] = 1;
    ++step_;
    return true;
  }
  void archive(Archive& archive) override { archive.value("step", step_); }

 private:
  std::vector<double> numbers_;
  Index channels_;
  std::int64_t step_ = 0;
};

/// Time constants 2, 2 ratio, 2 ratio^2, .. steps, gain 1/2, every level's own variance 1/5, observation noise 1/2.
inline linear_gaussian::Chain chain_of(Index levels, double ratio = 8) {
  linear_gaussian::Chain chain;
  for (Index l = 0; l < levels; ++l) {
    const double a = std::exp(-.5 / std::pow(ratio, static_cast<double>(l)));
    chain.persistence.push_back(a);
    chain.gain.push_back(.5);
    chain.noise.push_back(.2 * (1 - a * a));
  }
  chain.observation_noise = .5;
  return chain;
}

/// Draws of the chain from x = 0.
inline std::vector<double> draws(const linear_gaussian::Chain& chain, Index steps, std::uint64_t seed) {
  const Eigen::MatrixXd a = chain.transition(), u = chain.spread();
  Eigen::VectorXd x = Eigen::VectorXd::Zero(chain.levels()), w = x;
  std::vector<double> y;
  for (Index t = 0; t < steps; ++t) {
    const std::uint64_t base = random_base(seed, static_cast<std::uint64_t>(t), 0, 0x6a);
    for (Index l = 0; l < w.size(); ++l)
      w(l) = std::sqrt(chain.noise[static_cast<std::size_t>(l)]) * random_normal(base, static_cast<std::uint32_t>(l), 0);
    x = a * x + u * w;
    y.push_back(x(0) + std::sqrt(chain.observation_noise) * random_normal(base, 0, 1));
  }
  return y;
}

struct ChainModel {
  std::unique_ptr<Device<double>> device;
  std::unique_ptr<ChainWorld> world;
  std::unique_ptr<Hierarchy<double>> hierarchy;
  std::unique_ptr<Simulation<double>> simulation;
  std::vector<GaussianLevel<double>*> levels;

  ChainModel(const linear_gaussian::Chain& chain, std::vector<double> numbers, const std::vector<std::string>& more = {}) {
    Configuration configuration;
    const auto set = [&](const std::string& key, const std::string& value) { configuration.set(key, value); };
    const auto depth = chain.levels();
    set("hierarchy.levels", std::to_string(depth));
    for (Index l = 0; l < depth; ++l) {
      const auto i = static_cast<std::size_t>(l);
      const std::string level = "level." + std::to_string(l) + ".";
      set(level + "kind", "gaussian");
      set(level + "units", "1");
      set(level + "coupling", "leaky");
      set(level + "share", "off");
      set(level + "initial_sd", "0");
      set(level + "precision_mode", "fixed");
      set(level + "tau", to_text(-1 / std::log(chain.persistence[i])));
      set(level + "gain", to_text(chain.gain[i]));
      set(level + "noise", to_text(chain.observation_noise));
      set(level + "learn_noise", "off");
    }
    for (const auto& line : more) configuration.set_assignment(line);
    device = make_device<double>({"reference", "auto", 0});
    world = std::make_unique<ChainWorld>(std::move(numbers));
    hierarchy = build_hierarchy<double>(configuration, *device, {}, 1, 1, 1, 1);
    configuration.check_all_read();
    for (Index l = 0; l < depth; ++l) levels.push_back(dynamic_cast<GaussianLevel<double>*>(&hierarchy->level(l)));
    levels[0]->visit_weights([&](Weight<double>& weight) {
      if (weight.name == "share_out") device->fill(weight.value, 1);
    });
    simulation = std::make_unique<Simulation<double>>(*hierarchy, *world, nullptr, 1, 1);
    simulation->start();
  }

  void set_precision(const Eigen::VectorXd& precision) {
    for (std::size_t l = 0; l < levels.size(); ++l) levels[l]->set_precision(std::vector<double>{precision(static_cast<Index>(l))});
  }
  Eigen::VectorXd belief() const {
    Eigen::VectorXd x(static_cast<Index>(levels.size()));
    for (std::size_t l = 0; l < levels.size(); ++l) x(static_cast<Index>(l)) = values<double>(levels[l]->snapshot().belief, *device)[0];
    return x;
  }
};

}  // namespace strata::test
