#pragma once
// Products of the cpu device whose weights stay for a while: oneDNN matmul on weights in its own layout, one thread each.
//
// y (B x outer) = x (B x inner) A, or y += x A: what is units x streams for us is streams x units, row-major, for oneDNN.
// With `brief` products x and A are bfloat16 and sums float.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <dnnl.hpp>
#include <iterator>
#include <map>
#include <tuple>

#include "core/tensor.hpp"

namespace strata {

/// A matrix in memory as oneDNN reads it: rows x cols with any strides.
dnnl::memory::desc plain_matrix(Index rows, Index cols, Index row_stride, Index col_stride,
                                dnnl::memory::data_type type = dnnl::memory::data_type::f32);

/// A weight as a product wants it, made anew from its plain form by fill().
class PackedWeight {
 public:
  /// `scale` times what lies at the address that fill() is given, laid out as `plain` says.
  PackedWeight(const dnnl::engine& engine, const dnnl::memory::desc& plain, const dnnl::memory::desc& wanted, float scale);
  void fill(dnnl::stream& stream, const float* plain);
  const dnnl::memory& memory() const { return memory_; }
  const dnnl::memory::desc& desc() const { return desc_; }

 private:
  dnnl::memory::desc desc_;
  dnnl::memory source_, memory_, scratch_;
  dnnl::reorder reorder_;
};

/// A weight in every layout that some product wants, each packed once per version (never 0). One thread at a time.
class PackedForms {
 public:
  /// `plain()` describes what lies at `data`, of which `scale` times is packed.
  template <class Plain>
  const dnnl::memory& of(const dnnl::engine& engine, dnnl::stream& stream, const dnnl::memory::desc& wanted, const Plain& plain,
                         float scale, const float* data, std::uint64_t version) {
    auto found = std::find_if(all_.begin(), all_.end(), [&](const Form& form) { return form.weight.desc() == wanted; });
    if (found == all_.end()) {
      all_.push_back({PackedWeight(engine, plain(), wanted, scale)});
      found = std::prev(all_.end());
    }
    if (found->version != version) found->weight.fill(stream, data);
    found->version = version;
    return found->weight.memory();
  }

 private:
  struct Form {
    PackedWeight weight;
    std::uint64_t version = 0;
  };
  std::deque<Form> all_;
};

/// Of one shape. Several blocks may multiply at once, each in a place of its own.
class PackedProduct {
 public:
  struct Shape {
    Index inner, outer, streams, x_stride, y_stride;
    bool add = false, brief = false;
    bool operator<(const Shape& s) const {
      return std::tie(inner, outer, streams, x_stride, y_stride, add, brief) <
             std::tie(s.inner, s.outer, s.streams, s.x_stride, s.y_stride, s.add, s.brief);
    }
  };

  PackedProduct(const dnnl::engine& engine, const Shape& shape);
  const dnnl::memory::desc& weights() const { return weights_; }  ///< the layout it wants
  void make_places(const dnnl::engine& engine, std::size_t count);
  /// x: float, or bfloat16 in a brief product.
  void multiply(dnnl::stream& stream, std::size_t place, const void* x, const dnnl::memory& weights, float* y);

 private:
  struct Place {
    dnnl::memory x, y, scratch;
  };
  dnnl::matmul primitive_;
  dnnl::memory::desc x_, y_, weights_, scratch_;
  std::deque<Place> places_;
};

/// The products in use, by shape.
struct PackedProducts {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::map<PackedProduct::Shape, PackedProduct> all;

  PackedProduct& of(const PackedProduct::Shape& shape, std::size_t places) {
    auto found = all.find(shape);
    if (found == all.end()) found = all.emplace(shape, PackedProduct(engine, shape)).first;
    found->second.make_places(engine, places);
    return found->second;
  }
};

}  // namespace strata
