#pragma once
// A world that says what a function says.

#include <functional>

#include "core/archive.hpp"
#include "core/observation.hpp"
#include "core/random.hpp"

namespace strata::test {

struct Word {
  std::int32_t id = 0;
  std::uint8_t boundary = 0;
  bool active = true;
  std::int32_t pass = 0;
};

class ScriptedWorld final : public World {
 public:
  using Script = std::function<Word(Index time, Index stream)>;
  ScriptedWorld(Index streams, Index vocabulary, Index length, Script script)
      : streams_(streams), vocabulary_(vocabulary), length_(length), script_(std::move(script)) {}
  Index streams() const override { return streams_; }
  Index vocabulary() const override { return vocabulary_; }
  Index tokens() const override { return streams_ * length_; }
  bool next(Observation& out) override {
    if (time_ >= length_) return false;
    for (Index j = 0; j < streams_; ++j) {
      const Word word = script_(time_, j);
      const auto s = static_cast<std::size_t>(j);
      out.id[s] = word.active ? word.id : 0;
      out.active[s] = word.active ? 1 : 0;
      out.pass[s] = word.pass;
      out.boundary[s] = word.active ? word.boundary : std::uint8_t{0};
    }
    ++time_;
    return true;
  }
  void archive(Archive& archive) override { archive.value("time", time_); }

 private:
  Index streams_, vocabulary_, length_;
  Script script_;
  std::int64_t time_ = 0;
};

/// Random words with sentences, paragraphs and documents of random lengths: a pure function of (key, time).
inline Word random_word(std::uint64_t key, Index time, Index vocabulary) {
  const std::uint64_t bits = mix(mix(key) ^ static_cast<std::uint64_t>(time));
  Word word;
  word.id = static_cast<std::int32_t>((bits >> 8) % static_cast<std::uint64_t>(vocabulary));
  if ((bits >> 40) % 6 == 0) word.boundary = sentence_end;
  if ((bits >> 40) % 18 == 0) word.boundary |= paragraph_end;
  if ((bits >> 40) % 72 == 0) word.boundary |= document_end;
  return word;
}

}  // namespace strata::test
