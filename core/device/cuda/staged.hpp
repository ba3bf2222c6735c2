#pragma once
// Sparse operands on their way to the device, sorted by where they go.

#include <algorithm>
#include <cstring>
#include <span>
#include <type_traits>

#include "core/device/cuda/runtime.hpp"
#include "core/device/cuda/sparse.hpp"

namespace strata::gpu {

/// Groups and their items, as kernels see them.
template <class Item>
struct Staged {
  const Item* items;
  const Group* groups;
  Index count;  ///< groups
};

template <class Item>
const Item* stage(Staging& staging, std::span<const Item> items) {
  static_assert(std::is_trivially_copyable_v<Item>);
  const Staging::Room room = staging.reserve(items.size_bytes());
  if (!items.empty()) std::memcpy(room.host, items.data(), items.size_bytes());
  staging.send(room);
  return reinterpret_cast<const Item*>(room.device);
}

/// `items` sorted by key(item), which lies below `range`, and one group per key that occurs; with `every` one for each key below `range`.
template <class Item, class Key>
Staged<Item> stage_grouped(Staging& staging, Grouping& grouping, std::span<const Item> items, Index range, bool every, const Key& key) {
  static_assert(std::is_trivially_copyable_v<Item> && alignof(Item) <= alignof(std::max_align_t));
  grouping.run(items.size(), range, [&](std::size_t i) { return key(items[i]); });
  const std::vector<Group>& found = grouping.groups();
  const std::size_t count = every ? static_cast<std::size_t>(range) : found.size();
  const std::size_t bytes = items.size_bytes(), first_group = (bytes + 15) / 16 * 16;
  const Staging::Room room = staging.reserve(first_group + count * sizeof(Group));
  auto* to = reinterpret_cast<Item*>(room.host);
  for (const std::int32_t i : grouping.order()) *to++ = items[static_cast<std::size_t>(i)];
  auto* groups = reinterpret_cast<Group*>(room.host + first_group);
  if (every) {
    for (std::size_t k = 0; k < count; ++k) groups[k] = {static_cast<std::int32_t>(k), 0, 0};
    for (const Group& group : found) groups[group.key] = group;
  } else {
    std::copy(found.begin(), found.end(), groups);
  }
  staging.send(room);
  return {reinterpret_cast<const Item*>(room.device), reinterpret_cast<const Group*>(room.device + first_group), static_cast<Index>(count)};
}

}  // namespace strata::gpu
