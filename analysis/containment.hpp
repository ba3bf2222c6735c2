#pragma once
// Containment: what a level knows of the level below over its own span.
//
// Equation   I( x_l(t) ; y(t) ),  y(t) = what x_(l-1) was over the span (t - w, t]
// Symbols    w: time constant of level l in tokens (parameter `span` overrides)
//            both categorical: x = most probable state, y = state that was most probable longest in the span; plug-in with Miller-Madow
//            otherwise: y = mean of the vectors over the span; Gaussian, canonical directions from the first half of the recording,
//            correlated on the second (information.hpp)
// Samples    one per span, so that they hardly overlap
// Intervals  block bootstrap over samples (of the second half in the Gaussian case)
// Limit      scalar AR(1) level below averaged exactly: unbounded; independent levels: 0; pairs of correlation r: -ln(1 - r^2) / 2

#include "analysis/blocks.hpp"
#include "analysis/curves.hpp"
#include "analysis/measure.hpp"

namespace strata {

struct Containment {
  Estimate nats;
  Estimate fraction;  ///< of the entropy of x; categorical only
  std::size_t samples;
};

/// `span` tokens. Throws DataError with fewer than 20 spans (40 for vectors, which are split), ShapeError when streams differ.
Containment containment_of_states(const Series& above, const Series& below, double span, const BootstrapOptions& options = {});
Containment containment_of_vectors(const Series& above, const Series& below, double span, const BootstrapOptions& options = {});

/// Per level but the lowest: containment_nats, containment_fraction, containment_span, containment_samples, containment_method.
Measure containment_measure();

}  // namespace strata
