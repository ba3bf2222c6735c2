#include "experiments/worlds/linear_gaussian/observer.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "experiments/worlds/nested/memory.hpp"

namespace strata::linear_gaussian {

using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {
constexpr double at_rest = 1e-14;  // of the covariance in one step
}

Schedule::Schedule(const Chain& chain, Index known)
    : chain_(chain),
      width_(chain.levels() + 1),
      spread_(chain.spread()),
      persistences_(chain.persistences()),
      noises_(chain.noises()),
      recall_(MatrixXd::Identity(chain.levels(), chain.levels())),
      recalled_(MatrixXd::Zero(chain.levels(), chain.levels())),
      covariance_(chain.stationary()) {
  const Index n = chain.levels(), lost = n - known;
  if (lost <= 0) return;
  const MatrixXd s = covariance_;
  recall_.rightCols(lost).setZero();
  // A pseudo-inverse: a level without noise of its own may make the known ones' covariance singular.
  const MatrixXd b =
      known == 0
          ? MatrixXd::Zero(lost, 0)
          : MatrixXd(s.topLeftCorner(known, known).completeOrthogonalDecomposition().solve(s.topRightCorner(known, lost)).transpose());
  recall_.bottomLeftCorner(lost, known) = b;
  recalled_.bottomRightCorner(lost, lost) = s.bottomRightCorner(lost, lost) - b * s.topRightCorner(known, lost);
}

void Schedule::step() {
  const MatrixXd m = persistences_ * covariance_ * persistences_ + noises_;
  MatrixXd predicted = spread_ * m * spread_.transpose();
  predicted = (.5 * (predicted + predicted.transpose())).eval();
  const double r = chain_.observation_noise, variance = predicted(0, 0) + r;
  const VectorXd gain = predicted.col(0) / variance;
  MatrixXd left = MatrixXd::Identity(m.rows(), m.rows());  // Joseph's form
  left.col(0) -= gain;
  MatrixXd after = left * predicted * left.transpose() + r * gain * gain.transpose();
  after = (recall_ * after * recall_.transpose() + recalled_).eval();
  after = (.5 * (after + after.transpose())).eval();
  rest_ = (after - covariance_).norm() <= at_rest * after.norm();
  covariance_ = after;
  values_.insert(values_.end(), gain.data(), gain.data() + gain.size());
  values_.push_back(variance);
}

void Schedule::reach(Index count) {
  while (!rest_ && entries() <= count) step();
}

const double* Schedule::entry(Index count) const { return values_.data() + std::min(count, entries() - 1) * width_; }

ChainObserver::ChainObserver(const Chain& chain, Index streams, Index known)
    : levels_(chain.levels()),
      streams_(streams),
      schedule_(chain, known < 0 ? chain.levels() : std::min<Index>(known, chain.levels())),
      transition_(chain.transition()),
      forgets_(known >= 0 && known < chain.levels()) {
  const double bytes = static_cast<double>(streams) * static_cast<double>(2 * levels_ + 4) * sizeof(double);
  require_memory("world.streams", std::to_string(streams), "the exact observer of the linear-Gaussian world", bytes);
  const auto n = static_cast<std::size_t>(streams), all = n * static_cast<std::size_t>(levels_);
  count_.resize(n);
  surprise_.resize(n);
  next_.resize(2 * n);
  mean_.resize(all);
  predicted_.resize(all);
  reset();
}

void ChainObserver::reset() {
  for (auto* x : {&mean_, &predicted_, &surprise_, &next_}) std::fill(x->begin(), x->end(), 0.);
  std::fill(count_.begin(), count_.end(), Index{0});
  schedule_.reach(0);
  for (std::size_t j = 0; j < count_.size(); ++j) next_[2 * j + 1] = schedule_.entry(0)[levels_];
}

void ChainObserver::observe(const Observation& o) {
  if (static_cast<Index>(o.active.size()) != streams_ || static_cast<Index>(o.value.size()) != streams_)
    throw ShapeError("exact observer of the linear-Gaussian world", std::to_string(streams_) + " streams of one number each",
                     std::to_string(o.active.size()) + " streams, " + std::to_string(o.value.size()) + " numbers");
  for (Index j = 0; j < streams_; ++j) {
    const auto at = static_cast<std::size_t>(j);
    surprise_[at] = 0;
    if (o.active[at] == 0) continue;
    if (!std::isfinite(o.value[at]))
      throw DataError("world", 0, "shows " + std::to_string(o.value[at]) + " in stream " + std::to_string(j));
    read(j, o.value[at]);
  }
}

void ChainObserver::read(Index stream, double y) {
  const auto at = static_cast<std::size_t>(stream);
  Eigen::Map<VectorXd> mean(mean_.data() + stream * levels_, levels_), predicted(predicted_.data() + stream * levels_, levels_);
  const double* entry = schedule_.entry(count_[at]);
  const double off = y - predicted(0), variance = entry[levels_];
  surprise_[at] = .5 * (off * off / variance + std::log(2 * std::numbers::pi * variance));
  mean = predicted + Eigen::Map<const VectorXd>(entry, levels_) * off;
  if (forgets_) mean = (schedule_.recall() * mean).eval();
  predicted.noalias() = transition_ * mean;
  schedule_.reach(++count_[at]);
  next_[2 * at] = predicted(0);
  next_[2 * at + 1] = schedule_.entry(count_[at])[levels_];
}

}  // namespace strata::linear_gaussian
