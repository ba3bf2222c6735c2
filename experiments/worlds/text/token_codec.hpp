#pragma once
// What stands behind a Tokenizer: one class for every way of cutting text into tokens. Internal to the kinds and tokenizer.cpp.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "experiments/worlds/text/tokenizer.hpp"

namespace strata::text {

/// Ids with a meaning of their own; -1 where a kind has none.
struct SpecialIds {
  std::int32_t line = -1, paragraph = -1, document = -1, unknown = -1;
};

class TokenCodec {
 public:
  virtual ~TokenCodec() = default;
  virtual Index vocabulary() const = 0;
  virtual SpecialIds special() const = 0;
  /// All of them documents of `corpus`.
  virtual std::vector<EncodedDocument> encode(const Corpus& corpus, const std::vector<const Document*>& documents) const = 0;
  /// The ids are known to be in range, here and below.
  virtual std::string decode(std::span<const std::int32_t> ids, bool at_file_end) const = 0;
  virtual std::string piece(std::int32_t id) const = 0;
  virtual std::vector<std::uint8_t> to_bytes() const = 0;
};

DataError not_a_tokenizer(const std::string& why);

void append_field(std::vector<std::uint8_t>& out, std::string_view field);

/// Fields behind a first line that says of what kind the bytes are. Throws DataError where they end early.
class FieldReader {
 public:
  /// `first_line` with its line end.
  FieldReader(const std::vector<std::uint8_t>& bytes, std::string_view first_line) : bytes_(bytes), position_(first_line.size()) {}
  bool at_end() const { return position_ == bytes_.size(); }
  std::string take();

 private:
  const std::vector<std::uint8_t>& bytes_;
  std::size_t position_;
};

bool begins_with(const std::vector<std::uint8_t>& bytes, std::string_view first_line);

}  // namespace strata::text
