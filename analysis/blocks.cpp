#include "analysis/blocks.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/measure.hpp"
#include "core/error.hpp"

namespace strata {

BlockSums::BlockSums(std::size_t samples, Index streams, std::size_t length, std::size_t width)
    : length_(length), width_(width), per_stream_(length > 0 ? (samples + length - 1) / length : 0), streams_(streams) {
  if (per_stream_ == 0 || streams <= 0 || width == 0)
    throw ShapeError("block bootstrap", "samples, streams, block length and sums above 0",
                     std::to_string(samples) + " samples, " + std::to_string(streams) + " streams, blocks of " + std::to_string(length));
  sums_.assign(per_stream_ * static_cast<std::size_t>(streams) * width, 0.0);
}

std::span<double> BlockSums::at(std::size_t sample, Index stream) {
  return {sums_.data() + (static_cast<std::size_t>(stream) * per_stream_ + sample / length_) * width_, width_};
}

std::vector<double> BlockSums::total(std::span<const double> weight) const {
  std::vector<double> out(width_, 0.0);
  for (std::size_t b = 0; b < weight.size(); ++b) {
    if (weight[b] == 0.0) continue;
    const double* row = sums_.data() + b * width_;
    for (std::size_t k = 0; k < width_; ++k) out[k] += weight[b] * row[k];
  }
  return out;
}

std::vector<double> BlockSums::total() const { return total(std::vector<double>(static_cast<std::size_t>(blocks()), 1.0)); }

std::vector<Estimate> block_bootstrap(const BlockSums& sums, const std::function<std::vector<Bounded>(std::span<const double>)>& statistic,
                                      const BootstrapOptions& options) {
  const Index sizes[] = {sums.blocks()};
  const Statistics over_blocks = [&](std::span<const BootstrapDraw> draws) { return statistic(sums.total(draws[0].weight)); };
  return bootstrap(sizes, over_blocks, options);
}

std::size_t block_length(std::size_t samples, Index streams, double slowest, std::int64_t wanted) {
  if (wanted > 0) return static_cast<std::size_t>(wanted);
  const double all = static_cast<double>(samples) * static_cast<double>(streams);
  double length = all / 200.0;
  if (std::isfinite(slowest)) length = std::max(length, 2.0 * slowest);
  return static_cast<std::size_t>(std::max(1.0, std::min({length, all / 20.0, static_cast<double>(samples)})));
}

ParameterTable block_parameters() {
  ParameterTable table = bootstrap_parameters();
  table.push_back({"block",
                   std::int64_t{0},
                   0,
                   1e9,
                   {},
                   "samples",
                   "length of the blocks that are resampled; 0: twice the slowest time constant, at least 20 blocks",
                   "Kuensch 1989"});
  return table;
}

}  // namespace strata
