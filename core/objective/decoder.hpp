#pragma once
// What consistency and reconstruction share: a span of the level below is read out of the level's expectation by linear weights.
//
// Equation    G = 1/2 |s - C f(mu)|^2;   -dG/df = C' (s - C f),   dC = w (s - C f) f'
// Symbols     s inputs x B, C inputs x n, f n x B
// Limit       C the regression of s on f; G half the variance that it leaves

#include <cmath>

#include "core/objective/term.hpp"

namespace strata {

template <class T>
class DecoderTerm : public Term<T> {
 public:
  DecoderTerm(const TermPlace<T>& place, const std::string& name)
      : device_(place.device),
        weight_(static_cast<T>(place.weight)),
        read_out_(place.device, name + "_read_out", place.inputs, place.units),
        residual_(place.device, place.inputs, place.streams),
        square_(place.device, place.inputs, place.streams),
        stash_residual_(place.device, place.inputs, place.columns),
        stash_activity_(place.device, place.units, place.columns) {
    read_out_.randomise(.1 / std::sqrt(static_cast<double>(place.units)), place.seed, place.level);
  }

  void evaluate(const Moment<T>& m, View<T> slope, View<T> value) override {
    device_.copy(target(m), residual_);
    device_.gemm(false, false, T(-1), read_out_.value.view(), m.activity, T(1), residual_);
    device_.gemm(true, false, weight_, read_out_.back(), residual_.view(), T(0), slope);
    device_.map(Unary::square, residual_, square_);
    device_.column_sum(square_, value);
    device_.axpby(T(0), value, weight_ / 2, value);
  }

  void stash(const Moment<T>& m, ConstView<T> factor, Index first) override {
    View<T> residual = stash_residual_.cols_at(first, residual_.cols());
    device_.copy(residual_, residual);
    device_.scale_columns(factor, residual);
    device_.copy(m.activity, stash_activity_.cols_at(first, residual_.cols()));
  }

  void accumulate(T scale, Index count) override {
    device_.outer_product(scale * weight_, stash_residual_.cols_at(0, count), stash_activity_.cols_at(0, count), read_out_.gradient);
  }

  void visit_weights(const std::function<void(Weight<T>&)>& visit) override { visit(read_out_); }

 private:
  virtual ConstView<T> target(const Moment<T>& m) const = 0;  ///< s

  Device<T>& device_;
  T weight_;
  Weight<T> read_out_;
  Tensor<T> residual_, square_, stash_residual_, stash_activity_;
};

}  // namespace strata
