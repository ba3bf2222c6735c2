#include "experiments/grafts.hpp"

#include <algorithm>
#include <span>

namespace strata {

void add_grafts(std::vector<Condition>& conditions, std::size_t reference, std::size_t donor, const TrialReader& reader) {
  for (Index l = 0; reader.separable() && l < reader.depth(); ++l) {
    Condition single = conditions[reference];
    single.name = conditions[donor].name + "_l" + std::to_string(l);
    single.reference = conditions[donor].reference;
    single.donor = conditions[donor].name;
    single.grafted = l;
    conditions.push_back(std::move(single));
  }
}

bool Grafts::gives(const Condition& condition) const {
  return std::any_of(conditions_.begin(), conditions_.end(), [&](const Condition& c) { return c.donor == condition.name; });
}

Batch Grafts::batch(const Condition& condition, Index first) const {
  Batch batch{first, std::min(reader_.streams(), condition.trials() - first), -1, {}};
  if (condition.donor.empty() && !gives(condition)) return batch;
  const auto zeros = [&](const Condition& c) {
    return std::span(c.zero).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(batch.count));
  };
  for (const Condition& c : conditions_)
    if (!c.donor.empty() || gives(c))
      for (const Index zero : zeros(c)) batch.zero = std::max(batch.zero, zero);
  batch.zero = (batch.zero + reader_.stride() - 1) / reader_.stride() * reader_.stride();
  for (const Index zero : zeros(condition)) batch.delays.push_back(batch.zero - zero);
  return batch;
}

void Grafts::exchange(const Condition& condition, const Batch& batch) {
  if (!condition.donor.empty())
    return reader_.archive_level(condition.grafted, kept_.at({condition.donor, batch.first, condition.grafted}));
  for (Index l = 0; l < reader_.depth(); ++l) {
    MemoryArchive& level = kept_[{condition.name, batch.first, l}];
    reader_.archive_level(l, level);
    level.rewind();
  }
}

}  // namespace strata
