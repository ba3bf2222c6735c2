// Time constants of a situation level's memory: learned by their slope, within their band, as heavy as the schedule has them.

#include "levels/time_scales.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "core/memory_archive.hpp"
#include "core/random.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index inputs = 2, streams = 3;

/// A memory as a level has it: gated leaks, forecasts that hold it for some tokens, errors where they end.
struct Memory {
  std::unique_ptr<Device<double>> device = make_device<double>({"reference", "auto", 0});
  TimeScales<double> scales;
  Tensor<double> h{*device, 2 * inputs, streams}, used{*device, 2 * inputs, streams}, s{*device, inputs, streams},
      back{*device, 2 * inputs, streams};
  Tensor<double> gate{*device, streams, 1}, decay{*device, streams, 1}, mask{*device, streams, 1}, all{*device, streams, 1};

  Memory(const TimeScaleSettings& settings, double tau, double spread, double part = 1)
      : scales(*device, settings, tau, spread, inputs, streams) {
    device->fill(all, 1.0);
    scales.set_inertia(part);
  }

  void integrate(std::uint32_t t, bool gated) {
    fill(s, 1, t);
    std::vector<double> open(streams, 1);
    for (std::uint32_t j = 0; j < streams; ++j) open[j] = gated && random_uniform(2, t, j) < .2 ? .1 : 1;
    device->upload(open, gate);
    for (int q = 0; q < 2; ++q) {
      device->copy(gate, decay);
      device->axpby(0.0, gate, scales.leak(q), decay);
      const View<double> trace = h.rows_at(q * inputs, inputs);
      scales.follow(q, gate, decay, all, trace, s);
      device->leaky_integrate(decay, std::sqrt(1 - scales.leak(q) * scales.leak(q)), all, s, trace);
    }
  }
  void hold(std::uint32_t t) {
    std::vector<double> held(streams);
    for (std::uint32_t j = 0; j < streams; ++j) held[j] = random_uniform(3, t, j) < .3 ? 1 : 0;
    device->upload(held, mask);
    device->select_columns(mask, h, used);
    scales.hold(mask);
  }
  void fill(Tensor<double>& x, std::uint32_t key, std::uint32_t t) {
    std::vector<double> drawn(static_cast<std::size_t>(x.rows() * x.cols()));
    for (std::size_t i = 0; i < drawn.size(); ++i) drawn[i] = random_normal(key, t, static_cast<std::uint32_t>(i));
    device->upload(drawn, x);
  }
  std::vector<double> of(const Tensor<double>& x) { return values<double>(x.view(), *device); }
};

/// What the errors of 80 tokens would gain, sum of back . h, and by how much ln tau is told to move.
struct Told {
  double utility = 0, shorter = 0, longer = 0;
};
Told read(double tau, double spread, double part) {
  Memory memory({true, 1, 1}, tau, spread, part);
  Told told;
  for (std::uint32_t t = 0; t < 80; ++t) {
    memory.fill(memory.back, 4, t);
    memory.scales.learn(1, memory.back);
    const auto back = memory.of(memory.back), used = memory.of(memory.used);
    for (std::size_t i = 0; i < used.size(); ++i) told.utility += back[i] * used[i];
    memory.integrate(t, true);
    memory.hold(t);
  }
  memory.scales.visit_weights([&](Weight<double>& w) {
    const auto slope = memory.of(w.gradient);
    told.shorter = slope[0];
    told.longer = slope[1];
  });
  return told;
}

}  // namespace

TEST_CASE("time scales: the slope is that of what errors gain, through gates and held forecasts") {
  const double part = GENERATE(1.0, .4);
  const Told told = read(6, 3, part);
  constexpr double e = 1e-6;
  const double shorter =
      (read(6 * std::exp(e), 3 * std::exp(-e), part).utility - read(6 * std::exp(-e), 3 * std::exp(e), part).utility) / (2 * e);
  const double longer = (read(6, 3 * std::exp(e), part).utility - read(6, 3 * std::exp(-e), part).utility) / (2 * e);
  CHECK(std::abs(shorter) > .1);
  CHECK(std::abs(longer) > .1);
  CHECK(told.shorter == Approx(shorter).epsilon(1e-6));
  CHECK(told.longer == Approx(longer).epsilon(1e-6));
}

TEST_CASE("time scales: they stay within their band, and above half a token") {
  const auto moved = [](double band, double by) {
    Memory memory({true, band, 1}, 5, 3);
    memory.scales.visit_weights([&](Weight<double>& w) { memory.device->fill(w.value, by); });
    memory.scales.derive();
    return std::pair(memory.scales.tau(0), memory.scales.tau(1));
  };
  CHECK(moved(3, .5).first == Approx(5 * std::exp(.5)));
  CHECK(moved(3, .5).second == Approx(15 * std::exp(.5)));
  CHECK(moved(3, 9).first == Approx(15));
  CHECK(moved(3, -9).second == Approx(5));
  CHECK(moved(1, 9).first == Approx(5));
  CHECK(moved(1e6, -20).first == Approx(.5));
}

TEST_CASE("time scales: a memory that is asked for its input of some time ago finds the time constant for it") {
  // What is asked for: sum_k exp(-k / 12) s(t - k), which a trace of 12 tokens has whole; its error is squared, its weight free.
  Memory memory({true, 100, 1}, 3, 1);
  std::vector<double> wanted(inputs * streams);
  double weight = .1, y = 0, power = 0;
  for (std::uint32_t t = 0; t < 40000; ++t) {
    const double a = std::exp(-1 / 12.);
    std::vector<double> back(2 * inputs * streams, 0);
    const auto used = memory.of(memory.used);
    double slope = 0;
    for (std::size_t j = 0; j < streams; ++j)
      for (std::size_t i = 0; i < inputs; ++i) {
        const double h = used[j * 2 * inputs + i], error = wanted[j * inputs + i] - weight * h;
        back[j * 2 * inputs + i] = weight * error;
        slope += error * h;
      }
    weight += .002 * slope;
    memory.device->upload(back, memory.back);
    memory.scales.visit_weights([&](Weight<double>& w) {
      memory.device->fill(w.gradient, 0.0);
      memory.scales.learn(1, memory.back);
      const double told = memory.of(w.gradient)[0];
      power += .01 * (told * told - power);
      y += .003 * told / std::sqrt(power + 1e-9);
      memory.device->upload(std::vector<double>{y, 0}, w.value);
    });
    memory.scales.derive();
    memory.integrate(t, false);
    memory.device->fill(memory.mask, 1.0);
    memory.device->select_columns(memory.mask, memory.h, memory.used);
    memory.scales.hold(memory.mask);
    const auto read_now = memory.of(memory.s);
    for (std::size_t j = 0; j < streams; ++j)
      for (std::size_t i = 0; i < inputs; ++i)
        wanted[j * inputs + i] = a * wanted[j * inputs + i] + std::sqrt(1 - a * a) * read_now[j * inputs + i];
  }
  CHECK(memory.scales.tau(0) == Approx(12).epsilon(.15));
}
