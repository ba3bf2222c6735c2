#include "core/health.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace strata {

namespace {
constexpr Index looks_per_verdict = 16, verdicts_per_finding = 2;
constexpr Index looks_per_update_norm = 4;  // copying weights costs more than the rest
constexpr double mean_rate = 1. / 16;       // of a share's slow mean, per look
constexpr double frozen_part = .03;
constexpr double fewest_gain_tokens = 2048, standard_errors = 2;
constexpr double imbalance_factor = 300, runaway_factor = 1000;
constexpr Index fewest_units = 8;         // whose rank says something
constexpr double fewest_situations = 16;  // that a verdict has seen a level in
constexpr double units_per_rank = 50;
constexpr double unsettled_part = .1;

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }
}  // namespace

template <class T>
Health<T>::Health(const HealthSettings& its_settings, Hierarchy<T>& hierarchy, Index interval)
    : settings(its_settings),
      hierarchy_(hierarchy),
      device_(hierarchy.device()),
      period_(static_cast<std::uint64_t>((its_settings.every + interval - 1) / interval * interval)),
      depth_(hierarchy.depth()),
      awake_(hierarchy.awake()) {
  if (settings.every == 0) return;
  const Index b = hierarchy.streams();
  const auto levels = static_cast<std::size_t>(depth_);
  if (depth_ > 1 && hierarchy.level(1).contribution().data != nullptr) lesion_ = std::make_unique<StreamLesion<T>>(hierarchy);
  Index widest = b;
  for (Index l = 0; l < depth_; ++l) {
    const Index n = l > 0 && hierarchy.level(l).units() >= fewest_units ? hierarchy.level(l).snapshot().belief.rows
                                                                        : 0;  // the lowest answers to the token of the moment
    moment_.emplace_back(device_, n, n);
    for (auto* x : {&mean_, &shift_}) x->emplace_back(device_, n, 1);
    centred_.emplace_back(device_, n, b);
    hierarchy.level(l).visit_weights([&](Weight<T>& weight) {
      kept_.emplace_back(device_, weight.value.rows(), weight.value.cols());
      widest = std::max(widest, weight.value.cols());
    });
  }
  row_ = {device_, widest, 1};
  host_.resize(static_cast<std::size_t>(widest));
  intact_.resize(static_cast<std::size_t>(b));
  before_.assign(levels, 0);
  gain_from_.assign(levels, 0);
  woke_.assign(levels, 0);
  precision_.assign(levels, std::numeric_limits<double>::infinity());
  boost_.assign(levels, 1);
  streak_.assign(ailment_names.size() * (levels + 1), 0);
  clear_sums();
}

template <class T>
void Health<T>::clear_sums() {
  const auto levels = static_cast<std::size_t>(depth_);
  sums_ = {};
  for (auto* x : {&sums_.update, &sums_.updates, &sums_.error, &sums_.errors, &sums_.samples}) x->assign(levels, 0);
  sums_.gain.assign(levels * gain_fields, 0);
  for (std::size_t l = 0; l < levels; ++l)
    if (!moment_[l].empty())
      for (auto* x : {&moment_[l], &mean_[l]}) device_.fill(*x, T(0));
}

/// The step that ends with the update that is looked at.
template <class T>
bool Health<T>::due(const Step<T>& step) const {
  return settings.every > 0 && step.learning && (step.index + 1) % period_ == 0;
}

/// Levels have woken or fallen asleep: a verdict, and what several in a row say, is about one and the same hierarchy.
template <class T>
void Health<T>::begin_anew() {
  looks_ -= looks_ % looks_per_verdict;
  clear_sums();
  std::fill(streak_.begin(), streak_.end(), 0);
  for (Index l = awake_; l < hierarchy_.awake(); ++l) woke_[static_cast<std::size_t>(l)] = verdicts_;
  awake_ = hierarchy_.awake();
}

template <class T>
void Health<T>::before_observe(const Step<T>& step) {
  looking_ = due(step);
  if (!looking_) return;
  if (hierarchy_.awake() != awake_) begin_anew();
  hierarchy_.relaxation().probing = true;
  if (lesion_) sample_stream(step);
  if (looks_ % looks_per_update_norm == looks_per_update_norm - 1) keep_weights();
}

template <class T>
void Health<T>::before_forecast(const Step<T>& step) {
  tokens_ += step.active_count;
  if (!looking_) return;
  hierarchy_.relaxation().probing = false;
  if (hierarchy_.awake() != awake_) return;  // since this step's update
  if (looks_ % looks_per_update_norm == looks_per_update_norm - 1) measure_updates();
  sample_beliefs(step);
  sample_relaxation();
  if (++looks_ % looks_per_verdict == 0) pass_verdict();
}

/// The sum of a matrix's entries.
template <class T>
double Health<T>::sum(ConstView<T> x) {
  device_.column_sum(x, row_.view().rows_at(0, x.cols));
  const auto host = std::span<T>(host_).first(static_cast<std::size_t>(x.cols));
  device_.download(row_.view().rows_at(0, x.cols), host);
  double all = 0;
  for (const T value : host) all += static_cast<double>(value);
  return all;
}

template <class T>
void Health<T>::keep_weights() {
  std::size_t i = 0;
  for (std::size_t l = 0; l < static_cast<std::size_t>(awake_); ++l) {
    before_[l] = 0;
    const auto keep = [&](Weight<T>& weight) {
      if (weight.idle) return static_cast<void>(++i);
      device_.map(Unary::square, weight.value, kept_[i]);
      before_[l] += sum(kept_[i]);
      device_.copy(weight.value, kept_[i++]);
    };
    hierarchy_.level(static_cast<Index>(l)).visit_weights(std::ref(keep));
  }
}

template <class T>
void Health<T>::measure_updates() {
  std::size_t i = 0;
  for (std::size_t l = 0; l < static_cast<std::size_t>(awake_); ++l) {
    double moved = 0;
    const auto measure = [&](Weight<T>& weight) {
      Tensor<T>& kept = kept_[i++];
      if (weight.idle) return;
      device_.axpby(T(1), weight.value, T(-1), kept);
      device_.map(Unary::square, kept, kept);
      moved += sum(kept);
    };
    hierarchy_.level(static_cast<Index>(l)).visit_weights(std::ref(measure));
    if (before_[l] <= 0) continue;
    sums_.update[l] += std::sqrt(moved / before_[l]);
    sums_.updates[l] += 1;
  }
}

template <class T>
void Health<T>::sample_stream(const Step<T>& step) {
  lesion_->follow(step, std::max(mean_rate, 1 / static_cast<double>(looks_ + 1)));
  const auto active = static_cast<double>(step.active_count);
  if (awake_ == 1 || looks_ == 0 || active == 0) return;  // at the first look the slow means know this very step alone
  lesion_->intact(step, intact_);
  const auto loss = std::span<T>(host_).first(intact_.size());
  for (Index l = 1; l < awake_; ++l) {
    if (!lesion_->speaks(l)) continue;
    lesion_->without(step, l, loss);
    double gain = 0;
    for (std::size_t j = 0; j < loss.size(); ++j)
      if (step.observation->active[j] != 0) gain += static_cast<double>(loss[j]) - static_cast<double>(intact_[j]);
    gain /= active;
    if (!std::isfinite(gain)) continue;
    double* sums = &sums_.gain[static_cast<std::size_t>(l) * gain_fields];
    sums[0] += gain;
    sums[1] += gain * gain;
    sums[2] += 1;
    sums[3] += active;
  }
}

template <class T>
void Health<T>::sample_beliefs(const Step<T>& step) {
  const auto active = static_cast<double>(step.active_count);
  if (active == 0) return;
  for (std::size_t l = 0; l < static_cast<std::size_t>(awake_); ++l) {
    const Snapshot<T> now = hierarchy_.level(static_cast<Index>(l)).snapshot();
    if (now.error_norm.data != nullptr) {
      device_.download(now.error_norm, std::span<T>(host_).first(intact_.size()));
      double square = 0;
      for (std::size_t j = 0; j < intact_.size(); ++j)
        if (step.observation->active[j] != 0) square += static_cast<double>(host_[j]) * static_cast<double>(host_[j]);
      sums_.error[l] += square / active / static_cast<double>(hierarchy_.level(static_cast<Index>(l)).units());
      sums_.errors[l] += 1;
    }
    if (moment_[l].empty()) continue;
    if (sums_.samples[l] == 0) device_.row_sum(static_cast<T>(1 / active), now.belief, step.active, T(0), shift_[l]);
    Tensor<T>& x = centred_[l];
    device_.copy(now.belief, x);
    device_.add_to_rows(T(-1), shift_[l], x);
    device_.scale_columns(step.active, x);
    device_.outer_product(T(1), x, x, moment_[l]);
    device_.row_sum(T(1), x, step.active, T(1), mean_[l]);
    sums_.samples[l] += active;
  }
}

template <class T>
void Health<T>::sample_relaxation() {
  const RelaxationTrace& trace = hierarchy_.relaxation().trace();
  sums_.fall += trace.free_energy.front() - trace.free_energy.back();
  sums_.further += trace.further;
  sums_.rejections += static_cast<double>(trace.rejections);
  sums_.sweeps += static_cast<double>(trace.sweeps);
}

// ---------------------------------------------------------------- verdicts

template <class T>
void Health<T>::pass_verdict() {
  ++verdicts_;
  readings_.clear();
  judge_frozen();
  judge_ignored();
  judge_imbalance();
  judge_precision();
  judge_rank();
  judge_relaxation();
  for (const Reading& reading : readings_) note(reading);
  clear_sums();
}

/// A finding is begun or goes on; where cures are wanted it is treated.
template <class T>
void Health<T>::note(const Reading& reading) {
  std::int64_t& streak = streak_[static_cast<std::size_t>(static_cast<Index>(reading.ailment) * (depth_ + 1) + reading.level + 1)];
  auto found = std::find_if(findings_.begin(), findings_.end(), [&](const Finding& finding) {
    return finding.first.ailment == reading.ailment && finding.first.level == reading.level;
  });
  streak = reading.ill ? streak + 1 : 0;
  const bool sure = streak >= verdicts_per_finding || (reading.ill && !std::isfinite(reading.value));
  if (found != findings_.end()) found->last = reading;
  if (!sure) return;
  if (found == findings_.end()) found = findings_.insert(findings_.end(), {reading, reading, tokens_, 0});
  ++found->verdicts;
  if (settings.cure && treat(reading)) streak = 0;
}

template <class T>
void Health<T>::judge_frozen() {
  double below = 0, levels = 0;
  for (Index l = 0; l < awake_; ++l) {
    const auto i = static_cast<std::size_t>(l);
    if (sums_.updates[i] == 0 || (schedule != nullptr && schedule->wait(l) > 1)) continue;
    const double moved = sums_.update[i] / sums_.updates[i];
    const double threshold = frozen_part * ratio(below, levels);
    if (levels > 0) readings_.push_back({Ailment::frozen, l, moved, threshold, moved < threshold});
    below += moved;
    levels += 1;
  }
}

template <class T>
void Health<T>::judge_ignored() {
  gain_history_.insert(gain_history_.end(), sums_.gain.begin(), sums_.gain.end());
  const auto row = static_cast<std::size_t>(depth_) * gain_fields;
  for (Index l = 1; lesion_ && l < awake_; ++l) {
    const auto i = static_cast<std::size_t>(l);
    double s[gain_fields] = {};
    const std::int64_t later = woke_[i] + (verdicts_ - woke_[i]) / 2;
    for (auto v = static_cast<std::size_t>(std::max(later, gain_from_[i])); v < static_cast<std::size_t>(verdicts_); ++v)
      for (std::size_t k = 0; k < gain_fields; ++k) s[k] += gain_history_[v * row + i * gain_fields + k];
    if (s[3] < fewest_gain_tokens || s[2] < looks_per_verdict) continue;
    const double mean = s[0] / s[2], variance = std::max(0.0, s[1] / s[2] - mean * mean) / (s[2] - 1);
    const double threshold = standard_errors * std::sqrt(variance);
    readings_.push_back({Ailment::ignored, l, mean, threshold, mean <= threshold});
  }
}

template <class T>
void Health<T>::judge_imbalance() {
  std::vector<std::pair<Index, double>> logs;  // of levels with errors, lowest first
  std::vector<double> sorted;
  for (Index l = 0; l < awake_; ++l) {
    const double power = ratio(sums_.error[static_cast<std::size_t>(l)], sums_.errors[static_cast<std::size_t>(l)]);
    if (power > 0) logs.emplace_back(l, std::log(power) / 2), sorted.push_back(logs.back().second);
  }
  if (logs.size() < 2) return;
  std::sort(sorted.begin(), sorted.end());
  const double median = (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    double apart = 0;  // from the neighbour it lies furthest from, in logarithms: above it or below
    bool sicker = false;
    for (const std::size_t other : {i - 1, i + 1}) {
      if (other >= logs.size() || std::abs(logs[i].second - logs[other].second) < std::abs(apart)) continue;
      apart = logs[i].second - logs[other].second;
      const double own = std::abs(logs[i].second - median), its = std::abs(logs[other].second - median);
      sicker = own > its || (own == its && i > other);
    }
    const bool low = apart < 0;
    const double value = std::exp(apart), threshold = low ? 1 / imbalance_factor : imbalance_factor;
    readings_.push_back({Ailment::imbalance, logs[i].first, value, threshold, sicker && (low ? value < threshold : value > threshold)});
  }
}

/// Of the unit that has gone furthest from where its level began.
template <class T>
void Health<T>::judge_precision() {
  for (Index l = 0; l < awake_; ++l) {
    const ConstView<T> precision = hierarchy_.level(l).snapshot().precision;
    if (precision.data == nullptr) continue;
    const bool units = precision.cols == hierarchy_.streams();
    const auto n = static_cast<std::size_t>(units ? precision.rows : 1), b = static_cast<std::size_t>(hierarchy_.streams());
    std::vector<T> host(n * b);
    device_.download(precision, host);
    std::vector<double> logs(n, 0);
    for (std::size_t k = 0; k < host.size(); ++k) logs[k % n] += std::log(static_cast<double>(host[k])) / static_cast<double>(b);
    double& begun = precision_[static_cast<std::size_t>(l)];
    if (!std::isfinite(begun)) begun = std::accumulate(logs.begin(), logs.end(), 0.0) / static_cast<double>(n);
    double furthest = 0;
    for (const double x : logs)
      if (!std::isfinite(x) || std::abs(x - begun) > std::abs(furthest)) furthest = x - begun;
    const double value = std::exp(furthest), threshold = furthest < 0 ? 1 / runaway_factor : runaway_factor;
    readings_.push_back({Ailment::runaway, l, value, threshold, !(std::abs(furthest) < std::log(runaway_factor))});
  }
}

/// Of the level's belief over this verdict's looks, about its mean; n x n.
template <class T>
std::vector<double> Health<T>::covariance(std::size_t l) {
  const auto n = static_cast<std::size_t>(moment_[l].rows());
  std::vector<T> moment(n * n), mean(n);
  device_.download(moment_[l], moment);
  device_.download(mean_[l], mean);
  std::vector<double> c(n * n);
  for (std::size_t k = 0; k < c.size(); ++k)
    c[k] = (static_cast<double>(moment[k]) - static_cast<double>(mean[k % n]) * static_cast<double>(mean[k / n]) / sums_.samples[l]) /
           sums_.samples[l];
  return c;
}

template <class T>
void Health<T>::judge_rank() {
  for (std::size_t l = 0; l < moment_.size(); ++l) {
    if (moment_[l].empty() || sums_.samples[l] == 0) continue;
    // Of a stream, what lies within a time constant is one situation.
    const double span = static_cast<double>(period_) * looks_per_verdict / hierarchy_.level(static_cast<Index>(l)).time_constant();
    if (static_cast<double>(hierarchy_.streams()) * std::max(1.0, span) < fewest_situations) continue;
    const auto n = static_cast<std::size_t>(moment_[l].rows());
    double trace = 0, square = 0;
    const auto c = covariance(l);
    for (std::size_t k = 0; k < c.size(); ++k) {
      if (k % n == k / n) trace += c[k];
      square += c[k] * c[k];
    }
    const double rank = ratio(trace * trace, square), threshold = 1 + static_cast<double>(n) / units_per_rank;
    readings_.push_back({Ailment::collapsed, static_cast<Index>(l), rank, threshold, rank < threshold});
  }
}

template <class T>
void Health<T>::judge_relaxation() {
  if (sums_.sweeps == 0 || hierarchy_.relaxation().settings.scheme == Scheme::exact) return;
  const double left = ratio(sums_.further, sums_.fall + sums_.further), rejected = sums_.rejections / sums_.sweeps;
  if (rejected > rejected_part)
    readings_.push_back({Ailment::unsettled, whole, rejected, rejected_part, true});
  else
    readings_.push_back({Ailment::unsettled, whole, left, unsettled_part, left > unsettled_part});
}

template class Health<float>;
template class Health<double>;

}  // namespace strata
