#include "tests/support/tiny.hpp"

#include <cmath>

namespace strata::test {

RandomWorld::RandomWorld(Index streams, Index vocabulary, Index length, std::uint64_t seed, bool boundaries)
    : streams_(streams), vocabulary_(vocabulary), length_(length), seed_(seed), boundaries_(boundaries) {}

bool RandomWorld::next(Observation& out) {
  if (time_ >= length_) return false;
  for (Index j = 0; j < streams_; ++j) {
    const auto s = static_cast<std::size_t>(j);
    const std::uint64_t bits = mix(seed_ ^ mix(static_cast<std::uint64_t>(time_ * streams_ + j)));
    out.active[s] = 1;
    out.id[s] = static_cast<std::int32_t>(bits % static_cast<std::uint64_t>(vocabulary_));
    const auto place = (time_ + j) % 40;
    out.boundary[s] = 0;
    if (!boundaries_) continue;
    if (place % 5 == 4) out.boundary[s] |= sentence_end;
    if (place % 20 == 19) out.boundary[s] |= sentence_end | paragraph_end;
    if (place == 39) out.boundary[s] |= sentence_end | paragraph_end | document_end;
  }
  ++time_;
  return true;
}

void RandomWorld::archive(Archive& archive) { archive.value("time", time_); }

template <class T>
Tiny<T>::Tiny(const std::vector<std::string>& assignments, Index streams, Index interval, Index vocabulary, bool learns, std::uint64_t seed,
              const std::string& device_name) {
  Configuration configuration;
  for (const char* small : {"hierarchy.units=5", "level.0.units=6", "level.0.hidden=7", "level.0.context=3"})
    configuration.set_assignment(small);
  for (const auto& line : assignments) configuration.set_assignment(line);
  DeviceOptions options;
  options.name = device_name;
  device = make_device<T>(options);
  world = std::make_unique<RandomWorld>(streams, vocabulary, 100000, seed);
  std::vector<double> log_unigram(static_cast<std::size_t>(vocabulary), -std::log(static_cast<double>(vocabulary)));
  hierarchy = build_hierarchy<T>(configuration, *device, log_unigram, streams, interval, seed);
  const auto settings = LearningSettings::from(configuration.resolve(LearningSettings::parameters(), "learning."));
  configuration.check_all_read();
  if (learns) learning = std::make_unique<Learning<T>>(settings, 0);
  simulation = std::make_unique<Simulation<T>>(*hierarchy, *world, learning.get(), interval, seed);
  simulation->start();
}

template struct Tiny<float>;
template struct Tiny<double>;

}  // namespace strata::test
