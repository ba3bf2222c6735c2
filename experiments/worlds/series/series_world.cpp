// The series world: one stream that shows the rows of a file. What may be read: series.hpp.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>

#include "core/archive.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "experiments/worlds/registry.hpp"
#include "experiments/worlds/series/series.hpp"

namespace strata {

WorldKind series_world();

namespace series {
namespace {

constexpr double least_variance = 1e-12;  // of a column that stands still: its surprise stays finite

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

/// What row `row` of the series shows in stream `j` of `out`.
void show(const Table& table, bool binary, std::int64_t row, std::size_t j, Observation& out) {
  const auto t = static_cast<std::size_t>(row), channels = table.columns.size();
  out.active[j] = 1;
  out.id[j] = binary ? static_cast<std::int32_t>(table.columns[0][t]) : 0;
  out.boundary[j] = out.event[j] = 0;
  out.document[j] = static_cast<std::int32_t>(j);
  out.byte_begin[j] = row;  // the row stands for bytes
  out.byte_end[j] = row + 1;
  for (std::size_t k = 0; k < channels && !binary; ++k) out.value[j * channels + k] = table.columns[k][t];
}

/// Where stretch k of trial t begins, [each * t + k]: the series is cut into `each` parts, and part k holds stretch k of every trial, begun
/// at places spread evenly over it, so that the stretches of a trial do not overlap. Who meets whom is drawn.
std::vector<std::int64_t> places(const Table& table, Index trials, Index each, Index length, std::uint64_t seed) {
  const auto rows = static_cast<Index>(table.time.size()), part = rows / each, room = part - length;
  if (room < trials - 1)
    throw DataError(table.path, 0,
                    "has " + std::to_string(rows) + " rows; " + std::to_string(each) + (each == 1 ? " stretch of " : " stretches of ") +
                        std::to_string(length) + " rows for each of " + std::to_string(trials) + " trials need " +
                        std::to_string(each * (length + trials - 1)) +
                        ": ask for shorter stretches or fewer trials (keys of the experiment: strata describe)");
  std::vector<std::int64_t> begin(static_cast<std::size_t>(trials * each)), order(static_cast<std::size_t>(trials));
  for (Index k = 0; k < each; ++k) {
    std::iota(order.begin(), order.end(), std::int64_t{0});
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[mix(random_base(seed, i, static_cast<std::uint32_t>(k), 0x5e81)) % i]);
    for (Index t = 0; t < trials; ++t)
      begin[static_cast<std::size_t>(each * t + k)] = k * part + order[static_cast<std::size_t>(t)] * room / std::max<Index>(1, trials - 1);
  }
  return begin;
}

/// Stretches of the series side by side.
class SeriesStretches final : public World {
 public:
  SeriesStretches(std::shared_ptr<const Table> table, bool binary, std::vector<std::int64_t> begin, Index length)
      : table_(std::move(table)), binary_(binary), begin_(std::move(begin)), length_(length) {}

  Index streams() const override { return static_cast<Index>(begin_.size()); }
  Index vocabulary() const override { return binary_ ? 2 : 0; }
  Index channels() const override { return binary_ ? 0 : static_cast<Index>(table_->columns.size()); }
  Index tokens() const override { return streams() * length_; }
  bool next(Observation& out) override {
    if (step_ >= length_) return false;
    out.value.resize(begin_.size() * static_cast<std::size_t>(channels()));
    for (std::size_t j = 0; j < begin_.size(); ++j) show(*table_, binary_, begin_[j] + step_, j, out);
    ++step_;
    return true;
  }
  void archive(Archive& archive) override { archive.value("step", step_); }

 private:
  std::shared_ptr<const Table> table_;
  bool binary_;
  std::vector<std::int64_t> begin_;
  Index length_;
  std::int64_t step_ = 0;
};

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
    if (!binary_) out.value.resize(table_->columns.size());
    show(*table_, binary_, row_, 0, out);
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
  std::vector<LongRun> long_run() const override {
    if (binary_) return {};
    std::vector<LongRun> all;
    for (const auto& column : table_->columns) {
      const auto n = static_cast<double>(column.size());
      const double mean = std::accumulate(column.begin(), column.end(), 0.) / n;
      double square = 0;
      for (const double x : column) square += (x - mean) * (x - mean);
      all.push_back({mean, std::max(square / n, least_variance)});
    }
    return all;
  }
  /// Not drawn: the seed changes nothing, and `length` cuts the series where it is shorter.
  std::unique_ptr<World> open(Index streams, Index length, std::uint64_t) const override {
    if (streams != 1) throw ConfigError("world.streams", std::to_string(streams), "a series is one stream; set 1");
    return std::make_unique<SeriesStream>(table_, binary_, length);
  }
  std::unique_ptr<World> stretches(Index trials, Index each, Index length, std::uint64_t seed) const override {
    return std::make_unique<SeriesStretches>(table_, binary_, places(*table_, trials, each, length, seed), length);
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
          },
          true};
}

}  // namespace strata
