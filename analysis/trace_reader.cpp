#include "analysis/trace_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "core/io/hdf5.hpp"

namespace strata {

class TraceFile {
 public:
  explicit TraceFile(const std::string& path) : hdf5(path, Hdf5File::Mode::read) {}
  Hdf5File hdf5;
};

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// Level groups are numbered; anything else under /levels belongs to somebody else.
bool parse_number(const std::string& text, Index& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= 0;
}

double number_or_nan(const Hdf5File& file, const std::string& object, const std::string& name) {
  if (!file.is_group(object)) return kNan;
  if (!file.has_attribute(object, name) || file.is_text_attribute(object, name)) return kNan;
  return file.number_attribute(object, name);
}

std::vector<LevelInfo> find_levels(const Hdf5File& file, const std::string& prefix) {
  std::vector<LevelInfo> levels;
  if (!file.is_group(prefix + "levels")) return levels;
  for (const std::string& group : file.groups(prefix + "levels")) {
    Index number = 0;
    if (!parse_number(group, number)) continue;
    const std::string object = prefix + "levels/" + group;
    // A condition of a foreign trace often describes its levels at the root alone.
    const std::string root = "/levels/" + group;
    const std::string described = file.has_attribute(object, "name") || !file.is_group(root) ? object : root;
    LevelInfo level{number, "level " + group, number_or_nan(file, described, "time_constant"), number_or_nan(file, described, "tick")};
    if (file.has_attribute(described, "name") && file.is_text_attribute(described, "name"))
      level.name = file.text_attribute(described, "name");
    levels.push_back(level);
  }
  std::sort(levels.begin(), levels.end(), [](const LevelInfo& a, const LevelInfo& b) { return a.number < b.number; });
  return levels;
}

std::vector<std::int64_t> read_per_stream(const Hdf5File& file, const std::string& dataset) {
  if (!file.is_dataset(dataset)) return {};
  const auto array = file.read<std::int64_t>(dataset);
  if (array.shape.size() != 1) throw ShapeError(file.path() + " [" + dataset + "]", "(stream)", to_text(array.shape));
  return array.data;
}

std::vector<std::int64_t> read_time(const Hdf5File& file, const std::string& group, std::int64_t samples) {
  const std::string dataset = group + "/time";
  if (!file.is_dataset(dataset)) {
    std::vector<std::int64_t> time(static_cast<std::size_t>(samples));
    std::iota(time.begin(), time.end(), std::int64_t{0});
    return time;
  }
  auto array = file.read<std::int64_t>(dataset);
  if (array.shape != Shape{samples}) throw ShapeError(file.path() + " [" + dataset + "]", to_text(Shape{samples}), to_text(array.shape));
  for (std::size_t i = 1; i < array.data.size(); ++i)
    if (array.data[i] <= array.data[i - 1])
      throw DataError(file.path(), 0,
                      dataset + " does not ascend at index " + std::to_string(i) + "; write the samples in the order of their time");
  return std::move(array.data);
}

std::string index_text(std::size_t flat, const Shape& shape) {
  std::string text;
  for (std::size_t d = shape.size(); d-- > 0;) {
    const auto size = static_cast<std::size_t>(shape[d]);
    text = std::to_string(flat % size) + (text.empty() ? "" : ", ") + text;
    flat /= size;
  }
  return "(" + text + ")";
}

/// `valid`: per stream, times from which on values are fill; named `valid_name` in errors.
Series read_series(const Hdf5File& hdf5, const std::string& group, const std::string& dataset, std::size_t rank,
                   const std::vector<std::int64_t>& valid, const std::string& valid_name) {
  const std::string object = group + "/" + dataset, where = hdf5.path() + " [" + object + "]";
  if (!hdf5.is_dataset(object))
    throw DataError(hdf5.path(), 0,
                    "no dataset " + object + " inside; there: " +
                        joined(hdf5.is_group(group) ? hdf5.datasets(group) : std::vector<std::string>{"no such group"}));
  const Shape shape = hdf5.shape(object);
  const char* expected = rank == 3 ? "(time, stream, unit)" : "(time, stream)";
  if (shape.size() != rank || elements(shape) == 0) throw ShapeError(where, std::string(expected) + ", none of them 0", to_text(shape));
  if (!valid.empty() && static_cast<std::int64_t>(valid.size()) != shape[1])
    throw ShapeError(hdf5.path() + " [" + valid_name + "]", std::to_string(shape[1]) + " streams as in " + object,
                     std::to_string(valid.size()));
  Series out;
  out.streams = shape[1];
  out.units = rank == 3 ? shape[2] : 1;
  out.time = read_time(hdf5, group, shape[0]);
  out.value = hdf5.read<float>(object).data;
  for (std::size_t t = 0; t < out.time.size(); ++t)
    for (Index s = 0; s < out.streams; ++s) {
      if (!valid.empty() && out.time[t] >= valid[static_cast<std::size_t>(s)]) continue;  // fill, whatever it holds
      const auto row = out.at(t, s);
      const auto bad = std::find_if(row.begin(), row.end(), [](float x) { return !std::isfinite(x); });
      if (bad != row.end())
        throw DataError(hdf5.path(), 0,
                        object + " is not finite at index " + index_text(static_cast<std::size_t>(&*bad - out.value.data()), shape) +
                            (rank == 3 ? " (time, stream, unit)" : " (time, stream)"));
    }
  return out;
}

}  // namespace

Recording::Recording(std::shared_ptr<TraceFile> file, std::string name) : file_(std::move(file)), name_(std::move(name)) {
  const Hdf5File& hdf5 = file_->hdf5;
  prefix_ = name_ == "/" ? "/" : "/conditions/" + name_ + "/";
  const std::string group = name_ == "/" ? "/" : "/conditions/" + name_;
  levels_ = find_levels(hdf5, prefix_);
  if (levels_.empty() && !hdf5.is_dataset(prefix_ + "tokens/surprise"))
    throw DataError(
        hdf5.path(), 0,
        "no " + prefix_ + "levels/0, /1, ... inside: not a trace; it should hold " + prefix_ + "levels/L/belief (time, stream, unit)");
  const auto other = [&](const char* attribute, const std::string& otherwise) {
    if (!hdf5.has_attribute(group, attribute) || !hdf5.is_text_attribute(group, attribute)) return otherwise;
    const std::string text = hdf5.text_attribute(group, attribute), folder = "/conditions/";
    return text.rfind(folder, 0) == 0 ? text.substr(folder.size()) : text;
  };
  reference_ = other("reference", "/");
  home_ = other("home", "");
  valid_ = read_per_stream(hdf5, prefix_ + "valid");
  passage_length_ = read_per_stream(hdf5, prefix_ + "passage_length");
}

bool Recording::has_level(Index number) const {
  return std::any_of(levels_.begin(), levels_.end(), [&](const LevelInfo& level) { return level.number == number; });
}

std::string Recording::level_path(Index level) const { return prefix_ + "levels/" + std::to_string(level); }

bool Recording::has(Index level, const std::string& dataset) const { return file_->hdf5.is_dataset(level_path(level) + "/" + dataset); }

Series Recording::vectors(Index level, const std::string& dataset) const { return read(level_path(level), dataset, 3); }
Series Recording::scalars(Index level, const std::string& dataset) const { return read(level_path(level), dataset, 2); }

bool Recording::has_token_surprise() const { return file_->hdf5.is_dataset(prefix_ + "tokens/surprise") || has(0, "surprise"); }

Series Recording::token_surprise() const {
  if (file_->hdf5.is_dataset(prefix_ + "tokens/surprise")) return read(prefix_ + "tokens", "surprise", 2);
  return scalars(0, "surprise");
}

bool Recording::has_token_ids() const { return file_->hdf5.is_dataset(prefix_ + "tokens/id"); }

IntegerSeries Recording::token_ids() const { return of_tokens("id"); }
IntegerSeries Recording::token_documents() const { return of_tokens("document"); }

IntegerSeries Recording::of_tokens(const std::string& dataset) const {
  const Hdf5File& hdf5 = file_->hdf5;
  const std::string object = prefix_ + "tokens/" + dataset;
  if (!hdf5.is_dataset(object))
    throw DataError(hdf5.path(), 0, "no dataset " + object + " (time, stream) inside; every command that records tokens writes it");
  auto array = hdf5.read<std::int32_t>(object);
  if (array.shape.size() != 2 || array.data.empty())
    throw ShapeError(hdf5.path() + " [" + object + "]", "(time, stream), none of them 0", to_text(array.shape));
  return {read_time(hdf5, prefix_ + "tokens", array.shape[0]), array.shape[1], std::move(array.data)};
}

bool Recording::has_events() const { return file_->hdf5.is_dataset(prefix_ + "events/kind"); }

std::vector<EventRow> Recording::events() const {
  const Hdf5File& hdf5 = file_->hdf5;
  for (const char* name : {"time", "stream", "kind"})
    if (!hdf5.is_dataset(prefix_ + "events/" + name))
      throw DataError(hdf5.path(), 0,
                      "no dataset " + prefix_ + "events/" + name + " inside: `strata evaluate`, and every run on text, record the events");
  const auto time = hdf5.read<std::int64_t>(prefix_ + "events/time");
  const auto stream = hdf5.read<std::int32_t>(prefix_ + "events/stream");
  const auto kind = hdf5.read<std::int32_t>(prefix_ + "events/kind");
  if (time.shape.size() != 1 || stream.shape != time.shape || kind.shape != time.shape)
    throw ShapeError(hdf5.path() + " [" + prefix_ + "events]", "time, stream and kind of one length", to_text(kind.shape));
  std::vector<EventRow> rows;
  for (std::size_t i = 0; i < time.data.size(); ++i) rows.push_back({time.data[i], stream.data[i], kind.data[i]});
  return rows;
}

double Recording::attribute(Index level, const std::string& name) const {
  const double own = number_or_nan(file_->hdf5, level_path(level), name);
  const std::string root = "/levels/" + std::to_string(level);
  return own == own || !file_->hdf5.is_group(root) ? own : number_or_nan(file_->hdf5, root, name);
}

Series Recording::read(const std::string& group, const std::string& dataset, std::size_t rank) const {
  return read_series(file_->hdf5, group, dataset, rank, valid_, prefix_ + "valid");
}

Trace::Trace(const std::string& path) : file_(std::make_shared<TraceFile>(path)) {}

const std::string& Trace::path() const { return file_->hdf5.path(); }
Recording Trace::root() const { return Recording(file_, "/"); }

std::vector<std::string> Trace::conditions() const {
  return file_->hdf5.is_group("/conditions") ? file_->hdf5.groups("/conditions") : std::vector<std::string>{};
}

bool Trace::has_condition(const std::string& name) const { return !name.empty() && file_->hdf5.is_group("/conditions/" + name); }

Recording Trace::condition(const std::string& name) const {
  if (has_condition(name)) return Recording(file_, name);
  const auto there = conditions();
  throw DataError(path(), 0,
                  "no condition '" + name + "' was recorded (/conditions/" + name + "); " +
                      (there.empty() ? "there are no conditions in this trace" : "there: " + joined(there)));
}

Recording Trace::reference_of(const Recording& recording) const {
  return recording.reference() == "/" ? root() : condition(recording.reference());
}

std::optional<Recording> Trace::home_of(const Recording& recording) const {
  if (recording.home().empty()) return std::nullopt;
  return recording.home() == "/" ? root() : condition(recording.home());
}

bool Trace::has_contexts() const { return file_->hdf5.is_dataset("/world/context"); }

Contexts Trace::contexts() const {
  const Hdf5File& hdf5 = file_->hdf5;
  if (!has_contexts())
    throw DataError(path(), 0,
                    "no dataset /world/context (time, stream, level) inside: needs a run on a world whose contexts are known, such as "
                    "`strata run optimum --world nested`");
  auto array = hdf5.read<std::int32_t>("/world/context");
  const std::string where = path() + " [/world/context]";
  if (array.shape.size() != 3 || array.data.empty()) throw ShapeError(where, "(time, stream, level), none of them 0", to_text(array.shape));
  Contexts out{read_time(hdf5, "/world", array.shape[0]), array.shape[1], array.shape[2], {}, std::move(array.data)};
  out.states.assign(static_cast<std::size_t>(out.levels), 0);
  for (std::size_t i = 0; i < out.value.size(); ++i) {
    Index& states = out.states[i % out.states.size()];
    states = std::max<Index>(states, out.value[i] + 1);
  }
  if (!hdf5.has_attribute("/world/context", "states")) return out;
  const auto states = hdf5.numbers_attribute("/world/context", "states");
  if (states.size() != out.states.size())
    throw ShapeError(where + " attribute states", std::to_string(out.levels) + " levels", std::to_string(states.size()));
  for (std::size_t l = 0; l < states.size(); ++l) {
    if (static_cast<double>(out.states[l]) > states[l])
      throw DataError(path(), 0,
                      "/world/context holds context " + std::to_string(out.states[l] - 1) + " at level " + std::to_string(l) +
                          ", but its attribute `states` says there are " + std::to_string(static_cast<Index>(states[l])));
    out.states[l] = static_cast<Index>(states[l]);
  }
  return out;
}

bool Trace::has_world(const std::string& name) const { return file_->hdf5.is_dataset("/world/" + name); }
Series Trace::world(const std::string& name) const { return read_series(file_->hdf5, "/world", name, 3, {}, ""); }

std::vector<std::int64_t> common_valid(const Recording& a, const Recording& b) {
  if (a.valid().empty()) return b.valid();
  if (b.valid().empty()) return a.valid();
  std::vector<std::int64_t> out = a.valid();
  if (out.size() != b.valid().size())
    throw ShapeError("valid of " + a.name() + " and " + b.name(), std::to_string(out.size()) + " streams",
                     std::to_string(b.valid().size()));
  for (std::size_t s = 0; s < out.size(); ++s) out[s] = std::min(out[s], b.valid()[s]);
  return out;
}

std::string compared_dataset(const Recording& a, const Recording& b, Index level, const std::string& wanted, const std::string& first) {
  const std::string second = first == "prediction" ? "belief" : "prediction";
  if (wanted != "auto") return wanted;
  return a.has(level, first) && b.has(level, first) ? first : a.has(level, second) && b.has(level, second) ? second : "belief";
}

}  // namespace strata
