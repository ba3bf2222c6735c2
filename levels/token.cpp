#include "levels/token.hpp"

#include <cmath>

#include "levels/registry.hpp"

namespace strata {

LevelKind token_kind();

namespace {
enum Purpose : std::uint32_t { context_dropout = 1 };
const std::vector<double> priming_time_constants{40, 300, 2500};
}  // namespace

ParameterTable TokenSettings::parameters() {
  const TokenSettings d;
  return {
      {"units",
       std::int64_t{d.units},
       1,
       65536,
       {},
       "units",
       "size d of the word embedding and of the token level's value node",
       "model A"},
      {"hidden", std::int64_t{d.hidden}, 1, 65536, {}, "units", "size Ha of the hidden value node", "model A"},
      {"context", std::int64_t{d.context}, 1, 64, {}, "tokens", "words K0 of context the token level sees", "Mnih & Hinton 2007"},
      {"precision", d.precision, 1e-6, 1e9, {}, "1", "pi_0, precision of the token level's value node", "model A"},
      {"hidden_precision", d.hidden_precision, 1e-6, 1e9, {}, "1", "pi_a, precision of the hidden value node", "model A"},
      {"context_dropout",
       d.context_dropout,
       0,
       .95,
       {},
       "1",
       "part of the context features dropped while learning",
       "Srivastava et al. 2014"},
      {"priming",
       d.priming,
       0,
       1,
       {},
       "",
       "recently read words are expected again (leaky counts of 40, 300, 2500 tokens)",
       "Kuhn & De Mori 1990"},
  };
}

TokenSettings TokenSettings::from(const Values& v) {
  return {v.integer("units"),         v.integer("hidden"),       v.integer("context"), v.real("precision"),
          v.real("hidden_precision"), v.real("context_dropout"), v.flag("priming")};
}

template <class T>
TokenLevel<T>::TokenLevel(Device<T>& device, Lexicon<T>& lexicon, const TokenSettings& settings, Index streams, Index interval,
                          std::uint64_t seed)
    : device_(device), lexicon_(lexicon), settings_(settings), streams_(streams) {
  const Index d = settings.units, ha = settings.hidden, in = d * settings.context, v = lexicon.vocabulary(), n = lexicon.units();
  const Index b = streams, columns = streams * interval;
  embedding_ = {device, "embedding", d, v};
  hidden_in_ = {device, "hidden_in", ha, in};
  hidden_out_ = {device, "hidden_out", d, ha};
  direct_ = {device, "direct", d, in};
  hidden_bias_ = {device, "hidden_bias", ha, 1, false};
  bias_ = {device, "bias", d, 1, false};
  output_bias_ = {device, "output_bias", v, 1, false};
  embedding_.randomise(.1, seed, 0);
  hidden_in_.randomise(3 / std::sqrt(static_cast<double>(in)), seed, 0);
  hidden_out_.randomise(1 / std::sqrt(static_cast<double>(ha)), seed, 0);
  direct_.randomise(1 / std::sqrt(static_cast<double>(in)), seed, 0);
  device.copy(lexicon.background(), output_bias_.value);
  for (auto* x : {&ctx_, &ctx_mask_}) *x = {device, in, b};
  for (auto* x : {&mu_a_, &x_a_, &f_a_, &e_a_, &message_a_, &kept_x_a_, &kept_f_a_}) *x = {device, ha, b};
  for (auto* x : {&base_, &mu_0_, &x_0_, &f_0_, &e0_, &gradient_0_, &kept_x_0_, &kept_f_0_, &kept_mu_0_, &belief_}) *x = {device, d, b};
  for (auto* x : {&rho_, &word_, &stream_held_}) *x = {device, n, b};
  for (auto* x : {&logits_, &work_[0], &work_[1]}) *x = {device, v, b};
  for (auto* x : {&kept_loss_, &loss_, &surprise_, &error_norm_, &free_energy_, &scratch_energy_}) *x = {device, b, 1};
  stash_residual_ = {device, v, columns};
  for (auto* x : {&stash_f_0_, &stash_e_0_}) *x = {device, d, columns};
  for (auto* x : {&stash_e_a_, &stash_f_a_}) *x = {device, ha, columns};
  for (auto* x : {&stash_ctx_, &stash_ctx_mask_, &context_error_}) *x = {device, in, columns};
  stash_stream_ = {device, n, columns};
  stash_context_.assign(static_cast<std::size_t>(settings.context * columns), 0);
  context_.assign(static_cast<std::size_t>(settings.context * b), 0);
  ticking_.assign(static_cast<std::size_t>(b), 0);
  residual_ = kept_residual_ = work_[0].view();
  if (settings.priming) {
    priming_gain_ = {device, "priming_gain", v, 3, false};
    recency_ = std::make_unique<Recency>(b, v, priming_time_constants);
  }
}

template <class T>
void TokenLevel<T>::collect_targets(const Observation& observation) {
  targets_.clear();
  for (Index j = 0; j < streams_; ++j) {
    const auto k = static_cast<std::size_t>(j);
    if (observation.active[k] != 0) targets_.push_back({observation.id[k], static_cast<std::int32_t>(j), T(1)});
  }
}

template <class T>
void TokenLevel<T>::compute_logits(ConstView<T> f, ConstView<T> stream, View<T> out) {
  device_.gemm(true, false, T(1), embedding_.value.view(), f, T(0), out);
  if (stream.data != nullptr) device_.gemm(true, false, T(1), lexicon_.vectors.value.view(), stream, T(1), out);
  device_.add_to_rows(T(1), output_bias_.value.view(), out);
  for (Index i = 0; recency_ && i < 3; ++i) device_.add_entries(primed_[i], priming_gain_.value.cols_at(i, 1), out);
}

template <class T>
void TokenLevel<T>::score_with_stream(const Step<T>& step, ConstView<T> stream, View<T> loss) {
  collect_targets(*step.observation);
  View<T> out = work_[0].view();
  compute_logits(f_0_, stream, out);
  device_.softmax_cross_entropy(out, targets_, out, loss);
}

template <class T>
void TokenLevel<T>::observe(const Step<T>& step, const Upward<T>&) {
  collect_targets(*step.observation);
  View<T> residual = step.learning ? stash_residual_.cols_at(step.slot * streams_, streams_) : work_[1].view();
  device_.softmax_cross_entropy(logits_, targets_, residual, loss_);
  device_.copy(loss_, surprise_);
  residual_ = residual;
  work_index_ = 0;
  if (step.learning) {
    device_.copy(f_0_, stash_f_0_.cols_at(step.slot * streams_, streams_));
    device_.copy(stream_held_, stash_stream_.cols_at(step.slot * streams_, streams_));
  }
  compute_messages();
  device_.gather_columns(lexicon_.vectors.value, step.observation->id, word_);
}

template <class T>
void TokenLevel<T>::compute_messages() {
  device_.gemm(false, false, T(1), embedding_.value.view(), residual_, T(0), gradient_0_);
  device_.gemm(false, false, T(1), lexicon_.vectors.value.view(), residual_, T(0), rho_);
  messages_fresh_ = true;
}

template <class T>
void TokenLevel<T>::begin_settling(const Step<T>& step, const Upward<T>&) {
  ticking_.assign(step.observation->active.begin(), step.observation->active.end());
}

template <class T>
void TokenLevel<T>::settle(const Upward<T>&, ConstView<T> rate) {
  const T pi_0 = static_cast<T>(settings_.precision), pi_a = static_cast<T>(settings_.hidden_precision);
  if (!messages_fresh_) compute_messages();
  device_.relax_step(pi_0, mu_0_, gradient_0_, rate, x_0_, f_0_);
  device_.prediction_error(pi_0, x_0_, mu_0_, e0_, scratch_energy_);
  device_.gemm(true, false, T(1), hidden_out_.value.view(), e0_.view(), T(0), message_a_);
  device_.relax_step(pi_a, mu_a_, message_a_, rate, x_a_, f_a_);
  device_.copy(base_, mu_0_);
  device_.gemm(false, false, T(1), hidden_out_.value.view(), f_a_.view(), T(1), mu_0_);
}

template <class T>
void TokenLevel<T>::emit(const Step<T>&, const Downward<T>& above) {
  View<T> out = work_[work_index_].view();
  work_index_ = 1 - work_index_;
  compute_logits(f_0_, above.stream, out);
  device_.softmax_cross_entropy(out, targets_, out, loss_);
  residual_ = out;
  messages_fresh_ = false;
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
  kept_residual_ = residual_;
}

template <class T>
void TokenLevel<T>::restore(ConstView<T> mask) {
  device_.select_columns(mask, kept_x_a_, x_a_);
  device_.select_columns(mask, kept_f_a_, f_a_);
  device_.select_columns(mask, kept_x_0_, x_0_);
  device_.select_columns(mask, kept_f_0_, f_0_);
  device_.select_columns(mask, kept_mu_0_, mu_0_);
  std::vector<T> rejected(static_cast<std::size_t>(streams_)), kept(rejected), now(rejected);
  device_.download(mask, rejected);
  device_.download(kept_loss_, kept);
  device_.download(loss_, now);
  for (std::size_t j = 0; j < rejected.size(); ++j)
    if (rejected[j] != T(0)) now[j] = kept[j];
  device_.upload(now, loss_);
  device_.select_columns(mask, kept_residual_, work_[1 - work_index_]);  // the buffer the last emit wrote
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
  // Levels that answer for a whole window average rho as settled, whether or not other streams asked for one more sweep.
  if (!messages_fresh_) device_.gemm(false, false, T(1), lexicon_.vectors.value.view(), residual_, T(0), rho_);
}

template <class T>
void TokenLevel<T>::learn(const Step<T>& step) {
  const Index first = step.slot * streams_;
  device_.copy(e0_, stash_e_0_.cols_at(first, streams_));
  device_.copy(e_a_, stash_e_a_.cols_at(first, streams_));
  device_.copy(f_a_, stash_f_a_.cols_at(first, streams_));
  device_.copy(ctx_, stash_ctx_.cols_at(first, streams_));
  device_.copy(ctx_mask_, stash_ctx_mask_.cols_at(first, streams_));
  std::copy(context_.begin(), context_.end(), stash_context_.begin() + first * settings_.context);
  for (std::size_t i = 0; recency_ && i < 3; ++i)
    for (auto entry : primed_[i]) {
      entry.col += static_cast<std::int32_t>(first);
      stash_primed_[i].push_back(entry);
    }
  stashed_ = step.slot + 1;
}

template <class T>
void TokenLevel<T>::accumulate(T scale, bool learning) {
  if (!learning || stashed_ == 0) return;
  const Index n = stashed_ * streams_, d = settings_.units;
  const auto part = [n](Tensor<T>& x) { return ConstView<T>(x.cols_at(0, n)); };
  device_.outer_product(scale, part(stash_f_0_), part(stash_residual_), embedding_.gradient);
  device_.outer_product(scale, part(stash_stream_), part(stash_residual_), lexicon_.vectors.gradient);
  device_.row_sum(scale, part(stash_residual_), device_.ones(n), T(1), output_bias_.gradient);
  device_.outer_product(scale, part(stash_e_0_), part(stash_f_a_), hidden_out_.gradient);
  device_.outer_product(scale, part(stash_e_0_), part(stash_ctx_), direct_.gradient);
  device_.outer_product(scale, part(stash_e_a_), part(stash_ctx_), hidden_in_.gradient);
  device_.row_sum(scale, part(stash_e_0_), device_.ones(n), T(1), bias_.gradient);
  device_.row_sum(scale, part(stash_e_a_), device_.ones(n), T(1), hidden_bias_.gradient);
  View<T> error = context_error_.cols_at(0, n);
  device_.gemm(true, false, T(1), direct_.value.view(), part(stash_e_0_), T(0), error);
  device_.gemm(true, false, T(1), hidden_in_.value.view(), part(stash_e_a_), T(1), error);
  device_.multiply(error, part(stash_ctx_mask_), error);
  for (Index k = 0; k < settings_.context; ++k) {
    scatters_.clear();
    for (Index slot = 0; slot < stashed_; ++slot)
      for (Index j = 0; j < streams_; ++j)
        scatters_.push_back({stash_context_[static_cast<std::size_t>((slot * settings_.context + k) * streams_ + j)],
                             static_cast<std::int32_t>(slot * streams_ + j), scale});
    device_.scatter_add_columns(error.rows_at(k * d, d), scatters_, embedding_.gradient);
  }
  for (Index i = 0; recency_ && i < 3; ++i) {
    device_.dot_entries(scale, stash_primed_[i], part(stash_residual_), priming_gain_.gradient.cols_at(i, 1));
    stash_primed_[i].clear();
  }
  stashed_ = 0;
}

template <class T>
void TokenLevel<T>::carry(const Step<T>& step, const Upward<T>&) {
  const Observation& o = *step.observation;
  for (Index j = 0; j < streams_; ++j) {
    const auto s = static_cast<std::size_t>(j);
    if (o.active[s] == 0) continue;
    for (Index k = settings_.context - 1; k > 0; --k)
      context_[static_cast<std::size_t>(k * streams_ + j)] = context_[static_cast<std::size_t>((k - 1) * streams_ + j)];
    context_[s] = o.id[s];
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
void TokenLevel<T>::forecast(const Step<T>& step, const Downward<T>& above) {
  const Index d = settings_.units;
  for (Index k = 0; k < settings_.context; ++k)
    device_.gather_columns(embedding_.value,
                           std::span(context_).subspan(static_cast<std::size_t>(k * streams_), static_cast<std::size_t>(streams_)),
                           ctx_.rows_at(k * d, d));
  if (step.learning && settings_.context_dropout > 0) {
    device_.dropout_mask(settings_.context_dropout, {step.seed, step.index, 0, context_dropout}, ctx_mask_);
    device_.multiply(ctx_, ctx_mask_, ctx_);
  } else {
    device_.fill(ctx_mask_, T(1));
  }
  device_.affine(hidden_in_.value, ctx_, hidden_bias_.value, T(0), mu_a_);
  device_.copy(mu_a_, x_a_);
  device_.map(Unary::tanh, x_a_, f_a_);
  device_.affine(direct_.value, ctx_, bias_.value, T(0), base_);
  device_.copy(base_, mu_0_);
  device_.gemm(false, false, T(1), hidden_out_.value.view(), f_a_.view(), T(1), mu_0_);
  device_.copy(mu_0_, x_0_);
  device_.map(Unary::tanh, x_0_, f_0_);
  if (recency_) prime();
  if (above.stream.data != nullptr) device_.copy(above.stream, stream_held_);
  compute_logits(f_0_, above.stream, logits_);
}

template <class T>
void TokenLevel<T>::visit_weights(const std::function<void(Weight<T>&)>& visit) {
  for (auto* w : {&embedding_, &hidden_in_, &hidden_out_, &direct_, &hidden_bias_, &bias_, &output_bias_}) visit(*w);
  if (recency_) visit(priming_gain_);
}

template <class T>
void TokenLevel<T>::archive_state(Archive& archive) {
  archive.value("context", context_);
  const std::pair<const char*, Tensor<T>*> tensors[] = {
      {"ctx", &ctx_}, {"ctx_mask", &ctx_mask_}, {"mu_a", &mu_a_}, {"base", &base_},          {"mu_0", &mu_0_},    {"x_a", &x_a_},
      {"x_0", &x_0_}, {"f_a", &f_a_},           {"f_0", &f_0_},   {"stream", &stream_held_}, {"logits", &logits_}};
  for (const auto& [name, x] : tensors) archive.tensor(name, *x);
  if (!recency_) return;
  Archive::Scope scope(archive, "priming");
  recency_->archive(archive);
  if (archive.loading()) prime();
}

template <class T>
void TokenLevel<T>::reset_state() {
  std::fill(context_.begin(), context_.end(), 0);
  if (recency_) recency_->clear_all();
  for (auto& primed : stash_primed_) primed.clear();
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
          [](const Values& values, Index) { return values.integer("units"); },
          true,
          make<float>,
          make<double>};
}

}  // namespace strata
