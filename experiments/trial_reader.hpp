#pragma once
// Who reads trials: a hierarchy with learning off, or the exact observer of a sampled world. What each holds is recorded alike.

#include <functional>

#include "core/hierarchy.hpp"
#include "core/recorder.hpp"
#include "experiments/worlds/source.hpp"

namespace strata {

/// What a level holds per stream.
enum class Held { prediction, belief, error_norm, surprise, free_energy };

class TrialReader {
 public:
  virtual ~TrialReader() = default;
  virtual Index streams() const = 0;
  virtual Index depth() const = 0;
  virtual LevelDescription level(Index l) const = 0;
  virtual Index interval(Index l) const = 0;  ///< steps between two recorded samples
  /// Reads the world to its end from an empty state, calling `step` after each of its steps with the tokens read so far, and `carried` in the
  /// middle of each, where the levels have taken in what was read and not yet formed a forecast from it. Throws Interrupted.
  virtual void read(World& world, const std::function<void(const Observation&, Index tokens)>& step,
                    const std::function<void()>& carried = {}) = 0;
  /// Units x streams for vectors, streams for scalars; NaN where the level does not have it.
  virtual void fetch(Index l, Held what, std::vector<float>& into) const = 0;
  /// F_now before settling and after each sweep, and the sweeps taken back; nothing for who does not settle.
  virtual const RelaxationTrace* relaxation() const { return nullptr; }
  virtual Index sweeps() const { return 0; }
  /// Whether a level's state can be taken and given, one level alone: in a hierarchy, when `carried` is called in a step that completes stride()
  /// of them; not in an exact observer.
  virtual bool separable() const { return false; }
  virtual Index stride() const { return 1; }
  virtual void archive_level(Index, Archive&) {}
};

/// `interval`: steps between two moments at which what waited for its outcome is closed (learning.interval).
std::unique_ptr<TrialReader> hierarchy_reader(Hierarchy<float>& hierarchy, Index interval, std::uint64_t seed);
/// The exact observer of `source` for `streams` streams, or nothing where it has none.
std::unique_ptr<TrialReader> exact_reader(const Source& source, Index streams);

}  // namespace strata
