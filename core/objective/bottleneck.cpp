// Information bottleneck: what a level says about its text costs, so that it says only what is of use.
//
// Equation    G = 1/2 sum_i ln(1 + f_i^2 / sigma^2): the rate of Gaussian channels of power f_i^2 and noise sigma^2;   -dG/df = -f / (sigma^2 + f^2)
//             what it is of use for is measured beside it: the level's top-down gain, nats per token
// Symbols     f n x B, G nats per token, sigma noise of a unit
// Limit       f = 0 at rate 0; f^2 = sigma^2 (e^2 - 1) costs one nat per unit
// Source      Tishby, Pereira & Bialek 1999; rate of a Gaussian channel, Shannon 1949

#include "core/objective/term.hpp"

namespace strata {

namespace {

template <class T>
class Bottleneck final : public Term<T> {
 public:
  explicit Bottleneck(const TermPlace<T>& place)
      : device_(place.device),
        weight_(static_cast<T>(place.weight)),
        noise_(static_cast<T>(place.values.real("bottleneck_noise"))),
        power_(place.device, place.units, place.streams) {}

  void evaluate(const Moment<T>& m, View<T> slope, View<T> value) override {
    device_.map(Unary::square, m.activity, power_);
    device_.add_scalar(noise_ * noise_, power_);
    device_.map(Unary::reciprocal, power_, slope);
    device_.multiply(slope, m.activity, slope);
    device_.axpby(T(0), slope, -weight_, slope);
    device_.axpby(T(0), power_, 1 / (noise_ * noise_), power_);
    device_.map(Unary::log, power_, power_);
    device_.column_sum(power_, value);
    device_.axpby(T(0), value, weight_ / 2, value);
  }

 private:
  Device<T>& device_;
  T weight_, noise_;
  Tensor<T> power_;
};

template <class T>
std::unique_ptr<Term<T>> make(const TermPlace<T>& place) {
  return std::make_unique<Bottleneck<T>>(place);
}

}  // namespace

TermKind bottleneck_term() {
  return {"bottleneck",
          "every nat that a level says of its text costs",
          "Tishby et al. 1999",
          {{"bottleneck_noise", .3, 1e-3, 10, {}, "1", "sigma, noise of a unit against which its activity is information", "Shannon 1949"}},
          make<float>,
          make<double>};
}

}  // namespace strata
