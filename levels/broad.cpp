#include "levels/broad.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

namespace strata {

namespace {
constexpr double longest_weighed = 100;  // tokens of a time constant that kappa begins with
constexpr double scalar_rate = .01;      // of ln beta, gamma, ln kappa and alpha, per window, at first
constexpr double half_rate = 2500;       // windows after which it is half of that
constexpr double most_pending = 100;     // windows, beyond which it is as much slower: a slope comes late
constexpr Index watched = 16;            // windows of a stream that pend at once, at least where there are more, whose prediction is kept
constexpr double longest_step = .05;     // of them at once: the many windows of one long document close together
}  // namespace

template <class T>
Broad<T>::Broad(Device<T>& device, Lexicon<T>& lexicon, const BroadSettings& settings, Index inputs, Index above, Index streams,
                Index interval, std::uint64_t seed, std::uint32_t level)
    : device_(device),
      lexicon_(lexicon),
      settings_(settings),
      streams_(streams),
      capacity_(streams * ((settings.limit + interval) / settings.interval + 4)),
      stride_(std::max<Index>(1, settings.limit / settings.interval / watched)),
      recency_(streams, lexicon.vocabulary(), {settings.time_constant}) {
  const Index n = lexicon.units(), v = lexicon.vocabulary(), b = streams;
  if (settings.cache > 0) scalars_.log_kappa = std::log((1 / settings.cache - 1) * std::min(settings.time_constant, longest_weighed));
  readout_ = {device, "broad_readout", n, n};
  background_ = {device, "broad_background", v, 1, false};
  recency_gain_ = {device, "broad_recency", v, 1, false};
  readout_.randomise(1 / std::sqrt(static_cast<double>(n)), seed, level);
  device.copy(lexicon.background(), background_.value);
  const auto cap = static_cast<std::size_t>(settings.limit + interval + 1);
  history_.assign(static_cast<std::size_t>(b), std::vector<std::int32_t>(cap, 0));
  counts_.resize(static_cast<std::size_t>(capacity_));
  pool_mu_ = {device, n, capacity_};
  pool_memory_ = {device, inputs, capacity_};
  if (above > 0) pool_above_ = {device, above, capacity_};
  pool_made_ = {device, v, capacity_ / stride_ + streams};
  if (settings.from_above) {
    pool_expected_ = {device, v, capacity_};
    expected_ = {device, v, b};
  }
  held_ = {device, v, b};
  raised_ = {device, v, b};
  held_normaliser_ = {device, b, 1};
  for (auto* x : {&f_, &mf_, &back_, &square_}) *x = {device, n, b};
  memory_ = {device, inputs, b};
  if (above > 0) above_ = {device, above, b};
  for (auto* x : {&logits_, &residual_}) *x = {device, v, b};
  for (auto* x : {&normaliser_, &entropy_, &divergence_, &loss_, &share_}) *x = {device, b, 1};
  reset();
}

template <class T>
void Broad<T>::reset() {
  const auto b = static_cast<std::size_t>(streams_);
  recency_.clear_all();
  position_.assign(b, 0);
  since_.assign(b, 0);
  for (std::size_t j = 0; j < b; ++j) since_[j] = static_cast<std::int64_t>(j) * settings_.interval / streams_;
  ready_.assign(b, 0);
  ended_.assign(b, 1);
  unit_ends_.assign(b, 0);
  opened_.assign(b, 0);
  open_.clear();
  closed_.clear();
  free_.clear();
  made_free_.clear();
  for (Index c = pool_made_.cols(); c-- > 0;) made_free_.push_back(static_cast<std::int32_t>(c));
  for (Index c = capacity_; c-- > 0;) free_.push_back(static_cast<std::int32_t>(c));
  for (auto* x : {&pool_mu_, &pool_memory_, &pool_above_, &pool_expected_, &pool_made_, &held_, &held_normaliser_, &raised_})
    if (!x->empty()) device_.fill(*x, T(0));
  for (auto& ring : history_) std::fill(ring.begin(), ring.end(), 0);
  operations_ = 0;
}

template <class T>
void Broad<T>::read(const Observation& o, std::span<const std::uint8_t> boundary) {
  for (std::size_t j = 0; j < o.id.size(); ++j) {
    if (o.active[j] == 0) continue;
    auto& ring = history_[j];
    ring[static_cast<std::size_t>(position_[j]) % ring.size()] = o.id[j];
    ++position_[j];
    ++since_[j];
    recency_.read(static_cast<Index>(j), o.id[j]);
    if ((boundary[j] & document_end) != 0) recency_.clear(static_cast<Index>(j));
    // The mark of a paragraph's end behind a sentence's last word is no sentence of its own.
    const bool mark = settings_.unit == sentence_end && ended_[j] != 0 && (boundary[j] & paragraph_end) != 0;
    ended_[j] = (boundary[j] & settings_.unit) != 0;
    unit_ends_[j] = ended_[j] != 0 && !mark;
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < open_.size(); ++i) {
    Window& w = open_[i];
    const auto j = static_cast<std::size_t>(w.stream);
    bool closes = false;
    if (o.active[j] != 0) {
      w.boundaries -= unit_ends_[j];
      closes = w.boundaries <= 0 || position_[j] - w.begin >= settings_.limit || (boundary[j] & document_end) != 0;
    }
    if (closes) {
      w.end = position_[j];
      closed_.push_back(w);
    } else {
      open_[kept++] = w;
    }
  }
  open_.resize(kept);
}

template <class T>
void Broad<T>::logits(ConstView<T> f, View<T> out) {
  View<T> mf = mf_.cols_at(0, out.cols);
  device_.gemm(false, false, T(1), readout_.value.view(), f, T(0), mf);
  device_.gemm(true, false, static_cast<T>(scalars_.beta), lexicon_.vectors.value.view(), mf, T(0), out);
  device_.add_entries(recent_, recency_gain_.value.view(), out);
  if (settings_.cache > 0) device_.add_entries(cached_, {}, out);
  device_.add_to_rows(T(1), background_.value.view(), out);
}

template <class T>
void Broad<T>::leave_out(std::span<const std::uint8_t> ticks) {
  for (std::size_t j = 0; j < ticks.size(); ++j)
    if (ticks[j] != 0 && since_[j] >= settings_.interval) since_[j] = 0;
}

template <class T>
void Broad<T>::evaluate(std::span<const std::uint8_t> ticked, std::span<const std::uint8_t> boundary, const Partners<T>& partners) {
  due_.clear();
  for (std::size_t j = 0; j < ticked.size(); ++j) {
    const bool forced = (boundary[j] & forced_tick) != 0;
    if ((boundary[j] & document_end) != 0) device_.fill(raised_.cols_at(static_cast<Index>(j), 1), T(0));  // of a document that is over
    if (ticked[j] != 0 && (since_[j] >= settings_.interval || forced)) due_.push_back(static_cast<std::int32_t>(j));
  }
  // Always products of one width: a stream's bits may not depend on how many others are due at the same step.
  const auto width = static_cast<std::size_t>(std::min(streams_, settings_.width));
  for (std::size_t first = 0; first < due_.size(); first += width)
    evaluate_block(std::span(due_).subspan(first, std::min(width, due_.size() - first)), partners);
  for (const auto j : due_) open_window(j, boundary[static_cast<std::size_t>(j)], partners);
}

/// Logits and their normaliser of at most a block of streams; columns of a block that is not full repeat its first.
template <class T>
void Broad<T>::predict(std::span<const std::int32_t> streams, ConstView<T> mu, ConstView<T> expected, View<T> out, View<T> normaliser) {
  View<T> f = f_.cols_at(0, out.cols);
  columns_.assign(streams.begin(), streams.end());
  columns_.resize(static_cast<std::size_t>(out.cols), streams.front());
  device_.gather_columns(mu, columns_, f);
  device_.map(Unary::tanh, f, f);
  recent_.clear();
  cached_.clear();
  for (std::size_t i = 0; i < streams.size(); ++i) {
    counts_now_.clear();
    recency_.entries(
        streams[i], 0, 0, [](double r) { return r; }, counts_now_);
    add_counts(counts_now_, static_cast<std::int32_t>(i), scalars_);
  }
  logits(f, out);
  if (settings_.from_above && expected.data != nullptr) {
    View<T> taken = expected_.cols_at(0, out.cols);
    device_.gather_columns(expected, columns_, taken);
    device_.axpby(static_cast<T>(scalars_.alpha), taken, T(1), out);
  }
  device_.log_sum_exp(out, normaliser);
}

/// What the words just read add to the logits of a column.
template <class T>
void Broad<T>::add_counts(std::span<const Entry<float>> counts, std::int32_t column, const Scalars& by) {
  for (const auto& e : counts) recent_.push_back({e.row, column, static_cast<T>(by.beta * saturated(e.value))});
  if (settings_.cache == 0) return;
  for (const auto& e : counts)
    cached_.push_back(
        {e.row, column, static_cast<T>(by.gamma * std::log1p(e.value * std::exp(-by.log_kappa - lexicon_.log_unigram(e.row))))});
}

template <class T>
void Broad<T>::evaluate_block(std::span<const std::int32_t> due, const Partners<T>& partners) {
  const Index width = std::min(streams_, settings_.width);
  View<T> out = logits_.cols_at(0, width), normaliser = normaliser_.rows_at(0, width);
  predict(due, partners.mu, partners.expected, out, normaliser);
  count(width);
  for (std::size_t i = 0; i < due.size(); ++i) {
    const auto column = static_cast<Index>(i);
    device_.copy(out.cols_at(column, 1), held_.cols_at(due[i], 1));
    device_.copy(out.cols_at(column, 1), raised_.cols_at(due[i], 1));
    device_.axpby(T(-1), background_.value.view(), T(1), raised_.cols_at(due[i], 1));
    device_.copy(normaliser.rows_at(column, 1), held_normaliser_.rows_at(due[i], 1));
  }
}

/// Keeps what the prediction of this moment was made from, until its window closes.
template <class T>
void Broad<T>::open_window(std::int32_t stream, std::uint8_t boundary, const Partners<T>& partners) {
  const auto j = static_cast<std::size_t>(stream);
  ready_[j] = 1;
  since_[j] = 0;
  if (free_.empty()) return;  // forced ticks came faster than windows close: this moment is scored by none
  Window w;
  w.made_by = scalars_;
  w.stream = stream;
  w.column = free_.back();
  free_.pop_back();
  w.begin = position_[j];
  const bool fresh = position_[j] == 0 || (boundary & (settings_.unit | document_end)) != 0;
  w.boundaries = fresh || settings_.unit == document_end ? 1 : 2;
  auto& counts = counts_[static_cast<std::size_t>(w.column)];
  counts.clear();
  recency_.entries(
      stream, 0, 0, [](double r) { return r; }, counts);
  device_.copy(partners.mu.cols_at(stream, 1), pool_mu_.cols_at(w.column, 1));
  device_.copy(partners.memory.cols_at(stream, 1), pool_memory_.cols_at(w.column, 1));
  if (partners.above.data != nullptr) device_.copy(partners.above.cols_at(stream, 1), pool_above_.cols_at(w.column, 1));
  if (opened_[j]++ % stride_ == stream % stride_ && !made_free_.empty()) {
    w.made = made_free_.back();
    made_free_.pop_back();
    device_.copy(held_.cols_at(stream, 1), pool_made_.cols_at(w.made, 1));
  }
  if (settings_.from_above && partners.expected.data != nullptr)
    device_.copy(partners.expected.cols_at(stream, 1), pool_expected_.cols_at(w.column, 1));
  open_.push_back(w);
}

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

template <class T>
void Broad<T>::expectation(ConstView<T> mu, ConstView<T> expected, View<T> log_p) {
  const Index width = std::min(streams_, settings_.width);
  View<T> out = logits_.cols_at(0, width), normaliser = normaliser_.rows_at(0, width);
  for (Index first = 0; first < streams_; first += width) {
    const Index count = std::min(width, streams_ - first);
    due_.resize(static_cast<std::size_t>(count));
    std::iota(due_.begin(), due_.end(), static_cast<std::int32_t>(first));
    predict(due_, mu, expected, out, normaliser);
    device_.outer_product(T(-1), device_.ones(out.rows), normaliser, out);
    device_.copy(out.cols_at(0, count), log_p.cols_at(first, count));
  }
}

template <class T>
void Broad<T>::visit_weights(const std::function<void(Weight<T>&)>& visit) {
  visit(readout_);
  visit(background_);
  visit(recency_gain_);
}

template class Broad<float>;
template class Broad<double>;

}  // namespace strata
