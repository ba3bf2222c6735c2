#include "core/memory_archive.hpp"

#include <cstring>

#include "core/error.hpp"

namespace strata {

namespace {

template <class X>
bool same(const X& a, const X& b) {
  return a == b;
}
// NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): the same bits are asked for
bool same(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }
template <class X>
bool same(const std::vector<X>& a, const std::vector<X>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(X)) == 0);
}
bool same(const ArchivedMatrix& a, const ArchivedMatrix& b) { return a.rows == b.rows && a.cols == b.cols && same(a.data, b.data); }

}  // namespace

std::string MemoryArchive::key(std::string_view name) const {
  std::string all;
  for (const auto& part : path_) all += part + "/";
  return all + std::string(name);
}

void MemoryArchive::store(const std::string& name, Item item) {
  if (!items_.emplace(name, std::move(item)).second) throw ShapeError("archive", "a name for each thing", name + " twice");
}

const ArchivedMatrix& MemoryArchive::load(const std::string& name, Index rows, Index cols) const {
  const ArchivedMatrix& stored = at(name);
  if (stored.rows != rows || stored.cols != cols)
    throw ShapeError(name, std::to_string(rows) + " x " + std::to_string(cols),
                     std::to_string(stored.rows) + " x " + std::to_string(stored.cols));
  return stored;
}

std::vector<std::string> differences(const MemoryArchive& a, const MemoryArchive& b) {
  std::vector<std::string> names;
  for (const auto& [name, item] : a.items()) {
    const auto other = b.items().find(name);
    const bool equal = other != b.items().end() && item.index() == other->second.index() &&
                       std::visit([&](const auto& x) { return same(x, std::get<std::decay_t<decltype(x)>>(other->second)); }, item);
    if (!equal) names.push_back(name);
  }
  for (const auto& [name, item] : b.items())
    if (a.items().count(name) == 0) names.push_back(name);
  return names;
}

}  // namespace strata
