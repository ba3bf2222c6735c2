#pragma once
// Blocks of device memory and views of them. THE layout: units x batch (batch = parallel streams), column-major,
// leading dimension padded to whole 64-byte lines, never to whole pages (leading()); a vector over streams is B x 1, a vector over units n x 1.

#include <cassert>
#include <utility>

#include "core/observation.hpp"

namespace strata {

template <class T>
class Device;

/// A rectangle inside a tensor. `data` is a device address: only a Device dereferences it.
template <class T>
struct View {
  T* data = nullptr;
  Index rows = 0, cols = 0, ld = 0;

  View rows_at(Index first, Index count) const {
    assert(first >= 0 && first + count <= rows);
    return {data + first, count, cols, ld};
  }
  View cols_at(Index first, Index count) const {
    assert(first >= 0 && first + count <= cols);
    return {data + first * ld, rows, count, ld};
  }
  /// A vector over streams, B x 1, seen as one row, 1 x B: its entries are columns.
  View as_row() const {
    assert(cols == 1);
    return {data, 1, rows, 1};
  }
  operator View<const T>() const { return {data, rows, cols, ld}; }  // NOLINT: implicit by intent, like T* to const T*
};

template <class T>
using ConstView = View<const T>;

/// Owns rows x cols elements on a device, zero at birth. Movable, not copyable. The device must outlive it.
template <class T>
class Tensor {
 public:
  Tensor() = default;
  Tensor(Device<T>& device, Index rows, Index cols = 1);
  ~Tensor();
  Tensor(Tensor&& other) noexcept { *this = std::move(other); }
  Tensor& operator=(Tensor&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(view_, other.view_);
    return *this;
  }

  Index rows() const { return view_.rows; }
  Index cols() const { return view_.cols; }
  bool empty() const { return view_.data == nullptr; }
  Device<T>& device() const { return *device_; }

  View<T> view() { return view_; }
  ConstView<T> view() const { return view_; }
  operator View<T>() { return view_; }             // NOLINT
  operator ConstView<T>() const { return view_; }  // NOLINT
  View<T> rows_at(Index first, Index count) { return view_.rows_at(first, count); }
  View<T> cols_at(Index first, Index count) { return view_.cols_at(first, count); }
  ConstView<T> cols_at(Index first, Index count) const { return ConstView<T>(view_).cols_at(first, count); }
  ConstView<T> rows_at(Index first, Index count) const { return ConstView<T>(view_).rows_at(first, count); }

 private:
  Device<T>* device_ = nullptr;
  View<T> view_;
};

}  // namespace strata
