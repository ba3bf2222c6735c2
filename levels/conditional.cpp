#include "levels/conditional.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "levels/registry.hpp"

namespace strata {

LevelKind conditional_kind();

namespace {

/// h(u), one per state of the level above. Throws ConfigError where the list is not that long.
std::vector<double> parent_hazards(const ConditionalSettings& s, Index above) {
  const auto parents = static_cast<std::size_t>(std::max<Index>(1, above));
  const std::string key = level_key(s.index, "tau_per_parent");
  if (s.tau_per_parent.empty()) {
    if (s.learn_hazards) throw ConfigError(key, "", "is where learn_tau_per_parent starts; give one number per state of the level above");
    return std::vector<double>(parents, 1 / s.tau);
  }
  if (above == 0) throw ConfigError(key, s.tau_per_parent, "has no meaning at the top, where there is no level above; use tau");
  std::vector<double> hazards = real_list(key, s.tau_per_parent, 1, 1e12);
  if (hazards.size() != parents)
    throw ConfigError(key, s.tau_per_parent, "needs one number per state of the level above, which has " + std::to_string(parents));
  for (double& h : hazards) h = 1 / h;
  return hazards;
}

}  // namespace

template <class T>
ConditionalLevel<T>::ConditionalLevel(Device<T>& device, const ConditionalSettings& settings, const CategoricalPlace& place)
    : CategoricalLevel<T>(device, settings, place),
      parent_hazard_(place.above > 0 ? 1 / settings.parent_tau : 0),
      redraw_(settings.redraw),
      learns_hazards_(settings.learn_hazards),
      tau_min_(settings.tau_min),
      tau_max_(settings.tau_max) {
  const Index pairs = this->parents_ * place.streams;
  for (auto* x : {&q_given_, &given_, &posterior_, &table_}) *x = {device, this->n_, pairs};
  for (auto* x : {&kept_, &moved_, &fresh_, &stay_, &above_, &above_now_, &normaliser_}) *x = {device, 1, pairs};
  for (Index j = 0; j < place.streams; ++j)
    for (Index u = 0; u < this->parents_; ++u) {
      stream_of_pair_.push_back(static_cast<std::int32_t>(j));
      parent_of_pair_.push_back(static_cast<std::int32_t>(u));
    }
  prepare_hazards(parent_hazards(settings, place.above));
  log_hazards_.rate = settings.tau_rate;
  ConditionalLevel<T>::reset_state();
}

template <class T>
void ConditionalLevel<T>::reset_state() {
  CategoricalLevel<T>::reset_state();
  for (auto* x : {&q_given_, &given_, &posterior_}) this->device_.fill(*x, T(1) / static_cast<T>(this->n_));
  for (auto* x : {&above_, &above_now_}) this->device_.fill(*x, T(1) / static_cast<T>(this->parents_));
  for (auto& trace : traces_) this->device_.fill(trace, T(0));
}

template <class T>
std::vector<std::pair<const char*, Tensor<T>*>> ConditionalLevel<T>::state_tensors() {
  auto all = CategoricalLevel<T>::state_tensors();
  all.insert(all.end(), {{"q_given", &q_given_},
                         {"given", &given_},
                         {"above", &above_},
                         {"above_now", &above_now_},
                         {"kept", &kept_},
                         {"moved", &moved_},
                         {"fresh", &fresh_}});
  return all;
}

/// to(:, j) = sum_u per_parent(u, j) tables(:, j n_above + u).
template <class T>
void ConditionalLevel<T>::weigh(ConstView<T> per_parent, Tensor<T>& tables, View<T> to) {
  for (Index j = 0; j < this->place_.streams; ++j)
    this->device_.row_sum(T(1), tables.cols_at(j * this->parents_, this->parents_), per_parent.cols_at(j, 1), T(0), to.cols_at(j, 1));
}

template <class T>
void ConditionalLevel<T>::predict(ConstView<T> above, View<T> prior, bool held) {
  this->device_.copy(above.data != nullptr ? above : ConstView<T>(this->ones_above_.view()), this->parents(above_now_));
  if (held) {
    this->device_.copy(above_now_, this->above_held_);
    expect();
  }
  weigh(this->parents(above_now_), given_, prior);
}

/// given_ = P(c|u) of the next step.
template <class T>
void ConditionalLevel<T>::expect() {
  Device<T>& device = this->device_;
  device.axpby(T(1) - static_cast<T>(parent_hazard_), above_, T(0), kept_);
  device.copy(kept_, fresh_);
  device.add_scalar(static_cast<T>(parent_hazard_ / static_cast<double>(this->parents_)), fresh_);
  device.map(Unary::reciprocal, fresh_, fresh_);
  device.multiply(kept_, fresh_, kept_);  // m
  if (!redraw_) {
    device.fill(moved_, T(1));
    device.axpby(T(-1), kept_, T(1), moved_);
    device.multiply(moved_, stay_, moved_);
  }
  device.multiply(kept_, stay_, kept_);
  device.fill(fresh_, T(1));
  device.axpby(T(-1), kept_, T(1), fresh_);
  if (!redraw_) device.axpby(T(-1), moved_, T(1), fresh_);
  device.gather_columns(this->transition_, parent_of_pair_, given_);
  device.scale_columns(list(fresh_), given_);
  device.copy(q_given_, table_);
  device.scale_columns(list(kept_), table_);
  device.axpby(T(1), table_, T(1), given_);
  if (redraw_) return;
  device.gather_columns(this->states(this->q_), stream_of_pair_, table_);
  device.scale_columns(list(moved_), table_);
  device.axpby(T(1), table_, T(1), given_);
}

/// table_ = P(c|u) like(c), normaliser_ = 1 / Z(u).
template <class T>
void ConditionalLevel<T>::condition(View<T> like) {
  Device<T>& device = this->device_;
  device.gather_columns(like, stream_of_pair_, table_);
  device.multiply(table_, given_, table_);
  device.column_sum(table_, list(normaliser_));
}

template <class T>
void ConditionalLevel<T>::message() {
  condition(this->states(this->like_));
  this->device_.map(Unary::log, normaliser_, this->feedback_);
}

/// posterior_ = P(c|u) like(c) / Z(u), of the evidence in like_.
template <class T>
void ConditionalLevel<T>::take_posterior() {
  Device<T>& device = this->device_;
  condition(this->states(this->like_));
  device.map(Unary::reciprocal, normaliser_, normaliser_);
  device.copy(table_, posterior_);
  device.scale_columns(list(normaliser_), posterior_);
}

template <class T>
void ConditionalLevel<T>::infer(ConstView<T>) {
  take_posterior();
  weigh(this->parents(above_now_), posterior_, this->states(this->x_));
  this->settle_rounding();
}

template <class T>
void ConditionalLevel<T>::slope(View<T> to) {
  this->device_.map(Unary::reciprocal, this->prior_now_, this->work_);
  this->device_.multiply(this->work_, this->x_, this->work_);
  condition(this->states(this->work_));
  this->device_.axpby(static_cast<T>(1 / this->settings_.stubbornness), this->parents(normaliser_), T(0), to);
}

/// Where nothing settles, the posterior is the forecast.
template <class T>
void ConditionalLevel<T>::begin_settling(const Step<T>& step, const Upward<T>& below) {
  CategoricalLevel<T>::begin_settling(step, below);
  this->device_.copy(given_, posterior_);
}

template <class T>
void ConditionalLevel<T>::end_settling(const Step<T>& step) {
  CategoricalLevel<T>::end_settling(step);
  if (this->chain_) return;
  Device<T>& device = this->device_;
  // What the exact messages would have left: evidence as the posterior shows it.
  device.map(Unary::reciprocal, this->prior_now_, this->like_);
  device.multiply(this->like_, this->x_, this->like_);
  take_posterior();
}

template <class T>
void ConditionalLevel<T>::retained(View<T> to) {
  Device<T>& device = this->device_;
  device.multiply(this->above_held_, kept_, normaliser_);
  weigh(this->parents(normaliser_), q_given_, to);
  if (redraw_) return;
  device.multiply(this->above_held_, moved_, normaliser_);
  device.column_sum(this->parents(normaliser_), this->norm_);
  device.copy(this->states(this->q_), this->states(this->more_));
  device.scale_columns(this->norm_, this->states(this->more_));
  device.axpby(T(1), this->states(this->more_), T(1), to);
}

template <class T>
void ConditionalLevel<T>::redrawn(View<T> to) {
  this->device_.multiply(this->parents(this->above_held_), this->parents(fresh_), to);
}

template <class T>
void ConditionalLevel<T>::carry(const Step<T>& step, const Upward<T>& below) {
  CategoricalLevel<T>::carry(step, below);
  const Index m = this->parents_;
  for (Index j = 0; j < this->place_.streams; ++j)
    if (step.observation->active[static_cast<std::size_t>(j)] != 0)
      this->device_.copy(posterior_.cols_at(j * m, m), q_given_.cols_at(j * m, m));
  this->device_.select_columns(step.active, this->parents(above_now_), this->parents(above_));
}

template class ConditionalLevel<float>;
template class ConditionalLevel<double>;

namespace {

ParameterTable parameters(Index index) {
  ParameterTable table = CategoricalSettings::parameters(index);
  std::erase_if(table, [](const Parameter& p) { return p.name == "learn_tau"; });
  table.push_back({"parent_tau",
                   8 * std::get<double>(table[1].fallback),
                   1,
                   1e12,
                   {},
                   "steps",
                   "time constant of the level above; without meaning at the top",
                   ""});
  table.push_back({"tau_per_parent",
                   std::string(),
                   0,
                   0,
                   {},
                   "steps",
                   "tau under each state of the level above, separated by commas; empty: tau under all of them",
                   "Behrens et al. 2007"});
  table.push_back({"learn_tau_per_parent",
                   false,
                   0,
                   1,
                   {},
                   "",
                   "tau_per_parent is learned by the slope of the predictive log loss, from there",
                   "LeGland & Mevel 1997"});
  table.push_back({"redraw", true, 0, 1, {}, "", "a switch of the level above draws the state anew; false: the state outlives it", ""});
  return table;
}

ConditionalSettings settings(Index index, const Values& v) {
  ConditionalSettings s;
  static_cast<CategoricalSettings&>(s) = CategoricalSettings::shared(index, v);
  s.parent_tau = v.real("parent_tau");
  s.tau_per_parent = v.text("tau_per_parent");
  s.redraw = v.flag("redraw");
  s.learn_hazards = v.flag("learn_tau_per_parent");
  const std::string key = level_key(index, "tau_per_parent");
  s.take_band(v, s.learn_hazards && !s.tau_per_parent.empty() ? real_list(key, s.tau_per_parent, 1, 1e12) : std::vector<double>{});
  return s;
}

template <class T>
std::unique_ptr<Level<T>> make(const LevelPlace<T>& p) {
  return std::make_unique<ConditionalLevel<T>>(p.device, settings(p.index, p.values), categorical_place(p));
}

}  // namespace

LevelKind conditional_kind() {
  return {"conditional", "a categorical belief kept for each state of the level above: for contexts that act through transitions",
          parameters,    [](const Values& values, Index) { return values.integer("states"); },
          false,         make<float>,
          make<double>};
}

}  // namespace strata
