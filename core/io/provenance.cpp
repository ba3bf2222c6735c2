#include "core/io/provenance.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.hpp"
#include "core/io/file.hpp"
#include "core/version.hpp"

namespace strata {
namespace {

/// FIPS 180-4, section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
std::array<std::uint32_t, 64> round_constants() {
  std::array<std::uint32_t, 64> constants{};
  std::size_t found = 0;
  for (std::uint32_t prime = 2; found < constants.size(); ++prime) {
    bool divisible = false;
    for (std::uint32_t d = 2; d * d <= prime; ++d) divisible = divisible || prime % d == 0;
    if (divisible) continue;
    const double root = std::cbrt(static_cast<double>(prime));  // below 8, so 50 bits follow the point and 32 are needed
    constants[found++] = static_cast<std::uint32_t>(std::floor((root - std::floor(root)) * 0x1p32));
  }
  return constants;
}

class Sha256 {
 public:
  void add(std::string_view bytes) {
    length_ += bytes.size();
    for (const char c : bytes) {
      block_[fill_++] = static_cast<std::uint8_t>(c);
      if (fill_ == block_.size()) compress();
    }
  }

  std::string digest() {
    const std::uint64_t bits = length_ * 8;
    add(std::string_view("\x80", 1));
    while (fill_ != 56) add(std::string_view("\0", 1));
    for (int shift = 56; shift >= 0; shift -= 8) {
      const char byte = static_cast<char>(bits >> shift);
      add(std::string_view(&byte, 1));
    }
    std::string text;
    for (const std::uint32_t word : state_)
      for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[word >> shift & 15];
    return text;
  }

 private:
  void compress() {
    static const auto constants = round_constants();
    std::array<std::uint32_t, 64> w{};
    for (std::size_t i = 0; i < 16; ++i)
      w[i] = std::uint32_t{block_[4 * i]} << 24 | std::uint32_t{block_[4 * i + 1]} << 16 | std::uint32_t{block_[4 * i + 2]} << 8 |
             block_[4 * i + 3];
    for (std::size_t i = 16; i < 64; ++i) {
      const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
      const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    auto [a, b, c, d, e, f, g, h] = state_;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + constants[i] + w[i];
      const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    const std::array<std::uint32_t, 8> added{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) state_[i] += added[i];
    fill_ = 0;
  }

  // Section 5.3.3: the first 32 bits of the fractional parts of the square roots of the first 8 primes.
  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> block_{};
  std::size_t fill_ = 0;
  std::uint64_t length_ = 0;
};

}  // namespace

Provenance build_provenance() {
  Provenance p;
  p.strata_version = version;
  p.commit = version_commit;
  p.dirty = version_dirty;
  p.compiler = version_compiler;
  p.flags = version_flags;
  return p;
}

std::map<std::string, std::string> attributes_of(const Provenance& p) {
  std::map<std::string, std::string> attributes{{"strata_version", p.strata_version},
                                                {"commit", p.commit},
                                                {"dirty", p.dirty ? "true" : "false"},
                                                {"compiler", p.compiler},
                                                {"flags", p.flags}};
  if (!p.device.empty()) {
    attributes["device"] = p.device;
    attributes["isa"] = p.isa;
    attributes["threads"] = std::to_string(p.threads);
    attributes["seed"] = std::to_string(p.seed);
  }
  if (!p.created.empty()) attributes["created"] = p.created;
  return attributes;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.digest();
}

std::string sha256_of_file(const std::string& path) {
  if (std::filesystem::is_directory(path)) throw FileError(path, "", "is a folder, not a file");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw FileError(path, "", disk_reason(errno));
  Sha256 hash;
  std::string block(std::size_t{1} << 16, '\0');
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0)
    hash.add(std::string_view(block.data(), static_cast<std::size_t>(in.gcount())));
  if (in.bad()) throw FileError(path, "", disk_reason(errno));
  return hash.digest();
}

InputFile input_file(const std::string& path) {
  InputFile input{std::filesystem::path(path).filename().string(), 0, sha256_of_file(path)};
  input.bytes = static_cast<std::int64_t>(std::filesystem::file_size(path));
  return input;
}

std::string to_json(const std::vector<InputFile>& inputs) {
  auto list = nlohmann::ordered_json::array();
  for (const InputFile& input : inputs) list.push_back({{"name", input.name}, {"bytes", input.bytes}, {"sha256", input.sha256}});
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::int64_t peak_memory_bytes() {
  // "VmHWM: 12345 kB" belongs to this program alone; getrusage would count the program that started it.
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("VmHWM:", 0) != 0) continue;
    std::istringstream words(line.substr(6));
    std::int64_t kilobytes = 0;
    return words >> kilobytes ? kilobytes * 1024 : 0;
  }
  return 0;
}

}  // namespace strata
