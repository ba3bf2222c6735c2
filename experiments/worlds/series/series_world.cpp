// The series world: one stream that shows the rows of a file. What may be read: series.hpp.

#include <cmath>
#include <cstring>
#include <memory>

#include "core/archive.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "experiments/worlds/registry.hpp"
#include "experiments/worlds/series/series.hpp"

namespace strata {

WorldKind series_world();

namespace series {
namespace {

/// Rows and values in one number: a checkpoint goes on with its own series only.
std::int64_t fingerprint(const Table& table) {
  std::uint64_t all = mix(table.time.size());
  for (const auto& column : table.columns)
    for (const double x : column) {
      std::uint64_t bits = 0;
      std::memcpy(&bits, &x, sizeof bits);
      all = mix(all ^ bits);
    }
  return static_cast<std::int64_t>(all);
}

class SeriesStream final : public World {
 public:
  SeriesStream(std::shared_ptr<const Table> table, bool binary, Index length)
      : table_(std::move(table)), binary_(binary), length_(std::min(length, static_cast<Index>(table_->time.size()))) {}

  Index streams() const override { return 1; }
  Index vocabulary() const override { return binary_ ? 2 : 0; }
  Index channels() const override { return binary_ ? 0 : static_cast<Index>(table_->columns.size()); }
  Index tokens() const override { return length_; }

  bool next(Observation& out) override {
    if (row_ >= length_) return false;
    const auto t = static_cast<std::size_t>(row_);
    out.active[0] = 1;
    out.id[0] = binary_ ? static_cast<std::int32_t>(table_->columns[0][t]) : 0;
    out.boundary[0] = out.event[0] = 0;
    out.document[0] = 0;
    out.byte_begin[0] = row_;  // the row stands for bytes
    out.byte_end[0] = row_ + 1;
    if (!binary_) {
      out.value.resize(table_->columns.size());
      for (std::size_t k = 0; k < table_->columns.size(); ++k) out.value[k] = table_->columns[k][t];
    }
    ++row_;
    return true;
  }

  void archive(Archive& archive) override {
    const std::int64_t own = fingerprint(*table_);
    std::int64_t row = row_, stored = own;
    archive.value("row", row);
    archive.value("fingerprint", stored);
    if (stored != own) throw ShapeError("state of the series world", "the series of " + table_->path, "another");
    if (row < 0 || row > length_)
      throw ShapeError("state of the series world", "a row from 0 to " + std::to_string(length_), std::to_string(row));
    row_ = row;
  }

 private:
  std::shared_ptr<const Table> table_;
  bool binary_;
  Index length_;
  std::int64_t row_ = 0;
};

class SeriesSource final : public Source {
 public:
  SeriesSource(Table table, bool binary) : table_(std::make_shared<const Table>(std::move(table))), binary_(binary) {}

  Index vocabulary() const override { return binary_ ? 2 : 0; }
  Index channels() const override { return binary_ ? 0 : static_cast<Index>(table_->columns.size()); }
  /// Frequencies of 0 and 1 with half a count of each, so that neither is impossible.
  std::vector<double> log_unigram() const override {
    if (!binary_) return {};
    double ones = .5;
    for (const double x : table_->columns[0]) ones += x;
    const double all = static_cast<double>(table_->time.size()) + 1;
    return {std::log((all - ones) / all), std::log(ones / all)};
  }
  /// Not drawn: the seed changes nothing, and `length` cuts the series where it is shorter.
  std::unique_ptr<World> open(Index streams, Index length, std::uint64_t) const override {
    if (streams != 1) throw ConfigError("world.streams", std::to_string(streams), "a series is one stream; set 1");
    return std::make_unique<SeriesStream>(table_, binary_, length);
  }

 private:
  std::shared_ptr<const Table> table_;
  bool binary_;
};

}  // namespace
}  // namespace series

WorldKind series_world() {
  return {"series",
          "a numeric series from a CSV or HDF5 file with a time column (--text FILE): numbers, or 0 and 1 as tokens",
          {{"world.", series::parameters()}},
          [](const Values& values, const std::vector<std::string>& inputs) -> std::unique_ptr<Source> {
            if (inputs.size() != 1)
              throw ConfigError(
                  "--text", inputs.empty() ? "" : inputs[1],
                  inputs.empty() ? "the series world reads a CSV or HDF5 file; name it: --text FILE" : "the series world reads one file");
            const auto settings = series::settings(values);
            return std::make_unique<series::SeriesSource>(series::read(inputs[0], settings), settings.binary);
          }};
}

}  // namespace strata
