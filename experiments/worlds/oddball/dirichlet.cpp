#include "experiments/worlds/oddball/dirichlet.hpp"

#include <cmath>

#include "experiments/worlds/nested/memory.hpp"
#include "experiments/worlds/oddball/chain.hpp"

namespace strata::oddball {

DirichletFilter::DirichletFilter(Index vocabulary, Index streams, double prior, double memory)
    : prior_(prior), keep_(memory > 0 ? std::exp(-1 / memory) : 1) {
  require_memory("world.streams", std::to_string(streams), "the Dirichlet filter",
                 3. * sizeof(double) * static_cast<double>(vocabulary) * static_cast<double>(streams));
  counts_.resize(vocabulary, streams);
  reset();
}

void DirichletFilter::reset() {
  const double flat = 1 / static_cast<double>(counts_.rows());
  counts_.setZero();
  belief_.setConstant(counts_.rows(), counts_.cols(), flat);
  predictive_ = belief_;
  surprise_.setZero(counts_.cols());
}

void DirichletFilter::observe(const Observation& observation) {
  check_streams("the roving oddball", observation, static_cast<std::size_t>(counts_.cols()));
  for (Index b = 0; b < counts_.cols(); ++b) {
    surprise_(b) = 0;
    if (observation.active[static_cast<std::size_t>(b)] == 0) continue;
    const Index token = observation.id[static_cast<std::size_t>(b)];
    check_token("the roving oddball", token, counts_.rows());
    surprise_(b) = -std::log(predictive_(token, b));
    counts_.col(b) *= keep_;
    counts_(token, b) += 1;
    belief_.col(b).setZero();
    belief_(token, b) = 1;
    predictive_.col(b) = (counts_.col(b) + prior_) / (counts_.col(b).sum() + prior_ * static_cast<double>(counts_.rows()));
  }
}

}  // namespace strata::oddball
