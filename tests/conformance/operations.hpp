#pragma once
// The table of device operations that the conformance tests run over. A new operation is one line in operations.cpp.

#include <cstring>
#include <deque>
#include <limits>
#include <vector>

#include "core/device/device.hpp"
#include "core/random.hpp"

namespace strata::test {

/// Makes operands: rectangles inside larger tensors, so that leading dimensions are not trivial and a stray write is seen.
template <class T>
class Operands {
 public:
  explicit Operands(Device<T>& device) : device_(device) {}

  /// rows x cols of uniform numbers in [low, high).
  View<T> random(Index rows, Index cols, double low = -2, double high = 2) {
    return make(rows, cols, [=](double u) { return low + (high - low) * u; });
  }
  View<T> mask(Index rows) {
    return make(rows, 1, [](double u) { return u < .7 ? 1. : 0.; });
  }
  /// An output that must not be read.
  View<T> garbage(Index rows, Index cols) {
    return make(rows, cols, [](double) { return std::numeric_limits<double>::quiet_NaN(); });
  }
  Index index(Index below) { return static_cast<Index>(static_cast<double>(uniform()) * static_cast<double>(below)); }

  std::vector<std::int32_t> ids(Index count, Index below);
  /// Sorted by column, each (row, column) once, each column of mass 1 but some empty.
  std::vector<Entry<T>> targets(Index rows, Index cols);
  /// In no order, repeats allowed, the last element among them.
  std::vector<Entry<T>> entries(Index count, Index rows, Index cols);
  std::vector<Scatter<T>> scatters(Index count, Index targets, Index sources);
  std::vector<T>& host(Index elements) { return hosts_.emplace_back(static_cast<std::size_t>(elements)); }

  /// What the operands hold now, one after the other.
  std::vector<T> contents() const;
  /// Whether everything around the operands is as it was.
  bool surroundings_kept() const;

 private:
  struct Operand {
    Tensor<T> parent;
    View<T> view;
    std::vector<T> at_birth;
  };

  float uniform() { return random_uniform(7, 0, counter_++); }

  template <class F>
  View<T> make(Index rows, Index cols, F value) {
    constexpr Index above = 3, below = 2, left = 1, right = 1;
    Operand& operand = operands_.emplace_back();
    operand.parent = Tensor<T>(device_, rows + above + below, cols + left + right);
    operand.at_birth.resize(static_cast<std::size_t>(operand.parent.rows() * operand.parent.cols()));
    for (T& x : operand.at_birth) x = static_cast<T>(value(static_cast<double>(uniform())));
    device_.upload(operand.at_birth, operand.parent);
    operand.view = operand.parent.rows_at(above, rows).cols_at(left, cols);
    return operand.view;
  }

  Device<T>& device_;
  std::deque<Operand> operands_;
  std::deque<std::vector<T>> hosts_;
  std::uint32_t counter_ = 0;
};

template <class T>
struct Operation {
  const char* call;  ///< the member of Device that it is about, as errors name it
  const char* detail;
  void (*run)(Device<T>& device, Operands<T>& operands, Index m, Index n, Index k);
};

template <class T>
const std::vector<Operation<T>>& operations();

/// Shapes m x n with a third size k: odd ones, and some large enough for blocks, threads and cut sums.
struct Shape {
  Index m, n, k;
};
const std::vector<Shape>& shapes();

}  // namespace strata::test
