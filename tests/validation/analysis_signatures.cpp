// The measures of the laboratory's signatures on traces whose answer is known by construction.

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "analysis/local_global_effects.hpp"
#include "analysis/measure.hpp"
#include "core/error.hpp"
#include "tests/support/analysis_trace.hpp"

using namespace strata;

namespace {

/// Trials of five tones and three silences in blocks of 50; one trial in five breaks the rule. Level 0's error grows by 1 for a Y at the fifth tone,
/// level 1's by 2 for a rare trial; both with noise of standard deviation 1. Elsewhere the error is 50.
void write_local_global(const std::string& path) {
  constexpr std::int64_t trials = 4000, length = 8 * trials;
  std::vector<std::int32_t> context;
  std::vector<float> error[2], surprise, exact;
  std::mt19937 random(7);
  std::normal_distribution<double> noise(0, 1);
  for (std::int64_t i = 0; i < trials; ++i) {
    const auto block = static_cast<std::int32_t>(i / 50 % 2);
    const bool rare = i % 5 == 3;
    const std::int32_t kind = rare ? 1 - block : block;
    for (int place = 0; place < 8; ++place) {
      context.insert(context.end(), {place > 4 ? 2 : place == 4 ? kind : 0, 2 * block + kind, block});
      surprise.push_back(place == 4 ? static_cast<float>(1 + 2 * block + kind) : 9.F);
      exact.push_back(place == 4 && rare ? 4.F : 0.F);
      error[0].push_back(static_cast<float>(place == 4 ? 10 + kind + noise(random) : 50));
      error[1].push_back(static_cast<float>(place == 4 ? 10 + (rare ? 2 : 0) + noise(random) : 50));
    }
  }
  Hdf5File file(path, Hdf5File::Mode::create);
  file.write<std::int32_t>("/world/context", {length, 1, 3}, context);
  file.write<float>("/tokens/surprise", {length, 1}, surprise);
  file.write<float>("/conditions/exact/tokens/surprise", {length, 1}, exact);
  for (int l = 0; l < 2; ++l) {
    const std::string group = "/levels/" + std::to_string(l);
    file.write<float>(group + "/belief", {length, 1, 1}, error[l]);
    file.write<float>(group + "/prediction_error_norm", {length, 1}, error[l]);
  }
  file.close();
}

void near(const MeasuredValues& record, const std::string& name, double value, double margin) {
  INFO(name << " " << record.cell(name));
  CHECK(record.number(name) == Approx(value).margin(margin));
}

}  // namespace

TEST_CASE("Cohen's d from sums; absent where errors vary by rounding alone", "[validation][analysis]") {
  const CellSums a{4, 20, 104}, b{4, 12, 40};  // means 5 and 3, variances 4/3 and 4/3
  CHECK(cohens_d(a, b) == Approx(2 / std::sqrt(4.0 / 3)));
  CHECK(cohens_d(b, a) == Approx(-2 / std::sqrt(4.0 / 3)));
  CHECK(std::isnan(cohens_d({4, 20, 100}, {4, 12, 36})));
  CHECK(std::isnan(cohens_d({1, 5, 25}, b)));
  CHECK(std::isnan(cohens_d({4, 20e-9, 104e-18}, {4, 12e-9, 40e-18})));  // errors of 5e-9 and 3e-9: beliefs are floats
}

TEST_CASE("local and global effects are told apart", "[validation][analysis]") {
  const test::TemporaryFolder folder;
  write_local_global(folder.file("trace.h5"));
  const MeasureResult found = analyse("local_global_effects", folder.file("trace.h5"));
  REQUIRE(found.levels.size() == 2);
  CHECK(std::get<std::int64_t>(*found.values.find("trials")) ==
        4000 - 10 * 79);  // the first ten of each block that was seen to begin do not count
  const auto &local = found.levels[0], &global = found.levels[1];
  for (const char* block : {"fifth_local_in_xxxxx_blocks", "fifth_local_in_xxxxY_blocks"}) near(local, std::string(block) + "_d", 1, .15);
  for (const char* kind : {"fifth_global_of_xxxxx", "fifth_global_of_xxxxY", "fifth_global"}) {
    near(local, std::string(kind) + "_d", 0, .15);
    near(global, std::string(kind) + "_d", 2, .25);
  }
  near(global, "fifth_local_in_xxxxx_blocks_d", 2, .25);  // Y is rare there, and the rule in the other
  near(global, "fifth_local_in_xxxxY_blocks_d", -2, .25);
  near(global, "fifth_global_relative", 2.0 / 11, .02);
  const auto cells = [&](const char* name) { return std::get<std::vector<double>>(*found.values.find(name)); };
  CHECK(cells("fifth_surprise_nats") == std::vector<double>{1, 2, 3, 4});
  CHECK(cells("exact_fifth_surprise_nats") == std::vector<double>{0, 4, 4, 0});
}

TEST_CASE("the local-global measure refuses another world's trace", "[validation][analysis]") {
  const Contexts nested{{0, 1}, 1, 1, {2}, {0, 1}};
  CHECK_THROWS_AS(local_global_trials(nested, 0, 1), DataError);
}

TEST_CASE("repetition: a model whose surprise is twice the observer's less one", "[validation][analysis]") {
  const test::TemporaryFolder folder;
  constexpr std::int64_t length = 8000;
  std::vector<std::int32_t> id;
  std::vector<float> exact, model, error;
  for (std::int64_t t = 0; t < length; ++t) {  // trains of 4 tokens, three tokens in turn
    id.push_back(static_cast<std::int32_t>(t / 4 % 3));
    const double s = 1 + std::exp(-static_cast<double>(t % 4));
    exact.push_back(static_cast<float>(s));
    model.push_back(static_cast<float>(2 * s - 1));
    error.push_back(static_cast<float>(5 - s));  // rises where surprise falls
  }
  Hdf5File file(folder.file("trace.h5"), Hdf5File::Mode::create);
  file.write<std::int32_t>("/tokens/id", {length, 1}, id);
  file.write<float>("/tokens/surprise", {length, 1}, model);
  file.write<float>("/conditions/exact/tokens/surprise", {length, 1}, exact);
  file.write<float>("/levels/0/belief", {length, 1, 1}, error);
  file.write<float>("/levels/0/prediction_error_norm", {length, 1}, error);
  file.close();
  const MeasureResult found = analyse("repetition", folder.file("trace.h5"));
  near(found.values, "surprise_correlation", 1, 1e-5);
  near(found.values, "surprise_slope", 2, 1e-5);
  near(found.values, "deviant_nats", 3, 1e-5);
  near(found.values, "exact_deviant_nats", 2, 1e-5);
  near(found.values, "exact_standard_nats", 1 + std::exp(-3.0), 1e-5);
  near(found.levels[0], "error_correlation", -1, 1e-5);
}

TEST_CASE("learning rate: delta rules with one rate in stable and another in volatile blocks", "[validation][analysis]") {
  const test::TemporaryFolder folder;
  constexpr std::int64_t length = 20000;
  std::vector<std::int32_t> id, context;
  std::vector<float> two_rates, one_rate;
  std::mt19937 random(3);
  double p[2] = {.5, .5};
  for (std::int64_t t = 0; t < length; ++t) {
    const auto block = static_cast<std::int32_t>(t / 500 % 2);
    const double truth = t / 100 % 2 == 0 ? .8 : .2;
    const std::int32_t y = std::uniform_real_distribution<>(0, 1)(random) < truth ? 1 : 0;
    id.push_back(y);
    context.insert(context.end(), {t / 100 % 2 == 0 ? 0 : 1, block});
    for (int o = 0; o < 2; ++o) {
      (o == 0 ? two_rates : one_rate).push_back(static_cast<float>(-std::log(y == 1 ? p[o] : 1 - p[o])));
      p[o] += (o == 0 && block == 1 ? .25 : .1) * (y - p[o]);
    }
  }
  Hdf5File file(folder.file("trace.h5"), Hdf5File::Mode::create);
  file.write<std::int32_t>("/tokens/id", {length, 1}, id);
  file.write<std::int32_t>("/world/context", {length, 1, 2}, context);
  file.write<float>("/tokens/surprise", {length, 1}, two_rates);
  file.write<float>("/levels/0/belief", {length, 1, 1}, two_rates);
  file.write<float>("/conditions/exact/tokens/surprise", {length, 1}, one_rate);
  file.write<float>("/conditions/exact_1/tokens/surprise", {length, 1}, two_rates);
  file.close();
  const MeasureResult found = analyse("learning_rate", folder.file("trace.h5"));
  near(found.values, "learning_rate_stable", .1, 1e-4);
  near(found.values, "learning_rate_volatile", .25, 1e-4);
  near(found.values, "learning_rate_ratio", 2.5, 1e-2);
  near(found.values, "exact_learning_rate_rise", 0, 1e-4);
  near(found.values, "without_volatility_learning_rate_rise", .15, 1e-4);
}

TEST_CASE("learning rate: trial by trial, the correlation of the model's rates with the observer's", "[validation][analysis]") {
  const test::TemporaryFolder folder;
  constexpr std::int64_t length = 40000;
  std::vector<std::int32_t> id, context;
  std::vector<float> exact, model;
  std::mt19937 random(5);
  const auto uniform = [&random](double from, double to) { return std::uniform_real_distribution<>(from, to)(random); };
  double p[2] = {.5, .5};
  for (std::int64_t t = 0; t < length; ++t) {  // rates r and (r + s) / 2, both r and s uniform and independent: correlation 1 / sqrt(2)
    const std::int32_t y = uniform(0, 1) < .5 ? 1 : 0;
    id.push_back(y);
    context.insert(context.end(), {0, static_cast<std::int32_t>(t / 500 % 2)});
    exact.push_back(static_cast<float>(-std::log(y == 1 ? p[0] : 1 - p[0])));
    model.push_back(static_cast<float>(-std::log(y == 1 ? p[1] : 1 - p[1])));
    const double r = uniform(.05, .3), s = uniform(.05, .3);
    p[0] += r * (y - p[0]);
    p[1] += (r + s) / 2 * (y - p[1]);
  }
  Hdf5File file(folder.file("trace.h5"), Hdf5File::Mode::create);
  file.write<std::int32_t>("/tokens/id", {length, 1}, id);
  file.write<std::int32_t>("/world/context", {length, 1, 2}, context);
  file.write<float>("/tokens/surprise", {length, 1}, model);
  file.write<float>("/levels/0/belief", {length, 1, 1}, model);
  file.write<float>("/conditions/exact/tokens/surprise", {length, 1}, exact);
  file.close();
  const MeasureResult found = analyse("learning_rate", folder.file("trace.h5"));
  near(found.values, "rate_correlation", std::sqrt(.5), .02);
}
