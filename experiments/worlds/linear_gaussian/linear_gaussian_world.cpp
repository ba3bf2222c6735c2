// The linear-Gaussian world: one number per step, the lowest of a chain of values each slower than the one below.
// Laws, symbols, source: kalman.hpp; keys: settings.hpp; its optimum: observer.hpp. Its true values are numbers and not recorded.

#include <Eigen/Dense>
#include <cmath>
#include <memory>

#include "core/archive.hpp"
#include "core/error.hpp"
#include "experiments/worlds/linear_gaussian/observer.hpp"
#include "experiments/worlds/linear_gaussian/settings.hpp"
#include "experiments/worlds/nested/draw.hpp"
#include "experiments/worlds/registry.hpp"

namespace strata {

WorldKind linear_gaussian_world();

namespace linear_gaussian {
namespace {

using Eigen::VectorXd;

enum Purpose : std::uint32_t { beginning = 0x6a10, moving = 0x6a11, showing = 0x6a12 };

/// A root of a covariance that may be singular.
Eigen::MatrixXd root_of(const Eigen::MatrixXd& covariance) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> modes(covariance);
  return modes.eigenvectors() * modes.eigenvalues().cwiseMax(0).cwiseSqrt().asDiagonal();
}

/// What a chain is when it runs.
struct Moves {
  explicit Moves(const Chain& chain)
      : transition(chain.transition()),
        innovations(chain.spread() * chain.noises().cwiseSqrt()),
        beginning(root_of(chain.stationary())),
        noise(std::sqrt(chain.observation_noise)) {}
  Eigen::MatrixXd transition, innovations, beginning;
  double noise;
};

class ChainStreams final : public World {
 public:
  ChainStreams(std::shared_ptr<const Moves> moves, Index streams, Index length, std::uint64_t seed)
      : moves_(std::move(moves)), streams_(streams), length_(length), seed_(seed), values_(static_cast<std::size_t>(levels() * streams)) {}

  Index streams() const override { return streams_; }
  Index vocabulary() const override { return 0; }
  Index channels() const override { return 1; }
  Index tokens() const override { return streams_ * length_; }

  bool next(Observation& out) override {
    if (step_ >= length_) return false;
    out.value.resize(static_cast<std::size_t>(streams_));
    for (Index b = 0; b < streams_; ++b) {
      const auto at = static_cast<std::size_t>(b);
      Eigen::Map<VectorXd> x(values_.data() + b * levels(), levels());
      if (step_ == 0) x = moves_->beginning * normals(b, beginning);
      x = (moves_->transition * x + moves_->innovations * normals(b, moving)).eval();
      out.value[at] = x(0) + moves_->noise * random_normal(draw::at(seed_, b, step_, showing), 0, 0);
      out.id[at] = 0;
      out.active[at] = 1;
      out.boundary[at] = out.event[at] = 0;
      out.document[at] = static_cast<std::int32_t>(b);
      out.byte_begin[at] = step_;  // no bytes here: the step stands for them
      out.byte_end[at] = step_ + 1;
    }
    ++step_;
    return true;
  }

  void archive(Archive& archive) override {
    archive.value("step", step_);
    archive.value("values", values_);
    const auto size = static_cast<std::size_t>(levels() * streams_);
    if (values_.size() != size)
      throw ShapeError("state of the linear-Gaussian world", std::to_string(size) + " values", std::to_string(values_.size()));
    for (const double x : values_)
      if (!std::isfinite(x)) throw ShapeError("state of the linear-Gaussian world", "finite values", std::to_string(x));
  }

 private:
  Index levels() const { return moves_->transition.rows(); }
  VectorXd normals(Index stream, Purpose purpose) const {
    VectorXd w(levels());
    const auto base = draw::at(seed_, stream, step_, purpose);
    for (Index l = 0; l < w.size(); ++l) w(l) = random_normal(base, static_cast<std::uint32_t>(l), 0);
    return w;
  }

  std::shared_ptr<const Moves> moves_;
  Index streams_, length_;
  std::uint64_t seed_;
  std::int64_t step_ = 0;
  std::vector<double> values_;  // levels x streams
};

class ChainSource final : public Source {
 public:
  explicit ChainSource(Settings settings) : settings_(std::move(settings)), moves_(std::make_shared<const Moves>(settings_.chain)) {}

  Index channels() const override { return 1; }
  std::vector<Index> contexts() const override { return std::vector<Index>(settings_.tau.size(), 0); }
  std::vector<double> time_constants() const override { return settings_.tau; }
  std::vector<LongRun> long_run() const override { return {{0, settings_.chain.stationary()(0, 0) + settings_.chain.observation_noise}}; }
  std::unique_ptr<World> open(Index streams, Index length, std::uint64_t seed) const override {
    return std::make_unique<ChainStreams>(moves_, streams, length, seed);
  }
  std::unique_ptr<Observer> observer(Index streams, Index levels) const override {
    return std::make_unique<ChainObserver>(settings_.chain, streams, levels);
  }

 private:
  Settings settings_;
  std::shared_ptr<const Moves> moves_;
};

}  // namespace
}  // namespace linear_gaussian

WorldKind linear_gaussian_world() {
  return {
      "linear_gaussian",
      "a chain of values that persist, each slower than the one below and drawing it; the lowest is observed with noise (Kalman filter)",
      {{"world.", linear_gaussian::parameters()}},
      [](const Values& values, const std::vector<std::string>&) -> std::unique_ptr<Source> {
        return std::make_unique<linear_gaussian::ChainSource>(linear_gaussian::settings(values));
      }};
}

}  // namespace strata
