#pragma once
// A study of a world with known laws: what is read is drawn, and the optimum may be known.

#include "experiments/study.hpp"
#include "experiments/worlds/registry.hpp"

namespace strata {

/// How much of a sampled world is drawn (world.*).
ParameterTable drawing_parameters();

class SampledStudy final : public Study {
 public:
  /// Makes the world and, where the user said nothing, a hierarchy whose levels are the world's: kind, states and time constants of every
  /// level, the exact chain of messages, learning at every step. Throws ConfigError, DataError, FileError.
  explicit SampledStudy(Options options);
  /// What the run reads, where an experiment decides that by keys of its own: what describe() then says.
  void read_as(Index streams, Index length) {
    streams_ = streams;
    length_ = length;
  }

  std::unique_ptr<Source> source;

  Index vocabulary() const override { return source->vocabulary(); }
  Index channels() const override { return source->channels(); }
  std::unique_ptr<World> training_world() override { return source->open(streams_, length_, options.seed); }
  void describe(Summary& summary) const override;
  std::string level_name(Index level) const override { return "level " + std::to_string(level); }
  Index length() const { return length_; }  ///< steps of every stream

 private:
  void archive_vocabulary(Archive&) override {}  // the world's own, made from world.*
  void suit_hierarchy();

  Index length_ = 0;
};

}  // namespace strata
