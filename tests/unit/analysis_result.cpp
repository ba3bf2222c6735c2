#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "analysis/measure.hpp"
#include "core/error.hpp"

using namespace strata;

namespace {

Estimate estimate(double value, Bound bound, double low, double high, bool open = false) { return {value, bound, low, high, false, open}; }

}  // namespace

TEST_CASE("a value that was not measured is absent, a bound has a name of its own", "[analysis]") {
  MeasuredValues record;
  record.set("name", "paragraph");
  record.set("half_life", estimate(28.25, Bound::exact, 25.0, 31.5));
  record.set("recovery", estimate(600, Bound::at_least, 420, 600, true));
  record.set("nothing", Estimate::none());
  record.set("broken", MeasuredValue(std::numeric_limits<double>::quiet_NaN()));
  record.set("list", MeasuredValue(std::vector<double>{1.0, std::numeric_limits<double>::infinity()}));
  const auto json = nlohmann::json::parse(to_json(std::vector<MeasuredValues>{record}))[0];
  CHECK(json["half_life"] == 28.25);
  CHECK(json["half_life_ci95"] == nlohmann::json({25.0, 31.5}));
  CHECK_FALSE(json.contains("recovery"));
  CHECK(json["recovery_at_least"] == 600.0);
  CHECK(json["recovery_ci95_high_open"] == true);
  for (const char* absent : {"nothing", "broken", "list", "half_life_ci95_high_open"}) CHECK_FALSE(json.contains(absent));
  CHECK(record.cell("half_life") == "28.2 [25.0, 31.5]");
  CHECK(record.cell("recovery") == ">= 600 [420, >= 600]");
  CHECK(record.cell("nothing") == "-");
}

TEST_CASE("results print as a table and as JSON", "[analysis]") {
  MeasureResult result;
  result.name = "half_life";
  result.columns = {{"name", "level"}, {"half_life", "half-life (tokens)"}};
  for (const char* name : {"token", "문단"}) {
    MeasuredValues level;
    level.set("name", name);
    level.set("half_life", MeasuredValue(2.0));
    result.levels.push_back(level);
  }
  result.notes.push_back("a note");
  MeasureResult part;
  part.name = "switch";
  part.values.set("trials", MeasuredValue(std::int64_t{3}));
  result.parts.push_back(part);
  const std::string table = to_table(result);
  CHECK(table.find("  token  2.00\n") != std::string::npos);
  CHECK(table.find("  문단     2.00\n") != std::string::npos);  // two characters, three columns of padding before the gap
  CHECK(table.find("a note") != std::string::npos);
  const auto json = nlohmann::json::parse(to_json(result));
  CHECK(json["levels"][1]["name"] == "문단");
  CHECK(json["conditions"]["switch"]["trials"] == 3);
  CHECK(result.part("switch") != nullptr);
  CHECK(result.part("always") == nullptr);
}

TEST_CASE("levels of several measures merge by name", "[analysis]") {
  MeasuredValues a, b, c;
  a.set("name", "token");
  a.set("half_life", MeasuredValue(1.0));
  b.set("name", "token");
  b.set("evidence_nats", MeasuredValue(5.0));
  c.set("name", "sentence");
  std::vector<MeasuredValues> all = {a};
  merge_levels(all, {b, c});
  REQUIRE(all.size() == 2);
  CHECK(all[0].number("half_life") == 1.0);
  CHECK(all[0].number("evidence_nats") == 5.0);
}

TEST_CASE("numbers for people", "[analysis]") {
  CHECK(short_number(0.0) == "0");
  CHECK(short_number(0.01234) == "0.0123");
  CHECK(short_number(1.0) == "1.00");
  CHECK(short_number(138.4) == "138");
  CHECK(short_number(-27.04) == "-27.0");
  CHECK(short_number(123456.0) == "123456");
}

TEST_CASE("every measure of the list can be found and described; a misspelt one names the nearest", "[analysis]") {
  CHECK(measures().size() >= 5);
  for (const Measure& measure : measures()) {
    CHECK(&find_measure(measure.name) == &measure);
    CHECK_FALSE(measure.summary.empty());
    const std::string text = describe(measure);
    CHECK(text.find(measure.definition) != std::string::npos);
    CHECK(text.find("resamples") != std::string::npos);
    CHECK(measure.run != nullptr);
  }
  try {
    find_measure("half_live");
    FAIL("must throw");
  } catch (const ConfigError& error) { CHECK(error.nearest == "half_life"); }
}
