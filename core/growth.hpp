#pragma once
// Dynamic depth: a hierarchy begins with few levels awake, and grows and is pruned while it reads.
//
// Trial        a twin, bit for bit the hierarchy but that one level more is awake (or one less), reads and learns beside it. Every `trial` tokens (and
//              32 updates, at least) it is judged, and goes on, is taken (the hierarchy becomes the twin) or refused (nothing of it is left).
//              At 16 judgements one of both; a twin that breaks down (NumericalError) is refused
// Equations    D(t) = sum over the trial of -ln p(w) of the shallower minus that of the deeper, each token before it is learned from
//              g = mean of D's increments over the later half of the trial so far, nats per token;  s.e. over 16 blocks of it
//              the deeper goes on where  g - c > k s.e.  and, if it is new, D > 0
//              the shallower goes on where  g < -k s.e., if it is the new one  g - c < -k s.e., and in the end where nothing of this was so
//              D > 0 is the description length: a code that learns as it goes has paid for its parameters by its early mistakes, so that with D > 0
//              the deeper one is the shorter description of all that was read since the level woke
// Order        the first trial is of one level more, from the first token on. After a change the next in the same direction begins at once, after a
//              refusal a trial of the other direction, behind a rest that doubles with every refusal until there is a change
// Symbols      k = `threshold`; c = `price`, what a level has to be worth; D nats; the twin's random numbers are those of the hierarchy
// Limit        a level that can say nothing: g -> 0, refused in the end; without dynamic depth the same bits as ever
//              g compares a level that was there with one that never was, so that of two levels that say the same one is not needed; a lesion
//              (core/stream_lesion.hpp) would miss either, because what is left has learned to rely on it. It is the gain of the topmost level alone,
//              of a rate that falls and with what is dropped out dropped: what pays only later, or only two levels together, is not found
// Source       prequential codes: Dawid 1984; Rissanen 1986; twins that compete while they learn: what experiments/depth.cpp does afterwards

#include <memory>
#include <optional>
#include <vector>

#include "core/growth_settings.hpp"
#include "core/simulation.hpp"

namespace strata {

enum class Verdict { goes_on, taken, refused };

/// What a trial had come to when it was judged.
struct Judgement {
  std::int64_t begun, tokens;  ///< read when it began, and by now
  Index from, to;              ///< levels awake: of the hierarchy, of the twin
  double gain, error, paid;    ///< g and its s.e., nats per token; D, nats
  Verdict verdict;
};

template <class T>
class Growth {
 public:
  /// `twin`: another hierarchy of the same shape, seed and streams. Both read by `interval` steps between updates, `planned` of these in all. Puts the
  /// hierarchy's upper levels to sleep. Throws ConfigError where it cannot begin with so many.
  Growth(const GrowthSettings& settings, Hierarchy<T>& hierarchy, std::unique_ptr<Hierarchy<T>> twin, const LearningSettings& learning,
         Index planned, Index interval, std::uint64_t seed);

  /// Where Simulation's hook of this name calls it, at every step.
  void before_observe(const Step<T>& step, Simulation<T>& simulation, Learning<T>& learning);

  const std::vector<Judgement>& judgements() const { return judgements_; }
  bool trying() const { return trying_; }
  /// Between weight updates. Loading: as many levels wake as did.
  void archive(Archive& archive);

  const GrowthSettings settings;

 private:
  /// Reads again what the hierarchy reads.
  class Echo final : public World {
   public:
    explicit Echo(Hierarchy<T>& hierarchy) : streams_(hierarchy.streams()) {}
    Index streams() const override { return streams_; }
    Index vocabulary() const override { return 0; }
    Index tokens() const override { return 0; }
    bool next(Observation& out) override {
      out = *heard;
      return true;
    }
    void archive(Archive&) override {}
    const Observation* heard = nullptr;

   private:
    Index streams_;
  };

  void between_updates(Simulation<T>& simulation, Learning<T>& learning);
  void begin(Simulation<T>& simulation, Learning<T>& learning);
  void judge(Learning<T>& learning);
  Verdict note(std::optional<Verdict> known);
  Verdict verdict(double gain, double error, double paid) const;
  void end_trial(bool taken, Learning<T>& learning);
  Index least() const;  // levels: a lexicon is for one that speaks by it, which a token level does only where it has a share of its own
  bool possible(Index direction) const;
  Index candidate() const { return hierarchy_.awake() + direction_; }

  Hierarchy<T>& hierarchy_;
  std::unique_ptr<Hierarchy<T>> twin_;
  Echo echo_;
  Learning<T> twin_learning_;
  Simulation<T> twin_simulation_;

  bool trying_ = false;
  std::int64_t direction_ = 1;          // of the trial that is on, or comes next
  std::int64_t next_ = 0;               // tokens at which it begins, or is judged
  std::int64_t rest_;                   // tokens, behind the next refusal
  std::int64_t begun_ = 0, looks_ = 0;  // tokens read when it began; judgements of it
  double nats_ = 0, twin_nats_ = 0;     // as of the last update
  std::int64_t tokens_ = 0;             // as of the last update
  std::vector<double> more_, read_;     // per update of the trial: nats that the shallower cost more, tokens
  std::vector<Judgement> judgements_;
};

}  // namespace strata
