#include "experiments/text_variant.hpp"

#include "core/error.hpp"

namespace strata {

TextVariant::TextVariant(TextStudy& study, const Keys& keys, std::uint64_t seed)
    : study_(study), configuration_(study.options.configuration), seed_(study.options.seed) {
  for (const auto& [key, value] : keys) {
    if (key.rfind("text.", 0) == 0 || key == "world.tokens")
      throw ConfigError(key, value, "changes the text, so that what is compared would not be of the same tokens");
    bool of_model = false;
    for (const char* prefix : {"hierarchy.", "level.", "learning.", "relaxation.", "growth.", "world."})
      of_model = of_model || key.rfind(prefix, 0) == 0;
    if (!of_model)
      throw ConfigError(key, value, "is of the run, not of what is compared: hierarchy, level, learning, relaxation, growth, world");
  }
  try {
    for (const auto& [key, value] : keys) study_.options.configuration.set(key, value);
    study_.options.seed = seed;
    study_.take_settings();
  } catch (...) {
    study_.options.configuration = configuration_;
    study_.options.seed = seed_;
    study_.take_settings();
    throw;
  }
}

TextVariant::~TextVariant() {
  study_.options.configuration = configuration_;
  study_.options.seed = seed_;
  study_.take_settings();
}

}  // namespace strata
