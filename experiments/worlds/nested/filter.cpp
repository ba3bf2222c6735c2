#include "experiments/worlds/nested/filter.hpp"

#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "experiments/worlds/nested/memory.hpp"

namespace strata::nested {
namespace {

void check_fits(const Laws& laws, Index streams) {
  const auto joint = static_cast<double>(laws.settings().joint_states());
  const double arrays = static_cast<double>(laws.vocabulary()) + 2 * static_cast<double>(streams) + 4;
  std::string states;
  for (const Index n : laws.settings().states) states += (states.empty() ? "" : ", ") + std::to_string(n);
  require_memory("world.states", states,
                 "the exact filter over " + std::to_string(laws.settings().joint_states()) + " joint states, " +
                     std::to_string(laws.vocabulary()) + " tokens and " + std::to_string(streams) + " streams",
                 joint * arrays * sizeof(double));
}

}  // namespace

Filter::Filter(std::shared_ptr<const Laws> laws, Index streams, Index known)
    : laws_(std::move(laws)), known_(known < 0 || known > laws_->levels() ? laws_->levels() : known) {
  check_fits(*laws_, streams);
  emission_ = laws_->emissions();
  long_run_ = laws_->stationary(0);
  if (known_ < laws_->levels()) {
    const Index n = long_run_.size() / laws_->stationary(known_).size();
    low_.setZero(n);
    for (Index at = 0; at < long_run_.size(); at += n) low_ += long_run_.segment(at, n);
    recalled_ = long_run_ / low_.replicate(long_run_.size() / n, 1).max(std::numeric_limits<double>::min());
  }
  const auto levels = static_cast<std::size_t>(laws_->levels());
  first_.resize(levels);
  inverse_.resize(levels);
  sum_.resize(levels);
  drawn_.resize(levels + 1);
  Index size = 1;
  drawn_[levels].setZero(1);
  for (std::size_t l = levels; l-- > 0;) {
    const LevelLaw& law = laws_->level(static_cast<Index>(l));
    first_[l] = law.hazard * stay_;
    stay_ *= 1 - law.hazard;
    inverse_[l] = (1 - law.transition.array()).inverse();
    size *= law.transition.rows();
    sum_[l].resize(l > 0 ? size : 0);
    drawn_[l].resize(l > 0 ? size : 0);
  }
  streams_.resize(static_cast<std::size_t>(streams));
  surprise_.resize(streams_.size());
  for (Stream& s : streams_) {
    s.posterior.resize(long_run_.size());
    s.predicted.resize(long_run_.size());
    s.predictive.resize(laws_->vocabulary());
    for (Marginals* m : {&s.after, &s.before}) {
      for (Index l = 0; l < laws_->levels(); ++l) m->level.emplace_back(static_cast<std::size_t>(units(l)));
    }
  }
  reset();
}

void Filter::reset() {
  for (Stream& s : streams_) {
    s.posterior = s.predicted = long_run_;
    s.after.fresh = s.before.fresh = s.predictive_fresh = false;
  }
  surprise_.assign(surprise_.size(), 0);
}

void Filter::observe(const Observation& observation) {
  if (observation.id.size() != streams_.size() || observation.active.size() != streams_.size())
    throw ShapeError("exact filter of the nested world", std::to_string(streams_.size()) + " streams",
                     std::to_string(observation.id.size()));
  for (std::size_t b = 0; b < streams_.size(); ++b) {
    surprise_[b] = 0;
    if (observation.active[b] == 0) continue;
    const Index token = observation.id[b];
    if (token < 0 || token >= laws_->vocabulary())
      throw ShapeError("exact filter of the nested world", "tokens 0 to " + std::to_string(laws_->vocabulary() - 1), std::to_string(token));
    Stream& s = streams_[b];
    s.posterior = s.predicted * emission_.col(token);
    const double evidence = s.posterior.sum();
    surprise_[b] = -std::log(evidence);
    s.posterior /= evidence;
    if (known_ < levels()) forget(s.posterior);
    predict(s.posterior, s.predicted);
    s.after.fresh = s.before.fresh = s.predictive_fresh = false;
  }
}

void Filter::forget(Eigen::ArrayXd& q) {
  const Index n = low_.size();
  low_.setZero();
  for (Index at = 0; at < q.size(); at += n) low_ += q.segment(at, n);
  for (Index at = 0; at < q.size(); at += n) q.segment(at, n) = recalled_.segment(at, n) * low_;
}

/// Q_m for m >= 1 into sum_.
void Filter::coarsen(const Eigen::ArrayXd& q) const {
  const double* fine = q.data();
  for (std::size_t l = 1; l < sum_.size(); ++l) {
    const Index n = units(static_cast<Index>(l) - 1);
    for (Index p = 0; p < sum_[l].size(); ++p) {
      double total = 0;
      for (Index a = 0; a < n; ++a) total += fine[p * n + a];
      sum_[l](p) = total;
    }
    fine = sum_[l].data();
  }
}

void Filter::predict(const Eigen::ArrayXd& q, Eigen::ArrayXd& out) {
  coarsen(q);
  for (std::size_t l = sum_.size(); l-- > 0;) {
    const Eigen::MatrixXd& pi = laws_->level(static_cast<Index>(l)).transition;
    const Index n = pi.rows();
    const double* from = l == 0 ? q.data() : sum_[l].data();
    double* to = l == 0 ? out.data() : drawn_[l].data();
    const Eigen::ArrayXd& above = drawn_[l + 1];
    for (Index p = 0; p < above.size(); ++p, from += n, to += n) {
      const double* allowed = pi.data() + (p % pi.cols()) * n;
      const double* inverse = inverse_[l].data() + (p % pi.cols()) * n;
      double total = 0;
      for (Index a = 0; a < n; ++a) total += from[a] * inverse[a];
      const double base = above(p) + first_[l] * total;
      for (Index a = 0; a < n; ++a) to[a] = allowed[a] * (base - first_[l] * (from[a] * inverse[a]));
    }
  }
  out += stay_ * q;
}

std::span<const double> Filter::marginal(Marginals& marginals, const Eigen::ArrayXd& q, Index level) const {
  if (!marginals.fresh) {
    coarsen(q);
    for (std::size_t l = 0; l < sum_.size(); ++l) {
      std::vector<double>& m = marginals.level[l];
      m.assign(m.size(), 0);
      const Eigen::ArrayXd& joint = l == 0 ? q : sum_[l];
      const auto n = static_cast<Index>(m.size());
      for (Index i = 0; i < joint.size(); i += n) {
        for (Index a = 0; a < n; ++a) m[static_cast<std::size_t>(a)] += joint(i + a);
      }
    }
    marginals.fresh = true;
  }
  return marginals.level[static_cast<std::size_t>(level)];
}

std::span<const double> Filter::belief(Index level, Index stream) const {
  const Stream& s = streams_[static_cast<std::size_t>(stream)];
  return marginal(s.after, s.posterior, level);
}

std::span<const double> Filter::prediction(Index level, Index stream) const {
  const Stream& s = streams_[static_cast<std::size_t>(stream)];
  return marginal(s.before, s.predicted, level);
}

std::span<const double> Filter::predictive(Index stream) const {
  const Stream& s = streams_[static_cast<std::size_t>(stream)];
  if (!s.predictive_fresh) s.predictive.matrix().noalias() = emission_.matrix().transpose() * s.predicted.matrix();
  s.predictive_fresh = true;
  return {s.predictive.data(), static_cast<std::size_t>(s.predictive.size())};
}

std::span<const double> Filter::joint_belief(Index stream) const {
  const auto& q = streams_[static_cast<std::size_t>(stream)].posterior;
  return {q.data(), static_cast<std::size_t>(q.size())};
}

std::span<const double> Filter::joint_prediction(Index stream) const {
  const auto& q = streams_[static_cast<std::size_t>(stream)].predicted;
  return {q.data(), static_cast<std::size_t>(q.size())};
}

}  // namespace strata::nested
