#pragma once
// An archive in memory: what a thing consists of, by name. Used to give one run's state to another, to compare two states bit by bit, and
// to look at what a level carries without a window into it.

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "core/archive.hpp"

namespace strata {

struct ArchivedMatrix {
  Index rows = 0, cols = 0;
  std::vector<double> data;  // column-major; floats are widened, which keeps their bits apart
  double operator()(Index i, Index j) const { return data[static_cast<std::size_t>(j * rows + i)]; }
};

class MemoryArchive final : public Archive {
 public:
  using Item = std::variant<std::int64_t, double, std::string, std::vector<std::uint8_t>, std::vector<std::int32_t>,
                            std::vector<std::int64_t>, std::vector<float>, std::vector<double>, ArchivedMatrix>;

  bool loading() const override { return loading_; }
  void rewind() { loading_ = true; }  ///< from saving to loading, as often as wanted
  const std::map<std::string, Item>& items() const { return items_; }
  const ArchivedMatrix& at(const std::string& name) const { return std::get<ArchivedMatrix>(items_.at(name)); }

  void value(std::string_view name, std::int64_t& x) override { exchange(name, x); }
  void value(std::string_view name, double& x) override { exchange(name, x); }
  void value(std::string_view name, std::string& x) override { exchange(name, x); }
  void value(std::string_view name, std::vector<std::uint8_t>& x) override { exchange(name, x); }
  void value(std::string_view name, std::vector<std::int32_t>& x) override { exchange(name, x); }
  void value(std::string_view name, std::vector<std::int64_t>& x) override { exchange(name, x); }
  void value(std::string_view name, std::vector<float>& x) override { exchange(name, x); }
  void value(std::string_view name, std::vector<double>& x) override { exchange(name, x); }

 protected:
  void enter(std::string_view name) override { path_.emplace_back(name); }
  void leave() override { path_.pop_back(); }
  void matrix(std::string_view name, std::vector<float>& data, Index rows, Index cols) override { exchange_matrix(name, data, rows, cols); }
  void matrix(std::string_view name, std::vector<double>& data, Index rows, Index cols) override {
    exchange_matrix(name, data, rows, cols);
  }

 private:
  std::string key(std::string_view name) const;
  template <class X>
  void exchange(std::string_view name, X& x) {
    if (loading_) {
      x = std::get<X>(items_.at(key(name)));
    } else {
      store(key(name), x);
    }
  }
  template <class X>
  void exchange_matrix(std::string_view name, std::vector<X>& data, Index rows, Index cols) {
    ArchivedMatrix stored{rows, cols, std::vector<double>(data.begin(), data.end())};
    if (!loading_) {
      store(key(name), std::move(stored));
      return;
    }
    stored = load(key(name), rows, cols);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<X>(stored.data[i]);
  }
  const ArchivedMatrix& load(const std::string& name, Index rows, Index cols) const;  // another shape is an error
  void store(const std::string& name, Item item);                                     // a name used twice is an error

  bool loading_ = false;
  std::vector<std::string> path_;
  std::map<std::string, Item> items_;
};

/// Names whose items differ in any bit, or that only one of the two holds.
std::vector<std::string> differences(const MemoryArchive& a, const MemoryArchive& b);

}  // namespace strata
