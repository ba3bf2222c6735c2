#include "experiments/signatures.hpp"

#include "analysis/trace_reader.hpp"
#include "core/error.hpp"
#include "experiments/world_reading.hpp"

namespace strata {

namespace {

/// Puts another source into a study for as long as it lives.
class Replaced {
 public:
  Replaced(SampledStudy& study, std::unique_ptr<Source> source)
      : study_(study), kept_(std::move(study.source)), log_unigram_(study.log_unigram) {
    study.source = std::move(source);
    study.log_unigram = study.source->log_unigram();
  }
  ~Replaced() {
    study_.source = std::move(kept_);
    study_.log_unigram = log_unigram_;
  }
  Replaced(const Replaced&) = delete;
  Replaced& operator=(const Replaced&) = delete;

 private:
  SampledStudy& study_;
  std::unique_ptr<Source> kept_;
  std::vector<double> log_unigram_;
};

Values world_values(const Bench& bench, const std::string& control) {
  Configuration c = bench.study.options.configuration;
  if (!control.empty()) c.set("world.control", control);
  Values values;
  for (const auto& [prefix, table] : find_world_kind(bench.study.options.world).parameters) values = c.resolve(table, prefix);
  return values;
}

void require_clamps(Hierarchy<float>& hierarchy) {
  for (Index l = 1; l < hierarchy.depth(); ++l)
    if (!hierarchy.level(l).clamps())
      throw ConfigError(
          level_key(l, "kind"), hierarchy.level(l).kind(),
          "what this kind says downwards cannot be clamped; that of categorical, conditional, gaussian and volatile levels can");
}

void clamp(Hierarchy<float>& hierarchy, const std::vector<std::vector<float>>& means) {
  const std::vector<std::uint8_t> all(static_cast<std::size_t>(hierarchy.streams()), 1);
  for (Index l = 1; l < hierarchy.depth(); ++l) {
    const auto& mean = means[static_cast<std::size_t>(l)];
    const Index units = hierarchy.level(l).downward().activity.rows;
    if (units != static_cast<Index>(mean.size()))
      throw ShapeError("clamp of level " + std::to_string(l), std::to_string(units) + " units", std::to_string(mean.size()));
    std::vector<float> columns;
    for (Index j = 0; j < hierarchy.streams(); ++j) columns.insert(columns.end(), mean.begin(), mean.end());
    Tensor<float> activity(hierarchy.device(), units, hierarchy.streams());
    hierarchy.device().upload(columns, activity);
    hierarchy.level(l).clamp_downward(all, activity);
  }
}

}  // namespace

ParameterTable reading_parameters() {
  return {
      {"streams", std::int64_t{16}, 1, 4096, {}, "streams", "read side by side with learning off", ""},
      {"steps", std::int64_t{16384}, 100, 1e9, {}, "steps", "of each of them that are recorded", ""},
      {"warm_up", std::int64_t{1024}, 0, 1e9, {}, "steps", "of each before that: beliefs start from nothing", ""},
  };
}

void require_paradigm(const Bench& bench, const std::string& paradigm, bool clamped) {
  const std::string played = world_values(bench, "").text("paradigm");
  if (played != paradigm)
    throw ConfigError("world.paradigm", played, "is another experiment's; add --config experiments/config/" + paradigm + ".ini");
  if (clamped) require_clamps(*bench.study.make_hierarchy(1));
}

void read_blocks(Bench& bench, const std::string& path, const std::vector<std::vector<float>>& means) {
  SampledStudy& study = bench.sampled();
  WorldReading reading;
  reading.streams = bench.values.integer("streams");
  reading.from = bench.values.integer("warm_up");
  reading.length = reading.from + bench.values.integer("steps");
  reading.seed = study.options.seed + 0x5eed;  // other blocks than those learned from
  reading.exact = true;
  reading.what = means.empty() ? "reading with learning off" : "reading with top-down messages clamped";
  auto hierarchy = study.load_hierarchy(bench.model, reading.streams);
  if (!means.empty()) clamp(*hierarchy, means);
  read_world(study, *hierarchy, reading, study.options.experiment, path, bench.progress);
}

void read_control(Bench& bench, const std::string& path, const std::string& control) {
  SampledStudy& study = bench.sampled();
  const Replaced other(study, find_world_kind(study.options.world).make(world_values(bench, control), study.options.text));
  read_blocks(bench, path);
}

std::vector<std::vector<float>> mean_beliefs(const std::string& path) {
  const Recording root = Trace(path).root();
  std::vector<std::vector<float>> out;
  for (const LevelInfo& level : root.levels()) {
    const Series belief = root.vectors(level.number, "belief");
    std::vector<double> sum(static_cast<std::size_t>(belief.units), 0.0);
    for (std::size_t i = 0; i < belief.value.size(); ++i) sum[i % sum.size()] += static_cast<double>(belief.value[i]);
    auto& mean = out.emplace_back();
    for (const double x : sum)
      mean.push_back(static_cast<float>(x * static_cast<double>(sum.size()) / static_cast<double>(belief.value.size())));
  }
  return out;
}

void add_measure(Findings& findings, const std::string& measure, const std::string& path, const std::string& section,
                 const std::string& title) {
  const MeasureResult result = analyse(measure, path);
  Summary& into = section.empty() ? findings.summary : findings.summary.section(section);
  add_values(into, result.values);
  add_levels(into, result.levels);
  findings.table += title + ": " + to_table(result) + "\n";
}

}  // namespace strata
