#pragma once
// Sparse operands: how the host sorts them by where they go, and the bodies that add them in their order. No two threads write to one
// place, so no order depends on the machine.

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "core/device/cuda/both.hpp"
#include "core/device/cuda/reducing.hpp"

namespace strata::gpu {

/// Items first .. last - 1 of a sorted list go to `key`.
struct Group {
  std::int32_t key, first, last;
};

/// Sorts items by key, those of one key in their order: by counting, so that its cost is that of reading them.
class Grouping {
 public:
  /// key(i) of each of `count` items, 0 <= key < range.
  template <class Key>
  void run(std::size_t count, Index range, const Key& key) {
    groups_.clear();
    order_.resize(count);
    bool sorted = true;
    for (std::size_t i = 1; i < count && sorted; ++i) sorted = key(i - 1) <= key(i);
    if (sorted) {
      std::iota(order_.begin(), order_.end(), 0);
    } else {
      next_.assign(static_cast<std::size_t>(range) + 1, 0);
      for (std::size_t i = 0; i < count; ++i) ++next_[static_cast<std::size_t>(key(i)) + 1];
      std::partial_sum(next_.begin(), next_.end(), next_.begin());
      for (std::size_t i = 0; i < count; ++i)
        order_[static_cast<std::size_t>(next_[static_cast<std::size_t>(key(i))]++)] = static_cast<std::int32_t>(i);
    }
    for (std::size_t at = 0; at < count; ++at) {
      const std::int32_t now = key(static_cast<std::size_t>(order_[at]));
      if (groups_.empty() || groups_.back().key != now) groups_.push_back({now, static_cast<std::int32_t>(at), 0});
      groups_.back().last = static_cast<std::int32_t>(at) + 1;
    }
  }
  const std::vector<std::int32_t>& order() const { return order_; }  ///< which item comes at each place
  const std::vector<Group>& groups() const { return groups_; }

 private:
  std::vector<std::int32_t> order_, next_;
  std::vector<Group> groups_;
};

/// y(:, target) += scale x(:, source), all of one target by one thread per row.
template <class T>
struct ScatterColumns {
  ConstView<T> x;
  const Scatter<T>* items;
  const Group* groups;
  View<T> y;
  STRATA_BOTH void operator()(Index i, Index group) const {
    const Group g = groups[group];
    T sum = at(y, i, g.key);
    for (std::int32_t k = g.first; k < g.last; ++k) sum += items[k].scale * at(x, i, items[k].source);
    at(y, i, g.key) = sum;
  }
};

constexpr Index entry_chunk = 128;  ///< entries of one column that a block holds at a time

/// A chunk of the entries of one column. Thread t adds all those that share the row of the t-th, if it is the first of them.
template <class T>
struct AddEntries {
  const Entry<T>* entries;
  const Group* groups;
  ConstView<T> weight;
  View<T> y;
  STRATA_BOTH Entry<T> load(Index place) const {
    Entry<T> entry = entries[place];
    if (weight.data != nullptr) entry.value *= weight.data[entry.row];
    return entry;
  }
  STRATA_BOTH void add(const Entry<T>* chunk, Index count, Index t) const {
    if (t >= count) return;
    const Entry<T> own = chunk[t];
    for (Index u = 0; u < t; ++u)
      if (chunk[u].row == own.row) return;
    T sum = at(y, own.row, own.col);
    for (Index u = t; u < count; ++u)
      if (chunk[u].row == own.row) sum += chunk[u].value;
    at(y, own.row, own.col) = sum;
  }
};

template <class T>
void add_entries_on_host(const AddEntries<T>& body, Index groups) {
  std::vector<Entry<T>> chunk(static_cast<std::size_t>(entry_chunk));
  for (Index g = 0; g < groups; ++g)
    for (Index first = body.groups[g].first; first < body.groups[g].last; first += entry_chunk) {
      const Index count = std::min<Index>(entry_chunk, body.groups[g].last - first);
      for (Index t = 0; t < count; ++t) chunk[static_cast<std::size_t>(t)] = body.load(first + t);
      for (Index t = entry_chunk; t-- > 0;) body.add(chunk.data(), count, t);  // any order: backwards
    }
}

/// gradient(row) += scale sum of e.value x(row, e.col); a group is a row.
template <class T>
struct DotEntries : Sum<T> {
  T scale;
  const Entry<T>* entries;
  const Group* groups;
  ConstView<T> x;
  View<T> gradient;
  DotEntries(T s, const Entry<T>* e, const Group* g, ConstView<T> from, View<T> to)
      : Sum<T>{0}, scale(s), entries(e), groups(g), x(from), gradient(to) {}
  STRATA_BOTH Index begin(Index q) const { return groups[q].first; }
  STRATA_BOTH Index end(Index q) const { return groups[q].last; }
  STRATA_BOTH void add(T& sum, Index k, Index) const { sum += entries[k].value * at(x, entries[k].row, entries[k].col); }
  STRATA_BOTH void finish(T total, Index q, Index t, Index) const {
    if (t == 0) gradient.data[groups[q].key] += scale * total;
  }
};

template <class T>
struct ReadEntries {
  ConstView<T> x;
  const Entry<T>* entries;
  T* out;
  STRATA_BOTH void operator()(Index i, Index) const { out[i] = at(x, entries[i].row, entries[i].col); }
};

}  // namespace strata::gpu
