// The shared softmax emission: the bias finds the frequencies of the tokens, a sweep can be taken back, idle streams say nothing.

#include <catch2/catch.hpp>

#include <cmath>

#include "levels/emission.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

struct Rig {
  std::unique_ptr<Device<double>> device = make_device<double>({"reference", "auto", 0});
  Emission<double> emission{*device, 3, 2};
  Tensor<double> stream{*device, 3, 2}, active{*device, 2};
  Observation observation;

  Rig() {
    observation.resize(2);
    observation.active = {1, 1};
  }
  Step<double> step() const {
    Step<double> s;
    s.observation = &observation;
    s.active = active.view();
    return s;
  }
  std::vector<double> host(ConstView<double> view) const { return values<double>(view, *device); }
};

}  // namespace

TEST_CASE("emission: the bias finds the log frequencies of the tokens") {
  Rig rig;
  const std::int32_t tokens[] = {0, 0, 0, 0, 1, 1, 1, 2};
  for (int t = 0; t < 8 * 4000; ++t) {
    rig.emission.forecast(rig.stream.view());
    rig.observation.id = {tokens[t % 8], tokens[(t + 3) % 8]};
    rig.emission.observe(rig.step());
    rig.emission.learn();
    rig.emission.accumulate(.5, true);
    rig.emission.visit_weights([&](Weight<double>& bias) {
      rig.device->axpby(20.0 / (t + 40), bias.gradient, 1, bias.value);
      rig.device->fill(bias.gradient, 0);
    });
  }
  rig.emission.forecast(rig.stream.view());
  double entropy = 0;
  for (const std::int32_t v : {0, 1, 2}) {
    rig.observation.id = {v, v};
    rig.emission.observe(rig.step());
    const double p = v == 0 ? .5 : v == 1 ? .375 : .125;
    CHECK(rig.host(rig.emission.surprise())[0] == Approx(-std::log(p)).epsilon(5e-3));
    entropy += p * rig.host(rig.emission.surprise())[0];
  }
  CHECK(entropy == Approx(-(.5 * std::log(.5) + .375 * std::log(.375) + .125 * std::log(.125))).epsilon(1e-4));
}

TEST_CASE("emission: surprise stays the forecast's, a sweep is taken back per stream, an idle stream says nothing") {
  Rig rig;
  rig.device->upload(std::vector<double>{1, 0, -1, .5, .5, 0}, rig.stream);
  rig.emission.forecast(rig.stream.view());
  rig.observation.id = {2, 1};
  rig.emission.observe(rig.step());
  const auto rho = rig.host(rig.emission.rho()), loss = rig.host(rig.emission.loss());
  CHECK(loss[0] == Approx(std::log(std::exp(1) + 1 + std::exp(-1)) + 1));
  CHECK(rho[2] == Approx(1 - std::exp(-loss[0])));
  rig.emission.keep();
  Tensor<double> other(*rig.device, 3, 2), mask(*rig.device, 2);
  rig.device->upload(std::vector<double>{0, 0, 3, 0, 2, 0}, other);
  rig.emission.emit(other.view());
  const auto moved = rig.host(rig.emission.loss());
  CHECK(moved[0] < loss[0]);
  CHECK(rig.host(rig.emission.surprise()) == loss);
  CHECK(rig.host(rig.emission.scored()) == rho);
  rig.device->upload(std::vector<double>{1, 0}, mask);
  rig.emission.restore(mask.view());
  CHECK(rig.host(rig.emission.loss()) == std::vector<double>{loss[0], moved[1]});
  CHECK(rig.host(rig.emission.rho())[1] == rho[1]);
  CHECK(rig.host(rig.emission.rho())[4] != rho[4]);
  Tensor<double> scored(*rig.device, 2);
  rig.emission.score_with_stream(rig.step(), rig.stream.view(), scored);
  CHECK(rig.host(scored.view()) == loss);
  rig.observation.active = {1, 0};
  rig.emission.observe(rig.step());
  CHECK(rig.host(rig.emission.surprise())[1] == 0);
  for (const std::size_t v : {3U, 4U, 5U}) CHECK(rig.host(rig.emission.rho())[v] == 0);
}
