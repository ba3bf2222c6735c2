#pragma once
// The terms of the hierarchical loss that one level has, and what they need to know of its windows.
//
// Equation    what the level learns is the slope of  F + sum_terms w G,  G by core/objective/NAME.cpp: e_mu += f'(mu) .* sum (-w dG/df),  f = tanh
// Discretisation  once per window, from tick to tick, times its k tokens
// Limit       no term: nothing is held and nothing is done

#include "core/objective/term.hpp"
#include "core/observation.hpp"

namespace strata {

/// What a term was worth, mean over windows.
struct TermScore {
  std::string name;
  double weight = 0;  ///< w
  double sum = 0, tokens = 0;
  double nats() const { return tokens > 0 ? sum / tokens : 0; }  ///< G per token of the windows that it spoke of
};

template <class T>
class Objective {
 public:
  Objective() = default;
  /// The terms whose weight is not 0; place.weight is not read. `unit`: the boundaries that end a unit of the level.
  explicit Objective(TermPlace<T> place, std::uint8_t unit = document_end);

  bool empty() const { return terms_.empty(); }
  /// A token was settled on, and in streams that tick a window of `elapsed` tokens ends. `mu` (n x B) as settling leaves it: held over the window, but
  /// that where two situation levels settle at every token the upper one's belief has moved it. `features` (inputs x B): of the span; at a level
  /// that is fed by another what that one handed up last, one token late.
  void end_token(const Observation& observation, ConstView<T> mu, ConstView<T> features, ConstView<T> mean,
                 std::span<const std::uint8_t> ticking, std::span<const std::int64_t> elapsed);
  /// error (n x B) += what the terms want of mu in windows that end; terms with weights of their own stash columns from `first` on.
  void teach(View<T> error, Index first);
  /// The first `count` columns stashed become gradients, times `scale`.
  void accumulate(T scale, Index count);
  /// Windows that ended become those before. `ends`: bits of what ended with the token, as Observation::boundary has them.
  void carry(const Observation& observation, std::span<const std::uint8_t> ticking, std::span<const std::uint8_t> ends);
  /// energy(j) += sum of w G in windows that end, k times, had `mu` been held.
  void add_value(ConstView<T> mu, View<T> energy);

  void visit_weights(const std::function<void(Weight<T>&)>& visit);
  void archive_state(Archive& archive);
  void reset();
  /// Turning it on begins new scores.
  void set_scoring(bool on);
  const std::vector<TermScore>& scores() const { return scores_; }
  /// G of the last window that the i-th term spoke of, nats per token, B x 1.
  ConstView<T> value(std::size_t i) const { return values_[i].view(); }

 private:
  View<T> before() { return windows_.cols_at(0, activity_.cols()); }
  View<T> earlier() { return windows_.cols_at(activity_.cols(), activity_.cols()); }
  Moment<T> moment() const {
    return {activity_.view(), windows_.cols_at(0, activity_.cols()), windows_.view(), stale_.view(), span_.view(), span_before_.view()};
  }
  void look();
  ConstView<T> factor_of(const Term<T>& term) const { return term.compares() ? comparing_.view() : ending_.view(); }

  Device<T>* device_ = nullptr;
  std::vector<std::unique_ptr<Term<T>>> terms_;
  std::vector<T> weights_;
  std::vector<Tensor<T>> values_;
  std::uint8_t unit_ = document_end;
  Tensor<T> activity_, windows_, span_, span_before_, span_sum_;
  Tensor<T> ending_, comparing_;  // k in streams whose window ends, else 0; also 0 where a document began with it
  Tensor<T> stale_;
  Tensor<T> slope_, wanted_, value_, mask_, other_;
  std::vector<std::uint8_t> begun_;    // a window of this document has ended before
  std::vector<std::uint8_t> closing_;  // a unit has ended since the last window did
  std::vector<std::uint8_t>
      earlier_;  // the last window of a unit before, in this document: 0 none, 1 held as the one before, 2 another than that
  std::vector<T> host_, host_factor_, host_stale_;
  std::vector<TermScore> scores_;
  bool scoring_ = false;
};

}  // namespace strata
