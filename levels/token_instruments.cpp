// What instruments ask of the token level: the forecast held, word by word; for the gradient test its energy with beliefs held, its value
// nodes. See levels/token.hpp for the equations.

#include <numeric>

#include "levels/token.hpp"

namespace strata {

/// As observe() and score() will have it, of every word and in every stream. What they read was written for this step: they begin anew.
template <class T>
void TokenLevel<T>::expectation_with_stream(ConstView<T> stream, View<T> log_p) {
  reading_.resize(static_cast<std::size_t>(streams_));
  std::iota(reading_.begin(), reading_.end(), 0);
  ngram_readings_.clear();
  for (const std::int32_t j : reading_) ngram_readings_.push_back({j, 0, false});
  collect_extra();
  expect(fd_0_, stream, normaliser_, {}, {}, {});
  device_.gemm(true, false, T(1), embedding_.value.view(), fd_0_.rows_at(0, settings_.units), T(0), log_p);
  if (const ConstView<T> c = total(stream, fd_0_); c.data != nullptr)
    device_.gemm(true, false, T(1), lexicon_.vectors.value.view(), c, T(1), log_p);
  device_.add_to_rows(T(1), output_bias_.value.view(), log_p);
  device_.add_entries(extra_, {}, log_p);
  device_.outer_product(T(-1), device_.ones(log_p.rows), normaliser_.view(), log_p);
}

template <class T>
void TokenLevel<T>::held_energy(ConstView<T> stream, View<T> energy) {
  version_ = 0;
  gather_targets();
  for (std::size_t i = 0; i < reading_.size(); ++i)  // f as the forecast had it
    device_.copy(stash_f_0_.cols_at(observed_ + static_cast<Index>(i), 1), mean_0_.cols_at(reading_[i], 1));
  const ConstView<T> c = streamed_ ? stream : ConstView<T>{};
  expect(mean_0_, c, scored_, {}, {}, {});
  score(active_, mean_0_, c, scored_, scratch_energy_);
  add_flexibility(active_, mean_0_, c, scored_, scratch_energy_);
  device_.axpby(T(1), scratch_energy_, T(1), energy);
  View<T> ctx = context_error_.cols_at(0, streams_), mu_0 = gradient_0_, mu_a = message_a_;
  read_context(ctx);
  device_.multiply(ctx, ctx_mask_, ctx);
  device_.affine(hidden_in_.value, ctx, hidden_bias_.value, T(0), mu_a);
  device_.prediction_error(static_cast<T>(settings_.hidden_precision), x_a_, mu_a, e_a_, energy);
  device_.affine(direct_.value, ctx, bias_.value, T(0), mu_0);
  device_.gemm(false, false, T(1), hidden_out_.value.view(), fd_a_.view(), T(1), mu_0);
  device_.prediction_error(static_cast<T>(settings_.precision), x_0_, mu_0, e0_, energy);
}

template <class T>
std::vector<ValueNode<T>> TokenLevel<T>::nodes() {
  return {{x_0_, static_cast<T>(settings_.precision)}, {x_a_, static_cast<T>(settings_.hidden_precision)}};
}

template <class T>
void TokenLevel<T>::refresh() {
  device_.map(Unary::tanh, x_0_, f_0_);
  device_.map(Unary::tanh, x_a_, f_a_);
  device_.multiply(f_0_, drop_0_, fd_0_);
  device_.multiply(f_a_, drop_a_, fd_a_);
  device_.copy(base_, mu_0_);
  device_.gemm(false, false, T(1), hidden_out_.value.view(), fd_a_.view(), T(1), mu_0_);
}

template class TokenLevel<float>;
template class TokenLevel<double>;

}  // namespace strata
