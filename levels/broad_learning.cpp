// What windows that closed teach: scores and scalars from predictions as they were made, weights from the moment's partners. See levels/broad.hpp.

#include <algorithm>
#include <cmath>
#include <iterator>

#include "levels/broad.hpp"

namespace strata {

namespace {
constexpr double scalar_rate = .01;   // of ln beta, gamma, ln kappa and alpha, per window, at first
constexpr double half_rate = 2500;    // windows after which it is half of that
constexpr double most_pending = 100;  // windows, beyond which it is as much slower: a slope comes late
constexpr double longest_step = .05;  // of them at once: the many windows of one long document close together
}  // namespace

/// Words of the windows, what those read before add to the logits (`as_made`: by the scalars of then, and without gamma), and what a window counts.
template <class T>
void Broad<T>::bag(std::span<const Window> block, bool as_made) {
  targets_.clear();
  recent_.clear();
  cached_.clear();
  columns_.clear();
  host_.clear();
  for (std::size_t i = 0; i < block.size(); ++i) {
    const Window& w = block[i];
    const auto& ring = history_[static_cast<std::size_t>(w.stream)];
    words_.clear();
    for (std::int64_t p = w.begin; p < w.end; ++p) words_.push_back(ring[static_cast<std::size_t>(p) % ring.size()]);
    std::sort(words_.begin(), words_.end());
    const auto col = static_cast<std::int32_t>(i);
    for (auto word = words_.begin(); word != words_.end();) {
      const auto next = std::upper_bound(word, words_.end(), *word);
      targets_.push_back({*word, col, static_cast<T>(static_cast<double>(next - word) / w.length())});
      word = next;
    }
    Scalars by = as_made ? w.made_by : scalars_;
    if (as_made) by.gamma = 1;
    add_counts(counts_[static_cast<std::size_t>(w.column)], col, by);
    columns_.push_back(w.column);
    host_.push_back(static_cast<T>(met_.windows > 0 ? w.length() * met_.windows / met_.words : 1));
  }
  device_.upload(host_, share_.rows_at(0, static_cast<Index>(block.size())));
}

template <class T>
void Broad<T>::settle(T scale, bool learning, Weight<T>& memory_in, Weight<T>* above_in, Weight<T>& bias) {
  const auto blocks = [this](std::span<const Window> windows, auto of_block) {
    for (; !windows.empty(); windows = windows.subspan(std::min(static_cast<std::size_t>(streams_), windows.size())))
      of_block(windows.first(std::min(static_cast<std::size_t>(streams_), windows.size())));
  };
  watched_.clear();
  std::copy_if(closed_.begin(), closed_.end(), std::back_inserter(watched_), [](const Window& w) { return w.made >= 0; });
  if (scoring_) score_.closed += static_cast<double>(closed_.size());
  if (learning)
    for (const Window& w : watched_) met_ = {met_.windows + 1, met_.words + w.length()};
  Scalars slopes{0, 0, 0, 0};
  if (learning || scoring_) blocks(watched_, [&](auto block) { settle_made(block, learning, slopes); });
  if (learning && settings_.weight > 0)
    blocks(closed_, [&](auto block) { learn_block(block, scale * static_cast<T>(settings_.weight), memory_in, above_in, bias); });
  for (const Window& w : watched_) made_free_.push_back(w.made);
  for (const Window& w : closed_) free_.push_back(w.column);
  closed_.clear();
  if (learning) learn_scalars(slopes);
}

/// Of predictions as they were made: score and loss, and the slopes of the scalars.
template <class T>
void Broad<T>::settle_made(std::span<const Window> block, bool learning, Scalars& slopes) {
  const auto count = static_cast<Index>(block.size());
  bag(block, true);
  View<T> out = logits_.cols_at(0, count), residual = residual_.cols_at(0, count), loss = loss_.rows_at(0, count);
  made_columns_.clear();
  for (const Window& w : block) made_columns_.push_back(w.made);
  device_.gather_columns(pool_made_, made_columns_, out);
  device_.softmax_cross_entropy(out, targets_, residual, loss);
  if (scoring_) score_block(block);
  if (!learning) return;
  if (settings_.weight > 0) {
    host_.resize(block.size());
    device_.download(loss, host_);
    for (std::size_t i = 0; i < block.size(); ++i) {
      learned_.nats += static_cast<double>(host_[i]) * block[i].length();
      learned_.count += block[i].length();
    }
  }
  device_.scale_columns(share_.rows_at(0, count), residual);
  add_slopes(block, slopes);
}

/// Slopes of the scalars: (q - p) . what each multiplies in the logits as they were made, over windows; of ln beta, what is left of these beyond
/// the background, which has moved little since.
template <class T>
void Broad<T>::add_slopes(std::span<const Window> block, Scalars& slopes) {
  const auto count = static_cast<Index>(block.size());
  View<T> out = logits_.cols_at(0, count), residual = residual_.cols_at(0, count);
  const auto along = [&](View<T> part) {
    device_.multiply(part, residual, part);
    host_.resize(block.size());
    View<T> sum = entropy_.rows_at(0, count);
    device_.column_sum(part, sum);
    device_.download(sum, host_);
  };
  device_.add_to_rows(T(-1), background_.value.view(), out);
  along(out);
  for (const T x : host_) slopes.beta += static_cast<double>(x);
  if (settings_.from_above) {
    View<T> expected = expected_.cols_at(0, count);
    device_.gather_columns(pool_expected_, columns_, expected);
    along(expected);
    for (std::size_t i = 0; i < block.size(); ++i) {
      slopes.alpha += static_cast<double>(host_[i]);
      slopes.beta -= block[i].made_by.alpha * static_cast<double>(host_[i]);
    }
  }
  if (settings_.cache == 0) return;
  host_.resize(cached_.size());
  device_.read_entries(residual, cached_, host_);
  for (std::size_t i = 0; i < cached_.size(); ++i) {
    const double error = static_cast<double>(host_[i]), lift = static_cast<double>(cached_[i].value);  // ln(1 + z)
    const double gamma = block[static_cast<std::size_t>(cached_[i].col)].made_by.gamma;
    slopes.gamma += error * lift;
    slopes.log_kappa += error * gamma * std::expm1(-lift);  // - z / (1 + z)
    slopes.beta -= error * gamma * lift;
  }
}

template <class T>
void Broad<T>::learn_scalars(const Scalars& slopes) {
  const double pending = static_cast<double>(pool_made_.cols()) - static_cast<double>(made_free_.size());
  const double rate = scalar_rate / (1 + met_.windows / half_rate) * std::min(1., most_pending / std::max(1., pending));
  const auto step = [&](double slope) { return std::clamp(rate * slope, -longest_step, longest_step); };
  scalars_.beta *= std::exp(step(slopes.beta));
  scalars_.gamma += step(slopes.gamma);
  scalars_.log_kappa += step(slopes.log_kappa);
  scalars_.alpha += step(slopes.alpha);
}

/// What the weights of now learn from windows that closed, whose partners are those of the moment.
template <class T>
void Broad<T>::learn_block(std::span<const Window> block, T scale, Weight<T>& memory_in, Weight<T>* above_in, Weight<T>& bias) {
  const auto count = static_cast<Index>(block.size());
  bag(block, false);
  View<T> f = f_.cols_at(0, count), mf = mf_.cols_at(0, count), back = back_.cols_at(0, count), square = square_.cols_at(0, count);
  View<T> out = logits_.cols_at(0, count), residual = residual_.cols_at(0, count);
  device_.gather_columns(pool_mu_, columns_, f);
  device_.map(Unary::tanh, f, f);
  logits(f, out);
  this->count(count);
  if (settings_.from_above) {
    View<T> expected = expected_.cols_at(0, count);
    device_.gather_columns(pool_expected_, columns_, expected);
    device_.axpby(static_cast<T>(scalars_.alpha), expected, T(1), out);
  }
  device_.softmax_cross_entropy(out, targets_, residual, loss_.rows_at(0, count));
  device_.scale_columns(share_.rows_at(0, count), residual);
  const T beta = static_cast<T>(scalars_.beta);
  const Index partners = memory_in.size() + (above_in != nullptr ? above_in->size() : 0);
  operations_ += static_cast<double>((2 * lexicon_.vectors.size() + 2 * readout_.size() + partners) * count);
  // through the read-out: back = beta S (q - p)
  device_.gemm(false, false, beta, lexicon_.vectors.back(), residual, T(0), back);
  device_.outer_product(scale, back, f, readout_.gradient);
  device_.outer_product(scale * beta, mf, residual, lexicon_.vectors.gradient);
  device_.row_sum(scale, residual, device_.ones(count), T(1), background_.gradient);
  device_.dot_entries(scale, recent_, residual, recency_gain_.gradient);
  // through mu_l: e = (1 - f^2) .* M' back
  device_.gemm(true, false, T(1), readout_.back(), back, T(0), mf);
  device_.map(Unary::square, f, square);
  device_.multiply(square, mf, square);
  device_.axpby(T(-1), square, T(1), mf);
  View<T> memory = memory_.cols_at(0, count);
  device_.gather_columns(pool_memory_, columns_, memory);
  device_.outer_product(scale, mf, memory, memory_in.gradient);
  if (above_in != nullptr) {
    View<T> above = above_.cols_at(0, count);
    device_.gather_columns(pool_above_, columns_, above);
    device_.outer_product(scale, mf, above, above_in->gradient);
  }
  device_.row_sum(scale, mf, device_.ones(count), T(1), bias.gradient);
}

template class Broad<float>;
template class Broad<double>;

}  // namespace strata
