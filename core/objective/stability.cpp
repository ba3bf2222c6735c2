// Stability: a level's expectation should not change without need.
//
// Equation    G = 1/2 |f(mu) - f(mu')|^2,   mu' of the window before;   -dG/df = f(mu') - f(mu)
// Symbols     f n x B, G nats per token; w the larger the higher the level, as whoever sets it decides
// Limit       w -> inf: f(mu) constant within a document
// Source      slow feature analysis, Wiskott & Sejnowski 2002

#include "core/objective/term.hpp"

namespace strata {

namespace {

template <class T>
class Stability final : public Term<T> {
 public:
  explicit Stability(const TermPlace<T>& place)
      : device_(place.device), weight_(static_cast<T>(place.weight)), square_(place.device, place.units, place.streams) {}

  bool compares() const override { return true; }

  void evaluate(const Moment<T>& m, View<T> slope, View<T> value) override {
    device_.copy(m.before, slope);
    device_.axpby(-weight_, m.activity, weight_, slope);
    device_.map(Unary::square, slope, square_);
    device_.column_sum(square_, value);
    device_.axpby(T(0), value, T(1) / (2 * weight_), value);
  }

 private:
  Device<T>& device_;
  T weight_;
  Tensor<T> square_;
};

template <class T>
std::unique_ptr<Term<T>> make(const TermPlace<T>& place) {
  return std::make_unique<Stability<T>>(place);
}

}  // namespace

TermKind stability_term() {
  return {"stability", "an expectation that changes from window to window costs", "Wiskott & Sejnowski 2002", {}, make<float>,
          make<double>};
}

}  // namespace strata
