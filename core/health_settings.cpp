#include "core/health_settings.hpp"

#include "core/error.hpp"

namespace strata {

ParameterTable HealthSettings::parameters() {
  const HealthSettings d;
  return {
      {"every",
       std::int64_t{d.every},
       0,
       1e9,
       {},
       "tokens",
       "tokens of every stream between two looks at the levels' health while learning, rounded up to whole updates; 0: none",
       ""},
      {"cure",
       d.cure,
       0,
       1,
       {},
       "",
       "what is found is treated: frozen raises the rate of the level's weights, ignored halves its dropout, imbalance rescales its precision, "
       "runaway bounds it, collapsed feeds the level or draws its weights anew, unsettled settles longer",
       ""},
  };
}

HealthSettings HealthSettings::from(const Values& values) {
  const HealthSettings s{values.integer("every"), values.flag("cure")};
  if (s.cure && s.every == 0) throw ConfigError("monitor.cure", "true", "needs looks at the levels' health: monitor.every above 0");
  return s;
}

}  // namespace strata
