#include "core/objective/term.hpp"

namespace strata {

#define STRATA_TERM(name) TermKind name##_term();
#include "core/objective/list.inc"
#undef STRATA_TERM

const std::vector<TermKind>& term_kinds() {
  static const std::vector<TermKind> kinds{
#define STRATA_TERM(name) name##_term(),
#include "core/objective/list.inc"
#undef STRATA_TERM
  };
  return kinds;
}

ParameterTable term_parameters() {
  ParameterTable all;
  for (const TermKind& kind : term_kinds()) {
    all.push_back({kind.name, 0.0, 0, 1e6, {}, "1", std::string("weight of a term of the objective: ") + kind.summary, kind.source});
    all.insert(all.end(), kind.details.begin(), kind.details.end());
  }
  return all;
}

}  // namespace strata
