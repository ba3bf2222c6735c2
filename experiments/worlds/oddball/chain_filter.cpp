#include <cmath>
#include <limits>
#include <map>

#include "core/error.hpp"
#include "experiments/worlds/nested/memory.hpp"
#include "experiments/worlds/oddball/chain.hpp"

namespace strata::oddball {

void check_streams(const std::string& world, const Observation& observation, std::size_t streams) {
  if (observation.id.size() != streams || observation.active.size() != streams)
    throw ShapeError("exact observer of " + world, std::to_string(streams) + " streams", std::to_string(observation.id.size()));
}

void check_token(const std::string& world, Index token, Index vocabulary) {
  if (token < 0 || token >= vocabulary)
    throw ShapeError("exact observer of " + world, "tokens 0 to " + std::to_string(vocabulary - 1), std::to_string(token));
}

ChainFilter::ChainFilter(std::shared_ptr<const Chain> chain, Index streams, Index known) : chain_(std::move(chain)) {
  const Index n = chain_->states();
  const double numbers = static_cast<double>(2 * n + chain_->vocabulary()) * static_cast<double>(streams);
  require_memory("world.streams", std::to_string(streams), "the exact observer of " + chain_->name, numbers * sizeof(double));
  const Index remembered = known < 0 || known > levels() ? levels() : known;
  forgets_ = remembered < levels();
  std::map<std::vector<std::int32_t>, Index> numbering;
  for (std::size_t s = 0; s < static_cast<std::size_t>(n); ++s) {
    std::vector<std::int32_t> what;
    if (remembered > 0) what.push_back(chain_->place[s]);
    for (std::size_t l = 0; l < static_cast<std::size_t>(remembered); ++l) what.push_back(chain_->label[l][s]);
    group_.push_back(numbering.emplace(std::move(what), static_cast<Index>(numbering.size())).first->second);
  }
  remembered_.setZero(static_cast<Index>(numbering.size()));
  recalled_.resize(n);
  for (Index s = 0; s < n; ++s) remembered_(group_[static_cast<std::size_t>(s)]) += chain_->long_run(s);
  for (Index s = 0; s < n; ++s)
    recalled_(s) = chain_->long_run(s) / std::max(remembered_(group_[static_cast<std::size_t>(s)]), std::numeric_limits<double>::min());
  streams_.resize(static_cast<std::size_t>(streams));
  for (Stream& s : streams_) {
    for (const Index states : chain_->contexts) s.belief.emplace_back(static_cast<std::size_t>(states));
    s.prediction = s.belief;
  }
  reset();
}

void ChainFilter::reset() {
  for (Stream& s : streams_) {
    s.posterior = s.predicted = chain_->start;
    if (forgets_) forget(s.predicted);
    s.posterior = s.predicted;
    s.surprise = 0;
    summarise(s);
  }
}

void ChainFilter::forget(Eigen::VectorXd& q) {
  remembered_.setZero();
  for (Index s = 0; s < q.size(); ++s) remembered_(group_[static_cast<std::size_t>(s)]) += q(s);
  for (Index s = 0; s < q.size(); ++s) q(s) = recalled_(s) * remembered_(group_[static_cast<std::size_t>(s)]);
}

void ChainFilter::read(Stream& s, Index token) {
  s.posterior = s.predicted.array() * chain_->emission.col(token);
  double evidence = s.posterior.sum();
  if (!(evidence > 0)) {  // impossible here: the place is lost
    s.posterior = chain_->long_run.array() * chain_->emission.col(token);
    evidence = s.posterior.sum();
  }
  s.surprise = -std::log(std::max(evidence, std::numeric_limits<double>::min()));
  if (evidence > 0) {
    s.posterior /= evidence;
  } else {  // impossible anywhere
    s.posterior = chain_->long_run;
  }
  if (forgets_) forget(s.posterior);
  s.predicted.noalias() = chain_->transition * s.posterior;
}

void ChainFilter::summarise(Stream& s) const {
  for (std::size_t l = 0; l < chain_->label.size(); ++l) {
    s.belief[l].assign(s.belief[l].size(), 0);
    s.prediction[l].assign(s.prediction[l].size(), 0);
    for (Index h = 0; h < chain_->states(); ++h) {
      const auto c = static_cast<std::size_t>(chain_->label[l][static_cast<std::size_t>(h)]);
      s.belief[l][c] += s.posterior(h);
      s.prediction[l][c] += s.predicted(h);
    }
  }
  s.predictive.noalias() = chain_->emission.matrix().transpose() * s.predicted;
}

void ChainFilter::observe(const Observation& observation) {
  check_streams(chain_->name, observation, streams_.size());
  for (std::size_t b = 0; b < streams_.size(); ++b) {
    streams_[b].surprise = 0;
    if (observation.active[b] == 0) continue;
    check_token(chain_->name, observation.id[b], chain_->vocabulary());
    read(streams_[b], observation.id[b]);
    summarise(streams_[b]);
  }
}

std::span<const double> ChainFilter::belief(Index level, Index stream) const {
  return streams_[static_cast<std::size_t>(stream)].belief[static_cast<std::size_t>(level)];
}

std::span<const double> ChainFilter::prediction(Index level, Index stream) const {
  return streams_[static_cast<std::size_t>(stream)].prediction[static_cast<std::size_t>(level)];
}

std::span<const double> ChainFilter::predictive(Index stream) const {
  const auto& p = streams_[static_cast<std::size_t>(stream)].predictive;
  return {p.data(), static_cast<std::size_t>(p.size())};
}

}  // namespace strata::oddball
