#pragma once
// A small hierarchy on random tokens, for tests that look inside a step.

#include <memory>
#include <string>

#include "core/simulation.hpp"
#include "levels/build.hpp"

namespace strata::test {

/// Random tokens in `streams` streams with sentences, paragraphs and documents of a few tokens; every stream has `length` tokens.
class RandomWorld final : public World {
 public:
  RandomWorld(Index streams, Index vocabulary, Index length, std::uint64_t seed, bool boundaries = true);
  Index streams() const override { return streams_; }
  Index vocabulary() const override { return vocabulary_; }
  Index tokens() const override { return streams_ * length_; }
  bool next(Observation& out) override;
  void archive(Archive& archive) override;

 private:
  Index streams_, vocabulary_, length_;
  std::uint64_t seed_;
  bool boundaries_;
  std::int64_t time_ = 0;
};

template <class T>
struct Tiny {
  /// `assignments`: configuration lines such as "level.1.tau=3".
  Tiny(const std::vector<std::string>& assignments, Index streams = 3, Index interval = 1, Index vocabulary = 11, bool learning = true,
       std::uint64_t seed = 1, const std::string& device_name = "reference");

  std::unique_ptr<Device<T>> device;
  std::unique_ptr<RandomWorld> world;
  std::unique_ptr<Hierarchy<T>> hierarchy;
  std::unique_ptr<Learning<T>> learning;
  std::unique_ptr<Simulation<T>> simulation;
};

template <class T>
std::vector<T> values(ConstView<T> view, const Device<T>& device) {
  std::vector<T> host(static_cast<std::size_t>(view.rows * view.cols));
  device.download(view, host);
  return host;
}

}  // namespace strata::test
