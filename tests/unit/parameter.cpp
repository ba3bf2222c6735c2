#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <limits>

#include "core/error.hpp"
#include "core/parameter.hpp"
#include "tests/support/temporary.hpp"

using namespace strata;
using Catch::Contains;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

const ParameterTable& table() {
  static const ParameterTable parameters{
      {"tau", 12.0, 1, 4096, {}, "tokens", "time constant of the memory", "model.md A"},
      {"units", std::int64_t{64}, 1, 4096, {}, "1", "value nodes", ""},
      {"gate", true, 0, 0, {}, "", "opens at surprise", ""},
      {"feed", std::string("level"), 0, 0, {"level", "token"}, "", "what the memory integrates", ""},
      {"limit", infinity, 0, infinity, {}, "nats", "no limit", ""},
      {"note", std::string(), 0, 0, {}, "", "any text", ""},
  };
  return parameters;
}

ConfigError error_of(const std::string& key, const std::string& value) {
  Configuration configuration;
  configuration.set("level.2." + key, value);
  try {
    configuration.resolve(table(), "level.2.");
    configuration.check_all_read();
  } catch (const ConfigError& error) { return error; }
  throw std::logic_error("no error for " + key + " = " + value);
}

}  // namespace

TEST_CASE("parameter: defaults, assignments and types", "[parameter]") {
  Configuration configuration;
  Values values = configuration.resolve(table(), "level.2.");
  REQUIRE(values.real("tau") == 12.0);
  REQUIRE(values.integer("units") == 64);
  REQUIRE(values.real("units") == 64.0);
  REQUIRE(values.flag("gate"));
  REQUIRE(values.text("feed") == "level");
  REQUIRE(std::isinf(values.real("limit")));
  REQUIRE_THROWS_AS(values.real("absent"), std::logic_error);
  REQUIRE_THROWS_AS(values.integer("tau"), std::logic_error);

  configuration.set_assignment("level.2.tau = 64");
  configuration.set_assignment("level.2.units=1e3");
  configuration.set_assignment("level.2.gate=off");
  configuration.set_assignment("level.2.note=a=b");
  values = configuration.resolve(table(), "level.2.");
  REQUIRE(values.real("tau") == 64.0);
  REQUIRE(values.integer("units") == 1000);
  REQUIRE(!values.flag("gate"));
  REQUIRE(values.text("note") == "a=b");
  REQUIRE(configuration.has("level.2.tau"));
  REQUIRE(!configuration.has("level.2.feed"));
  REQUIRE(configuration.resolved().at("level.2.units") == "1000");
  configuration.check_all_read();
  REQUIRE_THROWS_AS(configuration.set_assignment("level.2.tau"), ConfigError);
  REQUIRE_THROWS_AS(configuration.set_assignment("=3"), ConfigError);
}

TEST_CASE("parameter: what cannot be is named with what is allowed", "[parameter]") {
  REQUIRE_THAT(error_of("tau", "0.5").what(), Contains("'level.2.tau' = '0.5'") && Contains("from 1 to 4096 (tokens)"));
  for (const char* bad : {"4097", "x", "", "12x", "nan", "inf", "1,5"}) {
    INFO(bad);
    const ConfigError error = error_of("tau", bad);
    CHECK(error.key == "level.2.tau");
    CHECK(error.exit_code() == 2);
    CHECK_THAT(error.allowed, Contains("a number from 1 to 4096"));
  }
  for (const char* bad : {"0", "1.5", "99999999999999999999", "1e300", "-1", "true"}) {
    INFO(bad);
    CHECK_THAT(error_of("units", bad).allowed, Contains("a whole number from 1 to 4096"));
  }
  REQUIRE_THAT(error_of("gate", "maybe").allowed, Contains("true or false"));
  REQUIRE_THAT(error_of("limit", "-1").allowed, Contains("at least 0"));
  const ConfigError choice = error_of("feed", "tokn");
  REQUIRE_THAT(choice.allowed, Contains("one of level, token"));
  REQUIRE(choice.nearest == "token");
}

TEST_CASE("parameter: a key that nobody reads names the nearest", "[parameter]") {
  const ConfigError error = error_of("tua", "3");
  REQUIRE(error.key == "level.2.tua");
  REQUIRE(error.nearest == "level.2.tau");
  REQUIRE_THAT(error.what(), Contains("did you mean 'level.2.tau'"));
  Configuration configuration;
  configuration.set("something_else_altogether", "1");
  configuration.resolve(table(), "level.2.");
  try {
    configuration.check_all_read();
    FAIL("no error");
  } catch (const ConfigError& far) { REQUIRE(far.nearest.empty()); }
  REQUIRE(nearest("kitten", {"sitting", "mitten", "x"}) == "mitten");
  REQUIRE(nearest("ab", {"ba", "abcd"}) == "ba");
  REQUIRE(nearest("abc", {"wxyz"}).empty());
  REQUIRE(nearest("abc", {}).empty());
}

TEST_CASE("parameter: one file serves hierarchies of several depths, a key that was typed must mean something", "[parameter]") {
  const std::string ini = "[level.2]\ntau = 3\n[level.3]\ntau = 9\n";
  const test::TemporaryFolder folder;
  std::ofstream(folder / "deep.ini") << ini;
  Configuration configuration;
  configuration.read_ini(folder / "deep.ini");
  configuration.resolve(table(), "level.2.");
  REQUIRE_THROWS_AS(configuration.check_all_read(), ConfigError);
  configuration.spare("level.3.");
  configuration.check_all_read();
  REQUIRE(configuration.resolved().count("level.3.tau") == 0);
  configuration.set("level.3.tau", "8");
  REQUIRE_THROWS_AS(configuration.check_all_read(), ConfigError);
  Configuration of_a_model;  // a model has the levels that it has
  of_a_model.adopt(ini, "a model");
  of_a_model.resolve(table(), "level.2.");
  of_a_model.spare("level.3.");
  REQUIRE_THROWS_AS(of_a_model.check_all_read(), ConfigError);
}

TEST_CASE("parameter: text of a value reads back to the same bits", "[parameter]") {
  const ParameterTable any{{"x", 0.0, -infinity, infinity, {}, "1", "x", ""}};
  std::uint64_t state = 1;
  for (int i = 0; i < 20000; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    double x = std::bit_cast<double>(state ^ state >> 29);
    if (i == 0) x = -0.0;
    if (i == 1) x = std::numeric_limits<double>::denorm_min();
    if (i == 2) x = 0.1;
    if (!std::isfinite(x)) continue;
    Configuration configuration;
    configuration.set("x", to_text(x));
    REQUIRE(std::bit_cast<std::uint64_t>(configuration.resolve(any, "").real("x")) == std::bit_cast<std::uint64_t>(x));
  }
  REQUIRE(to_text(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  REQUIRE(to_text(true) == "true");
}

TEST_CASE("parameter: config.ini reproduces the run", "[parameter]") {
  const test::TemporaryFolder folder;
  for (const std::string note :
       {"plain", "", " blanks ", "has # and ; inside", "\"quoted\" \\ back", "two\nlines\t", "a#b", "겨울", "[x] = y"}) {
    Configuration first;
    first.set("level.1.tau", "0x");  // overridden below
    first.set("level.1.tau", "3.3");
    first.set("level.1.note", note);
    first.resolve(table(), "level.1.");
    const std::string path = folder / "config.ini";
    std::ofstream(path) << first.to_ini();
    Configuration second;
    second.read_ini(path);
    const Values values = second.resolve(table(), "level.1.");
    INFO(first.to_ini());
    REQUIRE(values.text("note") == note);
    REQUIRE(std::isinf(values.real("limit")));
    REQUIRE(second.resolved() == first.resolved());
    second.check_all_read();
  }
}

TEST_CASE("parameter: INI sections, comments and mistakes", "[parameter]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.ini";
  std::ofstream(path)
      << "\xef\xbb\xbf# comment\r\n; comment\r\nseed = 4\r\n\r\n[level.1]\r\n tau=8   # tokens\r\nnote = \"a # b\" ; c\r\n[]\r\nlast = x\r\n";
  Configuration configuration;
  configuration.read_ini(path);
  const Values values = configuration.resolve(table(), "level.1.");
  REQUIRE(values.real("tau") == 8.0);
  REQUIRE(values.text("note") == "a # b");
  REQUIRE(configuration.has("seed"));
  REQUIRE(configuration.has("last"));
  for (const char* bad : {"no equals sign", "= 3", "[open", "x = \"open", "x = \"a\" b"}) {
    INFO(bad);
    std::ofstream(path) << "a = 1\n" << bad << "\n";
    CHECK_THROWS_AS(Configuration().read_ini(path), ConfigError);
  }
  std::ofstream(path) << "a = 1\nno equals sign\n";
  REQUIRE_THROWS_WITH(Configuration().read_ini(path), Contains("x.ini:2"));
  REQUIRE_THROWS_AS(Configuration().read_ini(folder / "absent.ini"), FileError);
  REQUIRE_THROWS_AS(Configuration().read_ini(folder.path()), FileError);
}

TEST_CASE("parameter: the table describes itself", "[parameter]") {
  const std::string text = describe(table(), "level.2.");
  REQUIRE_THAT(text, Contains("  level.2.tau    12     1..4096       tokens  time constant of the memory [model.md A]\n"));
  REQUIRE_THAT(text, Contains("level, token") && Contains("true, false") && Contains("0.."));
}

TEST_CASE("a list of numbers is read in order and each number is held to the range") {
  REQUIRE(real_list("world.tau", " 8, 64,5e2", 1, 1000) == std::vector<double>{8, 64, 500});
  REQUIRE(real_list("world.tau", "", 1, 1000).empty());
  for (const char* wrong : {"8,,64", "8;64", "8, -1", "8, nan", "8, 1001", "eight"})
    REQUIRE_THROWS_AS(real_list("world.tau", wrong, 1, 1000), ConfigError);
}
