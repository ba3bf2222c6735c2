#include "core/hierarchy.hpp"

#include "core/error.hpp"
#include "core/parameter.hpp"

namespace strata {

template <class T>
Hierarchy<T>::Hierarchy(Device<T>& device, std::unique_ptr<Lexicon<T>> lexicon, std::vector<std::unique_ptr<Level<T>>> levels,
                        Index streams, const RelaxationSettings& relaxation)
    : device_(device),
      lexicon_(std::move(lexicon)),
      levels_(std::move(levels)),
      streams_(streams),
      awake_(levels_.size()),
      relaxation_(device, streams, relaxation) {
  for (std::size_t l = 1; l < levels_.size(); ++l)
    if (levels_[l]->tick() < levels_[l - 1]->tick())
      throw ConfigError(level_key(l, "tick"), std::to_string(levels_[l]->tick()),
                        "a level may not tick more often than the level below it (" + std::to_string(levels_[l - 1]->tick()) + " tokens)");
  for (std::size_t l = 2; l < levels_.size(); ++l)
    if (levels_[l]->joint() && !levels_[l - 1]->joint())
      throw ConfigError(
          level_key(l, "tick"), "1",
          "a level may not settle at every token where the level below it leaves ticks out; give it an activation_threshold too");
  const bool chain = relaxation.scheme == Scheme::exact;
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    if (chain && !levels_[l]->chains())
      throw ConfigError(
          "relaxation.scheme", "exact",
          "level " + std::to_string(l) + " (" + levels_[l]->kind() + ") does not pass on what the exact chain needs; take serial");
    levels_[l]->settle_by_chain(chain);
  }
}

template <class T>
void Hierarchy<T>::set_awake(Index awake) {
  for (std::size_t l = static_cast<std::size_t>(awake); l < awake_; ++l) levels_[l]->reset_state();
  awake_ = static_cast<std::size_t>(awake);
  for (std::size_t l = 0; l < levels_.size(); ++l)
    levels_[l]->visit_weights([&](Weight<T>& weight) { weight.idle = weight.from_above && l + 1 >= awake_ && l + 1 < levels_.size(); });
  lexicon_->vectors.idle = awake_ == 1 && levels_.size() > 1 && !levels_[0]->speaks();
}

template <class T>
void Hierarchy<T>::observe(const Step<T>& step) {
  for (std::size_t l = 0; l < awake_; ++l) levels_[l]->observe(step, below(l));
}

template <class T>
void Hierarchy<T>::learn(const Step<T>& step) {
  for (std::size_t l = 0; l < awake_; ++l) levels_[l]->learn(step);
}

template <class T>
void Hierarchy<T>::accumulate(T scale, bool learning) {
  for (std::size_t l = 0; l < awake_; ++l) levels_[l]->accumulate(scale, learning);
}

template <class T>
void Hierarchy<T>::carry(const Step<T>& step) {
  for (std::size_t l = 0; l < awake_; ++l) levels_[l]->carry(step, below(l));
}

/// A level that sleeps has no time constant that the level below it would make way for.
template <class T>
Downward<T> Hierarchy<T>::above(std::size_t l) const {
  if (l + 1 == levels_.size()) return {};
  Downward<T> from = levels_[l + 1]->downward();
  if (l + 1 >= awake_) from.time_constant = 0;
  return from;
}

template <class T>
void Hierarchy<T>::forecast(const Step<T>& step) {
  for (std::size_t l = awake_; l-- > 0;) levels_[l]->forecast(step, above(l));
}

template <class T>
void Hierarchy<T>::visit_weights(const std::function<void(Weight<T>&)>& visit) {
  if (lexicon_->used) visit(lexicon_->vectors);
  for (auto& level : levels_) level->visit_weights(visit);
}

template <class T>
Index Hierarchy<T>::parameter_count() {
  Index count = 0;
  const auto add = [&](const Weight<T>& weight) { count += weight.idle ? 0 : weight.size(); };
  if (lexicon_->used) add(lexicon_->vectors);
  for (std::size_t l = 0; l < awake_; ++l) levels_[l]->visit_weights(add);
  return count;
}

template <class T>
void Hierarchy<T>::archive_parameters(Archive& archive) {
  lexicon_->vectors.archive_value(archive);
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    Archive::Scope scope(archive, "level_" + std::to_string(l));
    levels_[l]->visit_weights([&](Weight<T>& weight) { weight.archive_value(archive); });
    levels_[l]->archive_parameters(archive);
  }
}

template <class T>
void Hierarchy<T>::archive_optimiser(Archive& archive) {
  lexicon_->vectors.archive_optimiser(archive);
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    Archive::Scope scope(archive, "level_" + std::to_string(l));
    levels_[l]->visit_weights([&](Weight<T>& weight) { weight.archive_optimiser(archive); });
  }
}

template <class T>
void Hierarchy<T>::archive_power(Archive& archive) {
  lexicon_->vectors.archive_power(archive);
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    Archive::Scope scope(archive, "level_" + std::to_string(l));
    levels_[l]->visit_weights([&](Weight<T>& weight) { weight.archive_power(archive); });
  }
}

template <class T>
void Hierarchy<T>::archive_state(Archive& archive) {
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    Archive::Scope scope(archive, "level_" + std::to_string(l));
    levels_[l]->archive_state(archive);
  }
}

template <class T>
void Hierarchy<T>::reset_state() {
  for (auto& level : levels_) level->reset_state();
}

template class Hierarchy<float>;
template class Hierarchy<double>;

}  // namespace strata
