#include "levels/broad.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace strata {

namespace {
constexpr double longest_weighed = 100;  // tokens of a time constant that kappa begins with
constexpr Index watched = 16;            // windows of a stream that pend at once, at least where there are more, whose prediction is kept
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
