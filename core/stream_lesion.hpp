#pragma once
// What a level's share of the output stream is worth to the token about to be read: its loss under the forecast held, with the share replaced.
//
// Equation    c_1 - share_l + m_l,  m_l <- (1 - rate) m_l + rate mean over streams of share_l
// Symbols     c_1 the whole stream, share_l level l's own part, n x B; m_l its slow mean, n x 1; losses nats, one per stream
// Limit       a share that never changes is worth 0

#include "core/hierarchy.hpp"

namespace strata {

template <class T>
class StreamLesion {
 public:
  explicit StreamLesion(Hierarchy<T>& hierarchy);

  /// Loss of the step's tokens with the stream as it is; NaN where the lowest level scores no other stream. This and the next three before observe().
  void intact(const Step<T>& step, std::span<T> loss);
  /// The same with the share of level `part` (0: of every level) replaced by its slow mean.
  void without(const Step<T>& step, Index part, std::span<T> loss);
  /// The same with the shares of level `first` and all levels above it replaced.
  void without_above(const Step<T>& step, Index first, std::span<T> loss);
  /// The same with the share that stream from[j] has.
  void swapped(const Step<T>& step, Index part, std::span<const std::int32_t> from, std::span<T> loss);
  /// The stream itself with the share of level `part` replaced by its slow mean, n x B; good until the next call.
  ConstView<T> stream_without(Index part) {
    replace(levels_of(part), {});
    return stream_.view();
  }
  /// The slow means move by `rate` towards the mean over the active streams; that of a level which has woken since begins with it.
  void follow(const Step<T>& step, double rate);

  bool speaks(Index l) const { return hierarchy_.level(l).contribution().data != nullptr; }
  void archive(Archive& archive);  ///< the slow means, and whose they are

 private:
  struct Levels {
    Index first, end;
  };
  Levels levels_of(Index part) const { return part == 0 ? Levels{1, hierarchy_.awake()} : Levels{part, part + 1}; }
  void replace(const Levels& levels, std::span<const std::int32_t> from);
  void score(const Step<T>& step, ConstView<T> stream, std::span<T> loss);

  Hierarchy<T>& hierarchy_;
  Device<T>& device_;
  Tensor<T> stream_, other_, loss_;
  std::vector<Tensor<T>> means_;
  Index followed_ = 0;  // levels that have one
};

}  // namespace strata
