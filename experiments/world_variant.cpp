#include "experiments/world_variant.hpp"

#include "core/io/checkpoint.hpp"
#include "levels/registry.hpp"

namespace strata {

WorldVariant::WorldVariant(SampledStudy& study, const Keys& keys, std::unique_ptr<Source> source)
    : study_(study), configuration_(study.options.configuration), source_(std::move(source)) {
  Configuration& c = study_.options.configuration;
  for (const auto& [key, value] : keys) c.set(key, value);
  for (const auto& [prefix, table] : find_world_kind(study_.options.world).parameters) c.resolve(table, prefix);
  swap_world();
}

WorldVariant::~WorldVariant() {
  swap_world();
  study_.options.configuration = configuration_;
}

void WorldVariant::swap_world() {
  if (source_ == nullptr) return;
  std::swap(study_.source, source_);
  study_.log_unigram = study_.source->log_unigram();
}

std::unique_ptr<Source> make_source(const SampledStudy& study, const Keys& keys) {
  Configuration configuration = study.options.configuration;
  for (const auto& [key, value] : keys) configuration.set(key, value);
  const WorldKind& kind = find_world_kind(study.options.world);
  Values values;
  for (const auto& [prefix, table] : kind.parameters) values = configuration.resolve(table, prefix);
  return kind.make(values, study.options.text);
}

bool level_offers(const SampledStudy& study, Index level, const std::string& parameter) {
  Configuration configuration = study.options.configuration;
  const std::string kind =
      configuration.resolve({{"kind", std::string(level == 0 ? "token" : "situation"), 0, 0, {}, "", "", ""}}, level_key(level))
          .text("kind");
  for (const Parameter& p : find_level_kind(kind).parameters(level))
    if (p.name == parameter) return true;
  return false;
}

WorldReadingTimes learn_world(Bench& bench, Hierarchy<float>& hierarchy, const std::string& experiment, const std::string& path,
                              bool exact) {
  SampledStudy& study = bench.sampled();
  WorldReading pass;
  pass.streams = study.streams();
  pass.length = study.length();
  pass.from = study.length() - study.length() / 3;
  pass.every = 1024;  // its scores are what counts
  pass.seed = study.options.seed;
  pass.learning = true;
  pass.exact = exact;
  pass.what = "learning";
  return read_world(study, hierarchy, pass, experiment, path, bench.progress);
}

void save_world_model(SampledStudy& study, Hierarchy<float>& hierarchy, const std::string& path) {
  save_atomically(
      path, [&](Archive& archive) { study.archive_model(archive, hierarchy); }, study.notes(hierarchy.depth()));
}

}  // namespace strata
