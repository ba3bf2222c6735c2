#include "core/relaxation.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace strata {

namespace {
constexpr double accepted_rise = 1e-6;  // relative; rounding alone may raise F_now by this much in float

const std::vector<std::string>& scheme_names() {  // in the order of Scheme
  static const std::vector<std::string> names{"serial", "red_black", "jacobi", "gradient", "exact"};
  return names;
}
}  // namespace

ParameterTable RelaxationSettings::parameters() {
  const RelaxationSettings d;
  return {
      {"steps",
       std::int64_t{d.steps},
       0,
       1000,
       {},
       "sweeps",
       "sweeps of settling per token at most; 0 leaves beliefs at their predictions",
       ""},
      {"rate", d.rate, 1e-6, 1, {}, "1", "gamma, the part of the way that one sweep moves a belief", ""},
      {"tolerance", d.tolerance, 0, 1, {}, "1", "a stream has settled when a sweep lowers its free energy by less than this part", ""},
      {"scheme", scheme_names()[0], 0, 0, scheme_names(), "",
       "order in which beliefs move: serial or red-black Gauss-Seidel, Jacobi, plain gradient, or the exact chain", ""},
  };
}

RelaxationSettings RelaxationSettings::from(const Values& values) {
  const auto& names = scheme_names();
  const auto scheme = std::find(names.begin(), names.end(), values.text("scheme")) - names.begin();
  return {values.integer("steps"), values.real("rate"), values.real("tolerance"), static_cast<Scheme>(scheme)};
}

template <class T>
Relaxation<T>::Relaxation(Device<T>& device, Index streams, const RelaxationSettings& its_settings)
    : settings(its_settings),
      device_(device),
      rate_(device, streams),
      energy_(device, streams),
      rejected_(device, streams),
      slow_rate_(device, streams) {
  const auto n = static_cast<std::size_t>(streams);
  rate_host_.resize(n);
  energy_host_.resize(n);
  kept_energy_.resize(n);
  rejected_host_.resize(n);
}

template <class T>
void Relaxation<T>::settle(Levels& levels, std::size_t awake, const Step<T>& step) {
  trace_.free_energy.assign(static_cast<std::size_t>(settings.steps) + 1, 0);
  trace_.rejections = trace_.sweeps = 0;
  trace_.further = 0;
  if (settings.scheme == Scheme::exact) return settle_chain(levels, awake, step);
  std::size_t joint = 1;
  while (joint < awake && levels[joint]->joint()) ++joint;
  for (std::size_t l = 0; l < joint; ++l) levels[l]->begin_settling(step, l == 0 ? Upward<T>{} : levels[l - 1]->upward());
  settle_group(levels, 0, joint, step, step.observation->active);
  for (std::size_t l = 0; l < joint; ++l) levels[l]->end_settling(step);
  for (std::size_t l = joint; l < awake; ++l) {
    levels[l]->begin_settling(step, levels[l - 1]->upward());
    const auto mask = levels[l]->ticking();
    bool any = false;
    for (const auto m : mask) any |= m != 0;
    if (any) settle_group(levels, l, l + 1, step, mask);
    levels[l]->end_settling(step);
  }
}

namespace {
template <class T>
Upward<T> below(const std::vector<std::unique_ptr<Level<T>>>& levels, std::size_t l) {
  return l == 0 ? Upward<T>{} : levels[l - 1]->upward();
}
template <class T>
Downward<T> above(const std::vector<std::unique_ptr<Level<T>>>& levels, std::size_t l) {
  return l + 1 < levels.size() ? levels[l + 1]->downward() : Downward<T>{};
}
}  // namespace

template <class T>
void Relaxation<T>::settle_chain(Levels& levels, std::size_t awake, const Step<T>& step) {
  for (std::size_t l = 0; l < awake; ++l) levels[l]->begin_settling(step, below(levels, l));
  const auto& mask = step.observation->active;
  const auto mean_energy = [&] {
    measure(levels, 0, awake, energy_host_);
    check(levels, 0, awake, step, mask);
    double sum = 0;
    for (std::size_t j = 0; j < mask.size(); ++j) sum += mask[j] != 0 ? static_cast<double>(energy_host_[j]) : 0.0;
    return sum / static_cast<double>(std::max<Index>(1, step.active_count));
  };
  trace_.free_energy[0] = mean_energy();
  if (settings.steps > 0) {
    for (std::size_t l = 0; l < awake; ++l) levels[l]->gather(step, below(levels, l));
    for (std::size_t l = awake; l-- > 0;) levels[l]->resolve(step, above(levels, l));
    for (std::size_t l = awake; l-- > 0;) levels[l]->emit(step, above(levels, l));
    std::fill(trace_.free_energy.begin() + 1, trace_.free_energy.end(), mean_energy());
    trace_.sweeps = step.active_count;
  }
  for (std::size_t l = 0; l < awake; ++l) levels[l]->end_settling(step);
}

template <class T>
void Relaxation<T>::sweep(Levels& levels, std::size_t low, std::size_t high, const Step<T>& step) {
  switch (settings.scheme) {
    case Scheme::red_black: move_by_colour(levels, low, high); break;
    case Scheme::jacobi:
    case Scheme::gradient: move_at_once(levels, low, high); break;
    default: move_serially(levels, low, high);
  }
  if (low != 0) return;  // the emission is settled already when a level answers for a whole window
  for (std::size_t l = high; l-- > 0;) levels[l]->emit(step, above(levels, l));
}

template <class T>
void Relaxation<T>::move_serially(Levels& levels, std::size_t low, std::size_t high) {
  for (std::size_t l = low; l < high; ++l) {
    levels[l]->settle(below(levels, l), rate_);
    if (l > low) levels[l - 1]->repredict(levels[l]->downward());
  }
}

template <class T>
void Relaxation<T>::move_by_colour(Levels& levels, std::size_t low, std::size_t high) {
  for (std::size_t colour = 0; colour < 2; ++colour) {
    for (std::size_t l = low + colour; l < high; l += 2) levels[l]->settle(below(levels, l), rate_);
    for (std::size_t l = low + colour; l < high; l += 2)
      if (l > low) levels[l - 1]->repredict(levels[l]->downward());
  }
}

/// From the top down, since a level reads the messages of the one below and that of the one above only when it is repredicted.
template <class T>
void Relaxation<T>::move_at_once(Levels& levels, std::size_t low, std::size_t high) {
  T most = 0;
  if (settings.scheme == Scheme::gradient)
    for (std::size_t l = low; l < high; ++l)
      for (const ValueNode<T>& node : levels[l]->nodes()) most = std::max(most, node.precision);
  for (std::size_t l = high; l-- > low;)
    if (settings.scheme == Scheme::gradient)
      descend(levels, l, T(1) / most);
    else
      levels[l]->settle(below(levels, l), rate_);
  for (std::size_t l = low; l + 1 < high; ++l) levels[l]->repredict(levels[l + 1]->downward());
}

/// A sweep of size pi_n / max pi moves a node along its gradient. Levels take one size for all their nodes: that of the least precise one,
/// and the others' moves are stretched after it.
template <class T>
void Relaxation<T>::descend(Levels& levels, std::size_t l, T unit) {
  Level<T>& level = *levels[l];
  const auto nodes = level.nodes();
  if (nodes.empty())
    throw ConfigError("relaxation.scheme", "gradient",
                      "level " + std::to_string(l) + " (" + level.kind() + ") shows no value nodes; take serial");
  if (before_.size() < levels.size()) before_.resize(levels.size());
  auto& before = before_[l];
  T least = nodes[0].precision;
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    least = std::min(least, nodes[n].precision);
    if (n == before.size()) before.emplace_back(device_, nodes[n].belief.rows, nodes[n].belief.cols);
    device_.copy(nodes[n].belief, before[n]);
  }
  device_.axpby(least * unit, rate_, T(0), slow_rate_);
  level.settle(below(levels, l), slow_rate_);
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    const T stretch = nodes[n].precision / least;
    device_.axpby(T(1) - stretch, before[n], stretch, nodes[n].belief);
  }
  level.refresh();
}

template <class T>
void Relaxation<T>::measure(Levels& levels, std::size_t low, std::size_t high, std::vector<T>& energy) {
  device_.fill(energy_, T(0));
  for (std::size_t l = low; l < high; ++l) levels[l]->add_energy(energy_);
  device_.download(energy_, energy);
}

/// Accepts, rejects and stops per stream; true while any stream goes on.
template <class T>
bool Relaxation<T>::judge(std::span<const std::uint8_t> mask) {
  bool going = false;
  for (std::size_t j = 0; j < mask.size(); ++j) {
    rejected_host_[j] = T(0);
    if (mask[j] == 0 || rate_host_[j] == T(0)) continue;
    ++trace_.sweeps;
    const double before = kept_energy_[j], after = energy_host_[j];
    if (after > before + accepted_rise * std::abs(before)) {
      rejected_host_[j] = T(1);
      rate_host_[j] *= T(.5);
      energy_host_[j] = kept_energy_[j];
      ++trace_.rejections;
      going = true;
    } else if (settings.tolerance > 0 && before - after < settings.tolerance * std::abs(before)) {
      rate_host_[j] = T(0);
    } else {
      going = true;
    }
  }
  return going;
}

template <class T>
void Relaxation<T>::settle_group(Levels& levels, std::size_t low, std::size_t high, const Step<T>& step,
                                 std::span<const std::uint8_t> mask) {
  for (std::size_t j = 0; j < mask.size(); ++j) rate_host_[j] = mask[j] != 0 ? static_cast<T>(settings.rate) : T(0);
  measure(levels, low, high, energy_host_);
  check(levels, low, high, step, mask);
  const auto note = [&](Index sweeps_done) {
    if (low != 0) return;
    double sum = 0;
    for (std::size_t j = 0; j < mask.size(); ++j) sum += mask[j] != 0 ? static_cast<double>(energy_host_[j]) : 0.0;
    trace_.free_energy[static_cast<std::size_t>(sweeps_done)] = sum / static_cast<double>(std::max<Index>(1, step.active_count));
  };
  note(0);
  Step<T> last = step;
  last.last_sweep = true;
  const bool probed = probing && low == 0;
  bool going = true;
  for (Index s = 0; s < settings.steps; ++s) {
    if (going) {
      device_.upload(rate_host_, rate_);
      for (std::size_t l = low; l < high; ++l) levels[l]->keep();
      sweep(levels, low, high, s + 1 < settings.steps || probed ? step : last);
      std::swap(energy_host_, kept_energy_);
      measure(levels, low, high, energy_host_);
      check(levels, low, high, step, mask);
      const auto rejections = trace_.rejections;
      going = judge(mask);
      if (trace_.rejections != rejections) {
        device_.upload(rejected_host_, rejected_);
        for (std::size_t l = low; l < high; ++l) levels[l]->restore(rejected_);
      }
    }
    note(s + 1);
  }
  if (probed && going && settings.steps > 0) probe(levels, high, last, mask);
}

/// One sweep more in the streams that go on, which is then taken back.
template <class T>
void Relaxation<T>::probe(Levels& levels, std::size_t high, const Step<T>& last, std::span<const std::uint8_t> mask) {
  device_.upload(rate_host_, rate_);
  for (std::size_t l = 0; l < high; ++l) {
    levels[l]->count_work(false);
    levels[l]->keep();
  }
  sweep(levels, 0, high, last);
  measure(levels, 0, high, kept_energy_);
  double sum = 0;
  for (std::size_t j = 0; j < mask.size(); ++j)
    if (mask[j] != 0 && rate_host_[j] != T(0))
      sum += std::max(0.0, static_cast<double>(energy_host_[j]) - static_cast<double>(kept_energy_[j]));
  trace_.further = sum / static_cast<double>(std::max<Index>(1, last.active_count));
  device_.fill(rejected_, T(1));
  for (std::size_t l = 0; l < high; ++l) {
    levels[l]->restore(rejected_);
    levels[l]->count_work(true);
  }
}

/// Throws where a free energy just measured is no number; names the lowest level whose own is none.
template <class T>
void Relaxation<T>::check(Levels& levels, std::size_t low, std::size_t high, const Step<T>& step, std::span<const std::uint8_t> mask) {
  const auto broken = [&] {
    for (std::size_t j = 0; j < mask.size(); ++j)
      if (mask[j] != 0 && !std::isfinite(energy_host_[j])) return j;
    return mask.size();
  };
  std::size_t stream = broken();
  if (stream == mask.size()) return;
  auto value = static_cast<double>(energy_host_[stream]);
  std::size_t level = low;
  for (std::size_t l = low; l < high; ++l) {
    measure(levels, l, l + 1, energy_host_);
    const std::size_t its = broken();
    if (its == mask.size()) continue;
    level = l;
    stream = its;
    value = static_cast<double>(energy_host_[its]);
    break;
  }
  throw NumericalError(static_cast<std::int64_t>(step.index), std::to_string(level), "free energy of stream " + std::to_string(stream),
                       value, "lower learning.rate or relaxation.rate, or look for NaN in the model's weights");
}

template class Relaxation<float>;
template class Relaxation<double>;

}  // namespace strata
