// The token level's learning: columns of the streams that read, stashed step after step, become one gradient. See levels/token.hpp for the
// equations.

#include <algorithm>

#include "levels/token.hpp"

namespace strata {

template <class T>
void TokenLevel<T>::learn(const Step<T>&) {
  const auto count = static_cast<Index>(reading_.size());
  if (observed_ == 0) clear_stash();
  for (const auto& [from, to] :
       {std::pair{&e0_, &stash_e_0_}, {&e_a_, &stash_e_a_}, {&fd_a_, &stash_f_a_}, {&ctx_, &stash_ctx_}, {&ctx_mask_, &stash_ctx_mask_}})
    device_.gather_columns(*from, reading_, to->cols_at(observed_, count));
  for (std::size_t i = 0; i < reading_.size(); ++i) {
    const auto j = static_cast<std::size_t>(reading_[i]);
    const auto column = static_cast<std::size_t>(observed_) + i;
    stash_words_.push_back({ids_[j], static_cast<std::int32_t>(column), T(1)});
    for (std::size_t k = 0; k < static_cast<std::size_t>(settings_.context); ++k)
      stash_context_[column * static_cast<std::size_t>(settings_.context) + k] = context_[k * static_cast<std::size_t>(streams_) + j];
  }
  for (std::size_t i = 0; recency_ && i < 3; ++i)
    for (auto entry : primed_[i]) {
      const auto at = std::lower_bound(reading_.begin(), reading_.end(), entry.col);
      if (at == reading_.end() || *at != entry.col) continue;
      if (ids_[static_cast<std::size_t>(entry.col)] == entry.row) stash_hits_[i].push_back({entry.row, 0, entry.value});
      entry.col = static_cast<std::int32_t>(observed_ + (at - reading_.begin()));
      stash_primed_[i].push_back(entry);
    }
  stashed_ = observed_ + count;
  if (ngrams_) read_ngram_errors();
}

/// p of the words that n-gram features spoke for. They learn when the step is over, not at the update: the next words may stand in the same
/// contexts.
template <class T>
void TokenLevel<T>::read_ngram_errors() {
  ngram_entries_.clear();
  for (auto entry = extra_.begin() + static_cast<std::ptrdiff_t>(ngram_first_); entry != extra_.end(); ++entry) {
    const auto at = std::lower_bound(reading_.begin(), reading_.end(), entry->col);
    ngram_entries_.push_back({entry->row, static_cast<std::int32_t>(observed_ + (at - reading_.begin())), T(0)});
  }
  ngram_p_.resize(ngram_entries_.size());
  device_.read_entries(stash_p_, ngram_entries_, ngram_p_);
}

/// The output weights by f (onehot - p)': p as the forecast had it, then the word read.
template <class T>
void TokenLevel<T>::learn_words(T scale) {
  const Index n = stashed_;
  const ConstView<T> p = stash_p_.cols_at(0, n);
  for (auto& word : stash_words_) word.scale = scale;
  const T of_p = -scale * (1 + flexibility_.weight());
  const auto learn_part = [&](ConstView<T> activity, View<T> gradient) {
    device_.outer_product(of_p, activity, p, gradient);
    device_.scatter_add_columns(activity, stash_words_, gradient);
    flexibility_.add_gradient(scale, activity, gradient);
  };
  learn_part(stash_f_0_.cols_at(0, n).rows_at(0, settings_.units), embedding_.gradient);
  if (streamed_ || settings_.share) learn_part(stash_stream_.cols_at(0, n), lexicon_.vectors.gradient);
  device_.row_sum(of_p, p, device_.ones(n), T(1), output_bias_.gradient);
  flexibility_.add_bias_gradient(scale, n, output_bias_.gradient);
  word_entries_.clear();
  for (const auto& word : stash_words_) word_entries_.push_back({word.target, 0, scale});
  device_.add_entries(word_entries_, {}, output_bias_.gradient);
  for (std::size_t i = 0; recency_ && i < 3; ++i) {
    const View<T> gradient = priming_gain_.gradient.cols_at(static_cast<Index>(i), 1);
    device_.dot_entries(of_p, stash_primed_[i], p, gradient);
    for (auto& hit : stash_hits_[i]) hit.value *= scale;
    if (flexibility_.on())
      for (const auto& entry : stash_primed_[i])
        stash_hits_[i].push_back(
            {entry.row, 0,
             static_cast<T>(static_cast<double>(scale * flexibility_.weight() * entry.value) * flexibility_.background(entry.row))});
    device_.add_entries(stash_hits_[i], {}, gradient);
  }
  clear_stash();
}

template <class T>
void TokenLevel<T>::clear_stash() {
  stash_words_.clear();
  for (auto* list : {&stash_primed_, &stash_hits_})
    for (auto& entries : *list) entries.clear();
}

template <class T>
void TokenLevel<T>::accumulate(T scale, bool learning) {
  if (!learning || stashed_ == 0) return;
  const Index n = stashed_;
  const auto part = [n](Tensor<T>& x) { return ConstView<T>(x.cols_at(0, n)); };
  learn_words(scale);
  device_.outer_product(scale, part(stash_e_0_), part(stash_f_a_), hidden_out_.gradient);
  device_.outer_product(scale, part(stash_e_0_), part(stash_ctx_), direct_.gradient);
  device_.outer_product(scale, part(stash_e_a_), part(stash_ctx_), hidden_in_.gradient);
  device_.row_sum(scale, part(stash_e_0_), device_.ones(n), T(1), bias_.gradient);
  device_.row_sum(scale, part(stash_e_a_), device_.ones(n), T(1), hidden_bias_.gradient);
  View<T> error = context_error_.cols_at(0, n);
  device_.gemm(true, false, T(1), direct_.back(), part(stash_e_0_), T(0), error);
  device_.gemm(true, false, T(1), hidden_in_.back(), part(stash_e_a_), T(1), error);
  device_.multiply(error, part(stash_ctx_mask_), error);
  for (Index k = 0; k < settings_.context; ++k) {
    scatters_.clear();
    for (Index column = 0; column < n; ++column)
      scatters_.push_back(
          {stash_context_[static_cast<std::size_t>(column * settings_.context + k)], static_cast<std::int32_t>(column), scale});
    for (const auto& [words, first] : read_by_)
      device_.scatter_add_columns(error.rows_at(k * units_ + first, words->value.rows()), scatters_, words->gradient);
  }
  stashed_ = 0;
}

template class TokenLevel<float>;
template class TokenLevel<double>;

}  // namespace strata
