#include <catch2/catch.hpp>
#include <fstream>
#include <vector>

#include "core/error.hpp"
#include "core/io/provenance.hpp"
#include "tests/support/temporary.hpp"

using namespace strata;

TEST_CASE("provenance: SHA-256 of the examples of FIPS 180 and of every block boundary", "[io]") {
  REQUIRE(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  REQUIRE(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  REQUIRE(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  REQUIRE(sha256(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  if (test::shell("command -v sha256sum").first != 0) return;
  const test::TemporaryFolder folder;
  for (const int size : {1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 70000}) {
    const std::string path = folder / "x";
    std::ofstream(path, std::ios::binary) << std::string(static_cast<std::size_t>(size), '\xe9');
    REQUIRE(sha256_of_file(path) == test::shell("sha256sum " + path).second.substr(0, 64));
  }
}

TEST_CASE("provenance: facts of the build, of inputs, of memory", "[io]") {
  Provenance p = build_provenance();
  REQUIRE(!p.strata_version.empty());
  REQUIRE(!p.compiler.empty());
  REQUIRE((p.commit == "unknown" || p.commit.size() == 40));
  REQUIRE(attributes_of(p).count("device") == 0);
  p.device = "cpu";
  p.threads = 2;
  REQUIRE(attributes_of(p).at("threads") == "2");
  REQUIRE(attributes_of(p).at("dirty") == (p.dirty ? "true" : "false"));
  REQUIRE(utc_now().size() == 20);

  const test::TemporaryFolder folder;
  std::ofstream(folder / "a \"b\".txt") << "abc";
  REQUIRE(to_json({input_file(folder / "a \"b\".txt")}) ==
          R"([{"name":"a \"b\".txt","bytes":3,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}])");
  REQUIRE_THROWS_AS(input_file(folder / "absent"), FileError);
  REQUIRE_THROWS_AS(input_file(folder.path()), FileError);

  const std::int64_t before = peak_memory_bytes();
  REQUIRE(before > 1 << 20);
  std::vector<char> block(std::size_t{100} << 20, 1);
  REQUIRE(block[block.size() / 2] == 1);
  REQUIRE(peak_memory_bytes() - before > 90 << 20);
}
