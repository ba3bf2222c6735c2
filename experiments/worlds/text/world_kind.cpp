#include "experiments/worlds/registry.hpp"
#include "experiments/worlds/text/text_world.hpp"

namespace strata {

WorldKind text_world();

WorldKind text_world() {
  return {"text",
          "any UTF-8 text, any language: tokens, sentences, paragraphs, documents",
          {{"text.", text_parameters()}, {"world.", world_parameters()}},
          {}};
}

}  // namespace strata
