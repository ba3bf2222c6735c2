// The Gaussian level's learning, its instruments, and what it is made of. See levels/gaussian.hpp for the equations.

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "levels/gaussian.hpp"
#include "levels/running_rate.hpp"

namespace strata {

using Precision = GaussianSettings::Precision;

namespace {
double logit(double a) { return std::log(a / (1 - a)); }
double persistence(double tau) { return std::exp(-1 / tau); }
constexpr double least_part = 1e-6;  // of a prediction's variance: less than this tells nothing
}  // namespace

/// Persistence and precision of every unit from the weights and averages that learning moves.
template <class T>
void GaussianLevel<T>::derive() {
  const auto n = static_cast<std::size_t>(settings_.units);
  T moved = 0;
  device_.download(time_scale_.value, std::span<T>(&moved, 1));
  double shift = settings_.tau_speed * static_cast<double>(moved);
  const double start = logit(persistence(settings_.tau));
  if (settings_.learn_tau) {
    const double held = std::clamp(start + shift, logit(persistence(settings_.tau_min)), logit(persistence(settings_.tau_max))) - start;
    if (held != shift) device_.fill(time_scale_.value, static_cast<T>(held / settings_.tau_speed));
    shift = held;
  }
  tau_ = -1 / std::log(1 / (1 + std::exp(-start - shift)));
  std::vector<T>& a = host_;
  for (std::size_t i = 0; i < n; ++i) {
    const double place = n > 1 ? 2 * static_cast<double>(i) / static_cast<double>(n - 1) - 1 : 0;
    const double own = logit(persistence(settings_.tau * std::pow(settings_.spread, place))) + shift;
    a[i] = static_cast<T>(1 / (1 + std::exp(-own)));
  }
  const std::span<T> units(a.data(), n);
  device_.upload(units, a_);
  if (leaky())
    for (T& x : units) x = T(1) - x;
  else
    std::fill(units.begin(), units.end(), T(1));
  device_.upload(units, s_);
  derive_precision();
}

template <class T>
void GaussianLevel<T>::derive_precision() {
  const auto n = static_cast<std::size_t>(settings_.units), b = static_cast<std::size_t>(streams_);
  if (!forced_ && settings_.mode == Precision::scheduled) {
    const double part = std::min(1., steps_ / settings_.precision_steps);
    pi_host_.assign(n, settings_.precision * std::pow(settings_.precision_end / settings_.precision, part));
  } else if (!forced_ && settings_.mode == Precision::learned) {
    for (std::size_t i = 0; i < n; ++i) pi_host_[i] = std::clamp(1 / power_[i], settings_.precision_min, settings_.precision_max);
  } else if (!forced_ && settings_.mode == Precision::predictive) {
    device_.download(log_gain_.value, std::span<T>(host_).first(n));
    for (std::size_t i = 0; i < n; ++i)
      pi_host_[i] = std::clamp(settings_.precision * std::exp(-settings_.precision_speed * static_cast<double>(host_[i])),
                               settings_.precision_min, settings_.precision_max);
  } else if (!forced_) {
    pi_host_.assign(n, settings_.precision);
  }
  for (std::size_t j = 0; j < b; ++j)
    for (std::size_t i = 0; i < n; ++i) host_[j * n + i] = static_cast<T>(pi_host_[i]);
  device_.upload(std::span<const T>(host_).first(n * b), pi_);
}

template <class T>
void GaussianLevel<T>::set_precision(std::span<const double> per_unit) {
  if (!per_unit.empty() && per_unit.size() != static_cast<std::size_t>(settings_.units))
    throw ShapeError("precision of a gaussian level", std::to_string(settings_.units) + " units", std::to_string(per_unit.size()));
  forced_ = !per_unit.empty();
  if (forced_) pi_host_.assign(per_unit.begin(), per_unit.end());
  derive_precision();
}

template <class T>
void GaussianLevel<T>::learn(const Step<T>& step) {
  if (lowest() && numbers()) {
    device_.map(Unary::square, share_out_.value, square_out_);
    device_.gemm(false, false, T(1), square_out_.view(), variance_.view(), T(0), p_);
    numbers_.learn(step, p_);
  } else if (lowest()) {
    tokens_.learn();
  }
  if (shares_) device_.outer_product(T(1), rho_held_, f_held_, share_sum_);
  if (shares_ && settings_.eligibility) {
    device_.multiply(loss_drive(), variance_, work_[0]);
    device_.scale_rows(a_, work_[0]);
    device_.outer_product(T(1), rho_trace_, work_[0], share_sum_);
  }
  if (coupled()) {
    device_.copy(e_, work_[0]);
    device_.scale_rows(s_, work_[0]);
    device_.outer_product(T(1), work_[0], above_held_, above_sum_);
  }
  const ConstView<T> all = device_.ones(streams_);
  if (settings_.mode == Precision::predictive) {
    device_.multiply(loss_drive(), moved_gain_, work_[0]);
    device_.scale_rows(a_, work_[0]);
    device_.row_sum(static_cast<T>(settings_.precision_speed), work_[0], all, T(1), gain_sum_);
  }
  if (settings_.learn_tau) {
    device_.multiply(loss_drive(), slope_tau_, work_[0]);
    device_.row_sum(static_cast<T>(settings_.tau_speed), work_[0], all, T(0), row_);
    device_.multiply(row_, a_, row_);  // a (1 - a): logit(a) is what moves
    device_.copy(row_, work_[1].cols_at(0, 1));
    device_.multiply(row_, a_, row_);
    device_.axpby(T(-1), row_, T(1), work_[1].cols_at(0, 1));
    device_.column_sum(work_[1].cols_at(0, 1), column_.view().rows_at(0, 1));
    device_.axpby(T(1), column_.view().rows_at(0, 1), T(1), tau_sum_);
  }
  if (settings_.mode == Precision::learned) learn_precision(step);
  steps_ += 1;
}

/// 1 / pi follows the error's power. Of a prediction's variance 1 / pi a belief shows the part H / D, what it could see; where nothing says
/// how sharp the evidence is, nothing is learned.
template <class T>
void GaussianLevel<T>::learn_precision(const Step<T>& step) {
  if (step.active_count == 0) return;
  const auto read = [&](ConstView<T> x, std::vector<T>& host) {
    device_.row_sum(T(1), x, step.active, T(0), row_);
    device_.download(row_, std::span<T>(host).first(power_.size()));
  };
  device_.copy(x_, work_[0]);
  device_.axpby(T(-1), mu_, T(1), work_[0]);
  device_.map(Unary::square, work_[0], work_[0]);
  read(work_[0], host_);
  device_.multiply(h_, variance_, work_[0]);
  read(work_[0], host2_);
  const double rate = running_rate(settings_.precision_prior + steps_, 1 / settings_.precision_steps);
  for (std::size_t i = 0; i < power_.size(); ++i) {
    const auto seen = static_cast<double>(host_[i]), part = static_cast<double>(host2_[i]);
    if (part > least_part * static_cast<double>(step.active_count)) power_[i] += rate * (seen / part - power_[i]);
  }
}

template <class T>
void GaussianLevel<T>::accumulate(T scale, bool learning) {
  if (lowest() && numbers())
    numbers_.accumulate(scale, learning);
  else if (lowest())
    tokens_.accumulate(scale, learning);
  const std::pair<Tensor<T>*, Weight<T>*> sums[] = {
      {&share_sum_, &share_out_}, {&above_sum_, &above_in_}, {&tau_sum_, &time_scale_}, {&gain_sum_, &log_gain_}};
  for (const auto& [sum, weight] : sums) {
    if (sum->empty()) continue;
    if (learning) device_.axpby(scale, *sum, T(1), weight->gradient);
    device_.fill(*sum, T(0));
  }
}

/// Eligibilities: how the belief just settled depends on U, on the gain and on the time constant.
template <class T>
void GaussianLevel<T>::trace(const Step<T>& step) {
  if (shares_ && settings_.eligibility) {
    device_.fill(column_, static_cast<T>(persistence(tau_)));
    device_.leaky_integrate(column_, T(1), step.active, rho_held_, rho_trace_);
  }
  if (!settings_.learn_tau && settings_.mode != Precision::predictive) return;
  device_.multiply(pi_, variance_, work_[0]);
  device_.multiply(work_[0], slope_tau_, work_[1]);
  device_.select_columns(step.active, work_[1], moved_tau_);
  device_.copy(moved_gain_, work_[1]);
  device_.scale_rows(a_, work_[1]);
  device_.axpby(T(1), x_, T(1), work_[1]);
  device_.axpby(T(-1), mu_, T(1), work_[1]);
  device_.multiply(work_[0], work_[1], work_[1]);
  device_.select_columns(step.active, work_[1], moved_gain_);
}

template <class T>
void GaussianLevel<T>::visit_weights(const std::function<void(Weight<T>&)>& visit) {
  if (shares_) visit(share_out_);
  if (coupled()) visit(above_in_);
  if (settings_.learn_tau) visit(time_scale_);
  if (settings_.mode == Precision::predictive) visit(log_gain_);
  if (lowest() && numbers())
    numbers_.visit_weights(visit);
  else if (lowest())
    tokens_.visit_weights(visit);
}

template <class T>
void GaussianLevel<T>::archive_parameters(Archive& archive) {
  archive.value("power", power_);
  archive.value("steps", steps_);
  if (lowest() && numbers()) numbers_.archive_parameters(archive);
  if (archive.loading()) derive();
}

template <class T>
void GaussianLevel<T>::archive_state(Archive& archive) {
  for (auto& [name, x] : state_tensors()) archive.tensor(name, *x);
  if (lowest() && numbers())
    numbers_.archive_state(archive);
  else if (lowest())
    tokens_.archive_state(archive);
}

// ---------------------------------------------------------------- instruments

template <class T>
void GaussianLevel<T>::clamp_downward(std::span<const std::uint8_t> clamped, ConstView<T> activity) {
  clamping_ = !clamped.empty();
  if (clamping_) {
    for (std::size_t j = 0; j < clamped.size(); ++j) host_[j] = T(clamped[j] != 0 ? 1 : 0);
    device_.upload(std::span<const T>(host_).first(clamped.size()), clamp_);
    device_.copy(activity, clamped_);
  }
  hand_down();
}

template <class T>
void GaussianLevel<T>::score_with_stream(const Step<T>& step, ConstView<T> stream, View<T> loss) {
  if (!lowest()) return;
  device_.copy(stream, p_);
  device_.axpby(T(1), share_, T(1), p_);
  if (numbers())
    numbers_.score_with_stream(step, p_, loss);
  else
    tokens_.score_with_stream(step, p_, loss);
}

template <class T>
void GaussianLevel<T>::held_energy(ConstView<T> stream, View<T> energy) {
  device_.copy(x_, work_[1]);
  device_.axpby(T(-1), mu_, T(1), work_[1]);
  if (coupled()) {  // W is learned at what the level above said in the forecast
    from_above(above_held_, work_[0]);
    device_.axpby(T(-1), work_[0], T(1), work_[1]);
    device_.axpby(T(1), said_, T(1), work_[1]);
  }
  device_.map(Unary::square, work_[1], work_[1]);
  device_.multiply(work_[1], pi_, work_[1]);
  device_.column_sum(work_[1], column_);
  device_.axpby(T(.5), column_, T(1), energy);
  if (!lowest()) return;
  if (numbers()) return numbers_.held_energy(stream, energy);
  Step<T> step;
  step.observation = seen_;
  tokens_.score_with_stream(step, stream, column_);
  device_.axpby(T(1), column_, T(1), energy);
}

template <class T>
std::vector<ValueNode<T>> GaussianLevel<T>::nodes() {
  std::vector<ValueNode<T>> all;
  device_.download(h_, std::span<T>(host_).first(static_cast<std::size_t>(settings_.units * streams_)));
  for (Index i = 0; i < settings_.units; ++i) {
    const auto u = static_cast<std::size_t>(i);
    all.push_back({x_.rows_at(i, 1), static_cast<T>(pi_host_[u]) + host_[u]});
  }
  return all;
}

template <class T>
void GaussianLevel<T>::refresh() {
  hand_down();
  error_and_feedback();
}

template class GaussianLevel<float>;
template class GaussianLevel<double>;

}  // namespace strata
