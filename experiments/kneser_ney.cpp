#include "experiments/kneser_ney.hpp"

#include <algorithm>
#include <string>

#include "core/error.hpp"

namespace strata {

namespace {

constexpr int first_bits = 10;
constexpr std::array<double, 3> usual_discounts{.5, 1, 1.5};

std::array<double, 3> discounts_from(const std::array<std::int64_t, 4>& n) {
  if (std::find(n.begin(), n.end(), 0) != n.end()) return usual_discounts;
  const auto count = [&](std::size_t k) { return static_cast<double>(n[k - 1]); };
  const double y = count(1) / (count(1) + 2 * count(2));
  std::array<double, 3> d{};
  for (std::size_t k = 1; k <= 3; ++k) {
    const auto times = static_cast<double>(k);
    d[k - 1] = times - (times + 1) * y * count(k + 1) / count(k);
    if (d[k - 1] < 0 || d[k - 1] > times) return usual_discounts;
  }
  return d;
}

}  // namespace

NodeWordTable::NodeWordTable() : slots_(std::size_t{1} << first_bits), shift_(64 - first_bits) {}

std::size_t NodeWordTable::place(std::uint32_t node, std::int32_t word) const {
  std::uint64_t key = (std::uint64_t{node} << 32) | static_cast<std::uint32_t>(word);
  key = (key ^ (key >> 32)) * 0x9E3779B97F4A7C15ULL;  // multipliers with bits well spread: neighbours in words and nodes part ways
  key = (key ^ (key >> 29)) * 0xBF58476D1CE4E5B9ULL;
  std::size_t at = static_cast<std::size_t>(key >> shift_);
  while (slots_[at].value != absent && (slots_[at].node != node || slots_[at].word != word)) at = (at + 1) & (slots_.size() - 1);
  return at;
}

std::uint32_t& NodeWordTable::value(std::uint32_t node, std::int32_t word, std::uint32_t otherwise) {
  std::size_t at = place(node, word);
  if (slots_[at].value == absent) {
    if (4 * (size_ + 1) > 3 * slots_.size()) {
      grow();
      at = place(node, word);
    }
    slots_[at] = {node, word, otherwise};
    ++size_;
  }
  return slots_[at].value;
}

void NodeWordTable::grow() {
  std::vector<Slot> old(2 * slots_.size());
  old.swap(slots_);
  --shift_;
  for (const Slot& slot : old)
    if (slot.value != absent) slots_[place(slot.node, slot.word)] = slot;
}

KneserNey::KneserNey(int order, Index vocabulary) : order_(order), vocabulary_(vocabulary), nodes_(1) {
  if (order < 1 || order > highest_order) throw ShapeError("KneserNey", "an order of 1 .. 8", std::to_string(order));
  if (vocabulary < 1) throw ShapeError("KneserNey", "a vocabulary of at least one word", std::to_string(vocabulary));
  counts_of_counts_.assign(static_cast<std::size_t>(order), {});
  discounts_.assign(static_cast<std::size_t>(order), usual_discounts);
}

void KneserNey::require_word(const char* where, std::int32_t id) const {
  if (id < 0 || id >= vocabulary_) throw ShapeError(where, "a word 0 .. " + std::to_string(vocabulary_ - 1), std::to_string(id));
}

/// Fills `path` with the histories of 0, 1, .. words that are known and returns how many words the longest has.
int KneserNey::walk(std::span<const std::int32_t> history, Path& path) const {
  path[0] = 0;
  const int longest = std::min(order_ - 1, static_cast<int>(std::min<std::size_t>(history.size(), highest_order)));
  for (int length = 1; length <= longest; ++length) {
    const auto places = static_cast<std::size_t>(length);
    const std::int32_t word = history[history.size() - places];
    const std::uint32_t node = histories_.find(path[places - 1], word);
    if (node == NodeWordTable::absent) return length - 1;
    path[places] = node;
    if (word == begin) return length;
  }
  return longest;
}

int KneserNey::matched(std::span<const std::int32_t> history) const {
  Path path;
  return walk(history, path);
}

double KneserNey::probability(std::span<const std::int32_t> history, std::int32_t id) const {
  require_word("KneserNey::probability", id);
  Path path;
  const int longest = walk(history, path);
  double p = 1 / static_cast<double>(vocabulary_);
  bool known = true;  // with a history; where it is not, it is with none that is longer
  for (std::size_t length = 0; length <= static_cast<std::size_t>(longest); ++length) {
    const Node& node = nodes_[path[length]];
    if (node.total == 0) break;  // before anything was learned
    const auto& d = discounts_[length];
    double mass = d[0] * node.with[0] + d[1] * node.with[1] + d[2] * node.with[2];
    mass *= p;
    if (known) {
      const std::uint32_t count = counts_.find(path[length], id);
      known = count != NodeWordTable::absent;
      if (known) mass += count - d[std::min(count, 3U) - 1];
    }
    p = mass / node.total;
  }
  return p;
}

/// Keeps the sums up to date for an n-gram of `length` words whose count has become `count`.
void KneserNey::bump(std::uint32_t node, std::size_t length, std::uint32_t count) {
  Node& sums = nodes_[node];
  ++sums.total;
  if (count <= 3) {
    if (count > 1) --sums.with[count - 2];
    ++sums.with[count - 1];
  }
  auto& n = counts_of_counts_[length - 1];
  if (count > 1 && count <= 5) --n[count - 2];
  if (count <= 4) ++n[count - 1];
}

void KneserNey::learn(std::span<const std::int32_t> history, std::int32_t id) {
  require_word("KneserNey::learn", id);
  Path path{};
  std::size_t longest = 0;
  const std::size_t most = std::min(static_cast<std::size_t>(order_) - 1, history.size());
  while (longest < most) {
    const std::int32_t word = history[history.size() - 1 - longest];
    const auto fresh = static_cast<std::uint32_t>(nodes_.size());
    const std::uint32_t node = histories_.value(path[longest], word, fresh);
    if (node == fresh) nodes_.emplace_back();
    path[++longest] = node;
    if (word == begin) break;
  }
  // An n-gram met for the first time is one more word before the n-gram that is shorter by its oldest word, and so on down.
  for (std::size_t length = longest;; --length) {
    const std::uint32_t count = ++counts_.value(path[length], id, 0);
    bump(path[length], length + 1, count);
    if (count > 1 || length == 0) break;
  }
}

void KneserNey::add(std::span<const std::int32_t> ids) {
  sequence_.assign(1, begin);
  sequence_.insert(sequence_.end(), ids.begin(), ids.end());
  const std::span<const std::int32_t> all(sequence_);
  for (std::size_t i = 1; i < all.size(); ++i) learn(all.first(i), all[i]);
}

void KneserNey::finish() {
  for (std::size_t length = 0; length < discounts_.size(); ++length) discounts_[length] = discounts_from(counts_of_counts_[length]);
}

std::size_t KneserNey::bytes() const { return histories_.bytes() + counts_.bytes() + nodes_.capacity() * sizeof(Node); }

}  // namespace strata
