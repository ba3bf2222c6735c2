#pragma once
// One arm of an experiment on text: the same documents under other keys or another seed, for as long as the arm lasts. Hierarchies and models made
// meanwhile carry the arm's configuration; afterwards the study is as the user asked for it.

#include "experiments/text_study.hpp"

namespace strata {

class TextVariant {
 public:
  /// Throws ConfigError for a key that nobody knows, and for keys of the text: other tokens could not be compared.
  TextVariant(TextStudy& study, const Keys& keys, std::uint64_t seed);
  /// With the study's own seed.
  TextVariant(TextStudy& study, const Keys& keys) : TextVariant(study, keys, study.options.seed) {}
  ~TextVariant();
  TextVariant(const TextVariant&) = delete;
  TextVariant& operator=(const TextVariant&) = delete;

 private:
  TextStudy& study_;
  Configuration configuration_;  ///< the user's
  std::uint64_t seed_;
};

}  // namespace strata
