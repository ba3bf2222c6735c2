// How the token level speaks of words: what it expects, what a word that came costs, and what errors tell. See levels/token.hpp for the
// equations.

#include <algorithm>

#include "levels/token.hpp"

namespace strata {

template <class T>
ConstView<T> TokenLevel<T>::total(ConstView<T> stream, ConstView<T> f) {
  if (!settings_.share) return stream;
  device_.copy(f.rows_at(settings_.units, lexicon_.units()), total_);
  if (stream.data != nullptr) device_.axpby(T(1), stream, T(1), total_);
  return total_.view();
}

template <class T>
void TokenLevel<T>::expect(ConstView<T> f, ConstView<T> stream, View<T> normaliser, View<T> mean_0, View<T> mean_c, View<T> p) {
  if (version_ == 0) {
    version_ = next_version();
    flexibility_.refresh(embedding_, lexicon_.vectors, output_bias_.value);
  }
  const Index d = settings_.units;
  if (embedding_.separate() && (mean_0.data != nullptr || mean_c.data != nullptr))
    return expect_separately(f, stream, normaliser, mean_0, mean_c, p);
  const ConstView<T> c = total(stream, f);
  const View<T> mean_y = mean_0.data != nullptr ? mean_0.rows_at(0, d) : mean_0;
  const SoftmaxPart<T> parts[] = {{embedding_.value.view(), f.rows_at(0, d), mean_y}, {lexicon_.vectors.value.view(), c, mean_c}};
  device_.softmax_layer(std::span(parts).first(c.data != nullptr ? 2 : 1), output_bias_.value, extra_, reading_, version_, normaliser, p);
}

/// The same where errors return by weights of their own: means are of those. Products are of all B columns, so that what a stream is told
/// does not depend on which others read; columns that nobody reads are not looked at.
template <class T>
void TokenLevel<T>::expect_separately(ConstView<T> f, ConstView<T> stream, View<T> normaliser, View<T> mean_0, View<T> mean_c, View<T> p) {
  if (p_.rows() == 0) {
    p_ = {device_, lexicon_.vocabulary(), streams_};
    back_ = {device_, std::max(settings_.units, lexicon_.units()), streams_};
  }
  const auto count = static_cast<Index>(reading_.size());
  expect(f, stream, normaliser, {}, {}, p_.cols_at(0, count));
  if (p.data != nullptr) device_.copy(p_.cols_at(0, count), p);
  scatters_.clear();
  for (Index k = 0; k < count; ++k) scatters_.push_back({reading_[static_cast<std::size_t>(k)], static_cast<std::int32_t>(k), T(1)});
  const auto mean_of = [&](const Weight<T>& words, View<T> mean) {
    if (mean.data == nullptr) return;
    const View<T> its = back_.rows_at(0, mean.rows);
    device_.gemm(false, false, T(1), words.back(), p_.view(), T(0), its);
    device_.fill(mean, T(0));
    device_.scatter_add_columns(its, scatters_, mean);
  };
  if (mean_0.data != nullptr) mean_of(embedding_, mean_0.rows_at(0, settings_.units));
  mean_of(lexicon_.vectors, mean_c);
}

template <class T>
void TokenLevel<T>::score(ConstView<T> active, ConstView<T> f, ConstView<T> stream, ConstView<T> normaliser, View<T> loss) {
  device_.multiply(target_0_, f, dot_0_);
  device_.column_sum(dot_0_, part_);
  device_.copy(normaliser, loss);
  device_.axpby(T(-1), part_, T(1), loss);
  device_.axpby(T(-1), target_bias_, T(1), loss);
  if (stream.data != nullptr) {
    device_.multiply(word_, stream, dot_c_);
    device_.column_sum(dot_c_, part_);
    device_.axpby(T(-1), part_, T(1), loss);
  }
  device_.multiply(loss, active, loss);
}

template <class T>
void TokenLevel<T>::messages(const Step<T>& step) {
  const auto towards = [&](const Weight<T>& words, ConstView<T> mean, View<T> out) {
    device_.gather_columns(words.back(), ids_, out);
    device_.axpby(T(-1), mean, T(1), out);
    flexibility_.add_message(&words == &embedding_, mean, out);
    device_.scale_columns(step.active, out);
  };
  const Index d = settings_.units;
  if (streamed_ || settings_.share) towards(lexicon_.vectors, mean_c_, rho_);
  if (step.last_sweep) return;
  towards(embedding_, mean_0_.rows_at(0, d), gradient_0_.rows_at(0, d));
  if (settings_.share) device_.copy(rho_, gradient_0_.rows_at(d, units_ - d));
}

template <class T>
void TokenLevel<T>::add_flexibility(ConstView<T> active, ConstView<T> f, ConstView<T> stream, ConstView<T> normaliser, View<T> loss) {
  if (flexibility_.on()) flexibility_.add_value(f.rows_at(0, settings_.units), total(stream, f), normaliser, extra_, active, loss);
}

template <class T>
void TokenLevel<T>::score_with_stream(const Step<T>& step, ConstView<T> stream, View<T> loss) {
  collect_targets(*step.observation, step.learning);
  expect(fd_0_, stream, scored_, {}, {}, {});
  score(step.active, fd_0_, stream, scored_, loss);
}

template class TokenLevel<float>;
template class TokenLevel<double>;

}  // namespace strata
