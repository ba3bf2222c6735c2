#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/error.hpp"
#include "core/io/file.hpp"
#include "core/io/hdf5.hpp"
#include "tests/support/temporary.hpp"

using namespace strata;
using strata::test::TemporaryFolder;

namespace {

/// A file with one dataset of each kind.
std::string sample(const TemporaryFolder& folder) {
  std::string path = folder / "sample.h5";
  Hdf5File file(path, Hdf5File::Mode::create);
  file.write<float>("/a/b/matrix", {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6.5F});
  file.write<std::int64_t>("/a/large", {2}, std::vector<std::int64_t>{-5, std::int64_t{1} << 40});
  file.write<std::uint8_t>("/a/bytes", {3}, std::vector<std::uint8_t>{0, 127, 255});
  file.write<double>("/a/scalar", {}, std::vector<double>{2.5});
  file.write<float>("/a/nothing", {0, 4}, std::vector<float>{});
  file.write_texts("/a/texts", {"one", "", "둘"});
  file.set_text("/a", "name", "first");
  file.set_text("/a", "name", "겨울");  // replaced
  file.set_number("/a", "count", std::int64_t{42});
  file.set_number("/a", "rate", 0.25);
  file.set_numbers<std::uint8_t>("/a", "flags", std::vector<std::uint8_t>{1, 2}, false);
  file.close();
  return path;
}

}  // namespace

TEST_CASE("hdf5: what is written is found, listed and read", "[io]") {
  const TemporaryFolder folder;
  const Hdf5File file(sample(folder));
  REQUIRE(file.groups() == std::vector<std::string>{"a"});
  REQUIRE(file.groups("a") == std::vector<std::string>{"b"});
  REQUIRE(file.datasets("/a") == std::vector<std::string>{"bytes", "large", "nothing", "scalar", "texts"});
  REQUIRE(file.all_datasets().size() == 6);
  REQUIRE(file.exists("/a/b/matrix"));
  REQUIRE(file.exists("/"));
  REQUIRE(!file.exists("/x/b/matrix"));
  REQUIRE(file.is_group("/a/b"));
  REQUIRE(!file.is_dataset("/a/b"));
  REQUIRE(file.type("/a/bytes") == NumberType::u8);
  REQUIRE(file.type("/a/large") == NumberType::i64);
  REQUIRE(file.shape("/a/b/matrix") == Shape{2, 3});
  REQUIRE(file.read<double>("/a/b/matrix").data == std::vector<double>{1, 2, 3, 4, 5, 6.5});
  REQUIRE(file.read_slab<float>("/a/b/matrix", {1, 1}, {1, 2}).data == std::vector<float>{5, 6.5F});
  REQUIRE(file.read<std::int32_t>("/a/bytes").data == std::vector<std::int32_t>{0, 127, 255});
  REQUIRE(file.read<double>("/a/large").data == std::vector<double>{-5, 0x1p40});
  REQUIRE(file.read_scalar<double>("/a/scalar") == 2.5);
  REQUIRE(file.read<float>("/a/nothing").shape == Shape{0, 4});
  REQUIRE(file.read_texts("/a/texts") == std::vector<std::string>{"one", "", "둘"});
  REQUIRE(file.text_attribute("/a", "name") == "겨울");
  REQUIRE(file.integer_attribute("/a", "count") == 42);
  REQUIRE(file.number_attribute("/a", "rate") == 0.25);
  REQUIRE(file.numbers_attribute("/a", "flags") == std::vector<double>{1, 2});
  REQUIRE(file.attributes("/a") == std::vector<std::string>{"count", "flags", "name", "rate"});
}

TEST_CASE("hdf5: what does not fit is an error that names the dataset", "[io]") {
  const TemporaryFolder folder;
  const std::string path = sample(folder);
  const Hdf5File file(path);
  using Catch::Contains;
  REQUIRE_THROWS_WITH(file.read<float>("/a/absent"), Contains("sample.h5 [/a/absent]: is missing"));
  REQUIRE_THROWS_WITH(file.read<float>("/a/b"), Contains("group where a dataset"));
  REQUIRE_THROWS_WITH(file.groups("/a/bytes"), Contains("dataset where a group"));
  REQUIRE_THROWS_WITH(file.read<float>("/a/texts"), Contains("does not hold numbers"));
  REQUIRE_THROWS_WITH(file.read_texts("/a/bytes"), Contains("does not hold text"));
  REQUIRE_THROWS_WITH(file.read<std::int64_t>("/a/scalar"), Contains("real numbers"));
  REQUIRE_THROWS_WITH(file.read<std::int32_t>("/a/large"), Contains("1099511627776") && Contains("int32"));
  REQUIRE_THROWS_WITH(file.read_scalar<float>("/a/b/matrix"), Contains("(2, 3)"));
  REQUIRE_THROWS_WITH(file.read_slab<float>("/a/b/matrix", {1, 2}, {1, 2}), Contains("(2, 3)"));
  REQUIRE_THROWS_WITH(file.text_attribute("/a", "absent"), Contains("no attribute 'absent'"));
  REQUIRE_THROWS_WITH(file.text_attribute("/a", "rate"), Contains("is not text"));
  REQUIRE_THROWS_WITH(file.number_attribute("/a", "flags"), Contains("not one number"));
  try {
    file.read<float>("/a/absent");
  } catch (const FileError& error) {
    REQUIRE(error.path == path);
    REQUIRE(error.dataset == "/a/absent");
  }
}

TEST_CASE("hdf5: files that cannot be opened say why, and HDF5 itself is silent", "[io]") {
  const TemporaryFolder folder;
  const std::string whole = read_file(sample(folder));
  const auto reason = [&](const std::string& content) {
    const std::string path = folder / "x.h5";
    std::ofstream(path, std::ios::binary) << content;
    try {
      const Hdf5File file(path);
      for (const std::string& dataset : file.all_datasets()) file.read<double>(dataset);
    } catch (const FileError& error) { return std::string(error.what()); }
    return std::string("nothing");
  };
  using Catch::Contains;
  const std::string said = folder / "stderr";
  const int saved = dup(2), target = open(said.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  dup2(target, 2);
  CHECK_THROWS_WITH(Hdf5File(folder / "absent.h5"), Contains("no such file"));
  CHECK_THROWS_WITH(Hdf5File(folder.path()), Contains("is a folder"));
  CHECK_THAT(reason(""), Contains("is empty"));
  CHECK_THAT(reason("It is a truth universally acknowledged"), Contains("is not an HDF5 file"));
  CHECK_THAT(reason(std::string(100000, 'x')), Contains("is not an HDF5 file"));
  for (const std::size_t size : {std::size_t{9}, std::size_t{40}, std::size_t{100}, whole.size() / 2, whole.size() - 1}) {
    INFO(size);
    CHECK_THAT(reason(whole.substr(0, size)), Contains("truncated or damaged"));
  }
  CHECK_THROWS_WITH(Hdf5File(folder / "no/such/folder/x.h5", Hdf5File::Mode::create), Contains("no such file or folder"));
  CHECK_THROWS_AS(Hdf5File("/proc/strata.h5", Hdf5File::Mode::create), FileError);
  dup2(saved, 2);
  CHECK(std::filesystem::file_size(said) == 0);
}

TEST_CASE("hdf5: a file in memory has the bytes of a file", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.h5";
  Hdf5File one = Hdf5File::in_memory(path), two = Hdf5File::in_memory(path);
  one.write<double>("/x", {1}, std::vector<double>{1});
  two.write<double>("/x", {1}, std::vector<double>{2});
  write_atomically(path, two.image());
  REQUIRE(Hdf5File(path).read<double>("/x").data == std::vector<double>{2});
  write_atomically(path, one.image());
  REQUIRE(Hdf5File(path).read<double>("/x").data == std::vector<double>{1});
}

TEST_CASE("hdf5: files that h5py wrote are read", "[io]") {
  if (test::shell(std::string(STRATA_PYTHON) + " -c 'import h5py'").first != 0) {
    std::cout << "SKIPPED: python3 has no h5py\n";
    return;
  }
  const TemporaryFolder folder;
  const std::string path = folder / "foreign.h5";
  const auto [code, output] = test::shell(std::string(STRATA_PYTHON) + " -c \"import h5py, numpy as n; f = h5py.File('" + path +
                                          "', 'w'); f['h'] = n.arange(4, dtype='>f2'); f['yes'] = n.array([True, False]); "
                                          "f['u'] = n.arange(3, dtype='u2'); f['big'] = n.arange(6, dtype='>i8').reshape(1, 2, 3); "
                                          "f.attrs['s'] = 'text'; f.attrs['b'] = n.bytes_(b'fixed'); f.attrs['x'] = 3\"");
  INFO(output);
  REQUIRE(code == 0);
  const Hdf5File file(path);
  REQUIRE(file.read<float>("h").data == std::vector<float>{0, 1, 2, 3});
  REQUIRE(file.read<std::uint8_t>("yes").data == std::vector<std::uint8_t>{1, 0});
  REQUIRE(file.type("u") == NumberType::i32);
  REQUIRE(file.read<std::int64_t>("big").data == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
  REQUIRE(file.read<float>("big").shape == Shape{1, 2, 3});
  REQUIRE(file.text_attribute("/", "s") == "text");
  REQUIRE(file.text_attribute("/", "b") == "fixed");
  REQUIRE(file.number_attribute("/", "x") == 3);
}
