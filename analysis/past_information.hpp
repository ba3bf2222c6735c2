#pragma once
// Past information: nats about the tokens already read that a level still holds.
//
// Equation   I(k) >= H(w) - CE(w(t-k) | x_l(t)),   past = sum_(k = 1..K) I(k)
// Symbols    x_l(t) belief after token t; w(t-k) the token k steps back, the most frequent kept apart and the rest pooled as one class;
//            CE: cross entropy of a multinomial logistic decoder (decoder.hpp), H: of the token frequencies; both fitted on the first half
//            of the recording and scored on the second, so that I(k) is a lower bound and noise lowers it (it may fall below 0).
//            Of the first half the last quarter says how far the decoder is believed: p ~ p_freq^(1-s) p_dec^s, s in [0, 1] by likelihood.
// Sum        I at k = 1, 2, 4, .., K, linear in between. A sum over lags counts what two tokens both tell twice: it measures how much and
//            how far back, and is not the joint information of belief and past. I(0), the token just read, is reported apart.
// Control    the same with the tokens of each half shuffled, times K: what decoder and data make of nothing, about 0
// Intervals  block bootstrap over scored tokens
// Limit      x(t) = one-hot of w(t-j): I(j) = H(w), I(k) = 0 elsewhere (independent tokens); a belief that ignores the text: at most 0
// Source     Barber & Agakov (2003), the bound.

#include <vector>

#include "analysis/blocks.hpp"
#include "analysis/measure.hpp"
#include "analysis/trace_reader.hpp"

namespace strata {

struct PastOptions {
  Index classes = 32;       ///< most frequent tokens kept apart; the rest is one class more
  Index samples = 6000;     ///< of each half
  std::int64_t lags = 256;  ///< K, tokens
  double penalty = 1e-3;    ///< of the decoder
  std::int64_t block = 0;   ///< samples that are scored; 0: from `slowest`
  double slowest = 0.0;     ///< tokens
};

struct PastInformation {
  std::vector<double> lag, nats;  ///< 0, 1, 2, 4, .., K
  Estimate past, present;         ///< sum over k >= 1; k = 0
  double control;                 ///< the sum with shuffled tokens
};

/// Throws DataError when belief and tokens share fewer than 4 K + 40 times.
PastInformation past_information(const Series& belief, const IntegerSeries& tokens, const PastOptions& how,
                                 const BootstrapOptions& options = {});

/// Per level: past_nats, past_control_nats, present_nats, past_lags, past_profile_nats.
Measure past_information_measure();

}  // namespace strata
