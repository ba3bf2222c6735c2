#pragma once
// Block bootstrap of a long recording: sums per block of time, resampled as wholes because neighbouring tokens are not independent.
//
// Equation   a recording of T samples and B streams is cut into blocks of `length` samples of one stream; every block keeps a row of
//            sums; a statistic is a function of the total row; draws take blocks with replacement (bootstrap.hpp)
// Length     long against the slowest time constant, yet at least 20 blocks where the recording allows it: block_length()
// Limit      length 1: the ordinary bootstrap of samples. AR(1) with time constant tau: the standard error of the mean is right for
//            length >> tau (an underestimate by about tau / length otherwise).
// Source     Kuensch (1989), Annals of Statistics 17, 1217; Lahiri, Resampling Methods for Dependent Data (2003), chapter 2.

#include <functional>
#include <span>
#include <vector>

#include "analysis/bootstrap.hpp"
#include "core/parameter.hpp"

namespace strata {

class BlockSums {
 public:
  /// `width` sums per block. Throws ShapeError when anything is 0.
  BlockSums(std::size_t samples, Index streams, std::size_t length, std::size_t width);

  /// The row of sums of the block in which a sample lies.
  std::span<double> at(std::size_t sample, Index stream);
  std::span<const double> block(std::size_t number) const { return {sums_.data() + number * width_, width_}; }
  Index blocks() const { return static_cast<Index>(per_stream_) * streams_; }
  std::size_t width() const { return width_; }
  /// Rows added up with weights per block.
  std::vector<double> total(std::span<const double> weight) const;
  std::vector<double> total() const;

 private:
  std::size_t length_, width_, per_stream_;
  Index streams_;
  std::vector<double> sums_;
};

/// Statistics of the total row, with percentile intervals over blocks.
std::vector<Estimate> block_bootstrap(const BlockSums& sums, const std::function<std::vector<Bounded>(std::span<const double>)>& statistic,
                                      const BootstrapOptions& options = {});

/// `wanted` samples, or for 0: max(samples streams / 200, 2 `slowest`), but no more than leaves 20 blocks. `slowest`: longest time
/// constant in samples, NaN when unknown.
std::size_t block_length(std::size_t samples, Index streams, double slowest, std::int64_t wanted = 0);

/// bootstrap_parameters() and `block`.
ParameterTable block_parameters();

}  // namespace strata
