// What a tick's error teaches: columns stashed, eligibility of the words behind the memory, gradients. See levels/situation.hpp.

#include <algorithm>
#include <cmath>

#include "levels/situation.hpp"

namespace strata {

namespace {
constexpr Index exact_lags = 6;
}

template <class T>
void SituationLevel<T>::learn(const Step<T>& step) {
  const Index first = step.slot * streams_;
  stashed_ = step.slot + 1;
  if (activation_.on()) {
    stash_ticks(first);
  } else {
    device_.copy(ek_, stash_e_.cols_at(first, streams_));
    objective_.teach(stash_e_.cols_at(first, streams_), first);
    device_.copy(h_used_, stash_h_.cols_at(first, streams_));
    if (above_ > 0) device_.copy(above_used_, stash_above_.cols_at(first, streams_));
  }
  if ((reach_ == 0 && !scales_.learned()) || !any(ticking_)) return;
  products_.multiply(true, memory_in_.back(), ek_.view(), T(0), eligible_, ticking_);
  if (scales_.learned()) scales_.learn(nominal_scale_, eligible_.view());
  if (reach_ > 0) teach_words();
}

/// Columns of the streams that tick, side by side.
template <class T>
void SituationLevel<T>::stash_ticks(Index first) {
  if (!any(ticking_) && objective_.empty()) return;
  device_.copy(ek_, tmp_);
  objective_.teach(tmp_, first);
  const auto keep = [&](Tensor<T>& from, Index stream, Tensor<T>& to) {
    device_.copy(from.cols_at(stream, 1), to.cols_at(stashed_ticks_, 1));
  };
  for (Index j = 0; j < streams_; ++j) {
    if (ticking_[static_cast<std::size_t>(j)] == 0) continue;
    keep(tmp_, j, stash_e_);
    keep(h_used_, j, stash_h_);
    if (above_ > 0) keep(above_used_, j, stash_above_);
    keep(rho_window_, j, stash_rho_);
    keep(fd_mu_, j, stash_fd_);
    device_.fill(rho_window_.cols_at(j, 1), T(0));
    ++stashed_ticks_;
  }
}

/// dS[w_s] += sum_q sqrt(1 - a_q^2) a_q^(age) V_q' e: the newest tokens exactly, then every 8th standing for 8.
template <class T>
void SituationLevel<T>::teach_words() {
  const Index ring = static_cast<Index>(ring_.size()) / streams_;
  const Index half = lag_stride / 2, reach = scales_.learned() ? std::min(reach_, reach_of(scales_.tau(1))) : reach_;
  for (int q = 0; q < 2; ++q) {
    const double a = scales_.leak(q), unit = std::sqrt(1 - a * a);
    scatters_.clear();
    for (Index j = 0; j < streams_; ++j) {
      const auto s = static_cast<std::size_t>(j);
      if (ticking_[s] == 0) continue;
      const Index newest = read_[s] - elapsed_[s] + 1;  // tokens that h of this forecast had seen
      const Index held = std::min(std::max<Index>(0, newest - begin_[s]), ring - elapsed_[s] + 1);  // not forgotten since, here or by it
      for (Index age = 0; age < std::min(held, reach);) {
        const bool single = settings_.exact_eligibility || age < exact_lags;
        const Index at = single ? age : age + half;
        if (at >= held) break;
        const double weight = unit * std::pow(a, static_cast<double>(at)) * (single ? 1.0 : static_cast<double>(lag_stride));
        const auto id = ring_[static_cast<std::size_t>(j * ring + (newest - 1 - at) % ring)];
        scatters_.push_back({id, static_cast<std::int32_t>(j), nominal_scale_ * static_cast<T>(weight)});
        age += single ? 1 : lag_stride;
      }
    }
    device_.scatter_add_columns(eligible_.rows_at(q * inputs_, units_), scatters_, lexicon_.vectors.gradient);
  }
}

template <class T>
void SituationLevel<T>::accumulate(T scale, bool learning) {
  if (learning && stashed_ > 0) {
    const Index n = activation_.on() ? stashed_ticks_ : stashed_ * streams_;
    const auto part = [n](Tensor<T>& x) { return ConstView<T>(x.cols_at(0, n)); };
    if (n > 0) {
      products_.outer(scale, part(stash_e_), part(stash_h_), memory_in_.gradient);
      if (above_ > 0) products_.outer(scale, part(stash_e_), part(stash_above_), above_in_.gradient);
      device_.row_sum(scale, part(stash_e_), device_.ones(n), T(1), bias_.gradient);
      products_.outer(scale, part(stash_rho_), part(stash_fd_), share_out_.gradient);
    }
    objective_.accumulate(scale, stashed_ * streams_);
  }
  stashed_ = stashed_ticks_ = 0;
  broad_.settle(scale, learning, memory_in_, above_ > 0 ? &above_in_ : nullptr, bias_);
}

template <class T>
void SituationLevel<T>::held_share(View<T> stream) {
  device_.gemm(false, false, T(1), share_out_.value.view(), stash_fd_.cols_at((stashed_ - 1) * streams_, streams_), T(1), stream);
}

template <class T>
void SituationLevel<T>::held_energy(ConstView<T>, View<T> energy) {
  device_.affine(memory_in_.value, h_used_, bias_.value, T(0), tmp_);
  if (settings_.carry) device_.axpby(static_cast<T>(gain_), kap_used_, T(1), tmp_);
  if (above_ > 0) device_.gemm(false, false, T(1), above_in_.value.view(), above_used_.view(), T(1), tmp_);
  device_.fill(new_norm_, T(0));
  device_.prediction_error(static_cast<T>(settings_.precision), x_, tmp_, delta_, new_norm_);
  for (std::size_t j = 0; j < ticking_.size(); ++j) host_[j] = ticking_[j] != 0 ? static_cast<T>(elapsed_[j]) : T(0);
  device_.upload(host_, factor_);
  device_.multiply(new_norm_, factor_, new_norm_);  // a window's error counts for each of its k tokens
  device_.axpby(T(1), new_norm_, T(1), energy);
  objective_.add_value(tmp_, energy);
}

template class SituationLevel<float>;
template class SituationLevel<double>;

}  // namespace strata
