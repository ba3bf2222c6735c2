#include "levels/activation.hpp"

#include <algorithm>
#include <cmath>

#include "levels/running_rate.hpp"

namespace strata {

namespace {
constexpr double usual_rate = .01;  // of u, per tick; it starts as the plain mean
constexpr Index block_width = 4;    // columns multiplied together where sparse
}  // namespace

TickThreshold::TickThreshold(double threshold, Index tick, Index streams)
    : threshold_(threshold),
      tick_(static_cast<double>(tick)),
      usual_(static_cast<std::size_t>(streams)),
      ticks_(static_cast<std::size_t>(streams)) {}

bool TickThreshold::passes(std::size_t stream, double size, std::int64_t tokens) {
  double& usual = usual_[stream];
  const bool known = ticks_[stream] > 0;
  const bool passed = size >= threshold_ * usual * std::sqrt(tick_);
  const double rate = running_rate(static_cast<double>(ticks_[stream]++), usual_rate);
  usual += rate * (size / std::sqrt(static_cast<double>(tokens)) - usual);
  return passed || !known;
}

void TickThreshold::archive_state(Archive& archive) {
  if (!on()) return;
  archive.value("usual", usual_);
  archive.value("ticks", ticks_);
}

void TickThreshold::reset() {
  std::fill(usual_.begin(), usual_.end(), 0.0);
  std::fill(ticks_.begin(), ticks_.end(), 0);
}

template <class T>
ActiveProducts<T>::ActiveProducts(Device<T>& device, bool sparse, Index rows) : device_(device), sparse_(sparse) {
  if (!sparse) return;
  for (auto* x : {&in_, &out_}) *x = {device, rows, block_width};
}

template <class T>
void ActiveProducts<T>::multiply(bool transpose, ConstView<T> w, ConstView<T> x, T beta, View<T> y, std::span<const std::uint8_t> active) {
  columns_.clear();
  for (std::size_t j = 0; j < active.size(); ++j)
    if (active[j] != 0) columns_.push_back(static_cast<std::int32_t>(j));
  if (beta == T(0) && (sparse_ || columns_.empty())) device_.fill(y, T(0));
  if (columns_.empty()) return;
  if (!sparse_) {
    device_.gemm(transpose, false, T(1), w, x, beta, y);
    return count(w, x.cols);
  }
  const std::size_t taken = columns_.size();
  while (static_cast<Index>(columns_.size()) % block_width != 0) columns_.push_back(columns_.front());  // a block that is not full
  View<T> in = in_.rows_at(0, x.rows), out = out_.rows_at(0, y.rows);
  for (std::size_t first = 0; first < taken; first += block_width) {
    device_.gather_columns(x, std::span(columns_).subspan(first, block_width), in);
    device_.gemm(transpose, false, T(1), w, in, T(0), out);
    for (std::size_t i = first; i < std::min(taken, first + block_width); ++i)
      device_.axpby(T(1), out.cols_at(static_cast<Index>(i - first), 1), T(1), y.cols_at(columns_[i], 1));
  }
  count(w, static_cast<Index>(columns_.size()));
}

template <class T>
void ActiveProducts<T>::affine(ConstView<T> w, ConstView<T> x, ConstView<T> b, View<T> y, std::span<const std::uint8_t> active) {
  if (sparse_) {
    multiply(false, w, x, T(0), y, active);
    device_.add_to_rows(T(1), b, y);
    return;
  }
  device_.affine(w, x, b, T(0), y);
  count(w, x.cols);
}

template <class T>
void ActiveProducts<T>::outer(T scale, ConstView<T> error, ConstView<T> activity, View<T> gradient) {
  device_.outer_product(scale, error, activity, gradient);
  count(gradient, error.cols);
}

template class ActiveProducts<float>;
template class ActiveProducts<double>;

}  // namespace strata
