// A trace without what a measure needs: an error of the right class that names the missing dataset and who records it.

#include <catch2/catch.hpp>

#include "analysis/measure.hpp"
#include "core/error.hpp"
#include "tests/support/analysis_trace.hpp"

using namespace strata;
using test::times;
using test::write_level;

namespace {

double wave(double t, Index s, Index u) { return std::sin(0.1 * t * static_cast<double>(u + 1) + static_cast<double>(s)); }

std::string message_of(const std::string& measure, const std::string& path) {
  try {
    analyse(measure, path);
  } catch (const DataError& error) { return error.what(); }
  return "no DataError";
}

void write_contexts(Hdf5File& file, const std::vector<std::int32_t>& context, std::int64_t samples) {
  file.write<std::int32_t>("/world/context", {samples, 1, static_cast<std::int64_t>(context.size()) / samples}, context);
}

}  // namespace

TEST_CASE("what a measure needs and does not find is named", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("bare.h5");
  {
    Hdf5File file(path, Hdf5File::Mode::create);
    write_level(file, "/levels/0", "prediction", times(0, 99), 1, 2, wave);
    file.close();
  }
  const std::vector<std::pair<std::string, std::vector<std::string>>> expected = {
      {"gain", {"/world/innovation", "prediction_error", "linear_gaussian"}},
      {"gap_closed", {"/conditions/exact/tokens/surprise", "strata run optimum"}},
      {"captured_fraction", {"/conditions/lesion_L/tokens/surprise", "strata run optimum"}},
      {"topdown_gain", {"/conditions/lesion_L/tokens/surprise", "swap_L", "strata run optimum"}},
      {"read_out", {"/world/context", "strata run optimum"}},
      {"autocorrelation", {"/levels/L/belief", "strata evaluate"}},
      {"calibration", {"/world/context", "strata run optimum"}},
      {"boundaries", {"/world/context", "/events", "strata evaluate"}},
      {"past_information", {"/tokens/id"}},
      {"containment", {"two levels", "strata evaluate"}},
      {"reflection", {"/levels/0/belief", "prediction"}}};
  for (const auto& [measure, words] : expected) {
    const std::string message = message_of(measure, path);
    for (const std::string& word : words) {
      INFO(measure << ": " << message);
      CHECK(message.find(word) != std::string::npos);
    }
    CHECK(message.find('\n') == std::string::npos);
  }
  Configuration form;
  form.set_assignment("analyse.form=log_odds");
  CHECK_THROWS_AS(analyse("evidence", path, form), DataError);
}

TEST_CASE("contexts that do not fit are refused", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("contexts.h5");
  const auto write = [&](const std::vector<std::int32_t>& context, std::vector<double> states, bool surprise) {
    Hdf5File file(path, Hdf5File::Mode::create);
    write_level(file, "/levels/0", "belief", times(0, 9), 1, 2, [](double, Index, Index) { return 0.5; });
    if (surprise) write_level(file, "/conditions/exact/tokens", "surprise", times(0, 9), 1, 0, wave);
    write_contexts(file, context, 10);
    if (!states.empty()) file.set_numbers<double>("/world/context", "states", states, false);
    file.close();
  };
  const std::vector<std::int32_t> fine = {0, 1, 0, 1, 0, 1, 0, 1, 0, 2};
  write(fine, {2}, false);
  CHECK(message_of("calibration", path).find("attribute `states`") != std::string::npos);
  write(fine, {3, 2}, false);
  CHECK_THROWS_AS(analyse("calibration", path), ShapeError);
  write(fine, {3}, false);
  CHECK_NOTHROW(analyse("calibration", path));
  CHECK(message_of("evidence", path).find("prediction") != std::string::npos);
  CHECK(message_of("tokens_to_switch", path).find("prediction") != std::string::npos);
  CHECK(analyse("read_out", path).notes.back().find("9 switches (at least 200") != std::string::npos);
  // A condition may hold surprise alone, and lacks the model's then.
  write(fine, {}, true);
  CHECK(message_of("gap_closed", path).find("/conditions/exact_0/tokens/surprise") != std::string::npos);
  CHECK(message_of("past_information", path).find("/tokens/id") != std::string::npos);
}
