// The default bodies of the fused steps, which are the oracle of every device, against the formulas of device.hpp written out in plain loops.

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "core/device/reference/reference.hpp"
#include "tests/conformance/operations.hpp"

namespace strata::test {
namespace {

constexpr Index rows = 5, cols = 3;

/// A host copy with (unit, stream) access.
struct Host {
  Host(const Device<double>& device, ConstView<double> view) : ld(view.rows), x(static_cast<std::size_t>(view.rows * view.cols)) {
    device.download(view, x);
  }
  double operator()(Index i, Index j = 0) const { return x[static_cast<std::size_t>(i + j * ld)]; }
  Index ld;
  std::vector<double> x;
};

bool near(double a, double b) { return std::abs(a - b) <= 1e-13 * (1 + std::abs(b)); }

}  // namespace

TEST_CASE("prediction_error and relax_step are what they say", "[device]") {
  ReferenceDevice<double> d;
  Operands<double> o(d);
  const View<double> x = o.random(rows, cols), mu = o.random(rows, cols), e = o.garbage(rows, cols), energy = o.random(cols, 1);
  const View<double> message = o.random(rows, cols), step = o.random(cols, 1, 0, 1), f = o.random(rows, cols, -1, 1);
  const Host x0(d, x), m(d, mu), energy0(d, energy), g(d, message), s(d, step), f0(d, f);
  d.prediction_error(3, x, mu, e, energy);
  const Host error(d, e), energy1(d, energy);
  d.relax_step(4, mu, message, step, x, f);
  const Host x1(d, x), f1(d, f);
  for (Index j = 0; j < cols; ++j) {
    double sum = 0;
    for (Index i = 0; i < rows; ++i) {
      CHECK(near(error(i, j), 3 * (x0(i, j) - m(i, j))));
      sum += 1.5 * (x0(i, j) - m(i, j)) * (x0(i, j) - m(i, j));
      const double wanted = x0(i, j) + s(j) * (m(i, j) - x0(i, j) + (1 - f0(i, j) * f0(i, j)) * g(i, j) / 4);
      CHECK(near(x1(i, j), wanted));
      CHECK(near(f1(i, j), std::tanh(wanted)));
    }
    CHECK(near(energy1(j), energy0(j) + sum));
  }
}

TEST_CASE("softmax steps are what they say", "[device]") {
  ReferenceDevice<double> d;
  Operands<double> o(d);
  const View<double> logits = o.random(rows, cols), background = o.random(rows, 1), error = o.garbage(rows, cols),
                     loss = o.garbage(cols, 1);
  const View<double> normaliser = o.garbage(cols, 1), entropy = o.garbage(cols, 1), divergence = o.garbage(cols, 1);
  const std::vector<Entry<double>> targets = {{1, 0, .25}, {4, 0, .75}, {2, 2, 1}};  // column 1 is masked
  const double q[cols][rows] = {{0, .25, 0, 0, .75}, {}, {0, 0, 1, 0, 0}};
  const double mass[cols] = {1, 0, 1};
  d.softmax_cross_entropy(logits, targets, error, loss);
  d.softmax_summary(logits, background, normaliser, entropy, divergence);
  const Host x(d, logits), b(d, background), e(d, error), l(d, loss), n(d, normaliser), h(d, entropy), kl(d, divergence);
  for (Index j = 0; j < cols; ++j) {
    double sum = 0, agreement = 0, wanted_entropy = 0, wanted_divergence = 0;
    for (Index i = 0; i < rows; ++i) {
      sum += std::exp(x(i, j));
      agreement += q[j][i] * x(i, j);
    }
    for (Index i = 0; i < rows; ++i) {
      const double p = std::exp(x(i, j)) / sum;
      CHECK(near(e(i, j), q[j][i] - mass[j] * p));
      wanted_entropy -= p * std::log(p);
      wanted_divergence += p * (std::log(p) - b(i));
    }
    CHECK(near(l(j), mass[j] * std::log(sum) - agreement));
    CHECK(near(n(j), std::log(sum)));
    CHECK(near(h(j), wanted_entropy));
    CHECK(near(kl(j), wanted_divergence));
  }
}

TEST_CASE("leaky_integrate and adam are what they say", "[device]") {
  ReferenceDevice<double> d;
  Operands<double> o(d);
  const View<double> decay = o.random(cols, 1, 0, 1), active = o.mask(cols), s = o.random(rows, cols), h = o.random(rows, cols);
  const View<double> gradient = o.random(rows, cols), first = o.random(rows, cols), second = o.random(rows, cols, 0, 1),
                     weight = o.random(rows, cols);
  d.upload(std::vector<double>{1, 0, 1}, active);
  const Host a(d, decay), on(d, active), input(d, s), h0(d, h), g(d, gradient), m0(d, first), v0(d, second), w0(d, weight);
  d.leaky_integrate(decay, .4, active, s, h);
  const AdamStep step = {.rate = .01, .beta1 = .8, .beta2 = .9, .epsilon = 1e-3, .decay = .1, .count = 3};
  d.adam(step, gradient, first, second, weight);
  const Host h1(d, h), g1(d, gradient), m1(d, first), v1(d, second), w1(d, weight);
  for (Index j = 0; j < cols; ++j) {
    for (Index i = 0; i < rows; ++i) {
      CHECK(near(h1(i, j), on(j) != 0 ? a(j) * h0(i, j) + .4 * input(i, j) : h0(i, j)));
      const double m = .8 * m0(i, j) + .2 * g(i, j), v = .9 * v0(i, j) + .1 * g(i, j) * g(i, j);
      const double unbiased = (m / (1 - .8 * .8 * .8)) / (std::sqrt(v / (1 - .9 * .9 * .9)) + 1e-3);
      CHECK(near(m1(i, j), m));
      CHECK(near(v1(i, j), v));
      CHECK(near(w1(i, j), w0(i, j) * (1 - .01 * .1) + .01 * unbiased));
      CHECK(g1(i, j) == 0);
    }
  }
}

}  // namespace strata::test
