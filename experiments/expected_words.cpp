#include "experiments/expected_words.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace strata {

namespace {
constexpr std::string_view space_mark = "\xE2\x96\x81";  // U+2581

/// The character of a piece "<0x3B>" that stands for one byte of readable ASCII; 0 of others.
char readable_byte(const std::string& piece) {
  unsigned value = 0;
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') return 0;
  const auto end = piece.data() + 5;
  if (std::from_chars(piece.data() + 3, end, value, 16).ptr != end) return 0;
  return value > ' ' && value < 0x7F ? static_cast<char>(value) : 0;
}
}  // namespace

Expectation describe_expectation(std::span<const float> log_p, std::span<const double> log_background, const WordChoice& choice) {
  Expectation found;
  std::vector<std::pair<double, std::int32_t>> order;
  for (std::size_t w = 0; w < log_p.size(); ++w) {
    const double log = static_cast<double>(log_p[w]), lift = log - log_background[w], p = std::exp(log);
    if (p > 0) found.entropy -= p * log, found.departure += p * lift;
    if (!choice.usable.empty() && choice.usable[w] == 0) continue;
    const bool by_lift = choice.by == WordChoice::By::lift;
    if (!by_lift || (p >= choice.floor && lift > 0))
      order.emplace_back(by_lift ? -lift : -log, static_cast<std::int32_t>(w));  // of equal ones the lower id
  }
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(choice.count, order.size()));
  std::partial_sort(order.begin(), end, order.end());
  for (auto word = order.begin(); word != end; ++word) {
    const auto w = static_cast<std::size_t>(word->second);
    const double log = static_cast<double>(log_p[w]);
    found.words.push_back({word->second, std::exp(log), std::exp(log - log_background[w])});
  }
  return found;
}

Expectations::Expectations(Hierarchy<float>& hierarchy, Index vocabulary) : hierarchy_(hierarchy), vocabulary_(vocabulary) {
  asked_ = {hierarchy.device(), vocabulary_, hierarchy.streams()};
  host_.resize(static_cast<std::size_t>(hierarchy.depth()));
}

void Expectations::ask() {
  for (Index l = 0; l < hierarchy_.depth(); ++l) {
    if (!any(l)) continue;
    auto& host = host_[static_cast<std::size_t>(l)];
    host.resize(static_cast<std::size_t>(vocabulary_ * hierarchy_.streams()));
    hierarchy_.level(l).expectation(asked_);
    hierarchy_.device().download(asked_, host);
  }
}

std::span<const float> Expectations::log_p(Index level, Index stream) const {
  const auto v = static_cast<std::size_t>(vocabulary_);
  return std::span(host_[static_cast<std::size_t>(level)]).subspan(static_cast<std::size_t>(stream) * v, v);
}

ReadableWords::ReadableWords(const text::Tokenizer& tokenizer) : tokenizer_(tokenizer) {
  for (std::int32_t id = 0; id < tokenizer.vocabulary() && !spaced_; ++id) {
    const std::string piece = tokenizer.piece(id);
    spaced_ = piece.starts_with(space_mark) && piece.size() > space_mark.size();
  }
}

bool ReadableWords::goes_on(std::int32_t id) const {
  const std::string piece = tokenizer_.piece(id);
  if (!spaced_ || piece.empty() || piece.starts_with(space_mark) || piece.starts_with("\xE2\x80")) return false;  // quotation marks, dashes
  const auto first = static_cast<unsigned char>(piece.front());
  return first >= 0x80 || (first >= '0' && first <= '9') || (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
}

std::vector<std::uint8_t> ReadableWords::whole() const {
  std::vector<std::uint8_t> usable;
  usable.reserve(static_cast<std::size_t>(tokenizer_.vocabulary()));
  for (std::int32_t id = 0; id < tokenizer_.vocabulary(); ++id) usable.push_back(goes_on(id) ? 0 : 1);
  return usable;
}

std::string ReadableWords::operator()(std::int32_t id) const {
  if (id == tokenizer_.line_end()) return "(end of line)";
  if (id == tokenizer_.end_of_paragraph()) return "(end of paragraph)";
  if (id == tokenizer_.end_of_document()) return "(end of document)";
  const std::string piece = tokenizer_.piece(id);
  if (piece == space_mark) return "(space)";
  if (const char byte = readable_byte(piece); byte != 0) return {byte};
  if (piece.starts_with(space_mark)) return piece.substr(space_mark.size());
  return goes_on(id) ? "+" + piece : piece;
}

}  // namespace strata
