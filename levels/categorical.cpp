#include "levels/categorical.hpp"

#include <algorithm>
#include <cmath>

namespace strata {

template <class T>
CategoricalLevel<T>::CategoricalLevel(Device<T>& device, const CategoricalSettings& settings, const CategoricalPlace& place)
    : device_(device),
      settings_(settings),
      place_(place),
      n_(settings.states),
      parents_(std::max<Index>(1, place.above)),
      hazard_(1 / settings.tau) {
  const Index b = place.streams, v = place.stream, count = n_ * b;
  for (auto* x : {&q_, &prior_, &prior_now_, &x_, &like_, &work_, &more_, &dir_, &lam_, &belief_error_, &handed_, &clamp_, &kept_x_,
                  &kept_prior_, &kept_handed_, &trace_, &alpha_, &lse_, &active_pairs_})
    *x = {device, 1, count};
  for (auto* x : {&feedback_, &parent_weight_, &above_held_, &redrawn_}) *x = {device, 1, parents_ * b};
  for (auto* x : {&norm_, &surprise_, &energy_, &error_norm_, &clamped_, &sums_, &shift_}) *x = {device, b, 1};
  features_ = {device, 1, b};
  for (auto* x : {&transition_, &switches_, &xi_, &arrivals_}) *x = {device, n_, parents_};
  switch_eligible_ = {device, xi_.view().ld * parents_, count};
  ones_above_ = {device, 1, b};
  column_sum_ = {device, parents_, 1};
  hazard_error_ = {device, 1, 1};
  log_hazard_ = {device, "log_hazard", 1, 1, false};
  log_hazard_.rate = settings.tau_rate;
  if (v > 0) {
    share_ = {device, "share", v, n_, false};
    share_.randomise(settings.initial, place.seed, static_cast<std::uint32_t>(settings.index));
    share_.rate = settings.rate;
    for (auto* x : {&own_, &stream_, &base_, &own_rho_, &probability_}) *x = {device, v, b};
    for (auto* x : {&share_error_, &step_error_}) *x = {device, v, n_};
    if (settings.contrast > 0 && place.above > 0) lasting_ = {device, v, b};
  }
  if (exact_evidence()) {
    for (auto* x : {&components_, &scratch_components_, &scored_components_}) *x = {device, v, count};
    eligible_ = {device, share_error_.view().ld * n_, count};
    if (lowest()) emission_ = {device, v, b};
  }
  device.fill(ones_above_, T(1));
  device.fill(transition_, T(1) / static_cast<T>(n_));
  device.fill(switches_, static_cast<T>(settings.transition_prior / static_cast<double>(n_)));
  device.fill(log_hazard_.value, static_cast<T>(std::log(hazard_)));
  for (Index j = 0; j < b; ++j)
    for (Index c = 0; c < n_; ++c) {
      stream_of_pair_.push_back(static_cast<std::int32_t>(j));
      state_of_pair_.push_back(static_cast<std::int32_t>(c));
    }
  entries_.reserve(static_cast<std::size_t>(count));
  ticking_.assign(static_cast<std::size_t>(b), 0);
  host_.assign(static_cast<std::size_t>(std::max(count, n_ * parents_)), T(0));
  rho_ = v > 0 ? own_rho_.view() : View<T>{};
  CategoricalLevel<T>::reset_state();
}

template <class T>
void CategoricalLevel<T>::product(T alpha, ConstView<T> w, ConstView<T> x, T beta, View<T> y) {
  if (x.cols == 1)
    device_.row_sum(alpha, w, x, beta, y);
  else
    device_.gemm(false, false, alpha, w, x, beta, y);
}

/// to(:, j n + c) = softmax(base(:, j) + B(:, c)).
template <class T>
void CategoricalLevel<T>::components(ConstView<T> base, View<T> to) {
  const View<T> scratch = scratch_components_;
  device_.gather_columns(share_.value, state_of_pair_, to);
  device_.gather_columns(base, stream_of_pair_, scratch);
  device_.axpby(T(1), scratch, T(1), to);
  device_.log_sum_exp(to, pairs(lse_));
  device_.add_to_columns(T(-1), pairs(lse_), to);
  device_.map(Unary::exp, to, to);
}

/// to(:, j) = sum_c weights(c, j) components(:, j n + c).
template <class T>
void CategoricalLevel<T>::mixture(ConstView<T> weights, View<T> to) {
  for (Index j = 0; j < place_.streams; ++j)
    device_.row_sum(T(1), components_.cols_at(j * n_, n_), weights.cols_at(j, 1), T(0), to.cols_at(j, 1));
}

/// to(c, j) = ln components(token of j, j n + c).
template <class T>
void CategoricalLevel<T>::pick(const Observation& o, ConstView<T> components, View<T> to) {
  for (Index j = 0; j < place_.streams; ++j)
    device_.copy(components.cols_at(j * n_, n_).rows_at(o.id[static_cast<std::size_t>(j)], 1), View<T>{to.data + j * n_, 1, n_, 1});
  device_.add_scalar(static_cast<T>(least_probability), to);
  device_.map(Unary::log, to, to);
}

template <class T>
void CategoricalLevel<T>::predict(ConstView<T> above, View<T> prior, bool held) {
  const T h = static_cast<T>(hazard_);
  device_.copy(above.data != nullptr ? above : ConstView<T>(ones_above_.view()), parents(parent_weight_));
  if (held) device_.copy(parent_weight_, above_held_);
  device_.copy(states(q_), prior);
  product(h, transition_, parents(parent_weight_), T(1) - h, prior);
}

/// The activity handed down, and the level's own share of the stream that follows from it.
template <class T>
void CategoricalLevel<T>::hand(ConstView<T> belief) {
  device_.copy(belief, states(handed_));
  if (clamping_) device_.select_columns(clamped_, states(clamp_), states(handed_));
  if (speaks()) product(T(1), share_.value, states(handed_), T(0), own_);
}

template <class T>
void CategoricalLevel<T>::speak(const Downward<T>& above) {
  if (!speaks()) return;
  device_.copy(own_, stream_);
  if (above.stream.data != nullptr) device_.axpby(T(1), above.stream, T(1), stream_);
}

template <class T>
void CategoricalLevel<T>::forecast(const Step<T>&, const Downward<T>& above) {
  tau_above_ = above.time_constant;
  if (settings_.learn_tau) read_hazard();
  predict(above.activity, states(prior_), true);
  device_.copy(prior_, prior_now_);
  device_.copy(prior_, x_);
  hand(states(prior_));
  speak(above);
  if (!lowest() || !exact_evidence()) return;
  if (above.stream.data != nullptr)
    device_.copy(above.stream, base_);
  else
    device_.fill(base_, T(0));
  components(base_, components_);
  mixture(states(handed_), probability_);
  device_.add_scalar(static_cast<T>(least_probability), probability_);
  device_.map(Unary::log, probability_, probability_);
  emission_.forecast(probability_);
}

template <class T>
void CategoricalLevel<T>::observe(const Step<T>& step, const Upward<T>& below) {
  tau_below_ = below.time_constant;
  if (!lowest()) rho_ = below.emission_error;
  if (exact_evidence())
    read_evidence(step, below);
  else if (speaks())
    device_.copy(rho_, own_rho_);  // of the forecast: what learning descends
}

/// d, and at the lowest level rho.
template <class T>
void CategoricalLevel<T>::read_evidence(const Step<T>& step, const Upward<T>& below) {
  const Observation& o = *step.observation;
  entries_.clear();
  for (std::size_t j = 0; j < o.id.size(); ++j)
    if (o.active[j] != 0) entries_.push_back({o.id[j], static_cast<std::int32_t>(j), T(1)});
  if (lowest()) {
    emission_.observe(step);
    device_.copy(emission_.surprise(), surprise_);
    device_.axpby(T(-1), surprise_, T(0), sums_);
  } else {  // p = onehot - rho
    if (!lasting_.empty()) device_.copy(below.emission_error, own_rho_);
    device_.fill(probability_, T(0));
    device_.add_entries(entries_, {}, probability_);
    device_.axpby(T(-1), below.emission_error, T(1), probability_);
    device_.add_scalar(static_cast<T>(least_probability), probability_);
    device_.map(Unary::log, probability_, base_);
    for (Index j = 0; j < place_.streams; ++j)
      device_.copy(ConstView<T>(base_.view()).cols_at(j, 1).rows_at(o.id[static_cast<std::size_t>(j)], 1), sums_.rows_at(j, 1));
    device_.axpby(T(-1), own_, T(1), base_);
    components(base_, components_);
  }
  pick(o, components_, states(dir_));
  device_.add_to_columns(T(-1), sums_, states(dir_));
  device_.scale_columns(step.active, states(dir_));
  if (!lowest()) return;
  device_.map(Unary::exp, dir_, work_);
  device_.multiply(work_, handed_, work_);  // r, sums to 1
  mixture(states(work_), own_rho_);
  device_.axpby(T(-1), own_rho_, T(0), own_rho_);
  device_.add_entries(entries_, {}, own_rho_);
  device_.scale_columns(step.active, own_rho_);
  rho_ = own_rho_.view();
}

template <class T>
void CategoricalLevel<T>::begin_settling(const Step<T>& step, const Upward<T>& below) {
  ticking_.assign(step.observation->active.begin(), step.observation->active.end());
  if (!lowest()) rho_ = below.emission_error;
  if (chain_) return;
  if (lowest() && exact_evidence()) {
    emission_.emit(stream_);
    rho_ = emission_.rho();
  }
  if (place_.above > 0) slope(parents(feedback_));
}

template <class T>
void CategoricalLevel<T>::carry(const Step<T>& step, const Upward<T>&) {
  device_.select_columns(step.active, states(x_), states(q_));
}

template <class T>
Snapshot<T> CategoricalLevel<T>::snapshot() const {
  return {states(prior_),
          states(q_),
          states(belief_error_),
          error_norm_.view(),
          lowest() && exact_evidence() ? surprise_.view() : ConstView<T>{},
          energy_.view()};
}

template <class T>
void CategoricalLevel<T>::visit_weights(const std::function<void(Weight<T>&)>& visit) {
  if (speaks()) visit(share_);
  if (settings_.learn_tau) visit(log_hazard_);
}

template <class T>
void CategoricalLevel<T>::archive_parameters(Archive& archive) {
  std::int64_t parents = parents_, silent = place_.above > 0 && tau_above_ == 0 ? 1 : 0;
  archive.value("parents", parents);
  archive.value("parent_slept", silent);
  if (parents_ == 1 && parents > 1 && silent == 1) {
    read_without_parent(archive, parents);
  } else {
    archive.tensor("transition", transition_);
    archive.tensor("switches", switches_);
  }
  archive.value("age", age_);
  if (archive.loading() && settings_.learn_tau) read_hazard();
}

template <class T>
std::vector<std::pair<const char*, Tensor<T>*>> CategoricalLevel<T>::state_tensors() {
  std::vector<std::pair<const char*, Tensor<T>*>> all{
      {"q", &q_},           {"prior", &prior_}, {"prior_now", &prior_now_},   {"x", &x_},
      {"handed", &handed_}, {"trace", &trace_}, {"above_held", &above_held_}, {"switch_eligible", &switch_eligible_}};
  if (speaks()) all.insert(all.end(), {{"own", &own_}, {"stream", &stream_}, {"rho", &own_rho_}, {"lasting", &lasting_}});
  if (exact_evidence()) {
    all.emplace_back("eligible", &eligible_);
    if (lowest()) all.insert(all.end(), {{"components", &components_}, {"base", &base_}});
  }
  return all;
}

template <class T>
void CategoricalLevel<T>::archive_state(Archive& archive) {
  for (auto& [name, x] : state_tensors()) archive.tensor(name, *x);
  archive.value("tau_above", tau_above_);
  if (!lowest() || !exact_evidence()) return;
  Archive::Scope scope(archive, "emission");
  emission_.archive_state(archive);
}

template <class T>
void CategoricalLevel<T>::reset_state() {
  for (auto& [name, x] : state_tensors())
    if (!x->empty()) device_.fill(*x, T(0));
  for (auto* x : {&q_, &prior_, &prior_now_, &x_, &handed_}) device_.fill(*x, T(1) / static_cast<T>(n_));
  device_.fill(above_held_, T(1) / static_cast<T>(parents_));
  if (lowest() && exact_evidence()) emission_.reset_state();
}

template <class T>
void CategoricalLevel<T>::clamp_downward(std::span<const std::uint8_t> clamped, ConstView<T> activity) {
  clamping_ = false;
  for (const auto c : clamped) clamping_ |= c != 0;
  if (!clamping_) return;
  std::vector<T> mask(clamped.begin(), clamped.end());
  device_.upload(mask, clamped_);
  device_.copy(activity, states(clamp_));
}

template <class T>
void CategoricalLevel<T>::score_with_stream(const Step<T>& step, ConstView<T> stream, View<T> loss) {
  if (!lowest() || !exact_evidence()) return;
  const Observation& o = *step.observation;
  components(stream, scored_components_);
  pick(o, scored_components_, states(work_));
  device_.map(Unary::exp, work_, work_);
  device_.multiply(work_, handed_, work_);
  device_.column_sum(states(work_), loss);
  device_.map(Unary::log, loss, loss);
  device_.axpby(T(-1), loss, T(0), loss);
  device_.multiply(loss, step.active, loss);
}

template class CategoricalLevel<float>;
template class CategoricalLevel<double>;

}  // namespace strata
