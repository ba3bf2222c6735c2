#pragma once
// Compares what a hierarchy's rules do with what its energy says they should do, by central differences.
//
// Weights   the rule's accumulated update of every block against -dF/dW: beliefs, memory, partners, masks and targets held, the emission
//           evaluated at f(mu_0) and the stream of the forecast (Level::held_share, Level::held_energy)
// Nodes     pi_n times the move of node n in a sweep of size 1 against -dF/dx_n, at the point where the node moves
// Method    five-point differences: error h^4 F^(5) / 30 + eps F / h, about 1e-12 at h = 1e-3 for F of some nats

#include <string>
#include <vector>

#include "tests/support/probe.hpp"

namespace strata::test {

struct BlockCheck {
  std::string block;
  double distance = 0;  ///< |a - b| / max(|a|, |b|, 1e-8) of rule and differences
  double size = 0;      ///< norm of the differences
};

/// After probe.begin() of a learning probe. Consumes the stash and leaves the gradients zero.
std::vector<BlockCheck> check_weights(Probe<double>& probe);
/// After probe.begin(), every level ticking at every token. Beliefs are put back.
std::vector<BlockCheck> check_nodes(Probe<double>& probe);
/// Recomputes, top down, everything that follows from the beliefs, every level ticking at every token; returns F_now per stream, nats.
std::vector<double> energies(Probe<double>& probe);

}  // namespace strata::test
