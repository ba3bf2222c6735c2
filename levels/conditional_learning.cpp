// How fast the states change under each state of the level above: the hazards of the conditional level, and how they are learned. See
// levels/conditional.hpp.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "levels/conditional.hpp"

namespace strata {

template <class T>
void ConditionalLevel<T>::prepare_hazards(const std::vector<double>& hazards) {
  for (const double h : hazards) host_hazards_.push_back(static_cast<T>(std::log(h)));
  host_stay_.resize(static_cast<std::size_t>(stay_.cols()));
  this->hazard_ = std::accumulate(hazards.begin(), hazards.end(), 0.) / static_cast<double>(hazards.size());
  for (std::size_t i = 0; i < host_stay_.size(); ++i) host_stay_[i] = T(1) - static_cast<T>(hazards[i % hazards.size()]);
  this->device_.upload(host_stay_, stay_);
  if (!learns_hazards_) return;
  Device<T>& device = this->device_;
  const Index parents = this->parents_, pairs = stay_.cols();
  log_hazards_ = {device, "log_hazards", 1, parents, false};
  device.upload(host_hazards_, log_hazards_.value);
  for (Index w = 0; w < parents; ++w) traces_.emplace_back(device, this->n_, pairs);
  for (auto* x : {&ratio_, &joint_, &persist_, &explicit_, &slope_}) *x = {device, this->n_, pairs};
  for (auto* x : {&mass_, &gone_}) *x = {device, 1, pairs};
  hazard_errors_ = {device, 1, parents};
  one_ = {device, 1, 1};
}

/// The hazards in force, kept within their band.
template <class T>
void ConditionalLevel<T>::read_hazards() {
  this->device_.download(log_hazards_.value, host_hazards_);
  bool moved = false;
  double sum = 0;
  for (T& x : host_hazards_) {
    const T within = std::clamp(x, static_cast<T>(-std::log(tau_max_)), static_cast<T>(-std::log(tau_min_)));
    moved |= within != x;
    x = within;
    sum += std::exp(static_cast<double>(x));
  }
  if (moved) this->device_.upload(host_hazards_, log_hazards_.value);
  this->hazard_ = sum / static_cast<double>(host_hazards_.size());
  for (std::size_t i = 0; i < host_stay_.size(); ++i) host_stay_[i] = T(1) - std::exp(host_hazards_[i % host_hazards_.size()]);
  this->device_.upload(host_stay_, stay_);
}

template <class T>
void ConditionalLevel<T>::forecast(const Step<T>& step, const Downward<T>& above) {
  if (learns_hazards_) read_hazards();
  CategoricalLevel<T>::forecast(step, above);
}

template <class T>
void ConditionalLevel<T>::visit_weights(const std::function<void(Weight<T>&)>& visit) {
  CategoricalLevel<T>::visit_weights(visit);
  if (learns_hazards_) visit(log_hazards_);
}

template <class T>
void ConditionalLevel<T>::archive_parameters(Archive& archive) {
  CategoricalLevel<T>::archive_parameters(archive);
  if (archive.loading() && learns_hazards_) read_hazards();
}

template <class T>
void ConditionalLevel<T>::archive_state(Archive& archive) {
  CategoricalLevel<T>::archive_state(archive);
  for (std::size_t w = 0; w < traces_.size(); ++w) archive.tensor("hazard_trace_" + std::to_string(w), traces_[w]);
}

template <class T>
void ConditionalLevel<T>::accumulate(T scale, bool learning) {
  CategoricalLevel<T>::accumulate(scale, learning);
  if (!learns_hazards_) return;
  if (learning) this->device_.axpby(scale, hazard_errors_, T(1), log_hazards_.gradient);
  this->device_.fill(hazard_errors_, T(0));
}

template <class T>
void ConditionalLevel<T>::learn(const Step<T>& step) {
  CategoricalLevel<T>::learn(step);
  if (learns_hazards_) learn_hazards(step);
}

/// to = (1-h') joint(u,c) + h'/n_above sum_u joint(u,c), the second where states outlive their parent: what of the step before is there still,
/// before this level's own hazard.
template <class T>
void ConditionalLevel<T>::persisting(View<T> joint, View<T> to) {
  Device<T>& device = this->device_;
  const Index m = this->parents_;
  if (redraw_) {
    device.axpby(T(1) - static_cast<T>(parent_hazard_), joint, T(0), to);
    return;
  }
  for (Index j = 0; j < this->place_.streams; ++j)
    device.row_sum(static_cast<T>(parent_hazard_ / static_cast<double>(m)),
                   ConstView<T>{joint.data + j * m * joint.ld, joint.rows, m, joint.ld}, device.ones(m), T(0),
                   this->states(this->more_).cols_at(j, 1));
  device.gather_columns(this->states(this->more_), stream_of_pair_, to);
  device.axpby(T(1) - static_cast<T>(parent_hazard_), joint, T(1), to);
}

/// slope_ = what the forecast makes of the trace of `parent`, and its own slope in that hazard.
template <class T>
void ConditionalLevel<T>::drift(Index parent) {
  Device<T>& device = this->device_;
  Tensor<T>& trace = traces_[static_cast<std::size_t>(parent)];
  const Index m = this->parents_;
  persisting(trace, persist_);
  device.column_sum(trace, list(mass_));
  device.column_sum(this->parents(mass_), this->norm_);
  device.axpby(T(1) - static_cast<T>(parent_hazard_), mass_, T(0), mass_);
  device.add_to_columns(static_cast<T>(parent_hazard_ / static_cast<double>(m)), this->norm_, this->parents(mass_));
  device.scale_columns(list(stay_), persist_);
  device.column_sum(persist_, list(gone_));
  device.axpby(T(-1), gone_, T(1), mass_);  // drawn anew
  device.gather_columns(this->transition_, parent_of_pair_, slope_);
  device.scale_columns(list(mass_), slope_);
  device.axpby(T(1), persist_, T(1), slope_);
  for (Index j = 0; j < this->place_.streams; ++j)
    device.axpby(T(1), explicit_.cols_at(j * m + parent, 1), T(1), slope_.cols_at(j * m + parent, 1));
}

/// The trace of `parent` after the token, and the token's share of the gradient.
template <class T>
void ConditionalLevel<T>::follow(const Step<T>& step, Index parent) {
  Device<T>& device = this->device_;
  const Index m = this->parents_;
  device.multiply(ratio_, slope_, slope_);
  device.column_sum(slope_, list(mass_));
  device.column_sum(this->parents(mass_), this->norm_);
  device.multiply(this->norm_, step.active, this->norm_);
  device.column_sum(this->norm_, one_);
  device.axpby(T(1), one_, T(1), hazard_errors_.cols_at(parent, 1));
  device.fill(mass_, T(1));
  device.scale_columns(this->norm_, this->parents(mass_));
  device.copy(joint_, persist_);
  device.scale_columns(list(mass_), persist_);
  device.axpby(T(-1), persist_, T(1), slope_);
  Tensor<T>& trace = traces_[static_cast<std::size_t>(parent)];
  for (Index j = 0; j < this->place_.streams; ++j)
    if (step.observation->active[static_cast<std::size_t>(j)] != 0) device.copy(slope_.cols_at(j * m, m), trace.cols_at(j * m, m));
}

template <class T>
void ConditionalLevel<T>::learn_hazards(const Step<T>& step) {
  Device<T>& device = this->device_;
  device.copy(q_given_, joint_);
  device.scale_columns(list(above_), joint_);
  persisting(joint_, explicit_);
  device.column_sum(explicit_, list(gone_));
  device.gather_columns(this->transition_, parent_of_pair_, slope_);
  device.scale_columns(list(gone_), slope_);
  device.axpby(T(1), slope_, T(-1), explicit_);
  device.fill(mass_, T(1));
  device.axpby(T(-1), stay_, T(1), mass_);  // h(u)
  device.scale_columns(list(mass_), explicit_);
  device.copy(posterior_, joint_);
  device.scale_columns(list(above_now_), joint_);
  device.copy(given_, ratio_);
  device.scale_columns(list(this->above_held_), ratio_);
  device.map(Unary::reciprocal, ratio_, ratio_);
  device.multiply(ratio_, joint_, ratio_);
  for (Index parent = 0; parent < this->parents_; ++parent) {
    drift(parent);
    follow(step, parent);
  }
}

template class ConditionalLevel<float>;
template class ConditionalLevel<double>;

}  // namespace strata
