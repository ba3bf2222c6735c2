#include "levels/token.hpp"

#include <algorithm>
#include <cmath>

#include "levels/registry.hpp"

namespace strata {

LevelKind token_kind();

namespace {
enum Purpose : std::uint32_t { context_dropout = 1, output_dropout = 3, hidden_dropout = 4 };
const std::vector<double> priming_time_constants{40, 300, 2500};
}  // namespace

template <class T>
TokenLevel<T>::TokenLevel(Device<T>& device, Lexicon<T>& lexicon, const TokenSettings& settings, Index streams, Index interval,
                          std::uint64_t seed)
    : device_(device),
      lexicon_(lexicon),
      settings_(settings),
      streams_(streams),
      units_(settings.units + (settings.share ? lexicon.units() : 0)),
      flexibility_(device, lexicon, settings.flexibility, settings.units, streams) {
  create_weights(seed);
  create_tensors(interval);
  stash_context_.assign(static_cast<std::size_t>(settings.context * streams * interval), 0);
  context_.assign(static_cast<std::size_t>(settings.context * streams), 0);
  ticking_.assign(static_cast<std::size_t>(streams), 0);
  if (settings.priming) {
    priming_gain_ = {device, "priming_gain", lexicon.vocabulary(), 3, false};
    recency_ = std::make_unique<Recency>(streams, lexicon.vocabulary(), priming_time_constants);
  }
  if (settings.ngrams.orders > 0 || !settings.ngrams.recency.empty())
    ngrams_ = std::make_unique<Ngrams>(settings.ngrams, streams, lexicon.log_unigrams());
}

template <class T>
void TokenLevel<T>::create_weights(std::uint64_t seed) {
  const Index d = units_, ha = settings_.hidden, in = d * settings_.context, v = lexicon_.vocabulary();
  embedding_ = {device_, "embedding", settings_.units, v};
  hidden_in_ = {device_, "hidden_in", ha, in};
  hidden_out_ = {device_, "hidden_out", d, ha};
  direct_ = {device_, "direct", d, in};
  hidden_bias_ = {device_, "hidden_bias", ha, 1, false};
  bias_ = {device_, "bias", d, 1, false};
  output_bias_ = {device_, "output_bias", v, 1, false};
  embedding_.by_rows = true;
  embedding_.randomise(.1, seed, 0);
  if (settings_.separate_embeddings) {
    embedding_in_ = {device_, "embedding_in", d, v};
    embedding_in_.returns = false;
    embedding_in_.randomise(.1, seed, 0);
  }
  if (settings_.separate_embeddings)
    read_by_ = {{&embedding_in_, 0}};
  else if (settings_.share)
    read_by_ = {{&embedding_, 0}, {&lexicon_.vectors, settings_.units}};
  else
    read_by_ = {{&embedding_, 0}};
  hidden_in_.randomise(3 / std::sqrt(static_cast<double>(in)), seed, 0);
  hidden_out_.randomise(1 / std::sqrt(static_cast<double>(ha)), seed, 0);
  direct_.randomise(1 / std::sqrt(static_cast<double>(in)), seed, 0);
  device_.copy(lexicon_.background(), output_bias_.value);
}

/// Beliefs, messages and what is stashed of `interval` tokens.
template <class T>
void TokenLevel<T>::create_tensors(Index interval) {
  const Index d = units_, ha = settings_.hidden, in = d * settings_.context, v = lexicon_.vocabulary(), n = lexicon_.units();
  const Index b = streams_, columns = streams_ * interval;
  for (auto* x : {&ctx_, &ctx_mask_}) *x = {device_, in, b};
  for (auto* x : {&mu_a_, &x_a_, &f_a_, &e_a_, &message_a_, &kept_x_a_, &kept_f_a_, &drop_a_, &fd_a_}) *x = {device_, ha, b};
  for (auto* x : {&base_, &mu_0_, &x_0_, &f_0_, &e0_, &gradient_0_, &kept_x_0_, &kept_f_0_, &kept_mu_0_, &belief_}) *x = {device_, d, b};
  for (auto* x : {&target_0_, &mean_0_, &kept_gradient_0_, &dot_0_, &drop_0_, &fd_0_}) *x = {device_, d, b};
  for (auto* x : {&rho_, &word_, &stream_held_, &mean_c_, &kept_rho_, &dot_c_}) *x = {device_, n, b};
  for (auto* x : {&kept_loss_, &loss_, &surprise_, &error_norm_, &free_energy_, &scratch_energy_, &normaliser_, &scored_, &target_bias_,
                  &target_extra_, &part_, &active_})
    *x = {device_, b, 1};
  device_.fill(drop_0_, T(1));
  device_.fill(drop_a_, T(1));
  stash_p_ = {device_, v, columns};
  for (auto* x : {&stash_f_0_, &stash_e_0_}) *x = {device_, d, columns};
  for (auto* x : {&stash_e_a_, &stash_f_a_}) *x = {device_, ha, columns};
  for (auto* x : {&stash_ctx_, &stash_ctx_mask_, &context_error_}) *x = {device_, in, columns};
  stash_stream_ = {device_, n, columns};
  if (settings_.share) total_ = {device_, n, b};
  if (flexibility_.on()) flexible_ = {device_, b, 1};
}

template <class T>
void TokenLevel<T>::collect_targets(const Observation& observation, bool learning) {
  ids_ = observation.id;
  reading_.clear();
  ngram_readings_.clear();
  for (std::size_t j = 0; j < observation.active.size(); ++j) {
    if (observation.active[j] == 0) continue;
    reading_.push_back(static_cast<std::int32_t>(j));
    ngram_readings_.push_back({static_cast<std::int32_t>(j), ids_[j], learning && observation.pass[j] > 0});
  }
  gather_targets();
}

template <class T>
void TokenLevel<T>::gather_targets() {
  const Index d = settings_.units;
  device_.gather_columns(embedding_.value, ids_, target_0_.rows_at(0, d));
  device_.gather_columns(lexicon_.vectors.value, ids_, word_);
  if (settings_.share) device_.copy(word_, target_0_.rows_at(d, units_ - d));
  device_.gather_columns(output_bias_.value.view().as_row(), ids_, target_bias_.view().as_row());
  if (!recency_ && !ngrams_) return;
  collect_extra();
  word_entries_.clear();
  for (const Entry<T>& entry : extra_)
    if (ids_[static_cast<std::size_t>(entry.col)] == entry.row) word_entries_.push_back({entry.col, 0, entry.value});
  device_.fill(target_extra_, T(0));
  device_.add_entries(word_entries_, {}, target_extra_);
  device_.axpby(T(1), target_extra_, T(1), target_bias_);
}

/// What priming and n-gram features add to the logits: word w of stream j is expected more by its gain times its recency.
template <class T>
void TokenLevel<T>::collect_extra() {
  extra_.clear();
  for (Index i = 0; recency_ && i < 3; ++i) {
    const std::size_t first = extra_.size();
    for (Entry<T> entry : primed_[i]) extra_.push_back({entry.row, 0, T(0)});
    gains_.resize(extra_.size() - first);
    device_.read_entries(priming_gain_.value.cols_at(i, 1), std::span(extra_).subspan(first), gains_);
    for (std::size_t k = 0; k < gains_.size(); ++k) {
      const Entry<T>& entry = primed_[i][k];
      extra_[first + k] = {entry.row, entry.col, entry.value * gains_[k]};
    }
  }
  ngram_first_ = extra_.size();
  if (ngrams_) ngrams_->play<T>(ngram_readings_, extra_);
}

template <class T>
void TokenLevel<T>::observe(const Step<T>& step, const Upward<T>&) {
  collect_targets(*step.observation, step.learning);
  const auto count = static_cast<Index>(reading_.size());
  const bool errors = step.learning || step.settling;
  const View<T> none;
  observed_ = step.slot == 0 ? 0 : stashed_;
  expect(fd_0_, held_stream(), normaliser_, errors ? mean_0_.view() : none, errors ? mean_c_.view() : none,
         step.learning ? stash_p_.cols_at(observed_, count) : none);
  score(step.active, fd_0_, held_stream(), normaliser_, loss_);
  device_.copy(loss_, surprise_);
  add_flexibility(step.active, fd_0_, held_stream(), normaliser_, loss_);
  if (flexibility_.on()) {
    device_.copy(flexibility_.value(), flexible_);
    flexibility_.score(step.observation->active);
  }
  device_.copy(step.active, active_);
  if (errors) {
    messages(step);
  } else {
    device_.fill(rho_, T(0));
    device_.fill(gradient_0_, T(0));
  }
  if (!step.learning) return;
  device_.gather_columns(fd_0_, reading_, stash_f_0_.cols_at(observed_, count));
  if (const ConstView<T> c = total(held_stream(), fd_0_); c.data != nullptr)
    device_.gather_columns(c, reading_, stash_stream_.cols_at(observed_, count));
}

template <class T>
void TokenLevel<T>::begin_settling(const Step<T>& step, const Upward<T>&) {
  ticking_.assign(step.observation->active.begin(), step.observation->active.end());
}

template <class T>
void TokenLevel<T>::settle(const Upward<T>&, ConstView<T> rate) {
  const T pi_0 = static_cast<T>(settings_.precision), pi_a = static_cast<T>(settings_.hidden_precision);
  device_.multiply(gradient_0_, drop_0_, dot_0_);
  device_.relax_step(pi_0, mu_0_, dot_0_, rate, x_0_, f_0_);
  device_.multiply(f_0_, drop_0_, fd_0_);
  device_.prediction_error(pi_0, x_0_, mu_0_, e0_, scratch_energy_);
  device_.gemm(true, false, T(1), hidden_out_.back(), e0_.view(), T(0), message_a_);
  device_.multiply(message_a_, drop_a_, message_a_);
  device_.relax_step(pi_a, mu_a_, message_a_, rate, x_a_, f_a_);
  device_.multiply(f_a_, drop_a_, fd_a_);
  device_.copy(base_, mu_0_);
  device_.gemm(false, false, T(1), hidden_out_.value.view(), fd_a_.view(), T(1), mu_0_);
}

template <class T>
void TokenLevel<T>::emit(const Step<T>& step, const Downward<T>& above) {
  expect(fd_0_, above.stream, normaliser_, step.last_sweep ? View<T>{} : mean_0_.view(), mean_c_, {});
  score(step.active, fd_0_, above.stream, normaliser_, loss_);
  add_flexibility(step.active, fd_0_, above.stream, normaliser_, loss_);
  messages(step);
}

template <class T>
void TokenLevel<T>::add_energy(View<T> energy) {
  device_.prediction_error(static_cast<T>(settings_.precision), x_0_, mu_0_, e0_, energy);
  device_.prediction_error(static_cast<T>(settings_.hidden_precision), x_a_, mu_a_, e_a_, energy);
  device_.axpby(T(1), loss_, T(1), energy);
}

template <class T>
void TokenLevel<T>::keep() {
  device_.copy(x_a_, kept_x_a_);
  device_.copy(f_a_, kept_f_a_);
  device_.copy(x_0_, kept_x_0_);
  device_.copy(f_0_, kept_f_0_);
  device_.copy(mu_0_, kept_mu_0_);
  device_.copy(loss_, kept_loss_);
  device_.copy(gradient_0_, kept_gradient_0_);
  device_.copy(rho_, kept_rho_);
}

template <class T>
void TokenLevel<T>::restore(ConstView<T> mask) {
  device_.select_columns(mask, kept_x_a_, x_a_);
  device_.select_columns(mask, kept_f_a_, f_a_);
  device_.select_columns(mask, kept_x_0_, x_0_);
  device_.select_columns(mask, kept_f_0_, f_0_);
  device_.multiply(f_a_, drop_a_, fd_a_);
  device_.multiply(f_0_, drop_0_, fd_0_);
  device_.select_columns(mask, kept_mu_0_, mu_0_);
  device_.select_columns(mask, kept_gradient_0_, gradient_0_);
  device_.select_columns(mask, kept_rho_, rho_);
  device_.select_columns(mask, kept_loss_.view().as_row(), loss_.view().as_row());
}

template <class T>
void TokenLevel<T>::end_settling(const Step<T>&) {
  device_.fill(scratch_energy_, T(0));
  device_.prediction_error(static_cast<T>(settings_.precision), x_0_, mu_0_, e0_, scratch_energy_);
  device_.copy(scratch_energy_, error_norm_);
  device_.axpby(T(1), error_norm_, T(1), error_norm_);  // |e|^2 / pi = 2 x the penalty
  device_.map(Unary::sqrt, error_norm_, error_norm_);
  device_.prediction_error(static_cast<T>(settings_.hidden_precision), x_a_, mu_a_, e_a_, scratch_energy_);
  device_.copy(scratch_energy_, free_energy_);
  device_.axpby(T(1), loss_, T(1), free_energy_);
  device_.copy(x_0_, belief_);
}

template <class T>
void TokenLevel<T>::carry(const Step<T>& step, const Upward<T>&) {
  const Observation& o = *step.observation;
  if (ngrams_ && step.learning) ngrams_->learn<T>(ngram_readings_, ngram_p_);
  for (Index j = 0; j < streams_; ++j) {
    const auto s = static_cast<std::size_t>(j);
    if (o.active[s] == 0) continue;
    for (Index k = settings_.context - 1; k > 0; --k)
      context_[static_cast<std::size_t>(k * streams_ + j)] = context_[static_cast<std::size_t>((k - 1) * streams_ + j)];
    context_[s] = o.id[s];
    if (ngrams_) ngrams_->read(j, o.id[s]);
    if (ngrams_ && (o.boundary[s] & document_end) != 0) ngrams_->forget(j);
    if (!recency_) continue;
    recency_->read(j, o.id[s]);
    if ((o.boundary[s] & document_end) != 0) recency_->clear(j);
  }
}

template <class T>
void TokenLevel<T>::prime() {
  for (std::size_t i = 0; i < 3; ++i) {
    primed_[i].clear();
    for (Index j = 0; j < streams_; ++j)
      recency_->entries(
          j, i, static_cast<std::int32_t>(j), [i](double r) { return saturate(i, r); }, primed_[i]);
  }
}

template <class T>
void TokenLevel<T>::drop(const Step<T>& step) {
  const auto draw = [&](Tensor<T>& mask, double rate, Purpose purpose) {
    if (step.training && rate > 0)
      device_.dropout_mask(rate, {step.seed, step.index, 0, purpose}, mask);
    else
      device_.fill(mask, T(1));
  };
  draw(ctx_mask_, settings_.context_dropout, context_dropout);
  draw(drop_0_, settings_.dropout, output_dropout);
  draw(drop_a_, settings_.dropout, hidden_dropout);
}

template <class T>
void TokenLevel<T>::read_context(View<T> ctx) {
  for (Index k = 0; k < settings_.context; ++k) {
    const auto ids = std::span(context_).subspan(static_cast<std::size_t>(k * streams_), static_cast<std::size_t>(streams_));
    for (const auto& [words, first] : read_by_)
      device_.gather_columns(words->value, ids, ctx.rows_at(k * units_ + first, words->value.rows()));
  }
}

template <class T>
void TokenLevel<T>::forecast(const Step<T>& step, const Downward<T>& above) {
  read_context(ctx_);
  drop(step);
  device_.multiply(ctx_, ctx_mask_, ctx_);
  device_.affine(hidden_in_.value, ctx_, hidden_bias_.value, T(0), mu_a_);
  device_.copy(mu_a_, x_a_);
  device_.map(Unary::tanh, x_a_, f_a_);
  device_.multiply(f_a_, drop_a_, fd_a_);
  device_.affine(direct_.value, ctx_, bias_.value, T(0), base_);
  device_.copy(base_, mu_0_);
  device_.gemm(false, false, T(1), hidden_out_.value.view(), fd_a_.view(), T(1), mu_0_);
  device_.copy(mu_0_, x_0_);
  device_.map(Unary::tanh, x_0_, f_0_);
  device_.multiply(f_0_, drop_0_, fd_0_);
  if (recency_) prime();
  streamed_ = above.stream.data != nullptr;
  if (streamed_) device_.copy(above.stream, stream_held_);
}

template <class T>
void TokenLevel<T>::visit_weights(const std::function<void(Weight<T>&)>& visit) {
  version_ = 0;
  if (settings_.separate_embeddings) visit(embedding_in_);
  for (auto* w : {&embedding_, &hidden_in_, &hidden_out_, &direct_, &hidden_bias_, &bias_, &output_bias_}) visit(*w);
  if (recency_) visit(priming_gain_);
}

template <class T>
void TokenLevel<T>::archive_state(Archive& archive) {
  archive.value("context", context_);
  const std::pair<const char*, Tensor<T>*> tensors[] = {
      {"ctx", &ctx_},       {"ctx_mask", &ctx_mask_}, {"mu_a", &mu_a_}, {"base", &base_}, {"mu_0", &mu_0_},
      {"x_a", &x_a_},       {"x_0", &x_0_},           {"f_a", &f_a_},   {"f_0", &f_0_},   {"stream", &stream_held_},
      {"drop_0", &drop_0_}, {"drop_a", &drop_a_},     {"fd_0", &fd_0_}, {"fd_a", &fd_a_}};
  for (const auto& [name, x] : tensors) archive.tensor(name, *x);
  std::vector<std::int32_t> streamed{streamed_ ? 1 : 0};
  archive.value("streamed", streamed);
  if (archive.loading()) {
    streamed_ = streamed.at(0) != 0;
    version_ = 0;
  }
  if (ngrams_) {
    Archive::Scope scope(archive, "ngrams");
    ngrams_->archive_state(archive);
  }
  if (!recency_) return;
  Archive::Scope scope(archive, "priming");
  recency_->archive(archive);
  if (archive.loading()) prime();
}

template <class T>
void TokenLevel<T>::archive_parameters(Archive& archive) {
  if (!ngrams_) return;
  Archive::Scope scope(archive, "ngrams");
  ngrams_->archive_parameters(archive);
}

template <class T>
void TokenLevel<T>::reset_state() {
  if (flexibility_.on()) device_.fill(flexible_, T(0));
  std::fill(context_.begin(), context_.end(), 0);
  if (recency_) recency_->clear_all();
  if (ngrams_) ngrams_->reset();
  clear_stash();
  stashed_ = 0;
}

template class TokenLevel<float>;
template class TokenLevel<double>;

namespace {
template <class T>
std::unique_ptr<Level<T>> make(const LevelPlace<T>& place) {
  return std::make_unique<TokenLevel<T>>(place.device, place.lexicon, TokenSettings::from(place.values), place.streams, place.interval,
                                         place.seed);
}
}  // namespace

LevelKind token_kind() {
  return {"token",
          "predicts the next token from a short context and the stream of the levels above",
          [](Index) { return TokenSettings::parameters(); },
          [](const Values& values, Index lexicon) { return values.integer("units") + (values.flag("share") ? lexicon : 0); },
          true,
          make<float>,
          make<double>};
}

}  // namespace strata
